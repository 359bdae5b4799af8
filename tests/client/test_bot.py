"""Bots: what is a command, what it takes, and what is done again after an end in the middle."""

import asyncio
import importlib.util
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from zchat.client import RefusedError, connect
from zchat.client.bot import SAVE_ENTRIES, SOMETHING_FAILED, Bot, Message, Unable
from zchat.client.sdk.chat import Chat
from zchat.client.storage.cursor_file import CursorFile, DamagedCursorFile
from zchat.protocol.messages import (
    MemberJoined,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    RefusalCode,
    Refused,
)

from .fake_gateway import FakeGateway, until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        gateway.server.name = "dice"
        gateway.server.logs = {"@dice": [], "#lobby": [], "#ops": []}
        gateway.server.followed = {"@dice": 0, "#lobby": 0, "#ops": 0}
        yield gateway


def dice_of(gateway: FakeGateway, cursor_file: Path | None = None) -> Bot:
    bot = Bot("dice", gateway.address, cursor_file=cursor_file)

    @bot.command("roll", "Rolls dice.")
    async def roll(message: Message, count: int, sides: int = 6, *, why: str = "") -> None:
        await message.reply(f"{count} {sides} {why}".strip())

    @bot.command("fail")
    async def fail(message: Message) -> None:
        raise ZeroDivisionError

    @bot.command("refuse")
    async def refuse(message: Message) -> None:
        raise Unable("not today")

    return bot


@asynccontextmanager
async def serving(bot: Bot) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(bot.serve())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("hears_bots", [False, True])
async def test_a_bot_does_not_hear_bots_unless_it_is_to(
    gateway: FakeGateway, hears_bots: bool
) -> None:
    bot = Bot("dice", gateway.address, hears_bots=hears_bots)
    bot.command("echo")(echo)
    async with serving(bot):
        await until(lambda: bool(gateway.logins))
        assert gateway.hellos[0].bot
        gateway.say("@dice", "other", PrivateMessageSent("dice", "echo me", bot=True))
        gateway.say("#lobby", "other", MessagePosted("!echo a bot", bot=True))
        gateway.say("#lobby", "bob", MessagePosted("!echo somebody"))
        await until(lambda: "somebody" in said_by(gateway, "#lobby"))
    assert said_by(gateway, "#lobby") == ["a bot", "somebody"][not hears_bots :]
    assert said_by(gateway, "@dice") == ["me"][not hears_bots :]


async def echo(message: Message, *, text: str) -> None:
    await message.reply(text)


def said_by(gateway: FakeGateway, log: str) -> list[str]:
    return [
        entry.body.text
        for entry in gateway.server.logs[log]
        if entry.author == "dice" and isinstance(entry.body, MessagePosted | PrivateMessageSent)
    ]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("!roll 2", "2 6"),
        ("!ROLL 2 20 for  luck ", "2 20 for  luck"),
        ("  !roll 2", "2 6"),
        ("@dice roll 3", "3 6"),
        ("dice: !roll 3", "3 6"),
        ("@Dice, roll 3", "3 6"),
        ("!roll", "count is missing. Usage: !roll <count> [sides] [why]"),
        (
            "!roll two",
            "count is a whole number, and 'two' is not. Usage: !roll <count> [sides] [why]",
        ),
        ("!refuse", "not today"),
        ("!refuse now", "'now' is too much. Usage: !refuse"),
        ("!fail", SOMETHING_FAILED),
        ("@dice dance", "I do not know 'dance'; !help says what I do"),
        ("!help roll", "!roll <count> [sides] [why]  Rolls dice."),
    ],
)
async def test_a_command_is_answered_where_it_was_given(
    gateway: FakeGateway, text: str, reply: str
) -> None:
    async with serving(dice_of(gateway)):
        await until(lambda: bool(gateway.connections))
        gateway.say("#ops", "bob", MessagePosted(text))
        await until(lambda: bool(said_by(gateway, "#ops")))
    [body] = [entry.body for entry in gateway.server.logs["#ops"] if entry.author == "dice"]
    assert body == MessagePosted(reply, reply_to=1)


async def test_what_is_no_command_is_left_alone(gateway: FakeGateway) -> None:
    for text in ("roll 2", "!dance", "!", "", "dice are fun", "say !roll 2"):
        gateway.server.append("#ops", "bob", MessagePosted(text))
    gateway.server.append("#ops", "bob", MessageEdited(1, "!roll 7"))
    gateway.server.append("#ops", "dice", MessagePosted("!roll 8"))
    gateway.server.append("#ops", "bob", MessagePosted("!roll 9"))
    async with serving(dice_of(gateway)):
        await until(lambda: len(said_by(gateway, "#ops")) == 2)
    assert said_by(gateway, "#ops") == ["!roll 8", "9 6"]


