"""What one can do to one's own account by a line, and what an operator can do to others."""

import re
from typing import Final

from zchat.client.commands.actions import (
    Action,
    Arguments,
    Ask,
    CommandLine,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    Mistake,
    RemoveSaid,
    Report,
    Send,
    Suspend,
    quoted,
)
from zchat.client.sdk import account_drafts, drafts
from zchat.client.sdk.drafts import InvalidRequest
from zchat.client.text.questions import NEW_PASSWORD, Question
from zchat.protocol import limits
from zchat.protocol.messages import (
    ChangePassword,
    DeleteAccount,
    DisableTotp,
    Register,
    Scope,
    Standing,
    room_log,
)

REPORT_BACK_MAX: Final = 100
AUDIT_RECORDS: Final = 20
"""How many `:audit` shows when no number is given."""
SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400}

_OLD: Final = Question("Password: ")
_NEEDS_TERMINAL: Final = "it asks for a password, and there is no terminal to ask on"


# --- One's own account ----------------------------------------------------------------------------


def _register(answers: list[str]) -> Action:
    return Send(drafts.register(answers[-1]))


ASK_TO_REGISTER: Final = Ask(
    NEW_PASSWORD, _register, "without a terminal: :register <password>", Register
)


def _change_password(answers: list[str]) -> Action:
    request = account_drafts.change_password(answers[0], answers[-1])
    return Send(request, "the password is changed; all other clients are logged out")


def _password(arguments: Arguments) -> Action:
    arguments.none()
    return Ask(
        (Question("Old password: "), *NEW_PASSWORD),
        _change_password,
        _NEEDS_TERMINAL,
        ChangePassword,
    )


def _devices(arguments: Arguments) -> Action:
    arguments.none()
    return Send(account_drafts.devices())


def _revoke(arguments: Arguments) -> Action:
    number = _number(arguments.one("the number of a device"), "the number of a device")
    return Send(account_drafts.revoke_device(number), f"device {number} is forgotten")


def _log_out(arguments: Arguments) -> Action:
    if arguments.text and arguments.text != "everywhere":
        raise InvalidRequest(f"{quoted(arguments.text)} is not everywhere")
    return LogOutDevice(everywhere=bool(arguments.text))


def _totp(arguments: Arguments) -> Action:
    match arguments.one("on or off"):
        case "on":
            return EnrolTotp()
        case "off":
            return Ask((_OLD,), _disable_totp, _NEEDS_TERMINAL, DisableTotp)
        case _:
            # Not repeated: it may be a code.
            raise InvalidRequest("takes on or off")


def _disable_totp(answers: list[str]) -> Action:
    return Send(account_drafts.disable_totp(*answers), "a password needs no code any more")


def _app_token(arguments: Arguments) -> Action:
    name, rest = arguments.word_and_text("the name of the bot", "read or post")
    first, *rooms = rest.split()
    try:
        scopes = tuple(dict.fromkeys(Scope(word) for word in first.lower().split(",")))
    except ValueError:
        raise InvalidRequest(f"{quoted(first)} is not read, post, or read,post") from None
    # Checked now, although there is no token yet.
    request = account_drafts.app_token(bytes(limits.DIGEST_BYTES), name, scopes, rooms)
    return MakeAppToken(request.name, scopes, tuple(request.rooms))


def _block(arguments: Arguments) -> Action:
    request = account_drafts.block(arguments.one("the user name"))
    return Send(request, f"{request.user} can send you nothing in private any more")


def _unblock(arguments: Arguments) -> Action:
    request = account_drafts.unblock(arguments.one("the user name"))
    return Send(request, f"{request.user} can write to you again")


def _blocked(arguments: Arguments) -> Action:
    arguments.none()
    return Send(account_drafts.blocked())


