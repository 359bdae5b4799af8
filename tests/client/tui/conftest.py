"""Somebody at the screen, in a lobby where a little was said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zchat.protocol.messages import MessagePosted

from ..fake_gateway import FakeGateway
from .people import Person, person


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        for number in range(1, 4):
            gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
        yield gateway


@pytest.fixture
async def ann(gateway: FakeGateway, tmp_path: Path) -> AsyncIterator[Person]:
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        yield ann
