"""What a room-service knows after a restart is what it knew, and what its timelines tell."""

import contextlib
from typing import Any

from committed import contradictions
from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.protocol.codec import Decoder
from zchat.protocol.internal import EndGuest, OpenConversation, OpenRoom, RoomsCommand
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    AddReaction,
    Announce,
    BanMember,
    CloseRoom,
    ConfigureRoom,
    CreateRoom,
    DeleteMessage,
    DemoteMember,
    EditMessage,
    Entry,
    InviteMember,
    JoinRoom,
    KickMember,
    LeaveRoom,
    MarkRead,
    MemberAdded,
    MemberBanned,
    MemberDemoted,
    MemberInvited,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    MessageDeleted,
    MessagePinned,
    MessageUnpinned,
    MuteMember,
    Notify,
    PinMessage,
    Post,
    Posting,
    PromoteMember,
    ReportMessage,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomTransferred,
    SetNotify,
    SetTopic,
    Standing,
    TopicChanged,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
    UnpinMessage,
)
from zchat.protocol.rules.nonces import nonce

from .playbook import Rooms, state_of

_entries = Decoder(Entry)

NAMES = ["ann", "bob", "carl"]
USERS = st.sampled_from(NAMES)
ROOMS = st.sampled_from(["garden", "garden", "garden", "attic", "lobby", "nowhere", "talk"])
TEXTS = st.sampled_from(["hello", " ", "@bob", "@ann and @carl", "@room"])
STANDINGS = st.sampled_from([Standing.ACCOUNT] * 6 + [Standing.MODERATOR, Standing.OPERATOR])
# Few, so that some come twice.
NONCES = st.integers(0, 200).map(lambda number: nonce(b"client %d" % (number % 3), number))


LOGS = ROOMS.map("#{}".format)


def _of_a_message(kind: type[RoomsCommand], **more: st.SearchStrategy[Any]) -> Any:
    return st.builds(
        kind, id=st.just(1), nonce=NONCES, log=LOGS, sequence=st.integers(0, 9), **more
    )


def _of_a_member(kind: type[RoomsCommand], **more: st.SearchStrategy[Any]) -> Any:
    return st.builds(kind, id=st.just(1), nonce=NONCES, room=ROOMS, user=USERS, **more)


COMMANDS: st.SearchStrategy[RoomsCommand] = st.one_of(
    st.builds(CreateRoom, id=st.just(1), nonce=NONCES, room=ROOMS),
    st.builds(
        JoinRoom, id=st.just(1), nonce=NONCES, room=ROOMS, key=st.sampled_from(["", "sesame"])
    ),
    st.builds(JoinRoom, id=st.just(1), nonce=NONCES, room=ROOMS, key=st.just("sesame")),
    st.builds(LeaveRoom, id=st.just(1), nonce=NONCES, room=ROOMS),
    st.builds(Post, id=st.just(1), nonce=NONCES, room=ROOMS, text=TEXTS),
    st.builds(
        Post, id=st.just(1), nonce=NONCES, room=ROOMS, text=TEXTS, reply_to=st.integers(0, 9)
    ),
    st.builds(
        SetTopic, id=st.just(1), nonce=NONCES, room=ROOMS, topic=st.sampled_from(["roses", ""])
    ),
    st.builds(MarkRead, id=st.just(1), log=LOGS, sequence=st.integers(0, 9)),
    st.builds(SetNotify, id=st.just(1), log=LOGS, level=st.sampled_from(Notify)),
    _of_a_message(EditMessage, text=st.sampled_from(["goodbye", "@bob"])),
    _of_a_message(DeleteMessage),
    _of_a_message(AddReaction, emoji=st.just("+1")),
    st.builds(PinMessage, id=st.just(1), nonce=NONCES, room=ROOMS, sequence=st.integers(0, 9)),
    st.builds(UnpinMessage, id=st.just(1), nonce=NONCES, room=ROOMS, sequence=st.integers(0, 9)),
    st.builds(
        OpenConversation, st.just(b"a conversation"), st.just("talk"), USERS, st.lists(USERS)
    ),
    st.builds(EndGuest, USERS),
    st.builds(OpenRoom, ROOMS.map(lambda room: b"opened: " + room.encode()), ROOMS, USERS),
    st.builds(Announce, id=st.just(1), nonce=NONCES, text=st.just("hear, hear")),
    _of_a_member(InviteMember),
    _of_a_member(KickMember),
    _of_a_member(BanMember, reason=st.just("noise"), until_ms=st.sampled_from([None, 500, 5_000])),
    _of_a_member(UnbanMember),
    _of_a_member(MuteMember),
    _of_a_member(UnmuteMember),
    _of_a_member(PromoteMember),
    _of_a_member(DemoteMember),
    _of_a_member(TransferRoom),
    st.builds(
        ConfigureRoom,
        id=st.just(1),
        nonce=NONCES,
        room=ROOMS,
        private=st.sampled_from([None, True, False]),
        key=st.sampled_from([None, "sesame", ""]),
        posting=st.sampled_from([None, *Posting]),
        slow_mode_s=st.sampled_from([None, 0, 10]),
        members_max=st.sampled_from([None, 0, 2]),
    ),
    st.builds(CloseRoom, id=st.just(1), nonce=NONCES, room=ROOMS),
    st.builds(
        ReportMessage,
        id=st.just(1),
        nonce=NONCES,
        log=LOGS,
        sequence=st.integers(0, 9),
        reason=st.just(""),
    ),
)


