"""How it looks: pictures that are kept beside this file, and looked at when they change."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from zchat.protocol.messages import (
    Entry,
    MemberJoined,
    MessagePosted,
    PrivateMessageSent,
    RoomCreated,
    TopicChanged,
)

from ..fake_gateway import FakeGateway
from .people import Person, person


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


async def test_a_room(tmp_path: Path, picture: SnapshotAssertion) -> None:
    """The picture in README.md."""
    async with FakeGateway() as gateway:
        server = gateway.server
        server.topics["ops"] = "What runs, and what does not"
        server.append("#ops", "ann", RoomCreated())
        server.append("#ops", "bob", MemberJoined())
        server.append("#ops", "bob", MessagePosted("the backup of *last night* is done, 41 GiB"))
        server.append("#ops", "mina", MemberJoined())
        server.append("#ops", "mina", MessagePosted("@ann the certificate ends on Friday"))
        server.append("#ops", "mina", MessagePosted("https://example.org/runbook#certificates"))
        server.append("#ops", "ann", MessagePosted("I renew it now", 5))
        code = "```\n$ zchat-admin tls self-signed --host chat.example\n$ kill -HUP 4711\n```"
        server.append("#ops", "ann", MessagePosted(code))
        server.append("#ops", "ann", MessagePosted("done, and nobody's connection was cut"))
        server.append("#ops", "bob", MessagePosted("**nice.** お疲れさま"))
        for sequence, reactions in (
            (5, {"👀": ["ann"]}),
            (9, {"🎉": ["bob", "mina"], "👍": ["tom"]}),
        ):
            entry = server.logs["#ops"][sequence - 1]
            server.logs["#ops"][sequence - 1] = replace(entry, reactions=reactions)
        server.append("@ann", "mina", PrivateMessageSent("ann", "tea at four?"))
        server.append("#garden", "tom", MessagePosted("the roses are out, @ann"))
        server.append("#random", "tom", MessagePosted("has anybody seen my cup?"))
        server.followed |= {"#ops": 0, "#garden": 0, "#random": 0}
        async with person(gateway, tmp_path, size=(104, 26)) as ann:
            await ann.press("ctrl+k", "o", "p", "s", "enter")
            await ann.sees("お疲れさま")
            assert ann.app.export_screenshot() == picture


async def test_without_colours_everything_is_in_those_of_the_terminal(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual goes by what it found first, and made black on black of them."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with person(gateway, tmp_path, size=(80, 24)) as ann:
        await ann.press(*"hello")
        for key in ("", "ctrl+k", "f1", "ctrl+p"):
            await ann.press(*filter(None, [key]))
            await ann.pilot.pause()
            assert coloured(ann) == set(), key
            await ann.press(*filter(None, [key and "escape"]))


def coloured(ann: Person) -> set[str]:
    """What is drawn in a colour of anybody's choice."""
    return {
        segment.text
        for strip in ann.app.screen._compositor.render_strips()
        for segment in strip
        if segment.style is not None
        for colour in (segment.style.color, segment.style.bgcolor)
        if colour is not None and not colour.is_default
    }
