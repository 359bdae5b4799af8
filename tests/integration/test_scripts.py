"""Scripts against a real cluster: what they are promised holds, whatever is killed meanwhile."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed.cluster import DEADLINE_S, GATEWAYS, ROOM_SERVICE, ROUTER, USER_SERVICE, Cluster
from testbed.people import eventually, new_name
from zchat.client import MessagePosted, PrivateMessageSent, Scope, connect
from zchat.client.core.credentials import token_as_text

from .lines import Program, TerminalProgram

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"
PAUSE_S = 0.05
"""Between two jobs of cron, which is impatient here."""


async def script(
    cluster: Cluster, *arguments: str, text: str = "", environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """Returns the exit code, and all that was printed."""
    async with Program(cluster, *arguments, environment=environment) as program:
        program.write(text)
        program.end_input()
        return await program.exit_code(), program.output


def lines_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


class Account:
    """A registered name that is in a room of its own, and has app tokens in files."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.name, self.room = new_name("bot"), new_name("room")
        self._cluster = cluster
        self._folder = folder

    async def register(self) -> None:
        async with connect(self.name, self._cluster.address) as chat:
            await chat.register(PASSWORD)
            await chat.create_room(self.room)

    async def token(self, *scopes: Scope, rooms: Sequence[str] = ()) -> str:
        """The path of a file with a new one."""
        async with connect(self.name, self._cluster.address, PASSWORD) as chat:
            token = await chat.create_app_token(secrets.token_hex(4), scopes, rooms)
        path = self._folder / secrets.token_hex(4)
        path.write_text(token_as_text(token))
        return str(path)


@pytest.fixture
async def account(shared_cluster: Cluster, tmp_path: Path) -> Account:
    account = Account(shared_cluster, tmp_path)
    await account.register()
    return account


async def test_what_a_script_says_is_read_by_another(
    shared_cluster: Cluster, account: Account
) -> None:
    cluster, name, room = shared_cluster, account.name, account.room
    token = ("-u", name, "--token-file", await account.token(*Scope))
    paste = "".join(f"line {number}\n" for number in range(200))
    assert await script(cluster, "send", *token, room, "a", "word") == (0, "")
    code, out = await script(cluster, "send", *token, "--json", room, text=paste)
    [done] = lines_of(out)
    assert (code, done["kind"], done["log"]) == (0, "done", f"#{room}")

    code, out = await script(cluster, "history", *token, "--json", room)
    assert code == 0
    entries = lines_of(out)
    assert [entry["text"] for entry in entries] == ["a word", paste.rstrip("\n")]
    assert entries[-1]["sequence"] == done["sequence"]
    # Who was created, and what was said.
    code, out = await script(cluster, "export", *token, "--json", room)
    assert [entry["kind"] for entry in lines_of(out)] == [
        "room_created",
        "message_posted",
        "message_posted",
    ]
    code, out = await script(cluster, "rooms", *token, "--json")
    assert room in [info["room"] for info in lines_of(out)]
    assert (await script(cluster, "tail", *token, "-n", "1", room))[1].count("\n") == 200


async def test_a_token_that_may_only_post_is_enough_to_send(
    shared_cluster: Cluster, account: Account
) -> None:
    cluster, name, room = shared_cluster, account.name, account.room
    post_only = ("-u", name, "--token-file", await account.token(Scope.POST, rooms=[room]))
    assert await script(cluster, "send", *post_only, room, "hi") == (0, "")
    code, out = await script(cluster, "send", *post_only, "lobby", "hi")
    assert (code, out) == (1, "zchat-client: this app token is for other rooms\n")
    for arguments in (("history", room), ("rooms",), ("join", "lobby")):
        code, out = await script(cluster, arguments[0], *post_only, *arguments[1:])
        assert (code, out) == (1, "zchat-client: this app token may not do that\n")


async def test_rooms_are_joined_and_left_by_scripts(
    shared_cluster: Cluster, account: Account
) -> None:
    cluster, room = shared_cluster, account.room
    other = Account(cluster, Path("/nonexistent"))
    await other.register()
    login = ("-u", other.name)
    environment = {"ZCHAT_PASSWORD": PASSWORD}

    async def run(*arguments: str) -> tuple[int, str]:
        return await script(cluster, *arguments, *login, environment=environment)

    code, out = await run("tail", room)
    assert code == 1
    assert f"is not in #{room}: join it by zchat-client join {room}" in out
    assert (await run("join", room))[0] == 0
    assert (await run("send", room, "hello"))[0] == 0
    code, out = await run("tail", room)
    assert (code, "hello" in out) == (0, True)
    assert (await run("leave", room))[0] == 0
    assert (await run("send", room, "hello"))[0] == 1


