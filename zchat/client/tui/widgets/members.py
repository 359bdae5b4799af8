"""Who is in the conversation, as a list in which one member is selected."""

from collections.abc import Callable, Sequence
from typing import Final

from zchat.client.tui import keys
from zchat.client.tui.view.captions import OPEN
from zchat.client.tui.view.layout import Line
from zchat.client.tui.widgets.lines import Lines

PERSON: Final = f"{OPEN}@"


class Members(Lines, can_focus=True):
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
