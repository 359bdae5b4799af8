"""Who fills rooms and conversations for those who are measured."""

import asyncio
from typing import Final

from zchat.client import Chat, connect

_AT_ONCE: Final = 500
"""Messages that are said before one is awaited."""
_TALKERS: Final = 4
_GUESTS_AT_ONCE: Final = 25
_WORDS: Final = "the quick brown fox jumps over the lazy dog and over everyone else here"


async def say(address: str, count: int, run: str = "") -> str:
    """Into the lobby, by several. Returns the last of what is said."""
    talkers = [connect(f"talker{number}", address) for number in range(_TALKERS)]
    for talker in talkers:
        await talker.__aenter__()
    try:
        for begin in range(0, count - 1, _AT_ONCE):
            numbers = range(begin, min(begin + _AT_ONCE, count - 1))
            await asyncio.gather(
                *(
                    talkers[number // 3 % _TALKERS].say(
                        f"message {number} {run} {_WORDS[: number % len(_WORDS)]}"
                    )
                    for number in numbers
                )
            )
        last = f"the last of {count} {run}".strip()
        await talkers[0].say(last)
    finally:
        for talker in talkers:
            await talker.__aexit__(None, None, None)
    return last


async def write_privately(address: str, name: str, count: int) -> None:
    """So many people, each a word."""

    async def write(number: int) -> None:
        async with connect(f"guest{number}", address) as chat:
            await chat.private(name, f"a word from guest {number}")

    for begin in range(0, count, _GUESTS_AT_ONCE):
        numbers = range(begin, min(begin + _GUESTS_AT_ONCE, count))
        await asyncio.gather(*map(write, numbers))


async def make_rooms(address: str, chat: Chat, count: int, each: int) -> None:
    """Rooms that `chat` is in; one person makes `each` of them."""
    for begin in range(0, count, each):
        async with connect(f"owner{begin}", address) as owner:
            for number in range(begin, min(begin + each, count)):
                await owner.create_room(f"room-{number}")
                await owner.post(f"room-{number}", f"a word in room {number}")
                await chat.join(f"room-{number}")