class Told:
    """What the entries of a room tell by themselves."""

    def __init__(self) -> None:
        self.topic: str | None = ""
        self.conversation = False
        self.pins: set[int] = set()
        self.members: dict[str, tuple[Role, int]] = {}
        self.muted: set[str] = set()
        self.banned: set[str] = set()
        self.invited: set[str] = set()
        self.settings = RoomConfigured(False, False, Posting.MEMBERS, 0, 0)
        self.closed = False

    def join(self, user: str, sequence: int) -> None:
        role = Role.MEMBER if self.members else Role.OWNER
        self.members[user] = (role, sequence - 1)
        self.invited.discard(user)
        if role is Role.OWNER:
            self.muted.discard(user)

    def set_role(self, user: str, role: Role) -> None:
        self.members[user] = (role, self.members[user][1])

    def transfer(self, user: str, author: str) -> None:
        for name, (role, _) in list(self.members.items()):
            if role is Role.OWNER:
                self.set_role(name, Role.MODERATOR)
        self.set_role(user, Role.OWNER)
        if author == SYSTEM_AUTHOR:
            self.muted.discard(user)

    def take(self, entry: Entry) -> None:
        match entry.body:
            case RoomCreated():
                self.__init__()  # type: ignore[misc]
                self.join(entry.author, entry.sequence)
            case MemberJoined():
                self.join(entry.author, entry.sequence)
            case MemberAdded(user=user):
                self.join(user, entry.sequence)
                # It is made of who is in it at the beginning.
                self.conversation, self.topic = True, None
                self.settings = RoomConfigured(True, False, Posting.MEMBERS, 0, 0)
            case MessagePinned(sequence=sequence):
                self.pins.add(sequence)
            case MessageUnpinned(sequence=sequence) | MessageDeleted(sequence=sequence):
                self.pins.discard(sequence)
            case MemberLeft():
                del self.members[entry.author]
            case MemberKicked(user=user):
                del self.members[user]
            case MemberBanned(user=user):
                self.members.pop(user, None)
                self.banned.add(user)
                self.invited.discard(user)
            case MemberUnbanned(user=user):
                self.banned.discard(user)
            case MemberInvited(user=user):
                self.invited.add(user)
            case MemberMuted(user=user):
                self.muted.add(user)
            case MemberUnmuted(user=user):
                self.muted.discard(user)
            case MemberPromoted(user=user):
                self.set_role(user, Role.MODERATOR)
            case MemberDemoted(user=user):
                self.set_role(user, Role.MEMBER)
            case RoomTransferred(user=user):
                self.transfer(user, entry.author)
            case RoomConfigured():
                self.settings = entry.body
            case RoomClosed():
                self.closed = True
            case TopicChanged(topic=topic):
                self.topic = topic
            case _:
                pass


