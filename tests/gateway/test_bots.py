"""Which sessions are programs: the services are told with each command."""

import pytest

from zchat.protocol.internal import USER_SERVICE, SessionOpened, UserLogs
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Hello,
    LogIn,
    Post,
    Scope,
    SendPrivate,
    Standing,
)

from .playbook import ROOMS, Gateway

NONCE = b"n" * 16


@pytest.mark.parametrize(
    ("says_so", "scopes", "is_bot"),
    [
        (False, (), False),
        (True, (), True),
        (False, (Scope.POST,), True),
        (True, (Scope.READ, Scope.POST), True),
    ],
)
def test_whoever_says_so_or_has_an_app_token_is_a_program(
    says_so: bool, scopes: tuple[Scope, ...], is_bot: bool
) -> None:
    gateway = Gateway()
    session = gateway.connect()
    hello = Hello(PROTOCOL_VERSION, "test", bot=says_so)
    gateway.send(session, hello, LogIn(id=1, name="ann", token=b"t" * 32))
    opened = SessionOpened("ann", Standing.ACCOUNT, 1, scopes)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.answer(ROOMS, UserLogs(0, []))
    gateway.send(
        session,
        Post(id=2, nonce=NONCE, room="lobby", text="hi"),
        SendPrivate(id=3, nonce=NONCE, to="bob", text="psst"),
    )
    for address in (ROOMS, USER_SERVICE):
        gateway.sent(address)
        assert [stamped.bot for _, stamped in gateway.commands[address] if stamped.user] == [is_bot]
