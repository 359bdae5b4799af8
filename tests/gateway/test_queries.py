"""A gateway asks a service in batches, one at a time, until it is answered or too late."""

from zchat.gateway.queries import Queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode

_batches, _number = Decoder(list[bytes]), Decoder(int)

INTERVAL_S = limits.QUERY_RESEND_INTERVAL_S
TIMEOUT_S = limits.QUERY_TIMEOUT_S


class Service:
    """Answers each query, a number, with its double."""

    def __init__(self) -> None:
        self.queries: Queries[str] = Queries()
        self.answers: list[tuple[str, int]] = []

    def ask(self, *numbers: int, now: float = 0.0) -> None:
        for number in numbers:
            self.queries.ask(encode(number), f"q{number}", now)

    def envelope(self, now: float = 0.0) -> list[int] | None:
        """What is sent now."""
        envelope = self.queries.take_envelope(now)
        if envelope is None:
            return None
        return [_number.decode(query) for query in _batches.decode(envelope)]

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


def test_there_is_a_largest_number_of_queries() -> None:
    service = Service()
    service.ask(*range(limits.QUERIES_MAX - 1))
    service.envelope()
    assert not service.queries.full

    service.ask(0)
    assert service.queries.full
