"""The subcommands as scripts call them: what they print, and how they end."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from zchat.client.cli.main import SUBCOMMANDS
from zchat.client.cli.tail import BATCH_MAX
from zchat.programs import client_entry
from zchat.protocol import limits
from zchat.protocol.messages import (
    MemberJoined,
    MemberKicked,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    RefusalCode,
    Refused,
    RoomCreated,
    TopicChanged,
)

from .fake_gateway import FakeGateway, until

MAIN = (
    "import sys; sys.argv[0] = 'zchat-client'; from zchat.programs.client_entry import main; main()"
)
Ended = tuple[int, str, str]


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


class Machine:
    """Where scripts run: a folder for what they remember."""

    def __init__(self, gateway: FakeGateway, folder: Path) -> None:
        self._address = gateway.address
        self._folder = str(folder)

    def has_cursor(self) -> bool:
        return any(path.suffix == "" for path in Path(self._folder).rglob("cursors/*"))

    @asynccontextmanager
    async def start(
        self,
        *arguments: str,
        out: int = PIPE,
        environment: dict[str, str] | None = None,
        shell: str = 'exec "$@"',
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        here = {"XDG_CONFIG_HOME": self._folder, "XDG_STATE_HOME": self._folder}
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", shell, "sh", sys.executable, "-c", MAIN, *arguments),
            stdin=PIPE,
            stdout=out,
            stderr=PIPE,
            env={
                **os.environ,
                **here,
                "ZCHAT_ADDRESS": self._address,
                "ZCHAT_USER": "ann",
                **(environment or {}),
            },
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def run(self, *arguments: str, text: bytes = b"", **environment: str) -> Ended:
        async with self.start(*arguments, environment=environment) as process:
            out, error = await asyncio.wait_for(process.communicate(text), 90)
            assert process.returncode is not None
            return process.returncode, out.decode(), error.decode()


@pytest.fixture
def machine(gateway: FakeGateway, tmp_path: Path) -> Machine:
    return Machine(gateway, tmp_path)


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 90)).decode()


# --- Who, where and what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "-u", "bob", "lobby", "hi"),
        ("-u", "bob", "send", "lobby", "hi"),
        ("--user=bob", "--device", "tail", "send", "lobby", "hi"),
        ("send", "lobby", "hi", "-u", "bob"),
    ],
    ids=" ".join,
)
async def test_options_stand_before_the_subcommand_or_after_it(
    gateway: FakeGateway, machine: Machine, arguments: tuple[str, ...]
) -> None:
    assert await machine.run(*arguments) == (0, "", "")
    assert gateway.logins[0].name == "bob"
    assert gateway.server.texts("#lobby") == ["hi"]


@pytest.mark.parametrize("arguments", [("-u", "send"), ("--", "send")], ids=" ".join)
async def test_who_is_called_like_a_subcommand_can_chat(
    gateway: FakeGateway, machine: Machine, arguments: tuple[str, ...]
) -> None:
    code, _, _ = await machine.run(*arguments, text=b"hello\n")
    assert code == 0
    assert gateway.logins[0].name == "send"
    assert gateway.server.texts("#lobby") == ["hello"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("send",), "Missing argument 'ROOM|@USER'"),
        (("send", "a/b", "hi"), "'a/b' is no name"),
        (("send", "lobby", ""), "there is nothing to say"),
        (("send", "lobby", "\u200b\u2060"), "there is nothing to say"),
        (("tail", "lobby", "-n", "x"), "not a whole number"),
        (("join", "@bob"), "no room but a person"),
        (("tail", "lobby", "--cursor", "../x"), "no name of a cursor"),
        (("ann", "-u", "bob"), "are you ann or bob"),
        (("--json", "ann"), "No such option '--json'"),
        (("send", "--user", "a/b", "lobby"), "'a/b' is no name"),
    ],
    ids=str,
)
async def test_wrong_usage_is_said_in_one_line(
    gateway: FakeGateway, machine: Machine, arguments: tuple[str, ...], why: str
) -> None:
    code, out, error = await machine.run(*arguments)
    assert (code, out) == (2, "")
    assert len(error.splitlines()) == 1
    assert why in error
    assert gateway.logins == []


async def test_nobody_is_asked_for_by_its_own_sentence(machine: Machine) -> None:
    code, _, error = await machine.run("rooms", ZCHAT_USER="")
    assert code == 2
    assert "for example: zchat-client rooms -u ann" in error


# --- send -----------------------------------------------------------------------------------------


async def test_a_paste_is_one_message(gateway: FakeGateway, machine: Machine) -> None:
    paste = "".join(f"line {number}\n" for number in range(200))
    for arguments in (("#lobby",), ("lobby", "-")):
        assert await machine.run("send", *arguments, text=paste.encode()) == (0, "", "")
    assert gateway.server.texts("#lobby") == [paste.rstrip("\n")] * 2


async def test_words_are_one_message_and_the_answer_says_where(
    gateway: FakeGateway, machine: Machine
) -> None:
    code, out, _ = await machine.run("send", "--json", "@bob", "two", "words")
    assert code == 0
    assert json.loads(out) == {"kind": "done", "log": "@ann", "sequence": 1}
    [entry] = gateway.server.logs["@ann"]
    assert entry.body == PrivateMessageSent("bob", "two words")


@pytest.mark.parametrize("arguments", [("send", "lobby"), ("ann",)], ids=" ".join)
async def test_an_input_that_cannot_be_read_is_wrong_usage(
    machine: Machine, arguments: tuple[str, ...]
) -> None:
    async with machine.start(*arguments, shell='exec "$@" <&-') as process:
        _, error = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 2
        assert error.startswith(b"zchat-client: cannot read the ")
        assert error.endswith(b": Bad file descriptor\n")


async def test_what_is_too_long_is_not_tried(gateway: FakeGateway, machine: Machine) -> None:
    code, _, error = await machine.run("send", "lobby", text=b"x" * 1_000_000)
    assert code == 2
    assert f"at most {limits.TEXT_CHARS_MAX:,} characters" in error
    assert gateway.logins == []


async def test_a_refusal_is_exit_code_1(machine: Machine) -> None:
    code, out, error = await machine.run("send", "nowhere", "hi")
    assert (code, out, error) == (1, "", "zchat-client: there is no room nowhere\n")


def slow_mode(wait_ms: int) -> Refused:
    return Refused(None, RefusalCode.TOO_FAST, "one message in a while", wait_ms)


async def test_slow_mode_is_waited_for(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.too_fast = [slow_mode(600)]
    assert await machine.run("send", "lobby", "hi") == (0, "", "")
    assert gateway.server.texts("#lobby") == ["hi"]


async def test_what_is_to_be_tried_later_is_exit_code_5(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.too_fast = [slow_mode(60_000)]
    code, out, error = await machine.run("send", "--timeout", "5", "lobby", "hi")
    assert (code, out, error) == (5, "", "zchat-client: one message in a while\n")
    assert gateway.server.texts("#lobby") == []


@pytest.mark.parametrize("place", ["lobby", "@bob"])
async def test_what_has_a_key_is_said_once(
    gateway: FakeGateway, machine: Machine, place: str
) -> None:
    send = ("send", "--json", "--idempotency-key", "backup", place)
    gateway.mute_once_logged_in = True
    assert (await machine.run(*send, "done", "--timeout", "0.5"))[0] == 4
    gateway.mute = gateway.mute_once_logged_in = False
    first = await machine.run(*send, "done")
    assert first[0] == 0
    assert await machine.run(*send, "done") == first
    log = "#lobby" if place == "lobby" else "@ann"
    assert len(gateway.server.logs[log]) == 1
    code, out, error = await machine.run(*send, "failed")
    assert (code, out) == (1, "")
    assert "the key 'backup' was used for another message: number 1 there" in error
    assert (await machine.run("send", "--idempotency-key", "other", place, "done"))[0] == 0
    assert len(gateway.server.logs[log]) == 2


async def test_what_was_refused_with_a_key_can_be_said_with_it(
    gateway: FakeGateway, machine: Machine
) -> None:
    send = ("send", "--idempotency-key", "backup", "--timeout", "5", "lobby", "done")
    for _ in range(3):
        gateway.server.too_fast = [slow_mode(60_000)]
        assert (await machine.run(*send))[0] == 5
    for _ in range(2):
        assert await machine.run(*send) == (0, "", "")
    assert gateway.server.texts("#lobby") == ["done"]


async def test_a_key_of_which_nothing_is_known_any_more_says_nothing_again(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.too_fast = [Refused(None, RefusalCode.OVERTAKEN, "a newer nonce")]
    code, _, error = await machine.run("send", "--idempotency-key", "backup", "lobby", "done")
    assert code == 4
    assert "nobody knows what became of it" in error


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"caf\xe9", "must be valid UTF-8"),
        (b"\x1b[31mred", "cannot hold U+001B, which is character 1 "),
        (b"a\0b", "cannot hold U+0000, which is character 2 "),
        ("\u202etxt".encode(), "cannot hold U+202E"),
    ],
    ids=repr,
)
async def test_nothing_is_said_that_was_not_meant(
    gateway: FakeGateway, machine: Machine, text: bytes, why: str
) -> None:
    code, out, error = await machine.run("send", "lobby", text=text)
    assert (code, out) == (2, "")
    assert why in error
    if b"\0" not in text:
        code, out, again = await machine.run("send", "lobby", os.fsdecode(text))
        assert (code, out, again) == (2, "", error)
    assert gateway.logins == []


async def test_line_ends_of_windows_are_those_of_all_others(
    gateway: FakeGateway, machine: Machine
) -> None:
    assert await machine.run("send", "lobby", text=b"a\r\nb\tc\r\n") == (0, "", "")
    assert gateway.server.texts("#lobby") == ["a\nb\tc"]


async def test_a_server_that_is_not_there_is_exit_code_3(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.stop()
    code, _, error = await machine.run("send", "--timeout", "0.3", "lobby", "hi")
    assert code == 3
    assert "cannot connect" in error


async def test_a_refused_login_is_exit_code_3(gateway: FakeGateway, machine: Machine) -> None:
    gateway.refusal = Refused(0, RefusalCode.PASSWORD_REQUIRED, "The name is registered")
    code, _, error = await machine.run("send", "lobby", "hi")
    assert code == 3
    assert "The name is registered; give it with --password-file" in error


async def test_an_answer_that_does_not_come_is_exit_code_4(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.mute_once_logged_in = True
    code, _, error = await machine.run("send", "--timeout", "0.5", "lobby", "hi")
    assert code == 4
    assert "1 message is not confirmed" in error


async def test_a_send_that_is_told_to_stop_says_that_it_does_not_know(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.mute_once_logged_in = True
    async with machine.start("send", "lobby", "hi") as process:
        # Its greeting, its login, and what it says.
        await until(lambda: gateway.heard == 3)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 90) == 4


async def test_nothing_that_was_said_before_is_sent_to_who_speaks(
    gateway: FakeGateway, machine: Machine
) -> None:
    for _ in range(5):
        gateway.server.append("#lobby", "bob", MessagePosted("old"))
    await machine.run("send", "lobby", "hi")
    assert gateway.logins[0].logs == []
    # For a gateway that is older than that one can ask for that.
    assert gateway.logins[0].cursors == {"#lobby": limits.INTEGER_MAX, "@ann": limits.INTEGER_MAX}
    # Nor does it count as read.
    assert gateway.server.marks == []


@pytest.mark.parametrize(
    ("arguments", "logs"),
    [
        (("history", "lobby"), []),
        (("search", "hi"), []),
        (("rooms",), []),
        (("users",), []),
        (("export", "lobby"), []),
        (("tail", "lobby"), ["#lobby"]),
        (("tail", "lobby", "@bob"), ["#lobby", "@ann"]),
    ],
    ids=str,
)
async def test_nothing_is_sent_but_what_was_asked_for(
    gateway: FakeGateway, machine: Machine, arguments: tuple[str, ...], logs: list[str]
) -> None:
    assert (await machine.run(*arguments))[0] == 0
    assert gateway.logins[0].logs == logs


# --- Reading --------------------------------------------------------------------------------------


def fill(gateway: FakeGateway, count: int) -> None:
    for number in range(1, count + 1):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
        gateway.server.append("#lobby", "carol", MemberJoined())


async def test_history_counts_messages(gateway: FakeGateway, machine: Machine) -> None:
    fill(gateway, 300)
    code, out, _ = await machine.run("history", "lobby", "-n", "250")
    texts = [line.partition(": ")[2] for line in out.splitlines()]
    assert (code, texts) == (0, [f"message {number}" for number in range(51, 301)])
    _, out, _ = await machine.run("history", "lobby", "-n", "2", "--before", "5", "--all")
    assert [line.split(" ", 2)[2] for line in out.splitlines()] == [
        "bob: message 2",
        "* carol joined the lobby",
    ]


async def test_not_much_more_is_read_than_is_wanted(gateway: FakeGateway, machine: Machine) -> None:
    fill(gateway, 300)
    for command in ("history", "tail"):
        code, out, _ = await machine.run(command, "lobby", "-n", "3")
        assert (code, len(out.splitlines())) == (0, 3)
    assert [limit < 20 for limit in gateway.server.history_limits] == [True, True]


async def test_an_export_is_all_of_it_oldest_first(gateway: FakeGateway, machine: Machine) -> None:
    fill(gateway, 450)
    code, out, _ = await machine.run("export", "lobby", "--json")
    sequences = [json.loads(line)["sequence"] for line in out.splitlines()]
    assert (code, sequences) == (0, list(range(1, 901)))


async def test_text_of_others_cannot_steer_the_terminal(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.append("#lobby", "bob", MessagePosted("\x1b]2;owned\x07 \u202etxt\nnext"))
    _, out, _ = await machine.run("history", "lobby")
    assert out == "2023-11-14 22:13:20 bob: ]2;owned txt\n    next\n"


async def test_edits_are_lines_of_their_own_for_programs(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.append("#lobby", "bob", MessagePosted("now"))
    gateway.server.append("#lobby", "bob", MessageEdited(1, "now"))
    _, out, _ = await machine.run("history", "lobby")
    assert len(out.splitlines()) == 1
    _, out, _ = await machine.run("--json", "history", "lobby")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == [
        "message_posted",
        "message_edited",
    ]


@pytest.mark.parametrize(("command", "name"), [("rooms", "room"), ("users", "name")])
async def test_lists_are_for_people_and_for_programs(
    machine: Machine, command: str, name: str
) -> None:
    _, out, _ = await machine.run(command)
    expected = {"rooms": "lobby", "users": "ann"}[command]
    assert expected in out
    _, out, _ = await machine.run(command, "--json")
    assert [json.loads(line)[name] for line in out.splitlines()] == [expected]


async def test_rooms_are_joined_and_left(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("hi"))
    code, out, _ = await machine.run("join", "ops", "--json")
    assert (code, json.loads(out)["log"]) == (0, "#ops")
    assert "#ops" in gateway.server.followed
    assert await machine.run("leave", "ops") == (0, "", "")
    assert "#ops" not in gateway.server.followed


# --- Doing ----------------------------------------------------------------------------------------


async def test_messages_are_edited_deleted_and_reacted_to(
    gateway: FakeGateway, machine: Machine
) -> None:
    for place, log in (("lobby", "#lobby"), ("@bob", "@ann")):
        assert (await machine.run("send", place, "one"))[0] == 0
        assert await machine.run("edit", place, "1", text=b"two\n") == (0, "", "")
        assert await machine.run("react", place, "1", "+1") == (0, "", "")
        assert await machine.run("unreact", place, "1", "+1") == (0, "", "")
        code, out, _ = await machine.run("delete", "--json", place, "1", "--reason", "not here")
        done = {"kind": "done", "log": log, "sequence": 5}
        assert (code, json.loads(out)) == (0, done)
        assert [entry.body for entry in gateway.server.logs[log]][1:] == [
            MessageEdited(1, "two"),
            ReactionAdded(1, "+1"),
            ReactionRemoved(1, "+1"),
            MessageDeleted(1, "not here"),
        ]


async def test_rooms_are_made_and_named(gateway: FakeGateway, machine: Machine) -> None:
    assert await machine.run("create-room", "ops") == (0, "", "")
    assert await machine.run("topic", "ops", "all", "is", "well") == (0, "", "")
    assert await machine.run("topic", "ops", "") == (0, "", "")
    assert [entry.body for entry in gateway.server.logs["#ops"]] == [
        RoomCreated(),
        TopicChanged("all is well"),
        TopicChanged(""),
    ]
    assert (await machine.run("topic", "nowhere", "x"))[0] == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("edit", "ops", "x", "y"), "not a whole number"),
        (("edit", "ops", "0", "y"), "out of range"),
        (("edit", "ops", "1", ""), "there is nothing to say"),
        (("react", "ops", "1", "two words"), "a reaction is an emoji"),
        (("pin", "@bob", "1"), "no room but a person"),
        (("invite", "ops", "a/b"), "'a/b' is no name"),
        (("topic", "ops", "x" * 1000), "a topic has at most"),
    ],
    ids=str,
)
async def test_what_cannot_be_done_is_not_tried(
    gateway: FakeGateway, machine: Machine, arguments: tuple[str, ...], why: str
) -> None:
    code, out, error = await machine.run(*arguments)
    assert (code, out) == (2, "")
    assert why in error
    assert gateway.logins == []


# --- tail -----------------------------------------------------------------------------------------


async def test_tail_begins_with_the_last_and_goes_on(
    gateway: FakeGateway, machine: Machine
) -> None:
    fill(gateway, 20)
    async with machine.start("tail", "-f", "-n", "2", "lobby") as process:
        assert "message 19" in await line_of(process)
        assert "message 20" in await line_of(process)
        gateway.say("#lobby", "bob", MessagePosted("live"))
        assert "bob: live" in await line_of(process)
        gateway.cut()
        await until(lambda: len(gateway.logins) == 2)
        gateway.say("#lobby", "bob", MessagePosted("after the cut"))
        assert "after the cut" in await line_of(process)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 90) == 0
    assert gateway.goodbyes == 1
    assert gateway.server.marks == []


async def test_a_cursor_has_each_message_once(gateway: FakeGateway, machine: Machine) -> None:
    tail = ("tail", "--json", "--cursor", "x", "lobby")
    fill(gateway, 5)
    assert await machine.run(*tail) == (0, "", "")
    for round_ in range(3):
        fill(gateway, 2 + round_)
        code, out, _ = await machine.run(*tail)
        texts = [json.loads(line)["text"] for line in out.splitlines()]
        assert (code, texts) == (0, [f"message {number + 1}" for number in range(2 + round_)])
    assert await machine.run(*tail) == (0, "", "")


async def test_a_cursor_survives_that_its_process_is_killed(
    gateway: FakeGateway, machine: Machine
) -> None:
    handled = 0
    everything: list[int] = []
    for _ in range(3):
        async with machine.start("tail", "-f", "--json", "--cursor", "x", "lobby") as process:
            # Where it begins is where it stands now.
            await until(machine.has_cursor)
            for _ in range(20):
                gateway.say("#lobby", "bob", MessagePosted("hi"))
            while handled < len(gateway.server.logs["#lobby"]):
                sequence = json.loads(await line_of(process))["sequence"]
                # What was printed last may come once more, up to 500 entries of it and in their
                # order; but none is left out.
                assert handled - BATCH_MAX < sequence <= handled + 1
                if sequence > handled:
                    handled = sequence
                    everything.append(sequence)
            process.kill()
        gateway.say("#lobby", "bob", MessagePosted("meanwhile"))
    code, out, _ = await machine.run("tail", "--json", "--cursor", "x", "lobby")
    assert code == 0
    sequences = [json.loads(line)["sequence"] for line in out.splitlines()]
    assert sequences[0] > handled - BATCH_MAX
    everything += [sequence for sequence in sequences if sequence > handled]
    assert everything == list(range(1, len(gateway.server.logs["#lobby"]) + 1))


async def test_two_tails_cannot_share_a_cursor(gateway: FakeGateway, machine: Machine) -> None:
    async with machine.start("tail", "-f", "--cursor", "x", "lobby"):
        await until(lambda: bool(gateway.logins))
        code, _, error = await machine.run("tail", "--cursor", "x", "lobby")
        assert code == 1
        assert "another process uses the cursor" in error


async def test_a_conversation_is_only_what_two_have_said(
    gateway: FakeGateway, machine: Machine
) -> None:
    fill(gateway, 1)
    async with machine.start("tail", "-f", "@bob", "lobby") as process:
        assert "message 1" in await line_of(process)
        for author, body in (
            ("carol", PrivateMessageSent("ann", "not this")),
            ("bob", PrivateMessageSent("ann", "psst")),
            ("ann", PrivateMessageSent("carol", "nor this")),
            ("ann", PrivateMessageSent("bob", "yes?")),
        ):
            gateway.say("@ann", author, body)
        assert "[bob -> you] psst" in await line_of(process)
        assert "[you -> bob] yes?" in await line_of(process)


async def test_rooms_that_one_is_not_in_are_refused_with_a_hint(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("hi"))
    code, out, error = await machine.run("tail", "ops")
    assert (code, out) == (1, "")
    assert "ann is not in #ops: join it by zchat-client join ops, or give --join" in error
    async with machine.start("tail", "-f", "--join", "ops") as process:
        await until(lambda: "#ops" in gateway.server.followed)
        gateway.say("#ops", "bob", MessagePosted("welcome"))
        assert "welcome" in await line_of(process)


async def test_whoever_is_put_out_has_nothing_left_to_follow(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("hi"))
    gateway.server.followed["#ops"] = 0
    async with machine.start("tail", "-f", "ops") as process:
        await line_of(process)
        gateway.say("#ops", "bob", MemberKicked("ann", ""))
        assert process.stderr is not None
        error = await asyncio.wait_for(process.stderr.read(), 90)
        assert await process.wait() == 1
        assert b"ann is not in #ops any more" in error


async def test_tail_ends_when_nobody_reads_it(gateway: FakeGateway, machine: Machine) -> None:
    fill(gateway, 1)
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MAIN, "tail", "-u", "ann", "-f", "lobby"),
        *("--address", gateway.address),
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(write)
    assert await asyncio.to_thread(os.read, read, 100)
    os.close(read)
    _, error = await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, error) == (1, b"")


async def test_a_full_disk_is_said_and_nothing_is_remembered(
    gateway: FakeGateway, machine: Machine
) -> None:
    assert (await machine.run("tail", "--cursor", "x", "lobby"))[0] == 0
    fill(gateway, 1)
    full = os.open("/dev/full", os.O_WRONLY)
    async with machine.start("tail", "--cursor", "x", "lobby", out=full) as process:
        os.close(full)
        _, error = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 1
        assert error == b"zchat-client: cannot write the output: No space left on device\n"
    assert "message 1" in (await machine.run("tail", "--cursor", "x", "lobby"))[1]


async def test_an_interrupt_is_exit_code_130(gateway: FakeGateway, machine: Machine) -> None:
    fill(gateway, 1)
    async with machine.start("tail", "-f", "lobby") as process:
        await line_of(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert await asyncio.wait_for(process.stderr.read(), 90) == b""
        assert await process.wait() == 130


def test_no_subcommand_waits_for_what_it_does_not_need() -> None:
    import subprocess

    code = (
        "import sys; from zchat.client.cli.main import main, SUBCOMMANDS\n"
        "for name in SUBCOMMANDS: main.get_command(None, name)\n"
        "import zchat.client.sdk.chat, zchat.client.auth.login\n"
        "heavy = {'prompt_toolkit', 'textual', 'rich', 'wcwidth', 'uvloop', 'sqlite3', 'zmq'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert out == "[]\n"


def test_the_terminal_is_held_for_who_chats_and_for_no_script() -> None:
    assert SUBCOMMANDS.keys() == client_entry.SUBCOMMANDS
