"""A gateway asks a service in batches, one at a time, until it is answered or too late."""

import pytest

from zchat.gateway.core.allowance import Allowance
from zchat.gateway.core.queries import Queries
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import NOT_BEGUN, UNFINISHED
from zchat.runtime.core.rate_limit import Bucket, Rate

_batches, _number = Decoder(list[bytes]), Decoder(int)

INTERVAL_S = limits.QUERY_RESEND_INTERVAL_S
TIMEOUT_S = limits.QUERY_TIMEOUT_S


class Service:
    """Answers each query, a number, with its double."""

    def __init__(self) -> None:
        self.queries: Queries[str] = Queries()
        self.answers: list[tuple[str, int]] = []

    def ask(
        self, *numbers: int, now: float = 0.0, of: str | None = None, reader: Session | None = None
    ) -> None:
        """Each is somebody else's, or all of one."""
        for number in numbers:
            share = f"user{number}" if of is None else of
            self.queries.ask(encode(number), f"q{number}", now, share, reader)

    def envelope(self, now: float = 0.0) -> list[int] | None:
        """What is sent now."""
        envelope = self.queries.take_envelope(now)
        if envelope is None:
            return None
        return [_number.decode(query) for query in _batches.decode(envelope)]

    def say(self, *answers: bytes, now: float = 0.0) -> list[tuple[str, bytes]]:
        return self.queries.receive(encode(list(answers)), now)

    def answer(self, *numbers: int) -> list[str]:
        """The contexts of what this answers."""
        answered = self.queries.receive(encode([encode(2 * number) for number in numbers]), 0.0)
        assert [answer for _, answer in answered] == [encode(2 * n) for n in numbers if answered]
        return [context for context, _ in answered]


def test_what_waits_goes_out_as_one_envelope() -> None:
    service = Service()
    assert service.envelope() is None

    service.ask(1, 2, 3)
    assert service.envelope() == [1, 2, 3]
    assert service.answer(1, 2, 3) == ["q1", "q2", "q3"]
    assert service.envelope() is None


def test_one_envelope_is_out_at_a_time() -> None:
    service = Service()
    service.ask(1)
    assert service.envelope() == [1]
    service.ask(2, 3)
    assert service.envelope() is None

    service.answer(1)
    assert service.envelope() == [2, 3]


def test_what_is_not_answered_is_asked_again() -> None:
    service = Service()
    service.ask(1)
    service.envelope(now=0.0)
    service.ask(2)

    assert service.envelope(now=INTERVAL_S - 0.1) is None
    assert service.envelope(now=INTERVAL_S) == [1]
    assert service.envelope(now=2 * INTERVAL_S - 0.1) is None
    assert service.answer(1) == ["q1"]


def test_an_answer_that_comes_twice_counts_once() -> None:
    service = Service()
    service.ask(1)
    service.envelope()

    assert service.answer(1) == ["q1"]
    assert service.answer(1) == []


def test_an_answer_of_nobody_or_without_sense_is_waited_for_again() -> None:
    service = Service()
    service.ask(1, 2)
    service.envelope()

    for body in (b"", b"\xc1", encode([b"only one"]), encode({"no": "list"})):
        assert service.queries.receive(body, 0.0) == []
    assert service.envelope(now=INTERVAL_S) == [1, 2]
    assert service.answer(1, 2) == ["q1", "q2"]


def test_what_nobody_could_take_is_asked_again_sooner() -> None:
    service = Service()
    service.ask(1)
    service.envelope(now=0.0)
    service.queries.receive(b"", 0.0)

    assert service.envelope(now=limits.RESEND_INTERVAL_S - 0.01) is None
    assert service.envelope(now=limits.RESEND_INTERVAL_S) == [1]


def test_an_envelope_has_a_largest_number_of_queries() -> None:
    service = Service()
    service.ask(*range(limits.QUERY_BATCH_MAX + 1))

    assert service.envelope() == list(range(limits.QUERY_BATCH_MAX))
    service.answer(*range(limits.QUERY_BATCH_MAX))
    assert service.envelope() == [limits.QUERY_BATCH_MAX]