async def test_in_private_every_word_is_a_command(gateway: FakeGateway) -> None:
    gateway.server.append("@dice", "bob", PrivateMessageSent("dice", "roll 2"))
    gateway.server.append("@dice", "bob", PrivateMessageSent("dice", "hello"))
    async with serving(dice_of(gateway)):
        await until(lambda: len(said_by(gateway, "@dice")) == 2)
    first, second = (entry.body for entry in gateway.server.logs["@dice"] if entry.author == "dice")
    assert first == PrivateMessageSent("bob", "2 6", 1)
    assert isinstance(second, PrivateMessageSent)
    assert second.text.startswith("I do not know 'hello'")


async def test_a_bot_may_want_few_rooms(gateway: FakeGateway) -> None:
    gateway.server.sends_all = True
    bot = Bot("dice", gateway.address, logs=["#ops"], from_head=True)
    heard: list[str] = []

    @bot.on(MessagePosted)
    async def note(message: Message) -> None:
        heard.append(message.entry.log)

    async with serving(bot):
        await until(lambda: bool(gateway.logins))
        for log in ("#lobby", "#ops"):
            gateway.say(log, "bob", MessagePosted("hello"))
        await until(lambda: bool(heard))
    assert (gateway.logins[0].logs, gateway.logins[0].from_head) == (["#ops"], True)
    assert heard == ["#ops"]


async def test_a_bug_in_one_function_is_logged_and_ends_nothing(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("!fail"))
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    with caplog.at_level(logging.ERROR):
        async with serving(dice_of(gateway)):
            await until(lambda: len(said_by(gateway, "#ops")) == 2)
    assert said_by(gateway, "#ops") == [SOMETHING_FAILED, "1 6"]
    assert "number 1 of #ops could not be handled" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_other_entries_are_for_whoever_asks_for_them(gateway: FakeGateway) -> None:
    bot = dice_of(gateway)

    @bot.on(MemberJoined)
    async def greet(message: Message) -> None:
        await message.reply(f"welcome, {message.author}")

    gateway.server.append("#ops", "bob", MemberJoined())
    async with serving(bot):
        await until(lambda: bool(said_by(gateway, "#ops")))
    assert gateway.server.logs["#ops"][1].body == MessagePosted("welcome, bob")


async def test_what_runs_beside_is_given_the_chat_and_its_end(gateway: FakeGateway) -> None:
    bot = dice_of(gateway)
    ended = asyncio.Event()

    @bot.background
    async def tick(chat: Chat) -> None:
        try:
            await chat.post("ops", "tick")
            await asyncio.Event().wait()
        finally:
            ended.set()

    @bot.background
    async def fail(chat: Chat) -> None:
        raise ZeroDivisionError

    async with serving(bot):
        await until(lambda: said_by(gateway, "#ops") == ["tick"])
        gateway.say("#ops", "bob", MessagePosted("!roll 1"))
        await until(lambda: said_by(gateway, "#ops") == ["tick", "1 6"])
    assert ended.is_set()


# --- What counts as dealt with --------------------------------------------------------------------


async def test_an_entry_counts_as_read_once_its_function_has_ended(gateway: FakeGateway) -> None:
    bot = dice_of(gateway)
    go_on = asyncio.Event()

    @bot.command("wait")
    async def wait(message: Message) -> None:
        await message.react("⏳")
        await go_on.wait()

    gateway.server.append("#ops", "bob", MessagePosted("!wait"))
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    async with serving(bot):
        await until(lambda: len(gateway.server.logs["#ops"]) == 3)
    assert ("#ops", 1) not in gateway.server.marks
    go_on.set()
    async with serving(bot):
        await until(lambda: ("#ops", 4) in gateway.server.marks)
    # It has reacted only once, although it was handled twice.
    kinds = [type(entry.body).__name__ for entry in gateway.server.logs["#ops"]]
    assert kinds == ["MessagePosted", "MessagePosted", "ReactionAdded", "MessagePosted"]


async def test_a_reply_is_made_once_however_often_it_is_tried(gateway: FakeGateway) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    for _ in range(3):
        # The model forgets what was read, as a server does that was told of it too late.
        async with serving(dice_of(gateway)):
            await until(lambda: any(mark[0] == "#ops" for mark in gateway.server.marks))
        gateway.server.marks.clear()
    assert said_by(gateway, "#ops") == ["1 6"]


