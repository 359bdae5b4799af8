"""One turn of a service's loop: drain the sockets, do a beat, answer queries, and then index."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from zchat.eventlog.store import Store, StoreUnavailable
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import WorkerHeartbeat
from zchat.service.core.beat import Beat, Job, Outbound, Service
from zchat.service.core.operation_log import OperationLog


class Outside(Protocol):
    """The world around a service. What cannot be sent is dropped."""

    def now(self) -> float: ...
    def now_ms(self) -> int: ...

    def commands(self) -> Iterable[list[bytes]]:
        """(asker, body) of what waits at the worker's socket, up to a beat's bound."""

    def replies(self) -> Iterable[list[bytes]]:
        """(address, body) of what waits at the asker's socket."""

    def queries(self) -> Iterable[list[bytes]]:
        """Each must be answered before the next is taken."""

    def outcomes(self) -> Iterable[tuple[Job, bool | str]]: ...
    def to_asker(self, frames: Sequence[bytes]) -> bool:
        """Whether it could be sent."""

    def to_worker(self, frames: Sequence[bytes]) -> None: ...
    def answer(self, body: bytes) -> None: ...
    def publish(self, frames: Sequence[bytes]) -> None: ...
    def submit(self, job: Job) -> None: ...


class ServiceLoop:
    """Feeds a beat from outside and performs what it lets out.

    `status` is what to say of this process with a heartbeat, if anything.
    """

    def __init__(
        self,
        service: Service,
        store: Store,
        operations: OperationLog,
        outside: Outside,
        status: Callable[[], bytes] = bytes,
    ) -> None:
        self._outside = outside
        self._status = status
        self._address, self._epoch = service.address, store.epoch
        self.beat = Beat(service, store, operations, outside.now(), outside.now_ms())
        self._indexing = Indexing(store, operations)
        self._settings = self.beat.changed_settings
        self.next_heartbeat = 0.0
        self.router_heard_at = -math.inf
        self.heard = False
        """Whether the last envelope to the router could be sent."""

    def connected(self) -> None:
        """To the router, which may be another one, that knows nobody: the next turn tells it."""
        self.heard = False
        self.next_heartbeat = 0.0

    def next_turn(self, now: float) -> float:
        """When the next turn is due even if nothing comes in."""
        return now if self._indexing.due or self.beat.waiting else self.next_heartbeat

    def turn(self) -> None:
        outside = self._outside
        now = outside.now()
        idle = not self._drain(now)
        heartbeat = now >= self.next_heartbeat
        if heartbeat:
            self.next_heartbeat = now + limits.HEARTBEAT_INTERVAL_S
            # Nobody can ask anything of a service that the router has not heard of.
            if self.beat.heartbeat(now, outside.now_ms()) or not self.heard:
                self.say_heartbeat(bye=False)
        self._perform(self.beat.step(now, outside.now_ms()))
        self._tell_settings()
        self.beat.queries.begin_turn()
        for body, *_ in outside.queries():
            outside.answer(self.beat.answer(body, outside.now_ms()))
            if self.beat.queries.turn_is_over:
                # The next beat comes first; what still waits at the socket is answered after it.
                break
        self._indexing.turn_ended(idle=idle and not self.beat.waiting, heartbeat=heartbeat)

    def _tell_settings(self) -> None:
        """Nobody waits half a second for a setting that was changed."""
        if not self.beat.store_failed and self.beat.changed_settings != self._settings:
            self._settings = self.beat.changed_settings
            self.say_heartbeat(bye=False)

    def _drain(self, now: float) -> bool:
        """Returns whether there was anything."""
        drained_bytes = 0
        drained = False
        # They wait on their links then, and gateways stop reading when those are full.
        too_many = self.beat.waiting.cost_us >= limits.BEAT_WAITING_US
        for asker, body in () if too_many else self._outside.commands():
            drained = True
            self.beat.receive_up(asker, body, now)
            drained_bytes += len(body)
            if drained_bytes >= limits.BEAT_BYTES_MAX:
                break
        for address, body in self._outside.replies():
            if address:
                drained = True
                self.beat.receive_down(address.decode(errors="replace"), body, now)
            else:
                self.router_heard_at = now
                self.beat.receive_table(body)
        for job, outcome in self._outside.outcomes():
            drained = True
            self.beat.receive_outcome(job, outcome)
        return drained

    def _perform(self, out: Outbound) -> None:
        # What does not go out now is missed by its receiver, and resent or read again.
        # Events first: more people wait for them than for the acknowledgements.
        for topic, body in out.events:
            self._outside.publish([topic, body])
        for asker, body in out.downs:
            self.heard = self._outside.to_asker([asker, body])
        for address, body in out.ups:
            self._outside.to_worker([address.encode(), body])
        for job in out.jobs:
            self._outside.submit(job)

    def say_heartbeat(self, *, bye: bool) -> None:
        status = self._status()
        heartbeat = WorkerHeartbeat(self._address, self._epoch, bye, status, self._settings)
        self.heard = self._outside.to_asker([b"", encode(heartbeat)])
        self._outside.to_worker([b"", b""])


class Indexing:
    """When messages enter the index of what is said: behind all else, in steps.

    A few come after each heartbeat, and more as long as there is nothing else to do.
    """

    def __init__(self, store: Store, operations: OperationLog) -> None:
        self._store = store
        self._operations = operations
        self._failed = False
        self._owed_steps = 0
        """How many are done however busy the service is."""
        self.due = False
        """Whether the next turn is to come at once, for there is more and nothing else to do."""

    def turn_ended(self, *, idle: bool, heartbeat: bool) -> None:
        """Raises `Fenced`."""
        if heartbeat:
            self._owed_steps = limits.SEARCH_BUSY_STEPS_MAX
        if self._owed_steps or (idle and self.due):
            more = self._index()
            self._owed_steps = max(0, self._owed_steps - 1) if more else 0
            self.due = more and idle
        else:
            self.due = False

    def _index(self) -> bool:
        """Returns whether there is more to be done now."""
        try:
            more = self._store.index_messages()
        except StoreUnavailable as error:
            # Said once, not with each heartbeat.
            if not self._failed:
                self._operations.not_indexed(error)
            self._failed = True
            return False
        self._failed = False
        return more
