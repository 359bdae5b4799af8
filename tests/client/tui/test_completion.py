"""What may take the place of the word before the cursor."""

import pytest

from zchat.client.core.events import EntryArrived
from zchat.client.model.book import Book
from zchat.client.model.known_names import KNOWN_NAMES_MAX
from zchat.client.tui.view.completion import Roster, complete
from zchat.protocol.messages import Entry, MessagePosted

NAMES = ["bob", "carol"]
ROOMS = ["garden", "ops"]


@pytest.mark.parametrize(
    ("before", "offered"),
    [
        (":jr g", ["garden "]),
        (":pm c", ["carol "]),
        (":pm bob c", []),
        # Everybody who is named after it takes part.
        (":talk bob c", ["carol "]),
        (":talk bob carol", []),
        (":no-such-command c", []),
        ("text c", []),
        ("text @c", ["@carol "]),
    ],
)
def test_an_argument_is_completed_by_what_it_names(before: str, offered: list[str]) -> None:
    found = complete(before, NAMES, ROOMS, first_line=True)
    assert [choice.insert for choice in found.choices] == offered


def test_of_very_many_names_those_not_heard_of_for_longest_are_forgotten() -> None:
    roster = Roster(Book("ann"))
    for number in range(2 * KNOWN_NAMES_MAX):
        for name in ("bob", f"guest-{number}"):
            said = Entry("#lobby", number + 1, 0, name, MessagePosted("hello"))
            roster.hear(EntryArrived(said, missed=False))
    people = roster.people()
    assert len(people) == KNOWN_NAMES_MAX
    assert people[:2] == [f"guest-{2 * KNOWN_NAMES_MAX - 1}", "bob"]
    assert "guest-0" not in people
