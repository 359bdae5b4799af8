"""Whatever was said, a step of a search or of the index is small, and what is found is exact."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from zchat.eventlog import search as search_module
from zchat.eventlog import search_index
from zchat.eventlog.core import search_words
from zchat.eventlog.core.changes import Removal
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.search import Found, Place, Search, Wanted
from zchat.eventlog.search_index import text_of
from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import Entry, EntryBody, MessagePosted, Redacted
from zchat.protocol.rules.costs import Steps, exhausted

PLACES = [Place("#garden", 0), Place("#attic", 0)]
LONGEST = {
    "ideographs": "".join(chr(0x4E00 + n % 20_000) for n in range(limits.TEXT_CHARS_MAX)),
    "astral": "".join(chr(0x20000 + n * 7 % 40_000) for n in range(limits.TEXT_CHARS_MAX)),
    "letters": "".join(chr(97 + n * n % 26) for n in range(limits.TEXT_CHARS_MAX)),
    "words of one letter": "q " * (limits.TEXT_CHARS_MAX // 2),
    "what becomes longer": "\u0390" * limits.TEXT_CHARS_MAX,
}
SMALL = {
    "SEARCH_BATCH_ENTRIES": 3,
    "SEARCH_BATCH_PIECES": 4,
    "SEARCH_MERGE_PAGES": 1,
    "SEARCH_SPAN_ENTRIES": 3,
    "SEARCH_SPAN_BYTES": 150,
    "SEARCH_STEP_SPANS": 2,
    "SEARCH_STEP_ROWS": 2,
    "SEARCH_STEP_BYTES": 100,
}


class Garden:
    """Two logs in a store, and what they say."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.store = Store.open(path, LOG_SCHEMA)
        self.said: dict[tuple[str, int], str] = {}
        self._heads: dict[str, int] = {}
        self._written: list[tuple[str, Any]] = []
        self._listen()

    def _listen(self) -> None:
        @event.listens_for(self.store._connection, "before_cursor_execute")
        def _(_a: Any, _b: Any, statement: str, parameters: Any, _c: Any, many: bool) -> None:
            self._written += [(statement, one) for one in (parameters if many else [parameters])]

    def reopen(self) -> None:
        self.store.close()
        self.store = Store.open(self.path, LOG_SCHEMA)
        self._listen()

    def say(self, text: str, log: str = "#garden") -> None:
        sequence = self._heads[log] = self._heads.get(log, 0) + 1
        position = self.store.position + 1
        entry = self._entry(log, sequence, MessagePosted(text))
        one = Appended(position, log, sequence, "ann", None, None, encode(entry))
        self.store.commit([one], [], [], [])
        self.said[log, sequence] = text

    def _entry(self, log: str, sequence: int, body: EntryBody) -> Entry:
        return Entry(log, sequence, 10 * sequence, "ann", body)

    def edit(self, place: tuple[str, int], text: str | None) -> None:
        """None deletes it."""
        body = Redacted("ann") if text is None else MessagePosted(text)
        amended = Amended(*place, encode(self._entry(*place, body)))
        self.store.commit([], [], [], [], amended=[amended])
        self.said.pop(place, None)
        if text is not None:
            self.said[place] = text

    def remove(self, log: str, upto: int) -> None:
        self.store.commit([], [], [], [], removed=[Removal(log, upto)])
        self.said = {at: text for at, text in self.said.items() if at[0] != log or at[1] > upto}

    def index(self) -> None:
        while self.store.index_messages():
            pass

    def pieces_written(self) -> int:
        """How many pieces have entered the index or left it since this was asked last."""
        written, self._written = self._written, []
        return sum(
            len(parameters[-1].split())
            for statement, parameters in written
            if statement.startswith("INSERT INTO search (") and isinstance(parameters[-1], str)
        )

    def expected(self, word: str) -> list[tuple[str, int]]:
        found = [place for place, text in self.said.items() if search_words.holds(text, (word,))]
        return sorted(found, key=lambda place: (-place[1], place[0]))

    def search(self, word: str, before_ms: int | None = None, limit: int = 100) -> Search:
        wanted = Wanted(search_words.words_of(word), None, before_ms, limit)
        store = self.store
        return Search(store._connection, store._search, PLACES, wanted, store.position)

    def found(self, word: str) -> list[tuple[str, int]]:
        found = exhausted(self.search(word).steps())
        assert not found.more
        assert found.complete
        return places_of(found)

    def pages(self, word: str, limit: int) -> tuple[list[tuple[str, int]], bool]:
        """All that is found, asked for again and again, and whether that is all."""
        found: list[tuple[str, int]] = []
        before_ms, complete = None, True
        while True:
            page = exhausted(self.search(word, before_ms, limit).steps())
            found += places_of(page)
            complete = complete and page.complete
            if not page.more or not page.entries:
                return found, complete
            before_ms = page.entries[-1].at_ms

    def check_index(self) -> None:
        """Raises if SQLite finds the index to be broken."""
        connection = self.store._connection
        connection.exec_driver_sql("INSERT INTO search(search) VALUES ('integrity-check')")
        connection.rollback()

    def pieces_at(self, position: int) -> list[str]:
        """All that the index has of a position."""
        connection = self.store._connection
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary "
            "USING fts5vocab('main', 'search', 'instance')"
        )
        asked = "SELECT term FROM temp.vocabulary WHERE doc = ?"
        pieces = [row[0] for row in connection.exec_driver_sql(asked, (position,))]
        connection.rollback()
        return pieces

    def index_has(self, text: str) -> list[int]:
        """The positions at which the index has any piece of the text."""
        connection = self.store._connection
        pieces = sorted(search_words.pieces_of(search_words.compared(text)))
        # Words of one letter have none.
        pieces = pieces or [search_words.author_piece("ann")]
        asked = " OR ".join(f'"{search_words.block_piece(1)}{piece}"' for piece in pieces)
        rows = connection.exec_driver_sql("SELECT rowid FROM search WHERE search MATCH ?", (asked,))
        found = [row[0] for row in rows]
        connection.rollback()
        return sorted(found)


