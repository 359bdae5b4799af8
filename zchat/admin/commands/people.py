"""`zchat-admin users`, `sessions`, `suspend`, `restore-user`, `standing`: users and standings."""

from typing import Final

import click

from zchat.admin import times
from zchat.admin.output import (
    REQUEST,
    admin_command,
    argument,
    as_json_option,
    do,
    fresh_nonce,
    option,
    pattern,
    reason_option,
    show_done,
    show_list,
    yes,
)
from zchat.admin.pages import read_all
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import (
    Refused,
    RestoreUser,
    SetStanding,
    Standing,
    SuspendUser,
)
from zchat.protocol.operators import (
    AccountInfo,
    AccountPage,
    ListAccounts,
    ListSessions,
    SessionInfo,
    SessionPage,
)
from zchat.runtime.settings import Settings

_accounts: Decoder[AccountPage | Refused] = Decoder(AccountPage | Refused)  # type: ignore[arg-type]
_sessions: Decoder[SessionPage | Refused] = Decoder(SessionPage | Refused)  # type: ignore[arg-type]

_STANDINGS: Final = [Standing.OPERATOR.value, Standing.MODERATOR.value, Standing.ACCOUNT.value]


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


# --- What is done to them -------------------------------------------------------------------------


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
