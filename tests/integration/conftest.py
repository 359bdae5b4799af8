"""Clusters for the tests: one for all that do it no harm, and others to hurt."""

from collections.abc import Iterator

import pytest

from testbed.cluster import Cluster


def _cluster(factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # Sockets have short paths.
    with Cluster(factory.mktemp("c")) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nobody may end a process of it; rooms and names must be new ones."""
    yield from _cluster(tmp_path_factory)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for this file: whatever a test does to it, the next one finds it healed."""
    yield from _cluster(tmp_path_factory)
