"""Requests as the application words them: checked, and without the id and nonce of the core.

A draft is the message itself with placeholders, so that it can be compared, shown and typed like
what goes over the wire; only the core numbers it.
"""

from collections.abc import Container
from typing import Final, TypeAlias

from zchat.protocol import limits
from zchat.protocol.messages import (
    AccountCommand,
    Announce,
    AuditList,
    BanList,
    BlockedList,
    ConversationList,
    CreateRoom,
    DeviceList,
    Done,
    EditList,
    History,
    InRoomCommand,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    MemberList,
    OfMessageCommand,
    Ping,
    PingTarget,
    PinList,
    Pong,
    Post,
    Query,
    ReadHistory,
    Refused,
    Register,
    RoomList,
    SayTyping,
    SearchResults,
    SendPrivate,
    SetAway,
    SetNotify,
    SetTopic,
    UserBanList,
    UserList,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.names import InvalidName, canonical_name, is_visible, stray

Command: TypeAlias = AccountCommand | InRoomCommand | OfMessageCommand | Announce
"""Changes something, and carries a nonce, so that it may be repeated until it is answered."""
Request: TypeAlias = Command | Query | SetNotify | SayTyping | SetAway
Answer: TypeAlias = (
    Done
    | Refused
    | History
    | RoomList
    | MemberList
    | BanList
    | UserBanList
    | UserList
    | DeviceList
    | BlockedList
    | AuditList
    | PinList
    | ConversationList
    | EditList
    | SearchResults
    | Pong
)

UNNUMBERED: Final = 0
NO_NONCE: Final = b""


class InvalidRequest(ValueError):
    """The request cannot be sent; the text says why, in a sentence for people."""


def post(room: str, text: str, reply_to: int = 0) -> Post:
    return Post(
        id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), text=sayable(text), reply_to=reply_to
    )


def private(to: str, text: str, reply_to: int = 0) -> SendPrivate:
    return SendPrivate(
        id=UNNUMBERED, nonce=NO_NONCE, to=user_name(to), text=sayable(text), reply_to=reply_to
    )


def create_room(room: str, *, private: bool = False) -> CreateRoom:
    return CreateRoom(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), private=private)


def join(room: str, key: str = "") -> JoinRoom:
    return JoinRoom(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), key=room_key(key))


def leave(room: str) -> LeaveRoom:
    return LeaveRoom(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room))


def topic(room: str, text: str) -> SetTopic:
    """An empty `text` removes the topic."""
    text = single_line(text)
    if len(text) > limits.TOPIC_CHARS_MAX:
        raise InvalidRequest(
            f"a topic has at most {limits.TOPIC_CHARS_MAX} characters; this one has {len(text)}"
        )
    return SetTopic(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), topic=text)


def register(with_password: str, invitation: str = "") -> Register:
    return Register(
        id=UNNUMBERED, nonce=NO_NONCE, password=new_password(with_password), invitation=invitation
    )


def history(log: str, limit: int = 20, before: int | None = None) -> ReadHistory:
    """`log` is `#room`, or `@name` for one's private conversation with that name."""
    log = log_name(log)
    if not 1 <= whole(limit, "a number of entries") <= limits.HISTORY_ENTRIES_MAX:
        raise InvalidRequest(f"1 to {limits.HISTORY_ENTRIES_MAX} entries can be read at once")
    return ReadHistory(id=UNNUMBERED, log=log, limit=limit, before=before)


def rooms(room: str | None = None) -> ListRooms:
    """All rooms, or what is known of one."""
    return ListRooms(id=UNNUMBERED, room=room if room is None else room_name(room))


def members(room: str) -> ListMembers:
    return ListMembers(id=UNNUMBERED, room=room_name(room))


def users() -> ListUsers:
    return ListUsers(id=UNNUMBERED)


def ping(target: PingTarget = PingTarget.GATEWAY) -> Ping:
    return Ping(id=UNNUMBERED, target=target)


