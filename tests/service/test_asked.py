"""Queries are answered in steps, which leave others their turn."""

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import NOT_BEGUN, UNFINISHED
from zchat.protocol.rules.costs import Steps
from zchat.service.core.scheduling import QuerySteps

STEP_US = limits.QUERY_STEP_US


class Service:
    """A query says how many steps it takes, and of each what it costs."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.asked = QuerySteps(self._begin)

    def _begin(self, query: bytes) -> Steps[bytes]:
        self.begun.append(query)
        return self._steps(*map(int, query.split()))

    def _steps(self, count: int, cost_us: int) -> Steps[bytes]:
        for _ in range(count):
            yield cost_us
        return b"done"

    def turn(self, *queries: bytes) -> list[bytes]:
        self.asked.begin_turn()
        return [self.asked.answer(query) for query in queries]


def test_what_is_short_is_answered_at_once() -> None:
    service = Service()
    assert service.turn(b"0 0", b"3 1") == [b"done", b"done"]
    assert len(service.asked) == 0


def test_what_is_long_goes_on_when_it_is_asked_again() -> None:
    service = Service()
    long = b"3 %d" % STEP_US
    assert [service.turn(long) for _ in range(4)] == [[UNFINISHED]] * 3 + [[b"done"]]
    assert service.begun == [long]


def test_a_turn_ends_and_what_it_has_not_begun_waits() -> None:
    service = Service()
    long = b"9 %d" % STEP_US
    steps = limits.QUERIES_TURN_US // STEP_US
    answers = service.turn(*[long + b" " * n for n in range(steps)], b"0 0")

    assert answers == [UNFINISHED] * steps + [NOT_BEGUN]
    assert service.asked.turn_is_over
    assert service.turn(b"0 0") == [b"done"]


def test_a_step_that_is_too_long_is_the_last_of_its_turn() -> None:
    service = Service()
    assert service.turn(b"1 %d" % (9 * limits.QUERIES_TURN_US), b"0 0") == [UNFINISHED, NOT_BEGUN]
    assert service.turn(b"1 %d" % (9 * limits.QUERIES_TURN_US), b"0 0") == [b"done", b"done"]


def test_of_very_many_that_are_begun_the_oldest_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUERIES_KEPT_MAX", 1)
    service = Service()
    first, second = b"2 %d" % STEP_US, b"2  %d" % STEP_US
    service.turn(first)
    service.turn(second)
    assert len(service.asked) == 1
    service.turn(first)

    assert service.begun == [first, second, first]


def test_a_query_that_fails_is_forgotten() -> None:
    service = Service()
    service.asked.begin_turn()
    with pytest.raises(ValueError, match="invalid literal"):
        service.asked.answer(b"no number")
    assert len(service.asked) == 0


def test_what_nobody_asks_again_is_dropped() -> None:
    service = Service()
    first, second = b"5 %d" % STEP_US, b"5  %d" % STEP_US
    service.turn(first)
    service.turn(second)
    service.asked.forget_abandoned()
    service.turn(first)
    service.asked.forget_abandoned()

    assert len(service.asked) == 1
    service.turn(first)
    assert service.begun == [first, second]


def test_what_went_to_make_room_is_not_there_to_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUERIES_KEPT_MAX", 1)
    service = Service()
    first, second = b"5 %d" % STEP_US, b"5  %d" % STEP_US
    service.turn(first)
    service.asked.forget_abandoned()
    service.turn(second)
    service.asked.forget_abandoned()

    service.turn(second)
    assert service.begun == [first, second]


def test_what_has_read_something_else_begins_anew() -> None:
    service = Service()
    long = b"5 %d" % STEP_US
    service.turn(long)
    service.asked.forget()
    service.turn(long)

    assert service.begun == [long, long]
