"""What one can do to one's own account by a line."""

from typing import Final

from zchat.client.commands.actions import (
    Action,
    Ask,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    Mistake,
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
    quoted,
    rest,
    word,
)
from zchat.client.core.checks import InvalidRequest, checked, user_name
from zchat.protocol import limits, messages
from zchat.protocol.messages import Request, Scope

REPORT_BACK_MAX: Final = 100

_OLD: Final = Question("Password: ")
_NEEDS_TERMINAL: Final = "it asks for a password, and there is no terminal to ask on"


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
)
# fmt: on
