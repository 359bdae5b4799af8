"""One account from its first login to its end, with real hashes, over deaths of its service."""

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pyotp
import pytest

from testbed.cluster import Cluster
from testbed.people import new_name
from zchat.protocol import limits
from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    ChangePassword,
    CreateAppToken,
    CreateRoom,
    DeleteAccount,
    DeviceList,
    Done,
    EnableTotp,
    JoinRoom,
    ListDevices,
    LoggedIn,
    LogIn,
    LogOut,
    MemberLeft,
    Post,
    RefusalCode,
    Refused,
    Scope,
    SendPrivate,
    Standing,
    Welcome,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.nonces import nonce

from .wire import HELLO, Wire

pytestmark = pytest.mark.integration

PASSWORD, NEW_PASSWORD = "correct horse", "battery staple"


@pytest.fixture
def nonces() -> Iterator[bytes]:
    prefix = os.urandom(limits.NONCE_PREFIX_BYTES)
    return (nonce(prefix, number) for number in count(1))


def new_token() -> bytes:
    return os.urandom(limits.TOKEN_BYTES)


async def log_in(wire: Wire, name: str, token: bytes, **given: Any) -> LoggedIn | Refused:
    await wire.send(HELLO, LogIn(id=1, name=name, token=token, **given))
    await wire.receive(Welcome)
    answer = await wire.receive(LoggedIn | Refused)  # type: ignore[arg-type]
    assert isinstance(answer, LoggedIn | Refused)
    return answer


async def refused(cluster: Cluster, name: str, token: bytes, **given: Any) -> RefusalCode:
    async with Wire(cluster) as wire:
        answer = await log_in(wire, name, token, **given)
        assert isinstance(answer, Refused), answer
        return answer.code


async def test_a_device_stays_until_the_password_changes(
    cluster: Cluster, nonces: Iterator[bytes]
) -> None:
    name = new_name()
    desk, phone = new_token(), new_token()
    async with Wire(cluster) as wire:
        made = await log_in(wire, name, desk, password=PASSWORD, register=True, device="desk")
        assert isinstance(made, LoggedIn)
        assert (made.guest, made.standing) == (False, Standing.ACCOUNT)
        await wire.send(LogOut(id=2))
        await wire.receive(Done)
    cluster.kill_and_wait("user-service")

    async with Wire(cluster) as wire, Wire(cluster) as other:
        assert isinstance(await log_in(wire, name, desk), LoggedIn)
        both = await log_in(other, name, phone, password=PASSWORD, device="phone")
        assert isinstance(both, LoggedIn)
        await wire.send(ListDevices(id=2))
        devices = (await wire.receive(DeviceList)).devices
        assert [(device.name, device.online) for device in devices] == [
            *(("desk", True), ("phone", True))
        ]
        await wire.send(
            ChangePassword(id=3, nonce=next(nonces), password=PASSWORD, new_password=NEW_PASSWORD)
        )
        changed = await wire.receive(Done)
        await wire.until_seen(inbox_log(name), changed.sequence)
        ended = await other.receive(Refused)
        assert (ended.id, ended.code) == (None, RefusalCode.SESSION_ENDED)
        assert await other.next() is None
        bodies = [entry.body for entry in wire.entries[inbox_log(name)]]
        assert bodies[-2:] == [
            AccountChanged(AccountChange.DEVICE_ADDED, "phone"),
            AccountChanged(AccountChange.PASSWORD_CHANGED),
        ]
    assert await refused(cluster, name, phone) is RefusalCode.PASSWORD_REQUIRED
    wrong = await refused(cluster, name, phone, password=PASSWORD)
    assert wrong is RefusalCode.WRONG_PASSWORD


