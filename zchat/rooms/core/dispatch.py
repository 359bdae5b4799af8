"""Every command to a room passes here: who may do it is looked up, and the rule does it."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Final, assert_never, get_args

from zchat.eventlog.core.idempotency import Answer, FirstAnswers, Key
from zchat.eventlog.core.timeline import Timeline
from zchat.protocol.internal import (
    EndGuest,
    OpenConversation,
    OpenRoom,
    RoomsCommand,
)
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    Announce,
    Announced,
    ConfigureRoom,
    CreateRoom,
    InviteMember,
    JoinRoom,
    LeaveRoom,
    MarkRead,
    Message,
    MessagePosted,
    OfMessageCommand,
    Post,
    RefusalCode,
    ReportMessage,
    RoomOpened,
    SayTyping,
    SetNotify,
    SetTopic,
    SoftCommand,
    TopicChanged,
    room_log,
)
from zchat.protocol.operators import (
    ForgetName,
    ImportEntries,
    RedactMessages,
    ReplaceName,
    SetRetention,
)
from zchat.protocol.rules.names import InvalidName, canonical_name, is_visible, printable
from zchat.protocol.rules.permissions import Place
from zchat.rooms.core.membership import Membership
from zchat.rooms.core.mentions import note_mentions
from zchat.rooms.core.messages import MessageCommand, Messages
from zchat.rooms.core.model import Room
from zchat.rooms.core.moderation import Moderation, ModerationCommand
from zchat.rooms.core.operators import erase, import_entries
from zchat.rooms.core.ownership import SETTINGS, OwnerCommand, Ownership
from zchat.rooms.core.permission import check, permission_of
from zchat.rooms.core.reading import Reading
from zchat.rooms.core.state import RoomState
from zchat.service.core import operators
from zchat.service.core.beat import Job
from zchat.service.core.effects import Refusal, Sender, visible_text

_ALWAYS_AUDITED: Final = frozenset(
    {*get_args(ModerationCommand), *get_args(OwnerCommand), Announce}
)
_AUDITED_FROM_ABOVE: Final = (SetTopic, InviteMember)
"""Audited when somebody does it who has not the place in the room that it takes."""


_InRoom = (
    JoinRoom
    | LeaveRoom
    | SetTopic
    | InviteMember
    | ModerationCommand
    | OwnerCommand
    | MessageCommand
    | Announce
    | SoftCommand
    | ReportMessage
)
"""What is done to a room that is there."""


class RoomCore:
    """The rooms of one partition."""

    def __init__(
        self,
        timeline: Timeline,
        lobby_address: str,
        floors: Mapping[str, int],
        *,
        keeps_edits: bool,
    ) -> None:
        """`floors` tells at any time up to where entries of a log are gone."""
        self.timeline = timeline
        self.state = RoomState(timeline, floors)
        self.effects = self.state.effects
        self.answers = FirstAnswers()
        self.log_heads: dict[str, int] = {}
        self.rooms = self.state.rooms
        self.rooms_of = self.state.rooms_of
        self._membership = Membership(self.state, lobby_address)
        self._moderation = Moderation(self.state, self._membership)
        self._ownership = Ownership(self.state)
        self._reading = Reading(self.state)
        self.messages = Messages(self.state, self._moderation, keeps_edits=keeps_edits)

    def take_over(self, former: "RoomCore", now: float) -> None:
        pass  # All that is known of rooms is in the database.

    def open_lobby(self, at_ms: int) -> None:
        """In the partition that has it, the lobby exists from the first start on."""
        if LOBBY not in self.rooms:
            lobby = Room(LOBBY, "", at_ms)
            self.state.add_room(lobby)
            self.state.save(lobby)

    # --- Commands ---------------------------------------------------------------------------------

    def logs_of(self, command: RoomsCommand) -> Collection[str]:
        """The heads of all rooms are known from the start, but not those of closed ones."""
        match command:
            case CreateRoom(room=name) | OpenConversation(room=name):
                try:
                    log = room_log(canonical_name(name))
                except InvalidName:
                    return ()
                return () if log in self.timeline.heads else (log,)
            case ImportEntries(log=log):
                return (log,)
            case RedactMessages(log=log) if log not in self.timeline.heads:
                return (log,)
            case _:
                return ()

    def key_of(self, user: str, command: RoomsCommand) -> Key | None:
        match command:
            case Post(nonce=nonce):  # Most of all, so that it stands first.
                return Key(user or SYSTEM_AUTHOR, nonce)
            case (
                OpenRoom(nonce=nonce, author=author) | OpenConversation(nonce=nonce, author=author)
            ):
                return Key(author, nonce, rising=False)
            case ImportEntries():
                return operators.key_of_import(command)
            case MarkRead() | SetNotify() | SayTyping() | EndGuest() | SetRetention():
                return None
            case _:
                return Key(user or SYSTEM_AUTHOR, command.nonce)

    def handle(self, sender: Sender, command: RoomsCommand, now: float, at_ms: int) -> Answer:
        self.state.check_here(sender)
        match command:
            case Post(room=name):  # Most of all, and never audited.
                room = self.state.existing(sender, name)
                check(Post, sender.standing, sender.user, room, at_ms)
                return self._post(sender, room, command, now, at_ms)
            case EndGuest():
                return self._membership.end_guest(command.name, command.since_ms, at_ms)
            case SetRetention():
                heads = self.timeline.heads
                return operators.set_retention(sender, command, self.effects, heads, at_ms)
            case ImportEntries():
                return import_entries(self.state, sender, command, self.log_heads, at_ms)
            case RedactMessages():
                act = partial(self.messages.redact, sender, command, at_ms)
                heads = self.timeline.heads
                return operators.redact(sender, command.log, heads, self.log_heads, act)
            case ReplaceName() | ForgetName():
                return erase(self.state, sender, command)
            case OpenRoom():
                opened = RoomOpened(command.room)
                return self.state.append(LOBBY, command.author, opened, at_ms, command.nonce)
            case CreateRoom():
                check(CreateRoom, sender.standing, sender.user, None, at_ms)
                head = self.log_heads.get(room_log(canonical_name(command.room)), 0)
                return self._membership.create(sender, command, head, now, at_ms)
            case OpenConversation():
                head = self.log_heads.get(room_log(canonical_name(command.room)), 0)
                return self._membership.open_conversation(command, head, at_ms)
            case _:
                room = self._room_of(sender, command)
        place = check(type(command), sender.standing, sender.user, room, at_ms)
        answer = self._do(sender, room, command, now, at_ms)
        if answer.sequence and _is_audited(type(command), room, place):
            subject, reason = getattr(command, "user", ""), getattr(command, "reason", "")
            if isinstance(command, ConfigureRoom):
                reason = _settings_given(command)
            self.state.audit(sender, command, room, at_ms, printable(subject), printable(reason))
        return answer

    def _room_of(self, sender: Sender, command: _InRoom) -> Room:
        if isinstance(command, SoftCommand | OfMessageCommand):
            return self.state.logged(sender, command.log)
        if isinstance(command, Announce):
            return self.state.existing(sender, LOBBY)
        return self.state.existing(sender, command.room)

    def _do(self, sender: Sender, room: Room, command: _InRoom, now: float, at_ms: int) -> Answer:
        """The rule itself, for whoever may."""
        # By the unions of those who do it: a new command of theirs is named in theirs alone.
        if isinstance(command, SoftCommand):
            return self._reading.handle(sender.user, room, command)
        if isinstance(command, MessageCommand):
            return self.messages.handle(sender, room, command, at_ms)
        if isinstance(command, ModerationCommand):
            return self._moderation.handle(sender, room, command, at_ms)
        if isinstance(command, OwnerCommand):
            return self._ownership.handle(sender, room, command, at_ms)
        match command:
            case JoinRoom():
                return self._membership.join(sender, room, command, at_ms)
            case LeaveRoom():
                return self._membership.leave(room, sender.user, at_ms, command.nonce)
            case InviteMember():
                return self._membership.invite(sender, room, command, at_ms)
            case SetTopic():
                return self._set_topic(sender.user, room, command, at_ms)
            case ReportMessage():
                return self._moderation.report(sender, room, command, now, at_ms)
            case Announce():
                announced = Announced(visible_text(command.text))
                return self.state.append(LOBBY, sender.user, announced, at_ms, command.nonce)
            case _:
                assert_never(command)

    def _post(self, sender: Sender, room: Room, command: Post, now: float, at_ms: int) -> Answer:
        user, reply_to = sender.user, command.reply_to
        self._moderation.check_post(room, user, now)
        text = visible_text(command.text)
        if reply_to:
            self.messages.check_reply(room, reply_to)
        self._moderation.posted(room, user, now)
        body = MessagePosted(text, reply_to, sender.bot)
        answer = self.state.append(room.name, user, body, at_ms, command.nonce)
        if "@" in text:
            note_mentions(self.state, sender, room, text, answer.sequence, at_ms)
        return answer

    def _set_topic(self, user: str, room: Room, command: SetTopic, at_ms: int) -> Answer:
        if room.lobby:
            raise Refusal(RefusalCode.NOT_ALLOWED, "the lobby has no topic")
        topic = printable(command.topic)
        room.topic = topic if is_visible(topic) else ""
        self.state.save(room)
        return self.state.append(room.name, user, TopicChanged(room.topic), at_ms, command.nonce)

    # --- What does not concern rooms --------------------------------------------------------------

    def job_ended(self, job: Job) -> bool:
        raise AssertionError("a room has no passwords")

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> Answer:
        raise AssertionError("a room has no passwords")

    def settled(self, key: str, now: float, at_ms: int) -> None:
        pass  # The lobby knows of the room, or the user of the invitation; nothing waits for that.

    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None:
        pass  # Memberships do not depend on gateways.

    def tick(self, now: float, at_ms: int) -> None:
        self.state.forget_closed()

    def heartbeats(self) -> list[tuple[bytes, bytes]]:
        return []  # Its stream has them.


def _is_audited(kind: type[Message], room: Room, place: Place | None) -> bool:
    if kind in _AUDITED_FROM_ABOVE:
        least = permission_of(kind, room).place
        return place is not None and least is not None and place < least
    return kind in _ALWAYS_AUDITED


def _settings_given(command: ConfigureRoom) -> str:
    """In words; the key itself is told to nobody."""
    given = {name: getattr(command, name) for name in SETTINGS if name != "key"}
    words = [f"{name} {value}" for name, value in given.items() if value is not None]
    if command.key is not None:
        words.append("a key" if command.key else "no key")
    return ", ".join(words)
