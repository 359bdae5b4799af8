"""Conversations of several people: private rooms that nobody has to join."""

import pytest
from committed import contradictions

from zchat.protocol import limits
from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    Done,
    ListRooms,
    MemberAdded,
    MemberLeft,
    RefusalCode,
    RoomClosed,
    RoomCreated,
    RoomList,
    RoomTransferred,
    Standing,
)

from .playbook import Rooms, refused, state_of

NAME = "talk-7"
LOG = "#" + NAME


@pytest.fixture
def talk(rooms: Rooms) -> Rooms:
    assert rooms.open_conversation(NAME, "ann", "bob", "carl") == Done(0, LOG, 1)
    return rooms


def test_all_are_in_at_once_and_nobody_else_hears_of_it(talk: Rooms) -> None:
    assert talk.members(NAME) == {"ann": "owner", "bob": "member", "carl": "member"}
    assert talk.entries(NAME) == [
        (1, "ann", RoomCreated()),
        (2, "ann", MemberAdded("bob")),
        (3, "ann", MemberAdded("carl")),
    ]
    assert talk.owed == []
    assert talk.entries("lobby") == []
    assert state_of(talk.loaded()) == state_of(talk.core)
    assert contradictions(talk.store) == []


def test_it_is_called_by_who_is_in_it(talk: Rooms) -> None:
    answer = server_messages.decode(talk.ask("bob", ListRooms(id=1)))
    assert isinstance(answer, RoomList)
    (conversation,) = [info for info in answer.rooms if info.conversation]
    assert (conversation.room, conversation.topic) == (NAME, "ann, bob, carl")
    assert (conversation.private, conversation.joined) == (True, True)
    others = server_messages.decode(talk.ask("dora", ListRooms(id=1)))
    assert isinstance(others, RoomList)
    assert [info.room for info in others.rooms] == ["lobby"]

    talk.set_topic("carl", NAME, "the party")
    assert talk.loaded().rooms[NAME].topic == "the party"


def test_a_topic_with_many_names_is_cut(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TOPIC_CHARS_MAX", 8)
    rooms.open_conversation(NAME, "ann", "bob", "carl")

    assert rooms.core.rooms[NAME].topic == "ann, bob"


def test_what_is_owed_twice_is_done_once(talk: Rooms) -> None:
    assert talk.open_conversation(NAME, "ann", "bob", "carl") == Done(0, LOG, 1, again=True)
    talk.core = talk.loaded()
    assert talk.open_conversation(NAME, "ann", "bob", "carl") == Done(0, LOG, 1, again=True)

    assert len(talk.entries(NAME)) == 3


def test_each_is_in_it_once(rooms: Rooms) -> None:
    rooms.open_conversation(NAME, "ann", "bob", "ann", "bob")

    assert rooms.members(NAME) == {"ann": "owner", "bob": "member"}
    assert rooms.core.rooms[NAME].topic == "ann, bob"


def test_each_sees_it_from_its_coming_on(talk: Rooms) -> None:
    members = talk.core.rooms[NAME].members

    assert {user: member.floor for user, member in members.items()} == {
        "ann": 0,
        "bob": 1,
        "carl": 2,
    }


def test_everyone_may_invite_and_that_is_usual(talk: Rooms) -> None:
    assert isinstance(talk.invite("carl", NAME, "dora"), Done)
    assert talk.audits() == []

    assert isinstance(talk.join("dora", NAME), Done)
    talk.mute("ann", NAME, "dora")
    assert refused(talk.invite("dora", NAME, "eve")) is RefusalCode.MUTED
    assert refused(talk.invite("eve", NAME, "eve")) is RefusalCode.UNKNOWN_ROOM
    talk.create("ann", "garden")
    talk.join("bob", "garden")
    assert refused(talk.invite("bob", "garden", "dora")) is RefusalCode.NOT_ALLOWED


def test_it_ends_when_the_last_one_leaves(talk: Rooms) -> None:
    for user in ("ann", "carl"):
        talk.leave(user, NAME)
    talk.end_guest("bob")

    assert NAME not in talk.core.rooms
    assert [body for *_, body in talk.entries(NAME)[3:]] == [
        MemberLeft(),
        RoomTransferred("bob"),
        MemberLeft(),
        MemberLeft(),
        RoomClosed("everyone has left this private room"),
    ]


def test_it_is_not_opened_again_once_all_have_left(talk: Rooms) -> None:
    for user in ("ann", "bob", "carl"):
        talk.leave(user, NAME)
    talk.core = talk.loaded()

    assert talk.open_conversation(NAME, "ann", "bob", "carl") == Done(0, LOG, 1, again=True)
    assert NAME not in talk.core.rooms


def test_who_is_in_too_many_rooms_is_left_out(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_ROOMS_MAX", 1)
    rooms.create("bob", "garden")

    rooms.open_conversation(NAME, "ann", "bob", "carl")
    assert rooms.members(NAME) == {"ann": "owner", "carl": "member"}
    assert rooms.core.rooms[NAME].topic == "ann, carl"
    again = rooms.open_conversation("talk-8", "ann", "carl")
    assert refused(again) is RefusalCode.LIMIT_REACHED


def test_nobody_fills_the_last_places_of_others(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BROUGHT_ROOMS_MAX", 1)
    rooms.open_conversation(NAME, "ann", "bob", "carl")

    rooms.open_conversation("talk-8", "ann", "bob", "dora")
    assert rooms.members("talk-8") == {"ann": "owner", "dora": "member"}
    assert isinstance(rooms.create("bob", "garden"), Done)


def test_there_are_only_so_many_rooms(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOMS_MAX", 1)

    assert refused(rooms.open_conversation(NAME, "ann", "bob")) is RefusalCode.LIMIT_REACHED
    assert rooms.core.rooms.keys() == {"lobby"}
    assert rooms.core.rooms_of == {}


def test_moderators_of_the_cluster_invite_nobody_there(talk: Rooms) -> None:
    talk.standing = Standing.MODERATOR
    assert refused(talk.invite("", NAME, "eve")) is RefusalCode.NOT_A_MEMBER
