"""Settings that change while a real cluster runs, and what people notice of it."""

from collections.abc import Iterator

import pytest

from .cluster import GATEWAYS, REVIVER, ROUTER, SERVICES, Cluster
from .lines import Program
from .people import new_name

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
