"""What only operators ask of the services, and no client: everyone and everything that there is.

Lists come in pages by name. The next page is asked for with the last name of this one.
"""

from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages import Message, Standing

MaybeName = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]
"""A name, or nothing. In a `pattern` also one with `*` and `?`, which stand for anything."""


class ListAccounts(Message, frozen=True):
    """Users whose name fits `pattern`, from the one after `after` on: an `AccountPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""
    online: bool = False
    guests: bool = False


class ListAllRooms(Message, frozen=True):
    """Every room, also those that are not shown to others. Answered with `RoomPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""


class ListSessions(Message, frozen=True):
    """The connections of users, by the users' names. Answered with `SessionPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""


class AccountInfo(Message, frozen=True):
    """`registered_ms` is None for a guest, `until_ms` for a suspension without an end."""

    name: str
    standing: Standing
    online: bool
    created_ms: int
    registered_ms: int | None
    suspended: bool = False
    until_ms: int | None = None
    reason: str = ""
    devices: int = 0
    totp: bool = False


class AccountPage(Message, frozen=True):
    """`more` says that there are others after the last one."""

    accounts: list[AccountInfo]
    more: bool


class RoomDetails(Message, frozen=True):
    """`members` is None for the lobby; `sequence` is that of the newest entry."""

    room: str
    members: int | None
    owner: str
    created_ms: int
    sequence: int
    private: bool = False
    keyed: bool = False


class RoomPage(Message, frozen=True):
    rooms: list[RoomDetails]
    more: bool


class SessionInfo(Message, frozen=True):
    """`address` is that of the client, empty if it is not known; `device` its name, if it has one.

    `idle_ms` is the time since it last sent anything but pings.
    """

    user: str
    gateway: str
    since_ms: int
    idle_ms: int
    address: str = ""
    device: str = ""


class SessionPage(Message, frozen=True):
    """All sessions of each user in it."""

    sessions: list[SessionInfo]
    more: bool
