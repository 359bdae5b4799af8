"""Clients that do everything that one can do, at random, and note all that they are told."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from zchat.client.core.checks import InvalidRequest
from zchat.client.core.credentials import Credentials
from zchat.client.core.events import (
    Answered,
    CloseConnection,
    EntryArrived,
    Event,
    Fatal,
    LoggedOut,
    OpenConnection,
    SessionBegun,
    State,
)
from zchat.client.core.machine import ClientCore, LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.protocol.messages import (
    BanMember,
    CloseRoom,
    ConfigureRoom,
    CreateRoom,
    DemoteMember,
    Done,
    Entry,
    History,
    InviteMember,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ListBans,
    ListMembers,
    ListRooms,
    ListUsers,
    MessageEdited,
    MuteMember,
    Ping,
    PingTarget,
    PinList,
    Post,
    Posting,
    PromoteMember,
    ReadHistory,
    Register,
    ReportMessage,
    Request,
    SearchMessages,
    SearchResults,
    SendPrivate,
    SetTopic,
    SlowedDown,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)

from . import accounts, moderators, talk
from .accounts import PASSWORD, WRONG_PASSWORD, Accounts
from .tcp import Caller, Wire
from .words import told, worded
from .world import World

if TYPE_CHECKING:
    from .gateways import GatewayProcess

ROOMS: Final = ("den", "attic", "quay")
KINDS: Final = {
    "post": 30,
    "lobby": 12,
    "private": 14,
    "create": 3,
    "join": 12,
    "leave": 4,
    "topic": 3,
    "register": 4,
    "register with a short password": 1,
    "history": 3,
    "earlier history": 2,
    "thread": 2,
    "rooms": 2,
    "members": 2,
    "users": 2,
    "ping": 2,
    "of a member": 30,
    "invite": 4,
    "configure": 4,
    "close": 2,
    "bans": 1,
    "report": 1,
    **accounts.KINDS,
    **talk.KINDS,
}
"""What people do, and how often."""
KEY: Final = "sesame"
CHOOSY: Final = 0.3
TWINS: Final = 0.4
"""So often a program uses the token that another one of its user came with."""
OF_A_MEMBER: Final = (
    *(KickMember, BanMember, UnbanMember, UnmuteMember),
    *(MuteMember, MuteMember, MuteMember),
    *(PromoteMember, PromoteMember, DemoteMember, TransferRoom),
)


@dataclass
class Life:
    """One client from its start to its end, over any number of connections."""

    person: str
    name: str
    first: Credentials
    """With what it came, as often as it took until it was let in."""
    prefix: bytes
    events: list[Event] = field(default_factory=list)
    submitted: dict[int, Request] = field(default_factory=dict)
    asked_after: dict[int, int] = field(default_factory=dict)
    """By request: how many events there were before it."""
    shares: bool = False
    """Another program has the same token, and may be here at the same time."""
    logs: frozenset[str] | None = None
    """Those that it wants; None for all."""
    from_head: bool = False
    """Whether it wanted nothing of what stood there already."""
    crashed: bool = False
    ended: bool = False

    @property
    def was_guest(self) -> bool:
        """All the time, so that whatever was said before under its name was another's."""
        if self.shares:
            return False
        begun = [event for event in self.events if isinstance(event, SessionBegun)]
        asked = self.submitted.values()
        return all(event.guest for event in begun) and not any(
            isinstance(request, Register) for request in asked
        )


