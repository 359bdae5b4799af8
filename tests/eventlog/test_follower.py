"""A follower makes a gapless stream of one that may drop, double, delay and be cut anew."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from zchat.eventlog.core.follower import Follower
from zchat.protocol import limits
from zchat.protocol.internal import Chunk, StreamPage


def page(first: int, last: int) -> StreamPage:
    """The positions `first` to `last`; here all are in one log, where they are the sequence."""
    frames = b"".join(b"%d " % position for position in range(first, last + 1))
    return StreamPage(first, last, [Chunk("#garden", first, last, frames, [])])


def heartbeat(head: int) -> StreamPage:
    return StreamPage(head + 1, head, [])


def positions(chunks: Iterable[Chunk]) -> list[int]:
    return [int(frame) for chunk in chunks for frame in chunk.frames.split()]


def following(position: int) -> Follower:
    follower = Follower()
    follower.begin(position)
    return follower


def test_what_comes_in_order_is_handed_on() -> None:
    follower = following(4)

    assert positions(follower.receive(page(5, 6))) == [5, 6]
    assert positions(follower.receive(page(7, 7))) == [7]
    assert follower.position == 7
    assert follower.missing_after is None


def test_before_it_begins_it_follows_nothing() -> None:
    follower = Follower()

    assert follower.receive(page(1, 3)) == []
    assert follower.position is None
    assert follower.missing_after is None


def test_it_begins_only_once() -> None:
    follower = following(4)
    follower.receive(page(5, 5))
    follower.begin(9)

    assert follower.position == 5


def test_after_a_gap_it_waits_for_what_is_missing() -> None:
    follower = following(4)

    assert follower.receive(page(7, 8)) == []
    assert follower.missing_after == 4
    assert positions(follower.receive(page(5, 6))) == [5, 6, 7, 8]
    assert follower.missing_after is None


def test_several_gaps_are_filled_one_after_the_other() -> None:
    follower = following(0)
    follower.receive(page(2, 2))
    follower.receive(page(4, 4))

    assert positions(follower.receive(page(1, 1))) == [1, 2]
    assert follower.missing_after == 2
    assert positions(follower.receive(page(3, 3))) == [3, 4]


def test_a_heartbeat_betrays_that_the_newest_was_dropped() -> None:
    follower = following(4)
    assert follower.receive(heartbeat(4)) == []
    assert follower.missing_after is None

    assert follower.receive(heartbeat(6)) == []
    assert follower.missing_after == 4


def test_of_an_empty_stream_nothing_is_missing() -> None:
    follower = following(0)

    assert follower.receive(heartbeat(0)) == []
    assert follower.missing_after is None


def test_it_says_how_many_entries_it_lags_behind() -> None:
    assert Follower().lag == 0
    follower = following(4)
    assert follower.lag == 0

    follower.receive(page(7, 8))
    assert follower.lag == 4
    follower.receive(page(5, 6))
    assert follower.lag == 0


def test_what_comes_twice_is_handed_on_once() -> None:
    follower = following(4)

    assert positions(follower.receive(page(5, 6))) == [5, 6]
    assert follower.receive(page(5, 6)) == []
    assert follower.receive(page(1, 3)) == []
    assert follower.position == 6


def test_what_was_cut_differently_is_read_again() -> None:
    follower = following(4)
    follower.receive(page(5, 6))

    assert follower.receive(page(6, 8)) == []
    assert follower.missing_after == 6
    assert positions(follower.receive(page(7, 8))) == [7, 8]


def test_an_early_page_that_a_larger_one_holds_too_is_dropped() -> None:
    follower = following(0)
    follower.receive(page(3, 4))

    assert positions(follower.receive(page(1, 6))) == [1, 2, 3, 4, 5, 6]
    assert follower.receive(page(3, 4)) == []
    assert not follower._early


def test_it_holds_a_bounded_number_of_early_pages() -> None:
    follower = following(0)
    newest = limits.FOLLOWER_ENVELOPES_MAX + 10
    for position in range(2, newest + 1):
        follower.receive(page(position, position))
    assert len(follower._early) == limits.FOLLOWER_ENVELOPES_MAX

    read = positions(follower.receive(page(1, 1)))
    while (after := follower.missing_after) is not None:
        read += positions(follower.receive(page(after + 1, newest)))
    assert read == list(range(1, newest + 1))


@st.composite
def pages(draw: st.DrawFn, head: int) -> StreamPage:
    first = draw(st.integers(1, head))
    return page(first, draw(st.integers(first, head)))


@given(st.data(), st.integers(1, 40))
def test_whatever_comes_all_is_handed_on_in_order_and_once(data: st.DataObject, head: int) -> None:
    begin = data.draw(st.integers(0, head))
    follower = following(begin)
    handed_on: list[int] = []
    arrivals = st.lists(pages(head) | st.integers(0, head).map(heartbeat), max_size=30)
    for arrival in data.draw(arrivals):
        handed_on += positions(follower.receive(arrival))
        assert handed_on == list(range(begin + 1, begin + 1 + len(handed_on)))
        assert follower.position == begin + len(handed_on)

    # Once it is quiet, each heartbeat says what is there, and each answer holds at least one.
    follower.receive(heartbeat(head))
    while (after := follower.missing_after) is not None:
        assert after == follower.position
        answer = page(after + 1, data.draw(st.integers(after + 1, head)))
        handed_on += positions(follower.receive(answer))
    assert handed_on == list(range(begin + 1, head + 1))
    assert not follower._early


def test_positions_that_were_removed_are_gone_over() -> None:
    follower = following(4)

    assert follower.receive(page(9, 9)) == []
    assert positions(follower.receive(StreamPage(5, 8, [], whole=False))) == [9]
    assert follower.position == 9
    assert follower.receive(StreamPage(10, 12, [], whole=False)) == []
    assert (follower.position, follower.missing_after) == (12, None)


def test_what_was_removed_is_held_behind_a_gap_like_all_else() -> None:
    follower = following(4)

    assert follower.receive(StreamPage(7, 8, [], whole=False)) == []
    assert positions(follower.receive(page(5, 6))) == [5, 6]
    assert follower.position == 8
