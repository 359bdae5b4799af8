"""Questions over the conversation, which have the keyboard until the whole dialogue is over.

An answer that is typed before its question, or once more after it, is often a password. So it
reaches the next question or nobody, and never the conversation. Keys come in their order by
`press`, also those that were typed before anything of this was on the screen.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from zchat.client.commands.questions import Question, Questions
from zchat.client.tui.view.cells import drawable_line
from zchat.client.tui.widgets.dialogs import DIALOG_CSS, Dialog
from zchat.protocol.rules.names import safe_text

_ASKING: Final = "Enter answers · Esc leaves"
_WAITING: Final = "one moment… · Esc leaves"


class QuestionDialog(Dialog[None]):
    """Opened as soon as it is known that something will be asked; ends when it is told to."""

    DEFAULT_CSS = DIALOG_CSS.format(name="QuestionDialog", cells=76)

    def __init__(self) -> None:
        super().__init__()
        self._asked: Questions | None = None
        self._answered: asyncio.Future[list[str] | None] | None = None
        self._early: list[str] = []
        """Answers that were typed before their questions came."""
        self._typed = ""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="question", markup=False)
            yield Static(id="complaint", markup=False)
            yield Static(id="answer", markup=False)
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        self._show()

    @property
    def is_being_typed_in(self) -> bool:
        return bool(self._early or self._typed)

    async def ask(self, questions: Sequence[Question], complaint: str) -> list[str] | None:
        """The answers; None if the user left."""
        if self.is_over:
            return None
        if complaint:
            self._early.clear()
            self._typed = ""
        self._asked = Questions(questions, complaint)
        self._answered = asyncio.get_running_loop().create_future()
        self._go_on()
        try:
            return await self._answered
        finally:
            self._asked = self._answered = None
            self._show()

    def press(self, event: events.Key | events.Paste) -> None:
        if isinstance(event, events.Paste):
            self._typed += safe_text(event.text).split("\n", maxsplit=1)[0]
        elif event.key == "escape":
            self._leave()
        elif event.key == "enter":
            self._early.append(self._typed)
            self._typed = ""
            self._go_on()
        elif event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.key in ("ctrl+u", "ctrl+c"):
            self._typed = ""
        elif event.is_printable:
            self._typed += event.character or ""
        self._show()

    def _go_on(self) -> None:
        """Uses answers that were typed ahead."""
        asked, answered = self._asked, self._answered
        while asked is not None and asked.next is not None and self._early:
            asked.answer(self._early.pop(0))
            if asked.complaint:
                # What was typed ahead was meant for other questions.
                self._early.clear()
                self._typed = ""
        if asked is not None and asked.next is None and answered and not answered.done():
            answered.set_result(asked.answers)
        self._show()

    def _leave(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        self.end()

    def _show(self) -> None:
        if self.is_over or not self.query("#question"):
            return
        question = None if self._asked is None else self._asked.next
        complaint = "" if self._asked is None else self._asked.complaint
        is_secret = question is None or question.secret
        typed = "•" * len(self._typed) if is_secret else drawable_line(self._typed)
        for name, text in (
            ("#question", "" if question is None else question.text),
            ("#complaint", f"! {complaint}" if complaint else ""),
            ("#answer", f"› {typed}▏"),
            (".hint", _WAITING if question is None else _ASKING),
        ):
            line = self.query_one(name, Static)
            line.update(text)
            line.display = bool(text)


class Questioner:
    """Asks what a command needs to know, on the screen of `app`, between `begin` and `end`."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._open: QuestionDialog | None = None

    def begin(self) -> None:
        """From now on the keyboard is for answers."""
        self._open = QuestionDialog()
        self._app.push_screen(self._open)

    def end(self) -> bool:
        """Whether the user was typing what was not asked for."""
        dialog, self._open = self._open, None
        if dialog is None or dialog.is_over:
            return False
        dialog.end()
        return dialog.is_being_typed_in

    async def ask(self, questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        return None if self._open is None else await self._open.ask(questions, complaint)
