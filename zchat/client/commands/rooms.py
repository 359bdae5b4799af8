"""What one can do to a room and its members by a line."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from zchat.client.commands.actions import (
    Action,
    Arguments,
    BanFor,
    CommandLine,
    Send,
    ShowMode,
    quoted,
)
from zchat.client.sdk import room_drafts
from zchat.client.sdk.drafts import InvalidRequest, Request, room_name
from zchat.protocol import limits
from zchat.protocol.messages import Posting

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,5})([smhd])")


def _room_and_user(draft: Callable[[str, str], Request]) -> Callable[[Arguments], Action]:
    def parse(arguments: Arguments) -> Action:
        room, user, rest = _of_member(arguments)
        if rest:
            raise InvalidRequest(f"takes a room and a name; {quoted(rest)} is too much")
        return Send(draft(room, user))

    return parse


def _with_reason(draft: Callable[[str, str, str], Request]) -> Callable[[Arguments], Action]:
    def parse(arguments: Arguments) -> Action:
        return Send(draft(*_of_member(arguments)))

    return parse


def _of_member(arguments: Arguments) -> tuple[str, str, str]:
    room, others = arguments.word_and_text("the room name", "the user name")
    user, *rest = others.split(maxsplit=1)
    return room, user, "".join(rest)


def _ban(arguments: Arguments) -> Action:
    room, user, rest = _of_member(arguments)
    first, *others = rest.split(maxsplit=1) or [""]
    seconds = _seconds(first)
    if seconds is None:
        return Send(room_drafts.ban(room, user, rest))
    if seconds == 0:
        raise InvalidRequest("a ban lasts at least 1s; without a time it is for ever")
    return BanFor(room_drafts.ban(room, user, "".join(others)), seconds)


def _bans(arguments: Arguments) -> Action:
    return Send(room_drafts.bans(arguments.one("the room name")))


def _close(arguments: Arguments) -> Action:
    return Send(room_drafts.close(*arguments.word_and_rest("the room name")))


def _mode(arguments: Arguments) -> Action:
    room, text = arguments.word_and_rest("the room name")
    if not text:
        return ShowMode(room_name(room))
    settings: dict[str, Any] = {}
    words = iter(text.split())
    for word in words:
        name, value = _setting(word.lower(), words)
        if name in settings:
            raise InvalidRequest(f"{quoted(word)} says again what was said before")
        settings[name] = value
    return Send(room_drafts.configure(room, **settings))


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
    return int(match[1]) * _SECONDS[match[2]] if match else None


ROOM_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine(
        "invite",
        "<room> <name>",
        "Let somebody join, whatever the room's key and kind.",
        _room_and_user(room_drafts.invite),
        "room",
    ),
    CommandLine(
        "kick",
        "<room> <name> [reason]",
        "Put a member out, who may come back.",
        _with_reason(room_drafts.kick),
        "room",
    ),
    CommandLine(
        "ban",
        "<room> <name> [30m, 2h or 7d] [reason]",
        "Put somebody out, and keep them out for so long or until unbanned.",
        _ban,
        "room",
    ),
    CommandLine(
        "unban",
        "<room> <name>",
        "Let somebody join again who was banned.",
        _room_and_user(room_drafts.unban),
        "room",
    ),
    CommandLine("bans", "<room>", "Who is banned from a room, until when, and why.", _bans, "room"),
    CommandLine(
        "mute",
        "<room> <name> [reason]",
        "Let a member read but not speak.",
        _with_reason(room_drafts.mute),
        "room",
    ),
    CommandLine(
        "unmute",
        "<room> <name>",
        "Let a member speak again.",
        _room_and_user(room_drafts.unmute),
        "room",
    ),
    CommandLine(
        "promote",
        "<room> <name>",
        "Make a member a moderator of your room.",
        _room_and_user(room_drafts.promote),
        "room",
    ),
    CommandLine(
        "demote",
        "<room> <name>",
        "Make a moderator a plain member again.",
        _room_and_user(room_drafts.demote),
        "room",
    ),
    CommandLine(
        "transfer",
        "<room> <name>",
        "Give your room to another member.",
        _room_and_user(room_drafts.transfer),
        "room",
    ),
    CommandLine(
        "mode",
        "<room> [private|public] [key KEY|nokey] [posting members|moderators] [slow 10s|off] "
        "[limit N|none]",
        "Show what a room is like, or change that: who may join and speak, how often "
        f"(up to {limits.SLOW_MODE_S_MAX // 3_600}h apart), and how many may be in it.",
        _mode,
        "room",
    ),
    CommandLine("close", "<room> [reason]", "End your room for everyone.", _close, "room"),
)
