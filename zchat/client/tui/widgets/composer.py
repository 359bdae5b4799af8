"""Where the user writes, with history and completion; all keys pass through here, in order."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any, Final

from textual import events
from textual.message import Message
from textual.screen import Screen
from textual.widgets import TextArea

from zchat.client.tui import keys
from zchat.client.tui.view.completion import NONE, Completion
from zchat.client.tui.widgets.questions import QuestionDialog
from zchat.protocol.rules.names import safe_text

HISTORY_MAX: Final = 500
"""Texts that Up brings back."""
MOUNTED_WITHIN_S: Final = 5.0
"""How long keys wait for a dialog that an earlier key has opened; they are lost if it never
comes."""
_WORD: Final = re.compile(r"[\w.+-]+$")


class Composer(TextArea):
    DEFAULT_CSS = """
    Composer {
        height: auto; min-height: 1; max-height: 8; width: 1fr;
        border: none; padding: 0; background: transparent;
        scrollbar-size-vertical: 1;
        & .text-area--cursor-line { background: transparent; }
        &:focus { border: none; }
    }
    """

    BINDINGS = keys.COMPOSER

    class Completing(Message):
        """What the word may become; `at` is the choice that stands there now, or -1."""

        def __init__(self, completion: Completion, at: int) -> None:
            super().__init__()
            self.completion = completion
            self.at = at

    def __init__(
        self,
        completions: Callable[[str, bool], Completion],
        submit: Callable[[str], None],
        wants: Callable[[str], None],
    ) -> None:
        """The callbacks are called at once, before the next key is handled. Messages of Textual
        would wait in a queue behind it.

        `wants` gets the keys that mean nothing for a text: `up`, `tab`, `escape`, `end`, `page up`
        or `page down`.
        """
        super().__init__(
            compact=True, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False
        )
        self.cursor_blink = False
        self._completions = completions
        self._submit = submit
        self._wants = wants
        self._history: list[str] = []
        self._at = 0
        """The place in the history; its end is what is being written."""
        self._unsent = ""
        """What was being written when Up first went into the history."""
        self.pressed_at_s = 0.0
        """When the key was pressed that is handled now."""
        self._opened: Screen[Any] | None = None
        """The newest dialog that was opened by a key that came through here."""
        self._offered = NONE
        self._chosen = -1
        self._completed: str | None = None
        """The text as the last choice has left it. Nothing is offered for it, since it is
        complete."""

    def load(self, text: str) -> None:
        """Another text, with the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)
        self._at = len(self._history)

    def remember_all(self, texts: list[str]) -> None:
        """Puts what was sent in earlier runs, oldest first, before what was sent in this one."""
        self._history[:0] = texts[-HISTORY_MAX:]
        self._at = len(self._history)

    def remember(self, text: str) -> None:
        """Has Up bring it back."""
        if not self._history or self._history[-1] != text:
            self._history.append(text)
            del self._history[:-HISTORY_MAX]
        self._at = len(self._history)

    async def _on_key(self, event: events.Key) -> None:
        """All keys come here, whatever has the focus, and each takes effect before the next.

        Textual passes a key on to the app before it looks up what it is bound to. The next keys
        would reach the widget meanwhile, and take effect first: of a fast "Ctrl-K name" the name
        would be written here.
        """
        self.pressed_at_s = event.time
        if await self._handed_on(event):
            return
        is_text = event.is_printable and event.key not in self._bindings.key_to_bindings
        writes = self.screen.focused is self
        done = await self._does(event.key, first=True)
        if not done and not (writes and is_text):
            done = await self._does(event.key, first=False)
        if done or not (writes or is_text):
            event.stop()
            event.prevent_default()
        elif not writes:
            # A letter that is bound to nothing here begins a word to be written.
            self.screen.set_focus(self)

    async def _does(self, key: str, *, first: bool) -> bool:
        """Runs what the key is bound to, with `first` only if that has priority; False for
        nothing."""
        if self.app.screen is not self.screen:
            # The key was pressed before the dialog that is over this by now.
            bindings = () if first else self._bindings.key_to_bindings.get(key, ())
            if bindings:
                await self.run_action(bindings[0].action)
            return bool(bindings)
        if not await self.app._check_bindings(key, priority=first):
            return False
        if self.app.screen is not self.screen:
            self._opened = self.app.screen
        return True

    def has_opened(self, screen: Screen[Any]) -> bool:
        """Whether the dialog was opened by a key that came through here."""
        return screen is self._opened

    async def _handed_on(self, event: events.Key | events.Paste) -> bool:
        """Gives the event to a dialog that an earlier key has opened; False if there is none."""
        dialog = self.app.screen
        if dialog is self.screen or dialog is not self._opened:
            return False
        event.prevent_default()
        event.stop()
        if isinstance(dialog, QuestionDialog):
            dialog.press(event)
            return True
        # Before it is mounted it has no input to put the text into.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(dialog._mounted_event.wait(), MOUNTED_WITHIN_S)
        target = dialog.focused or dialog
        if isinstance(event, events.Paste):
            target._forward_event(events.Paste(event.text))
        elif not await self.app._check_bindings(event.key, priority=True):
            target._forward_event(events.Key(event.key, event.character))
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        if await self._handed_on(event):
            return
        # Textual would call the handler of the base class, too, and the text would be pasted twice.
        event.prevent_default()
        event.stop()
        if self.screen.focused is not self:
            self.screen.set_focus(self)
        text = safe_text(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        result = self._replace_via_keyboard(text, *self.selection)
        if result is not None:
            self.move_cursor(result.end_location)

    def on_text_area_changed(self) -> None:
        if not self.text:
            self._at = len(self._history)
        if self.text != self._completed:
            self._completed = None
            self._offer()

    def _offer(self) -> None:
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        offered = self._completions(before, row == 0)
        self._chosen = -1
        if offered != self._offered:
            self._offered = offered
            self.post_message(self.Completing(offered, -1))

    def choose(self, number: int) -> None:
        """Puts that choice in the place of the word."""
        offered = self._offered
        row, column = self.cursor_location
        insert = offered.choices[number].insert
        self.replace(insert, (row, column - offered.length), (row, column))
        self.move_cursor((row, column - offered.length + len(insert)))
        self._completed = self.text
        self._offered = Completion(len(insert), offered.choices)
        self._chosen = number
        self.call_after_refresh(self._tell_choice)

    def _tell_choice(self) -> None:
        self.post_message(self.Completing(self._offered, self._chosen))

    def action_complete(self, by: int) -> None:
        count = len(self._offered.choices)
        if count:
            begin = -1 if by > 0 else count
            at = self._chosen if self._chosen >= 0 else begin
            self.choose((at + by) % count)
        elif not self.text.strip():
            self._wants("tab")
        else:
            self._complete_name(by)

    def _complete_name(self, by: int) -> None:
        """Completes a name without its `@`, as IRC clients do."""
        row, column = self.cursor_location
        before = self.document.get_line(row)[:column]
        word = _WORD.search(before)
        if word is None:
            return
        begin = before[: word.start()]
        offered = self._completions(f"{begin}@{word[0]}", row == 0)
        if offered.choices and offered.length == len(word[0]) + 1:
            self._offered = Completion(len(word[0]), offered.choices)
            self.action_complete(by)

    def action_submit(self) -> None:
        text = self.text.rstrip()
        if text.strip():
            self._submit(text)
        else:
            self.load("")

    def action_newline(self) -> None:
        self.insert("\n")

    def action_clear_line(self) -> None:
        row, column = self.cursor_location
        self.delete((row, 0), (row, column))

    def action_end(self) -> None:
        if self.cursor_at_end_of_line:
            self._wants("end")
        else:
            self.action_cursor_line_end()

    def action_up(self) -> None:
        if self._offered.choices:
            self.action_complete(-1)
        elif self.cursor_location[0] > 0 or not self.cursor_at_first_line_of_wrap:
            self.action_cursor_up()
        elif self._at == 0 or (self._at == len(self._history) and not self.text):
            # From an empty line Up leads into the conversation, not into the history.
            self._wants("up")
        else:
            if self._at == len(self._history):
                self._unsent = self.text
            self._at -= 1
            self._recall(self._history[self._at])

    def action_down(self) -> None:
        if self._offered.choices:
            self.action_complete(1)
        elif self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif self._at < len(self._history):
            self._at += 1
            newest = self._at == len(self._history)
            self._recall(self._unsent if newest else self._history[self._at])

    def _recall(self, text: str) -> None:
        at = self._at
        # No choices are offered, so that the arrows go on through the history.
        self._completed, self._offered = text, NONE
        self.load(text)
        self._at = at

    @property
    def cursor_at_first_line_of_wrap(self) -> bool:
        return self.wrapped_document.location_to_offset(self.cursor_location).y == 0

    def action_page(self, by: int) -> None:
        self._wants("page down" if by > 0 else "page up")

    def action_escape(self) -> None:
        self._completed, self._offered = self.text, NONE
        self._wants("escape")
