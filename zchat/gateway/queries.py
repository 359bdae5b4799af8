"""Asks one service: whatever waits goes out as one envelope, and one envelope is out at a time."""

from typing import Generic, NamedTuple, TypeVar

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode

Context = TypeVar("Context")

_answers = Decoder(list[bytes])


class Question(NamedTuple, Generic[Context]):
    body: bytes
    context: Context
    asked_at: float


class Queries(Generic[Context]):
    """Pure: queries in, envelopes out. An answer that does not come is asked for again."""

    def __init__(self) -> None:
        self._waiting: list[Question[Context]] = []
        self._asked: list[Question[Context]] = []
        self._envelope = b""
        self._resend_at = 0.0

    @property
    def full(self) -> bool:
        return len(self._waiting) + len(self._asked) >= limits.QUERIES_MAX

    def __len__(self) -> int:
        return len(self._waiting) + len(self._asked)

    def ask(self, body: bytes, context: Context, now: float) -> None:
        self._waiting.append(Question(body, context, now))

    def take_envelope(self, now: float) -> bytes | None:
        """What to send now, if anything."""
        if self._asked:
            if now < self._resend_at:
                return None
        elif self._waiting:
            self._asked = self._waiting[: limits.QUERY_BATCH_MAX]
            del self._waiting[: limits.QUERY_BATCH_MAX]
            self._envelope = encode([question.body for question in self._asked])
        else:
            return None
        self._resend_at = now + limits.QUERY_RESEND_INTERVAL_S
        return self._envelope

    def undelivered(self, now: float) -> None:
        """It went nowhere, so it need not be waited for as long as an answer."""
        self._resend_at = now + limits.RESEND_INTERVAL_S

    def receive(self, body: bytes, now: float) -> list[tuple[Context, bytes]]:
        """The (context, answer) pairs; an empty body says that nobody serves the address now."""
        if not body:
            self.undelivered(now)
            return []
        try:
            answers = _answers.decode(body)
        except ProtocolError:
            answers = []
        if len(answers) != len(self._asked):
            return []
        asked, self._asked = self._asked, []
        return [(question.context, answer) for question, answer in zip(asked, answers, strict=True)]

    def expire(self, now: float) -> list[Context]:
        """Gives up on what has waited for too long."""
        expired: list[Context] = []
        for queue in (self._asked, self._waiting):
            late = [q for q in queue if now - q.asked_at > limits.QUERY_TIMEOUT_S]
            expired.extend(question.context for question in late)
        if expired:
            fresh = [
                question
                for question in self._asked + self._waiting
                if now - question.asked_at <= limits.QUERY_TIMEOUT_S
            ]
            # What was asked is asked anew: its envelope held the expired ones, too.
            self._asked, self._waiting = [], fresh
        return expired