def test_after_its_time_a_query_is_given_up() -> None:
    service = Service()
    service.ask(1, now=0.0)
    service.envelope(now=0.0)
    service.ask(2, now=1.0)
    service.ask(3, now=5.0)

    assert service.queries.expire(TIMEOUT_S) == []
    assert service.queries.expire(TIMEOUT_S + 1.1) == ["q1", "q2"]
    assert service.queries.expire(TIMEOUT_S + 1.1) == []
    assert service.envelope(now=TIMEOUT_S + 1.1) == [3]
    assert service.answer(3) == ["q3"]


def test_what_was_asked_with_an_expired_query_is_asked_anew() -> None:
    service = Service()
    service.ask(1, now=0.0)
    service.ask(2, now=5.0)
    service.envelope(now=5.0)
    service.queries.expire(TIMEOUT_S + 1.0)
    service.ask(3, now=TIMEOUT_S + 1.0)

    assert service.answer(1, 2) == []
    assert service.envelope(now=TIMEOUT_S + 1.0) == [2, 3]


def test_what_is_not_late_is_still_waited_for() -> None:
    service = Service()
    service.ask(1, 2)
    service.envelope()
    assert service.queries.expire(TIMEOUT_S) == []

    assert service.envelope(now=INTERVAL_S - 0.1) is None
    assert service.answer(1, 2) == ["q1", "q2"]


def test_what_is_given_up_is_not_counted_any_more() -> None:
    service = Service()
    service.ask(1, 2, now=0.0, of="ann")
    service.envelope()
    service.ask(3, now=0.0, of="ann")
    service.ask(4, 5, now=TIMEOUT_S, of="ann")
    assert service.queries.expire(TIMEOUT_S + 1.0) == ["q1", "q2", "q3"]
    assert len(service.queries) == 2


def test_there_is_a_largest_number_of_queries() -> None:
    service = Service()
    service.ask(*range(limits.QUERIES_MAX - 1))
    service.envelope()
    assert not service.queries.full

    service.ask(0)
    assert service.queries.full


# --- Whose turn it is -----------------------------------------------------------------------------


def test_who_asks_much_keeps_nobody_waiting() -> None:
    service = Service()
    service.ask(*range(100, 200), of="eve")
    service.ask(1, of="ann")
    service.ask(2, of="bob")

    assert service.envelope() == [100, 1, 2, 101, 102, 103]


def test_one_users_questions_keep_their_order_and_go_on_when_the_first_are_answered() -> None:
    service = Service()
    service.ask(*range(10), of="eve")
    assert service.envelope() == [0, 1, 2, 3]
    service.answer(0, 1, 2, 3)
    service.ask(50, of="ann")

    assert service.envelope() == [4, 50, 5, 6, 7]


def test_with_more_users_than_fit_all_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUERY_BATCH_MAX", 3)
    service = Service()
    for user in range(5):
        service.ask(10 * user, 10 * user + 1, of=f"user{user}")
    seen = []
    while envelope := service.envelope():
        seen.append(envelope)
        service.answer(*envelope)

    assert seen == [[0, 10, 20], [30, 40, 1], [11, 21, 31], [41]]


# --- What takes more than a step ------------------------------------------------------------------


def test_what_is_not_finished_is_asked_again_after_all_others() -> None:
    service = Service()
    service.ask(1, of="eve")
    service.ask(2, of="ann")
    service.envelope()
    assert service.say(UNFINISHED, encode(4)) == [("q1", UNFINISHED), ("q2", encode(4))]
    service.ask(3, of="ann")
    service.ask(4, of="bob")

    assert service.envelope() == [1, 3, 4]
    assert len(service.queries) == 3


def test_what_was_not_begun_is_asked_again_before_all_others() -> None:
    service = Service()
    service.ask(1, of="eve")
    service.ask(2, of="ann")
    service.envelope()
    assert service.say(UNFINISHED, NOT_BEGUN) == [("q1", UNFINISHED)]
    service.ask(3, of="bob")

    assert service.envelope() == [2, 1, 3]


