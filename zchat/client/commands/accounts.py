"""What one can do to one's own account by a line, and what an operator can do to others."""

from typing import Final

from zchat.client.commands.actions import (
    PLACE,
    REASON,
    USER,
    Action,
    Arguments,
    Ask,
    CommandLine,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    Mistake,
    Parameter,
    RemoveSaid,
    Report,
    Send,
    Suspend,
    quoted,
    rest,
    word,
)
from zchat.client.commands.questions import NEW_PASSWORD, Question
from zchat.client.core.checks import InvalidRequest, checked, room_name, short_text, user_name
from zchat.protocol import limits
from zchat.protocol.messages import (
    Announce,
    BanUsers,
    BlockUser,
    ChangePassword,
    CreateAppToken,
    DeleteAccount,
    DisableTotp,
    DisconnectUser,
    KickUsers,
    ListBlocked,
    ListDevices,
    ListUserBans,
    ReadAudit,
    Register,
    ReportMessage,
    Request,
    RestoreUser,
    RevokeDevice,
    Scope,
    SetStanding,
    Standing,
    SuspendUser,
    UnbanUsers,
    UnblockUser,
    room_log,
)

REPORT_BACK_MAX: Final = 100
AUDIT_RECORDS: Final = 20
"""How many `:audit` shows when no number is given."""

_OLD: Final = Question("Password: ")
_NEEDS_TERMINAL: Final = "it asks for a password, and there is no terminal to ask on"


# --- One's own account ----------------------------------------------------------------------------


def _register(password: str) -> Action | Request:
    # A password may hold spaces.
    return Register(password=password) if password else ASK_TO_REGISTER


ASK_TO_REGISTER: Final = Ask(
    NEW_PASSWORD,
    lambda answers: Send(checked(Register(password=answers[-1]))),
    "without a terminal: :register <password>",
    Register,
)


def _change_password(answers: list[str]) -> Action:
    request = checked(ChangePassword(password=answers[0], new_password=answers[-1]))
    return Send(request, "the password is changed; all other clients are logged out")


def _password() -> Action:
    questions = (Question("Old password: "), *NEW_PASSWORD)
    return Ask(questions, _change_password, _NEEDS_TERMINAL, ChangePassword)


def _log_out(where: str) -> Action:
    if where not in ("", "everywhere"):
        raise InvalidRequest(f"{quoted(where)} is not everywhere")
    return LogOutDevice(everywhere=bool(where))


def _totp(turned: str) -> Action:
    match turned:
        case "on":
            return EnrolTotp()
        case "off":
            return Ask((_OLD,), _disable_totp, _NEEDS_TERMINAL, DisableTotp)
        case _:
            # Not repeated: it may be a code.
            raise InvalidRequest("takes on or off")


def _disable_totp(answers: list[str]) -> Action:
    request = checked(DisableTotp(password=answers[0]))
    return Send(request, "a password needs no code any more")


def _app_token(name: str, scopes: str, rooms: str) -> Action:
    try:
        given = [Scope(scope) for scope in scopes.lower().split(",")]
    except ValueError:
        raise InvalidRequest(f"{quoted(scopes)} is not read, post, or read,post") from None
    # Checked now, although there is no token yet.
    nothing = bytes(limits.DIGEST_BYTES)
    request = checked(CreateAppToken(digest=nothing, name=name, scopes=given, rooms=rooms.split()))
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
    return Report(log, back, checked(ReportMessage(log=log, sequence=0, reason=reason)).reason)


def _delete_account() -> Action:
    questions = (_OLD, Question("Your name, if you mean it: ", secret=False))
    return Ask(questions, _end_account, _NEEDS_TERMINAL, DeleteAccount, _WHAT_STAYS)


_WHAT_STAYS: Final = (
    "what you have said stays, under your name, which nobody else can take; "
    "your password, devices, app tokens and memberships are removed for good"
)


def _end_account(answers: list[str]) -> Action:
    password, name = answers
    try:
        return EndAccount(user_name(name), checked(DeleteAccount(password=password)))
    except InvalidRequest:
        return Mistake("that is not your name; nothing was deleted")


# --- For operators and moderators -----------------------------------------------------------------


def _suspend(user: str, for_s: int | None, reason: str) -> Action:
    request = checked(SuspendUser(user=user, reason=reason))
    return Suspend(request.user, for_s, request.reason)


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
    request = checked(KickUsers(who=who, for_s=for_s or limits.KICK_S, reason=reason))
    span = f"{request.for_s // 60:,} min"
    return Send(request, f"{request.who} is put out of the server, and kept out for {span}")


def _standing(user: str, standing: str) -> Action:
    choices = [standing for standing in Standing if standing is not Standing.GUEST]
    if standing.lower() not in choices:
        raise InvalidRequest(f"{quoted(standing)} is not one of {', '.join(choices)}")
    request = checked(SetStanding(user=user, standing=Standing(standing.lower())))
    return Send(request, f"{request.user} has the standing {request.standing}")


