"""How it looks: pictures that are kept beside this file, and looked at when they change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from zchat.protocol.messages import (
    Entry,
    MemberJoined,
    MessagePosted,
    PrivateMessageSent,
    TopicChanged,
)

from ..fake_gateway import FakeGateway
from .people import person


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        server = gateway.server
        server.append("#lobby", "bob", TopicChanged("Where everyone is"))
        server.topics["lobby"] = "Where everyone is"
        server.append("#lobby", "bob", MessagePosted("good morning"))
        server.append("#lobby", "bob", MessagePosted("see https://example.org/notes, please"))
        server.append("#lobby", "carla", MemberJoined())
        server.append("#lobby", "carla", MessagePosted("@ann is `make *.py` right? 日本語 👨‍👩‍👧"))
        server.append("#lobby", "dora", MessagePosted("**yes** it is", 5))
        code = "like so:\n```\ndef f(x):\n    return x\n```\nand that is *all*"
        server.append("#lobby", "carla", MessagePosted(code))
        server.append("#lobby", "bob", MessagePosted("\n".join(map(str, range(40)))))
        entry = server.logs["#lobby"][4]
        server.logs["#lobby"][4] = Entry(
            *(entry.log, entry.sequence, entry.at_ms, entry.author, entry.body),
            reactions={"👍": ["ann", "dora"], "🎉": ["bob"]},
        )
        server.append("@ann", "bob", PrivateMessageSent("ann", "psst"))
        server.append("#kitchen", "bob", MessagePosted("tea?"))
        server.followed["#kitchen"] = 0
        yield gateway


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot(extension_class=SVGImageExtension)


@pytest.mark.parametrize(
    ("theme", "size"),
    [
        ("zchat-dark", (100, 30)),
        ("zchat-light", (100, 30)),
        ("zchat-contrast", (80, 24)),
        ("zchat-plain", (60, 16)),
    ],
)
async def test_a_conversation(
    gateway: FakeGateway,
    tmp_path: Path,
    picture: SnapshotAssertion,
    theme: str,
    size: tuple[int, int],
) -> None:
    async with person(gateway, tmp_path, theme=theme, size=size) as ann:
        await ann.sees("30 more lines")
        await ann.press("up")
        assert ann.app.export_screenshot() == picture


async def test_where_to_go(
    gateway: FakeGateway, tmp_path: Path, picture: SnapshotAssertion
) -> None:
    gateway.server.append("#garden", "bob", MessagePosted("roses"))
    gateway.server.topics["garden"] = "All that grows"
    async with person(gateway, tmp_path) as ann:
        await ann.sees("30 more lines")
        await ann.press("ctrl+k")
        await ann.sees("All that grows")
        assert ann.app.export_screenshot() == picture


async def test_all_keys(gateway: FakeGateway, tmp_path: Path, picture: SnapshotAssertion) -> None:
    async with person(gateway, tmp_path) as ann:
        await ann.sees("30 more lines")
        await ann.press("f1")
        await ann.sees("Everywhere")
        assert ann.app.export_screenshot() == picture
