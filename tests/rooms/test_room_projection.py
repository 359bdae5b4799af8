"""What a room-service knows after a restart is what it knew, and what its timelines tell."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.protocol.cluster import EndGuest, OpenRoom, RoomCommand
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import (
    LOBBY,
    Announce,
    CreateRoom,
    Entry,
    JoinRoom,
    LeaveRoom,
    MarkRead,
    MemberJoined,
    MemberLeft,
    Post,
    Role,
    RoomCreated,
    SetTopic,
    TopicChanged,
)
from zchat.protocol.nonces import nonce

from .playbook import Rooms, state_of

_entries = Decoder(Entry)

USERS = st.sampled_from(["ann", "bob", "carl"])
ROOMS = st.sampled_from(["garden", "attic", "lobby", "nowhere"])
# Few, so that some come twice.
NONCES = st.integers(0, 60).map(lambda number: nonce(b"client %d" % (number % 3), number))

COMMANDS: st.SearchStrategy[RoomCommand] = st.one_of(
    st.builds(CreateRoom, st.just(1), NONCES, ROOMS),
    st.builds(JoinRoom, st.just(1), NONCES, ROOMS),
    st.builds(LeaveRoom, st.just(1), NONCES, ROOMS),
    st.builds(Post, st.just(1), NONCES, ROOMS, st.sampled_from(["hello", " "])),
    st.builds(SetTopic, st.just(1), NONCES, ROOMS, st.sampled_from(["roses", ""])),
    st.builds(MarkRead, st.just(1), ROOMS.map("#{}".format), st.integers(0, 9)),
    st.builds(EndGuest, USERS),
    st.builds(OpenRoom, ROOMS.map(lambda room: b"opened: " + room.encode()), ROOMS, USERS),
    st.builds(Announce, st.just(1), NONCES, st.just("hear, hear")),
)


def folded(rooms: Rooms) -> dict[str, tuple[str, dict[str, tuple[Role, int]]]]:
    """By room its topic, and its members' role and floor: all told by the entries alone."""
    topics: dict[str, str] = {LOBBY: ""}
    members: dict[str, dict[str, tuple[Role, int]]] = {LOBBY: {}}
    for stored in rooms.store.read_stream(0, 10_000, 1 << 30):
        entry = _entries.decode(stored.frame)
        room = entry.log[1:]
        match entry.body:
            case RoomCreated():
                topics[room] = ""
                members[room] = {entry.author: (Role.OWNER, 0)}
            case MemberJoined():
                role = Role.MEMBER if members[room] else Role.OWNER
                members[room][entry.author] = (role, entry.sequence - 1)
            case MemberLeft():
                del members[room][entry.author]
            case TopicChanged(topic=topic):
                topics[room] = topic
            case _:
                pass
    return {room: (topics[room], members[room]) for room in topics}


@settings(max_examples=60)
@given(st.lists(st.tuples(USERS, COMMANDS, st.booleans()), max_size=40))
def test_after_any_commands_a_restart_finds_what_was_known(
    steps: list[tuple[str, RoomCommand, bool]],
) -> None:
    with contextlib.closing(Rooms()) as rooms:
        for user, command, ends_the_beat in steps:
            rooms.give(user, command)
            if ends_the_beat:
                rooms.commit()
                rooms.core.answers.found = {}
        rooms.commit()

        assert state_of(rooms.loaded()) == state_of(rooms.core)
        assert folded(rooms) == {
            name: (
                room.topic,
                {} if name == LOBBY else {u: (m.role, m.floor) for u, m in room.members.items()},
            )
            for name, room in rooms.core.rooms.items()
        }
        assert rooms.core.timeline.position == rooms.store.position


def test_a_room_that_changed_twice_in_a_beat_is_stored_as_it_is_then(rooms: Rooms) -> None:
    rooms.give("ann", CreateRoom(1, nonce(b"a client", 1), "garden"))
    rooms.give("ann", SetTopic(1, nonce(b"a client", 2), "garden", "roses"))
    rooms.give("bob", JoinRoom(1, nonce(b"a client", 3), "garden"))
    rooms.give("bob", LeaveRoom(1, nonce(b"a client", 4), "garden"))
    rooms.give("bob", JoinRoom(1, nonce(b"a client", 5), "garden"))
    rooms.give("ann", LeaveRoom(1, nonce(b"a client", 6), "garden"))
    rooms.commit()

    garden = rooms.loaded().rooms["garden"]
    assert garden.topic == "roses"
    assert {name: member.floor for name, member in garden.members.items()} == {"bob": 4}
