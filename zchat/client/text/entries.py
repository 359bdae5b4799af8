"""What the entries of a log say to a person: as lines, and as sentences of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from zchat.client.model.conversation import Conversation, Item, Kind, Said
from zchat.client.text.style import BOLD, CYAN, DIM, MAGENTA, YELLOW, Style
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    AccountChange,
    AccountChanged,
    AccountRegistered,
    Announced,
    Entry,
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
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomInfo,
    RoomOpened,
    RoomTransferred,
    TopicChanged,
    Unrecognised,
)
from zchat.protocol.rules.mentions import ROOM, mentions_in
from zchat.protocol.rules.names import is_visible, printable, safe_text

_OfMember: TypeAlias = (
    MemberAdded
    | MemberInvited
    | MemberKicked
    | MemberBanned
    | MemberUnbanned
    | MemberMuted
    | MemberUnmuted
    | MemberPromoted
    | MemberDemoted
    | RoomTransferred
)
"""What somebody has done to a member."""
_ACCOUNT_CHANGES: Final[dict[str, str]] = {
    AccountChange.PASSWORD_CHANGED: "your password was changed",
    AccountChange.PASSWORD_RESET: "an operator has made a code for a new password of yours",
    AccountChange.DEVICE_ADDED: "a device can log in without your password now{about}",
    AccountChange.DEVICE_REVOKED: "a device was forgotten{about}",
    AccountChange.APP_TOKEN_CREATED: "an app token was created{about}",
    AccountChange.LOGGED_OUT_EVERYWHERE: "all your devices were logged out and forgotten",
    AccountChange.TOTP_ENABLED: "from now on your password needs a one-time code, too",
    AccountChange.TOTP_DISABLED: "your password needs no one-time code any more",
    AccountChange.RECOVERY_CODE_USED: "a recovery code was used in place of a one-time code",
    AccountChange.STANDING_CHANGED: "your standing in this cluster has changed{about}",
}


def words(style: Style, entry: Entry) -> str:
    author, room = printable(entry.author), where(style, entry.log)
    who = style.who(author)
    in_room = room_before(style, entry.log)
    match entry.body:
        case MessagePosted() | PrivateMessageSent() | Redacted() as body:
            return said(style, entry, body)
        case body if isinstance(body, OfMessageBody):
            return style.fact(f"{in_room}{done_to_message(style, entry, body)}")
        case RoomCreated():
            return style.fact(f"{who} created {room or LOBBY}")
        case MemberJoined():
            return style.fact(f"{who} joined {room or 'the lobby'}")
        case MemberLeft():
            return style.fact(f"{who} left {room or 'the lobby'}")
        case TopicChanged(topic):
            what = f"set the topic to: {printable(topic)}" if topic else "removed the topic"
            return style.fact(f"{in_room}{who} {what}")
        case RoomConfigured() as body:
            return style.fact(f"{in_room}{who} set the room to: {settings(body)}")
        case RoomClosed(reason):
            return style.fact(f"{in_room}{who} closed the room{_because(reason)}")
        case RoomOpened(new_room):
            name = printable(new_room)
            hint = "" if author == style.me else f" (:jr {name})"
            return style.fact(f"{who} opened the room #{name}{hint}")
        case InvitedToRoom(new_room):
            name = printable(new_room)
            return style.fact(f"{who} invited you to #{name} (:jr {name})")
        case Announced(text):
            return style.styled(BOLD, f"*** {safe_text(text)}")
        case AccountRegistered():
            return style.fact("your name is registered: from now on it needs your password")
        case AccountChanged(change, about):
            return style.fact(_account_change(change, about))
        case Unrecognised(what):
            news = f"{printable(what)!r}, for which this client is too old"
            return style.fact(f"{in_room}{who} did something new: {news}")
        case body:
            return style.fact(f"{in_room}{_of_member(style, author, body)}")


def _of_member(style: Style, author: str, body: _OfMember) -> str:
    by, user = style.who(author), style.who(printable(body.user))
    match body:
        case MemberAdded():
            return f"{by} brought {user} into the conversation"
        case MemberInvited():
            return f"{by} invited {user}"
        case MemberKicked(reason=reason):
            return f"{by} kicked {user}{_because(reason)}"
        case MemberBanned(reason=reason, until_ms=until_ms):
            until = "" if until_ms is None else f" until {style.moment(until_ms)}"
            return f"{by} banned {user}{until}{_because(reason)}"
        case MemberUnbanned():
            return f"{by} lifted the ban of {user}"
        case MemberMuted(reason=reason):
            return f"{by} muted {user}{_because(reason)}"
        case MemberUnmuted():
            return f"{by} let {user} speak again"
        case MemberPromoted():
            return f"{by} made {user} a moderator"
        case MemberDemoted():
            return f"{by} made {user} a plain member"
        case RoomTransferred() if author == SYSTEM_AUTHOR:
            return f"the room belongs to {user} now"
        case RoomTransferred():
            return f"{by} gave the room to {user}"
    assert_never(body)


def _account_change(change: str, about: str) -> str:
    what = _ACCOUNT_CHANGES.get(change)
    details = f": {printable(about)}" if about else ""
    if what is None:
        return f"your account has changed: {printable(change)}{details}"
    return what.format(about=details)


def settings(room: RoomConfigured | RoomInfo) -> str:
    """In words what the room is like."""
    speakers = "all members" if room.posting == Posting.MEMBERS else printable(room.posting)
    parts = ["private" if room.private else "public"]
    if room.keyed:
        parts.append("with a key")
    parts.append(f"{speakers} speak")
    if room.slow_mode_s:
        parts.append(f"one message in {room.slow_mode_s:,} s")
    if room.members_max:
        parts.append(f"at most {room.members_max:,} members")
    return ", ".join(parts)


def _because(reason: str) -> str:
    return f": {printable(reason)}" if reason else ""


# --- What was said, and what became of it ---------------------------------------------------------

QUOTED_CHARS: Final = 40
"""Shown of a message that another one refers to."""
TITLE_CHARS: Final = 40

SaidBody: TypeAlias = MessagePosted | PrivateMessageSent | Redacted
OfMessageBody: TypeAlias = (
    MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | MessagePinned
    | MessageUnpinned
)
"""What somebody has done to a message."""


ACTION: Final = "/me "
"""Begins a text that tells what its author does; older clients show it as it is."""


def action_of(text: str) -> str:
    """What the author does, if it says that; otherwise nothing."""
    action = text.removeprefix(ACTION).strip() if text.startswith(ACTION) else ""
    # With nothing to see it would be the author's name alone, which nobody can say otherwise.
    return action if is_visible(action) else ""


def in_short(text: str) -> str:
    """Where a message is only referred to: without the marker of an action."""
    return action_of(text) or text


def said(style: Style, entry: Entry, body: SaidBody) -> str:
    """A message as it is now."""
    author = printable(entry.author)
    in_room = room_before(style, entry.log)
    match body:
        case MessagePosted(text, reply_to, bot):
            to = answered(style, entry.log, reply_to)
            action = action_of(text)
            text = f"{_highlighted(style, action or text)}{became(style, entry)}"
            if action:
                # No notice looks like this, which may begin with a star and a name, too.
                return f"{in_room}{style.styled(BOLD, f'*{author}*')}{_mark(bot)}{to} {text}"
            return f"{in_room}{style.styled(BOLD, author)}{_mark(bot)}{to}: {text}"
        case PrivateMessageSent(to, text, reply_to, bot=bot):
            ends = f"[{style.who(author)}{_mark(bot)} -> {style.who(printable(to))}]"
            answers = answered(style, entry.log, reply_to)
            action = f"*{style.who(author)}* {action_of(text)}" if action_of(text) else text
            text = f"{safe_text(action)}{became(style, entry)}"
            return f"{style.styled(MAGENTA, ends)}{answers} {text}"
        case Redacted(by, to):
            by = printable(by)
            gone = "(deleted)" if by == author else f"(deleted by {style.who(by)})"
            if to:
                ends = f"[{style.who(author)} -> {style.who(printable(to))}]"
                return f"{style.styled(MAGENTA, ends)} {style.styled(DIM, gone)}"
            return f"{in_room}{style.styled(BOLD, author)}: {style.styled(DIM, gone)}"
    assert_never(body)


def _mark(bot: bool) -> str:
    """What stands after the name of a program."""
    return " (bot)" if bot else ""


def done_to_message(style: Style, entry: Entry, body: OfMessageBody) -> str:
    who = style.who(printable(entry.author))
    it = _referred(style, entry.log, body.sequence)
    known = style.recent.get(entry.log, body.sequence)
    match body:
        case MessageEdited(text=text):
            # Somebody who has come later has seen the message only as it is now.
            if not text or (known is not None and known.state.edited > entry.sequence):
                return f"{who} edited a message, which has changed since"
            return f"{who} edited: {safe_text(in_short(text))}"
        case MessageDeleted(reason=reason):
            others = known is not None and known.author != entry.author
            whose = f" of {style.who(printable(known.author))}" if known and others else ""
            return f"{who} deleted a message{whose}{f': {printable(reason)}' if reason else ''}"
        case ReactionAdded(_, emoji):
            return f"{who} reacted with {printable(emoji)} to {it}"
        case ReactionRemoved(_, emoji):
            return f"{who} took back {printable(emoji)} from {it}"
        case MessagePinned():
            return f"{who} pinned {it}"
        case MessageUnpinned():
            return f"{who} unpinned {it}"
    assert_never(body)


def answered(style: Style, log: str, reply_to: int) -> str:
    """What stands after the author of a reply. Nobody can have typed it: no name has a space."""
    return style.styled(DIM, f" ↳ {_referred(style, log, reply_to)}") if reply_to else ""


def became(style: Style, entry: Entry) -> str:
    """What stands after a text that is not as it was said."""
    counts = ", ".join(f"{printable(emoji)} {len(by)}" for emoji, by in entry.reactions.items())
    marks = [*(["(edited)"] if entry.edited else []), *([f"[{counts}]"] if counts else [])]
    return style.styled(DIM, " " + " ".join(marks)) if marks else ""


def room_before(style: Style, log: str) -> str:
    """What goes before a line of the log, and a space; nothing for the lobby and the inbox."""
    room = where(style, log)
    return f"{style.styled(CYAN, room)} " if room else ""


def where(style: Style, log: str) -> str:
    if log == "#" + LOBBY or log.startswith("@"):
        return ""
    title = printable(style.titles.get(log, ""))
    return f"({shortened(title, TITLE_CHARS)})" if title else printable(log)


def shortened(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1].rstrip() + "…"


def _referred(style: Style, log: str, sequence: int) -> str:
    known = style.recent.get(log, sequence)
    if known is None:
        return f"message {sequence}"
    text = printable(in_short(known.state.text))
    first_words = shortened(" ".join(text.split()), QUOTED_CHARS)
    return f"{style.who(printable(known.author))} ({first_words})"


def _highlighted(style: Style, text: str) -> str:
    """The text with one's own name as it was called."""
    text = safe_text(text)
    at, parts = 0, []
    for mention in mentions_in(text):
        if mention.name in (style.me, ROOM):
            called = style.styled(YELLOW, text[mention.begin : mention.end])
            parts += [text[at : mention.begin], called]
            at = mention.end
    return "".join([*parts, text[at:]])


