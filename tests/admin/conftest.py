"""A cluster that takes note, and the operator's program as it is typed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zchat.admin.cli import main
from zchat.runtime.settings import Settings

from .served import Notes, Served

PARTITIONS = 2
Type = Callable[..., Result]


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the name of the test in it: sockets have short paths."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(var=tmp_path_factory.mktemp("c"), partitions=PARTITIONS)
    with Served(settings) as cluster:
        yield cluster


@pytest.fixture
def notes(cluster: Served) -> Notes:
    cluster.notes.__init__()  # type: ignore[misc]
    return cluster.notes


@pytest.fixture
def zchat_admin(cluster: Served) -> Type:
    """Runs one command, perhaps of a group, in the folder of the cluster."""

    def typed(*arguments: str) -> Result:
        settings = ["--var", str(cluster.settings.var), "--partitions", str(PARTITIONS)]
        words = [*arguments[0].split(), *settings, *arguments[1:]]
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return typed
