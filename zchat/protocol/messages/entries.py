"""Entries of logs, and the queries that read and find them again."""

from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages.accounts import AccountChanged, AccountRegistered
from zchat.protocol.messages.base import (
    LogName,
    Message,
    Milliseconds,
    Name,
    Request,
    RequestId,
    SearchText,
    Sequence,
)
from zchat.protocol.messages.moderation import Announced
from zchat.protocol.messages.posts import (
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)
from zchat.protocol.messages.rooms import (
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
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomOpened,
    RoomTransferred,
    TopicChanged,
)


class Unrecognised(Message, frozen=True):
    """Stands where a newer server wrote something of a `kind` that this client does not know."""

    what: str


EntryBody = (
    MessagePosted
    | PrivateMessageSent
    | MessageEdited
    | MessageDeleted
    | Redacted
    | ReactionAdded
    | ReactionRemoved
    | MessagePinned
    | MessageUnpinned
    | MemberAdded
    | RoomCreated
    | MemberJoined
    | MemberLeft
    | TopicChanged
    | MemberInvited
    | MemberKicked
    | MemberBanned
    | MemberUnbanned
    | MemberMuted
    | MemberUnmuted
    | MemberPromoted
    | MemberDemoted
    | RoomTransferred
    | RoomConfigured
    | RoomClosed
    | InvitedToRoom
    | RoomOpened
    | Announced
    | AccountRegistered
    | AccountChanged
    | Unrecognised
)


class Entry(Message, frozen=True):
    """One fact in a log. Sent to all who follow the log, once each and in sequence.

    A message that is read again is as it has become: with its newest text, or `Redacted`. The
    entries that made it so follow in the log as well, and change nothing more. `edited` is the
    `MessageEdited` that its text is from; `reactions` are the names by emoji, in their order.
    """

    log: str
    sequence: Sequence
    at_ms: Milliseconds
    author: str
    body: EntryBody
    edited: Sequence = 0
    reactions: dict[str, list[str]] = {}


class ReadHistory(Request):
    """The last `limit` entries of `#room`, or of the private conversation with `@name`.

    With `before`, those before that sequence. Answered with `History`.
    """

    log: LogName
    limit: Annotated[int, Meta(ge=1, le=limits.HISTORY_ENTRIES_MAX)] = 20
    before: Sequence | None = None


class History(Message, frozen=True):
    """Oldest first. `more` says that there are entries before them."""

    id: RequestId
    log: str
    entries: list[Entry]
    more: bool


class ReadEdits(Request):
    """What a message has said before, where the cluster keeps that. Answered with `EditList`."""

    log: LogName
    sequence: Sequence


class EditInfo(Message, frozen=True):
    """What a message said until `at_ms`."""

    at_ms: Milliseconds
    text: str


class EditList(Message, frozen=True):
    """Oldest first; empty also where edits are not kept."""

    id: RequestId
    edits: list[EditInfo]


class SearchMessages(Request):
    """The newest `limit` messages that hold every word of `text`, be they upper or lower case.

    Words are what blanks divide, and each may stand anywhere, within another word too: `port` finds
    `transport`. No character of them means anything but itself.

    In all that the user can read, or only in `#room` or the conversation with `@name`; of all
    authors or of one; with `before_ms`, before that time. Answered with `SearchResults`.
    """

    text: SearchText
    log: LogName | None = None
    author: Name | None = None
    before_ms: Milliseconds | None = None
    limit: Annotated[int, Meta(ge=1, le=limits.SEARCH_RESULTS_MAX)] = 20


class SearchResults(Message, frozen=True):
    """Newest first. `more`: ask again, before the last of them. Not `complete` while indexing."""

    id: RequestId
    entries: list[Entry]
    more: bool
    complete: bool = True


class ListPins(Request):
    """The pinned messages of a room. Answered with `PinList`."""

    room: Name


class PinList(Message, frozen=True):
    """Newest pin first; of each the message, as it has become."""

    id: RequestId
    room: str
    pins: list[Entry]


class ListConversations(Request):
    """With whom the user has exchanged private messages. Answered with `ConversationList`."""


class ConversationInfo(Message, frozen=True):
    """With `name`: the newest entry, the last one read, and how many of the other are unread."""

    name: str
    head: Sequence
    at_ms: Milliseconds
    marker: Sequence
    unread: int
    notify: str = ""


class ConversationList(Message, frozen=True):
    """Newest first."""

    id: RequestId
    conversations: list[ConversationInfo]