# --- What happened, without the style of lines: for a screen, a log file, a notification ----------


def sentence(entry: Entry, me: str) -> str:
    """What happened besides what was said. The room is not named: there it is read anyway."""
    who = "you" if entry.author == me else printable(entry.author)
    match entry.body:
        case MessagePinned():
            return f"{who} pinned a message"
        case MessageUnpinned():
            return f"{who} unpinned a message"
        case MemberAdded(user=user):
            return f"{who} brought in {'you' if user == me else printable(user)}"
        case _:
            style = Style(me, None, colour=False)
            text = words(style, entry).removeprefix("* ")
            return text.removeprefix(room_before(style, entry.log))


def words_of(item: Item, me: str) -> str:
    """What it says, whatever it is."""
    return in_short(item.text) if isinstance(item, Said) else sentence(item.entry, me)


# --- Notifications --------------------------------------------------------------------------------

BODY_CHARS_MAX: Final = 200
"""Shown of a message in a notification."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Both texts are one line, and safe to show. `key` is where to look."""

    title: str
    body: str
    key: str


def notification(told: Sequence[tuple[Conversation, Item]], me: str) -> Notification:
    """One for all of these items; `told` is not empty."""
    conversation, item = told[-1]
    key, place = conversation.key, printable(conversation.title)
    if len(told) == 1:
        body = printable(words_of(item, me))
        if len(body) > BODY_CHARS_MAX:
            body = body[: BODY_CHARS_MAX - 1] + "…"
        author = printable(item.author)
        in_place = "" if conversation.kind in (Kind.PRIVATE, Kind.NOTICES) else f" in {place}"
        return Notification(author + in_place, body, key)
    keys = {each.key for each, _ in told}
    messages = f"{len(told):,} messages"
    if len(keys) > 1:
        return Notification("zchat", f"{messages} in {len(keys):,} conversations", key)
    preposition = "from" if conversation.kind is Kind.PRIVATE else "in"
    return Notification("zchat", f"{messages} {preposition} {place}", key)


# --- What a guest loses by quitting ---------------------------------------------------------------

NAMED_MAX: Final = 3
"""More rooms than these are counted."""


def rooms_lost(owned: Sequence[str]) -> str:
    """What a guest who owns these rooms, given by their logs, loses by quitting; empty for none."""
    if not owned:
        return ""
    named = [printable(log) for log in owned[:NAMED_MAX]]
    more = f" and {len(owned) - NAMED_MAX:,} more" if len(owned) > NAMED_MAX else ""
    return (
        f"You own {', '.join(named)}{more}: a guest who quits owns nothing any more. It falls to "
        "the next of its members, or to whoever comes first. :register keeps it yours, and "
        ":transfer gives it to whom you want."
    )