def check_told(rooms: Rooms, ended: set[str]) -> None:
    """The state is the fold of the entries, but for what guests take with them."""
    told = {LOBBY: Told()}
    for stored in rooms.store.read_stream(0, 10_000, 1 << 30):
        entry = _entries.decode(stored.frame)
        told.setdefault(entry.log[1:], Told()).take(entry)
    open_rooms = {name: state for name, state in told.items() if not state.closed}
    assert open_rooms.keys() == rooms.core.rooms.keys()
    for name, state in open_rooms.items():
        room = rooms.core.rooms[name]
        key = bool(room.key)
        settings_now = (room.private, key, room.posting, room.slow_mode_s, room.members_max)
        # Where nobody else had room for one more, nobody was added, which would tell of it.
        if room.conversation and not state.conversation:
            continue
        assert room.topic == state.topic or state.topic is None
        assert room.conversation == state.conversation
        assert room.pins.keys() == state.pins
        assert state.settings == RoomConfigured(*settings_now)
        members = {user: (member.role, member.floor) for user, member in room.members.items()}
        if name != LOBBY:
            assert members == state.members
            assert not members or [role for role, _ in members.values()].count(Role.OWNER) == 1
        assert room.muted.keys() - ended == state.muted - ended
        assert room.invited.keys() - ended == state.invited - ended
        # Those that are over may have been removed.
        assert {user for user in room.bans if room.ban_of(user, rooms.at_ms)} <= state.banned


@settings(max_examples=60)
@given(st.lists(st.tuples(USERS, COMMANDS, STANDINGS, st.booleans()), max_size=60))
def test_after_any_commands_a_restart_finds_what_was_known(
    steps: list[tuple[str, RoomsCommand, Standing, bool]],
) -> None:
    with contextlib.closing(Rooms()) as rooms:
        ended: set[str] = set()
        rooms.create("ann", "garden")
        for user, command, standing, ends_the_beat in steps:
            # What services owe comes from services.
            by = "" if isinstance(command, EndGuest | OpenRoom | OpenConversation) else user
            rooms.give(by, command, standing)
            if isinstance(command, EndGuest):
                ended.add(command.name)
            if ends_the_beat:
                rooms.commit()
                rooms.core.answers.found = {}
                rooms.core.tick(rooms.now, rooms.at_ms)
        rooms.commit()
        rooms.core.tick(rooms.now, rooms.at_ms)

        assert state_of(rooms.loaded()) == state_of(rooms.core)
        check_told(rooms, ended)
        assert contradictions(rooms.store) == []
        assert rooms.core.timeline.position == rooms.store.position


def test_a_room_that_changed_twice_in_a_beat_is_stored_as_it_is_then(rooms: Rooms) -> None:
    rooms.give("ann", CreateRoom(id=1, nonce=nonce(b"a client", 1), room="garden"))
    rooms.give("ann", SetTopic(id=1, nonce=nonce(b"a client", 2), room="garden", topic="roses"))
    rooms.give("bob", JoinRoom(id=1, nonce=nonce(b"a client", 3), room="garden"))
    rooms.give("bob", LeaveRoom(id=1, nonce=nonce(b"a client", 4), room="garden"))
    rooms.give("bob", JoinRoom(id=1, nonce=nonce(b"a client", 5), room="garden"))
    rooms.give("ann", LeaveRoom(id=1, nonce=nonce(b"a client", 6), room="garden"))
    rooms.commit()

    garden = rooms.loaded().rooms["garden"]
    assert garden.topic == "roses"
    assert {name: member.floor for name, member in garden.members.items()} == {"bob": 4}


def test_a_room_that_was_closed_and_created_anew_in_a_beat_has_nothing_of_the_old_one(
    rooms: Rooms,
) -> None:
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    rooms.do("ann", InviteMember(id=1, nonce=rooms.nonce(), room="garden", user="dora"))
    rooms.do("ann", MuteMember(id=1, nonce=rooms.nonce(), room="garden", user="bob"))
    rooms.do("ann", BanMember(id=1, nonce=rooms.nonce(), room="garden", user="eve"))
    for _ in range(2):
        rooms.give("ann", CloseRoom(id=1, nonce=rooms.nonce(), room="garden"))
        rooms.give("ann", CreateRoom(id=1, nonce=rooms.nonce(), room="garden"))
        rooms.give("carl", JoinRoom(id=1, nonce=rooms.nonce(), room="garden"))
    rooms.commit()

    assert state_of(rooms.loaded()) == state_of(rooms.core)
    garden = rooms.core.rooms["garden"]
    assert garden.members.keys() == {"ann", "carl"}
    assert (garden.bans, garden.invited, garden.muted) == ({}, {}, {})
