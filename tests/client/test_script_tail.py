"""In which order `tail` prints and remembers, and that it takes at once what is there at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zchat.client.cli import subcommand
from zchat.client.cli.output import Output
from zchat.client.cli.tail import BATCH_MAX, Places, Tail, batches
from zchat.client.core.events import ConnectionLost, Event
from zchat.client.sdk.requests import RefusedError
from zchat.client.storage.cursor_file import SavedCursor
from zchat.protocol.messages import RefusalCode, Refused


class Pipe(Output):
    """That says what was saved when something was written."""

    def __init__(self, saved: SavedCursor, *, broken: bool = False) -> None:
        super().__init__("ann", as_json=True)
        self._saved = saved
        self._broken = broken
        self.seen: list[dict[str, int]] = []

    def write(self, text: str) -> None:
        self.seen.append(dict(self._saved.positions))
        if self._broken:
            raise BrokenPipeError


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedCursor:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return SavedCursor("x", "ann", ["127.0.0.1:1"])


def tail_of(saved: SavedCursor, out: Output) -> Tail:
    places = Places("ann", ["#ops"], {"#ops": 7})
    return Tail(places, out, saved, number=0, follow=True, key=None)


def test_what_was_not_printed_is_not_remembered(saved: SavedCursor) -> None:
    with pytest.raises(BrokenPipeError):
        tail_of(saved, Pipe(saved, broken=True))._print(["{}\n"])
    assert saved.positions == {}


def test_what_was_printed_is_remembered_afterwards(saved: SavedCursor) -> None:
    out = Pipe(saved)
    tail_of(saved, out)._print(["{}\n"])
    assert (out.seen, saved.positions) == ([{}], {"#ops": 7})


@pytest.mark.parametrize("code", [RefusalCode.UNAVAILABLE, RefusalCode.BUSY])
async def test_a_question_is_asked_again_until_there_is_time_for_it(
    code: RefusalCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subcommand, "RETRY_S", 0.0)
    answers: list[Exception | str] = [RefusedError(Refused(1, code, "not now"))] * 2
    answers.append("now")

    async def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(RefusedError):
        await subcommand.patiently(ask, patience_s=-1.0)
    assert await subcommand.patiently(ask, patience_s=None) == "now"


async def test_a_refusal_is_no_matter_of_patience() -> None:
    async def ask() -> str:
        raise RefusedError(Refused(1, RefusalCode.NOT_A_MEMBER, "you are not in it"))

    with pytest.raises(RefusedError, match="not in it"):
        await subcommand.patiently(ask)


async def test_what_is_there_at_once_is_one_batch() -> None:
    go = asyncio.Event()

    async def events() -> AsyncIterator[Event]:
        for number in range(3):
            yield ConnectionLost(str(number))
        await go.wait()
        for number in range(BATCH_MAX + 1):
            yield ConnectionLost(str(number))

    sizes = []
    async for batch in batches(events()):
        sizes.append(len(batch))
        go.set()
    assert sizes == [3, BATCH_MAX, 1]


async def test_what_ends_the_events_comes_after_what_was_before_it() -> None:
    async def events() -> AsyncIterator[Event]:
        yield ConnectionLost("")
        raise RuntimeError("over")

    coming = batches(events())
    assert await anext(coming) == [ConnectionLost("")]
    with pytest.raises(RuntimeError, match="over"):
        await anext(coming)
