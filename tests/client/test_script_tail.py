"""What `tail` prints and remembers, in which order, and how it keeps its place over restarts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zchat.client.cli import subcommand
from zchat.client.cli.output import Output
from zchat.client.cli.subcommand import FROM_NOW_ON
from zchat.client.cli.tail import BATCH_MAX, Places, Tail, batches
from zchat.client.core.events import ConnectionLost, Event
from zchat.client.sdk.requests import RefusedError
from zchat.client.storage.cursor_file import SavedCursor
from zchat.protocol.messages import (
    Entry,
    LogState,
    MemberKicked,
    MessagePosted,
    RefusalCode,
    Refused,
)

# --- In which order it prints and remembers -------------------------------------------------------


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


# --- How it keeps its place in each room and conversation -----------------------------------------


def entry(log: str, sequence: int) -> Entry:
    return Entry(log, sequence, 0, "bob", MessagePosted("hi"))


def test_what_was_never_seen_begins_at_the_end() -> None:
    places = Places("ann", ["#ops", "@bob"], {})
    assert places.cursors == {"#ops": FROM_NOW_ON, "@ann": FROM_NOW_ON}
    standing = places.session_begun([LogState("#ops", 7, 7), LogState("@ann", 3, 3)])
    assert standing == (["#ops", "@bob"], [], [])
    assert places.positions == {"#ops": 7, "@bob": 3}
    assert places.caught_up
    assert places.take(entry("#ops", 8)) == ["#ops"]
    assert places.take(entry("#lobby", 1)) == []


def test_what_was_seen_goes_on_behind_it() -> None:
    places = Places("ann", ["#ops"], {"#ops": 5, "#other": 9})
    assert places.cursors == {"#ops": 5}
    assert places.session_begun([LogState("#ops", 5, 7)]) == ([], [], [])
    at_first = places.caught_up
    assert places.take(entry("#ops", 6)) == ["#ops"]
    assert places.take(entry("#ops", 6)) == []
    places.take(entry("#ops", 7))
    assert (at_first, places.caught_up) == (False, True)
    assert places.positions == {"#ops": 7}


def test_two_conversations_share_the_inbox_and_each_has_its_place() -> None:
    places = Places("ann", ["@bob", "@carol", "@dave"], {"@bob": 9, "@carol": 4})
    assert places.cursors == {"@ann": 4}
    assert places.session_begun([LogState("@ann", 4, 10)]).begun == ["@dave"]
    assert places.take(entry("@ann", 5)) == ["@carol"]
    assert places.take(entry("@ann", 10)) == ["@bob", "@carol"]
    assert places.take(entry("@ann", 11)) == ["@bob", "@carol", "@dave"]


def test_what_was_removed_is_said_once() -> None:
    places = Places("ann", ["#ops"], {"#ops": 5})
    assert places.session_begun([LogState("#ops", 8, 10)]).notes == [
        "3 entries of #ops cannot be read any more: removed, or written while ann was not there"
    ]
    assert places.session_begun([LogState("#ops", 8, 10)]).notes == []
    assert places.take(entry("#ops", 9)) == ["#ops"]


def test_a_log_that_is_another_one_is_followed_from_its_end() -> None:
    places = Places("ann", ["#ops"], {"#ops": 50})
    [note] = places.session_begun([LogState("#ops", 10, 10)]).notes
    assert "#ops is not what it was" in note
    assert places.take(entry("#ops", 11)) == ["#ops"]


def test_a_room_that_is_joined_begins_there() -> None:
    places = Places("ann", ["#ops"], {})
    assert places.session_begun([]).missing == ["#ops"]
    places.joined("#ops", 12)
    assert places.caught_up
    assert places.take(entry("#ops", 12)) == ["#ops"]


def test_whoever_is_put_out_follows_no_more() -> None:
    places = Places("ann", ["#ops", "#dev"], {})
    assert places.is_end_of(Entry("#ops", 3, 0, "bob", MemberKicked("ann", "")))
    assert not places.is_end_of(Entry("#ops", 3, 0, "bob", MemberKicked("carol", "")))
    places.drop("#ops")
    assert places.cursors == {"#dev": FROM_NOW_ON}
    assert bool(places)
    places.drop("#dev")
    assert places.cursors == {}
