"""Clients that mean no good, or know no better: garbage, silence, floods, and no reading."""

import random
from typing import TYPE_CHECKING, Final

from zchat.gateway.core.flow_control import UNLIMITED
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    LOBBY,
    PROTOCOL_VERSION,
    Hello,
    JoinRoom,
    ListMembers,
    LogIn,
    LogOut,
    Post,
    ReadHistory,
    SendPrivate,
)

from .tcp import Caller, Wire
from .world import World

if TYPE_CHECKING:
    from .gateways import GatewayProcess

WAYS: Final = {
    "noise": 3,
    "a damaged login": 3,
    "silence": 1,
    "half a frame": 1,
    "a frame without end": 1,
    "values without bottom": 1,
    "commands without a login": 1,
    "a flood": 4,
    "a flood without end": 4,
    "a crowd": 2,
}
FLOOD_REQUESTS: Final = 40
FLOOD_REQUESTS_MAX: Final = 600
CROWD: Final = (2, 7)


class Vandal(Caller):
    """Comes again and again, each time in another way."""

    def __init__(self, world: World, name: str, gateways: "list[GatewayProcess]") -> None:
        super().__init__(world, name)
        self._gateways = gateways
        self._wires: list[Wire] = []
        self._flooded: GatewayProcess | None = None
        """Where it comes back to, before or after it may."""
        self._visits = self._count = 0
        self._prefix = b""

    def born(self) -> None:
        self._come()

    def died(self) -> None:
        self._leave()

    def comes_back(self) -> bool:
        return not self.world.quiet

    def received(self, wire: Wire, data: bytes) -> None:
        """Whatever they are told, they do not listen."""

    def lost(self, wire: Wire) -> None:
        if wire in self._wires:
            self._wires.remove(wire)

    def _come(self) -> None:
        self._leave()
        self._visits += 1
        self._prefix = self.chance.randbytes(8)
        gateway, self._flooded = self._flooded or self.chance.choice(self._gateways), None
        away_s = self.chance.expovariate(1 / 2.0)
        if gateway.alive:
            way = self.chance.choices(list(WAYS), list(WAYS.values()))[0]
            self.world.tell(f"{self.name} comes to {gateway.name} with {way}")
            self.world.counts[f"a vandal came with {way}"] += 1
            if way == "a flood without end" and gateway.quota is UNLIMITED:
                way = "a flood"  # All of it would be done there.
            elif way == "a flood without end":
                self._flooded = gateway
                away_s = self.chance.uniform(0.5, 2 * limits.SHUT_OUT_S_MAX)
            for _ in range(self.chance.randint(*CROWD) if way == "a crowd" else 1):
                wire = gateway.reached_by(self, self.chance)
                self._wires.append(wire)
                if way.startswith("a flood") and self.chance.random() < 0.7:
                    wire.down.set_reading(False)
                wire.up.write(self._bytes(way))
        self.later(away_s, self._come)

    def _leave(self) -> None:
        wires, self._wires = self._wires, []
        for wire in wires:
            wire.client_aborts()

    # --- What they send ---------------------------------------------------------------------------

    def _bytes(self, way: str) -> bytes:
        chance = self.chance
        login = self._login()
        match way:
            case "noise":
                return chance.randbytes(chance.randint(1, 3_000))
            case "a damaged login":
                damaged = bytearray(
                    login + encode(Post(id=1, nonce=self._nonce(), room=LOBBY, text="damaged"))
                )
                for _ in range(chance.randint(1, 4)):
                    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
                return bytes(damaged)
            case "silence" | "a crowd":
                return b""
            case "a flood without end":
                return login + self._flood(FLOOD_REQUESTS_MAX)
            case "half a frame":
                return login[: chance.randrange(1, len(login))]
            case "a frame without end":
                return b"\xc6\x7f\xff\xff\xff" + chance.randbytes(1_000)
            case "values without bottom":
                return b"\x91" * chance.choice([100, 5_000]) + b"\xc0"
            case "commands without a login":
                hello = encode(Hello(PROTOCOL_VERSION, "vandal"))
                return chance.choice([b"", hello]) + self._flood(3)
            case _:
                return (
                    login + self._flood(FLOOD_REQUESTS) + chance.choice([b"", encode(LogOut(id=0))])
                )

    def _login(self) -> bytes:
        log_in = LogIn(id=0, name=f"{self.name}-{self._visits}", token=self.chance.randbytes(32))
        return encode(Hello(PROTOCOL_VERSION, "vandal")) + encode(log_in)

    def _flood(self, count: int) -> bytes:
        """Nothing is wrong with these, but that nobody waits for an answer."""
        return b"".join(self._request(self.chance) for _ in range(count))

    def _nonce(self) -> bytes:
        self._count += 1
        return self._prefix + self._count.to_bytes(8, "big")

    def _request(self, chance: random.Random) -> bytes:
        nonce = self._nonce()
        number = self._count
        text = f"{self.name} {self._visits} {number}"
        match chance.randrange(8):
            case 0:
                return encode(JoinRoom(id=number, nonce=nonce, room="den"))
            case 1:
                return encode(SendPrivate(id=number, nonce=nonce, to="a", text=text))
            case 2:
                return encode(ReadHistory(id=number, log=f"#{LOBBY}", limit=200))
            case 3:
                return encode(ListMembers(id=number, room=LOBBY))
            case 4:
                return encode(Post(id=number, nonce=nonce, room="den", text=text))
            case _:
                return encode(Post(id=number, nonce=nonce, room=LOBBY, text=text))
