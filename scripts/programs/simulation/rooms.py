"""What a room's entries say by themselves: who was in it when, and whether each of them could be.

Written from the table of permissions and apart from the rules: nothing here asks a core.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from msgspec.structs import replace

from testbed.committed import Committed
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    AccountChanged,
    AccountRegistered,
    Announced,
    InvitedToRoom,
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
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    Posting,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomOpened,
    RoomTransferred,
    TopicChanged,
    Unrecognised,
)

_RANKS = {Role.MEMBER: 1, Role.MODERATOR: 2, Role.OWNER: 3}
_ABOVE_ALL = 4
_OPEN = RoomConfigured(False, False, Posting.MEMBERS, 0, 0)

_Moderated = (
    MemberInvited | MemberKicked | MemberBanned | MemberUnbanned | MemberMuted | MemberUnmuted
)


class Unlawful(Exception):
    """An entry that could not be; the text says why."""


@dataclass
class RoomStory:
    """One log of a room, from its first entry; the rooms of one name follow one another in it."""

    moderators: frozenset[str] = frozenset()
    """Of the cluster, at some time; they keep order in every room, whatever they are in it."""
    conversation: bool = False
    """Of several: all who have begun it are in it, and nobody else hears of it."""
    open: bool = False
    topic: str = ""
    settings: RoomConfigured = _OPEN
    roles: dict[str, Role] = field(default_factory=dict)
    """Of those who are in."""
    since: dict[str, int] = field(default_factory=dict)
    bans: dict[str, int | None] = field(default_factory=dict)
    """Until when; those that are over are here still."""
    invited: set[str] = field(default_factory=set)
    """Also guests that are gone, of which the log says nothing if they were not in."""
    muted: set[str] = field(default_factory=set)
    """Who is certainly muted: since then it has been in the room."""
    authors: dict[int, str] = field(default_factory=dict)
    """Of the messages that are there, by their sequence."""
    pins: list[int] = field(default_factory=list)
    """Of what can still be read, oldest pin first."""
    mentions: dict[str, set[int]] = field(default_factory=dict)
    """By user the messages that there are which mention it, be they read or not."""
    mentioned: dict[str, int] = field(default_factory=dict)
    """By user how often it was mentioned, and by `room` how often everyone was."""
    unmentioned: dict[str, int] = field(default_factory=dict)
    """By user how many of those messages have been deleted."""
    deleted_own: dict[int, int] = field(default_factory=dict)
    """By entry that deletes what stands under the deleter's own name: its rank there then."""
    _begins: bool = False
    """Nothing has been said since it was created but who else is in it."""
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """By user the entries, from first to last, that were for it, without those since it is in."""

    def copy(self, moderators: frozenset[str]) -> "RoomStory":
        """To go on with, apart from this one."""
        return dataclasses.replace(
            self,
            moderators=self.moderators | moderators,
            roles=dict(self.roles),
            since=dict(self.since),
            bans=dict(self.bans),
            invited=set(self.invited),
            muted=set(self.muted),
            authors=dict(self.authors),
            pins=[*self.pins],
            mentions={user: set(mentions) for user, mentions in self.mentions.items()},
            mentioned=dict(self.mentioned),
            unmentioned=dict(self.unmentioned),
            deleted_own=dict(self.deleted_own),
            spans={user: [*spans] for user, spans in self.spans.items()},
        )

    def may_see(self, user: str, sequence: int) -> bool:
        """Whether the entry was for the user, who was in the room or put out by it."""
        spans = [*self.spans.get(user, [])]
        if user in self.since:
            spans.append((self.since[user], sequence))
        return any(first <= sequence <= last for first, last in spans)

    def was_in_between(self, user: str, first: int, last: int) -> bool:
        """Whether the user was in the room when one of these entries was the newest."""
        spans = [*self.spans.get(user, [])]
        if user in self.since:
            spans.append((self.since[user], last))
        return any(begin <= last and first <= end for begin, end in spans)

    def fewest_mentions(self, user: str, unread: int) -> int:
        """Of so many that are unread, how many are counted at least: the newest are."""
        most = limits.MEMBER_MENTIONS_MAX
        with_all = self.mentioned.get("room", 0)
        if self.mentioned.get(user, 0) + with_all <= most:
            return unread
        return 0 if with_all > most else max(0, min(unread, most) - self.unmentioned.get(user, 0))

    def was_in(self, user: str) -> bool:
        """At some time, so that the user may have read all of its history then."""
        return user in self.since or user in self.spans

    def banned(self, user: str, at_ms: int) -> bool:
        if user not in self.bans:
            return False
        until_ms = self.bans[user]
        return until_ms is None or until_ms > at_ms

    # --- One entry after another ------------------------------------------------------------------

    def take(self, committed: Committed) -> None:
        """Raises `Unlawful`."""
        entry, author = committed.entry, committed.author
        body = entry.body
        if not self.open and not isinstance(body, RoomCreated):
            raise Unlawful("nothing is said in a room that is closed")
        begins = self._begins
        self._begins = isinstance(body, RoomCreated) or (begins and isinstance(body, MemberAdded))
        match body:
            case RoomCreated():
                self._create(author, entry.sequence)
                # No client has such a long one, so that it was no client that has created it.
                self.conversation = len(committed.nonce or b"") > limits.NONCE_BYTES
                if self.conversation:
                    self.settings, self.topic = replace(_OPEN, private=True), author
            case MemberJoined():
                self._join(author, entry.sequence, entry.at_ms)
            case MemberLeft():
                self._require(author in self.roles, "only a member can leave")
                if committed.nonce is None:
                    # The guest is gone, and the next one of its name is somebody else.
                    self.invited.discard(author)
                self._end(author, entry.sequence)
            case MessagePosted(text=text):
                self._check_speaks(author)
                self.authors[entry.sequence] = author
                self._mention(author, text, entry.sequence)
            case MessageEdited():
                self._check_speaks(author)
            case MessageDeleted(sequence=sequence):
                self._check_deletes(author, sequence, entry.sequence)
            case ReactionAdded():
                self._require(author in self.roles, "only a member reacts")
                self._require(author not in self.muted, "who is muted does not react")
            case ReactionRemoved():
                self._require(author in self.roles, "only a member takes a reaction back")
            case MessagePinned(sequence=sequence):
                self._check_keeps_order(author)
                self._require(sequence not in self.pins, "what is pinned is not pinned again")
                self._require(sequence in self.authors, "only a message can be pinned")
                self.pins.append(sequence)
            case MessageUnpinned(sequence=sequence):
                self._check_keeps_order(author)
                self._require(sequence in self.pins, "only what is pinned is unpinned")
                self.pins.remove(sequence)
            case MemberAdded(user=user):
                self._require(self.conversation and begins, "a conversation begins with who is in")
                self._require(self.roles.get(author) is Role.OWNER, "who begins it brings them in")
                self._require(user not in self.roles, "nobody is brought in twice")
                self.roles[user] = Role.MEMBER
                self.since[user] = entry.sequence
                self.topic = f"{self.topic}, {user}"
            case TopicChanged(topic=topic):
                self._require(author in self.roles, "only a member sets the topic")
                self._require(author not in self.muted, "who is muted sets no topic")
                self.topic = topic
            case RoomTransferred(user=user) if author == SYSTEM_AUTHOR:
                self._require(Role.OWNER not in self.roles.values(), "the room has an owner")
                self._require(user in self.roles, "only a member can own it")
                self.roles[user] = Role.OWNER
                self.muted.discard(user)
            case RoomClosed() if author == SYSTEM_AUTHOR:
                left = self.settings.private and not self.roles
                self._require(left, "only a private room that all have left closes by itself")
                self._close(entry.sequence)
            case RoomClosed() if author in self.moderators:
                self._close(entry.sequence)
            case RoomClosed() | RoomConfigured() | RoomTransferred():
                self._require(self.roles.get(author) is Role.OWNER, "only the owner does that")
                self._do_as_owner(body, author, entry.sequence)
            case MemberPromoted(user=user) | MemberDemoted(user=user):
                self._require(self.roles.get(author) is Role.OWNER, "only the owner does that")
                self._require(user in self.roles and user != author, "only to another member")
                promoted = isinstance(body, MemberPromoted)
                self.roles[user] = Role.MODERATOR if promoted else Role.MEMBER
            case MemberInvited() | MemberKicked() | MemberBanned() | MemberUnbanned():
                self._moderate(committed, body)
            case MemberMuted() | MemberUnmuted():
                self._moderate(committed, body)
            case (
                PrivateMessageSent()
                | Redacted()
                | InvitedToRoom()
                | RoomOpened()
                | Announced()
                | AccountRegistered()
                | AccountChanged()
                | Unrecognised()
            ):
                raise Unlawful("that is not said in a room")
            case _:
                assert_never(body)

    def _create(self, author: str, sequence: int) -> None:
        self._require(not self.open, "there is such a room already")
        self.open, self.topic, self.settings = True, "", _OPEN
        self.bans, self.invited, self.muted = {}, set(), set()
        self.authors, self.pins, self.mentions = {}, [], {}
        self.mentioned, self.unmentioned = {}, {}
        self.roles[author] = Role.OWNER
        self.since[author] = sequence

    def _join(self, user: str, sequence: int, at_ms: int) -> None:
        self._require(user not in self.roles, "who is in cannot join")
        self._require(not self.banned(user, at_ms), "who is banned cannot join")
        invited = user in self.invited
        self._require(invited or not self.settings.private, "a private room takes an invitation")
        members_max = self.settings.members_max
        self._require(not members_max or len(self.roles) < members_max, "the room is full")
        self.invited.discard(user)
        self.roles[user] = Role.MEMBER if self.roles else Role.OWNER
        self.since[user] = sequence

    def _end(self, user: str, sequence: int) -> None:
        del self.roles[user]
        self.muted.discard(user)
        self.spans.setdefault(user, []).append((self.since.pop(user), sequence))

    def _close(self, sequence: int) -> None:
        for user in list(self.roles):
            self._end(user, sequence)
        self.open = False

    def _mention(self, author: str, text: str, sequence: int) -> None:
        name = text.rpartition("@")[2] if "@" in text else ""
        with_all = name == "room" and _RANKS[self.roles[author]] > 1
        for user in self.roles:
            if user != author and (with_all or user == name):
                self.mentions.setdefault(user, set()).add(sequence)
                self.mentioned[user] = self.mentioned.get(user, 0) + 1
        if with_all:
            self.mentioned["room"] = self.mentioned.get("room", 0) + 1

    def _check_deletes(self, user: str, sequence: int, deletion: int) -> None:
        self._require(sequence in self.authors, "only a message can be deleted")
        author = self.authors.pop(sequence)
        for name, mentions in self.mentions.items():
            if sequence in mentions:
                mentions.discard(sequence)
                self.unmentioned[name] = self.unmentioned.get(name, 0) + 1
        if sequence in self.pins:
            self.pins.remove(sequence)
        if author == user:
            own_rank = _RANKS[self.roles[user]] if user in self.roles else 0
            self.deleted_own[deletion] = _ABOVE_ALL if user in self.moderators else own_rank
            self._require(user in self.roles or user in self.moderators, "only a member deletes")
            return
        self._check_keeps_order(user)
        target = _RANKS[self.roles[author]] if author in self.roles else 0
        rank = _ABOVE_ALL if user in self.moderators else _RANKS[self.roles[user]]
        self._require(target < rank, "only what somebody of a lower place has said")

    def _check_keeps_order(self, user: str) -> None:
        rank = _RANKS[self.roles[user]] if user in self.roles else 0
        orderly = rank >= 2 and user not in self.muted
        self._require(orderly or user in self.moderators, "only a moderator does that")

    def _check_speaks(self, user: str) -> None:
        self._require(user in self.roles, "only a member speaks")
        self._require(user not in self.muted, "who is muted does not speak")
        everyone = self.settings.posting is Posting.MEMBERS
        rank = _RANKS[self.roles[user]]
        self._require(everyone or rank > 1, "only moderators speak here")

    def _do_as_owner(
        self, body: RoomClosed | RoomConfigured | RoomTransferred, author: str, sequence: int
    ) -> None:
        match body:
            case RoomClosed():
                self._close(sequence)
            case RoomConfigured():
                self.settings = body
            case RoomTransferred(user=user):
                self._require(user in self.roles and user != author, "only to another member")
                self.roles[author] = Role.MODERATOR
                self.roles[user] = Role.OWNER

    def _moderate(self, committed: Committed, body: _Moderated) -> None:
        author, entry = committed.author, committed.entry
        invites = isinstance(body, MemberInvited)
        if author in self.moderators and not invites:
            rank = _ABOVE_ALL
        else:
            rank = _RANKS[self.roles[author]] if author in self.roles else 0
            may = rank >= 2 or (rank >= 1 and invites and self.conversation)
            self._require(may and author not in self.muted, "only a moderator does that")
        user = body.user
        target = _RANKS[self.roles[user]] if user in self.roles else 0
        self._require(target < rank or invites, "only to somebody of a lower place")
        match body:
            case MemberInvited():
                self._require(not self.banned(user, entry.at_ms), "who is banned is not invited")
                self.invited.add(user)
            case MemberKicked():
                self._require(target > 0, "only a member can be kicked")
                self._end(user, entry.sequence)
            case MemberBanned(until_ms=until_ms):
                self.bans[user] = until_ms
                self.invited.discard(user)
                if target:
                    self._end(user, entry.sequence)
            case MemberUnbanned():
                self._require(self.banned(user, entry.at_ms), "only who is banned is unbanned")
                del self.bans[user]
            case MemberMuted():
                self._require(target > 0, "only a member can be muted")
                self.muted.add(user)
            case MemberUnmuted():
                self.muted.discard(user)
            case _:
                assert_never(body)

    @staticmethod
    def _require(lawful: bool, rule: str) -> None:
        if not lawful:
            raise Unlawful(rule)