async def test_scripts_keep_a_room(shared_cluster: Cluster, account: Account) -> None:
    cluster, bob, room = shared_cluster, Account(shared_cluster, Path("/nowhere")), new_name("room")
    await bob.register()
    password = {"ZCHAT_PASSWORD": PASSWORD}

    async def run(*arguments: str, by: str = account.name, code: int = 0) -> dict[str, Any]:
        command = (arguments[0], "-u", by, "--json", *arguments[1:])
        ended, out = await script(cluster, *command, environment=password)
        assert ended == code, out
        done: dict[str, Any] = json.loads(out) if code == 0 else {}
        return done

    await run("create-room", room, "--private")
    await run("create-room", room, code=1)
    await run("topic", room, "what", "runs")
    await run("join", room, by=bob.name, code=1)
    await run("invite", room, bob.name)
    await run("join", room, by=bob.name)
    said = await run("send", room, "--idempotency-key", "1", "hello")
    assert await run("send", room, "--idempotency-key", "1", "hello") == said
    await run("send", room, "--idempotency-key", "1", "good bye", code=1)
    number = str(said["sequence"])
    await run("edit", room, number, "hello, all")
    await run("edit", room, number, "mine", by=bob.name, code=1)
    await run("react", room, number, "+1", by=bob.name)
    await run("react", room, number, "--", "-1", by=bob.name)
    await run("unreact", room, number, "--", "-1", by=bob.name)
    await run("pin", room, number)
    await run("unpin", room, number)
    assert (await run("unpin", room, number))["sequence"] == 0
    gone = await run("send", room, "gone", by=bob.name)
    await run("delete", room, str(gone["sequence"]), "--reason", "not here")
    # One message in a while, of whoever is no moderator.
    async with connect(account.name, cluster.address, PASSWORD) as chat:
        await chat.configure(room, slow_mode_s=2)
        await run("send", room, "first", by=bob.name)
        await run("send", room, "--timeout", "20", "second", by=bob.name)
        await chat.configure(room, slow_mode_s=60)
        key = ("--idempotency-key", "later")
        await run("send", room, *key, "third", by=bob.name, code=5)
        await chat.configure(room, slow_mode_s=0)
        await run("send", room, *key, "third", by=bob.name)
        await run("send", room, *key, "third", by=bob.name)
        entries = (await chat.history(room)).entries
    bodies = [one.body for one in entries]
    said_there = [body for body in bodies if isinstance(body, MessagePosted)]
    assert [(body.text, body.bot) for body in said_there] == [
        ("hello, all", False),
        ("first", False),
        ("second", False),
        ("third", False),
    ]
    [hello] = [one for one in entries if one.sequence == said["sequence"]]
    assert hello.reactions == {"+1": [bob.name]}


async def test_what_an_app_token_says_is_marked(shared_cluster: Cluster, account: Account) -> None:
    cluster, room = shared_cluster, account.room
    token = ("-u", account.name, "--token-file", await account.token(Scope.POST))
    key = ("--idempotency-key", "key")
    for text in ("hi", "hi", "other"):
        # It may not read what was said, and says nothing twice even so.
        assert await script(cluster, "send", *token, *key, room, text) == (0, "")
    assert await script(cluster, "send", *token, f"@{account.name}", "note") == (0, "")
    async with connect(account.name, cluster.address, PASSWORD, bot=True) as chat:
        await chat.post(room, "as a bot")
        entries = (await chat.history(room)).entries
        entries += (await chat.history(f"@{account.name}")).entries
    bodies = [one.body for one in entries]
    said = [body for body in bodies if isinstance(body, MessagePosted | PrivateMessageSent)]
    assert [(body.text, body.bot) for body in said] == [
        ("hi", True),
        ("as a bot", True),
        ("note", True),
    ]