class Person(Caller):
    """Somebody with a client program, which can crash and is then started anew."""

    def __init__(
        self, world: World, name: str, user: str, gateways: "list[GatewayProcess]"
    ) -> None:
        super().__init__(world, name)
        self.user = user
        self.gateways = gateways
        self.accounts = Accounts()
        """Shared by all people."""
        self.lives: list[Life] = []
        self.memory = talk.Memory()
        self.remembers: Sequence[Entry] = ()
        """Messages of which it knows before it comes."""
        self.core: ClientCore | None = None
        self.chat = world.random(f"chat {name}")
        self.sharing, self.wanting = world.random(f"token {name}"), world.random(f"logs {name}")
        self.restart_s = (0.1, 6.0)
        self.hurry = self.chat.choice([0.05, 0.3, 1.0])
        self.wire: Wire | None = None
        self.on_event: Callable[[Person, Event], None] = lambda person, event: None
        self.followed_before: frozenset[str] = frozenset()
        """The logs that it followed before what it is told now was read."""
        self._serial = 0
        self._timer_at: float | None = None

    # --- Life -------------------------------------------------------------------------------------

    def born(self) -> None:
        token = self.chat.randbytes(32)
        prefix = self.chat.randbytes(8)
        if self.user in self.accounts.deleted:
            self.user += "x"  # Nobody gets that name back.
        # Two programs that run at the same time may have one login.
        twin = self.accounts.newest.get(self.user)
        if twin is not None and self.sharing.random() < TWINS:
            token, twin.shares = twin.first.token, True
        else:
            twin = None
        credentials = self._credentials(token)
        if self.chat.random() < 0.5:
            # Others do not forget with a new client, and perhaps as a new guest, what was said.
            self.memory = talk.Memory()
            self.memory.reads(self.remembers)
        first = replace(credentials)
        self.life_now = Life(self.name, self.user, first, prefix, shares=twin is not None)
        self.accounts.newest[self.user] = self.life_now
        self.lives.append(self.life_now)
        self.life_now.logs = self._wanted()
        self.life_now.from_head = self.wanting.random() < 0.3
        self.core = ClientCore(
            self.user,
            credentials,
            prefix,
            "simulated",
            logs=self.life_now.logs,
            from_head=self.life_now.from_head,
        )
        self._timer_at = None
        self._tick()
        self.later(self.chat.uniform(0.0, 1.0), self._act)

    def _wanted(self) -> frozenset[str] | None:
        """Few programs want to see only some of what there is, or nothing at all."""
        if self.wanting.random() > CHOOSY:
            return None
        logs = ["#lobby", f"@{self.user}", *(f"#{room}" for room in ROOMS)]
        return frozenset(self.wanting.sample(logs, self.wanting.choice([0, 1, 2, 2, 3])))

    def _credentials(self, token: bytes) -> Credentials:
        chat = self.chat
        credentials = Credentials(token, self.accounts.password(self.user, chat))
        if chat.random() < 0.4:
            credentials.device = f"{self.name} {len(self.lives)}"
        credentials.code = self.accounts.code(self.user, self.now_ms())
        if credentials.password is None and chat.random() < 0.1:
            credentials.password, credentials.register = PASSWORD, True
            credentials.invitation = self.accounts.invitation(chat)
        elif chat.random() < 0.05:
            credentials.password = WRONG_PASSWORD
        return credentials

    def died(self) -> None:
        self.life_now.crashed = not self.life_now.ended
        self.core = None
        if self.wire is not None:
            self.wire.client_aborts()
            self.wire = None

    def comes_back(self) -> bool:
        # Two guests of one name would go on for ever to try it in turns.
        return not (self.world.quiet and self.life_now.ended)

    def is_at(self, gateway: "GatewayProcess") -> bool:
        return self.wire is not None and self.wire.gateway is gateway

    # --- The shell of the client core -------------------------------------------------------------

    def _turn(self) -> None:
        core = self.core
        if core is None:
            return
        while effects := core.take_effects():
            for effect in effects:
                match effect:
                    case OpenConnection(attempt):
                        gateway = self.gateways[attempt % len(self.gateways)]
                        self.later(self.chance.uniform(0.001, 0.05), partial(self._open, gateway))
                    case CloseConnection():
                        if self.wire is not None:
                            self.wire.client_aborts()
                            self.wire = None
                        core.disconnected(self.world.now, self.chance.random())
                    case _:
                        self._note(effect)
        outgoing = core.take_outgoing()
        if outgoing and self.wire is not None:
            self.wire.up.write(outgoing)
        at = core.next_call_at()
        if at is not None and (self._timer_at is None or at < self._timer_at):
            self._timer_at = at
            self.later(max(0.0, at - self.world.now), self._tick)

    def _tick(self) -> None:
        self._timer_at = None
        if self.core is not None:
            self.core.tick(self.world.now)
            self._turn()

    def _open(self, gateway: "GatewayProcess") -> None:
        core = self.core
        assert core is not None
        if not gateway.alive:
            core.disconnected(self.world.now, self.chance.random())
            self._turn()
            return
        self.wire = gateway.reached_by(self, self.chance)
        core.connected(self.world.now)
        self._turn()

    def received(self, wire: Wire, data: bytes) -> None:
        if wire is self.wire and self.core is not None:
            self.followed_before = frozenset(self.core.followed)
            self.core.received(data, self.world.now)
            self._turn()

    def lost(self, wire: Wire) -> None:
        if wire is self.wire and self.core is not None:
            self.wire = None
            self.core.disconnected(self.world.now, self.chance.random())
            self._turn()

    # --- The application --------------------------------------------------------------------------

    def _note(self, event: Event) -> None:
        life = self.life_now
        life.events.append(event)
        self.on_event(self, event)
        if self.world.detailed:
            self.world.tell(f"{self.name} {told(event)}")
        match event:
            case SlowedDown():
                self.world.counts["a client was slowed down"] += 1
            case Answered(request=request, answer=Done()):
                self.accounts.done(life.name, request)
                if isinstance(request, moderators.DEEDS):
                    self.world.counts[f"a moderator did {type(request).__name__}"] += 1
                if isinstance(request, talk.DEEDS):
                    self.world.counts[f"somebody did {type(request).__name__}"] += 1
                if isinstance(request, Register):
                    self.world.tell(f"{life.name} is an account")
            case Answered(answer=History(entries=entries) | SearchResults(entries=entries)):
                self.memory.reads(entries)
            case Answered(answer=PinList(pins=pins)):
                self.memory.reads(pins)
            case EntryArrived(entry=entry):
                self.memory.sees(entry)
                if (standing := moderators.standing_in(entry.body)) is not None:
                    self.accounts.standings[life.name] = standing
                self._mark_read(entry)
                self._look_for(entry)
            case SessionBegun():
                if life.first.register and not event.resumed:
                    self.accounts.registered(life.name)
                how = "back" if event.resumed else "in"
                self.world.tell(f"{self.name} is {how} as {event.name}")
            case LoggedOut() | Fatal():
                life.ended = True
                if isinstance(event, Fatal) and event.refused.code == "password_required":
                    # It was registered by a client that did not live to hear of it.
                    self.accounts.registered(self.user)
                why = f": {event.refused.code}" if isinstance(event, Fatal) else ""
                self.world.tell(f"{self.name} has ended{why}")
                self.later(0.0, self.die)
            case _:
                pass

    def _mark_read(self, entry: Entry) -> None:
        """Now and then, and often just before or behind what mentions somebody."""
        chat, core = self.chat, self.core
        if core is None or self.world.quiet:
            return
        if "@" in getattr(entry.body, "text", "") and chat.random() < 0.5:
            core.mark_read(entry.log, max(0, entry.sequence - chat.choice([0, 0, 1, 2])))
        elif chat.random() < 0.05:
            core.mark_read(entry.log, chat.randint(0, entry.sequence))

    def _look_for(self, entry: Entry) -> None:
        """Now and then, at once: what has just been changed is on its way into the index."""
        if isinstance(entry.body, MessageEdited) and self.chat.random() < 0.7:
            words = " ".join(entry.body.text.split()[:3])
            log = self.chat.choice([None, entry.log if entry.log[0] == "#" else None])
            self.later(self.chat.uniform(0.0, 0.1), lambda: self._search(words, log))

    def _search(self, words: str, log: str | None) -> None:
        if words and self.core is not None and not self.world.quiet:
            self.ask(SearchMessages(text=words, log=log))

    def _act(self) -> None:
        if self.world.quiet or self.core is None:
            return
        self.later(self.chat.expovariate(1 / self.hurry), self._act)
        if self.core.state is State.ENDED or self.core.unanswered > 40:
            return
        if self.chat.random() < 0.01:
            self.world.tell(f"{self.name} quits")
            self.core.log_out(self.world.now)
        else:
            draft = self._draft(self.chat)
            if isinstance(draft, CloseRoom) and self.remembers and self.chat.random() < 0.9:
                # Where there is much to lose, it is not lost in the first second.
                draft = ReadHistory(log=f"#{draft.room}")
            self.ask(draft)
        self._turn()

    def ask(self, draft: Request) -> int | None:
        """Returns the number of the request; None if the client does not take it."""
        assert self.core is not None
        try:
            number = self.core.submit(draft, self.world.now)
        except (InvalidRequest, LoggingOut, QueueFull):
            return None
        self.life_now.submitted[number] = draft
        self.life_now.asked_after[number] = len(self.life_now.events)
        self.accounts.asked(self.life_now.name, draft)
        if self.world.detailed:
            self.world.tell(f"{self.name} asks {number}: {worded(draft)}")
        self._turn()
        return number

    def _draft(self, chat: random.Random) -> Request:
        assert self.core is not None
        several = sorted(log[1:] for log in self.core.followed if log[1:].startswith(talk.PREFIX))
        room = chat.choice([*ROOMS, *several[:2]])
        other = chat.choice("abcdefg")
        self._serial += 1
        text = f"{self.name} {len(self.lives)} {self._serial} " + "x" * chat.choice([0, 0, 9, 200])
        if chat.random() < (0.4 if self.accounts.is_moderator(self.user) else 0.01):
            # Guests cannot be suspended.
            known = sorted(self.accounts.passwords) if chat.random() < 0.5 else []
            other = chat.choice(known or [other])
            return moderators.draft(chat, room, other, text, self.now_ms())
        if self.accounts.invitations and chat.random() < 0.1:
            return Register(password=PASSWORD, invitation=self.accounts.invitation(chat))
        match chat.choices(list(KINDS), list(KINDS.values()))[0]:
            case kind if kind in accounts.KINDS:
                return self.accounts.draft(kind, self.user, self.now_ms(), chat)
            case kind if kind in talk.KINDS:
                joined = sorted(self.core.followed - {"#lobby", f"@{self.core.name}"})
                inside = self._inside(chat, joined)
                user, memory = self.core.name, self.memory
                return talk.draft(kind, chat, memory, user, inside, room, other, text)
            case "post":
                return Post(room=room, text=text)
            case "lobby":
                return Post(room="lobby", text=text)
            case "private":
                return SendPrivate(to=other, text=text)
            case "create":
                return CreateRoom(room=room, private=chat.random() < 0.2)
            case "join":
                return JoinRoom(room=room, key=chat.choice(["", KEY, KEY]))
            case "leave":
                return LeaveRoom(room=room)
            case "topic":
                return SetTopic(room=room, topic=text[:40])
            case "register":
                return Register(password=PASSWORD, invitation=self.accounts.invitation(chat))
            case "register with a short password":
                return Register(password="short")
            case "history":
                return ReadHistory(log=f"#{room}", limit=chat.randint(1, 30))
            case "earlier history":
                return ReadHistory(
                    log="#lobby", limit=chat.randint(1, 30), before=chat.randint(0, 40)
                )
            case "thread":
                return ReadHistory(log=f"@{other}")
            case "rooms":
                return ListRooms(room=chat.choice([None, room]))
            case "members":
                return ListMembers(room=chat.choice([room, "lobby"]))
            case "users":
                return ListUsers()
            case "ping":
                return Ping(target=chat.choice(list(PingTarget)))
            case kind:
                return self._room_draft(chat, kind, room, other)

    def _inside(self, chat: random.Random, joined: list[str]) -> str:
        """A room that the user is in, rather one of those where all are."""
        common = [log for log in joined if log[1:] in ROOMS]
        logs = common if common and chat.random() < 0.8 else joined
        return chat.choice(logs)[1:] if logs else ""

    def _room_draft(self, chat: random.Random, kind: str, room: str, other: str) -> Request:
        """What keeps a room in order, and what is its owner's."""
        assert self.core is not None
        match kind:
            case "of a member":
                # Elsewhere it would mostly be refused.
                joined = sorted(self.core.followed & {f"#{each}" for each in ROOMS})
                room = chat.choice(joined)[1:] if joined else room
                draft = chat.choice(OF_A_MEMBER)
                if draft is BanMember and chat.random() < 0.7:
                    until_ms = self.now_ms() + chat.choice([1, 300, 3_000])
                    return BanMember(room=room, user=other, reason="noise", until_ms=until_ms)
                return draft(room=room, user=other)
            case "invite":
                return InviteMember(room=room, user=other)
            case "configure":
                return ConfigureRoom(
                    room=room,
                    private=chat.choice([None, False, False, True]),
                    key=chat.choice([None, "", "", KEY]),
                    posting=chat.choice([None, *Posting, Posting.MEMBERS]),
                    slow_mode_s=chat.choice([None, 0, 0, 1]),
                    members_max=chat.choice([None, 0, 0, 2]),
                )
            case "close":
                return CloseRoom(room=room, reason="enough")
            case "bans":
                return ListBans(room=room)
            case _:
                sequence = chat.randint(0, 30)
                return ReportMessage(
                    log=f"#{room}",
                    sequence=sequence,
                    reason="noise",
                )


class Owner(Person):
    """Comes once, to end all other sessions of its account."""

    def comes_back(self) -> bool:
        return False

    def _act(self) -> None:
        if self.core is not None:
            kind = self.chat.choice(["log out everywhere", "log out everywhere", "change password"])
            self.ask(self.accounts.draft(kind, self.user, self.now_ms(), self.chat))
            if self.core is not None:
                self.core.log_out(self.world.now)
                self._turn()
