"""TCP between clients and gateways: bytes in order, cut anywhere, slow, and lost without notice."""

import random
from collections.abc import Callable
from typing import Any

from .world import Process, World


class Stream:
    """One direction. Its reader gets the bytes in pieces as chance has it."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        reader: Process,
        deliver: Callable[[bytes], None],
    ) -> None:
        self._world, self._chance, self._reader = world, chance, reader
        self._deliver = deliver
        self._waiting = b""
        self._pumping = False
        self._at_end: Callable[[], None] | None = None
        self.reading = True
        self.dead = False
        self.on_less: Callable[[int], None] = lambda size: None

    @property
    def size(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        if not self.dead:
            self._waiting += data
            self._pump_soon()

    def end(self, at_end: Callable[[], None]) -> None:
        """After what is written already, the reader sees the end."""
        self._at_end = at_end
        self._pump_soon()

    def cut(self) -> None:
        """The connection breaks: any number of the bytes on their way still come, to any byte."""
        if self.dead:
            return
        self.dead = True
        if self.reading and self._waiting and self._chance.random() < 0.5:
            last_words = self._waiting[: self._chance.randint(0, len(self._waiting))]
            self._reader.later(0.0, lambda: self._deliver(last_words))

    def set_reading(self, reading: bool) -> None:
        self.reading = reading
        if reading:
            self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pumping and not self.dead:
            self._pumping = True
            slow = self._chance.random() < 0.03
            self._reader.later(self._chance.uniform(0.0001, 0.5 if slow else 0.004), self._pump)

    def _pump(self) -> None:
        self._pumping = False
        if self.dead or not self.reading:
            return
        if self._waiting:
            size = len(self._waiting)
            if self._chance.random() < 0.3:
                size = self._chance.randint(1, size)
            data, self._waiting = self._waiting[:size], self._waiting[size:]
            self.on_less(len(self._waiting))
            self._deliver(data)
        self._go_on()

    def _go_on(self) -> None:
        """What was delivered may have ended the connection."""
        if self.dead:
            return
        if self._waiting:
            self._pump_soon()
        elif self._at_end is not None:
            self.dead = True
            self._at_end()


class Caller(Process):
    """Whoever connects to a gateway, perhaps again and again: each word names its connection."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.address = self.network = name
        """Everybody has one of its own, unless it is said otherwise; and what it is counted as."""

    def lives_at(self, network: str, host: str) -> None:
        self.address, self.network = network + host, network

    def received(self, wire: "Wire", data: bytes) -> None:
        raise NotImplementedError

    def lost(self, wire: "Wire") -> None:
        raise NotImplementedError


class Wire:
    """One TCP connection, with a transport for each side."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        client: Caller,
        gateway: Process,
        buffer_bytes_max: int,
    ) -> None:
        self.world, self.chance = world, chance
        self.client, self.gateway = client, gateway
        self.gateway_side: Any = None
        self.on_lost: Callable[[], None] = lambda: None
        """The gateway knows that the connection is gone."""
        self.client_gone = self.gateway_gone = False
        self.down = Stream(world, chance, client, self._to_client)
        self.up = Stream(world, chance, gateway, self._to_gateway)
        self.transport = GatewayTransport(self, buffer_bytes_max)

    def _to_client(self, data: bytes) -> None:
        self.client.received(self, data)

    def _to_gateway(self, data: bytes) -> None:
        if not self.transport.closed:
            self.gateway_side.data_received(data)

    def _client_lost(self) -> None:
        self.client.lost(self)

    def tell_client(self, delay_s: float) -> None:
        """The client learns that the connection is gone."""
        if not self.client_gone:
            self.down.cut()
            self.client_gone = True
            self.client.later(delay_s, self._client_lost)

    def tell_gateway(self, delay_s: float) -> None:
        if not self.gateway_gone:
            self.up.cut()
            self.gateway_gone = True
            self.gateway.later(delay_s, self._gateway_lost)

    def _gateway_lost(self) -> None:
        self.gateway_side.connection_lost(None)
        self.on_lost()

    def gateway_died(self, client_s: float) -> None:
        """Nobody reads what the client has sent."""
        self.gateway_gone = self.up.dead = True
        self.tell_client(client_s)

    def strand(self, client_s: float) -> None:
        """The client goes elsewhere; what it had sent waits for a gateway that hangs."""
        self._end_of_what_client_said()
        self.tell_client(client_s)

    def _end_of_what_client_said(self) -> None:
        self.up.end(lambda: self.tell_gateway(0.0))
        # Who does not read learns it when it writes.
        self.gateway.later(0.5, lambda: self.tell_gateway(0.0))

    def cut(self, client_s: float, gateway_s: float) -> None:
        """The network is gone between them; each side finds out when it does."""
        self.tell_client(client_s)
        self.tell_gateway(gateway_s)

    def client_aborts(self) -> None:
        self.client_gone = True
        self.down.dead = True
        # What is on its way may still come in before the end does.
        if self.chance.random() < 0.5:
            self._end_of_what_client_said()
        else:
            self.tell_gateway(self.chance.uniform(0.0, 0.01))


class GatewayTransport:
    """What `ClientConnection` sees of asyncio."""

    def __init__(self, wire: Wire, buffer_bytes_max: int) -> None:
        self._wire = wire
        self._high = buffer_bytes_max
        self._full = self.closed = False
        self.writes_while_full = self.owed_when_full = 0
        wire.down.on_less = self._less

    def get_extra_info(self, name: str) -> object:
        """Nobody has TLS."""
        return (self._wire.client.address, 0) if name == "peername" else None

    def set_write_buffer_limits(self, high: int) -> None:
        """The simulation has small buffers of its own, so that they matter."""

    def get_write_buffer_size(self) -> int:
        return self._wire.down.size

    def write(self, data: bytes) -> None:
        self._wire.gateway.passing("write")
        self._wire.down.write(data)
        self.writes_while_full += self._full
        if not self._full and self._wire.down.size > self._high:
            self._full = True
            self.owed_when_full = self._wire.gateway_side.session.undelivered
            self._wire.gateway_side.pause_writing()

    def _less(self, size: int) -> None:
        if self._full and size <= self._high // 4 and self._wire.gateway.alive:
            self._full = False
            self.writes_while_full = 0
            self._wire.gateway.later(0.0, self._resume)

    def _resume(self) -> None:
        if not self._wire.gateway_gone:
            self._wire.gateway_side.resume_writing()

    def is_closing(self) -> bool:
        return self.closed or self._wire.gateway_gone

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._wire.down.end(lambda: self._wire.tell_client(0.0))
            # asyncio waits until all is written; what is not read by then does not matter.
            self._wire.tell_gateway(0.001)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        self._wire.up.set_reading(False)

    def resume_reading(self) -> None:
        self._wire.up.set_reading(True)
