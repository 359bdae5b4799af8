"""An answer to a search ends where whoever asks for more can go on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol import limits
from zchat.protocol.messages import Entry, MessagePosted
from zchat.protocol.rules.search_paging import newest_found


def found(*times_ms: int) -> list[Entry]:
    return [
        Entry("#garden", sequence, at_ms, "ann", MessagePosted("bean"))
        for sequence, at_ms in enumerate(times_ms, 1)
    ]


@pytest.mark.parametrize(
    ("times_ms", "limit", "shown", "more"),
    [
        ([], 2, [], False),
        ([1, 2], 2, [2, 1], False),
        ([3, 1, 2], 2, [3, 2], True),
        ([1, 1, 2], 2, [2], True),
        ([1, 1, 1], 2, [1, 1, 1], False),
        ([1, 2, 2, 2], 2, [2, 2, 2], True),
    ],
)
def test_no_answer_ends_amid_a_millisecond(
    times_ms: list[int], limit: int, shown: list[int], more: bool
) -> None:
    entries, is_more = newest_found(found(*times_ms), limit)
    assert ([entry.at_ms for entry in entries], is_more) == (shown, more)


@given(st.lists(st.integers(1, 8), max_size=30), st.integers(1, 10))
def test_page_by_page_everything_is_seen_once(times_ms: list[int], limit: int) -> None:
    left, seen, more = found(*times_ms), [], True
    while more:
        page, more = newest_found(left, limit)
        assert page or not left
        seen += page
        left = [entry for entry in left if entry.at_ms < page[-1].at_ms] if page else []
    assert seen == sorted(found(*times_ms), key=lambda e: (-e.at_ms, -e.sequence))


def test_an_answer_fits_in_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES_MAX", 1)
    entries, more = newest_found(found(1, 2, 3), 3)
    assert ([entry.at_ms for entry in entries], more) == ([3], True)

    # Of so many at once some are never seen.
    entries, more = newest_found(found(3, 3), 2)
    assert ([entry.at_ms for entry in entries], more) == ([3], True)
