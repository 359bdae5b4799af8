"""What an entry of a log says, in words for a person."""

from typing import Final, TypeAlias, assert_never

from zchat.client import render_messages
from zchat.client.look import BOLD, Look
from zchat.client.render_messages import OfMessageBody
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
    MessagePosted,
    Posting,
    PrivateMessageSent,
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
from zchat.protocol.names import printable, safe_text

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


def words(look: Look, entry: Entry) -> str:
    author, room = printable(entry.author), render_messages.where(look, entry.log)
    who = look.who(author)
    in_room = render_messages.room_before(look, entry.log)
    match entry.body:
        case MessagePosted() | PrivateMessageSent() | Redacted() as body:
            return render_messages.said(look, entry, body)
        case body if isinstance(body, OfMessageBody):
            return look.fact(f"{in_room}{render_messages.done_to_message(look, entry, body)}")
        case RoomCreated():
            return look.fact(f"{who} created {room or LOBBY}")
        case MemberJoined():
            return look.fact(f"{who} joined {room or 'the lobby'}")
        case MemberLeft():
            return look.fact(f"{who} left {room or 'the lobby'}")
        case TopicChanged(topic):
            what = f"set the topic to: {printable(topic)}" if topic else "removed the topic"
            return look.fact(f"{in_room}{who} {what}")
        case RoomConfigured() as body:
            return look.fact(f"{in_room}{who} set the room to: {settings(body)}")
        case RoomClosed(reason):
            return look.fact(f"{in_room}{who} closed the room{_because(reason)}")
        case RoomOpened(new_room):
            name = printable(new_room)
            hint = "" if author == look.me else f" (:jr {name})"
            return look.fact(f"{who} opened the room #{name}{hint}")
        case InvitedToRoom(new_room):
            name = printable(new_room)
            return look.fact(f"{who} invited you to #{name} (:jr {name})")
        case Announced(text):
            return look.style(BOLD, f"*** {safe_text(text)}")
        case AccountRegistered():
            return look.fact("your name is registered: from now on it needs your password")
        case AccountChanged(change, about):
            return look.fact(_account_change(change, about))
        case Unrecognised(what):
            news = f"{printable(what)!r}, for which this client is too old"
            return look.fact(f"{in_room}{who} did something new: {news}")
        case body:
            return look.fact(f"{in_room}{_of_member(look, author, body)}")


def _of_member(look: Look, author: str, body: _OfMember) -> str:
    by, user = look.who(author), look.who(printable(body.user))
    match body:
        case MemberAdded():
            return f"{by} brought {user} into the conversation"
        case MemberInvited():
            return f"{by} invited {user}"
        case MemberKicked(reason=reason):
            return f"{by} kicked {user}{_because(reason)}"
        case MemberBanned(reason=reason, until_ms=until_ms):
            until = "" if until_ms is None else f" until {look.moment(until_ms)}"
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
