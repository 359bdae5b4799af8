"""A user-service that knows nobody yet."""

import contextlib
from collections.abc import Iterator

import pytest

from .playbook import Users


@pytest.fixture
def users() -> Iterator[Users]:
    with contextlib.closing(Users()) as users:
        yield users