_DEVICE: Final = "the number of a device"
_WHO: Final = word("who", "<name, pattern or address>", "an address, a name or a pattern")
_WHO_IS_HERE: Final = _WHO._replace(completes="user")
_TIME: Final = Parameter("for_s", "[30m, 12h or 7d]", "a time", Arguments.time)

ACCOUNT_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine(
        "register",
        (rest("password", "[password]"),),
        f"Register your name, with a password of {limits.PASSWORD_CHARS_MIN} or more characters; "
        "it is asked for if not given.",
        _register,
    ),
    CommandLine(
        "password", (), "Change your password; the old and the new one are asked for.", _password
    ),
    CommandLine(
        "devices",
        (),
        "List the devices and app tokens that log in without a password.",
        ListDevices,
    ),
    CommandLine(
        "revoke",
        (Parameter("device", "<number>", _DEVICE, lambda line: line.number(_DEVICE)),),
        "Revoke a device or app token, and end its session.",
        RevokeDevice,
        "device {device} is forgotten",
    ),
    CommandLine(
        "logout",
        (rest("where", "[everywhere]"),),
        "Log out and forget this device, or every device and app token.",
        _log_out,
    ),
    CommandLine(
        "totp",
        (word("turned", "<on or off>", "on or off"),),
        "Turn one-time codes (two-factor login) on or off.",
        _totp,
    ),
    CommandLine(
        "apptoken",
        (
            word("name", "<name>", "the name of the bot"),
            word("scopes", "<read,post>", "read or post"),
            rest("rooms", "[room ...]"),
        ),
        "Create a token for a bot that may read, post, or both, everywhere or only in these rooms.",
        _app_token,
    ),
    CommandLine(
        "block",
        (USER,),
        "Block private messages from somebody.",
        BlockUser,
        "{user} can send you nothing in private any more",
    ),
    CommandLine(
        "unblock", (USER,), "Unblock somebody.", UnblockUser, "{user} can write to you again"
    ),
    CommandLine("blocked", (), "List whom you have blocked.", ListBlocked),
    CommandLine(
        "report",
        (PLACE, Parameter("given", "[n] <reason>", "the reason", _back_and_reason)),
        "Report the last message of others there, or the n-th last, to the operators.",
        _report,
    ),
    CommandLine("delete-account", (), "Delete your account for good.", _delete_account),
    CommandLine(
        "announce",
        (rest("text", "<text>", "the announcement"),),
        "Post an announcement to everyone (moderators).",
        Announce,
    ),
    CommandLine(
        "suspend",
        (USER, _TIME, REASON),
        "Suspend an account (moderators), for that long or until restored.",
        _suspend,
    ),
    CommandLine(
        "redact-all",
        (
            word("room", "<#room>", "the #room", "room"),
            USER,
            Parameter("far_back", "<30m, 12h or 7d>", "how far back", _far_back),
            REASON,
        ),
        "Delete everything that somebody has posted there in that time (moderators).",
        _redact_all,
    ),
    CommandLine(
        "restore",
        (USER,),
        "Lift the suspension of an account (moderators).",
        RestoreUser,
        "{user} may log in again",
    ),
    CommandLine(
        "disconnect",
        (USER, REASON),
        "End all sessions of somebody, who may connect again (moderators).",
        DisconnectUser,
        "{user} is disconnected",
    ),
    CommandLine(
        "server-kick",
        (_WHO_IS_HERE, _TIME, REASON),
        "End somebody's sessions (moderators), and keep name and address out for a while.",
        _server_kick,
    ),
    CommandLine(
        "server-ban",
        (_WHO_IS_HERE, _TIME, REASON),
        "Ban somebody from the server (moderators), for that long or until unbanned; an "
        "address may be a block of them, as 192.0.2.0/24, and a pattern has * for anything.",
        BanUsers,
        "{who} is banned from the server",
    ),
    CommandLine(
        "server-unban",
        (_WHO,),
        "Lift a server ban (moderators).",
        UnbanUsers,
        "{who} is banned no more",
    ),
    CommandLine("server-bans", (), "List the server bans (moderators).", ListUserBans),
    CommandLine(
        "standing",
        (USER, rest("standing", "<account, moderator or operator>", "the standing")),
        "Set the standing of an account in the cluster (operators).",
        _standing,
    ),
    CommandLine(
        "audit",
        (
            Parameter(
                "limit",
                "[n]",
                "a number of records",
                lambda line: line.number("a number of records", AUDIT_RECORDS),
            ),
        ),
        "Show the newest records of the audit log (moderators).",
        ReadAudit,
    ),
)
