"""Notifications: what the user is told, and how it reaches them."""

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
from zchat.client.model.entries import NOTICES, conversation_of
from zchat.client.model.notifications import Notifying
from zchat.client.storage.cache import Cache
from zchat.client.text.entries import Notification, notification, sentence

TERMINAL_CHARS_MAX: Final = 250
"""A longer text is cut before the terminal gets it."""
RUNNING_MAX: Final = 3
"""While so many programs run that show something, no more are started: a desktop may hang. Nor does
the end of the client wait for them: whoever quits should not wait for a desktop."""
_SHOWING_TERMINALS: Final = frozenset({"iTerm.app", "WezTerm", "ghostty"})
"""By `TERM_PROGRAM`: terminals that show a text by OSC 9."""


class How(enum.StrEnum):
    OFF = "off"
    BELL = "bell"
    TERMINAL = "terminal"
    """By OSC 9, which some terminals show and the others ignore."""
    DESKTOP = "desktop"
    """By `notify-send`."""


def best(environment: Mapping[str, str]) -> How:
    """The best way that works in this environment."""
    has_desktop = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if has_desktop and shutil.which("notify-send"):
        return How.DESKTOP
    # tmux passes the bell on to its terminal, but not OSC 9.
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

    def _send(self, notification: Notification) -> None:
        self._running = [each for each in self._running if each.poll() is None]
        if len(self._running) >= RUNNING_MAX:
            return
        title, body = _plain(notification.title), _plain(notification.body)
        # A body is markup for the desktop, and a title may begin with a dash.
        words = [self._program, "--app-name=zchat", "--", title, escape(body, quote=False)]
        try:
            process = subprocess.Popen(  # noqa: S603
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C and a terminal that is closed are not meant for it.
                start_new_session=True,
            )
        except OSError:
            # Not there, or it cannot be run: the same will be so the next time.
            self._how = How.BELL
            self._write("\a")
        else:
            self._running.append(process)


def osc_9(text: str) -> str:
    """The sequence with which some terminals show a text."""
    return f"\x1b]9;{_plain(text)[:TERMINAL_CHARS_MAX]}\x07"


def _plain(text: str) -> str:
    """Without control characters: they would end the sequence, or change what is around it."""
    return "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))


QUIET: Final = "quiet"
ON: Final = "on"


def is_quiet(settings: Mapping[str, str]) -> bool:
    """Whether "do not disturb" was on when the user left."""
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

    def toggle(self, ends: str) -> str:
        """Turns "do not disturb" on or off; returns what to tell the user, with what `ends` it."""
        quiet = self._notifying.do_not_disturb = not self.quiet
        self._cache.keep_setting(QUIET, ON if quiet else "")
        return f"do not disturb is on{ends}" if quiet else "do not disturb is off"

    def hear(self, event: Event, looked_at: str) -> None:
        """To be called once the book has the event."""
        if isinstance(event, EntryArrived):
            now = asyncio.get_running_loop().time()
            self._notifying.hear(self._book, event, now, looked_at=looked_at)

    def forget(self, key: str) -> None:
        """The user looks at that conversation now, of which nothing need be told any more."""
        self._notifying.forget(key)

    def tell(self) -> None:
        """Tells what is due by now; called once a second."""
        told = self._notifying.take(asyncio.get_running_loop().time())
        if told:
            self._notifier.tell(notification(told, self._book.me))


def notices(event: Event, me: str) -> list[str]:
    """The notice of the cluster that the event is, to be shown at once; none that was missed."""
    match event:
        case EntryArrived(entry, missed=False) if conversation_of(entry, me) == NOTICES:
            return [sentence(entry, me)]
        case _:
            return []
