"""What all messages share: bounded types, the base class, and what a user may be."""

import enum
import re
from typing import Annotated, Any, Final, dataclass_transform

from msgspec import Meta, Struct, StructMeta

from zchat.protocol import limits

PROTOCOL_VERSION: Final = 1
LOBBY: Final = "lobby"
"""The room that everyone is in."""
SYSTEM_AUTHOR: Final = "zchat"
"""Author of entries that no user wrote; nobody can take this name."""

RequestId = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Sequence = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Milliseconds = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Nonce = Annotated[bytes, Meta(min_length=limits.NONCE_BYTES, max_length=limits.NONCE_BYTES)]
Token = Annotated[bytes, Meta(min_length=limits.TOKEN_BYTES, max_length=limits.TOKEN_BYTES)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX)]
LogName = Annotated[str, Meta(min_length=2, max_length=limits.LOG_NAME_CHARS_MAX, pattern="^[#@]")]
Text = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_CHARS_MAX)]
Topic = Annotated[str, Meta(max_length=limits.TOPIC_CHARS_MAX)]
Password = Annotated[str, Meta(max_length=limits.PASSWORD_CHARS_MAX)]
Software = Annotated[str, Meta(max_length=limits.SOFTWARE_CHARS_MAX)]
DeviceName = Annotated[str, Meta(max_length=limits.DEVICE_NAME_CHARS_MAX)]
TargetText = Annotated[str, Meta(max_length=limits.TARGET_CHARS_MAX)]
"""An address, a block of them, a name or a pattern of names (`targets.py`); or nothing, for all."""
Target = Annotated[str, Meta(min_length=1, max_length=limits.TARGET_CHARS_MAX)]
"""The same, and never nothing."""
BanSeconds = Annotated[int, Meta(ge=1, le=limits.BAN_S_MAX)]
Reason = Annotated[str, Meta(max_length=limits.REASON_CHARS_MAX)]
RoomKey = Annotated[str, Meta(max_length=limits.ROOM_KEY_CHARS_MAX)]
Instance = Annotated[bytes, Meta(max_length=limits.INSTANCE_BYTES_MAX)]
Digest = Annotated[bytes, Meta(min_length=limits.DIGEST_BYTES, max_length=limits.DIGEST_BYTES)]
"""SHA-256 of a secret that its maker keeps."""
InvitationCode = Annotated[str, Meta(max_length=limits.INVITATION_CHARS_MAX)]
OneTimeCode = Annotated[str, Meta(max_length=limits.ONE_TIME_CODE_CHARS_MAX)]
Emoji = Annotated[str, Meta(min_length=1, max_length=limits.EMOJI_CHARS_MAX)]
"""Or a word as short, as `+1`: anything that can be seen and has no spaces."""
SearchText = Annotated[str, Meta(min_length=1, max_length=limits.SEARCH_CHARS_MAX)]


def _kind(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag=_kind):
    """A map on the wire; its `kind` is the class's name in snake_case.

    A field that has its default may be left out.
    """


# --- What a client asks for ----------------------------------------------------------------------
# The message is its own draft: whoever wants something makes it with the fields that it is about,
# and the client's core gives it the `id` and the `nonce` when it is sent. On the wire both are
# always there, which `codec.py` sees to.

UNNUMBERED: Final = -1
NO_NONCE: Final = b""
NEVER_LEFT_OUT: Final = ("id", "nonce")
"""By a client, although a draft is without them."""


class _Named(StructMeta):
    """Takes fields by name only: else none without a default could follow `id` and `nonce`."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> Any:
        return super().__new__(cls, name, bases, namespace, **config, kw_only=True)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Request(Message, frozen=True, metaclass=_Named):
    """Answered with the same `id`."""

    id: RequestId = UNNUMBERED


class Command(Request):
    """Changes something, once, however often it is sent with the same `nonce` (`nonces.py`)."""

    nonce: Nonce = NO_NONCE


class RoomCommand(Command):
    room: Name


class MemberCommand(RoomCommand):
    user: Name


class EntryCommand(Command):
    """About the entry `sequence` of `log`: `#room`, or the user's own inbox."""

    log: LogName
    sequence: Sequence


# --- What a user may be ---------------------------------------------------------------------------


class Role(enum.StrEnum):
    """In a room. Whoever is muted is a member who may not speak."""

    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"
    MUTED = "muted"


class Standing(enum.StrEnum):
    """In the cluster. Moderators and operators act in every room, also where they are not in it."""

    GUEST = "guest"
    ACCOUNT = "account"
    MODERATOR = "moderator"
    OPERATOR = "operator"


class Posting(enum.StrEnum):
    """Who may speak in a room."""

    MEMBERS = "members"
    MODERATORS = "moderators"


class Scope(enum.StrEnum):
    """What a session with an app token may do. Without scopes it may do what its user may."""

    READ = "read"
    POST = "post"


class Notify(enum.StrEnum):
    """Notification level of a room or conversation."""

    ALL = "all"
    MENTIONS = "mentions"
    NOTHING = "nothing"


# --- Logs -----------------------------------------------------------------------------------------


def room_log(room: str) -> str:
    return "#" + room


def inbox_log(user: str) -> str:
    return "@" + user