async def test_a_conversation_is_followed_with_what_becomes_of_it(
    shared_cluster: Cluster, account: Account
) -> None:
    cluster, bob, eve = shared_cluster, new_name("bob"), new_name("eve")
    login = ("-u", account.name, "--token-file", await account.token(*Scope))
    async with connect(bob, cluster.address) as bobs, connect(eve, cluster.address) as eves:
        # What was said before is not printed, but what becomes of it is.
        old = await bobs.private(account.name, "from before")
        others = await eves.private(account.name, "not this")
        nobody = new_name("nobody")
        command = ("tail", "-f", "-n", "0", "--json", *login, f"@{nobody}", f"@{bob}")
        async with Program(cluster, *command) as tail:
            await _until_here(cluster, account.name)
            await eves.edit(f"@{eve}", others.sequence, "nor this")
            await bobs.edit(f"@{bob}", old.sequence, "from long before")
            await tail.shows("from long before")
            said = await bobs.private(account.name, "psst")
            await bobs.edit(f"@{bob}", said.sequence, "hush")
            await bobs.react(f"@{bob}", said.sequence, "+1")
            await bobs.delete(f"@{bob}", said.sequence)
            await tail.shows("message_deleted")
    lines = lines_of(tail.output)
    assert [line["kind"] for line in lines] == [
        "message_edited",
        "private_message_sent",
        "message_edited",
        "message_deleted",
    ]
    assert {line["conversation"] for line in lines} == {f"@{bob}"}
    assert {line["message"] for line in lines[2:]} == {lines[1]["sequence"]}


async def _until_here(cluster: Cluster, name: str) -> None:
    async with connect(new_name("watch"), cluster.address) as chat:

        async def is_here() -> bool:
            return name in [user.name for user in (await chat.users()).users]

        await eventually(is_here)


async def test_words_are_found_where_they_were_said(
    shared_cluster: Cluster, account: Account
) -> None:
    cluster, room, bob = shared_cluster, account.room, new_name("bob")
    login = ("-u", account.name, "--token-file", await account.token(*Scope))
    word = f"w{secrets.token_hex(4)}"
    async with connect(bob, cluster.address) as chat:
        await chat.join(room)
        for number in range(150):
            await chat.post(room, f"{word} {number}")
        await chat.private(account.name, f'in "private": {word.upper()} \u732b')
    assert (await script(cluster, "send", *login, room, f"{word} of my own"))[0] == 0

    async def found(*arguments: str) -> list[str]:
        code, out = await script(cluster, "search", *login, "--json", *arguments)
        assert code == 0, out
        return [entry["text"] for entry in lines_of(out)]

    async def is_indexed() -> bool:
        return bool(await found(word, "own"))

    await eventually(is_indexed)
    # More than one answer of the server holds.
    assert await found(word, "-n", "1000", "--in", room, "--from", bob) == [
        f"{word} {number}" for number in range(150)
    ]
    assert await found(word, "-n", "2", "--in", room) == [f"{word} 149", f"{word} of my own"]
    assert await found(word, "--in", f"@{bob}") == [f'in "private": {word.upper()} \u732b']
    assert await found(word, '"private"', "--from", bob) == [f'in "private": {word.upper()} \u732b']
    assert await found(f"{word} AND NOT (", "-n", "5") == []


