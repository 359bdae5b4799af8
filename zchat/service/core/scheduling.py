"""Scheduling: which commands the next beat does, and which queries get a step before it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from zchat.protocol import limits
from zchat.protocol.internal import NOT_BEGUN, UNFINISHED
from zchat.protocol.rules.costs import Steps
from zchat.service.core.effects import Sender

Sent: TypeAlias = tuple[Sender, Any]
"""A command, and who has sent it."""


class CommandQueue:
    """Commands that have come in, and which of them the next beat does.

    All of them, unless that takes too long. Then whoever has sent much waits for a later beat with
    the rest of it; everybody else is served as if those had not come yet. Nobody is put before
    others, and one user's commands keep their order.
    """

    def __init__(self) -> None:
        self._commands: list[Sent] = []
        self._costs_us: list[int] = []
        self.cost_us = 0
        """Of all of them."""

    def __len__(self) -> int:
        return len(self._commands)

    def add(self, sender: Sender, command: Any, cost_us: int) -> None:
        self._commands.append((sender, command))
        self._costs_us.append(cost_us)
        self.cost_us += cost_us

    def take(self) -> list[Sent]:
        """What the next beat does, in the order in which it came."""
        commands, costs_us = self._commands, self._costs_us
        if self.cost_us <= limits.BEAT_USER_US:
            self.clear()
            return commands
        now: list[Sent] = []
        self.clear()
        share = _Shares()
        for sent, cost_us in zip(commands, costs_us, strict=True):
            if share.covers(sent[0].user, cost_us):
                now.append(sent)
            else:
                self.add(*sent, cost_us)
        return now

    def drop(self, asker: bytes) -> None:
        """Nobody waits for what this asker has sent: it is gone, or sends all of it again."""
        commands, costs_us = self._commands, self._costs_us
        self.clear()
        for sent, cost_us in zip(commands, costs_us, strict=True):
            if sent[0].reply_to.asker != asker:
                self.add(*sent, cost_us)

    def clear(self) -> None:
        self._commands, self._costs_us, self.cost_us = [], [], 0


class _Shares:
    """What one beat has done so far, and for whom."""

    def __init__(self) -> None:
        self._spent_us: dict[str, int] = {}
        self._held: set[str] = set()
        """Who has something that waits for a later beat, and so all that comes behind it."""
        self._left_us = limits.BEAT_US

    def covers(self, user: str, cost_us: int) -> bool:
        if not user:
            return True  # What the cluster itself wants is done in its order, and costs little.
        spent_us = self._spent_us.get(user, 0)
        share_us = limits.BEAT_USER_US if self._left_us > 0 else 0
        if user in self._held or (spent_us and spent_us + cost_us > share_us):
            self._held.add(user)
            return False
        self._spent_us[user] = spent_us + cost_us
        self._left_us -= cost_us
        return True


class QuerySteps:
    """Queries on their way: each is answered in steps, so that none keeps the beat or others.

    What is asked again goes on where it was. So nothing is held for whoever does not ask again, a
    service that was killed meanwhile begins anew, and the queries of many take turns. `begin` takes
    a query, and raises what its steps raise, too.
    """

    def __init__(self, begin: Callable[[bytes], Steps[bytes]]) -> None:
        self._begin = begin
        self._begun: dict[bytes, Steps[bytes]] = {}
        """By query, with all that a gateway has stamped on it; those asked last at the end."""
        self._forgotten_soon: set[bytes] = set()
        """Those that nobody has asked again since they were last looked through."""
        self._left_us = limits.QUERIES_TURN_US

    def __len__(self) -> int:
        return len(self._begun)

    def begin_turn(self) -> None:
        """There is time for some more."""
        self._left_us = limits.QUERIES_TURN_US

    @property
    def turn_is_over(self) -> bool:
        return self._left_us <= 0

    def answer(self, query: bytes) -> bytes:
        """The answer, or why there is none yet. Raises what the query's steps raise."""
        if self.turn_is_over:
            return NOT_BEGUN
        self._forgotten_soon.discard(query)
        steps = self._begun.pop(query, None) or self._begin(query)
        end_us = self._left_us - limits.QUERY_STEP_US
        try:
            while self._left_us > max(end_us, 0):
                self._left_us -= next(steps)
        except StopIteration as end:
            answer: bytes = end.value
            return answer
        self._begun[query] = steps
        if len(self._begun) > limits.QUERIES_KEPT_MAX:
            del self._begun[next(iter(self._begun))]
        return UNFINISHED

    def forget_abandoned(self) -> None:
        """To be called now and then: what is not asked for again until the next time is dropped."""
        for query in self._forgotten_soon:
            self._begun.pop(query, None)
        self._forgotten_soon = set(self._begun)

    def forget(self) -> None:
        """What they have read is not what is there any more."""
        self._begun.clear()
