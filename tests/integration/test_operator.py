"""An operator at work on a real cluster, with `zchat-admin` and people who use `zchat-client`."""

import asyncio
import getpass
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.cluster import Cluster
from testbed.people import new_name

from .lines import Program

pytestmark = pytest.mark.integration

SECRET = {"ZCHAT_PASSWORD": "correct horse"}
CONSOLE = f"admin/{getpass.getuser()}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Only who is invited can make an account."""
    folder = tmp_path_factory.mktemp("c")
    with Cluster(folder, environment={"ZCHAT_REGISTRATION": "invite"}) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


async def admin(cluster: Cluster, *words: str, fails: int = 0) -> str:
    result = await asyncio.to_thread(
        subprocess.run,
        [str(cluster.folder / "bin" / "zchat-admin"), *words],
        cwd=cluster.folder,
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == fails, result.stdout + result.stderr
    return result.stdout + result.stderr


async def listed(cluster: Cluster, *words: str) -> list[dict[str, Any]]:
    lines = (await admin(cluster, *words, "--json")).splitlines()
    return [json.loads(line) for line in lines]


async def refused(cluster: Cluster, *arguments: str) -> str:
    """What the client says that is not let in."""
    async with Program(cluster, *arguments, environment=SECRET) as program:
        assert await program.exit_code() == 3, program.output
        return program.output


async def invited(cluster: Cluster, name: str) -> tuple[str, ...]:
    """With what a new account is made."""
    (made,) = await listed(cluster, "invite", "--note", f"for {name}")
    return (name, "--register", "--invitation", made["code"])


async def test_what_an_operator_does_to_people(cluster: Cluster) -> None:
    ann, bob, eve, room = (new_name(kind) for kind in ("ann", "bob", "eve", "room"))
    assert "invitation" in await refused(cluster, ann, "--register")
    as_ann, as_bob = await invited(cluster, ann), await invited(cluster, bob)
    async with (
        Program(cluster, *as_ann, environment=SECRET) as one,
        Program(cluster, *as_bob, environment=SECRET) as two,
        Program(cluster, eve) as guest,
    ):
        for person, name in ((one, ann), (two, bob), (guest, eve)):
            await person.shows(f"you are {name}")
        assert "this invitation is" in await refused(cluster, eve + "-2", *as_ann[1:])

        await admin(cluster, "standing", ann, "operator")
        await one.shows("your standing in this cluster has changed: operator", "connected again")
        assert "has no account" in await admin(cluster, "standing", eve, "operator", fails=1)

        await two.say(f":cr {room}", f"you created #{room}")
        await guest.say(f":jr {room}", "you joined")
        words = ("kick", eve, "--room", room, "--reason", "too loud")
        assert await admin(cluster, *words) == f"{eve} is out of #{room}\n"
        await guest.shows("kicked you: too loud$")

        (session,) = await listed(cluster, "sessions", bob)
        assert (session["address"], bool(session["device"])) == ("127.0.0.1", True)
        await one.say(f":suspend {bob} 1h spam")
        assert await two.exit_code() == 3
        assert "is suspended for another 60 min, until " in two.output
        assert "UTC: spam" in two.output
    assert "is suspended for another 60 min, until " in await refused(cluster, bob)
    (account,) = await listed(cluster, "users", bob)
    assert (account["suspended"], account["online"]) == (True, False)
    await admin(cluster, "restore-user", bob)
    async with Program(cluster, bob, environment=SECRET) as back:
        await back.shows(f"you are {bob} .registered.")
        await admin(cluster, "close-room", room, "--reason", "enough")
        await back.shows("enough")

    audit = [
        (record["actor"], record["action"], record["subject"], record["room"], record["reason"])
        for record in await listed(cluster, "audit")
        if record["action"] != "create_invitation"
    ]
    assert audit == [
        (CONSOLE, "close_room", "", room, "enough"),
        (CONSOLE, "restore_user", bob, "", ""),
        (ann, "suspend_user", bob, "", "spam"),
        (CONSOLE, "kick_member", eve, room, "too loud"),
        (CONSOLE, "set_standing", ann, "", "operator"),
    ]


async def test_an_import_is_seen_by_nobody_who_has_a_name_in_it(cluster: Cluster) -> None:
    """And what was closed can be exported still."""
    eve, room = new_name("eve"), new_name("room")
    async with Program(cluster, eve) as guest:
        await guest.say(f":cr {room}", f"you created #{room}")
        await guest.say(f":rm {room} hello there", "hello there$")
        await admin(cluster, "close-room", room)
        await guest.shows("closed")
        await admin(cluster, "export", "room", room, "-o", "room.jsonl")
        await admin(cluster, "import", "room", "room.jsonl", "--as", f"{room}-2")
        await guest.say("is anybody here?", "is anybody here.$")
        assert f"{room}-2" not in guest.output
    assert "nothing is wrong" in await admin(cluster, "verify")
