"""Drives the rules of rooms, over a real store in memory, by what a beat does."""

from functools import partial
from typing import Any

from zchat.eventlog import audit
from zchat.eventlog.core.changes import Removal
from zchat.eventlog.store import Store
from zchat.fabric.core.link import ReturnAddress
from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import (
    EndGuest,
    MarkerMoved,
    OpenConversation,
    RoomQuery,
    RoomsCommand,
    Typing,
)
from zchat.protocol.messages import (
    AddReaction,
    BanMember,
    CloseRoom,
    ConfigureRoom,
    CreateRoom,
    DeleteMessage,
    DemoteMember,
    Done,
    EditMessage,
    Entry,
    EntryBody,
    InviteMember,
    JoinRoom,
    KickMember,
    LeaveRoom,
    MarkRead,
    MuteMember,
    Notify,
    PinMessage,
    Post,
    PromoteMember,
    RefusalCode,
    Refused,
    RemoveReaction,
    ReportMessage,
    SetNotify,
    SetTopic,
    Standing,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
    UnpinMessage,
    room_log,
)
from zchat.protocol.rules.costs import exhausted
from zchat.protocol.rules.nonces import nonce
from zchat.rooms import queries
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.store import projection
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import apply, commit, prepare
from zchat.service.core.effects import Sender

_entries = Decoder(Entry)
LOBBY_ADDRESS = "rooms/0"


