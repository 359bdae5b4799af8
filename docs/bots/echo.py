"""A bot that says again what it is told: `!echo hello`, `@echo echo hello`, or in private.

ZCHAT_PASSWORD=... python docs/bots/echo.py
"""

import os

from zchat.client.bot import Bot, Message

bot = Bot(
    os.environ.get("ZCHAT_USER", "echo"),
    os.environ.get("ZCHAT_ADDRESS", "127.0.0.1:7447"),
    password=os.environ.get("ZCHAT_PASSWORD"),
)


@bot.command("echo", "Says it again.")
async def echo(message: Message, *, text: str) -> None:
    await message.reply(text)


if __name__ == "__main__":
    bot.run()
