"""Settings that change while a real cluster runs, and what people notice of it."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.cluster import GATEWAYS, REVIVER, ROUTER, SERVICES, Cluster
from testbed.people import new_name

from .lines import Program

pytestmark = pytest.mark.integration

PROGRAMS = (ROUTER, *SERVICES, *GATEWAYS, REVIVER)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("c")) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


def read_again(cluster: Cluster, settings: str) -> None:
    """All programs have read the settings file, which is this now."""
    said = "the settings were read again"
    before = {name: cluster.log(name).count(said) for name in PROGRAMS}
    (cluster.folder / "zchat.toml").write_text(settings)
    cluster.hang_up_all()
    cluster.wait_for(
        lambda: all(cluster.log(name).count(said) > before[name] for name in PROGRAMS),
        "all programs to read their settings again",
    )


async def test_a_hang_up_ends_nobody_and_has_files_read_again(cluster: Cluster) -> None:
    pids = {name: cluster.pid(name) for name in PROGRAMS}
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(cluster, ann) as one:
        await one.shows(f"you are {ann}")
        read_again(cluster, 'guests = "deny"\nlog_level = "debug"\nlog_format = "json"\n')
        async with Program(cluster, bob) as two:
            assert await two.exit_code() == 3
            assert "guests need an account here" in two.output
        assert "log_format is another in the settings file" in cluster.log(ROUTER)
        assert "DEBUG" in cluster.log(ROUTER)
        read_again(cluster, "")
        async with Program(cluster, bob) as two:
            await two.shows(f"you are {bob}")
    assert pids == {name: cluster.pid(name) for name in PROGRAMS}


async def admin(cluster: Cluster, *words: str, fails: int = 0, program: str = "admin") -> str:
    result = await asyncio.to_thread(
        subprocess.run,
        [str(cluster.folder / "bin" / f"zchat-{program}"), *words],
        cwd=cluster.folder,
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == fails, result.stdout + result.stderr
    return result.stdout + result.stderr


async def in_force(cluster: Cluster) -> dict[str, Any]:
    return dict(json.loads(await admin(cluster, "show-config", "--json")))


async def test_what_is_set_counts_at_once_everywhere_and_over_restarts(cluster: Cluster) -> None:
    """In what runs, in what starts later, and for a program that is only asked."""
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(cluster, ann) as one:
        await one.shows(f"you are {ann}")
        await admin(cluster, "set", "message_rate", "1/3")
        await admin(cluster, "set", "log-level", "debug")
        heard = "message_rate is 1/3 now"

        def all_heard() -> bool:
            return all(heard in cluster.log(gateway) for gateway in GATEWAYS)

        await asyncio.to_thread(cluster.wait_for, all_heard, "all gateways to hear it")
    assert (await in_force(cluster))["message_rate"]["value"] == "1/3"
    shown = await admin(cluster, "--show-config", program="gateway")
    assert "set by admin/" in shown
    assert "1/3" in shown
    eve = new_name("eve")
    async with Program(cluster, eve) as one:
        await one.shows(f"you are {eve}")
        await admin(cluster, "set", "guests", "deny")
        # Who is here goes, and reads why when the client has tried to come back.
        await one.shows("guests need an account here")
    async with Program(cluster, bob) as two:
        assert await two.exit_code() == 3
        assert "guests need an account here" in two.output
    assert "listen: it counts from the start" in await admin(
        cluster, "set", "listen", "0.0.0.0:1", fails=1
    )

    await asyncio.to_thread(cluster.restart_all)
    lives = dict.fromkeys((ROUTER, *SERVICES, *GATEWAYS), 2)

    def each_life_has_heard() -> bool:
        heard = "log_level is debug now"
        return all(cluster.log(name).count(heard) == count for name, count in lives.items())

    await asyncio.to_thread(cluster.wait_for, each_life_has_heard, "all to hear it again")
    for program in (ROUTER, "room-service", GATEWAYS[0]):
        await asyncio.to_thread(cluster.kill_and_wait, program)
        lives[program] += 1
    await asyncio.to_thread(cluster.wait_for, each_life_has_heard, "the killed to hear it again")
    async with Program(cluster, bob) as two:
        assert await two.exit_code() == 3
    for name in ("guests", "message_rate", "log_level"):
        await admin(cluster, "unset", name)
    async with Program(cluster, bob) as two:
        await two.shows(f"you are {bob}")
    assert "set by" not in json.dumps(await in_force(cluster))