async def test_the_plain_client_draws_nothing(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with TerminalProgram(shared_cluster, "--plain", ann) as program:
        await program.shows(f"you are {ann}")
        program.write("hello, all\n")
        await program.shows(f"{ann}: hello, all$")
        program.write(":lrs\n")
        await program.shows(r"^room \* #lobby, members everyone")
        program.write(":register\n")
        await program.shows("[Pp]assword")
        program.write(f"{PASSWORD}\n")
        await program.shows("Once more: ")
        program.write(f"{PASSWORD}\n")
        await program.shows("your name is registered")
        program.write(":quit\n")
        assert await program.exit_code() == 0
        assert PASSWORD not in program.output


# --- Whatever is killed ---------------------------------------------------------------------------


FOLLOWER_KILLS_MIN = 4


class Cron:
    """Says a numbered message again and again, each by a process of its own."""

    def __init__(self, cluster: Cluster, login: Sequence[str], room: str) -> None:
        self._cluster = cluster
        self._command = ["send", *login, "--timeout", str(DEADLINE_S), room]
        self.acknowledged: list[str] = []
        self.not_acknowledged: list[tuple[int, str]] = []

    async def run(self, enough: asyncio.Event) -> None:
        number = 0
        while not enough.is_set():
            number += 1
            code, out = await script(self._cluster, *self._command, f"number {number}")
            if code == 0:
                self.acknowledged.append(f"number {number}")
            else:
                self.not_acknowledged.append((code, out))
            await asyncio.sleep(PAUSE_S)

    async def says_more(self, count: int) -> None:
        wanted = len(self.acknowledged) + count

        async def has_said() -> bool:
            return len(self.acknowledged) >= wanted

        await eventually(has_said)


class Follower:
    """`tail -f` with a cursor, which is killed and run again; its output is kept."""

    def __init__(self, cluster: Cluster, login: Sequence[str], room: str) -> None:
        self._cluster = cluster
        self._command = ["tail", *login, "-f", "--json", "--cursor", "x", room]
        self._outputs: list[Program] = []

    @property
    def kills(self) -> int:
        """How many lives had begun to print, and were ended."""
        return len([program for program in self._outputs if program.output])

    async def run(self, enough: asyncio.Event) -> None:
        """With a new life after every few lines, until it is enough."""
        over = asyncio.create_task(enough.wait())
        while not over.done():
            async with Program(self._cluster, *self._command) as program:
                self._outputs.append(program)
                # A slow machine has not printed anything yet after any time that one may name.
                printing = asyncio.create_task(program.prints(1 + secrets.randbelow(3)))
                await asyncio.wait({printing, over}, return_when=asyncio.FIRST_COMPLETED)
                printing.cancel()
                await asyncio.wait({over}, timeout=secrets.randbelow(1_000) / 1_000)
                # It is killed by leaving.

    async def finish(self) -> None:
        """What is left, by a process that is not killed."""
        command = [word for word in self._command if word != "-f"]
        async with Program(self._cluster, *command) as program:
            self._outputs.append(program)
            assert await program.exit_code() == 0, program.output

    @property
    def lives(self) -> list[list[dict[str, Any]]]:
        """Of whole lines: the last one of a life may have been cut, and then comes again."""
        return [
            [
                json.loads(line)
                for line in program.output.splitlines(keepends=True)
                if line.startswith("{") and line.endswith("\n")
            ]
            for program in self._outputs
        ]


async def test_a_cron_job_posts_and_a_script_follows_whatever_is_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    account = Account(cluster, tmp_path)
    await account.register()
    posting = ("-u", account.name, "--token-file", await account.token(Scope.POST))
    reading = ("-u", account.name, "--token-file", await account.token(Scope.READ))
    cron = Cron(cluster, posting, account.room)
    follower = Follower(cluster, reading, account.room)
    # Where it begins is before all that is said.
    assert (await script(cluster, "tail", *reading, "--cursor", "x", account.room))[0] == 0

    enough = asyncio.Event()
    work = [asyncio.create_task(job.run(enough)) for job in (cron, follower)]
    for program in (*GATEWAYS, ROUTER, USER_SERVICE, ROOM_SERVICE):
        await asyncio.to_thread(cluster.kill_and_wait, program)
        await cron.says_more(3)
    while follower.kills < FOLLOWER_KILLS_MIN:
        await cron.says_more(1)
    enough.set()
    await asyncio.gather(*work)
    await follower.finish()

    assert cron.not_acknowledged == []
    once: dict[int, str] = {}
    for life in follower.lives:
        sequences = [entry["sequence"] for entry in life]
        assert sequences == sorted(set(sequences))
        # Killed before it could save its cursor, it prints once more what it had just written, and
        # that are several lines if it was behind.
        for entry in life:
            assert once.setdefault(entry["sequence"], entry["text"]) == entry["text"]
    assert list(once) == sorted(once)
    assert list(once.values()) == cron.acknowledged
    *_, finished = follower.lives
    assert finished == [] or finished[0]["sequence"] > min(once), "no cursor was ever saved"


async def test_a_follower_outlives_a_restart_of_everything(
    cluster: Cluster, tmp_path: Path
) -> None:
    account = Account(cluster, tmp_path)
    await account.register()
    posting = ("-u", account.name, "--token-file", await account.token(Scope.POST))
    reading = ("-u", account.name, "--token-file", await account.token(Scope.READ))
    async with Program(cluster, "tail", "-f", *reading, "--cursor", "y", account.room) as tail:
        await _until_here(cluster, account.name)
        assert (await script(cluster, "send", *posting, account.room, "before"))[0] == 0
        await tail.shows(": before$")
        sending = asyncio.create_task(
            script(cluster, "send", *posting, "--timeout", "60", account.room, "meanwhile")
        )
        await asyncio.to_thread(cluster.restart_all)
        assert (await sending)[0] == 0
        assert (await script(cluster, "send", *posting, account.room, "after"))[0] == 0
        await tail.shows(": meanwhile$", ": after$")
        said = [line for line in tail.output.splitlines() if f"{account.name} (bot): " in line]
        assert len(said) == 3
