"""Every command and query that the user-service takes, by everyone who may send it."""

from typing import Any, get_args

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import UserQuery, UsersCommand
from zchat.protocol.messages import (
    AccountCommand,
    AddReaction,
    BanUsers,
    BlockUser,
    ChangePassword,
    CreateAppToken,
    CreateInvitation,
    DeleteAccount,
    DeleteMessage,
    DisableTotp,
    DisconnectUser,
    EditMessage,
    EnableTotp,
    KickUsers,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListUserBans,
    ListUsers,
    LogOutEverywhere,
    MarkRead,
    Message,
    Notify,
    Ping,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    Register,
    RemoveReaction,
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    SayTyping,
    Scope,
    SearchMessages,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    Standing,
    StartConversation,
    SuspendUser,
    UnbanUsers,
    UnblockUser,
)
from zchat.protocol.rules.permissions import PERMISSIONS

from .playbook import PASSWORD, Users

NONCE = b"n" * limits.NONCE_BYTES
DIGEST = b"d" * limits.DIGEST_BYTES
LATER_MS = 10**12

COMMANDS: list[Any] = [
    Register(id=1, nonce=NONCE, password=PASSWORD),
    ChangePassword(id=1, nonce=NONCE, password=PASSWORD, new_password="battery staple"),
    LogOutEverywhere(id=1, nonce=NONCE),
    DeleteAccount(id=1, nonce=NONCE, password=PASSWORD),
    RevokeDevice(id=1, nonce=NONCE, device=1),
    CreateAppToken(id=1, nonce=NONCE, digest=DIGEST, name="bot", scopes=[Scope.READ]),
    EnableTotp(
        id=1, nonce=NONCE, secret=b"s" * limits.TOTP_SECRET_BYTES, code="123456", password=PASSWORD
    ),
    DisableTotp(id=1, nonce=NONCE, password=PASSWORD),
    BlockUser(id=1, nonce=NONCE, user="other"),
    UnblockUser(id=1, nonce=NONCE, user="other"),
    SendPrivate(id=1, nonce=NONCE, to="other", text="hello"),
    CreateInvitation(id=1, nonce=NONCE, digest=DIGEST, expires_ms=LATER_MS),
    RevokeInvitation(id=1, nonce=NONCE, digest=DIGEST),
    DisconnectUser(id=1, nonce=NONCE, user="other"),
    SuspendUser(id=1, nonce=NONCE, user="other"),
    BanUsers(id=1, nonce=NONCE, who="other"),
    KickUsers(id=1, nonce=NONCE, who="other"),
    UnbanUsers(id=1, nonce=NONCE, who="other"),
    RestoreUser(id=1, nonce=NONCE, user="other"),
    SetStanding(id=1, nonce=NONCE, user="other", standing=Standing.MODERATOR),
    MarkRead(id=1, log="@me", sequence=1),
    SetNotify(id=1, log="@other", level=Notify.NOTHING),
    SayTyping(id=1, log="@other"),
    SetAway(id=1, away="lunch"),
    StartConversation(id=1, nonce=NONCE, users=["other"]),
    EditMessage(id=1, nonce=NONCE, log="@me", sequence=1, text="hello"),
    DeleteMessage(id=1, nonce=NONCE, log="@me", sequence=1),
    AddReaction(id=1, nonce=NONCE, log="@me", sequence=1, emoji="+1"),
    RemoveReaction(id=1, nonce=NONCE, log="@me", sequence=1, emoji="+1"),
    ReportMessage(id=1, nonce=NONCE, log="@me", sequence=1, reason="rude"),
]
QUERIES: list[Any] = [
    ReadHistory(id=1, log="@other"),
    ListUsers(id=1),
    ListDevices(id=1),
    ListBlocked(id=1),
    ListConversations(id=1),
    ReadEdits(id=1, log="@me", sequence=1),
    SearchMessages(id=1, text="hello"),
    ReadAudit(id=1),
    ListUserBans(id=1),
    Ping(id=1),
]
ALL = (Standing.GUEST, Standing.ACCOUNT, Standing.MODERATOR, Standing.OPERATOR)
MAY: dict[type[Message], tuple[Standing, ...]] = {
    **dict.fromkeys((Register, SendPrivate, MarkRead, ReportMessage), ALL),
    **dict.fromkeys((EditMessage, DeleteMessage, AddReaction, RemoveReaction), ALL),
    Ping: ALL,
    **dict.fromkeys((SetNotify, SayTyping, SetAway, StartConversation), ALL),
    **dict.fromkeys((ReadHistory, ReadEdits, SearchMessages, ListConversations, ListUsers), ALL),
    **dict.fromkeys(
        (
            *(ChangePassword, LogOutEverywhere, DeleteAccount, RevokeDevice, CreateAppToken),
            *(EnableTotp, DisableTotp, BlockUser, UnblockUser, ListDevices, ListBlocked),
        ),
        ALL[1:],
    ),
    **dict.fromkeys((DisconnectUser, SuspendUser, RestoreUser, ReadAudit), ALL[2:]),
    **dict.fromkeys((BanUsers, KickUsers, UnbanUsers, ListUserBans), ALL[2:]),
    **dict.fromkeys((CreateInvitation, RevokeInvitation, SetStanding), ALL[3:]),
}
OF_THE_CONSOLE = {
    *(DisconnectUser, SuspendUser, RestoreUser, ReadAudit),
    *(BanUsers, KickUsers, UnbanUsers, ListUserBans),
    *(CreateInvitation, RevokeInvitation, SetStanding, ListUsers, Ping),
}
"""What the operator may ask who has no user; the rest is about one's own."""

