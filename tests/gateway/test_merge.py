"""One answer of what several services have found."""

import pytest

from zchat.gateway.core.merge import joined
from zchat.protocol.codec import encode, server_messages
from zchat.protocol.messages import (
    Entry,
    MessagePosted,
    RefusalCode,
    Refused,
    SearchMessages,
    SearchResults,
)


def part(log: str, *times_ms: int, more: bool = False, complete: bool = True) -> bytes:
    bean = MessagePosted("bean")
    entries = [Entry(log, at_ms, at_ms, "ann", bean) for at_ms in times_ms]
    return encode(SearchResults(7, entries, more, complete))


def found(limit: int, *parts: bytes) -> SearchResults:
    answer = server_messages.decode(joined(SearchMessages(id=7, text="bean", limit=limit), parts))
    assert isinstance(answer, SearchResults)
    assert answer.id == 7
    return answer


def times_ms(answer: SearchResults) -> list[int]:
    return [entry.at_ms for entry in answer.entries]


@pytest.mark.parametrize(
    ("limit", "parts", "shown", "more"),
    [
        (5, [part("#a", 9, 4), part("#b", 6)], [9, 6, 4], False),
        (2, [part("#a", 9, 4), part("#b", 6)], [9, 6], True),
        # Before 4 the first one may have more than the second one's 2.
        (5, [part("#a", 9, 4, more=True), part("#b", 6, 2)], [9, 6, 4], True),
        (5, [part("#a", 9, 4, more=True), part("#b", 6, 5, more=True)], [9, 6, 5], True),
        (5, [part("#a", 9, 4, more=True), part("#b")], [9, 4], True),
        (2, [part("#a", 9, 6), part("#b", 6)], [9], True),
        (5, [part("#a"), part("#b")], [], False),
    ],
)
def test_the_newest_of_all_parts_are_shown(
    limit: int, parts: list[bytes], shown: list[int], more: bool
) -> None:
    for order in (parts, parts[::-1]):
        answer = found(limit, *order)
        assert (times_ms(answer), answer.more, answer.complete) == (shown, more, True)


def test_the_answer_is_complete_if_all_parts_are() -> None:
    assert not found(5, part("#a", 9), part("#b", 6, complete=False)).complete


def test_a_part_that_refuses_refuses_the_whole() -> None:
    refused = encode(Refused(7, RefusalCode.EMPTY_TEXT, "say which words to search for"))
    assert joined(SearchMessages(id=7, text="bean"), [part("#a", 9), refused]) == refused


def test_a_single_part_is_the_answer() -> None:
    assert joined(SearchMessages(id=7, text="bean", log="#a"), [part("#a", 9)]) == part("#a", 9)
