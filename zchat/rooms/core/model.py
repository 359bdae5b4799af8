"""What the room-service knows of a room, and the rows that it is kept in."""

from dataclasses import dataclass, field
from typing import NamedTuple

from zchat.protocol.messages import LOBBY, Posting, Role, RoomConfigured


class SaveRoom(NamedTuple):
    name: str
    topic: str
    created_at_ms: int
    floor: int
    private: bool
    key: str
    posting: Posting
    slow_mode_s: int
    members_max: int
    conversation: bool


class DropRoom(NamedTuple):
    """And its members, bans, invitations, mutes, pins and mentions."""

    name: str


class SaveMember(NamedTuple):
    room: str
    user: str
    role: Role
    floor: int
    marker: int | None
    notify: str


class DropMember(NamedTuple):
    room: str
    user: str


class SaveBan(NamedTuple):
    room: str
    user: str
    reason: str
    by: str
    until_ms: int | None


class DropBan(NamedTuple):
    room: str
    user: str


class SaveInvitation(NamedTuple):
    room: str
    user: str


class DropInvitation(NamedTuple):
    room: str
    user: str


class SaveMute(NamedTuple):
    room: str
    user: str


class DropMute(NamedTuple):
    room: str
    user: str


class SavePin(NamedTuple):
    room: str
    sequence: int
    pinned: int


class DropPin(NamedTuple):
    room: str
    sequence: int


class SaveMention(NamedTuple):
    """`author` mentions `user`, or everyone if that is empty."""

    room: str
    user: str
    sequence: int
    author: str


class DropMention(NamedTuple):
    room: str
    user: str
    sequence: int


RoomRow = (
    SaveRoom
    | DropRoom
    | SaveMember
    | DropMember
    | SaveBan
    | DropBan
    | SaveInvitation
    | DropInvitation
    | SaveMute
    | DropMute
    | SavePin
    | DropPin
    | SaveMention
    | DropMention
)


@dataclass(slots=True)
class Member:
    role: Role
    """Never muted: that is kept apart, so that nobody gets rid of it by leaving."""
    floor: int
    """The member sees entries after this sequence: it came then."""
    marker: int | None = None
    """What the member has read; None as long as it has not said so."""
    notify: str = ""
    """One of `Notify`; empty as long as it has not said so."""
    mentions: tuple[int, ...] = ()
    """Messages after the marker that name the member, oldest first."""


class Ban(NamedTuple):
    reason: str
    by: str
    until_ms: int | None
    """None for one without an end."""


@dataclass(slots=True)
class Room:
    name: str
    topic: str
    created_at_ms: int
    floor: int = 0
    """Entries up to here are those of an earlier room of this name, and shown to nobody."""
    private: bool = False
    key: str = ""
    """As its owner gave it, since it has to be told to others; empty for none."""
    posting: Posting = Posting.MEMBERS
    slow_mode_s: int = 0
    members_max: int = 0
    """0 for the cluster's own bound."""
    conversation: bool = False
    """Of several people, who began it together; it is called by its topic."""
    members: dict[str, Member] = field(default_factory=dict)
    """In the lobby only those whose read marker is kept: everyone is in it."""
    bans: dict[str, Ban] = field(default_factory=dict)
    """Also of those who are no members, and those that are over but not removed yet."""
    invited: dict[str, None] = field(default_factory=dict)
    muted: dict[str, None] = field(default_factory=dict)
    """Also of members who have left: they come back muted."""
    pins: dict[int, int] = field(default_factory=dict)
    """By message the entry that pinned it, oldest pin first; the message may be gone since."""
    mentions: dict[int, str] = field(default_factory=dict)
    """The author by message, oldest first, where everyone is mentioned: only the newest ones."""
    posted_at: dict[str, float] = field(default_factory=dict, compare=False)
    """When members have last posted, by a steady clock, while slow mode needs it."""

    @property
    def lobby(self) -> bool:
        return self.name == LOBBY

    @property
    def owner(self) -> str | None:
        """None only while nobody is in the room."""
        owners = (user for user, member in self.members.items() if member.role is Role.OWNER)
        return next(owners, None)

    def ban_of(self, user: str, at_ms: int) -> Ban | None:
        """The ban that keeps the user out at that time."""
        ban = self.bans.get(user)
        if ban is None or (ban.until_ms is not None and ban.until_ms <= at_ms):
            return None
        return ban

    def role_of(self, user: str) -> Role:
        """As others are told."""
        return Role.MUTED if user in self.muted else self.members[user].role

    def add_mention(self, user: str, sequence: int, author: str) -> None:
        """Of one user, or without one of everyone."""
        if not user:
            self.mentions[sequence] = author
        else:
            self.members[user].mentions += (sequence,)

    def drop_mention(self, user: str, sequence: int) -> None:
        if not user:
            del self.mentions[sequence]
        else:
            member = self.members[user]
            member.mentions = tuple(other for other in member.mentions if other != sequence)

    @property
    def settings(self) -> RoomConfigured:
        """As its members are told."""
        return RoomConfigured(
            self.private, bool(self.key), self.posting, self.slow_mode_s, self.members_max
        )

    def row(self) -> SaveRoom:
        return SaveRoom(
            self.name,
            self.topic,
            self.created_at_ms,
            self.floor,
            self.private,
            self.key,
            self.posting,
            self.slow_mode_s,
            self.members_max,
            self.conversation,
        )
