"""A room-service without rooms but the lobby."""

import contextlib
from collections.abc import Iterator

import pytest

from .playbook import Rooms


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    with contextlib.closing(Rooms()) as rooms:
        yield rooms
