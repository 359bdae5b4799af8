"""The one place where requests are checked, before anything is sent: `checked`, and what it asks.

Whoever wants something makes the message itself (`Post(room="#Garden", text="hello")`), as people
write it. `checked` gives it the spelling that goes over the wire, or says in a sentence for people
why it cannot be sent.
"""

from collections.abc import Callable, Container, Sequence
from functools import cache, partial
from typing import Any, Final, TypeVar

import msgspec
from msgspec import structs
from msgspec.structs import replace

from zchat.protocol import limits
from zchat.protocol.messages import (
    BanMember,
    ConfigureRoom,
    CreateAppToken,
    EnableTotp,
    Notify,
    Post,
    ReadAudit,
    ReadHistory,
    Register,
    Request,
    RevokeDevice,
    SearchMessages,
    SendPrivate,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.names import InvalidName, canonical_name, is_visible, stray
from zchat.protocol.rules.targets import InvalidTarget, target_of

R = TypeVar("R", bound=Request)
Check = Callable[[Any], Any]
"""Returns the value as it is sent; raises `InvalidRequest`."""


class InvalidRequest(ValueError):
    """The request cannot be sent; the text says why, in a sentence for people."""


def checked(request: R) -> R:
    """The same as it is sent. Raises `InvalidRequest`. To check it again changes nothing."""
    if not isinstance(request, Request):
        raise InvalidRequest(f"{type(request).__name__} is no request")
    fields = {}
    for name, check, unsaid in _checks_of(type(request)):
        value = getattr(request, name)
        if value is not unsaid:
            fields[name] = check(value)
    request = replace(request, **fields)
    # A server would end the connection for the rest, and again each time that it is sent.
    try:
        plain = msgspec.to_builtins(request, builtin_types=(bytes,))
        msgspec.convert(plain, type(request), builtin_types=(bytes,))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(f"{type(request).__name__} cannot be sent so: {error}") from None
    return request


@cache
def _checks_of(kind: type[Request]) -> list[tuple[str, Check, Any]]:
    """By field, with the value that it has if nothing is said, and which is all right."""
    found = []
    for field in structs.fields(kind):
        check = _CHECKS_OF.get((kind, field.name), _CHECKS.get(field.name))
        if check is not None:
            found.append((field.name, check, field.default))
    return found


# --- Places ---------------------------------------------------------------------------------------


def saying(place: str, text: str, reply_to: int = 0) -> Post | SendPrivate:
    """What says `text` in `#room`, or to `@name`."""
    if log_name(place)[0] == "#":
        return checked(Post(room=place, text=text, reply_to=reply_to))
    return checked(SendPrivate(to=place, text=text, reply_to=reply_to))


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


def user_name(text: str) -> str:
    """The canonical name of a user, which people may write with a leading `@`."""
    return _canonical(_text(text, "a name").removeprefix("@"))


def target(who: str) -> str:
    """An address, a block of them, a name or a pattern, in its one spelling."""
    try:
        return target_of(who).text
    except InvalidTarget as error:
        raise InvalidRequest(str(error)) from None


def _canonical(name: str) -> str:
    if len(name) > 2 * limits.NAME_CHARS_MAX:
        # Said without repeating it, which would fill the screen.
        raise InvalidRequest(f"a name has at most {limits.NAME_CHARS_MAX} characters")
    try:
        return canonical_name(name)
    except InvalidName as error:
        raise InvalidRequest(str(error)) from None


def _others(users: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(user_name(user) for user in users))
    if not 1 <= len(names) <= limits.CONVERSATION_USERS_MAX:
        most = limits.CONVERSATION_USERS_MAX
        raise InvalidRequest(f"a conversation is started with 1 to {most} others")
    return names


# --- Texts ----------------------------------------------------------------------------------------


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
        # Python reads bytes that are not UTF-8 as lone surrogates.
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


def single_line(text: str) -> str:
    return " ".join(exact(text).split())


def short_text(text: str, what: str = "a reason", chars_max: int = limits.REASON_CHARS_MAX) -> str:
    """One line, as short as it must be; `what` is what people call it."""
    text = single_line(text)
    if len(text) > chars_max:
        raise InvalidRequest(f"{what} has at most {chars_max} characters; this one has {len(text)}")
    return text


def _searchable(text: str) -> str:
    text = single_line(text)
    if not text:
        raise InvalidRequest("there is nothing to search for")
    if len(text) > limits.SEARCH_CHARS_MAX:
        raise InvalidRequest(f"a search has at most {limits.SEARCH_CHARS_MAX} characters")
    return text


def emoji(text: str) -> str:
    """What may be a reaction: an emoji, or a word as short."""
    if text != single_line(text) or not is_visible(text) or " " in text:
        raise InvalidRequest("a reaction is an emoji, or a word without spaces")
    if len(text) > limits.EMOJI_CHARS_MAX:
        raise InvalidRequest(f"a reaction has at most {limits.EMOJI_CHARS_MAX} characters")
    return text


def _level(text: str) -> Notify:
    try:
        return Notify(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is none of {', '.join(Notify)}") from None


def _text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{what} is a str, and {value!r:.40} is none")
    return value


# --- Secrets, whose text is in no error -----------------------------------------------------------


def room_key(text: str) -> str:
    """A key that can be sent, be it the right one or not."""
    return _secret(text, "a key", limits.ROOM_KEY_CHARS_MAX)


def password(text: str) -> str:
    """A password that can be sent, be it the right one or not."""
    return _secret(text, "a password", limits.PASSWORD_CHARS_MAX)


def new_password(text: str) -> str:
    """One that is long enough for an account."""
    if len(_text(text, "a password")) < limits.PASSWORD_CHARS_MIN:
        raise InvalidRequest(
            f"a password has {limits.PASSWORD_CHARS_MIN} to {limits.PASSWORD_CHARS_MAX} characters"
        )
    return password(text)


def _secret(text: str, what: str, chars_max: int) -> str:
    if len(_text(text, what)) > chars_max:
        raise InvalidRequest(f"{what} has at most {chars_max} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Another character in its place would make another secret.
        raise InvalidRequest(f"{what} must be valid UTF-8; this one is not") from None
    return text


def token(secret: bytes) -> bytes:
    """A token that can be sent."""
    if not isinstance(secret, bytes):
        raise InvalidRequest(
            "a token is bytes, which zchat.client.core.credentials.token_from_text makes of text"
        )
    if len(secret) != limits.TOKEN_BYTES:
        raise InvalidRequest(f"a token has {limits.TOKEN_BYTES} bytes; this one has {len(secret)}")
    return secret


def one_time_code(text: str) -> str:
    """As people copy it, with spaces."""
    code = "".join(single_line(text).split())
    if not code or len(code) > limits.ONE_TIME_CODE_CHARS_MAX:
        raise InvalidRequest(f"a code has 1 to {limits.ONE_TIME_CODE_CHARS_MAX} characters")
    return code


def invitation_code(text: str) -> str:
    code = single_line(text)
    if not code or len(code) > limits.INVITATION_CHARS_MAX:
        raise InvalidRequest(f"an invitation has 1 to {limits.INVITATION_CHARS_MAX} characters")
    return code


def device_name(text: str) -> str:
    name = single_line(text)
    if not name or len(name) > limits.DEVICE_NAME_CHARS_MAX:
        raise InvalidRequest(
            f"the name of a device has 1 to {limits.DEVICE_NAME_CHARS_MAX} characters"
        )
    return name


def _scopes(scopes: Sequence[Any]) -> list[Any]:
    if not scopes:
        raise InvalidRequest("an app token without a scope can do nothing; give read, post or both")
    return list(dict.fromkeys(scopes))


def _token_rooms(rooms: Sequence[str]) -> list[str]:
    if len(rooms) > limits.APP_TOKEN_ROOMS_MAX:
        raise InvalidRequest(f"an app token is for at most {limits.APP_TOKEN_ROOMS_MAX} rooms")
    return list(dict.fromkeys(map(room_name, rooms)))


# --- Numbers --------------------------------------------------------------------------------------


def whole(value: int, what: str) -> int:
    if not isinstance(value, int):
        raise InvalidRequest(f"{what} is an int, and {value!r:.40} is none")
    return value


def _from(low: int, high: int, what: str, otherwise: str) -> Check:
    """`otherwise` is the sentence for what is not within the bounds, with `high` in its braces."""

    def check(value: int) -> int:
        if not low <= whole(value, what) <= high:
            raise InvalidRequest(otherwise.format(high))
        return value

    return check


# --- Which field is checked by what ---------------------------------------------------------------

_CHECKS: Final[dict[str, Check]] = {
    "room": room_name,
    "user": user_name,
    "to": user_name,
    "author": user_name,
    "users": _others,
    "log": log_name,
    "who": target,
    "for_s": _from(
        1, limits.BAN_S_MAX, "a time", "a ban lasts from a second to ten years, or for ever"
    ),
    "text": sayable,
    "topic": partial(short_text, what="a topic", chars_max=limits.TOPIC_CHARS_MAX),
    "reason": short_text,
    "note": short_text,
    "away": lambda word: None if word is None else short_text(word, "a word for others"),
    "emoji": emoji,
    "level": _level,
    "key": room_key,
    "password": password,
    "new_password": new_password,
}
"""By name of a field, in whichever request it is."""
_CHECKS_OF: Final[dict[tuple[type[Request], str], Check]] = {
    (Register, "password"): new_password,
    (RevokeDevice, "device"): _from(
        0, limits.INTEGER_MAX, "a number of a device", "a device has a number, which :devices shows"
    ),
    (CreateAppToken, "name"): device_name,
    (CreateAppToken, "scopes"): _scopes,
    (CreateAppToken, "rooms"): _token_rooms,
    (EnableTotp, "code"): one_time_code,
    (BanMember, "until_ms"): _from(
        0, limits.INTEGER_MAX, "a time", "a ban cannot last for so long"
    ),
    (ConfigureRoom, "slow_mode_s"): _from(
        0, limits.SLOW_MODE_S_MAX, "slow mode", "slow mode takes 0 to {:,} seconds"
    ),
    (ConfigureRoom, "members_max"): _from(
        0, limits.ROOM_MEMBERS_MAX, "a number of members", "a room has at most {:,} members"
    ),
    (ReadHistory, "limit"): _from(
        1,
        limits.HISTORY_ENTRIES_MAX,
        "a number of entries",
        "1 to {:,} entries can be read at once",
    ),
    (ReadAudit, "limit"): _from(
        1, limits.AUDIT_RECORDS_MAX, "a number of records", "1 to {:,} records can be read at once"
    ),
    (SearchMessages, "text"): _searchable,
    (SearchMessages, "limit"): _from(
        1,
        limits.SEARCH_RESULTS_MAX,
        "a number of messages",
        "1 to {:,} messages can be found at once",
    ),
}
"""In these requests the field means something of its own."""