class Rooms:
    def __init__(self, *, keeps_edits: bool = False) -> None:
        self.keeps_edits = keeps_edits
        self.at_ms = 1000
        self.now = 0.0
        self.standing = Standing.OPERATOR
        """Of whoever acts for no user."""
        self.store = Store.open(None, ROOMS_SCHEMA)
        self.core = self.loaded()
        self.core.open_lobby(self.at_ms)
        self.owed: list[tuple[str, str, bytes]] = []
        """Of the last beat: address, key, command."""
        self.news: list[Typing | MarkerMoved] = []
        """Of the last beat."""
        self.told: list[Entry] = []
        """All entries, as those who follow have been told of them when they were new."""
        self.commit()
        self._nonces = 0

    def close(self) -> None:
        self.store.close()

    def loaded(self) -> RoomCore:
        """What a restarted service would begin with."""
        return projection.load(self.store, LOBBY_ADDRESS, keeps_edits=self.keeps_edits)

    def commit(self) -> None:
        effects = self.core.effects
        done = commit(self.core, self.store, projection.statements, policies=effects.policies)
        self.told += [_entries.decode(entry.frame) for entry in done.appended]
        self.owed = list(effects.owed)
        self.news = list(effects.news)
        effects.clear()
        self.core.answers.found = {}
        self.core.timeline.referred = {}

    def remove(self, room: str, upto: int) -> None:
        """As retention does."""
        self.store.commit([], [], [], [], (), [Removal(room_log(room), upto)])

    def give(
        self,
        user: str,
        command: RoomsCommand,
        standing: Standing = Standing.ACCOUNT,
        since_ms: int = 0,
    ) -> Done | Refused:
        """The answer to a command, which is not committed yet."""
        reply_to = ReturnAddress(b"gateway/1#1" if user else b"admin/root#1", 1, 1)
        sender = Sender(reply_to, 1, user, standing if user else self.standing, since_ms)
        answers, timeline = self.core.answers, self.core.timeline
        answered, referred = answers.found, timeline.referred
        (key,) = prepare(self.core, self.store, [(sender, command)])
        # A beat reads for all of its commands at once; here they come one after another.
        answers.found |= answered
        timeline.referred |= referred
        act = partial(self.core.handle, sender, command, self.now, self.at_ms)
        assert apply(self.core, sender, command, key, act) is not None
        _, frame = self.core.effects.replies.pop()
        reply = server_messages.decode(frame)
        assert isinstance(reply, Done | Refused)
        return reply

    def do(
        self,
        user: str,
        command: RoomsCommand,
        standing: Standing = Standing.ACCOUNT,
        since_ms: int = 0,
    ) -> Done | Refused:
        """A beat with this command alone."""
        reply = self.give(user, command, standing, since_ms)
        self.commit()
        return reply

    def ask(self, user: str, query: RoomQuery, standing: Standing = Standing.ACCOUNT) -> bytes:
        asker = queries.Asker(user, standing)
        return exhausted(queries.answer(self.core, self.store, asker, query, self.at_ms))

    # --- Commands in few words ----------------------------------------------------------------

    def nonce(self) -> bytes:
        self._nonces += 1
        return nonce(b"playbook", self._nonces)

    def create(self, user: str, room: str) -> Done | Refused:
        return self.do(user, CreateRoom(id=1, nonce=self.nonce(), room=room))

    def join(self, user: str, room: str, key: str = "") -> Done | Refused:
        return self.do(user, JoinRoom(id=2, nonce=self.nonce(), room=room, key=key))

    def leave(self, user: str, room: str) -> Done | Refused:
        return self.do(user, LeaveRoom(id=3, nonce=self.nonce(), room=room))

    def post(self, user: str, room: str, text: str = "hello") -> Done | Refused:
        return self.do(user, Post(id=4, nonce=self.nonce(), room=room, text=text))

    def set_topic(self, user: str, room: str, topic: str) -> Done | Refused:
        return self.do(user, SetTopic(id=5, nonce=self.nonce(), room=room, topic=topic))

    def mark(self, user: str, log: str, sequence: int, *, back: bool = False) -> Done | Refused:
        return self.do(user, MarkRead(id=6, log=log, sequence=sequence, back=back))

    def invite(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, InviteMember(id=7, nonce=self.nonce(), room=room, user=user))

    def kick(self, by: str, room: str, user: str, reason: str = "") -> Done | Refused:
        return self.do(
            by, KickMember(id=8, nonce=self.nonce(), room=room, user=user, reason=reason)
        )

    def ban(
        self, by: str, room: str, user: str, reason: str = "", until_ms: int | None = None
    ) -> Done | Refused:
        return self.do(
            by,
            BanMember(
                id=9, nonce=self.nonce(), room=room, user=user, reason=reason, until_ms=until_ms
            ),
        )

    def unban(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, UnbanMember(id=10, nonce=self.nonce(), room=room, user=user))

    def mute(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, MuteMember(id=11, nonce=self.nonce(), room=room, user=user))

    def unmute(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, UnmuteMember(id=12, nonce=self.nonce(), room=room, user=user))

    def promote(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, PromoteMember(id=13, nonce=self.nonce(), room=room, user=user))

    def demote(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, DemoteMember(id=14, nonce=self.nonce(), room=room, user=user))

    def transfer(self, by: str, room: str, user: str) -> Done | Refused:
        return self.do(by, TransferRoom(id=15, nonce=self.nonce(), room=room, user=user))

    def configure(self, by: str, room: str, **settings: Any) -> Done | Refused:
        return self.do(by, ConfigureRoom(id=16, nonce=self.nonce(), room=room, **settings))

    def close_room(self, by: str, room: str, reason: str = "") -> Done | Refused:
        return self.do(by, CloseRoom(id=17, nonce=self.nonce(), room=room, reason=reason))

    def report(self, by: str, log: str, sequence: int, reason: str = "") -> Done | Refused:
        return self.do(
            by, ReportMessage(id=18, nonce=self.nonce(), log=log, sequence=sequence, reason=reason)
        )

    def edit(self, by: str, log: str, sequence: int, text: str) -> Done | Refused:
        return self.do(
            by, EditMessage(id=19, nonce=self.nonce(), log=log, sequence=sequence, text=text)
        )

    def delete(self, by: str, log: str, sequence: int, reason: str = "") -> Done | Refused:
        return self.do(
            by, DeleteMessage(id=20, nonce=self.nonce(), log=log, sequence=sequence, reason=reason)
        )

    def react(self, by: str, log: str, sequence: int, emoji: str = "+1") -> Done | Refused:
        return self.do(
            by, AddReaction(id=21, nonce=self.nonce(), log=log, sequence=sequence, emoji=emoji)
        )

    def unreact(self, by: str, log: str, sequence: int, emoji: str = "+1") -> Done | Refused:
        return self.do(
            by, RemoveReaction(id=22, nonce=self.nonce(), log=log, sequence=sequence, emoji=emoji)
        )

    def pin(self, by: str, room: str, sequence: int) -> Done | Refused:
        return self.do(by, PinMessage(id=23, nonce=self.nonce(), room=room, sequence=sequence))

    def unpin(self, by: str, room: str, sequence: int) -> Done | Refused:
        return self.do(by, UnpinMessage(id=24, nonce=self.nonce(), room=room, sequence=sequence))

    def notify(self, user: str, log: str, level: Notify) -> Done | Refused:
        return self.do(user, SetNotify(id=25, log=log, level=level))

    def open_conversation(self, room: str, author: str, *users: str) -> Done | Refused:
        nonce = b"a conversation: " + room.encode()
        return self.do("", OpenConversation(nonce, room, author, list(users)))

    def end_guest(self, user: str, since_ms: int = 0) -> Done | Refused:
        return self.do("", EndGuest(user, since_ms))

    # --- What has come of it ------------------------------------------------------------------

    def entries(self, room: str) -> list[tuple[int, str, EntryBody]]:
        """Sequence, author and body of all that is committed."""
        stored = self.store.read_log(room_log(room), 0, 10_000, 1 << 30)
        decoded = [_entries.decode(entry.frame) for entry in stored]
        return [(entry.sequence, entry.author, entry.body) for entry in decoded]

    def at(self, log: str, sequence: int) -> Entry:
        """The entry as it is read now."""
        (stored,) = self.store.read_log(log, sequence - 1, 1, 1)
        return _entries.decode(stored.frame)

    def members(self, room: str) -> dict[str, str]:
        return {name: m.role.value for name, m in self.core.rooms[room].members.items()}

    def audits(self) -> list[tuple[str, str, str, str, str]]:
        """Actor, action, subject, room and reason of what is committed, oldest first."""
        records = exhausted(audit.read(self.store, 1_000, None))
        return [(r.actor, r.action, r.subject, r.room, r.reason) for r in reversed(records)]


def state_of(core: RoomCore) -> dict[str, Any]:
    """Everything that a core knows and must still know after a restart."""
    return {
        "rooms": core.rooms,
        "rooms_of": core.rooms_of,
        "noted_in": core.state.noted_in,
        "heads": core.timeline.heads,
        "position": core.timeline.position,
    }


def refused(reply: Done | Refused) -> RefusalCode:
    """The code of a refusal, whose reason must be a sentence that says something."""
    assert isinstance(reply, Refused), reply
    assert len(reply.reason) > 10
    return reply.code