_refusals: Decoder[dict[str, object]] = Decoder(dict[str, object])


def kind_of(message: Message) -> str:
    return str(type(message).__struct_config__.tag)


def is_refused(users: Users, message: Any, user: str, standing: Standing) -> bool:
    if message in QUERIES:
        answer = _refusals.decode(users.ask(user, message, standing))
        return answer.get("code") == RefusalCode.NOT_ALLOWED.value
    answered = users.do(message, user, standing=standing)
    return isinstance(answered, Refused) and answered.code is RefusalCode.NOT_ALLOWED


@pytest.fixture
def crowd(users: Users) -> Users:
    """Somebody to act on, another operator, and a place for who acts."""
    for name in ("other", "root"):
        users.account(name)
    users.promote("root", Standing.OPERATOR)
    users.come("me", n=7)
    return users


def become(users: Users, standing: Standing) -> None:
    if standing is not Standing.GUEST:
        users.register("me")
        users.promote("me", standing)
        users.come("me", n=7)


@pytest.mark.parametrize("standing", ALL)
@pytest.mark.parametrize("message", [*COMMANDS, *QUERIES], ids=kind_of)
def test_the_table_of_permissions_is_kept(crowd: Users, message: Any, standing: Standing) -> None:
    become(crowd, standing)
    allowed = standing in MAY[type(message)]
    # What is stamped says nothing: a gateway may not know better yet.
    assert is_refused(crowd, message, "me", Standing.OPERATOR) is not allowed


@pytest.mark.parametrize("message", [*COMMANDS, *QUERIES], ids=kind_of)
def test_the_console_may_do_what_is_about_others(crowd: Users, message: Any) -> None:
    refused = is_refused(crowd, message, "", Standing.OPERATOR)
    assert refused is (type(message) not in OF_THE_CONSOLE)


def test_every_message_is_in_the_matrix() -> None:
    tested = {type(message) for message in [*COMMANDS, *QUERIES]}
    of_clients = {*get_args(AccountCommand), *get_args(UsersCommand), *get_args(UserQuery)}
    assert tested == MAY.keys() == of_clients & PERMISSIONS.keys()