def log_of(word: str, rooms: Container[str]) -> str:
    """The log that people mean by `#room`, `@name`, or a bare word: one of `rooms`, or a name."""
    if _text(word, "a place")[:1] in ("#", "@"):
        return word
    name = _canonical(word)
    return room_log(name) if name in rooms else inbox_log(name)


def log_name(log: str) -> str:
    """The canonical `#room` or `@name`."""
    if _text(log, "a place")[:1] not in ("#", "@"):
        raise InvalidRequest(f"{log!r} is neither a #room nor a @name")
    return room_log(room_name(log)) if log[0] == "#" else inbox_log(user_name(log))


def room_name(text: str) -> str:
    """The canonical name of a room, which people may write with a leading `#`."""
    return _canonical(_text(text, "the name of a room").removeprefix("#"))


def room_key(text: str) -> str:
    """A key that can be sent, be it the right one or not. Its text is in no error."""
    if len(_text(text, "a key")) > limits.ROOM_KEY_CHARS_MAX:
        raise InvalidRequest(f"a key has at most {limits.ROOM_KEY_CHARS_MAX} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("a key must be valid UTF-8; this one is not") from None
    return text


def password(text: str) -> str:
    """A password that can be sent, be it the right one or not. Its text is in no error."""
    if len(_text(text, "a password")) > limits.PASSWORD_CHARS_MAX:
        raise InvalidRequest(f"a password has at most {limits.PASSWORD_CHARS_MAX} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Another character in its place would make another password.
        raise InvalidRequest("a password must be valid UTF-8; this one is not") from None
    return text


def new_password(text: str) -> str:
    """One that is long enough for an account."""
    if len(_text(text, "a password")) < limits.PASSWORD_CHARS_MIN:
        raise InvalidRequest(
            f"a password has {limits.PASSWORD_CHARS_MIN} to {limits.PASSWORD_CHARS_MAX} characters"
        )
    return password(text)


def user_name(text: str) -> str:
    """The canonical name of a user, which people may write with a leading `@`."""
    return _canonical(_text(text, "a name").removeprefix("@"))


def _canonical(name: str) -> str:
    if len(name) > 2 * limits.NAME_CHARS_MAX:
        # Said without repeating it, which would fill the screen.
        raise InvalidRequest(f"a name has at most {limits.NAME_CHARS_MAX} characters")
    try:
        return canonical_name(name)
    except InvalidName as error:
        raise InvalidRequest(str(error)) from None


def single_line(text: str) -> str:
    return " ".join(exact(text).split())


def short_text(text: str, what: str = "a reason") -> str:
    """One line, as short as a reason must be; `what` is what people call it."""
    text = single_line(text)
    if len(text) > limits.REASON_CHARS_MAX:
        raise InvalidRequest(
            f"{what} has at most {limits.REASON_CHARS_MAX} characters; this one has {len(text)}"
        )
    return text


def sayable(text: str) -> str:
    """What can be said as a message."""
    text = exact(text)
    if not is_visible(text):
        raise InvalidRequest("there is nothing to say in an empty message")
    if len(text) > limits.TEXT_CHARS_MAX:
        raise InvalidRequest(
            f"a message has at most {limits.TEXT_CHARS_MAX:,} characters; this one has "
            f"{len(text):,}"
        )
    return text


def exact(text: str) -> str:
    """A text that arrives as it is, but for the ends of its lines.

    Raises `InvalidRequest`: whoever says something must not find that something else was said.
    """
    text = _text(text, "a text").replace("\r\n", "\n")
    try:
        # Of bytes that are no UTF-8, Python makes lone surrogates.
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("a text must be valid UTF-8; this one is not") from None
    if char := stray(text):
        raise InvalidRequest(
            f"a text cannot hold U+{ord(char):04X}, which is character {text.index(char) + 1} of "
            "this one: nothing that controls a terminal or the direction of writing, but newlines "
            "and tabs"
        )
    return text


def _text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{what} is a str, and {value!r:.40} is none")
    return value


def whole(value: int, what: str) -> int:
    if not isinstance(value, int):
        raise InvalidRequest(f"{what} is an int, and {value!r:.40} is none")
    return value
