"""What one can do to a room and its members by a line."""

from typing import Any, Final

from zchat.client.commands.actions import Action, Send, ShowMode
from zchat.client.commands.usage import KINDS, Arguments, commands, quoted, rest, whole
from zchat.client.core.checks import InvalidRequest, checked, room_name
from zchat.protocol import limits, messages
from zchat.protocol.messages import Posting, Request


def _ban(room: str, user: str, for_s: int | None, reason: str) -> Action:
    if for_s == 0:
        raise InvalidRequest("a ban lasts at least 1s; without a time it is for ever")
    return Send(checked(messages.BanMember(room=room, user=user, reason=reason)), lasts_s=for_s)


def _mode(room: str, text: str) -> Action | Request:
    if not text:
        return ShowMode(room_name(room))
    settings: dict[str, Any] = {}
    words = Arguments(text)
    while words.text:
        word = words.word()
        name, value = _setting(word.lower(), words)
        if name in settings:
            raise InvalidRequest(f"{quoted(word)} says again what was said before")
        settings[name] = value
    return messages.ConfigureRoom(room=room, **settings)


def _setting(word: str, more: Arguments) -> tuple[str, Any]:
    """Name and value of the setting that begins with `word`."""
    match word:
        case "private" | "public":
            return "private", word == "private"
        case "nokey":
            return "key", ""
        case "key":
            return "key", more.word("the key")
        case "posting":
            return "posting", _posting(more.word("who may speak"))
        case "slow":
            return "slow_mode_s", _slow(more.word("the time between two messages"))
        case "limit":
            return "members_max", _limit(more.word("the number of members"))
        case _:
            raise InvalidRequest(
                f"{quoted(word)} is none of private, public, key, nokey, posting, slow, limit"
            )


def _posting(word: str) -> Posting:
    try:
        return Posting(word.lower())
    except ValueError:
        raise InvalidRequest(f"{quoted(word)} is neither members nor moderators") from None


def _slow(word: str) -> int:
    seconds = 0 if word.lower() == "off" else Arguments(word).time()
    if seconds is None:
        raise InvalidRequest(f"{quoted(word)} is no time, as 10s or 5m, and not off")
    return seconds


def _limit(word: str) -> int:
    if word.lower() == "none":
        return 0
    if not (word.isascii() and word.isdecimal()) or whole(word) == 0:
        raise InvalidRequest(f"{quoted(word)} is no number of members, and not none")
    return whole(word)


_SETTINGS: Final = (
    "[private|public] [key KEY|nokey] [posting members|moderators] [slow 10s|off] [limit N|none]"
)

# A command is a row of one look, which the formatter would spread over five lines.
# fmt: off
ROOM_COMMANDS: Final = commands(
    {**KINDS, _SETTINGS: rest("text")},
    ("invite <room> <name>", messages.InviteMember,
        "Invite somebody to a room, whatever its key and kind."),
    ("kick <room> <name> [reason]", messages.KickMember,
        "Remove a member from a room; they may come back."),
    ("ban <room> <name> [30m, 12h or 7d] [reason]", _ban,
        "Ban somebody from a room, for that long or until unbanned."),
    ("unban <room> <name>", messages.UnbanMember, "Lift a ban."),
    ("bans <room>", messages.ListBans, "List who is banned from a room, until when, and why."),
    ("mute <room> <name> [reason]", messages.MuteMember, "Mute a member, who can still read."),
    ("unmute <room> <name>", messages.UnmuteMember, "Unmute a member."),
    ("promote <room> <name>", messages.PromoteMember, "Make a member a moderator of your room."),
    ("demote <room> <name>", messages.DemoteMember, "Make a moderator a plain member again."),
    ("transfer <room> <name>", messages.TransferRoom, "Give your room to another member."),
    (f"mode <room> {_SETTINGS}", _mode,
        ("Show the settings of a room, or change them: who may join and speak, how often "
         f"(up to {limits.SLOW_MODE_S_MAX // 3_600}h apart), and how many members it may have.")),
    ("close <room> [reason]", messages.CloseRoom, "Close your room for everyone."),
)
# fmt: on
