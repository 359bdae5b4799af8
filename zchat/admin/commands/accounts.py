"""Users and their accounts: `zchat-admin users`, `suspend`, `standing`, `invite`, `account`."""

import hashlib
import secrets
import time
from typing import Final

import click

from zchat.admin import times
from zchat.admin.commands.redaction import Found, Numbered, find, remove
from zchat.admin.output import (
    CommandGroup,
    admin_command,
    argument,
    as_json_option,
    counted,
    option,
    pattern,
    reason,
    reason_option,
    refuse,
    show,
    show_done,
    show_json,
    show_list,
    yes,
)
from zchat.admin.rpc import (
    REQUEST,
    Queries,
    ask_one,
    do,
    done_or_end,
    entries_of,
    fresh_nonce,
    open_commands,
    open_queries,
    read_all,
)
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import (
    CreateInvitation,
    Refused,
    RestoreUser,
    RevokeInvitation,
    SetStanding,
    Standing,
    SuspendUser,
    inbox_log,
)
from zchat.protocol.operators import (
    AccountInfo,
    AccountPage,
    EraseAccount,
    Erasure,
    FindMessages,
    ForgetName,
    ListAccounts,
    ListSessions,
    ReadErasure,
    RemoveAccount,
    ReplaceName,
    ResetPassword,
    ResetTotp,
    SessionInfo,
    SessionPage,
)
from zchat.protocol.rules.names import ERASED_PREFIX
from zchat.protocol.rules.partitions import room_addresses, service_addresses
from zchat.runtime.settings import Settings

_accounts: Decoder[AccountPage | Refused] = Decoder(AccountPage | Refused)  # type: ignore[arg-type]
_sessions: Decoder[SessionPage | Refused] = Decoder(SessionPage | Refused)  # type: ignore[arg-type]

# --- Who there is ---------------------------------------------------------------------------------


def _users(
    settings: Settings, user: str | None, only_online: bool, only_guests: bool, as_json: bool
) -> None:
    def after(last: str) -> ListAccounts:
        return ListAccounts(last, user or "", only_online, only_guests)

    def following(page: AccountPage) -> ListAccounts | None:
        return after(page.accounts[-1].name) if page.more and page.accounts else None

    pages = read_all(settings, [USER_SERVICE], after(""), _accounts, following)
    head = ("name", "standing", "online", "created", "registered", "suspended", "devices", "totp")
    show_list([i for page in pages for i in page.accounts], head, _account_row, as_json=as_json)


def _account_row(info: AccountInfo) -> tuple[str, ...]:
    return (
        info.name,
        info.standing,
        yes(info.online),
        times.utc(info.created_ms),
        "" if info.registered_ms is None else times.utc(info.registered_ms),
        _suspension(info),
        str(info.devices or ""),
        yes(info.totp),
    )


def _suspension(info: AccountInfo) -> str:
    if not info.suspended:
        return ""
    ends = "until restored" if info.until_ms is None else f"until {times.utc(info.until_ms)}"
    return f"{ends}: {info.reason}" if info.reason else ends


def _list_sessions(settings: Settings, user: str | None, as_json: bool) -> None:
    def after(last: str) -> ListSessions:
        return ListSessions(last, user or "")

    def following(page: SessionPage) -> ListSessions | None:
        return after(page.sessions[-1].user) if page.more and page.sessions else None

    pages = read_all(settings, [USER_SERVICE], after(""), _sessions, following)
    head = ("user", "gateway", "address", "since", "idle", "device")
    show_list([i for page in pages for i in page.sessions], head, _session_row, as_json=as_json)


def _session_row(info: SessionInfo) -> tuple[str, ...]:
    return (
        info.user,
        info.gateway,
        info.address,
        times.utc(info.since_ms),
        times.length(info.idle_ms),
        info.device,
    )


# --- Suspensions and standings --------------------------------------------------------------------

_STANDINGS: Final = [Standing.OPERATOR.value, Standing.MODERATOR.value, Standing.ACCOUNT.value]


