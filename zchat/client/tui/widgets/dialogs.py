"""Dialogs over the conversation: pick from a list, answer, confirm; and a page to read.

Escape leaves each of them with nothing done.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from zchat.client.tui import keys
from zchat.client.tui.view.choices import Option
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.lines import Lines

T = TypeVar("T")
PICK: Final = "pick:"
MARGIN_LINES: Final = 3
"""Above and below a dialog, which may take four fifths of the rest, as in the style sheet below."""
PICKER_LINES: Final = 5
"""What a picker has besides its options: the input with a blank line, the hint, two borders."""
READING_LINES: Final = 3
"""The hint and two borders."""

DIALOG_CSS: Final = """
{name} {{
    align: center top; background: $background 50%;
    & > Vertical {{
        width: 100%; max-width: {cells}; height: auto; max-height: 80%; margin: 2 2 1 2;
        background: $surface; padding: 1 1;
    }}
    & Static {{ height: auto; width: 1fr; padding: 0 1; }}
    & .hint {{ color: $dim; }}
    & Input {{ height: 1; margin: 0 1 1 1; background: $panel; }}
    &:ansi > Vertical {{ border: round ansi_default; }}
}}
"""


class Dialog(ModalScreen[T]):
    """Ends once, though more keys may come before it is gone."""

    is_over = False
    _result: T | None = None

    def end(self, result: T | None = None) -> None:
        if not self.is_over:
            self.is_over, self._result = True, result
            if self.is_current:
                self.dismiss(result)

    def on_screen_resume(self) -> None:
        # It was ended while another dialog was over it. Textual dismisses only the one in front.
        if self.is_over and self.is_current:
            self.dismiss(self._result)


class Picker(Dialog[str]):
    """A list to pick from, which typing makes shorter: `options` is called after each key."""

    DEFAULT_CSS = (
        DIALOG_CSS.format(name="Picker", cells=140) + "Picker Lines { height: 1fr; min-height: 4; }"
    )
    BINDINGS = keys.PICKER

    def __init__(
        self,
        prompt: str,
        options: Callable[[str], Sequence[Option]],
        nothing: str,
        *,
        typed: Callable[[str], None] | None = None,
        at_last: Callable[[], None] = lambda: None,
    ) -> None:
        """`typed` gets what was typed, if the options come later; they are shown by `show_again`.

        `at_last` is called when the last option is selected: there may be more to load. `nothing`
        stands in the place of options while there are none.
        """
        super().__init__()
        self._prompt = prompt
        self._options = options
        self._nothing = nothing
        self._typed = typed
        self._at_last = at_last
        self._asked: str | None = None
        """The text for which the options are."""
        self._found: Sequence[Option] = ()
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input(placeholder=self._prompt, select_on_focus=False, compact=True)
            yield Lines(id="options", panel=True)
            yield Static(classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(Static).display = False
        self.set_focus(self.query_one(Input))
        self.call_after_refresh(self.show_again)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_again)

    def show_again(self, nothing: str | None = None, hint: str = "") -> None:
        """Calls `options` again. `hint` is shown below them."""
        if nothing is not None:
            self._nothing = nothing
            self.query_one(Static).update(hint)
            self.query_one(Static).display = bool(hint)
        lines = self.query_one(Lines)
        self._asked = self.query_one(Input).value
        self._found = self._options(self._asked)
        self._at = max(0, min(self._at, len(self._found) - 1))
        cells = max(20, lines.size.width)
        shown: list[Line] = [
            tuple(Piece(text, ink, f"{PICK}{number}") for text, ink, _ in option.line(cells))
            for number, option in enumerate(self._found)
        ]
        # As high as needed, and as there is room for.
        room = (self.size.height - MARGIN_LINES) * 4 // 5 - PICKER_LINES
        lines.styles.height = max(1, min(len(shown), room))
        if shown:
            lines.show(shown, self._at)
        else:
            lines.show([(Piece(f" {self._nothing}", Ink.DIM),)])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._at = 0
        if self._typed is not None:
            self.query_one(Static).display = False
            self._typed(event.value)
        self.show_again()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if self._typed is None and event.value != self._asked:
            # Of what was typed just before Enter, Textual sends the message only after it.
            self._at = 0
            self.show_again()
        if self._found:
            self.end(self._found[self._at].value)

    @on(Lines.Clicked)
    def _clicked(self, event: Lines.Clicked) -> None:
        event.stop()
        self.end(self._found[int(event.target.removeprefix(PICK))].value)

    def action_move(self, by: int) -> None:
        if self._found:
            self._at = max(0, min(len(self._found) - 1, self._at + by))
            if abs(by) == 1 and len(self._found) > 1:
                self.query_one(Lines).show(self.query_one(Lines).shown, self._at)
            else:
                self.show_again()
            if self._at == len(self._found) - 1:
                self._at_last()

    def action_leave(self) -> None:
        self.end()


class Prompt(Dialog[str]):
    """One answer in words; a secret is not shown."""

    DEFAULT_CSS = DIALOG_CSS.format(name="Prompt", cells=76)
    BINDINGS = keys.PROMPT

    def __init__(self, question: str, *, secret: bool = False, text: str = "") -> None:
        super().__init__()
        self._question = question
        self._secret = secret
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(self._text, password=self._secret, compact=True)
            yield Static("Enter answers · Esc leaves", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Input))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.end(event.value)

    def action_leave(self) -> None:
        self.end()


class Confirm(Dialog[bool]):
    """Enter is yes, and every other key is no: whoever was typing a word did not mean to confirm.

    `go_on` gets the character of such a key, so that the word stays whole.
    """

    DEFAULT_CSS = DIALOG_CSS.format(name="Confirm", cells=76)

    def __init__(self, question: str, yes: str, go_on: Callable[[str], None]) -> None:
        super().__init__()
        self._question = question
        self._hint = f"Enter {yes} · any other key cancels"
        self._go_on = go_on

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, markup=False)
            yield Static("", markup=False)
            yield Static(self._hint, classes="hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.end(event.key == "enter")
        if event.is_printable:
            self._go_on(event.character or "")


class Reading(Dialog[None]):
    """A page to read, like the list of keys; `page` lays it out in so many cells."""

    DEFAULT_CSS = DIALOG_CSS.format(name="Reading", cells=100) + "Reading Lines { height: 1fr; }"
    BINDINGS = keys.READING

    def __init__(self, page: Callable[[int], Sequence[Line]]) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Lines(id="page", panel=True)
            yield Static("Up and Down scroll · Esc leaves", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.call_after_refresh(self._lay_out)

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        lines = self.query_one(Lines)
        page = self._page(max(20, lines.size.width))
        room = (self.size.height - MARGIN_LINES) * 4 // 5 - READING_LINES
        lines.styles.height = max(1, min(len(page), room))
        lines.show(page)

    def action_scroll(self, by: int) -> None:
        self.query_one(Lines).scroll_lines(by)

    def action_scroll_pages(self, by: int) -> None:
        lines = self.query_one(Lines)
        lines.scroll_lines(by * max(1, lines.size.height - 1))

    def action_leave(self) -> None:
        self.end()
