"""Queries on their way: each is answered in steps, so that none keeps the beat or others waiting.

What is asked again goes on where it was. So nothing is held for whoever does not ask again, a
service that was killed meanwhile begins anew, and the queries of many take turns.
"""

from collections.abc import Callable

from zchat.protocol import limits
from zchat.protocol.internal import NOT_BEGUN, UNFINISHED
from zchat.protocol.rules.costs import Steps


class Asked:
    """`begin` takes a query, and raises what its steps raise, too."""

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
