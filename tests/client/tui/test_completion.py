"""What may take the place of the word before the cursor."""

import pytest

from zchat.client.tui.view.completion import complete

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
