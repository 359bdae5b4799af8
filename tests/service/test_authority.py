"""Whose commands a service obeys: every kind of command, from every kind of process."""

import typing
from typing import Any

import pytest

from zchat.protocol.internal import (
    EndGuest,
    GatewayCommand,
    OpenConversation,
    RoomsCommand,
    ServiceCommand,
    UsersCommand,
)
from zchat.protocol.messages import Message, Standing
from zchat.service.core.command_origin import objection, standing_of

GATEWAY, USERS, ROOMS, ADMIN = b"gateway/west#1", b"users#1", b"rooms/0#1", b"admin/ann#1"
NOBODY = (b"", b"gateway#1", b"router#1", b"\xff")
ALL = (GATEWAY, USERS, ROOMS, ADMIN, *NOBODY)
KINDS = sorted({*typing.get_args(RoomsCommand), *typing.get_args(UsersCommand)}, key=str)


def command_of(kind: type[Message]) -> Any:
    """One of this kind; what it holds plays no part."""
    return kind(**dict.fromkeys(kind.__struct_fields__))


def allowed(kind: type[Message], user: str) -> set[bytes]:
    return {asker for asker in ALL if objection(asker, user, command_of(kind)) is None}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_each_command_has_one_part_of_the_cluster_that_may_send_it(kind: type[Message]) -> None:
    if kind in (EndGuest, OpenConversation):
        assert allowed(kind, "") == allowed(kind, "ann") == {USERS}
    elif kind in typing.get_args(ServiceCommand):
        assert allowed(kind, "") == allowed(kind, "ann") == {USERS, ROOMS}
    elif kind in typing.get_args(GatewayCommand):
        assert allowed(kind, "") == allowed(kind, "ann") == {GATEWAY}
    else:
        assert allowed(kind, "ann") == {GATEWAY}
        assert allowed(kind, "") == {ADMIN}


def test_an_objection_says_who_may_and_who_may_not() -> None:
    kind = typing.get_args(ServiceCommand)[0]
    why = "only a service may send this, and gateway/west is none"
    assert objection(GATEWAY, "", command_of(kind)) == why
    assert (
        objection(b"", "", command_of(kind)) == "only a service may send this, and somebody is none"
    )
    why = "only the user-service may send this, and rooms/0 is not"
    assert objection(ROOMS, "", command_of(OpenConversation)) == why


@pytest.mark.parametrize("stamped", list(Standing))
def test_an_operator_counts_as_one_and_a_gateway_says_what_its_users_are(
    stamped: Standing,
) -> None:
    assert standing_of(ADMIN, stamped) is Standing.OPERATOR
    assert standing_of(GATEWAY, stamped) is stamped
