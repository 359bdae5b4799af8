"""Posts and private messages, what is done to them, and who has read or is writing what."""

from zchat.protocol.messages.base import (
    Command,
    Emoji,
    EntryCommand,
    LogName,
    Message,
    Name,
    Notify,
    Reason,
    Request,
    RoomCommand,
    Sequence,
    Text,
)

# --- What happened: the bodies of entries ---------------------------------------------------------


class MessagePosted(Message, frozen=True):
    """`reply_to` is the entry of the same log that it answers, if any.

    `bot` says that a program has said it, by an app token or by its own account of itself.
    """

    text: str
    reply_to: Sequence = 0
    bot: bool = False


class PrivateMessageSent(Message, frozen=True):
    """Stands in the inbox of the recipient and in that of the sender.

    `twin` is its sequence in the other one's inbox; `reply_to` an entry of this one. `bot` is that
    of `MessagePosted`.
    """

    to: str
    text: str
    reply_to: Sequence = 0
    twin: Sequence = 0
    bot: bool = False


class MessageEdited(Message, frozen=True):
    """The message `sequence` of this log says `text` now.

    Without a text it is out of date: a later edit, or the message's end, has taken its place.
    """

    sequence: Sequence
    text: str


class MessageDeleted(Message, frozen=True):
    """The message `sequence` of this log is no more. `reason` is that of a moderator."""

    sequence: Sequence
    reason: str = ""


class Redacted(Message, frozen=True):
    """Stands in the place of a message that was deleted; `by` is who did it.

    `to` is whom a private message was sent to; empty in rooms.
    """

    by: str
    to: str = ""


class ReactionAdded(Message, frozen=True):
    sequence: Sequence
    emoji: str


class ReactionRemoved(Message, frozen=True):
    sequence: Sequence
    emoji: str


class MessagePinned(Message, frozen=True):
    sequence: Sequence


class MessageUnpinned(Message, frozen=True):
    sequence: Sequence


# --- Commands -------------------------------------------------------------------------------------


class Post(RoomCommand):
    """Says `text` in a room that the user is in, perhaps in reply to the message `reply_to`.

    `@name` mentions a member, `@room` everyone, if a moderator says it: `mentions.py`.
    """

    text: Text
    reply_to: Sequence = 0


class SendPrivate(Command):
    """`reply_to` is a message of the same conversation, as it stands in the sender's inbox."""

    to: Name
    text: Text
    reply_to: Sequence = 0


class EditMessage(EntryCommand):
    """One's own. `log` is `#room`, or one's own inbox."""

    text: Text


class DeleteMessage(EntryCommand):
    """One's own, or in a room anybody's if one moderates it: its text is gone for good.

    The `reason` is for what somebody else has written; of one's own message none is kept.
    """

    reason: Reason = ""


class AddReaction(EntryCommand):
    emoji: Emoji


class RemoveReaction(EntryCommand):
    emoji: Emoji


class PinMessage(RoomCommand):
    """Has `ListPins` tell of the message, which stays where it is."""

    sequence: Sequence


class UnpinMessage(RoomCommand):
    sequence: Sequence


class ReportMessage(EntryCommand):
    """Tells the operators about the entry `sequence` of a log that the user can read."""

    reason: Reason


class MarkRead(Request):
    """The user has read `log` up to `sequence`. Never moves back, unless `back`; needs no nonce.

    With `back` what comes after `sequence` is unread again, for all devices of the user: in a room,
    and in a conversation what is after the marker of the inbox itself, which never moves back.

    `log` is `#room`, or one's own inbox: that is how far it has been received. `@name` of somebody
    else is the conversation with them, up to that sequence of one's own inbox.
    """

    log: LogName
    sequence: Sequence
    back: bool = False


class SetNotify(Request):
    """For all devices of the user; `log` is `#room`, or `@name` for a conversation. No nonce."""

    log: LogName
    level: Notify


class SayTyping(Request):
    """The user writes in `#room` or to `@name`, and will for some seconds. Needs no nonce."""

    log: LogName


# --- Queries and what is told ---------------------------------------------------------------------


class TypingSeen(Message, frozen=True):
    """Soft state: these are writing at the moment, in `#room`, or to the user from `@name`."""

    log: str
    users: list[str]


class LogStateChanged(Message, frozen=True):
    """Soft state: another device of the user has read `log`, or has set its notification level.

    `log` is `#room`, the own inbox, or `@name` for a conversation. Only with `back` is what comes
    after the marker unread again; else an older marker is old news.
    """

    log: str
    marker: Sequence
    notify: str = ""
    back: bool = False
