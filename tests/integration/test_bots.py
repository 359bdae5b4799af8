"""The bots of the documentation, killed in the middle of their work: nobody is left unanswered."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from testbed import ROOT
from testbed.cluster import DEADLINE_S, Cluster
from testbed.people import new_name
from zchat.client import Chat, Entry, MessagePosted, connect
from zchat.protocol.messages import ReactionAdded

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


class RunningBot:
    """A script of docs/bots, which can be killed and begun again."""

    def __init__(self, cluster: Cluster, name: str, script: str, folder: Path) -> None:
        self._command = (sys.executable, str(ROOT / "docs" / "bots" / script))
        self._environment = {
            **cluster.environment,
            "ZCHAT_ADDRESS": cluster.address,
            "ZCHAT_USER": name,
            "ZCHAT_PASSWORD": PASSWORD,
            "REMINDERS_FILE": str(folder / "reminders.json"),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._command, env=self._environment)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert await self._process.wait() == 0


@asynccontextmanager
async def person_and_bot(
    cluster: Cluster, script: str, folder: Path
) -> AsyncIterator[tuple[Chat, RunningBot, str]]:
    name = new_name("bot")
    async with connect(name, cluster.address, PASSWORD, register=True):
        pass
    bot = RunningBot(cluster, name, script, folder)
    await bot.start()
    try:
        async with connect(new_name("ann"), cluster.address) as chat:
            yield chat, bot, name
        await bot.stop()
    except BaseException:
        await bot.kill()
        raise


async def until_said(chat: Chat, bot: str, count: int) -> list[Entry]:
    """The next messages of the bot."""
    said = []
    async for entry in chat:
        if entry.author == bot and isinstance(entry.body, MessagePosted):
            said.append(entry)
            if len(said) == count:
                break
    return said


async def test_each_command_is_answered_once_however_often_the_bot_is_killed(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    async with (
        asyncio.timeout(2 * DEADLINE_S),
        person_and_bot(shared_cluster, "echo.py", tmp_path) as (chat, bot, name),
    ):
        await chat.say(f"@{name} echo 0")
        [first] = await until_said(chat, name, 1)
        asked = {first.body.reply_to: "0"} if isinstance(first.body, MessagePosted) else {}
        said = [first]
        for turn in range(4):
            for number in range(20):
                text = f"{turn} {number}"
                asked[(await chat.say(f"@{name} echo {text}")).sequence] = text
            # Some are answered, and of them some do not count as dealt with yet.
            said += await until_said(chat, name, 7)
            await bot.kill()
            await bot.start()
        said += await until_said(chat, name, len(asked) - len(said))
        await chat.say(f"@{name} echo last")
        said += await until_said(chat, name, 1)
        answers = [
            (entry.body.reply_to, entry.body.text)
            for entry in said
            if isinstance(entry.body, MessagePosted)
        ]
        assert answers[-1][1] == "last"
        assert answers[:-1] == list(asked.items())


async def test_a_reminder_outlives_the_bot(shared_cluster: Cluster, tmp_path: Path) -> None:
    async with (
        asyncio.timeout(2 * DEADLINE_S),
        person_and_bot(shared_cluster, "reminders.py", tmp_path) as (chat, bot, name),
    ):
        await chat.say(f"@{name} remind soon tea")
        [reply] = await until_said(chat, name, 1)
        assert isinstance(reply.body, MessagePosted)
        assert reply.body.text.startswith("when?")
        await chat.say(f"@{name} remind 4s the tea is ready")
        async for entry in chat:
            if entry.author == name and isinstance(entry.body, ReactionAdded):
                break
        await bot.kill()
        await bot.start()
        [reminder] = await until_said(chat, name, 1)
        assert reminder.body == MessagePosted(f"@{chat.name} the tea is ready", bot=True)
