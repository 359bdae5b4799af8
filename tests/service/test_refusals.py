"""How long somebody is kept out, in words."""

import pytest

from zchat.protocol import limits
from zchat.service.core.refusals import how_long

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@pytest.mark.parametrize(
    ("until_ms", "words"),
    [
        (None, ""),
        (1, " for another 1 min, until 1970-01-01 00:01 UTC"),
        (MINUTE_MS, " for another 1 min, until 1970-01-01 00:01 UTC"),
        (MINUTE_MS + 1, " for another 2 min, until 1970-01-01 00:02 UTC"),
        (2 * HOUR_MS, " for another 2 h, until 1970-01-01 02:00 UTC"),
        (47 * HOUR_MS + 1, " for another 2 days, until 1970-01-02 23:01 UTC"),
        (60 * DAY_MS, " for another 60 days, until 1970-03-02 00:00 UTC"),
    ],
)
def test_whoever_comes_back_when_it_is_said_is_let_in(until_ms: int | None, words: str) -> None:
    assert how_long(until_ms, 0) == words


def test_a_time_that_no_calendar_has_is_left_out() -> None:
    assert how_long(limits.INTEGER_MAX, 0) == " for another 104249992 days"