def _suspend(
    settings: Settings,
    user: str,
    span: int | None,
    until: int | None,
    reason: str,
    as_json: bool,
) -> None:
    if span is not None and until is not None:
        raise click.UsageError("give --for or --until, and not both")
    until_ms = until if span is None else times.now_ms() + span
    if until_ms is not None and until_ms <= times.now_ms():
        raise click.UsageError("--until is over already; give a later time")
    ends = "until it is restored" if until_ms is None else f"until {times.utc(until_ms)}"
    command = SuspendUser(
        id=REQUEST, nonce=fresh_nonce(), user=user, reason=reason, until_ms=until_ms
    )
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    show_done(done, f"{user} is suspended {ends}", as_json=as_json)


def _restore(settings: Settings, user: str, as_json: bool) -> None:
    command = RestoreUser(id=REQUEST, nonce=fresh_nonce(), user=user)
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    show_done(done, f"{user} may log in again", as_json=as_json)


def _set_standing(settings: Settings, user: str, standing: str, as_json: bool) -> None:
    command = SetStanding(id=REQUEST, nonce=fresh_nonce(), user=user, standing=Standing(standing))
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    show_done(done, f"the standing of {user} is {standing}", as_json=as_json)


USERS = admin_command(
    "users",
    _users,
    "List accounts and guests; USER may have * and ? for anything.",
    argument("user", pattern, required=False),
    click.Option(["--online", "only_online"], is_flag=True, help="Only those who are here."),
    click.Option(["--guests", "only_guests"], is_flag=True, help="Only guests."),
    as_json_option(),
)
SESSIONS = admin_command(
    "sessions",
    _list_sessions,
    "List who is connected, and from where.",
    argument("user", pattern, required=False),
    as_json_option(),
)
SUSPEND = admin_command(
    "suspend",
    _suspend,
    "Log USER out, and let nobody in under that name, for a time or until restored.",
    argument("user"),
    option("--for span", "SPAN", "How long: 90m, 12h, 7d, 2w.", times.span_ms),
    option(
        "--until", "TIME", "Until when: 2026-05-04, or 2026-05-04T10:00, in UTC.", times.moment_ms
    ),
    reason_option(),
    as_json_option(),
)
RESTORE_USER = admin_command(
    "restore-user",
    _restore,
    "End the suspension of USER.",
    argument("user"),
    as_json_option(),
)
STANDING = admin_command(
    "standing",
    _set_standing,
    "Make USER an operator or moderator of the cluster, or a plain account again.",
    argument("user"),
    click.Argument(["standing"], type=click.Choice(_STANDINGS)),
    as_json_option(),
)


