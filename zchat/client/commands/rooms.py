"""What one can do to a room and its members by a line."""

import re
from collections.abc import Iterator
from typing import Any, Final

from zchat.client.commands.actions import (
    REASON,
    ROOM,
    SECONDS,
    USER,
    Action,
    BanFor,
    CommandLine,
    ShowMode,
    quoted,
    rest,
)
from zchat.client.core.checks import InvalidRequest, checked, room_name
from zchat.protocol import limits
from zchat.protocol.messages import (
    BanMember,
    CloseRoom,
    ConfigureRoom,
    DemoteMember,
    InviteMember,
    KickMember,
    ListBans,
    MuteMember,
    Posting,
    PromoteMember,
    Request,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)

_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")


def _ban(room: str, user: str, reason: str) -> Action | Request:
    first, *others = reason.split(maxsplit=1) or [""]
    seconds = _seconds(first)
    if seconds is None:
        return BanMember(room=room, user=user, reason=reason)
    if seconds == 0:
        raise InvalidRequest("a ban lasts at least 1s; without a time it is for ever")
    return BanFor(checked(BanMember(room=room, user=user, reason="".join(others))), seconds)


def _mode(room: str, text: str) -> Action | Request:
    if not text:
        return ShowMode(room_name(room))
    settings: dict[str, Any] = {}
    words = iter(text.split())
    for each in words:
        name, value = _setting(each.lower(), words)
        if name in settings:
            raise InvalidRequest(f"{quoted(each)} says again what was said before")
        settings[name] = value
    return ConfigureRoom(room=room, **settings)


def _setting(word: str, words: Iterator[str]) -> tuple[str, Any]:
    """Name and value of the setting that begins with `word`."""
    match word:
        case "private" | "public":
            return "private", word == "private"
        case "nokey":
            return "key", ""
        case "key":
            return "key", _next(words, "the key")
        case "posting":
            return "posting", _posting(_next(words, "who may speak"))
        case "slow":
            return "slow_mode_s", _slow(_next(words, "the time between two messages"))
        case "limit":
            return "members_max", _limit(_next(words, "the number of members"))
        case _:
            raise InvalidRequest(
                f"{quoted(word)} is none of private, public, key, nokey, posting, slow, limit"
            )


def _next(words: Iterator[str], what: str) -> str:
    word = next(words, None)
    if word is None:
        raise InvalidRequest(f"{what} is missing")
    return word


def _posting(word: str) -> Posting:
    try:
        return Posting(word.lower())
    except ValueError:
        raise InvalidRequest(f"{quoted(word)} is neither members nor moderators") from None


def _slow(word: str) -> int:
    seconds = 0 if word.lower() == "off" else _seconds(word)
    if seconds is None:
        raise InvalidRequest(f"{quoted(word)} is no time, as 10s or 5m, and not off")
    return seconds


def _limit(word: str) -> int:
    if word.lower() == "none":
        return 0
    if not (word.isascii() and word.isdecimal()) or int(word[:9]) == 0:
        raise InvalidRequest(f"{quoted(word)} is no number of members, and not none")
    return int(word[:9])


def _seconds(word: str) -> int | None:
    """The seconds that `10s`, `30m`, `2h` or `7d` are; None for anything else."""
    match = _DURATION.fullmatch(word.lower())
    return int(match[1]) * SECONDS[match[2]] if match else None


ROOM_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine(
        "invite",
        (ROOM, USER),
        "Invite somebody to a room, whatever its key and kind.",
        InviteMember,
    ),
    CommandLine(
        "kick", (ROOM, USER, REASON), "Remove a member from a room; they may come back.", KickMember
    ),
    CommandLine(
        "ban",
        (ROOM, USER, rest("reason", "[30m, 2h or 7d] [reason]")),
        "Ban somebody from a room, for that long or until unbanned.",
        _ban,
    ),
    CommandLine("unban", (ROOM, USER), "Lift a ban.", UnbanMember),
    CommandLine("bans", (ROOM,), "List who is banned from a room, until when, and why.", ListBans),
    CommandLine("mute", (ROOM, USER, REASON), "Mute a member, who can still read.", MuteMember),
    CommandLine("unmute", (ROOM, USER), "Unmute a member.", UnmuteMember),
    CommandLine("promote", (ROOM, USER), "Make a member a moderator of your room.", PromoteMember),
    CommandLine("demote", (ROOM, USER), "Make a moderator a plain member again.", DemoteMember),
    CommandLine("transfer", (ROOM, USER), "Give your room to another member.", TransferRoom),
    CommandLine(
        "mode",
        (
            ROOM,
            rest(
                "text",
                "[private|public] [key KEY|nokey] [posting members|moderators] [slow 10s|off] "
                "[limit N|none]",
            ),
        ),
        "Show the settings of a room, or change them: who may join and speak, how often "
        f"(up to {limits.SLOW_MODE_S_MAX // 3_600}h apart), and how many members it may have.",
        _mode,
    ),
    CommandLine("close", (ROOM, REASON), "Close your room for everyone.", CloseRoom),
)
