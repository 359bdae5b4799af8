"""What moderators and operators of the cluster do, and may ask, as users who are logged in.

What only `zchat-admin` says, at the console, is in `zchat/protocol/operators.py`.
"""

from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages.base import (
    BanSeconds,
    Command,
    Digest,
    Message,
    Milliseconds,
    Name,
    Reason,
    Request,
    RequestId,
    Standing,
    Target,
    TargetText,
    Text,
)

# --- What happened: the bodies of entries ---------------------------------------------------------


class Announced(Message, frozen=True):
    """In the lobby: a word of the operator to everyone."""

    text: str


# --- Commands -------------------------------------------------------------------------------------


class Announce(Command):
    """A word of an operator to everyone, in the lobby."""

    text: Text


class CreateInvitation(Command):
    """`digest` is that of the code, made by whoever invites; it works once, until `expires_ms`."""

    digest: Digest
    expires_ms: Milliseconds
    note: Reason = ""


class RevokeInvitation(Command):
    """The code makes no account any more; accounts that were made stay."""

    digest: Digest


class DisconnectUser(Command):
    """Ends all sessions of the user, who may connect again."""

    user: Name
    reason: Reason = ""


class SuspendUser(Command):
    """Ends all sessions of the account, and lets it in no more until then, or until restored."""

    user: Name
    reason: Reason = ""
    until_ms: Milliseconds | None = None


class RestoreUser(Command):
    """Ends a suspension."""

    user: Name


class BanUsers(Command):
    """Keeps whoever `who` means out of the server, and ends their sessions at once.

    For `for_s` seconds, or for ever. `guests`: only guests, and who would make an account.
    Operators and moderators of the cluster are never kept out. What would hit whoever asks, an
    address of the server's own, or a good part of everybody is done only with `force`, and for
    operators.
    """

    who: Target
    reason: Reason = ""
    for_s: BanSeconds | None = None
    guests: bool = False
    force: bool = False


class UnbanUsers(Command):
    """Lifts the bans of exactly this `who`."""

    who: Target


class KickUsers(Command):
    """Ends all sessions of whoever `who` means, and keeps them out for so long.

    Of a guest the name is kept out, and the address for guests; of an account the name. With
    `names_only` no address is kept out that `who` does not say.
    """

    who: Target
    reason: Reason = ""
    for_s: BanSeconds = limits.KICK_S
    names_only: bool = False
    force: bool = False


class SetStanding(Command):
    """Makes an account an operator or moderator of the cluster, or a plain account again."""

    user: Name
    standing: Standing


# --- Queries and what is told ---------------------------------------------------------------------


class ListUserBans(Request):
    """Who is kept out of the server; those that come after `after`. Answered with `UserBanList`."""

    after: TargetText = ""


class UserBan(Message, frozen=True):
    """`until_ms` is None for a ban without an end."""

    who: str
    reason: str
    by: str
    at_ms: Milliseconds
    until_ms: Milliseconds | None = None
    guests: bool = False


class UserBanList(Message, frozen=True):
    """By `who`; `more` says that there are others after the last one."""

    id: RequestId
    bans: list[UserBan]
    more: bool = False


class ReadAudit(Request):
    """The newest `limit` records of what operators, moderators and owners have done.

    With `before_ms`, those before that time. Answered with `AuditList`.
    """

    limit: Annotated[int, Meta(ge=1, le=limits.AUDIT_RECORDS_MAX)] = 50
    before_ms: Milliseconds | None = None


class AuditRecord(Message, frozen=True):
    """Who did what, to whom, where, why and when. `action` is the kind of the command."""

    at_ms: Milliseconds
    actor: str
    action: str
    subject: str = ""
    room: str = ""
    reason: str = ""


class AuditList(Message, frozen=True):
    """Newest first."""

    id: RequestId
    records: list[AuditRecord]
