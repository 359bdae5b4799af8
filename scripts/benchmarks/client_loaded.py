"""The full-screen client with very much to show and no server, for `client_screen.py`."""

import asyncio
import gc
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from zchat.client import connect
from zchat.client.cache import Cache
from zchat.client.conversations.book import Book
from zchat.client.conversations.kept import Kept, KeptConversation
from zchat.client.conversations.model import Conversation, Kind
from zchat.client.render import Renderer
from zchat.client.screen.app import ScreenClient
from zchat.protocol.messages import Entry, MessagePosted

_BEGUN_MS: Final = 1_750_000_000_000
_WORDS: Final = "the quick brown fox jumps over the lazy dog and over everyone else here"


async def show(count: int, folder: Path) -> None:
    entries = [
        Entry(
            "#lobby",
            number + 1,
            _BEGUN_MS + number * 20_000,
            f"user{number // 3 % 7}",
            MessagePosted(f"message {number} {_WORDS[: number % len(_WORDS)]}"),
        )
        for number in range(count)
    ]
    lobby = Conversation("#lobby", Kind.LOBBY, "lobby", more_before=False)
    book = Book("reader")
    book.restore(Kept(0, {"#lobby": count}, 1, [KeptConversation(lobby, 1, entries)]))
    del entries
    # What is here by now stays, and need not be looked through again and again.
    gc.freeze()
    # Nobody listens there.
    chat = connect("reader", "127.0.0.1:1", at_once=True, quit_timeout_s=0.1)
    async with chat:
        cache = Cache("reader", ["127.0.0.1:1"], folder)
        render = Renderer("reader", datetime.now(UTC).date(), UTC, colour=False)
        await ScreenClient(chat, book, cache, render).run_async()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(show(int(sys.argv[1]), Path(name)))
