"""Every command and query that the user-service takes, by everyone who may send it."""

from typing import Any, get_args

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import UserCommand, UserQuery
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
    Register(1, NONCE, PASSWORD),
    ChangePassword(1, NONCE, PASSWORD, "battery staple"),
    LogOutEverywhere(1, NONCE),
    DeleteAccount(1, NONCE, PASSWORD),
    RevokeDevice(1, NONCE, 1),
    CreateAppToken(1, NONCE, DIGEST, "bot", [Scope.READ]),
    EnableTotp(1, NONCE, b"s" * limits.TOTP_SECRET_BYTES, "123456", PASSWORD),
    DisableTotp(1, NONCE, PASSWORD),
    BlockUser(1, NONCE, "other"),
    UnblockUser(1, NONCE, "other"),
    SendPrivate(1, NONCE, "other", "hello"),
    CreateInvitation(1, NONCE, DIGEST, LATER_MS),
    RevokeInvitation(1, NONCE, DIGEST),
    DisconnectUser(1, NONCE, "other"),
    SuspendUser(1, NONCE, "other"),
    BanUsers(1, NONCE, "other"),
    KickUsers(1, NONCE, "other"),
    UnbanUsers(1, NONCE, "other"),
    RestoreUser(1, NONCE, "other"),
    SetStanding(1, NONCE, "other", Standing.MODERATOR),
    MarkRead(1, "@me", 1),
    SetNotify(1, "@other", Notify.NOTHING),
    SayTyping(1, "@other"),
    SetAway(1, "lunch"),
    StartConversation(1, NONCE, ["other"]),
    EditMessage(1, NONCE, "@me", 1, "hello"),
    DeleteMessage(1, NONCE, "@me", 1),
    AddReaction(1, NONCE, "@me", 1, "+1"),
    RemoveReaction(1, NONCE, "@me", 1, "+1"),
    ReportMessage(1, NONCE, "@me", 1, "rude"),
]
QUERIES: list[Any] = [
    ReadHistory(1, "@other"),
    ListUsers(1),
    ListDevices(1),
    ListBlocked(1),
    ListConversations(1),
    ReadEdits(1, "@me", 1),
    SearchMessages(1, "hello"),
    ReadAudit(1),
    ListUserBans(1),
    Ping(1),
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
    of_clients = {*get_args(AccountCommand), *get_args(UserCommand), *get_args(UserQuery)}
    assert tested == MAY.keys() == of_clients & PERMISSIONS.keys()