def told(story: RoomStory, entries: Sequence[Committed]) -> RoomStory:
    """Goes on with all that the entries of a room's log say. Raises `Unlawful`."""
    for committed in entries:
        try:
            story.take(committed)
        except Unlawful as unlawful:
            what = type(committed.entry.body).__name__
            place = f"{committed.log} {committed.sequence}"
            raise Unlawful(f"{place}: {what} by {committed.author}, but {unlawful}") from None
    return story


def wrong_invitation(logs: dict[str, list[Committed]]) -> str | None:
    """What is wrong with what inboxes say of invitations: one for each that a room tells of."""
    made: dict[tuple[str, str, str], int] = {}
    for log, entries in logs.items():
        for committed in entries:
            match committed.entry.body:
                case MemberInvited(user=user):
                    key = (log[1:], user, committed.author)
                    made[key] = made.get(key, 0) + 1
                case _:
                    pass
    for log, entries in logs.items():
        for committed in entries:
            match committed.entry.body:
                case InvitedToRoom(room=room):
                    key = (room, log[1:], committed.author)
                    made[key] = made.get(key, 0) - 1
                    if made[key] < 0:
                        return f"{log} {committed.sequence} tells of an invitation too often"
                case _:
                    pass
    return None


def is_room(log: str) -> bool:
    """Whether it is the log of a room that has members."""
    return log.startswith("#") and log != "#" + LOBBY
