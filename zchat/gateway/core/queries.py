"""Queries to one service: fair between users, one envelope in flight, resent until answered.

Users take turns, so that whoever asks much waits for its own questions and not others for them. A
service does one step of a query at a time; what is not finished then is asked again, and goes on.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import NOT_BEGUN, UNFINISHED

Context = TypeVar("Context")

_answers = Decoder(list[bytes])


class Question(NamedTuple, Generic[Context]):
    body: bytes
    context: Context
    asked_at: float
    share: str
    """Whose turn it takes: a user, or a log that sessions want to read on in."""
    reader: Session | None
    """Who is to read an answer that may be long."""
    begun: bool = False

    def is_held(self, now: float) -> bool:
        """Who does not read what is there waits with the rest, and so does who owes.

        What has not begun is paid for already.
        """
        reader = self.reader
        return reader is not None and (reader.is_behind or (self.begun and reader.owes(now)))


class Queries(Generic[Context]):
    """Pure: queries in, envelopes out. An answer that does not come is asked for again."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Question[Context]]] = OrderedDict()
        """By share; those whose turn it was last are at the end."""
        self._asked: list[Question[Context]] = []
        self._count = 0
        self._envelope = b""
        self._resend_at = 0.0

    @property
    def full(self) -> bool:
        return self._count >= limits.QUERIES_MAX

    def __len__(self) -> int:
        return self._count

    def ask(
        self,
        body: bytes,
        context: Context,
        now: float,
        share: str = "",
        reader: Session | None = None,
    ) -> None:
        """`share` is whose turn it takes, `reader` the session that the answer is for."""
        self._count += 1
        question = Question(body, context, now, share, reader)
        self._waiting.setdefault(share, deque()).append(question)

    def take_envelope(self, now: float) -> bytes | None:
        """What to send now, if anything."""
        if self._asked:
            if now < self._resend_at:
                return None
        elif self._waiting and (asked := self._take_turns(now)):
            self._asked = asked
            self._envelope = encode([question.body for question in asked])
        else:
            return None
        self._resend_at = now + limits.QUERY_RESEND_INTERVAL_S
        return self._envelope

    def _take_turns(self, now: float) -> list[Question[Context]]:
        """One of each share, then another one of each, and so on."""
        taken: list[Question[Context]] = []
        begun = 0
        shares = list(self._waiting)
        for _ in range(limits.QUERIES_SHARE_MAX):
            others: list[str] = []
            for share in shares:
                waiting = self._waiting[share]
                first = waiting[0]
                if first.is_held(now) or (first.begun and begun >= limits.QUERIES_BEGUN_MAX):
                    continue
                if len(taken) >= limits.QUERY_BATCH_MAX:
                    return taken
                begun += first.begun
                taken.append(waiting.popleft())
                # To the end: all others come first next time.
                del self._waiting[share]
                if waiting:
                    self._waiting[share] = waiting
                    others.append(share)
            shares = others
        return taken

    def undelivered(self, now: float) -> None:
        """It went nowhere, so it need not be waited for as long as an answer."""
        self._resend_at = now + limits.RESEND_INTERVAL_S

    def receive(self, body: bytes, now: float) -> list[tuple[Context, bytes]]:
        """The (context, answer) pairs; an empty body says that nobody serves the address now.

        The answer `UNFINISHED` says that a step was done, and the question is asked again.
        """
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
        received: list[tuple[Context, bytes]] = []
        again: list[Question[Context]] = []
        for question, answer in zip(asked, answers, strict=True):
            if answer == NOT_BEGUN:
                again.append(question)
                continue
            received.append((question.context, answer))
            if answer == UNFINISHED:
                again.append(question._replace(begun=True, asked_at=now))
            else:
                self._count -= 1
        self._put_back(again)
        return received

    def _put_back(self, questions: list[Question[Context]]) -> None:
        """In front of what else their shares want; whoever had no turn yet is the first again."""
        wanted = [one for one in questions if one.reader is None or one.reader.open]
        self._count -= len(questions) - len(wanted)
        for question in wanted:
            self._waiting.setdefault(question.share, deque())
        for question in reversed(wanted):
            self._waiting[question.share].appendleft(question)
            if not question.begun:
                self._waiting.move_to_end(question.share, last=False)

    def forget(self, reader: Session) -> None:
        """Nobody waits for what this session, which is over, has asked."""
        self._drop_waiting(reader.name, lambda question: question.reader is reader)

    def expire(self, now: float) -> list[Context]:
        """Gives up on what has waited for too long, but for whoever does not read meanwhile."""

        def is_late(question: Question[Context]) -> bool:
            return now - question.asked_at > limits.QUERY_TIMEOUT_S and not question.is_held(now)

        expired = [question.context for question in self._asked if is_late(question)]
        if expired:
            # What was asked is asked anew: its envelope held the expired ones, too.
            fresh = [question for question in self._asked if not is_late(question)]
            self._asked = []
            self._count -= len(expired)
            self._put_back(fresh)
        for share in list(self._waiting):
            expired += self._drop_waiting(share, is_late)
        return expired

    def _drop_waiting(
        self, share: str, is_over: Callable[[Question[Context]], bool]
    ) -> list[Context]:
        waiting = self._waiting.get(share, ())
        dropped = [question.context for question in waiting if is_over(question)]
        if dropped:
            self._count -= len(dropped)
            kept = deque(question for question in waiting if not is_over(question))
            if kept:
                self._waiting[share] = kept
            else:
                del self._waiting[share]
        return dropped
