"""The databases of a cluster, read beside it: it is the only one that writes to them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, create_engine

from testbed.committed import committed_entries

from .checkers import CommittedLogs


def read_databases(folder: Path) -> CommittedLogs:
    """Of the cluster in this folder, all that is committed by now."""
    committed = CommittedLogs()
    for path in sorted((folder / "var" / "data").glob("*.sqlite")):
        with _reading(path) as connection:
            committed.read(path.stem, committed_entries(connection))
    return committed


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
