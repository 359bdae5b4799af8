"""Requests about accounts as the application words them, like those of `drafts`."""

from collections.abc import Sequence

from zchat.client.sdk.drafts import (
    NO_NONCE,
    UNNUMBERED,
    InvalidRequest,
    log_name,
    new_password,
    password,
    room_name,
    sayable,
    short_text,
    single_line,
    user_name,
    whole,
)
from zchat.protocol import limits
from zchat.protocol.messages import (
    Announce,
    BanUsers,
    BlockUser,
    ChangePassword,
    CreateAppToken,
    CreateInvitation,
    DeleteAccount,
    DisableTotp,
    DisconnectUser,
    EnableTotp,
    KickUsers,
    ListBlocked,
    ListDevices,
    ListUserBans,
    LogOutEverywhere,
    ReadAudit,
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    Scope,
    SetStanding,
    Standing,
    SuspendUser,
    UnbanUsers,
    UnblockUser,
)
from zchat.protocol.rules.targets import InvalidTarget, target_of

# --- One's own account ----------------------------------------------------------------------------


def change_password(old: str, new: str) -> ChangePassword:
    return ChangePassword(
        id=UNNUMBERED, nonce=NO_NONCE, password=password(old), new_password=new_password(new)
    )


def log_out_everywhere() -> LogOutEverywhere:
    return LogOutEverywhere(id=UNNUMBERED, nonce=NO_NONCE)


def delete_account(with_password: str) -> DeleteAccount:
    return DeleteAccount(id=UNNUMBERED, nonce=NO_NONCE, password=password(with_password))


def devices() -> ListDevices:
    return ListDevices(id=UNNUMBERED)


def revoke_device(device: int) -> RevokeDevice:
    """`device` is its number in the `DeviceList`."""
    if not 0 <= whole(device, "a number of a device") <= limits.INTEGER_MAX:
        raise InvalidRequest("a device has a number, which :devices shows")
    return RevokeDevice(id=UNNUMBERED, nonce=NO_NONCE, device=device)


def app_token(
    digest: bytes, name: str, scopes: Sequence[Scope], rooms: Sequence[str] = ()
) -> CreateAppToken:
    """`digest` is the SHA-256 of the token."""
    if len(rooms) > limits.APP_TOKEN_ROOMS_MAX:
        raise InvalidRequest(f"an app token is for at most {limits.APP_TOKEN_ROOMS_MAX} rooms")
    if not scopes:
        raise InvalidRequest("an app token without a scope can do nothing; give read, post or both")
    return CreateAppToken(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        digest=digest,
        name=device_name(name),
        scopes=list(dict.fromkeys(scopes)),
        rooms=list(dict.fromkeys(map(room_name, rooms))),
    )


def enable_totp(
    secret: bytes, code: str, with_password: str, recovery: Sequence[bytes] = ()
) -> EnableTotp:
    """`recovery` are the SHA-256 of the recovery codes."""
    return EnableTotp(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        secret=secret,
        code=one_time_code(code),
        password=password(with_password),
        recovery=list(recovery),
    )


def disable_totp(with_password: str) -> DisableTotp:
    return DisableTotp(id=UNNUMBERED, nonce=NO_NONCE, password=password(with_password))


def block(user: str) -> BlockUser:
    return BlockUser(id=UNNUMBERED, nonce=NO_NONCE, user=user_name(user))


def unblock(user: str) -> UnblockUser:
    return UnblockUser(id=UNNUMBERED, nonce=NO_NONCE, user=user_name(user))


def blocked() -> ListBlocked:
    return ListBlocked(id=UNNUMBERED)


def report(log: str, sequence: int, reason: str) -> ReportMessage:
    """The entry `sequence` of `#room`, or of one's own inbox, `@name`."""
    return ReportMessage(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        log=log_name(log),
        sequence=sequence,
        reason=short_text(reason),
    )


# --- What operators and moderators do -------------------------------------------------------------


def announce(text: str) -> Announce:
    return Announce(id=UNNUMBERED, nonce=NO_NONCE, text=sayable(text))


def suspend(user: str, reason: str = "", until_ms: int | None = None) -> SuspendUser:
    return SuspendUser(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        user=user_name(user),
        reason=short_text(reason),
        until_ms=until_ms,
    )


