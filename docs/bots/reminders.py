"""A bot that reminds people: `!remind 10m the tea is ready`, also after a restart of anything.

    ZCHAT_PASSWORD=... python docs/bots/reminders.py

What it has promised stands in a file, by the message that asked for it: a message that is handled
twice, since the bot was killed in the middle, is one reminder. It is told at least once.
"""

import asyncio
import contextlib
import json
import logging
import math
import os
import re
import time
from pathlib import Path

from zchat.client import Chat, RefusedError
from zchat.client.bot import Bot, Message, Unable

SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

bot = Bot(
    os.environ.get("ZCHAT_USER", "reminders"),
    os.environ.get("ZCHAT_ADDRESS", "127.0.0.1:7447"),
    password=os.environ.get("ZCHAT_PASSWORD"),
)
path = Path(os.environ.get("REMINDERS_FILE", "reminders.json"))
reminders: dict[str, tuple[float, str, str]] = json.loads(path.read_text()) if path.exists() else {}
"""When, where and what, by the log and number of the message that asked for it."""
changed = asyncio.Event()
log = logging.getLogger("reminders")


def save() -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(reminders))
    new.replace(path)
    changed.set()


@bot.command("remind", "Says it again after 90s, 10m, 2h or 7d.")
async def remind(message: Message, after: str, *, text: str) -> None:
    match = re.fullmatch(r"(\d{1,5})([smhd])", after)
    if match is None:
        raise Unable("when? Write 90s, 10m, 2h or 7d, and then the text")
    due = message.entry.at_ms / 1000 + int(match[1]) * SECONDS[match[2]]
    key = f"{message.entry.log} {message.entry.sequence}"
    reminders[key] = due, message.place, f"@{message.author} {text}"
    save()
    await message.react("⏰")


@bot.background
async def tell(chat: Chat) -> None:
    while True:
        changed.clear()
        for key in [key for key, (due, _, _) in reminders.items() if due <= time.time()]:
            _, place, text = reminders[key]
            try:
                await chat.tell(place, text)
            except RefusedError as error:
                log.warning("%s cannot be reminded: %s", place, error)
            del reminders[key]
            save()
        next_due = min((due for due, _, _ in reminders.values()), default=math.inf)
        with contextlib.suppress(TimeoutError):
            # `asyncio.wait_for` of Python 3.11 forgets a cancellation that comes with a change, and
            # the bot would not end.
            async with asyncio.timeout(min(max(next_due - time.time(), 0), 3_600)):
                await changed.wait()


if __name__ == "__main__":
    bot.run()