def _report(arguments: Arguments) -> Action:
    where, rest = arguments.word_and_text("the #room or @name", "the reason")
    log = drafts.log_name(drafts.log_of(where, arguments.rooms))
    first, *others = rest.split(maxsplit=1)
    back = 1
    if first.isdecimal():
        back = _number(first, "a number of messages")
        if not others:
            raise InvalidRequest("the reason is missing")
        rest = others[0]
    if not 1 <= back <= REPORT_BACK_MAX:
        raise InvalidRequest(f"counts back from 1, the last message, to {REPORT_BACK_MAX}")
    # Checked now, although the sequence is not known yet.
    return Report(log, back, account_drafts.report(log, 0, rest).reason)


def _delete_account(arguments: Arguments) -> Action:
    arguments.none()
    questions = (_OLD, Question("Your name, if you mean it: ", secret=False))
    return Ask(questions, _end_account, _NEEDS_TERMINAL, DeleteAccount, _WHAT_STAYS)


_WHAT_STAYS: Final = (
    "what you have said stays, under your name, which nobody else can take; "
    "your password, devices, app tokens and memberships are removed for good"
)


def _end_account(answers: list[str]) -> Action:
    password, name = answers
    try:
        return EndAccount(drafts.user_name(name), account_drafts.delete_account(password))
    except InvalidRequest:
        return Mistake("that is not your name; nothing was deleted")


# --- For operators and moderators -----------------------------------------------------------------


def _announce(arguments: Arguments) -> Action:
    if not arguments.text:
        raise InvalidRequest("the announcement is missing")
    return Send(account_drafts.announce(arguments.text))


def _suspend(arguments: Arguments) -> Action:
    user, reason = arguments.word_and_rest("the user name")
    seconds, reason = _time_and_reason(reason)
    request = account_drafts.suspend(user, reason)
    return Suspend(request.user, seconds, request.reason)


def _redact_all(arguments: Arguments) -> Action:
    room, rest = arguments.word_and_text("the #room", "the user name")
    user, rest = Arguments(rest, arguments.rooms).word_and_text("the user name", "how far back")
    span, *reason = rest.split(maxsplit=1)
    match = re.fullmatch(r"([0-9]{1,5})([mhd])", span)
    if match is None:
        raise InvalidRequest(f"{quoted(span)} is not how far back; give it as in 30m, 12h or 7d")
    seconds = int(match[1]) * SECONDS[match[2]]
    log = room_log(drafts.room_name(room))
    why = drafts.short_text("".join(reason))
    return RemoveSaid(log, drafts.user_name(user), seconds, span, why)


def _restore(arguments: Arguments) -> Action:
    request = account_drafts.restore(arguments.one("the user name"))
    return Send(request, f"{request.user} may log in again")


def _disconnect(arguments: Arguments) -> Action:
    request = account_drafts.disconnect(*arguments.word_and_rest("the user name"))
    return Send(request, f"{request.user} is disconnected")


def _server_ban(arguments: Arguments) -> Action:
    who, seconds, reason = _target_and_time(arguments)
    request = account_drafts.server_ban(who, reason, seconds)
    return Send(request, f"{request.who} is banned from the server")


def _server_kick(arguments: Arguments) -> Action:
    who, seconds, reason = _target_and_time(arguments)
    request = account_drafts.server_kick(who, reason, seconds or limits.KICK_S)
    span = f"{request.for_s // 60:,} min"
    return Send(request, f"{request.who} is put out of the server, and kept out for {span}")


def _target_and_time(arguments: Arguments) -> tuple[str, int | None, str]:
    who, reason = arguments.word_and_rest("an address, a name or a pattern")
    return (who, *_time_and_reason(reason))


def _time_and_reason(text: str) -> tuple[int | None, str]:
    if match := re.match(r"([0-9]{1,5})([mhd])(?:\s+|$)", text):
        return int(match[1]) * SECONDS[match[2]], text[match.end() :]
    return None, text


def _server_unban(arguments: Arguments) -> Action:
    request = account_drafts.server_unban(arguments.one("an address, a name or a pattern"))
    return Send(request, f"{request.who} is banned no more")


