"""What the moderators and operators of the cluster can do by a line."""

from typing import Final

from zchat.client.commands.actions import Action, RemoveSaid, Send
from zchat.client.commands.usage import KINDS, Arguments, Kind, commands, number, quoted, rest, word
from zchat.client.core.checks import InvalidRequest, checked, room_name, short_text, user_name
from zchat.protocol import limits, messages
from zchat.protocol.messages import Standing, room_log

AUDIT_RECORDS: Final = 20
"""How many `:audit` shows when no number is given."""


def _suspend(user: str, for_s: int | None, reason: str) -> Action:
    request = checked(messages.SuspendUser(user=user, reason=reason))
    return Send(request, f"{request.user} is logged out, and may not log in", for_s)


def _far_back(line: Arguments) -> tuple[str, int]:
    """The span as it was typed, and its seconds."""
    word = line.word("how far back")
    seconds = Arguments(word).time()
    if seconds is None:
        raise InvalidRequest(f"{quoted(word)} is not how far back; give it as in 30m, 12h or 7d")
    return word, seconds


def _redact_all(room: str, user: str, far_back: tuple[str, int], reason: str) -> Action:
    span, seconds = far_back
    return RemoveSaid(room_log(room_name(room)), user_name(user), seconds, span, short_text(reason))


def _server_kick(who: str, for_s: int | None, reason: str) -> Action:
    request = checked(messages.KickUsers(who=who, for_s=for_s or limits.KICK_S, reason=reason))
    span = f"{request.for_s // 60:,} min"
    return Send(request, f"{request.who} is put out of the server, and kept out for {span}")


def _standing(line: Arguments) -> Standing:
    given = line.rest("the standing")
    choices = [standing for standing in Standing if standing is not Standing.GUEST]
    if given.lower() not in choices:
        raise InvalidRequest(f"{quoted(given)} is not one of {', '.join(choices)}")
    return Standing(given.lower())


# A command is a row of one look, which the formatter would spread over five lines.
# fmt: off
OPERATOR_COMMANDS: Final = commands(
    {
        **KINDS,
        "<text>": rest("text", "the announcement"),
        "<#room>": word("room", "the #room", "room"),
        "<30m, 12h or 7d>": Kind("far_back", "how far back", _far_back),
        "<name, pattern or address>": word("who", "an address, a name or a pattern", "user"),
        "<account, moderator or operator>": Kind("standing", "the standing", _standing),
        "[n]": number("limit", "a number of records", AUDIT_RECORDS),
    },
    ("announce <text>", messages.Announce, "Post an announcement to everyone (moderators)."),
    ("suspend <name> [30m, 12h or 7d] [reason]", _suspend,
        "Suspend an account (moderators), for that long or until restored."),
    ("redact-all <#room> <name> <30m, 12h or 7d> [reason]", _redact_all,
        "Delete everything that somebody has posted there in that time (moderators)."),
    ("restore <name>", messages.RestoreUser,
        "Lift the suspension of an account (moderators).", "{user} may log in again"),
    ("disconnect <name> [reason]", messages.DisconnectUser,
        "End all sessions of somebody, who may connect again (moderators).",
        "{user} is disconnected"),
    ("server-kick <name, pattern or address> [30m, 12h or 7d] [reason]", _server_kick,
        "End somebody's sessions (moderators), and keep name and address out for a while."),
    ("server-ban <name, pattern or address> [30m, 12h or 7d] [reason]", messages.BanUsers,
        ("Ban somebody from the server (moderators), for that long or until unbanned; an "
         "address may be a block of them, as 192.0.2.0/24, and a pattern has * for anything."),
        "{who} is banned from the server"),
    ("server-unban <name, pattern or address>", messages.UnbanUsers,
        "Lift a server ban (moderators).", "{who} is banned no more"),
    ("server-bans", messages.ListUserBans, "List the server bans (moderators)."),
    ("standing <name> <account, moderator or operator>", messages.SetStanding,
        "Set the standing of an account in the cluster (operators).",
        "{user} has the standing {standing}"),
    ("audit [n]", messages.ReadAudit, "Show the newest records of the audit log (moderators)."),
)
# fmt: on