def restore(user: str) -> RestoreUser:
    return RestoreUser(id=UNNUMBERED, nonce=NO_NONCE, user=user_name(user))


def disconnect(user: str, reason: str = "") -> DisconnectUser:
    return DisconnectUser(
        id=UNNUMBERED, nonce=NO_NONCE, user=user_name(user), reason=short_text(reason)
    )


def server_ban(
    who: str, reason: str = "", for_s: int | None = None, *, guests: bool = False
) -> BanUsers:
    """`who` is an address, a block of them, a name or a pattern; for ever if it is not said."""
    return BanUsers(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        who=target(who),
        reason=short_text(reason),
        for_s=ban_s(for_s),
        guests=guests,
    )


def server_unban(who: str) -> UnbanUsers:
    return UnbanUsers(id=UNNUMBERED, nonce=NO_NONCE, who=target(who))


def server_kick(who: str, reason: str = "", for_s: int = limits.KICK_S) -> KickUsers:
    seconds = ban_s(for_s) or limits.KICK_S
    return KickUsers(
        id=UNNUMBERED, nonce=NO_NONCE, who=target(who), reason=short_text(reason), for_s=seconds
    )


def server_bans(after: str = "") -> ListUserBans:
    return ListUserBans(id=UNNUMBERED, after=after)


def set_standing(user: str, standing: Standing) -> SetStanding:
    return SetStanding(id=UNNUMBERED, nonce=NO_NONCE, user=user_name(user), standing=standing)


def create_invitation(digest: bytes, expires_ms: int, note: str = "") -> CreateInvitation:
    """`digest` is the SHA-256 of the code."""
    return CreateInvitation(
        id=UNNUMBERED, nonce=NO_NONCE, digest=digest, expires_ms=expires_ms, note=short_text(note)
    )


def revoke_invitation(digest: bytes) -> RevokeInvitation:
    return RevokeInvitation(id=UNNUMBERED, nonce=NO_NONCE, digest=digest)


def audit(limit: int = 50, before_ms: int | None = None) -> ReadAudit:
    if not 1 <= whole(limit, "a number of records") <= limits.AUDIT_RECORDS_MAX:
        raise InvalidRequest(f"1 to {limits.AUDIT_RECORDS_MAX} records can be read at once")
    return ReadAudit(id=UNNUMBERED, limit=limit, before_ms=before_ms)


def target(who: str) -> str:
    """An address, a block of them, a name or a pattern, in its one spelling."""
    try:
        return target_of(who).text
    except InvalidTarget as error:
        raise InvalidRequest(str(error)) from None


def ban_s(for_s: int | None) -> int | None:
    if for_s is not None and not 1 <= for_s <= limits.BAN_S_MAX:
        raise InvalidRequest("a ban lasts from a second to ten years, or for ever")
    return for_s


# --- Words ----------------------------------------------------------------------------------------


def device_name(text: str) -> str:
    name = single_line(text)
    if not name or len(name) > limits.DEVICE_NAME_CHARS_MAX:
        raise InvalidRequest(
            f"the name of a device has 1 to {limits.DEVICE_NAME_CHARS_MAX} characters"
        )
    return name


def token(secret: bytes) -> bytes:
    """A token that can be sent. Its bytes are in no error."""
    if not isinstance(secret, bytes):
        raise InvalidRequest(
            "a token is bytes, which zchat.client.core.tokens.from_text makes of text"
        )
    if len(secret) != limits.TOKEN_BYTES:
        raise InvalidRequest(f"a token has {limits.TOKEN_BYTES} bytes; this one has {len(secret)}")
    return secret


def one_time_code(text: str) -> str:
    """As people copy it, with spaces. Its text is in no error."""
    code = "".join(single_line(text).split())
    if not code or len(code) > limits.ONE_TIME_CODE_CHARS_MAX:
        raise InvalidRequest(f"a code has 1 to {limits.ONE_TIME_CODE_CHARS_MAX} characters")
    return code


def invitation_code(text: str) -> str:
    code = single_line(text)
    if not code or len(code) > limits.INVITATION_CHARS_MAX:
        raise InvalidRequest(f"an invitation has 1 to {limits.INVITATION_CHARS_MAX} characters")
    return code
