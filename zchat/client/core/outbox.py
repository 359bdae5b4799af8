"""Requests without an answer yet: sent, and sent again, so that none is lost or overtaken."""

from collections import deque
from typing import TypeAlias

from msgspec.structs import replace

from zchat.client.core.checks import checked
from zchat.protocol import limits
from zchat.protocol.messages import Command, DeleteAccount, LogOutEverywhere, Request, RevokeDevice
from zchat.protocol.rules.nonces import nonce

Parting: TypeAlias = LogOutEverywhere | DeleteAccount
"""Once it is done there is no session any more."""


class QueueFull(Exception):
    """Too many requests wait for an answer; the text says how many."""


class Outbox:
    """Keeps every request from its submission to its answer, in order.

    Requests are sent in the order of their ids, and a command that must be repeated takes all later
    unanswered commands with it: the server knows them by their nonces, so repeating costs little,
    and nothing can overtake.
    """

    def __init__(self, nonce_prefix: bytes) -> None:
        self._nonce_prefix = nonce_prefix
        self._id = 0
        self._sent: dict[int, Request] = {}
        """Sent on this connection, oldest first."""
        self._waiting: deque[Request] = deque()
        """Not sent on this connection, oldest first; all later than what was sent."""
        self._postponed: set[int] = set()
        """Sent, and told "not now" by the server."""
        self._delayed: set[int] = set()
        """Those that the application was told take longer."""
        self._holding = False
        self.retry_at: float | None = None
        """When the postponed ones are due again, in the core's seconds."""

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def commands(self) -> int:
        """How many of them were to change something; with an unanswered query nothing is lost."""
        return sum(isinstance(each, Command) for each in (*self._sent.values(), *self._waiting))

    def next_id(self) -> int:
        self._id += 1
        return self._id

    def add(self, draft: Request) -> Request:
        """Checks and numbers the draft, and keeps it. Raises `QueueFull` and `InvalidRequest`.

        A command that has a nonce keeps that: it was perhaps sent by an earlier client.
        """
        if len(self) >= limits.CLIENT_QUEUE_MAX:
            raise QueueFull(f"{len(self):,} requests are not answered yet; wait for some of them")
        request = checked(draft)
        self._id += 1
        if isinstance(request, Command):
            its_nonce = request.nonce or nonce(self._nonce_prefix, self._id)
            request = replace(request, id=self._id, nonce=its_nonce)
        else:
            request = replace(request, id=self._id)
        self._waiting.append(request)
        return request

    def to_send(self) -> list[Request]:
        """What may be sent now, in order; it counts as sent from here on."""
        if self._holding:
            return []
        batch: list[Request] = []
        # With more of them unanswered a gateway reads nothing from us, not even a ping.
        while self._waiting and len(self._sent) < limits.SESSION_REQUESTS_MAX:
            request = self._waiting.popleft()
            self._sent[request.id] = request
            batch.append(request)
        return batch

    def sent(self, request_id: int) -> Request | None:
        return self._sent.get(request_id)

    def settle(self, request_id: int) -> None:
        """It is answered for good."""
        del self._sent[request_id]
        self._delayed.discard(request_id)
        self._postponed.discard(request_id)
        if not self._postponed:
            self._retry_over()

    def postpone(self, request_id: int, now: float, hold: bool) -> bool:
        """It is to be repeated later; with `hold` nothing newer is sent before.

        True if the application should hear of it, which is the first time only.
        """
        self._postponed.add(request_id)
        self._holding = self._holding or hold
        if self.retry_at is None:
            self.retry_at = now + limits.CLIENT_RETRY_S
        if request_id in self._delayed:
            return False
        self._delayed.add(request_id)
        return True

    def tick(self, now: float) -> None:
        if self.retry_at is None or now < self.retry_at:
            return
        first = min(self._postponed)
        again = [
            request
            for request in self._sent.values()
            if request.id >= first and isinstance(request, Command)
        ]
        for request in again:
            del self._sent[request.id]
        self._waiting.extendleft(reversed(again))
        self._retry_over()

    def connection_lost(self) -> None:
        """Everything without an answer is sent again on the next connection, oldest first."""
        self._waiting.extendleft(reversed(self._sent.values()))
        self._sent.clear()
        self._retry_over()

    def take_parting(self) -> Parting | RevokeDevice | None:
        """The oldest command without an answer that may have ended the session, if there is one."""
        for request in self._waiting:
            if isinstance(request, Parting | RevokeDevice):
                self._waiting.remove(request)
                return request
        return None

    def _retry_over(self) -> None:
        self._postponed.clear()
        self._holding = False
        self.retry_at = None
