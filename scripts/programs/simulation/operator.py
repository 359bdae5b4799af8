"""The operator, like `zchat-admin`: announces, has entries removed, makes people moderators."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from msgspec import Raw
from msgspec.structs import replace

from zchat.fabric.core.identities import admin_name, identity
from zchat.fabric.core.link import Asker
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import USER_SERVICE, Down, RoutingTable, Stamped
from zchat.protocol.messages import (
    LOBBY,
    Announce,
    CreateInvitation,
    Done,
    Refused,
    SetStanding,
    Standing,
    SuspendUser,
    room_log,
)
from zchat.protocol.operators import RedactMessages, SetRetention
from zchat.protocol.rules.partitions import address_of_room, room_addresses

from .accounts import Accounts
from .fabric import Fabric, Kind, Line
from .world import Process, World

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_replies: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]

OfOperator = Announce | SetRetention | RedactMessages | SetStanding | SuspendUser | CreateInvitation
ASK_INTERVAL_S: Final = limits.HEARTBEAT_INTERVAL_S / 10


@dataclass
class Announcements:
    made: list[str] = field(default_factory=list)
    answers: dict[str, Done | Refused] = field(default_factory=dict)
    """By text. Of one without an answer nobody can say what became of it."""


class Operator(Process):
    """Each announcement is a life of its own: a command that asks, waits and ends."""

    def __init__(self, world: World, fabric: Fabric, partitions: int, accounts: Accounts) -> None:
        super().__init__(world, "the operator")
        self.restart_s = (0.5, 6.0)
        self._accounts = accounts
        self.announcements = Announcements()
        self._fabric = fabric
        self._lobby_address = address_of_room(LOBBY, partitions)
        self._room_addresses = room_addresses(partitions)
        self._keeps_s = self.chance.choice([0, 0, 2, 5])
        """For how long entries are kept in some histories, now and then; 0 for ever."""
        self._promotes = self.chance.choice([0.0, 0.3, 0.6])
        """How likely it is to make somebody a moderator, and no announcement."""
        self._redacts = self.chance.choice([0.0, 0.0, 0.4])
        """How likely it is to remove something that was said, and to make no announcement."""
        self.invites = False
        """Whether accounts take an invitation."""
        self.wishes: list[SetStanding | SuspendUser] = []
        """What is to be done before all else."""
        self._address = self._lobby_address
        self._nonce_prefix = self.chance.randbytes(8)
        self._line: Line
        self._asker: Asker[bool]
        self._command: OfOperator
        self._text = ""

    def born(self) -> None:
        own_identity = identity(admin_name("simulated"), str(self.life))
        self._line = self._fabric.line(Kind.ASKER, self, own_identity)
        self._asker = Asker()
        what = self.chance.random()
        if self.wishes:
            self._say(USER_SERVICE, replace(self.wishes.pop(0), nonce=self._nonce()))
        elif self.invites and (self.life == 1 or self.chance.random() < 0.6):
            self._invite()
        elif what < self._promotes:
            self._set_standing()
        elif self.chance.random() < self._redacts:
            self._redact()
        elif self._keeps_s and self.chance.random() < 0.5:
            self._set_retention()
        else:
            self._announce()
        self._ask()
        self.later(limits.COMMAND_TIMEOUT_S, self.die)

    def wish(self, command: SetStanding | SuspendUser) -> None:
        """Does this next, and soon."""
        self.wishes.append(command)
        if self.alive:
            self.die(away_s=0.0)

    def _invite(self) -> None:
        code = f"invitation {self.life} {self.chance.randrange(1_000_000)}"
        self._accounts.invitations.append(code)
        until_ms = self.now_ms() + self.chance.choice([1_000, 100_000, 100_000])
        digest = hashlib.sha256(code.encode()).digest()
        self._say(
            USER_SERVICE,
            CreateInvitation(id=1, nonce=self._nonce(), digest=digest, expires_ms=until_ms),
        )

    def _set_retention(self) -> None:
        address = self.chance.choice([USER_SERVICE, *self._room_addresses])
        keep_s = self.chance.choice([self._keeps_s, self._keeps_s, 0])
        self._say(address, SetRetention(1, "@" if address == USER_SERVICE else "#", keep_s))

    def _redact(self) -> None:
        """Whatever is there: what is no message, or is gone, is passed over."""
        first = self.chance.randrange(1, 60)
        some = self.chance.sample(range(first, first + 12), 6)
        log = room_log(LOBBY)
        self._say(self._lobby_address, RedactMessages(1, self._nonce(), log, some, "spam"))

    def _set_standing(self) -> None:
        standing = self.chance.choice([Standing.MODERATOR, Standing.MODERATOR, Standing.ACCOUNT])
        name = self.chance.choice(sorted(self._accounts.passwords) or ["a"])
        self._say(
            USER_SERVICE, SetStanding(id=1, nonce=self._nonce(), user=name, standing=standing)
        )

    def _announce(self) -> None:
        count = len(self.announcements.made) + 1
        self._text = f"announcement {count}"
        self.announcements.made.append(self._text)
        self._say(self._lobby_address, Announce(id=1, nonce=self._nonce(), text=self._text))

    def _nonce(self) -> bytes:
        return self._nonce_prefix + self.life.to_bytes(8, "big")

    def _say(self, address: str, command: OfOperator) -> None:
        self._address, self._command = address, command
        stamped = Stamped(0, "", Raw(encode(command)), Standing.OPERATOR)
        self._asker.send(encode(stamped), True)

    def died(self) -> None:
        self._fabric.process_died(self)

    def comes_back(self) -> bool:
        return not self.world.quiet

    def _ask(self) -> None:
        self._line.send([b"", b""])
        self._asker.heartbeat()
        for up in self._asker.envelopes():
            self._line.send([self._address.encode(), encode(up)])
        self.later(ASK_INTERVAL_S, self._ask)

    def woken(self) -> None:
        for source, body in self._line.arrived(limits.BEAT_ENVELOPES_MAX):
            if not source:
                self._asker.worker_changed(_tables.decode(body).epochs.get(self._address))
                continue
            for _, reply in self._asker.receive(_downs.decode(body), self.now()):
                answer = _replies.decode(reply)
                if isinstance(self._command, Announce):
                    self.announcements.answers[self._text] = answer
                elif isinstance(self._command, SetStanding):
                    self.world.counts["the operator sets a standing"] += isinstance(answer, Done)
                elif isinstance(self._command, CreateInvitation | SuspendUser):
                    kind = type(self._command).__name__
                    self.world.counts[f"the operator did {kind}"] += isinstance(answer, Done)
                elif isinstance(self._command, RedactMessages) and isinstance(answer, Done):
                    self.world.counts["the operator redacts"] += bool(answer.sequence)
                elif isinstance(answer, Refused):
                    raise AssertionError(answer.reason)
                self.die()
                return
