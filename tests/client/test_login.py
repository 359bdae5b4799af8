"""How `zchat-client` logs in: once with a password, and from then on as a device that is known."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from integration.lines import TerminalProgram

from zchat.client import RefusedError, Scope, connect
from zchat.client.core.checks import InvalidRequest
from zchat.client.core.credentials import token_as_text
from zchat.protocol.messages import (
    ChangePassword,
    CreateAppToken,
    DeviceInfo,
    EnableTotp,
    RefusalCode,
    Refused,
    RevokeDevice,
)

from .fake_gateway import Account, FakeGateway, until

MAIN = "from zchat.programs.client_entry import main; main()"
PASSWORD = "correct horse"


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        gateway.server.guest = False
        gateway.account = Account(PASSWORD)
        yield gateway


def account(gateway: FakeGateway) -> Account:
    assert gateway.account is not None
    return gateway.account


class Machine:
    """Where one person has a configuration folder."""

    def __init__(self, gateway: FakeGateway, folder: Path) -> None:
        self.gateway = gateway
        self.folder = folder

    def environment(self, **more: str) -> dict[str, str]:
        here = {"XDG_CONFIG_HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder)}
        return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **here, **more}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", MAIN, "ann", "--address", self.gateway.address, *arguments]

    async def run(self, *arguments: str, lines: str = "", **environment: str) -> tuple[int, str]:
        """Returns the exit code, and all that was printed."""
        async with self.start(*arguments, **environment) as process:
            out, _ = await asyncio.wait_for(process.communicate(lines.encode()), 90)
            assert process.returncode is not None
            return process.returncode, out.decode()

    @asynccontextmanager
    async def start(
        self, *arguments: str, **environment: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment(**environment),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def terminal(self, *arguments: str) -> "Terminal":
        return Terminal(self.command("--line", *arguments), self.environment(TERM="xterm"))

    @property
    def kept(self) -> list[Path]:
        folder = self.folder / "zchat" / "tokens"
        return sorted(folder.glob("*-?")) if folder.exists() else []


class Terminal(TerminalProgram):
    """Without a cluster."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = environment
        self.output = ""
        self._news = asyncio.Event()
        self._reading = []


@pytest.fixture
def machine(gateway: FakeGateway, tmp_path: Path) -> Machine:
    return Machine(gateway, tmp_path)


# --- Devices --------------------------------------------------------------------------------------


async def test_a_password_is_needed_once(gateway: FakeGateway, machine: Machine) -> None:
    assert await machine.run("--device", "laptop", ZCHAT_PASSWORD=PASSWORD) == (
        0,
        "* you are ann (registered)\n",
    )
    code, _ = await machine.run(lines="again\n")
    assert code == 0
    first, second = gateway.logins
    assert (first.password, first.device) == (PASSWORD, "laptop")
    assert (second.password, second.device, second.token) == (None, "laptop", first.token)
    assert token_as_text(first.token) in machine.kept[0].read_text()


async def test_a_password_that_is_given_is_not_sent_without_need(
    gateway: FakeGateway, machine: Machine
) -> None:
    for _ in range(2):
        await machine.run(ZCHAT_PASSWORD=PASSWORD)
    assert [login.password for login in gateway.logins] == [PASSWORD, None]


