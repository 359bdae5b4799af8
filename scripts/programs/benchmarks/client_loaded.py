"""The full-screen client with very much to show, for `client_screen.py`."""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from zchat.client import connect
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Kept, KeptConversation, Kind
from zchat.client.storage.cache import Cache
from zchat.client.text.renderer import Renderer
from zchat.client.tui.app import ScreenClient
from zchat.protocol.messages import Entry, MessagePosted

USER: Final = "archivist"
LOG: Final = "#archive"
_BEGUN_MS: Final = 1_750_000_000_000
_WORDS: Final = "the quick brown fox jumps over the lazy dog and over everyone else here"


async def show(count: int, address: str, folder: Path) -> None:
    entries = [
        Entry(
            LOG,
            number + 1,
            _BEGUN_MS + number * 20_000,
            f"user{number // 3 % 7}",
            MessagePosted(f"message {number} {_WORDS[: number % len(_WORDS)]}"),
        )
        for number in range(count)
    ]
    archive = Conversation(LOG, Kind.ROOM, "archive", more_before=False)
    book = Book(USER)
    # A room that the user has left: the server has nothing to say of it.
    book.restore(Kept(conversations=[KeptConversation(archive, 1, entries)]))
    book.looking_at = LOG
    del entries
    async with connect(USER, address, at_once=True, quit_timeout_s=0.1) as chat:
        cache = Cache(USER, [address], folder)
        render = Renderer(USER, datetime.now(UTC).date(), UTC, colour=False)
        app = ScreenClient(chat, book, cache, render)
        app.gc_policy.begin()
        await app.run_async()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(show(int(sys.argv[1]), sys.argv[2], Path(name)))
