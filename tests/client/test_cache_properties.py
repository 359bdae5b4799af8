"""A client that stops, or is killed, at any moment reads the same the next time."""

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.client.core.events import Event
from zchat.client.model import book
from zchat.client.model.book import Book
from zchat.client.storage import cache
from zchat.client.storage.cache import Cache

from .book_server import ME
from .test_book_properties import KEYS, Play

ADDRESSES = ("127.0.0.1:1",)


class CachedPlay(Play):
    def __init__(self, choices: bytes, folder: Path) -> None:
        super().__init__(choices)
        self.folder = folder
        self.cache = Cache(ME, ADDRESSES, folder)
        self.book.restore(self.cache.load())

    def hear(self, event: Event) -> None:
        self.cache.take(event)
        super().hear(event)

    def it_is_written(self) -> None:
        self.cache.flush(self.book.take_touched())

    def the_client_is_killed(self) -> None:
        """What was said and not confirmed is gone, and all the server sends comes again."""
        self.cache.close()
        self.cache = Cache(ME, ADDRESSES, self.folder)
        assert not self.cache.trouble
        kept = self.cache.load()
        self.book = Book(ME)
        self.book.restore(kept)
        self.answers.clear()
        self.unsent.clear()
        for log in self.cursors:
            known = kept.cursors.get(log)
            self.cursors[log] = self.server.head(log) if known is None else known
            self.first[log] = 1
        self.check()
        self.the_session_resumes()

    def the_client_stops(self) -> None:
        self.it_is_written()
        self.the_client_is_killed()

    def older_ones_are_read_from_the_cache(self) -> None:
        key = self.one_of(*KEYS)
        before = self.book.first(key)
        page = self.cache.older(key, before, self.number(1, 3))
        if page is not None:
            self.book.loaded(key, page, before)

    def entries_come_again(self) -> None:
        """Not here: the cache has heard of them when they first came."""

    def possible(self) -> list[Callable[[], None]]:
        return [
            *super().possible(),
            self.it_is_written,
            self.the_client_is_killed,
            self.the_client_stops,
            self.older_ones_are_read_from_the_cache,
        ]

    def finish(self) -> None:
        super().finish()
        self.the_client_stops()
        super().finish()
        self.cache.close()


@pytest.fixture(autouse=True)
def _few_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LOADED_ENTRIES", 2)
    monkeypatch.setattr(book, "IDLE_ITEMS_MAX", 4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_kept_is_as_good_as_what_the_server_has(seed: int) -> None:
    with TemporaryDirectory() as folder:
        CachedPlay(random.Random(seed).randbytes(200), Path(folder)).run()