def _server_bans(arguments: Arguments) -> Action:
    arguments.none()
    return Send(account_drafts.server_bans())


def _standing(arguments: Arguments) -> Action:
    user, word = arguments.word_and_text("the user name", "the standing")
    choices = [standing for standing in Standing if standing is not Standing.GUEST]
    if word.lower() not in choices:
        raise InvalidRequest(f"{quoted(word)} is not one of {', '.join(choices)}")
    request = account_drafts.set_standing(user, Standing(word.lower()))
    return Send(request, f"{request.user} has the standing {request.standing}")


def _audit(arguments: Arguments) -> Action:
    if not arguments.text:
        return Send(account_drafts.audit(AUDIT_RECORDS))
    number = _number(arguments.one("a number of records"), "a number of records")
    return Send(account_drafts.audit(number))


def _number(word: str, what: str) -> int:
    if not word.isdecimal():
        raise InvalidRequest(f"{quoted(word)} is not {what}")
    # Of a longer one only that matters: that it is too large.
    return int(word[:20])


ACCOUNT_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine("password", "", "Change your password; asked for, the old and the new.", _password),
    CommandLine("devices", "", "The clients and app tokens that need no password.", _devices),
    CommandLine("revoke", "<number>", "Forget one of them, and end its session.", _revoke),
    CommandLine(
        "logout",
        "[everywhere]",
        "Goodbye, and forget this device, or every device and app token.",
        _log_out,
    ),
    CommandLine("totp", "<on or off>", "Whether a password needs a code of your phone.", _totp),
    CommandLine(
        "apptoken",
        "<name> <read,post> [room ...]",
        "A token for a bot, which may read, post, or both, everywhere or only in these rooms.",
        _app_token,
    ),
    CommandLine("block", "<name>", "No private messages from somebody any more.", _block, "user"),
    CommandLine("unblock", "<name>", "Let somebody write to you again.", _unblock, "user"),
    CommandLine("blocked", "", "Whom you have blocked.", _blocked),
    CommandLine(
        "report",
        "<#room or @name> [n] <reason>",
        "Show the operators the last message of others there, or the n-th last.",
        _report,
        "either",
    ),
    CommandLine("delete-account", "", "Remove your account for good.", _delete_account),
    CommandLine("announce", "<text>", "For moderators: say it to everyone.", _announce),
    CommandLine(
        "suspend",
        "<name> [30m, 12h or 7d] [reason]",
        "For moderators: keep an account out, for so long or until restored.",
        _suspend,
        "user",
    ),
    CommandLine(
        "redact-all",
        "<#room> <name> <30m, 12h or 7d> [reason]",
        "For moderators: delete all that somebody said there of late.",
        _redact_all,
        "room",
    ),
    CommandLine("restore", "<name>", "For moderators: let it in again.", _restore, "user"),
    CommandLine(
        "disconnect",
        "<name> [reason]",
        "For moderators: end all sessions of somebody, who may connect again.",
        _disconnect,
        "user",
    ),
    CommandLine(
        "server-kick",
        "<name, pattern or address> [30m, 12h or 7d] [reason]",
        "For moderators: put them out of the server; name and address are kept out for a while.",
        _server_kick,
        "user",
    ),
    CommandLine(
        "server-ban",
        "<name, pattern or address> [30m, 12h or 7d] [reason]",
        "For moderators: keep them out of the server, for so long or until unbanned; an address "
        "may be a block of them, as 192.0.2.0/24, and a pattern has * for anything.",
        _server_ban,
        "user",
    ),
    CommandLine(
        "server-unban", "<name, pattern or address>", "For moderators: let them in.", _server_unban
    ),
    CommandLine("server-bans", "", "For moderators: who is kept out of the server.", _server_bans),
    CommandLine(
        "standing",
        "<name> <account, moderator or operator>",
        "For operators: what somebody is in the cluster.",
        _standing,
        "user",
    ),
    CommandLine("audit", "[n]", "For moderators: what was done to whom, and why.", _audit),
)
