"""A gateway as a process of the simulation: the real turns, core and client connections."""

import random
from collections.abc import Sequence
from typing import Any, Final, cast

from zchat.fabric.core.identities import gateway_name, identity
from zchat.gateway.connection import ClientConnection
from zchat.gateway.core.flow_control import UNLIMITED, Quota
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.internal import Chunk
from zchat.runtime.core.rate_limit import Rate

from .doors import Door
from .fabric import Fabric, Kind, Line
from .tcp import Caller, Wire
from .world import Process, World

SLOW_SHARE: Final = 0.3
PER_ADDRESS: Final = 3
"""Connections of one address, where they are bounded; more people never share one."""


class GatewayProcess(Process):
    def __init__(self, world: World, fabric: Fabric, name: str, partitions: int) -> None:
        super().__init__(world, name)
        self.fabric, self._partitions = fabric, partitions
        self.turns = GatewayLoop(partitions, self)
        # Few gateways let clients say so little that they are held.
        chance = world.random("gateway quota")
        self.quota = UNLIMITED
        if chance.random() < SLOW_SHARE:
            most = chance.choice([None, PER_ADDRESS, PER_ADDRESS])
            work = Rate(20_000, 100_000)
            self.quota = Quota(Rate(12, 8.0), work=work, connections_per_address=most)
        self.door = self._new_door()
        self.buffer_bytes_max = world.random("gateway settings").choice([300, 2_000, 256 * 1024])
        self.wires: list[Wire] = []
        self.at_turn_end: Any = lambda gateway: None
        self.at_publication: Any = lambda gateway, seen, chunk: None
        self.seen: dict[str, int] = {}
        """How far the stream has brought each log, in this life."""
        self.at_frame: Any = lambda gateway, session, frame: None
        self.deaf_life: int | None = None
        """The life in which it hears no events, if it does not."""
        self.identity = b""
        self._lines: dict[Kind, Line] = {}
        self._questions: dict[str, Line] = {}
        self._turn_scheduled = False

    def born(self) -> None:
        own_identity = self.identity = identity(gateway_name(self.name), str(self.life))
        self._turn_scheduled = False
        self.wires = []
        self.turns = GatewayLoop(self._partitions, self, quota=self.quota, identity=own_identity)
        self.door = self._new_door()
        self._watch_publications()
        self._watch_frames()
        for kind in (Kind.ASKER, Kind.EVENTS_OUT):
            self._lines[kind] = self.fabric.line(kind, self, own_identity)
        for address in self.turns.core.services.by_address:
            routing_id = own_identity + address.encode()
            self._questions[address] = self.fabric.line(Kind.QUESTION, self, routing_id)
        self._heartbeat()

    def _new_door(self) -> Door:
        most, limited = self.quota.connections_per_address, self.quota is not UNLIMITED
        return Door(self.world, most, limited=limited)

    def died(self) -> None:
        self.fabric.process_died(self)
        for wire in self.wires:
            wire.gateway_died(self.chance.uniform(0.0, 0.1))
        self.wires = []

    def stop(self) -> None:
        """A restart as it is meant to be: clients are told to go elsewhere."""
        if self.alive and not self.paused:
            self.turns.core.go_away("this gateway stops; connect again")
            self.turn_soon()
            self.later(self.chance.uniform(0.0, 0.1), self.die)

    def reached_by(self, client: Caller, chance: random.Random) -> Wire:
        """A new connection."""
        wire = Wire(self.world, chance, client, self, self.buffer_bytes_max)
        self.wires = [other for other in self.wires if not other.gateway_gone]
        self.wires.append(wire)
        # The kernel accepts; the gateway hears of it when it comes round to it.
        self.later(0.0, lambda: self._accept(wire))
        return wire

    def _accept(self, wire: Wire) -> None:
        wire.gateway_side = ClientConnection(self.turns)
        wire.gateway_side.connection_made(cast(Any, wire.transport))
        door = self.door
        door.came(wire, self.now())
        wire.on_lost = lambda: door.went(wire)

    def woken(self) -> None:
        count = limits.BEAT_ENVELOPES_MAX
        for frames in self._lines[Kind.ASKER].arrived(count):
            self.turns.receive_reply(frames)
        for frames in self._lines[Kind.EVENTS_OUT].arrived(count):
            self.turns.receive_event(frames)
        for address, line in self._questions.items():
            answer = line.answer()
            if answer is not None:
                self.turns.receive_answers(address, answer)
        if any(line.down.ready for line in self._lines.values()):
            self.wake()

    def _watch_publications(self) -> None:
        """Of what the followers hand on, in this life."""
        fan_out, seen = self.turns.core.fan_out, dict[str, int]()
        publish, self.seen = fan_out.publish, seen

        def watched(chunk: Chunk) -> None:
            self.at_publication(self, seen, chunk)
            publish(chunk)

        fan_out.publish = watched  # type: ignore[method-assign]

    def _watch_frames(self) -> None:
        """Of what is taken from clients, when it is."""
        intake = self.turns.core.intake
        take = intake._take

        def watched(session: Session, frame: bytes, now: float, now_ms: int) -> None:
            self.at_frame(self, session, frame)
            take(session, frame, now, now_ms)

        intake._take = watched

    def _heartbeat(self) -> None:
        self.turns.heartbeat()
        self.later(limits.HEARTBEAT_INTERVAL_S, self._heartbeat)

    def turn_soon(self) -> None:
        self.door.look(self.now())
        if not self._turn_scheduled:
            self._turn_scheduled = True
            self.later(0.0, self._turn)

    def _turn(self) -> None:
        self._turn_scheduled = False
        self.turns.turn()
        self.at_turn_end(self)

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return self._lines[Kind.ASKER].send(frames)

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None:
        self.passing("send")
        self._questions[address].ask(frames)

    def deafen(self, duration_s: float) -> None:
        """It hears no events for so long, and everything else."""
        if not self.alive or self.paused:
            return
        self.world.tell(f"{self.name} is deaf for {duration_s} s")
        self.deaf_life = self.life
        line = self._lines[Kind.EVENTS_OUT]
        line.sever()

        def hear() -> None:
            self.deaf_life = None
            self.fabric.reconnect(self)

        self.world.at(duration_s, hear)

    def strand(self, chance: random.Random) -> None:
        """All clients lose this gateway, and what they had sent to it still waits there."""
        for wire in self.wires:
            if not (wire.client_gone or wire.gateway_gone):
                wire.strand(chance.uniform(0.0, 0.3))

    def break_one(self, chance: random.Random) -> None:
        """The network loses one client, and both sides take their time to notice."""
        self.world.counts["a connection was cut"] += 1
        wires = [wire for wire in self.wires if not (wire.client_gone or wire.gateway_gone)]
        if wires:
            wire = chance.choice(wires)
            slow = chance.random() < 0.3
            times = [chance.uniform(0.0, 20.0 if slow else 0.2) for _ in range(2)]
            self.world.tell(f"the connection of {wire.client.name} to {self.name} is cut")
            wire.cut(*times)
