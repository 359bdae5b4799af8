"""Services of a cluster that do nothing but take note, behind a real router and real sockets."""

import contextlib
import logging
import socket
import threading
from collections.abc import Collection, Sequence
from typing import Any, Self, cast

from zchat.admin.rpc import open_queries, send
from zchat.eventlog.core.idempotency import Answer, FirstAnswers, Key
from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.schema import Schema
from zchat.eventlog.store import Store, Write
from zchat.fabric import sockets
from zchat.fabric.core.identities import name_of
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Envelope,
    StampedRoomCommand,
    StampedRoomQuery,
    StampedUserCommand,
    StampedUserQuery,
)
from zchat.protocol.messages import Message, Ping, Pong, RefusalCode, Standing
from zchat.protocol.operators import ChangedSettings, SetRetention
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.partitions import service_addresses
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.router.process import Router
from zchat.runtime.liveness import Liveness
from zchat.runtime.process import StopSignal
from zchat.runtime.settings import Settings
from zchat.service.core.beat import Job
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.metrics import Disk, Serving
from zchat.service.process import Worker
from zchat.users.store.tables import USERS_SCHEMA


class Notes:
    """What came to the services, and what they are to say."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, Any]] = []
        """(address, command)"""
        self.senders: list[tuple[str, str, Standing]] = []
        """(who asks, on behalf of which user, with which standing)"""
        self.queries: list[tuple[str, Any]] = []
        self.refuse: str | None = None
        self.settings = encode(ChangedSettings([]))
        """What the user-service says of changed settings."""
        self.answers: dict[str, list[Message | Envelope]] = {}
        """By address, in the order of the queries; a service that has none left says nothing."""


class NotingCore:
    """Says yes to everything, or `notes.refuse`."""

    def __init__(self, address: str, notes: Notes) -> None:
        self.timeline = Timeline(0, {})
        self.effects: Effects[Any, Job] = Effects()
        self.answers = FirstAnswers()
        self.log_heads: dict[str, int] = {}
        self._address, self._notes = address, notes

    def logs_of(self, command: Any) -> Collection[str]:
        return ()

    def key_of(self, user: str, command: Any) -> Key | None:
        return None

    def handle(self, sender: Sender, command: Any, now: float, at_ms: int) -> Answer:
        asker = name_of(sender.reply_to.asker)
        self._notes.senders.append((asker, sender.user, sender.standing))
        self._notes.commands.append((self._address, command))
        if self._notes.refuse is not None:
            raise Refusal(RefusalCode.NOT_ALLOWED, self._notes.refuse)
        return Answer("#lobby", 7)

    def take_over(self, former: Any, now: float) -> None: ...
    def job_ended(self, job: Job) -> bool:
        return False

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> None: ...
    def settled(self, key: str, now: float, at_ms: int) -> None: ...
    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None: ...
    def tick(self, now: float, at_ms: int) -> None: ...

    def heartbeats(self) -> list[tuple[bytes, bytes]]:
        return []


class NotingService:
    def __init__(self, address: str, notes: Notes) -> None:
        self.address = address
        self._notes = notes
        self.commands: Decoder[Any]
        self._queries: Decoder[Any]
        self.schema: Schema
        if address == USER_SERVICE:
            self.commands, self._queries = Decoder(StampedUserCommand), Decoder(StampedUserQuery)
            self.schema = USERS_SCHEMA
        else:
            self.commands, self._queries = Decoder(StampedRoomCommand), Decoder(StampedRoomQuery)
            self.schema = ROOMS_SCHEMA

    def load(self, store: Store, now: float, at_ms: int) -> NotingCore:
        return NotingCore(self.address, self._notes)

    def go_by(self, core: Any, given: Settings, settings: Settings, at_ms: int) -> None:
        """None of them concerns it."""

    def changed_settings(self, core: Any) -> bytes:
        return self._notes.settings if self.address == USER_SERVICE else b""

    def statements(self, rows: Sequence[Any]) -> list[Write]:
        return []

    def answer(self, core: Any, store: Store, query: bytes, at_ms: int) -> Steps[bytes]:
        yield 1
        stamped = self._queries.decode(query)
        assert (stamped.user, stamped.standing) == ("", Standing.OPERATOR)
        self._notes.queries.append((self.address, stamped.body))
        answers = self._notes.answers.get(self.address, [])
        return encode(answers.pop(0)) if answers else b""


class _Stop:
    def __init__(self) -> None:
        self.is_set = False
        self._receiver, self._sender = socket.socketpair()

    @property
    def fd(self) -> int:
        return self._receiver.fileno()

    def take_hang_up(self) -> bool:
        return False

    def set(self) -> None:
        self.is_set = True
        self._sender.send(b"\0")

    def close(self) -> None:
        self._receiver.close()
        self._sender.close()


class Served:
    """A router and all services, each in a thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notes = Notes()
        self._stop = _Stop()
        self._threads = [threading.Thread(target=self._route)]
        for address in service_addresses(settings.partitions):
            self._threads.append(threading.Thread(target=self._serve, args=[address]))

    def __enter__(self) -> Self:
        self.settings.run.mkdir(parents=True)
        for thread in self._threads:
            thread.start()
        # Each of its sockets connects in its own time: it must be there to be told something, too.
        addresses = service_addresses(self.settings.partitions)
        self.notes.answers = {address: [Pong(1)] for address in addresses}
        with open_queries(self.settings) as asking:
            answers = asking.ask(dict.fromkeys(addresses, Ping(id=1)), limits.QUERY_TIMEOUT_S)
        assert answers.keys() == set(addresses)
        for address in addresses:
            send(self.settings, address, SetRetention(1, "#", None))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._stop.close()

    def _route(self) -> None:
        alive, log = Liveness(self.settings.run, {}), logging.getLogger("zchat.test")
        with sockets.open_router_context() as context:
            Router(context, self.settings, cast(StopSignal, self._stop), alive, log).run()

    def _serve(self, address: str) -> None:
        service = NotingService(address, self.notes)
        log = logging.getLogger("zchat.test")
        store = Store.open(None, service.schema)
        with (
            contextlib.closing(store),
            sockets.open_context(self.settings, address) as context,
        ):
            shown = Serving(Disk(self.settings.data / "none.sqlite", self.settings))
            worker = Worker(context, self.settings, "room-service", service, store, log, shown)
            worker.run(cast(StopSignal, self._stop), Liveness(self.settings.run, {}))
