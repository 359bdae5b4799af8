"""Widgets that show lines of pieces and tell which one was clicked; the list of members is one."""

from collections.abc import Callable, Sequence
from typing import Final

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from zchat.client.tui import keys
from zchat.client.tui.view import themes
from zchat.client.tui.view.captions import OPEN
from zchat.client.tui.view.layout import Line
from zchat.client.tui.widgets import painting


class Lines(Widget):
    """Shows the lines from `top` on; with the background of a panel, or of the conversation."""

    class Clicked(Message):
        def __init__(self, lines: "Lines", target: str) -> None:
            super().__init__()
            self.lines = lines
            self.target = target

        @property
        def control(self) -> "Lines":
            return self.lines

    def __init__(self, *, id: str, panel: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[Line] = []
        self._panel = panel
        self.top = 0
        self.highlighted = -1
        """The selected line; -1 for none."""
        self.beyond: Callable[[range], Line] = lambda hidden: ()
        """What stands at an edge of the window instead of the lines beyond it, given their
        numbers."""
        self._followed = -1, 0
        """The line that was followed last, and the height of the window then."""

    @property
    def shown(self) -> list[Line]:
        return self._lines

    def show(self, lines: Sequence[Line], highlighted: int = -1) -> None:
        """Draws only if anything has changed: it is called for every frame."""
        lines = list(lines)
        if lines == self._lines and highlighted == self.highlighted:
            return
        self._lines, self.highlighted = lines, highlighted
        self.top = max(0, min(self.top, len(lines) - 1))
        if highlighted >= 0:
            self.top = max(min(self.top, highlighted), highlighted - max(1, self.size.height) + 1)
        self.refresh()

    def follow(self, number: int) -> None:
        """Scrolls to that line once; while it stays the same, the user may scroll elsewhere."""
        if (number, self.size.height) == self._followed or not self.size.height:
            return
        self._followed = number, self.size.height
        # Not to the edge, where `beyond` may stand instead of it.
        self.top = max(0, min(self.top, number - 1), number + 2 - self.size.height)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        theme = self.app.theme
        ground = themes.ground(theme, panel=self._panel)
        number = self.top + y
        if number >= len(self._lines):
            return Strip.blank(self.size.width, ground)
        if number == self.highlighted:
            ground += themes.selected(theme, focused=True)
        return painting.strip(self._line_at(y), theme, self.size.width, ground)

    def _line_at(self, y: int) -> Line:
        number, count = self.top + y, len(self._lines)
        hidden = range(0)
        if y == 0 and self.top:
            hidden = range(number + 1)
        elif y == self.size.height - 1 and number < count - 1:
            hidden = range(number, count)
        return (self.beyond(hidden) if hidden else ()) or self._lines[number]

    def scroll_lines(self, by: int) -> None:
        highest = max(0, len(self._lines) - self.size.height)
        self.top = max(0, min(highest, self.top + by))
        self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-2)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(2)

    def on_click(self, event: events.Click) -> None:
        if self.top + event.y < len(self._lines):
            target = painting.target_at(self._line_at(event.y), event.x)
            if target:
                self.post_message(self.Clicked(self, target))


PERSON: Final = f"{OPEN}@"


class Members(Lines, can_focus=True):
    """Who is in the conversation, as lines of which one is selected."""

    BINDINGS = keys.MEMBERS

    def __init__(self, ask: Callable[[str, str], None]) -> None:
        """`ask` gets what is to be done, and to whom; the name is empty if there is nobody."""
        super().__init__(id="members", panel=True)
        self._ask = ask
        self._chosen = ""

    @property
    def _people(self) -> list[str]:
        """By line; empty where a line is no member."""
        targets = (line[0].target if line else "" for line in self.shown)
        return [target.removeprefix(PERSON) for target in targets]

    def show(self, lines: Sequence[Line], highlighted: int = -1) -> None:
        """The same member stays selected, wherever they are in the list now."""
        super().show(lines, highlighted)
        self._show_choice()

    def _show_choice(self) -> None:
        people = self._people
        if self.has_focus and (not self._chosen or self._chosen not in people):
            self._chosen = next(filter(None, people), "")
        chosen = self.has_focus and self._chosen
        super().show(self.shown, people.index(self._chosen) if chosen else -1)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._show_choice()

    def action_step(self, by: int) -> None:
        people = [name for name in self._people if name]
        if self._chosen in people:
            at = people.index(self._chosen) + by
            self._chosen = people[max(0, min(len(people) - 1, at))]
        self._show_choice()

    def action_say(self, what: str) -> None:
        self._ask(what, self._chosen)
