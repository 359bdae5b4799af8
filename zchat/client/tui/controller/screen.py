"""What the controllers need of the app, which imports them and not the other way round.

Anything else that the app has is none of their business.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from textual.widget import Widget

from zchat.client.tui.widgets.dialogs import Dialog

T = TypeVar("T")


class Front(Protocol):
    """What `Controller` needs, which knows of no widget."""

    def note(self, lines: Sequence[str]) -> None:
        """Shows a message of the client itself."""

    def hint(self, *parts: str) -> str:
        """Names the keys in force, as `view.hints` does."""

    def wake(self) -> None:
        """There is something new to draw."""

    def open_to_write(self, key: str) -> None:
        """Goes to that conversation, with the focus where text is written."""

    def opens(self, key: str, request: int) -> None:
        """A conversation has opened that this request has asked for."""

    def begin_questions(self) -> None:
        """The keyboard is for answers, until the executor asks nothing more."""

    def ask(self, question: str, yes: str, then: Callable[[], object]) -> None:
        """Does it once the user has confirmed."""


class Screen(Protocol):
    """What all other controllers need."""

    has_attention: bool
    """The terminal is in front, as far as it tells."""

    @property
    def is_uncovered(self) -> bool:
        """No dialog is over the conversation."""

    @property
    def columns(self) -> int:
        """Of the terminal."""

    def note(self, lines: Sequence[str]) -> None:
        """Shows a message of the client itself."""

    def hint(self, *parts: str) -> str:
        """Names the keys in force, as `view.hints` does."""

    def ask(self, question: str, yes: str, then: Callable[[], object]) -> None:
        """Does it once the user has confirmed; `yes` says what Enter does."""

    def show_dialog(
        self, dialog: Dialog[T], then: Callable[[T | None], None] | None = None
    ) -> None:
        """`then` gets its result, or None if the user leaves it."""

    def show_around(self) -> None:
        """Draws at once what stands around the timeline."""

    def focus_on(self, part: Widget) -> None:
        """At once, also behind a dialog."""

    def copy_to_clipboard(self, text: str) -> None:
        """By the terminal."""

    def open_url(self, url: str) -> None:
        """In the user's browser."""

    def suspend(self) -> AbstractContextManager[None]:
        """Gives the terminal to another program meanwhile. May raise `SuspendNotSupported`."""

    def leave_at_once(self) -> None:
        """Ends the client."""