async def test_guests_leave_nothing_behind(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.guest = True
    gateway.account = None
    assert (await machine.run())[0] == 0
    assert list(machine.folder.iterdir()) == []


async def test_a_guest_that_becomes_an_account_is_remembered(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.guest = True
    gateway.account = None
    assert (await machine.run(lines=f":register {PASSWORD}\n"))[0] == 0
    await machine.run()
    first, second = gateway.logins
    assert (second.token, second.password) == (first.token, None)


async def test_of_an_account_that_is_gone_nobody_becomes_a_guest(
    gateway: FakeGateway, machine: Machine
) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    gateway.server.guest = True
    code, out = await machine.run(lines="hello\n")
    assert code == 3
    assert "there is no account ann that this token is for; --forget removes the login" in out
    assert gateway.server.texts("#lobby") == []
    assert len(machine.kept) == 1


async def test_nothing_is_kept_unless_it_may_be(gateway: FakeGateway, machine: Machine) -> None:
    await machine.run("--no-remember", ZCHAT_PASSWORD=PASSWORD)
    assert list(machine.folder.iterdir()) == []
    assert gateway.logins[0].device == ""


async def test_two_clients_at_once_use_one_login(gateway: FakeGateway, machine: Machine) -> None:
    await machine.run("--device", "laptop", ZCHAT_PASSWORD=PASSWORD)
    async with machine.start() as first:
        await until(lambda: len(gateway.logins) == 2)
        assert (await machine.run())[0] == 0
        assert first.returncode is None
    assert len({login.token for login in gateway.logins}) == 1
    assert len({hello.instance for hello in gateway.hellos}) == len(gateway.logins) == 3
    assert len(machine.kept) == 1


async def test_a_token_that_others_can_read_is_refused(machine: Machine) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    machine.kept[0].chmod(0o644)
    code, out = await machine.run()
    assert code == 2
    assert re.fullmatch(r"zchat-client: others can read .*: run chmod 600 on it, .*\n", out)


async def test_a_client_that_cannot_keep_its_token_says_so_and_goes_on(machine: Machine) -> None:
    (machine.folder / "zchat").write_text("in the way")
    code, out = await machine.run(ZCHAT_PASSWORD=PASSWORD, lines="hello\n")
    assert code == 0
    assert "zchat-client: cannot look for a token of yours: Not a directory" in out
    assert "ann: hello" in out


async def test_a_token_that_was_revoked_makes_room_for_a_new_one(
    gateway: FakeGateway, machine: Machine
) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    account(gateway).tokens.clear()
    code, out = await machine.run()
    assert (code, "--password-file" in out) == (3, True)
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    [kept] = machine.kept
    assert token_as_text(gateway.logins[-1].token) in kept.read_text()
    assert (await machine.run())[0] == 0


async def test_a_client_that_is_logged_out_meanwhile_ends_and_says_why(
    gateway: FakeGateway, machine: Machine
) -> None:
    async with machine.start(ZCHAT_PASSWORD=PASSWORD) as process:
        await until(lambda: bool(gateway.logins))
        account(gateway).tokens.clear()
        gateway.push([Refused(None, RefusalCode.SESSION_ENDED, "Ended.")])
        assert process.stdout is not None
        out = await asyncio.wait_for(process.stdout.read(), 90)
        assert b"zchat-client: this client has been logged out" in out
        assert await process.wait() == 3


# --- Forgetting -----------------------------------------------------------------------------------


async def test_a_line_forgets_the_device(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.devices = [DeviceInfo(4, "laptop", 0, 0, True)]
    await machine.run("--device", "laptop", ZCHAT_PASSWORD=PASSWORD)
    code, _ = await machine.run(lines=":logout\n")
    assert code == 0
    [revoked] = gateway.server.done
    assert isinstance(revoked, RevokeDevice)
    assert revoked.device == 4
    assert machine.kept == []


async def test_an_option_forgets_the_device(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.devices = [DeviceInfo(4, "laptop", 0, 0, True)]
    await machine.run("--device", "laptop", ZCHAT_PASSWORD=PASSWORD)
    assert await machine.run("--forget") == (0, "")
    [revoked] = gateway.server.done
    assert isinstance(revoked, RevokeDevice)
    assert machine.kept == []
    assert await machine.run("--forget") == (0, "")


async def test_a_token_is_removed_also_where_nobody_can_be_told(
    gateway: FakeGateway, machine: Machine
) -> None:
    await machine.run("--device", "laptop", ZCHAT_PASSWORD=PASSWORD)
    gateway.refusal = Refused(0, RefusalCode.SUSPENDED, "You are suspended")
    code, out = await machine.run("--forget")
    assert code == 3
    assert "removed here, but not revoked: You are suspended" in out
    assert machine.kept == []


async def test_a_token_is_removed_also_while_a_client_runs(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.devices = [DeviceInfo(4, "laptop", 0, 0, True)]
    async with machine.start("--device", "laptop", ZCHAT_PASSWORD=PASSWORD) as running:
        await until(lambda: bool(machine.kept))
        assert await machine.run("--forget") == (0, "")
        assert machine.kept == []
        # It does not keep again what is of no use any more.
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 90) == 0
    assert machine.kept == []


# --- What else a login may need -------------------------------------------------------------------


async def test_an_app_token_needs_nothing_else(
    gateway: FakeGateway, machine: Machine, tmp_path: Path
) -> None:
    token = bytes(range(32))
    account(gateway).tokens[token] = "weather"
    file = tmp_path / "token"
    file.write_text(token.hex() + "\n")
    assert (await machine.run("--token-file", str(file)))[0] == 0
    assert (await machine.run(ZCHAT_TOKEN=token_as_text(token)))[0] == 0
    assert [(login.token, login.password, login.device) for login in gateway.logins] == [
        (token, None, "")
    ] * 2
    assert machine.kept == []


async def test_a_revoked_token_is_what_is_wrong_and_no_password(
    gateway: FakeGateway, machine: Machine
) -> None:
    account(gateway)
    code, out = await machine.run(ZCHAT_TOKEN=token_as_text(bytes(32)))
    assert (code, "or was revoked" in out, "--password-file" in out) == (3, True, False)


async def test_what_is_no_token_is_not_shown(machine: Machine, tmp_path: Path) -> None:
    code, out = await machine.run(ZCHAT_TOKEN="hunter2")
    assert (code, "hunter2" in out) == (2, False)
    assert "43 characters of base64url" in out
    assert (await machine.run("--token-file", str(tmp_path / "nothing")))[0] == 2


async def test_a_code_is_given_by_file_or_variable(
    gateway: FakeGateway, machine: Machine, tmp_path: Path
) -> None:
    account(gateway).code = "123456"
    code, out = await machine.run(ZCHAT_PASSWORD=PASSWORD)
    assert code == 3
    assert "No: code_required; give it with --code-file or ZCHAT_CODE" in out
    file = tmp_path / "code"
    file.write_text("123 456\n")
    for more in (("--code-file", str(file)), ()):
        options = ("--no-remember", *more)
        variable = {} if more else {"ZCHAT_CODE": "123456"}
        assert (await machine.run(*options, ZCHAT_PASSWORD=PASSWORD, **variable))[0] == 0
    assert [login.code for login in gateway.logins] == ["", "123456", "123456"]


async def test_who_has_a_code_of_an_operator_chooses_a_new_password(
    gateway: FakeGateway, machine: Machine, tmp_path: Path
) -> None:
    gateway.account = Account("forgotten")
    gateway.account.reset_code = "f3k9-0w2m"
    code, out = await machine.run(ZCHAT_PASSWORD="f3k9-0w2m")
    assert code == 3
    assert "; give it with --new-password-file or ZCHAT_NEW_PASSWORD" in out
    file = tmp_path / "new"
    file.write_text(f"{PASSWORD}\n")
    options = ("--new-password-file", str(file))
    assert (await machine.run(*options, ZCHAT_PASSWORD="f3k9-0w2m"))[0] == 0
    assert (gateway.logins[-1].password, gateway.logins[-1].new_password) == (
        "f3k9-0w2m",
        PASSWORD,
    )
    assert (await machine.run("--no-remember", ZCHAT_PASSWORD=PASSWORD))[0] == 0


async def test_an_account_is_made_in_one_step(gateway: FakeGateway, machine: Machine) -> None:
    gateway.account = Account(None, invitation="spring")
    code, out = await machine.run("--register", ZCHAT_PASSWORD=PASSWORD)
    assert (code, "; give it with --invitation" in out) == (3, True)
    invited = ("--register", "--invitation", "spring")
    assert (await machine.run(*invited, ZCHAT_PASSWORD=PASSWORD))[0] == 0
    last = gateway.logins[-1]
    assert (last.register, last.invitation, last.password) == (True, "spring", PASSWORD)
    assert (await machine.run())[0] == 0
    assert gateway.logins[-1].register is False


async def test_an_account_needs_a_password(machine: Machine) -> None:
    code, out = await machine.run("--register")
    assert (code, "--register needs a password" in out) == (2, True)


async def test_no_secret_is_shown_with_the_configuration(machine: Machine) -> None:
    code, out = await machine.run("--invitation", "spring", "--show-config")
    assert (code, "spring" in out) == (0, False)
    assert "(hidden)" in out


@pytest.mark.parametrize("line", [":password", ":totp on", ":totp off", ":delete-account"])
async def test_without_a_terminal_nothing_is_asked(machine: Machine, line: str) -> None:
    code, out = await machine.run(ZCHAT_PASSWORD=PASSWORD, lines=line + "\n")
    assert (code, "there is no terminal to ask on" in out) == (1, True)


# --- On a terminal --------------------------------------------------------------------------------


async def test_a_terminal_asks_for_what_is_missing(gateway: FakeGateway, machine: Machine) -> None:
    account(gateway).code = "123456"
    async with machine.terminal() as terminal:
        await terminal.shows("Password of ann:")
        await terminal.say(PASSWORD, "One-time code:")
        await terminal.say("123456", "you are ann .registered.")
        await terminal.say(":quit")
        assert await terminal.exit_code() == 0
    assert PASSWORD not in terminal.output
    assert len(machine.kept) == 1
    async with machine.terminal() as terminal:
        await terminal.shows("you are ann .registered.")


async def test_a_terminal_makes_an_account(gateway: FakeGateway, machine: Machine) -> None:
    gateway.account = Account(None, invitation="spring")
    async with machine.terminal("--register") as terminal:
        await terminal.shows("New password, 8 or more")
        await terminal.say("short", "8 to 256 characters", "New password")
        await terminal.say(PASSWORD, "Once more:")
        await terminal.say(PASSWORD, "Invitation:")
        await terminal.say("spring", "you are ann .registered.")
    assert PASSWORD not in terminal.output


async def test_two_passwords_that_differ_make_no_account(
    gateway: FakeGateway, machine: Machine
) -> None:
    async with machine.terminal("--register") as terminal:
        await terminal.shows("New password")
        await terminal.say(PASSWORD, "Once more:")
        await terminal.say("correct house", "the passwords differ", "New password")
        await terminal.say("", "nothing was given", "New password")
        await terminal.type("\x04")
        assert await terminal.exit_code() == 3
    assert not gateway.logins


async def test_a_dumb_terminal_gets_plain_lines(gateway: FakeGateway, machine: Machine) -> None:
    environment = machine.environment(TERM="dumb", ZCHAT_PASSWORD=PASSWORD)
    async with Terminal(machine.command(), environment) as terminal:
        await terminal.shows("you are ann")
        await terminal.say("hello", "ann: hello")
        assert "F1" not in terminal.output
    assert gateway.server.texts("#lobby") == ["hello"]


async def test_what_is_typed_before_the_client_is_there_is_as_typed_later(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.account = Account(PASSWORD)
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    gateway.server.guest = False
    async with machine.terminal() as terminal:
        terminal.write(f"hello\r:password\r{PASSWORD}\r")
        await terminal.shows("ann: hello", "New password, 8 or more")
        await terminal.type("\x03", ">")
        await terminal.say("there", "ann: there")
    assert gateway.server.texts("#lobby") == ["hello", "there"]


async def test_questions_on_a_terminal_are_answered_in_secret(
    gateway: FakeGateway, machine: Machine
) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    async with machine.terminal() as terminal:
        await terminal.shows("you are ann .registered.")
        await terminal.say(":password", "Old password:")
        await terminal.say(PASSWORD, "New password, 8 or more")
        await terminal.say("battery staple", "Once more:")
        await terminal.say("battery staple", "the password is changed")
        await terminal.say(":totp on", "Password:")
        await terminal.say("battery staple", "otpauth://totp/zchat:ann", "The code that it shows:")
        await terminal.say("123456", r"works once in the place of a code")
        await terminal.say(":apptoken weather read", r"it is not shown again:", r"\* \S{43}$")
        # Enter that was pressed twice leaves no question, and so what follows is no message.
        await terminal.say(":totp off", "Password:")
        await terminal.say("", "nothing was given; Ctrl-C leaves it", "Password:")
        await terminal.type("\x03", ">")
        await terminal.say("hello", "ann: hello")
        await terminal.say(":quit")
        assert await terminal.exit_code() == 0
    changed, enabled, created = gateway.server.done
    assert isinstance(changed, ChangePassword)
    assert (changed.password, changed.new_password) == (PASSWORD, "battery staple")
    assert isinstance(enabled, EnableTotp)
    assert enabled.password == "battery staple"
    assert isinstance(created, CreateAppToken)
    assert PASSWORD not in terminal.output
    assert "battery staple" not in terminal.output
    history = (machine.folder / "zchat" / "history").read_text()
    assert "hello" in history
    assert not any(word in history for word in ("password", "battery", "123456", "totp"))


async def test_ctrl_c_right_after_enter_leaves_the_questions(
    gateway: FakeGateway, machine: Machine
) -> None:
    """Though what else is typed ahead is forgotten where a question is put anew."""
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    async with machine.terminal() as terminal:
        await terminal.shows("you are ann .registered.")
        await terminal.say(":totp off", "Password:")
        await terminal.type("\r\x03hello\r", "ann: hello")
        await terminal.say(":quit")
        assert await terminal.exit_code() == 0
    assert gateway.server.texts("#lobby") == ["hello"]
    assert not gateway.server.done


async def test_ctrl_c_leaves_what_waits_for_the_server(
    gateway: FakeGateway, machine: Machine
) -> None:
    """Nothing is asked at that moment, and the client goes on all the same."""
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    async with machine.terminal() as terminal:
        await terminal.shows("you are ann .registered.")
        await terminal.say(":password", "Old password:")
        await terminal.say(PASSWORD, "New password, 8 or more")
        gateway.delayed = []
        await terminal.say("battery staple", "Once more:")
        await terminal.say("battery staple")
        await until(lambda: bool(gateway.server.done))
        await terminal.type(f"{PASSWORD}\r\x03", "left; what the server was sent already", ">")
        gateway.catch_up()
        await terminal.shows("the password is changed")
        await terminal.say("hello", "ann: hello")
        await terminal.say(":quit")
        assert await terminal.exit_code() == 0
    assert gateway.server.texts("#lobby") == ["hello"]


async def test_a_question_can_be_left_with_a_signal(machine: Machine) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    async with machine.terminal() as terminal:
        await terminal.shows("you are ann .registered.")
        await terminal.say(":password", "Old password:")
        await terminal.type("\x03", ">")
        await terminal.say("hello", "ann: hello")
        terminal._process.send_signal(signal.SIGTERM)
        assert await terminal.exit_code() == 0


# --- The SDK --------------------------------------------------------------------------------------


async def test_a_bot_logs_in_by_its_token(gateway: FakeGateway) -> None:
    token = bytes(range(32))
    account(gateway).tokens[token] = "weather"
    async with connect("ann", gateway.address, token=token) as chat:
        assert chat.token == token
        await chat.say("rain")


async def test_a_programmer_makes_an_account_and_its_tokens(gateway: FakeGateway) -> None:
    gateway.account = Account(None, invitation="spring")
    async with connect(
        "ann", gateway.address, PASSWORD, register=True, invitation="spring", device="phone"
    ) as chat:
        assert chat.device == "phone"
        token = await chat.create_app_token("weather", [Scope.READ])
        [created] = gateway.server.done
        assert isinstance(created, CreateAppToken)
        assert created.digest == sha256(token).digest()
        assert (await chat.blocked()).users == ["mallory"]
        assert (await chat.audit()).records[0].subject == "mallory"
        gateway.cut()
        await chat.say("still here")
    assert gateway.logins[-1].password is None
    with pytest.raises(RefusedError, match="wrong_password"):
        async with connect("ann", gateway.address, "wrong horse"):
            pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"token": b"short"}, "32 bytes"),
        ({"device": "x" * 65}, "1 to 64 characters"),
        ({"code": "1" * 33}, "1 to 32 characters"),
        ({"invitation": "x" * 65}, "1 to 64 characters"),
    ],
)
def test_what_cannot_be_sent_is_a_mistake(options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        connect("ann", **options)  # type: ignore[arg-type]


# --- Which cluster --------------------------------------------------------------------------------

HERE, ELSEWHERE = "c0ffee00c0ffee00", "deadbeefdeadbeef"


async def test_a_login_is_the_clusters_whatever_its_address_is_called(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.cluster = HERE
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    [first] = gateway.logins
    for address in (f"localhost:{gateway.port}", f"{gateway.address},localhost:1"):
        code, _ = await machine.run("--address", address)
        assert code == 0
    assert {login.token for login in gateway.logins} == {first.token}
    assert [login.account for login in gateway.logins] == [False, True, True]
    assert len(machine.kept) == 1


async def test_what_was_kept_for_an_address_is_taken_over(
    gateway: FakeGateway, machine: Machine
) -> None:
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    [former] = machine.kept
    gateway.server.cluster = HERE
    assert (await machine.run())[0] == 0
    [kept] = machine.kept
    assert kept != former
    assert (await machine.run("--address", f"localhost:{gateway.port}"))[0] == 0
    assert len({login.token for login in gateway.logins}) == 1


async def test_nothing_is_sent_to_another_cluster_at_a_known_address(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.cluster = HERE
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    gateway.server.cluster = ELSEWHERE
    for environment in ({}, {"ZCHAT_PASSWORD": PASSWORD}):
        code, out = await machine.run(lines="hello\n", **environment)
        assert code == 3
        assert "is another cluster now than it was before, and nothing of yours was sent" in out
    assert len(gateway.logins) == 1
    assert (await machine.run("--new-cluster", ZCHAT_PASSWORD=PASSWORD))[0] == 0
    assert gateway.logins[1].token != gateway.logins[0].token
    # What is kept of the former stays aside, and counts when it is there again.
    assert len(machine.kept) == 2
    gateway.server.cluster = HERE
    assert (await machine.run("--new-cluster"))[0] == 0
    assert gateway.logins[2].token == gateway.logins[0].token


async def test_a_login_is_not_shown_to_whoever_says_that_it_is_the_cluster(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.cluster = HERE
    await machine.run(ZCHAT_PASSWORD=PASSWORD)
    async with FakeGateway() as other:
        other.server.cluster, other.server.guest = HERE, False
        other.account = Account(PASSWORD)
        code, out = await machine.run("--address", other.address)
        assert code == 3
        assert "says that it is a cluster that you know by another address" in out
        assert gateway.logins[0].token not in [login.token for login in other.logins]
        # With the password it is known to be the right one.
        other.account.tokens[gateway.logins[0].token] = "laptop"
        assert (await machine.run("--address", other.address, ZCHAT_PASSWORD=PASSWORD))[0] == 0
        assert (await machine.run("--address", other.address))[0] == 0
        assert other.logins[-1].token == gateway.logins[0].token


async def test_a_guest_of_a_cluster_leaves_nothing_behind(
    gateway: FakeGateway, machine: Machine
) -> None:
    gateway.server.cluster, gateway.server.guest, gateway.account = HERE, True, None
    assert (await machine.run())[0] == 0
    assert list(machine.folder.iterdir()) == []


# --- Tokens that are given ------------------------------------------------------------------------


async def test_a_given_token_makes_nobody_a_guest(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.guest, gateway.account = True, None
    code, out = await machine.run(lines="hello\n", ZCHAT_TOKEN=token_as_text(bytes(32)))
    assert code == 3
    assert "no account ann that this token is for; is the name right?" in out
    assert gateway.logins[0].account
    assert gateway.server.texts("#lobby") == []


async def test_a_guests_token_says_so(gateway: FakeGateway, machine: Machine) -> None:
    gateway.server.guest, gateway.account = True, None
    code, _ = await machine.run("--guest", lines="hello\n", ZCHAT_TOKEN=token_as_text(bytes(32)))
    assert code == 0
    assert gateway.server.texts("#lobby") == ["hello"]


async def test_a_token_that_says_its_cluster_is_sent_to_no_other(
    gateway: FakeGateway, machine: Machine
) -> None:
    token = bytes(range(32))
    account(gateway).tokens[token] = "weather"
    for cluster, sent in ((ELSEWHERE, False), (HERE, True)):
        gateway.server.cluster = cluster
        code, out = await machine.run(ZCHAT_TOKEN=token_as_text(token, HERE))
        assert (code == 0) is sent
        assert ("another cluster than the one that this token is for" in out) is not sent
        assert len(gateway.logins) == sent


async def test_an_older_token_is_bound_to_the_cluster_where_it_is_used_first(
    gateway: FakeGateway, machine: Machine
) -> None:
    token = bytes(range(32))
    account(gateway).tokens[token] = "weather"
    gateway.server.cluster = HERE
    assert (await machine.run(ZCHAT_TOKEN=token_as_text(token)))[0] == 0
    gateway.server.cluster = ELSEWHERE
    code, out = await machine.run(ZCHAT_TOKEN=token_as_text(token))
    assert code == 3
    assert "another cluster than the one that this token is for" in out
    assert len(gateway.logins) == 1
    [file] = machine.folder.rglob("clusters")
    assert token_as_text(token) not in file.read_text()
