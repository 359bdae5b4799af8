"""Somebody before the screen: a client in this process, and a gateway that has what it reads."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date
from pathlib import Path

from textual.pilot import Pilot

from zchat.client.model.book import Book
from zchat.client.sdk.chat import connect
from zchat.client.storage.cache import Cache
from zchat.client.storage.config import Config
from zchat.client.text.renderer import Renderer
from zchat.client.tui.app import ScreenClient

from ..fake_gateway import FakeGateway, until


class Person:
    """What somebody does at the keyboard, and sees."""

    def __init__(self, app: ScreenClient, pilot: Pilot[int], gateway: FakeGateway) -> None:
        self.app = app
        self.pilot = pilot
        self.gateway = gateway

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def write(self, text: str) -> None:
        """Letter by letter, and then Enter."""
        await self.press(*(_KEYS.get(char, char) for char in text), "enter")

    async def sees(self, text: str) -> None:
        """Sooner or later."""
        await self._until(lambda: text in self.screen)

    async def sees_no_more(self, text: str) -> None:
        await self._until(lambda: text not in self.screen)

    async def _until(self, condition: Callable[[], bool]) -> None:
        try:
            await until(condition)
        except TimeoutError:
            raise AssertionError(f"seen was:\n{self.screen}") from None

    @property
    def screen(self) -> str:
        """All lines, as plain text."""
        screen = self.app.screen
        lines = screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in lines)

    @property
    def written(self) -> str:
        return self.app.composer.text


_TODAY = date(2023, 11, 14)
_KEYS = {
    " ": "space",
    ":": "colon",
    "@": "at",
    "#": "number_sign",
    "/": "slash",
    ".": "full_stop",
    "*": "asterisk",
    "`": "grave_accent",
    "\n": "ctrl+j",
}


@asynccontextmanager
async def person(
    gateway: FakeGateway,
    folder: Path,
    *,
    size: tuple[int, int] = (100, 30),
    theme: str = "",
    config: Config | None = None,
) -> AsyncIterator[Person]:
    cache = Cache("ann", [gateway.address], folder)
    kept = cache.load()
    if theme:
        cache.keep_setting("theme", theme)
    chat = connect(
        "ann",
        gateway.address,
        cursors=kept.cursors,
        mark_read=False,
        at_once=True,
        quit_timeout_s=1.0,
    )
    try:
        async with chat:
            book = Book("ann")
            book.restore(kept)
            render = Renderer("ann", _TODAY, UTC, colour=False)
            app = ScreenClient(chat, book, cache, render, zone=UTC, config=config)
            async with app.run_test(size=size) as pilot:
                somebody = Person(app, pilot, gateway)
                await somebody.sees("● online")
                yield somebody
                if gateway.port and app.is_running:
                    app.leave_at_once()
    finally:
        cache.close()
