"""What the person is told aloud, and whether anything is."""

import asyncio
import enum
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Mapping
from html import escape
from typing import Final, assert_never

from zchat.client.core.events import EntryArrived, Event
from zchat.client.model.book import Book
from zchat.client.model.notifications import Notifying
from zchat.client.storage.cache import Cache
from zchat.client.text.wording import Notification, notification

# --- Tells the user something aloud: by the terminal's bell, by the terminal, or on the desktop.

TERMINAL_CHARS_MAX: Final = 250
RUNNING_MAX: Final = 3
"""With so many that have not ended, a desktop shows nothing more."""
CLOSING_TIMEOUT_S: Final = 2.0
_SHOWING_TERMINALS: Final = frozenset({"iTerm.app", "WezTerm", "ghostty"})
"""By `TERM_PROGRAM`: those that show what OSC 9 says."""


class How(enum.StrEnum):
    OFF = "off"
    BELL = "bell"
    TERMINAL = "terminal"
    """By OSC 9, which some terminals show and the others ignore."""
    DESKTOP = "desktop"
    """By `notify-send`."""


def best(environment: Mapping[str, str]) -> How:
    """What reaches the user here."""
    has_desktop = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if has_desktop and shutil.which("notify-send"):
        return How.DESKTOP
    # tmux keeps OSC 9 to itself, and passes on the bell.
    if environment.get("TERM_PROGRAM") in _SHOWING_TERMINALS and not environment.get("TMUX"):
        return How.TERMINAL
    return How.BELL


class Notifier:
    """`write` brings text to the terminal, between two of its frames."""

    def __init__(self, how: How, write: Callable[[str], object]) -> None:
        self._how = how
        self._write = write
        self._program = shutil.which("notify-send") or "notify-send"
        self._running: list[subprocess.Popen[bytes]] = []

    def tell(self, notification: Notification) -> None:
        match self._how:
            case How.OFF:
                pass
            case How.BELL:
                self._write("\a")
            case How.TERMINAL:
                self._write(osc_9(f"{notification.title}: {notification.body}"))
            case How.DESKTOP:
                self._send(notification)
            case _:
                assert_never(self._how)

    def close(self) -> None:
        """Leaves nothing running."""
        for process in self._running:
            try:
                process.wait(CLOSING_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running = []

    def _send(self, notification: Notification) -> None:
        self._running = [each for each in self._running if each.poll() is None]
        if len(self._running) >= RUNNING_MAX:
            return
        title, body = _plain(notification.title), _plain(notification.body)
        # The body is markup there; nothing after `--` is an option.
        words = [self._program, "--app-name=zchat", "--", title, escape(body, quote=False)]
        try:
            process = subprocess.Popen(  # noqa: S603
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self._how = How.BELL
            self._write("\a")
        else:
            self._running.append(process)


def osc_9(text: str) -> str:
    """What has some terminals show the text."""
    return f"\x1b]9;{_plain(text)[:TERMINAL_CHARS_MAX]}\x07"


def _plain(text: str) -> str:
    """Without a character that could end the sequence, or turn what stands around it."""
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


QUIET: Final = "quiet"
ON: Final = "on"


def is_quiet(settings: Mapping[str, str]) -> bool:
    """As it was when the person left."""
    return settings.get(QUIET) == ON


class Notifications:
    def __init__(self, book: Book, notifier: Notifier, cache: Cache, *, quiet: bool) -> None:
        self._book = book
        self._notifier = notifier
        self._cache = cache
        self._notifying = Notifying(do_not_disturb=quiet)

    @property
    def quiet(self) -> bool:
        return self._notifying.do_not_disturb

    def toggle(self) -> str:
        """Says how it is now."""
        quiet = self._notifying.do_not_disturb = not self.quiet
        self._cache.keep_setting(QUIET, ON if quiet else "")
        return "do not disturb is on; F4 ends it" if quiet else "do not disturb is off"

    def hear(self, event: Event, looked_at: str) -> None:
        """Once the book has it."""
        if isinstance(event, EntryArrived):
            now = asyncio.get_running_loop().time()
            self._notifying.hear(self._book, event, now, looked_at=looked_at)

    def forget(self, key: str) -> None:
        """The person looks at that conversation now."""
        self._notifying.forget(key)

    def tell(self) -> None:
        """What is due by now."""
        told = self._notifying.take(asyncio.get_running_loop().time())
        if told:
            self._notifier.tell(notification(told, self._book.me))