async def test_another_bot_of_the_account_has_nonces_of_its_own(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    for name in ("one", "two", "two"):
        async with serving(dice_of(gateway, tmp_path / name)):
            await until(lambda: len(said_by(gateway, "#ops")) >= 1)
            await until((tmp_path / name).exists)
    assert said_by(gateway, "#ops") == ["1 6", "1 6"]


async def test_what_is_done_too_late_is_done_as_something_new(gateway: FakeGateway) -> None:
    bot = dice_of(gateway)
    kept: list[Message] = []

    @bot.command("later")
    async def later(message: Message) -> None:
        kept.append(message)

    gateway.server.append("#ops", "bob", MessagePosted("!later"))
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    async with serving(bot):
        await until(lambda: any(mark >= ("#ops", 2) for mark in gateway.server.marks))
        await kept[0].reply("now")
    assert said_by(gateway, "#ops") == ["1 6", "now"]
    # A server does nothing that has an older number than what it has done of the same prefix.
    in_time, too_late = (nonce[:8] for nonce in gateway.server.answers)
    assert in_time != too_late


async def test_a_reply_of_which_the_server_knows_only_that_it_was_overtaken_is_done(
    gateway: FakeGateway,
) -> None:
    async with connect("dice", gateway.address) as chat:
        entry = gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
        await Message(chat, entry, "dice").reply("one")
        [nonce] = gateway.server.answers
        gateway.server.answers[nonce] = Refused(0, RefusalCode.OVERTAKEN, "Done long ago.")
        assert (await Message(chat, entry, "dice").reply("one")).log is None
        gateway.server.answers[nonce] = Refused(0, RefusalCode.NOT_A_MEMBER, "No.")
        with pytest.raises(RefusedError):
            await Message(chat, entry, "dice").reply("one")


async def test_with_a_file_the_account_is_left_to_its_person(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    path = tmp_path / "state" / "dice.json"
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    async with serving(dice_of(gateway, path)):
        await until(path.exists)
    marks = [mark for mark in gateway.server.marks if mark[1] > 0]
    assert marks == []
    assert CursorFile(path).read()["#ops"] >= 1
    gateway.server.append("#ops", "bob", MessagePosted("!roll 2"))
    async with serving(dice_of(gateway, path)):
        await until(lambda: said_by(gateway, "#ops") == ["1 6", "2 6"])
    assert gateway.logins[-1].cursors["#ops"] >= 1


@pytest.mark.parametrize("in_the_middle", [False, True])
async def test_the_end_of_the_session_is_no_bug_of_the_bot(
    gateway: FakeGateway, tmp_path: Path, in_the_middle: bool
) -> None:
    path = tmp_path / "dice.json"
    bot = dice_of(gateway, path)

    @bot.command("end")
    async def end(message: Message) -> None:
        replying = None
        if in_the_middle:
            gateway.mute = True
            replying = asyncio.ensure_future(message.reply("never"))
            await until(lambda: message.chat.unanswered == 1)
        gateway.push([Refused(None, RefusalCode.MALFORMED, "That made no sense.")])
        await until(lambda: message.chat.is_over)
        if replying is not None:
            await replying
        await message.reply("never")

    gateway.server.append("#ops", "bob", MessagePosted("!end"))
    gateway.server.append("#ops", "bob", MessagePosted("!roll 1"))
    with pytest.raises(RefusedError, match="no sense"):
        await asyncio.wait_for(bot.serve(), 90)
    # The next one begins with what this one was at.
    assert CursorFile(path).read().get("#ops", 0) == 0


async def test_what_nobody_asked_for_is_saved_now_and_then(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    path = tmp_path / "dice.json"
    for _ in range(SAVE_ENTRIES):
        gateway.server.append("#ops", "bob", MessagePosted("hm"))
    async with serving(dice_of(gateway, path)):
        await until(path.exists)
        assert CursorFile(path).read() == {"#ops": SAVE_ENTRIES}


def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "dice.json"
    for text in ("", "[1]", '{"#ops": "x"}', "null"):
        path.write_text(text)
        with pytest.raises(DamagedCursorFile, match="remove it"):
            CursorFile(path).read()


async def test_a_bot_that_nobody_will_have_ends_with_the_reason(gateway: FakeGateway) -> None:
    gateway.refusal = Refused(0, RefusalCode.WRONG_PASSWORD, "That is not the password.")
    program = f"from zchat.client.bot import Bot; Bot('dice', {gateway.address!r}).run()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, complaint) == (1, b"dice: That is not the password.\n")


def test_a_function_that_can_be_no_command_is_refused_at_once() -> None:
    bot = Bot("dice")

    async def two_texts(message: Message, *, one: str, two: str) -> None: ...
    async def strange(message: Message, when: bytes) -> None: ...
    async def many(message: Message, *words: str) -> None: ...

    for wrong in (two_texts, strange, many):
        with pytest.raises(TypeError, match="a command takes"):
            bot.command("x")(wrong)


@pytest.mark.parametrize("turns", range(5))
async def test_the_bot_of_the_documents_ends_also_while_it_changes_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setenv("REMINDERS_FILE", str(tmp_path / "reminders.json"))
    path = Path(__file__).parents[2] / "docs" / "bots" / "reminders.py"
    spec = importlib.util.spec_from_file_location("reminders", path)
    assert spec is not None
    assert spec.loader is not None
    reminders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reminders)

    telling = asyncio.create_task(reminders.tell(connect("dice")))
    for _ in range(5):
        await asyncio.sleep(0)
    reminders.save()
    for _ in range(turns):
        await asyncio.sleep(0)
    telling.cancel()
    await asyncio.wait({telling}, timeout=5)
    assert telling.cancelled()
