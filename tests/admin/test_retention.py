"""`zchat-admin retention`: how long entries are kept, in days or in a span."""

import json

import pytest

from zchat.protocol.operators import ExpiredCounts, KeptLogs, LogKept, SetRetention

from .conftest import Type
from .served import Notes

DAY_S = 24 * 3600


@pytest.mark.parametrize(
    ("span", "keep_s"),
    [
        ("30", 30 * DAY_S),
        ("36500", 36_500 * DAY_S),
        ("12h", 12 * 3600),
        ("90m", 90 * 60),
        ("60s", 60),
        ("2w", 14 * DAY_S),
        ("0", 0),
        ("default", None),
    ],
)
def test_a_number_is_one_of_days_and_a_span_says_its_unit(
    notes: Notes, zchat_admin: Type, span: str, keep_s: int | None
) -> None:
    notes.answers = {"rooms/0": [ExpiredCounts({"#garden": 1}, None)]}
    result = zchat_admin("retention set", "garden", span, "--yes")
    assert result.exit_code == 0, result.output
    assert [sent for _, sent in notes.commands] == [SetRetention(1, "#garden", keep_s)]


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ("59s", "1m at least"),
        ("1", ""),
        ("36501", "36500 days are the most"),
        ("99999w", "36500 days are the most"),
        ("12hours", "12h"),
        ("-1h", "No such option"),
        ("٣", "90m, 12h"),
    ],
)
def test_what_is_no_span_is_refused(notes: Notes, zchat_admin: Type, span: str, why: str) -> None:
    notes.answers = {"rooms/0": [ExpiredCounts({}, None)]}
    result = zchat_admin("retention set", "garden", span, "--dry-run")
    assert (result.exit_code == 2, why in result.output) == (bool(why), True), result.output
    assert notes.commands == []


def test_what_is_no_whole_day_is_shown_in_hours(notes: Notes, zchat_admin: Type) -> None:
    kept = KeptLogs(
        [LogKept("#", 12 * 3600), LogKept("#garden", 30 * DAY_S), LogKept("#den", 5400)]
    )
    answers = {"rooms/0": [kept], "rooms/1": [KeptLogs([])], "users": [KeptLogs([LogKept("@", 0)])]}
    notes.answers = {address: list(pages) for address, pages in answers.items()}
    shown = zchat_admin("retention show").output
    for line in (
        "rooms, by default  12h",
        "#den               1h 30m",
        "inboxes            for ever",
    ):
        assert line in shown
    assert "30 days" in shown
    notes.answers = {address: list(pages) for address, pages in answers.items()}
    value = json.loads(zchat_admin("retention show", "--json").stdout)
    assert value == {
        "rooms": {"#garden": 30, "#den": 0.0625},
        "rooms_default": 0.5,
        "inboxes": 0,
    }, "in days, as it always was"