async def test_a_password_and_a_code_that_works_once(
    cluster: Cluster, nonces: Iterator[bytes]
) -> None:
    name = new_name()
    secret = os.urandom(limits.TOTP_SECRET_BYTES)
    totp = pyotp.TOTP(base64.b32encode(secret).decode())
    recovery = [hashlib.sha256(b"otter").digest()]
    async with Wire(cluster) as wire:
        await log_in(wire, name, new_token(), password=PASSWORD, register=True)
        # The period before: the one of now is for the login.
        code = str(totp.at(int(time.time()) - 30))
        await wire.send(
            EnableTotp(
                id=2,
                nonce=next(nonces),
                secret=secret,
                code=code,
                password=PASSWORD,
                recovery=recovery,
            )
        )
        await wire.receive(Done)
    given: dict[str, Any] = {"password": PASSWORD}
    assert await refused(cluster, name, new_token(), **given) is RefusalCode.CODE_REQUIRED
    given["code"] = totp.now()
    async with Wire(cluster) as wire:
        assert isinstance(await log_in(wire, name, new_token(), **given), LoggedIn)
    cluster.kill_and_wait("user-service")
    assert await refused(cluster, name, new_token(), **given) is RefusalCode.WRONG_CODE
    async with Wire(cluster) as wire:
        given["code"] = "otter"
        assert isinstance(await log_in(wire, name, new_token(), **given), LoggedIn)


async def test_a_bot_keeps_to_its_room(shared_cluster: Cluster, nonces: Iterator[bytes]) -> None:
    cluster, name, room, token = shared_cluster, new_name(), new_name("room"), new_token()
    digest = hashlib.sha256(token).digest()
    async with Wire(cluster) as wire, Wire(cluster) as bot:
        await log_in(wire, name, new_token(), password=PASSWORD, register=True)
        for number, made in enumerate((room, new_name("room")), start=2):
            await wire.send(CreateRoom(id=number, nonce=next(nonces), room=made))
            await wire.receive(Done)
        scopes = [Scope.READ, Scope.POST]
        await wire.send(
            CreateAppToken(
                id=4, nonce=next(nonces), digest=digest, name="bot", scopes=scopes, rooms=[room]
            )
        )
        await wire.receive(Done)

        logged_in = await log_in(bot, name, token)
        assert isinstance(logged_in, LoggedIn)
        assert [state.log for state in logged_in.logs] == [room_log(room)]
        await bot.send(Post(id=2, nonce=next(nonces), room=room, text="beep"))
        await bot.receive(Done)
        await bot.send(SendPrivate(id=3, nonce=next(nonces), to=name, text="beep"))
        assert (await bot.receive(Refused)).code is RefusalCode.OUT_OF_SCOPE
        assert bot.entries.keys() <= {room_log(room)}


async def test_a_deleted_account_leaves_its_rooms_and_keeps_its_name(
    shared_cluster: Cluster, nonces: Iterator[bytes]
) -> None:
    cluster, name, room = shared_cluster, new_name(), new_name("room")
    async with Wire(cluster) as friend:
        await friend.log_in()
        await friend.send(CreateRoom(id=2, nonce=next(nonces), room=room))
        await friend.receive(Done)
        async with Wire(cluster) as wire:
            await log_in(wire, name, new_token(), password=PASSWORD, register=True)
            await wire.send(JoinRoom(id=2, nonce=next(nonces), room=room))
            await wire.receive(Done)
            await wire.send(DeleteAccount(id=3, nonce=next(nonces), password=PASSWORD))
            assert await wire.receive(Done) == Done(3)
            assert (await wire.receive(Refused)).code is RefusalCode.SESSION_ENDED
        await friend.until_seen(room_log(room), 3)
        left = friend.entries[room_log(room)][-1]
        assert (left.author, left.body) == (name, MemberLeft())
        await friend.send(SendPrivate(id=4, nonce=next(nonces), to=name, text="still there?"))
        assert (await friend.receive(Refused)).code is RefusalCode.UNKNOWN_USER
    assert await refused(cluster, name, new_token()) is RefusalCode.PASSWORD_REQUIRED
    taken = await refused(cluster, name, new_token(), password=PASSWORD, register=True)
    assert taken is RefusalCode.NAME_IN_USE