def places_of(found: Found) -> list[tuple[str, int]]:
    return [(entry.log, entry.sequence) for entry in found.entries]


@pytest.fixture
def garden() -> Iterator[Garden]:
    garden = Garden()
    yield garden
    garden.store.close()


# --- Bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST.keys())
def test_a_step_of_the_index_writes_so_many_pieces(garden: Garden, text: str) -> None:
    pieces_max = max(limits.SEARCH_BATCH_PIECES, 3 * search_words.PART_CHARS + 3)

    def check_steps() -> int:
        steps, more = 0, True
        while more:
            garden.pieces_written()
            more = garden.store.index_messages()
            assert garden.pieces_written() <= pieces_max
            steps += 1
        return steps

    for _ in range(3):
        garden.say(text)
    check_steps()
    assert garden.index_has(text[:3]) == [1, 2, 3]
    garden.pieces_written()
    garden.edit(("#garden", 1), "x" + text[:-1])
    garden.edit(("#garden", 2), None)
    garden.remove("#garden", 1)
    # A commit waits for none of it.
    assert garden.pieces_written() == 0
    check_steps()
    assert garden.index_has(text[:3]) == [3]
    assert garden.found(text[-1]) == [("#garden", 3)]
    garden.check_index()


def test_many_small_changes_are_done_in_one_step(garden: Garden) -> None:
    for _ in range(20):
        garden.say("a bean")
    assert not garden.store.index_messages()
    garden.remove("#garden", 20)
    assert not garden.store.index_messages()
    assert garden.index_has("bean") == []


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST.keys())
def test_a_step_of_a_search_looks_at_so_much(
    garden: Garden, text: str, indexed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def looking(frame: bytes) -> Entry | None:
        looked.append(len(frame))
        return search_index.message_of(frame)

    monkeypatch.setattr(search_module, "message_of", looking)
    monkeypatch.setattr(limits, "SEARCH_BYTES_MAX", 192 * 1024)
    monkeypatch.setattr(limits, "SEARCH_UNINDEXED_BYTES_MAX", 192 * 1024)
    for _ in range(6):
        garden.say(text)
    for _ in range(300):
        garden.say("q")
    if indexed:
        garden.index()
    largest = looked_bytes = 0
    steps = garden.search(text[0]).steps()
    for cost_us in steps:
        assert len(looked) <= limits.SEARCH_STEP_ROWS
        assert sum(looked[:-1]) < limits.SEARCH_STEP_BYTES
        assert cost_us < 4_000
        assert not garden.store._connection.in_transaction(), "a statement may be open"
        looked_bytes += sum(looked)
        largest = max([largest, *looked])
        looked.clear()
    assert looked_bytes + sum(looked) <= 192 * 1024 + 2 * largest


@pytest.mark.parametrize("indexed", [True, False])
def test_a_search_keeps_no_more_of_longest_texts_than_can_be_shown_and_more_can_be_asked_for(
    garden: Garden, indexed: bool
) -> None:
    for number in range(60):
        garden.say(f"bean {number} " + "x" * (limits.TEXT_CHARS_MAX - 10))
    if indexed:
        garden.index()
    search = garden.search("bean")
    kept = [sum(len(text_of(entry)) for entry in search._finding.found) for _ in search.steps()]
    # One step finds some more before it looks what of it can be shown.
    assert max(kept) <= 4 * limits.ANSWER_BYTES_MAX + limits.SEARCH_STEP_BYTES

    assert garden.pages("bean", 100) == (garden.expected("bean"), True)


def test_a_search_that_gives_up_still_says_that_it_has_not_seen_the_newest(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 2)
    monkeypatch.setattr(limits, "SEARCH_UNINDEXED_MAX", 2)
    for _ in range(6):
        garden.say("bean")
    garden.index()
    for _ in range(4):
        garden.say("bean")

    assert not exhausted(garden.search("bean").steps()).complete


def test_a_search_asks_the_index_for_a_block_at_a_time(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two words that never meet could otherwise be looked for in all there is, in one step."""
    monkeypatch.setattr(search_words, "BLOCK_POSITIONS", 10)
    for number in range(100):
        garden.say("bean" if number % 2 else "tomato")
    garden.index()
    garden._written.clear()
    wanted = Wanted(("bean", "tomato"), None, None, 10)
    store = garden.store
    steps = Search(store._connection, store._search, PLACES, wanted, store.position).steps()
    for _ in steps:
        asked = [parameters for statement, parameters in garden._written if "MATCH" in statement]
        garden._written.clear()
        assert len(asked) <= 1
        for expression, first, last in asked:
            assert first // 10 == last // 10
            assert search_words.block_piece(last) in expression


# --- Exactness ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["said", "edited", "deleted", "removed"])
def test_what_is_found_is_exact_between_any_two_steps(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the service dies there, and if something else happens there."""
    monkeypatch.setattr(search_words, "PART_CHARS", 7)
    text, other = "beans and tomatoes and beans", "peppers and beans, nothing else"
    for stop in range(0, 14, 2):
        garden = Garden(tmp_path / f"{stop}.sqlite")
        garden.say("tomatoes", "#attic")
        garden.say(text)
        garden.say("bean")
        if what != "said":
            garden.index()
            if what == "edited":
                garden.edit(("#garden", 1), other)
            elif what == "deleted":
                garden.edit(("#garden", 1), None)
            else:
                garden.remove("#garden", 1)
        for _ in range(stop):
            garden.store.index_messages()
        for _ in range(2):
            for word in ("bean", "tomato", "pepper", "nothing", "and"):
                assert garden.found(word) == garden.expected(word)
            garden.reopen()
        if stop % 4 and ("#garden", 1) in garden.said:
            garden.edit(("#garden", 1), "tomatoes again, and again, and again")
            garden.store.index_messages()
            garden.edit(("#garden", 1), None)
        garden.index()
        garden.check_index()
        for word in ("bean", "tomato", "pepper", "again"):
            assert garden.found(word) == garden.expected(word)
        if ("#garden", 1) not in garden.said:
            assert 2 not in garden.index_has(f"{text} {other} again")
        garden.store.close()


@pytest.mark.parametrize("between", range(4))
def test_nothing_of_a_deleted_message_comes_back(garden: Garden, between: int) -> None:
    """Whatever is merged with what: the parts of a long message enter and leave one by one."""
    # More than a page of the index, so that it is not merged again at once.
    garden.say(LONGEST["ideographs"][: 8 * search_words.PART_CHARS])
    for _ in range(between):
        garden.say("bean")
        garden.index()
    long = ("#garden", between + 2)
    garden.say("x" * 3 * search_words.PART_CHARS)
    garden.index()
    assert garden.found("xxx") == [long]
    garden.edit(long, None)
    garden.index()
    for _ in range(12):
        assert garden.pieces_at(long[1]) == []
        garden.say("bean")
        garden.index()
    garden.check_index()


@given(st.text("abß曜# ", max_size=60), st.integers(3, 9))
def test_each_piece_of_a_text_is_in_one_part_of_it(text: str, part_chars: int) -> None:
    """Also if somebody who knows nothing of the former ones goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_words, "PART_CHARS", part_chars)
        words = search_words.compared(text)
        parts = search_words.Parts()
        entered: list[str] = []
        following: int | None = 0
        while following is not None:
            pieces = parts.pieces_of(words, following)
            assert search_words.Parts().pieces_of(words, following) == pieces
            entered += pieces
            following = search_words.next_part(words, following)
    assert len(entered) == len(set(entered))
    assert set(entered) == search_words.pieces_of(words, 0, len(words))


def test_what_has_not_begun_to_enter_the_index_is_taken_back(garden: Garden) -> None:
    garden.say("bean")
    garden.index()
    for number in range(20):
        garden.edit(("#garden", 1), f"tomato {number}")
    connection = garden.store._connection
    due = connection.exec_driver_sql("SELECT count(*) FROM search_due").scalar()
    connection.rollback()
    assert due == 2
    garden.edit(("#garden", 1), None)
    garden.index()
    assert garden.index_has("bean tomato 1") == []


def test_pages_get_further_though_each_begins_amid_a_span(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was on the pages before does not count as looked at."""
    for _ in range(40):
        garden.say("bean")
    garden.index()
    (frame, *_) = [stored.frame for stored in garden.store.read_log("#garden", 0, 1, 1)]
    monkeypatch.setattr(limits, "SEARCH_BYTES_MAX", 5 * len(frame))
    assert garden.pages("bean", 100) == (garden.expected("bean"), True)
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 3)
    assert garden.pages("bean", 100) == (garden.expected("bean"), True)


_texts = st.lists(
    st.sampled_from(["bean", "tomato", "水曜日は晴れ", "a", "beanbeanbean"]), min_size=1
)
_texts_said = _texts.map(" ".join)
_places = st.tuples(st.sampled_from(["#garden", "#attic"]), st.integers(1, 12))
_happenings = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["#garden", "#attic"]), _texts_said),
    st.tuples(st.just("edit"), _places, st.one_of(st.none(), _texts_said)),
    st.tuples(st.just("remove"), st.sampled_from(["#garden", "#attic"]), st.integers(1, 4)),
    st.tuples(st.just("step"), st.integers(1, 6)),
)


