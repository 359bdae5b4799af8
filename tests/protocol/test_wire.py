"""One example of every message as bytes, so that peers of different age understand each other.

A line that has to change here breaks every client that is out there; a new line does not.
"""

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zchat.protocol.codec import client_messages, encode, server_messages
from zchat.protocol.messages import (
    AccountRegistered,
    Announced,
    CreateRoom,
    Done,
    Entry,
    EntryBody,
    GoingAway,
    Hello,
    History,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    LoggedIn,
    LogIn,
    LogOut,
    LogState,
    MarkRead,
    MemberInfo,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessagePosted,
    Ping,
    PingTarget,
    Pong,
    Post,
    PresenceChanged,
    PrivateMessageSent,
    ReadHistory,
    RefusalCode,
    Refused,
    Register,
    Role,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomOpened,
    SendPrivate,
    SetTopic,
    TopicChanged,
    Unrecognised,
    UserInfo,
    UserList,
    Welcome,
)
from zchat.protocol.nonces import nonce

from .shapes import CLIENT_MESSAGES, ENTRY_BODIES, SERVER_MESSAGES

GOLDEN = Path(__file__).with_name("wire.txt")
"""Lines of: name, a space, the bytes as Python writes them."""

NONCE = nonce(b"my-phone", 7)
AT_MS = 1_700_000_000_000


def entry(body: EntryBody, log: str = "#garden") -> Entry:
    return Entry(log, 7, AT_MS, "ann", body)


FROM_CLIENTS: list[Any] = [
    Hello(1, "test 1.0"),
    LogIn(1, "ann", b"t" * 32, "correct horse", {"#garden": 6, "@ann": 0}),
    LogOut(2),
    Register(3, NONCE, "correct horse"),
    Post(4, NONCE, "garden", "grüße"),
    SendPrivate(5, NONCE, "bob", "psst"),
    CreateRoom(6, NONCE, "garden"),
    JoinRoom(7, NONCE, "garden"),
    LeaveRoom(8, NONCE, "garden"),
    SetTopic(9, NONCE, "garden", "roses"),
    MarkRead(10, "#garden", 7),
    ReadHistory(11, "@bob", 50, 300),
    ListRooms(12, "garden"),
    ListMembers(13, "garden"),
    ListUsers(14),
    Ping(2**53, PingTarget.ROOM_SERVICE),
]
FROM_SERVERS: list[Any] = [
    Welcome(1, "zchat 1.0"),
    LoggedIn(1, "ann", True, [LogState("@ann", 0, 0), LogState("#lobby", 5, 70_000)]),
    Done(4, "#garden", 7),
    Refused(None, RefusalCode.MALFORMED, "that was no message"),
    entry(MessagePosted("grüße")),
    History(11, "@bob", [entry(PrivateMessageSent("bob", "psst"), "@ann")], True),
    RoomList(12, [RoomInfo("lobby", "", None, True, 0), RoomInfo("g", "roses", 2, False, 3)], 2),
    MemberList(13, "garden", [MemberInfo("ann", Role.OWNER, True)], 2),
    UserList(14, [UserInfo("ann", False, AT_MS, 1500)], 1),
    Pong(15),
    PresenceChanged(["ann"], [], 0, 48, 50),
    GoingAway("the gateway stops"),
]
BODIES: list[Any] = [
    MessagePosted("grüße"),
    PrivateMessageSent("bob", "psst"),
    RoomCreated(),
    MemberJoined(),
    MemberLeft(),
    TopicChanged("roses"),
    RoomOpened("garden"),
    Announced("we close at ten"),
    AccountRegistered(),
    Unrecognised("dance"),
]
EXAMPLES: dict[str, msgspec.Struct] = {
    **{type(message).__name__: message for message in FROM_CLIENTS + FROM_SERVERS},
    **{f"Entry/{type(body).__name__}": entry(body) for body in BODIES},
}


def golden() -> dict[str, bytes]:
    lines = [line.split(" ", 1) for line in GOLDEN.read_text("utf-8").splitlines()]
    return {name: ast.literal_eval(frame) for name, frame in lines}


def test_every_message_has_an_example() -> None:
    assert {type(message) for message in FROM_CLIENTS} == set(CLIENT_MESSAGES)
    assert {type(message) for message in FROM_SERVERS} == set(SERVER_MESSAGES)
    assert {type(body) for body in BODIES} == set(ENTRY_BODIES)
    assert golden().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_has_the_bytes_that_it_always_had(name: str) -> None:
    assert encode(EXAMPLES[name]) == golden()[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bytes_mean_what_they_always_meant(name: str) -> None:
    example = EXAMPLES[name]
    decoder = client_messages if example in FROM_CLIENTS else server_messages

    assert decoder.decode(golden()[name]) == example
