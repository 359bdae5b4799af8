"""What one sets for oneself, in the client and in its file."""

from pathlib import Path

from zchat.client.storage.config import parse
from zchat.protocol.messages import MemberJoined, MessagePosted

from ..fake_gateway import FakeGateway
from .people import person


async def test_words_are_chosen_with_a_key_and_kept(gateway: FakeGateway, tmp_path: Path) -> None:
    async with person(gateway, tmp_path) as ann:
        await ann.press("f9", *"tea", "comma", *"cake", "enter")
        await ann.sees("words that notify you as your name does: tea, cake")
        gateway.say("#lobby", "bob", MessagePosted("is there tea?"))
        await ann.sees("is there tea?")
        line = next(line for line in ann.screen.split("\n") if "is there tea?" in line)
        assert "▌" in line
    async with person(gateway, tmp_path) as ann:
        await ann.press("f9")
        await ann.sees("tea, cake")


async def test_who_comes_is_one_line_or_not(gateway: FakeGateway, tmp_path: Path) -> None:
    for name in ("cat", "dan"):
        gateway.server.append("#lobby", name, MemberJoined())
    async with person(gateway, tmp_path) as ann:
        await ann.sees("cat, dan joined")
        await ann.press("up", "enter")
        await ann.sees("dan joined")
    async with person(gateway, tmp_path, config=parse("fold-moves = false")) as ann:
        await ann.sees("cat joined")


async def test_what_is_wrong_in_the_file_is_told(gateway: FakeGateway, tmp_path: Path) -> None:
    async with person(gateway, tmp_path, config=parse("\nfolds = 1")) as ann:
        await ann.sees("! client.toml, line 2: there is no setting folds")
