"""What one can do to one's own account by a line, and what an operator can do to others."""

from typing import Final

from zchat.client.commands.actions import (
    Action,
    Ask,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    Mistake,
    RemoveSaid,
    Report,
    Send,
)
from zchat.client.commands.questions import NEW_PASSWORD, Question
from zchat.client.commands.usage import (
    KINDS,
    Arguments,
    Kind,
    commands,
    flag,
    number,
    quoted,
    rest,
    word,
)
from zchat.client.core.checks import InvalidRequest, checked, room_name, short_text, user_name
from zchat.protocol import limits, messages
from zchat.protocol.messages import Request, Scope, Standing, room_log

REPORT_BACK_MAX: Final = 100
AUDIT_RECORDS: Final = 20
"""How many `:audit` shows when no number is given."""

_OLD: Final = Question("Password: ")
_NEEDS_TERMINAL: Final = "it asks for a password, and there is no terminal to ask on"


# --- One's own account ----------------------------------------------------------------------------


def _register(password: str) -> Action | Request:
    # A password may hold spaces.
    return messages.Register(password=password) if password else ASK_TO_REGISTER


ASK_TO_REGISTER: Final = Ask(
    NEW_PASSWORD,
    lambda answers: Send(checked(messages.Register(password=answers[-1]))),
    "without a terminal: :register <password>",
    messages.Register,
)


def _change_password(answers: list[str]) -> Action:
    request = checked(messages.ChangePassword(password=answers[0], new_password=answers[-1]))
    return Send(request, "the password is changed; all other clients are logged out")


def _password() -> Action:
    questions = (Question("Old password: "), *NEW_PASSWORD)
    return Ask(questions, _change_password, _NEEDS_TERMINAL, messages.ChangePassword)


def _totp(turned: str) -> Action:
    match turned:
        case "on":
            return EnrolTotp()
        case "off":
            return Ask((_OLD,), _disable_totp, _NEEDS_TERMINAL, messages.DisableTotp)
        case _:
            # Not repeated: it may be a code.
            raise InvalidRequest("takes on or off")


def _disable_totp(answers: list[str]) -> Action:
    request = checked(messages.DisableTotp(password=answers[0]))
    return Send(request, "a password needs no code any more")


def _app_token(name: str, scopes: str, rooms: str) -> Action:
    try:
        given = [Scope(scope) for scope in scopes.lower().split(",")]
    except ValueError:
        raise InvalidRequest(f"{quoted(scopes)} is not read, post, or read,post") from None
    # Checked now, although there is no token yet.
    nothing = bytes(limits.DIGEST_BYTES)
    request = checked(
        messages.CreateAppToken(digest=nothing, name=name, scopes=given, rooms=rooms.split())
    )
    return MakeAppToken(request.name, tuple(request.scopes), tuple(request.rooms))


def _back_and_reason(line: Arguments) -> tuple[int, str]:
    first, *others = line.rest("the reason").split(maxsplit=1)
    if not first.isdecimal():
        return 1, " ".join([first, *others])
    back = Arguments(first).number("a number of messages")
    if not others:
        raise InvalidRequest("the reason is missing")
    if not 1 <= back <= REPORT_BACK_MAX:
        raise InvalidRequest(f"counts back from 1, the last message, to {REPORT_BACK_MAX}")
    return back, others[0]


def _report(log: str, given: tuple[int, str]) -> Action:
    back, reason = given
    # Checked now, although the sequence is not known yet.
    return Report(
        log, back, checked(messages.ReportMessage(log=log, sequence=0, reason=reason)).reason
    )


def _delete_account() -> Action:
    questions = (_OLD, Question("Your name, if you mean it: ", secret=False))
    return Ask(questions, _end_account, _NEEDS_TERMINAL, messages.DeleteAccount, _WHAT_STAYS)


_WHAT_STAYS: Final = (
    "what you have said stays, under your name, which nobody else can take; "
    "your password, devices, app tokens and memberships are removed for good"
)


def _end_account(answers: list[str]) -> Action:
    password, name = answers
    try:
        return EndAccount(user_name(name), checked(messages.DeleteAccount(password=password)))
    except InvalidRequest:
        return Mistake("that is not your name; nothing was deleted")


# --- For operators and moderators -----------------------------------------------------------------


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


# --- The table ------------------------------------------------------------------------------------

_DEVICE: Final = "the number of a device"

# A command is a row of one look, which the formatter would spread over five lines.
# fmt: off
ACCOUNT_COMMANDS: Final = commands(
    {
        **KINDS,
        "[password]": rest("password"),
        "<number>": Kind("device", _DEVICE, lambda line: line.number(_DEVICE)),
        "[everywhere]": flag("everywhere", "everywhere", "{} is not everywhere"),
        "<on or off>": word("turned", "on or off"),
        "<bot>": word("name", "the name of the bot"),
        "<read,post>": word("scopes", "read or post"),
        "[room ...]": rest("rooms"),
        "[n] <reason>": Kind("given", "the reason", _back_and_reason),
        "<text>": rest("text", "the announcement"),
        "<#room>": word("room", "the #room", "room"),
        "<30m, 12h or 7d>": Kind("far_back", "how far back", _far_back),
        "<name, pattern or address>": word("who", "an address, a name or a pattern", "user"),
        "<account, moderator or operator>": Kind("standing", "the standing", _standing),
        "[n]": number("limit", "a number of records", AUDIT_RECORDS),
    },
    ("register [password]", _register,
        (f"Register your name, with a password of {limits.PASSWORD_CHARS_MIN} or more characters; "
         "it is asked for if not given.")),
    ("password", _password, "Change your password; the old and the new one are asked for."),
    ("devices", messages.ListDevices,
        "List the devices and app tokens that log in without a password."),
    ("revoke <number>", messages.RevokeDevice,
        "Revoke a device or app token, and end its session.", "device {device} is forgotten"),
    ("logout [everywhere]", LogOutDevice,
        "Log out and forget this device, or every device and app token."),
    ("totp <on or off>", _totp, "Turn one-time codes (two-factor login) on or off."),
    ("apptoken <bot> <read,post> [room ...]", _app_token,
        ("Create a token for a bot that may read, post, or both, everywhere or only in these "
         "rooms.")),
    ("block <name>", messages.BlockUser,
        "Block private messages from somebody.", "{user} can send you nothing in private any more"),
    ("unblock <name>", messages.UnblockUser, "Unblock somebody.", "{user} can write to you again"),
    ("blocked", messages.ListBlocked, "List whom you have blocked."),
    ("report <#room or @name> [n] <reason>", _report,
        "Report the last message of others there, or the n-th last, to the operators."),
    ("delete-account", _delete_account, "Delete your account for good."),
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