# --- Invitations: codes that let somebody make an account where that is not open to all -----------

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Nothing in it looks like something else (Crockford's base 32): 5 bits a character."""
_GROUPS: Final = 4
_GROUP_CHARS: Final = 4
_INVITED_FOR: Final = "7d"


def new_code() -> str:
    """80 random bits, to be read aloud."""
    groups = ("".join(map(secrets.choice, [_ALPHABET] * _GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest_of(code: str) -> bytes:
    """What the server is told of a code: who reads that cannot register with it."""
    return hashlib.sha256(code.encode()).digest()


def _invitation(text: str) -> str:
    clean = text.strip()
    if not clean or len(clean) > limits.INVITATION_CHARS_MAX:
        raise ValueError("no invitation; give the code as it was shown")
    return clean


def _invite(settings: Settings, revoke: str | None, expires: int, note: str, as_json: bool) -> None:
    if revoke is not None:
        command = RevokeInvitation(id=REQUEST, nonce=fresh_nonce(), digest=digest_of(revoke))
        done = do(settings, USER_SERVICE, command, as_json=as_json)
        show_done(done, "the invitation is worth nothing any more", as_json=as_json)
        return
    code = new_code()
    expires_ms = times.now_ms() + expires
    invitation = CreateInvitation(
        id=REQUEST, nonce=fresh_nonce(), digest=digest_of(code), expires_ms=expires_ms, note=note
    )
    do(settings, USER_SERVICE, invitation, as_json=as_json)
    if as_json:
        show_json({"code": code, "expires_ms": expires_ms, "note": note})
        return
    click.echo(code)
    click.echo(f"It works once, until {times.utc(expires_ms)}:", err=True)
    click.echo(f"zchat-client NAME --register --invitation {code}", err=True)


INVITE = admin_command(
    "invite",
    _invite,
    "Make a code with which one person can make an account. The code is shown once.",
    option("--expires", "SPAN", "How long it works: 12h, 7d, 2w.", times.span_ms, _INVITED_FOR),
    option("--note", "NOTE", "For whom; it stands in the audit.", reason, ""),
    option("--revoke", "CODE", "Make no code, but one that was made worth nothing.", _invitation),
    as_json_option(),
)


# --- Lost passwords and phones, and accounts that end ---------------------------------------------

_RESET_EXPIRES: Final = "24h"


def _reset_password(
    settings: Settings, name: str, expires: int, shut_out: bool, as_json: bool
) -> None:
    code = new_code()
    expires_ms = times.now_ms() + expires
    digest = digest_of(code)
    command = ResetPassword(REQUEST, fresh_nonce(), name, digest, expires_ms, shut_out)
    do(settings, USER_SERVICE, command, as_json=as_json)
    if as_json:
        show_json({"code": code, "expires_ms": expires_ms})
        return
    click.echo(code)
    until = times.utc(expires_ms)
    click.echo(f"It works once, until {until}, in the place of the password of {name}:", err=True)
    click.echo(f"zchat-client {name} asks for the password, and then for a new one", err=True)


def _reset_totp(settings: Settings, name: str, as_json: bool) -> None:
    done = do(settings, USER_SERVICE, ResetTotp(REQUEST, fresh_nonce(), name), as_json=as_json)
    show_done(done, f"the password of {name} needs no one-time code any more", as_json=as_json)


def _delete(settings: Settings, name: str, reason: str, yes: bool, as_json: bool) -> None:
    confirm(f"The account {name} cannot be brought back. Go on?", yes=yes)
    command = RemoveAccount(REQUEST, fresh_nonce(), name, reason)
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    said = f"{name} is deleted; what it has said stays, and its name, which nobody else gets"
    show_done(done, said, as_json=as_json)


def confirm(question: str, *, yes: bool) -> None:
    """Ends the program if it is not to go on."""
    if not yes and not click.confirm(question, err=True):
        refuse("nothing was changed")


def yes_option() -> click.Option:
    return click.Option(["--yes"], is_flag=True, help="Do not ask.")


ACCOUNT = CommandGroup("account", help="Lost passwords and phones, and accounts that go.")
ACCOUNT.add_command(
    admin_command(
        "reset-password",
        _reset_password,
        "Make a code with which NAME chooses a new password, once. The code is shown once.",
        argument("name"),
        option("--expires", "SPAN", "How long it works: 1h, 24h.", times.span_ms, _RESET_EXPIRES),
        click.Option(
            ["--shut-out"],
            is_flag=True,
            help="Also end all sessions now, forget all devices, and make the old password worth "
            "nothing: somebody else has got into the account.",
        ),
        as_json_option(),
    )
)
ACCOUNT.add_command(
    admin_command(
        "reset-totp",
        _reset_totp,
        "Have the password of NAME need no one-time code any more.",
        argument("name"),
        as_json_option(),
    )
)
ACCOUNT.add_command(
    admin_command(
        "delete",
        _delete,
        "End the account NAME. What it has said stays.",
        argument("name"),
        reason_option(),
        yes_option(),
        as_json_option(),
    )
)


# --- Erasing: an account goes, what it has said, and its name -------------------------------------
#
# Each step finds what is left to do, and changes nothing where all is done. So whatever is killed
# meanwhile, the same command goes on from there.

_erasures: Decoder[Erasure | Refused] = Decoder(Erasure | Refused)  # type: ignore[arg-type]

_PSEUDONYM_BYTES: Final = 4
"""A pseudonym that is taken is refused, and to say it again makes another one."""
_LOOK_AGAIN_S: Final = 0.5


def _erase(settings: Settings, name: str, yes: bool, as_json: bool) -> None:
    question = f"{name} and all that it has said cannot be brought back. Go on?"
    confirm(question, yes=yes)
    pseudonym = f"{ERASED_PREFIX}{secrets.token_hex(_PSEUDONYM_BYTES)}"
    begin = EraseAccount(REQUEST, fresh_nonce(), name, pseudonym)
    do(settings, USER_SERVICE, begin, as_json=as_json)
    with open_queries(settings) as asking:
        erasure = _ended(asking, name)
        _until_empty(asking, inbox_log(name))
    said = _without_inbox(find(settings, _services(settings), _query(erasure), [name]), name)
    remove(settings, said, "")
    named = _rename(settings, erasure)
    _forget(settings, erasure)
    messages, entries = said.authors.total(), named.authors.total()
    lines = [
        f"removed: {counted(messages, 'message')}",
        f"under the name {erasure.pseudonym} now: {counted(entries, 'entry', 'entries')}",
        f"{name} stands in the audit still, and all of it in older backups",
    ]
    value = {"done": True, "messages": messages, "entries": entries, "as": erasure.pseudonym}
    show(value, lines, as_json=as_json)


def _services(settings: Settings) -> list[str]:
    return service_addresses(settings.partitions)


def _query(erasure: Erasure) -> FindMessages:
    """What was said under the name before was said by somebody else."""
    return FindMessages([], erasure.since_ms)


def _ended(asking: Queries, name: str) -> Erasure:
    """Waits until all room-services know that the account is gone."""
    deadline = time.monotonic() + limits.SESSION_GRACE_S + limits.COMMAND_TIMEOUT_S
    while True:
        erasure = ask_one(asking, USER_SERVICE, ReadErasure(name), _erasures)
        if erasure.over:
            return erasure
        if time.monotonic() > deadline:
            refuse(f"{name} is still in rooms; is every service there? Say it again to go on")
        time.sleep(_LOOK_AGAIN_S)


def _until_empty(asking: Queries, log: str) -> None:
    """The inbox of a deleted account is emptied by and by."""
    while next(entries_of(asking, USER_SERVICE, log), None) is not None:
        time.sleep(_LOOK_AGAIN_S)


def _without_inbox(found: Found, name: str) -> Found:
    """The account's own inbox has been emptied, and is not to be looked through."""
    found.places.get(USER_SERVICE, {}).pop(inbox_log(name), None)
    return found


def _rename(settings: Settings, erasure: Erasure) -> Found:
    name, pseudonym = erasure.name, erasure.pseudonym
    query = FindMessages([], erasure.since_ms, named=True)
    found = _without_inbox(find(settings, _services(settings), query, [name]), name)
    numbered = Numbered()
    with open_commands(settings) as commands:
        for address, logs in found.places.items():
            for log, sequences in logs.items():
                ends = range(0, len(sequences), limits.REDACTED_MESSAGES_MAX)
                batches = [sequences[at : at + limits.REDACTED_MESSAGES_MAX] for at in ends]
                for some in batches:
                    # Who goes on after a kill finds a conversation only by its messages, so what
                    # else is in it is renamed with the last of them.
                    thread = address == USER_SERVICE and some is batches[-1]
                    command = ReplaceName(
                        *(REQUEST, numbered.next(), log, some, name, pseudonym), thread
                    )
                    done_or_end(commands.send(address, command))
    return found


def _forget(settings: Settings, erasure: Erasure) -> None:
    """Last of all the user-service: as long as it knows the name, all of this can go on."""
    numbered = Numbered()
    with open_commands(settings) as commands:
        for address in [*room_addresses(settings.partitions), USER_SERVICE]:
            command = ForgetName(REQUEST, numbered.next(), erasure.name, erasure.pseudonym)
            done_or_end(commands.send(address, command))


ACCOUNT.add_command(
    admin_command(
        "erase",
        _erase,
        "End the account NAME, remove all that it has said, and its name from what is left.",
        argument("name"),
        yes_option(),
        as_json_option(),
    )
)