def happen(garden: Garden, happening: tuple[Any, ...]) -> set[tuple[str, int]]:
    """Returns which messages are not what they were."""
    match happening:
        case "say", log, text:
            garden.say(text, log)
            return {(log, garden._heads[log])}
        case "edit", place, text if place in garden.said:
            garden.edit(place, text)
            return {place}
        case "remove", log, upto:
            former = set(garden.said)
            garden.remove(log, min(upto, garden._heads.get(log, 0)))
            return former - set(garden.said)
        case "step", count:
            for _ in range(count):
                garden.store.index_messages()
    return set()


@given(
    before=st.lists(_happenings, max_size=25),
    meanwhile=st.lists(_happenings, max_size=8),
    word=st.sampled_from(["bean", "tomato", "曜", "a", "beanbean", "晴れ a"]),
    limit=st.integers(1, 5),
    rows_max=st.sampled_from([1, 3, 1_000]),
)
def test_whatever_happens_a_search_finds_what_was_said(
    before: list[tuple[Any, ...]],
    meanwhile: list[tuple[Any, ...]],
    word: str,
    limit: int,
    rows_max: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(limits, name, value)
        patch.setattr(search_words, "PART_CHARS", 4)
        patch.setattr(search_words, "BLOCK_POSITIONS", 4)
        patch.setattr(search_module, "_PLACES_AT_ONCE", limit % 3)
        garden = Garden()
        for happening in before:
            happen(garden, happening)
        _check_search(garden, word, limit, rows_max, meanwhile, patch)
        garden.index()
        garden.check_index()
        patch.setattr(limits, "SEARCH_ROWS_MAX", 1_000)
        assert garden.pages(word, limit) == (expected(garden, word), True)
        garden.store.close()


def expected(garden: Garden, word: str) -> list[tuple[str, int]]:
    of_each = [set(garden.expected(one)) for one in word.split()]
    return [
        place
        for place in garden.expected(word.split(maxsplit=1)[0])
        if all(place in s for s in of_each)
    ]


def _check_search(
    garden: Garden,
    word: str,
    limit: int,
    rows_max: int,
    meanwhile: list[tuple[Any, ...]],
    patch: pytest.MonkeyPatch,
) -> None:
    patch.setattr(limits, "SEARCH_ROWS_MAX", rows_max)
    found, complete = garden.pages(word, limit)
    should = expected(garden, word)
    assert set(found) <= set(should)
    assert len(found) == len(set(found))
    if complete:
        assert found == should

    # While it goes on, something happens between any two steps.
    patch.setattr(limits, "SEARCH_ROWS_MAX", 1_000)
    changed: set[tuple[str, int]] = set()
    happenings = iter(meanwhile)
    steps = garden.search(word).steps()

    def interrupted() -> Steps[Found]:
        while True:
            try:
                yield next(steps)
            except StopIteration as done:
                found: Found = done.value
                return found
            if happening := next(happenings, None):
                changed.update(happen(garden, happening))

    result = exhausted(interrupted())
    assert set(places_of(result)) - changed == set(should) - changed
