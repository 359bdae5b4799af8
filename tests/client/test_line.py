"""The line client as a person and as a script see it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date
from pathlib import Path

import pytest

from zchat.client import connect
from zchat.client.commands.questions import Question
from zchat.client.line.line_client import LineClient
from zchat.client.text.renderer import Renderer
from zchat.protocol.messages import (
    MessagePosted,
    PresenceChanged,
    RefusalCode,
    Refused,
    RoomOpened,
)

from .fake_gateway import FakeGateway, until

MAIN = "from zchat.client.cli.main import main; main()"


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


@asynccontextmanager
async def line_client(
    gateway: FakeGateway, shown: list[str], answers: Sequence[str] | None = None
) -> AsyncIterator[LineClient]:
    """`answers` are given to the questions that are asked, one after another."""
    waiting = list(answers or ())

    async def ask(questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        return [waiting.pop(0) for _ in questions]

    async with connect("ann", gateway.address) as chat:
        render = Renderer("ann", date(2023, 11, 14), UTC, colour=False)
        client = LineClient(chat, render, shown.extend, None if answers is None else ask)
        following = asyncio.create_task(client.follow())
        yield client
        await client.quit(10)
        await following


async def until_shown(shown: list[str], words: str) -> None:
    await until(lambda: any(words in line for line in shown))


async def test_own_messages_show_where_they_stand_in_the_log(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown) as client:
        gateway.say("#lobby", "bob", MessagePosted("first"))
        assert client.enter("second")
        assert client.enter("")
        await until_shown(shown, "second")
        gateway.say("#lobby", "bob", MessagePosted("third"))
        await until_shown(shown, "third")
    assert shown == [
        "* you are ann (a guest; :register keeps the name)",
        "22:13 bob: first",
        "22:14 ann: second",
        "22:15 bob: third",
    ]


async def test_a_lost_connection_is_two_quiet_lines_and_no_lost_word(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown) as client:
        gateway.stop()
        await until_shown(shown, "* connection lost; reconnecting…")
        client.enter("typed meanwhile")
        await gateway.start()
        await until_shown(shown, "ann: typed meanwhile")
    assert shown[1:] == [
        "* connection lost; reconnecting…",
        "* connected again",
        "22:13 ann: typed meanwhile",
    ]


async def test_a_look_around_that_comes_too_late_is_let_be(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown) as client:
        await client.quit(10)
        client.look_around()
        assert not client.anything_refused


async def test_a_mistake_sends_nothing(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown) as client:
        client.enter(":pm bob")
        assert client.anything_refused
        client.enter(":rm nowhere hi")
        await until_shown(shown, "! there is no room nowhere")
    assert "! :pm: the message is missing. Usage: :pm <name> <message>" in shown
    assert gateway.server.texts("#lobby") == []


async def test_what_the_client_answers_itself(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown, ["correct horse"] * 2) as client:
        for line in (":ping", ":whoami", ":help cr", ":cr ops", ":topic ops", ":register"):
            client.enter(line)
        await until_shown(shown, "your name is registered")
        await until_shown(shown, "room-service")
        assert not client.enter(":quit")
    assert "#ops: (no topic)" in shown
    assert ":cr <room> [private]" in shown


async def test_names_and_rooms_are_learnt_for_completion(gateway: FakeGateway) -> None:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from zchat.client.line.terminal import LineCompleter

    shown: list[str] = []
    async with line_client(gateway, shown) as client:
        gateway.say("#lobby", "carol", RoomOpened("garden"))
        gateway.push([PresenceChanged(["dave"], [], 0, 0, 2)])
        await until_shown(shown, "dave")
        completer = LineCompleter(client)

        def complete(line: str) -> list[str]:
            found = completer.get_completions(Document(line), CompleteEvent())
            return [completion.text for completion in found]

        assert complete(":lr") == [":lr", ":lrs", ":lru"]
        assert complete(":jr g") == ["garden"]
        assert complete(":jr #g") == ["#garden"]
        assert complete(":pm ") == ["carol", "dave"]
        assert complete(":history @d") == ["@dave"]
        assert complete(":help hi") == ["history"]
        assert complete("text") == []
        assert complete(":pm dave te") == []
        assert complete(":talk dave c") == ["carol"]


def test_the_history_keeps_no_password(tmp_path: Path) -> None:
    from zchat.client.line.terminal import SecretFreeFileHistory

    path = tmp_path / "history"
    history = SecretFreeFileHistory(str(path), lambda line: line == "hunter2")
    history.append_string(":register correct horse")
    history.append_string("hunter2")
    history.append_string(":lrs")
    assert "horse" not in path.read_text()
    assert history.get_strings() == [":lrs"]


async def test_answers_to_what_was_not_asked_are_not_said(gateway: FakeGateway) -> None:
    """By a slip of the finger, or by a guest whom the server would not listen to."""
    shown: list[str] = []
    async with line_client(gateway, shown, []) as client:
        for line in (":pasword", "old horse", ":password", "old horse", "new horse", "new horse"):
            client.enter(line)
        for line in (":pasword", ":whoami", "hello"):
            client.enter(line)
        await until(lambda: bool(gateway.server.texts("#lobby")))
        assert gateway.server.texts("#lobby") == ["hello"]


async def test_a_guest_is_told_which_rooms_quitting_costs(gateway: FakeGateway) -> None:
    shown: list[str] = []
    async with line_client(gateway, shown, []) as client:
        client.enter(":cr kitchen")
        await until_shown(shown, "you created #kitchen")
        assert client.enter(":quit")
        await until_shown(shown, "You own #kitchen: a guest who quits owns nothing any more")
        assert not client.enter(":quit")


# --- As a script sees it --------------------------------------------------------------------------


async def script(
    *arguments: str, lines: bytes = b"", program: str = MAIN, **environment: str
) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Of a person's own tokens none is read or written.
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent", **environment},
    )
    out, error = await asyncio.wait_for(process.communicate(lines), 90)
    return process.returncode, out.decode(), error.decode()


async def test_a_pipe_says_all_its_lines_and_ends(gateway: FakeGateway) -> None:
    lines = b"".join(b"%d\n" % number for number in range(3_000)) + b"bad \xff\nno newline"
    code, out, error = await script("ann", "--address", gateway.address, lines=lines)
    assert (code, error) == (1, "")
    assert "a text must be valid UTF-8; this one is not" in out
    expected = [*map(str, range(3_000)), "no newline"]
    assert gateway.server.texts("#lobby") == expected
    assert [line.split(": ")[1] for line in out.splitlines() if " ann: " in line] == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_client_that_is_told_to_leave_says_goodbye(
    gateway: FakeGateway, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MAIN, "ann", "--address", gateway.address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello\n")
    while b"hello" not in await asyncio.wait_for(process.stdout.readline(), 90):
        pass
    process.send_signal(number)
    await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, gateway.goodbyes) == (0, 1)


async def test_the_rest_of_a_line_that_is_too_long_is_not_said(gateway: FakeGateway) -> None:
    long = b"x" * 200_000 + b" :and this is no line of its own"
    code, out, _ = await script(
        "ann", "--address", gateway.address, lines=long + b"\nthe next line\n"
    )
    assert code == 1
    assert gateway.server.texts("#lobby") == ["the next line"]
    assert "16,000 characters" in out


async def test_a_refused_line_is_exit_code_1(gateway: FakeGateway) -> None:
    code, out, _ = await script("ann", "--address", gateway.address, lines=b":rm nowhere hi\n")
    assert code == 1
    assert "! there is no room nowhere" in out


@pytest.mark.parametrize("arguments", [(), ("a/b",), ("ann", "--address", "x"), ("ann", "bob")])
async def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    code, _, error = await script(*arguments)
    assert code == 2
    assert len(error.splitlines()) == 1


async def test_no_login_is_exit_code_3(gateway: FakeGateway) -> None:
    gateway.refusal = Refused(0, RefusalCode.PASSWORD_REQUIRED, "The name is registered")
    code, _, error = await script("ann", "--address", gateway.address)
    assert code == 3
    assert "The name is registered; give it with --password-file or ZCHAT_PASSWORD" in error


async def test_passwords_come_from_the_environment_or_a_file(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    await script("ann", "--address", gateway.address, ZCHAT_PASSWORD="from the environment")
    await script("ann", "--address", gateway.address, "--password-file", str(file))
    passwords = [login.password for login in gateway.logins]
    assert passwords == ["from the environment", "from the file"]


async def test_unconfirmed_words_are_exit_code_4(gateway: FakeGateway) -> None:
    program = f"import zchat.client.line.startup as m; m.PIPE_QUIT_TIMEOUT_S = 0.2; {MAIN}"
    gateway.mute_once_logged_in = True
    code, _, error = await script(
        "ann", "--address", gateway.address, lines=b"hello\n", program=program
    )
    assert code == 4
    assert "1 message is not confirmed" in error


async def test_a_pipe_does_not_wait_for_the_terminal_library(gateway: FakeGateway) -> None:
    program = (
        "import sys, atexit; atexit.register(lambda: print('prompt_toolkit' in sys.modules));"
        f"{MAIN}"
    )
    _, out, _ = await script("ann", "--address", gateway.address, program=program)
    assert out.splitlines()[-1] == "False"


async def test_answers_in_a_pipe_where_nothing_is_asked_are_not_said(gateway: FakeGateway) -> None:
    lines = b":password\nold horse\nnew horse\nnew horse\nhello\n"
    code, out, _ = await script("ann", "--address", gateway.address, lines=lines)
    assert gateway.server.texts("#lobby") == ["hello"]
    assert (code, out.count("not said")) == (1, 3)