def test_only_so_many_are_under_way_at_a_time_and_what_is_short_passes_them() -> None:
    service = Service()
    long = list(range(100, 100 + 2 * limits.QUERIES_BEGUN_MAX))
    for number in long:
        service.ask(number)
    assert service.envelope() == long
    service.say(*[UNFINISHED] * len(long))
    service.ask(1, of="ann")

    under_way = long[: limits.QUERIES_BEGUN_MAX]
    assert service.envelope() == [*under_way, 1]
    service.say(*[encode(0)] * len(under_way), encode(2))
    assert service.envelope() == long[limits.QUERIES_BEGUN_MAX :]


def test_what_makes_progress_is_not_given_up() -> None:
    service = Service()
    service.ask(1, now=0.0)
    service.envelope(now=0.0)
    service.say(UNFINISHED, now=TIMEOUT_S - 0.1)

    assert service.queries.expire(TIMEOUT_S + 1.0) == []
    assert service.queries.expire(2 * TIMEOUT_S) == ["q1"]
    assert len(service.queries) == 0


# --- Whoever does not read, or owes ---------------------------------------------------------------


def reader(name: str = "eve") -> Session:
    session = Session(1, 0.0, 0)
    session.name = name
    return session


def test_nothing_is_asked_for_whoever_does_not_read_what_it_has() -> None:
    service, eve = Service(), reader()
    service.ask(1, 2, of="eve", reader=eve)
    service.ask(3, of="ann", reader=reader("ann"))
    eve.blocked = True
    assert service.envelope() == [3]
    service.answer(3)
    assert service.envelope() is None
    assert service.queries.expire(2 * TIMEOUT_S) == []

    eve.blocked = False
    assert service.envelope() == [1, 2]


def test_nor_while_as_much_as_that_is_on_its_way_to_it() -> None:
    service, eve = Service(), reader()
    service.ask(1, of="eve", reader=eve)
    eve.out = [b"x" * limits.SESSION_ANSWERS_BYTES_MAX]
    assert service.envelope() is None

    eve.out = []
    assert service.envelope() == [1]


def test_whoever_owes_waits_and_others_do_not() -> None:
    service, eve = Service(), reader()
    debt = Bucket(Rate(1_000, 500), 0.0)
    eve.allowance = Allowance(work=(debt,))
    eve.allowance.charge(2_000, now=0.0)
    # What is asked for the first time is paid for; a further step is not.
    service.ask(1, of="eve", reader=eve)
    assert service.envelope(now=0.0) == [1]
    service.say(UNFINISHED)
    service.ask(2, of="ann")
    assert service.envelope(now=1.9) == [2]
    service.answer(2)

    assert service.envelope(now=1.9) is None
    assert service.queries.expire(1.9) == []
    assert service.envelope(now=2.0) == [1]


def test_whoever_owes_for_longer_than_a_query_waits_is_not_given_up() -> None:
    service, eve = Service(), reader()
    eve.allowance = Allowance(work=(Bucket(Rate(1_000, 1), 0.0),))
    service.ask(1, of="eve", reader=eve)
    service.envelope()
    service.say(UNFINISHED)
    eve.allowance.charge(3_000, now=0.0)
    assert service.queries.expire(2 * TIMEOUT_S) == []
    assert service.queries.expire(2_000.0) == ["q1"]


def test_nothing_more_is_done_for_whoever_is_gone() -> None:
    service, eve = Service(), reader()
    service.ask(1, 2, 3, 4, 5, of="eve", reader=eve)
    service.ask(6, of="eve", reader=reader())
    assert service.envelope() == [1, 2, 3, 4]
    eve.state = SessionState.CLOSED
    service.queries.forget(eve)
    service.say(UNFINISHED, NOT_BEGUN, encode(6), encode(8))

    assert service.envelope() == [6]
    assert len(service.queries) == 1
