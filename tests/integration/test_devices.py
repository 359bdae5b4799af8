"""An account as its owner has it: devices, one-time codes, app tokens, and the end of them."""

import asyncio
import time
from base64 import b32encode
from pathlib import Path

import pyotp
import pytest

from testbed.cluster import Cluster
from testbed.people import new_name
from zchat.client import Chat, RefusalCode, RefusedError, connect
from zchat.client.core.credentials import token_from_text
from zchat.protocol.messages import MessagePosted, Scope

from .lines import Program, TerminalProgram

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


async def until_the_end(chat: Chat) -> None:
    async for _ in chat:
        pass


async def test_a_device_is_remembered_until_it_logs_out(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    ann = new_name("ann")
    here = {"XDG_CONFIG_HOME": str(tmp_path)}
    known = {**here, "ZCHAT_PASSWORD": PASSWORD}
    async with Program(shared_cluster, ann, "--register", environment=known) as first:
        await first.shows(f"you are {ann} .registered.")
        # The second at once is the same device.
        async with Program(shared_cluster, ann, environment=here) as second:
            await second.shows(f"you are {ann} .registered.")
    async with Program(shared_cluster, ann, environment=here) as again:
        await again.shows(f"you are {ann} .registered.")
        await again.say(":devices")
        again.write(":logout\n")
        assert await again.exit_code() == 0
    async with Program(shared_cluster, ann, environment=here) as after:
        assert await after.exit_code() == 3
    async with Program(shared_cluster, ann, environment=known) as before:
        await before.shows(f"you are {ann} .registered.")
    async with Program(shared_cluster, ann, "--forget", environment=here) as forgetting:
        assert await forgetting.exit_code() == 0
    async with connect(ann, shared_cluster.address, PASSWORD) as chat:
        assert [device.name for device in (await chat.devices()).devices if device.name] == []


async def test_whoever_logs_out_everywhere_is_out_everywhere(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with (
        connect(ann, shared_cluster.address, PASSWORD, register=True, device="phone") as phone,
        connect(ann, shared_cluster.address, PASSWORD, device="laptop") as laptop,
    ):
        await phone.log_out_everywhere()
        assert phone.is_over
        with pytest.raises(RefusedError, match="logged out"):
            await asyncio.wait_for(until_the_end(laptop), 90)
    with pytest.raises(RefusedError) as error:
        async with connect(ann, shared_cluster.address, token=phone.token):
            pass
    assert error.value.code is RefusalCode.PASSWORD_REQUIRED


async def test_codes_of_a_phone_and_of_a_sheet_of_paper(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    ann = new_name("ann")
    secret, recovery = b"s" * 20, ["abcd-efgh", "ijkl-mnop"]
    async with connect(ann, shared_cluster.address, PASSWORD, register=True) as chat:
        totp = pyotp.TOTP(b32encode(secret).decode())
        await chat.enable_totp(secret, totp.at(time.time()), PASSWORD, recovery)
    here = {"XDG_CONFIG_HOME": str(tmp_path)}
    async with TerminalProgram(shared_cluster, ann, environment=here) as terminal:
        await terminal.shows(f"Password of {ann}:")
        await terminal.say(PASSWORD, "One-time code:")
        await terminal.say(recovery[0], f"you are {ann} .registered.")
    used = {**here, "XDG_CONFIG_HOME": str(tmp_path / "other"), "ZCHAT_PASSWORD": PASSWORD}
    async with Program(
        shared_cluster, ann, environment={**used, "ZCHAT_CODE": recovery[0]}
    ) as twice:
        assert await twice.exit_code() == 3
    async with connect(ann, shared_cluster.address, PASSWORD, code=recovery[1]) as chat:
        assert (await chat.devices()).recovery_codes == 0
        await chat.disable_totp(PASSWORD)
    async with connect(ann, shared_cluster.address, PASSWORD):
        pass


async def test_an_app_token_does_what_it_may(shared_cluster: Cluster) -> None:
    ann, room = new_name("ann"), new_name("room")
    options = {"ZCHAT_PASSWORD": PASSWORD}
    async with Program(shared_cluster, ann, "--register", environment=options) as owner:
        await owner.say(f":cr {room}", f"you created #{room}")
        await owner.say(f":apptoken bot post,read {room}", r"\* [0-9a-f]{16}\.\S{43}$")
        token = token_from_text(owner.output.split("shown again:\n* ")[1].split("\n")[0])
        async with connect(ann, shared_cluster.address, token=token) as bot:
            await bot.post(room, "beep")
            with pytest.raises(RefusedError) as error:
                await bot.say("to everyone")
            assert error.value.code is RefusalCode.OUT_OF_SCOPE
            with pytest.raises(RefusedError):
                await bot.create_app_token("another", [Scope.READ])
        await owner.shows(f"#{room} {ann} .bot.: beep$")


async def test_what_somebody_said_stays_when_the_account_goes(shared_cluster: Cluster) -> None:
    ann = new_name("ann")
    async with connect(new_name("bob"), shared_cluster.address) as bob:
        async with connect(ann, shared_cluster.address, PASSWORD, register=True) as chat:
            await chat.say("remember me")
            with pytest.raises(RefusedError) as error:
                await chat.delete_account("wrong horse")
            assert error.value.code is RefusalCode.WRONG_PASSWORD
            await chat.delete_account(PASSWORD)
            assert chat.is_over
        said = (await bob.history(limit=50)).entries
        assert MessagePosted("remember me") in [one.body for one in said if one.author == ann]
        with pytest.raises(RefusedError):
            async with connect(ann, shared_cluster.address):
                pass
