"""A search finds every message that holds all of its words, in its places, newest first."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql

from zchat.eventlog.core.changes import Removal
from zchat.eventlog.core.search_words import block_piece, holds, words_of
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.search import Found, Place, Wanted
from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    MemberJoined,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
)
from zchat.protocol.operators import IMPORT_NONCE
from zchat.protocol.rules.costs import exhausted


class Said(NamedTuple):
    text: str
    log: str = "#garden"
    author: str = "ann"
    at_ms: int | None = None
    """A second after the one before, unless it was imported."""


class Talk:
    """Logs in a store, and what is found in them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.entries: dict[tuple[str, int], Entry] = {}
        self._heads: dict[str, int] = {}
        self._at_ms = 1_000_000

    def say(self, *said: Said | str) -> None:
        """As one commit."""
        self.append(*(one if isinstance(one, Said) else Said(one) for one in said))

    def append(self, *said: Said) -> None:
        self.commit([(one, MessagePosted(one.text)) for one in said])

    def commit(self, bodies: list[tuple[Said, EntryBody]]) -> None:
        appended = []
        for number, (said, body) in enumerate(bodies, 1):
            sequence = self._heads[said.log] = self._heads.get(said.log, 0) + 1
            self._at_ms += 1000
            at_ms = self._at_ms if said.at_ms is None else said.at_ms
            entry = Entry(said.log, sequence, at_ms, said.author, body)
            self.entries[said.log, sequence] = entry
            thread = body.to if isinstance(body, PrivateMessageSent) else None
            position = self.store.position + number
            nonce = None if said.at_ms is None else IMPORT_NONCE + position.to_bytes(8, "big")
            frame = encode(entry)
            one = Appended(position, said.log, sequence, said.author, nonce, thread, frame)
            appended.append(one)
        self.store.commit(appended, [], [], [])

    def amend(self, sequence: int, body: EntryBody, log: str = "#garden") -> None:
        former = self.entries[log, sequence]
        entry = Entry(log, sequence, former.at_ms, former.author, body)
        self.entries[log, sequence] = entry
        amended = [Amended(log, sequence, encode(entry))]
        self.store.commit([], [], [], [], amended=amended)

    def remove(self, upto: int, log: str = "#garden") -> None:
        self.store.commit([], [], [], [], removed=[Removal(log, upto)])
        for place in [place for place in self.entries if place[0] == log and place[1] <= upto]:
            del self.entries[place]

    def index(self) -> None:
        while self.store.index_messages():
            pass

    def search(
        self,
        text: str,
        *places: Place,
        author: str | None = None,
        before_ms: int | None = None,
        limit: int = limits.SEARCH_RESULTS_MAX,
    ) -> Found:
        wanted = Wanted(words_of(text), author, before_ms, limit)
        return exhausted(self.store.search(places or [Place("#garden", 0)], wanted))

    def found(self, text: str, *places: Place, **wanted: str) -> list[str]:
        found = self.search(text, *places, **wanted)  # type: ignore[arg-type]
        assert not found.more
        assert found.complete
        return [text_of(entry) for entry in found.entries]

    def pages(self, text: str, *places: Place, limit: int) -> list[Entry]:
        """All that is found, asked for again and again."""
        entries: list[Entry] = []
        before_ms = None
        while True:
            page = self.search(text, *places, before_ms=before_ms, limit=limit)
            entries += page.entries
            if not page.more:
                return entries
            before_ms = page.entries[-1].at_ms

    def index_rows(self, word: str) -> int:
        """How many messages the index itself has for three letters."""
        connection = self.store._connection
        counted = connection.scalar(
            sql("SELECT count(*) FROM search WHERE search MATCH :piece"),
            {"piece": f'"{block_piece(1)}{word}"'},
        )
        connection.rollback()
        assert isinstance(counted, int)
        return counted

    def check_index(self) -> None:
        """Raises if SQLite finds the index to be broken."""
        connection = self.store._connection
        connection.exec_driver_sql("INSERT INTO search(search) VALUES ('integrity-check')")
        connection.rollback()


def text_of(entry: Entry) -> str:
    assert isinstance(entry.body, MessagePosted | PrivateMessageSent)
    return entry.body.text


@pytest.fixture
def talk() -> Iterator[Talk]:
    store = Store.open(None, LOG_SCHEMA)
    yield Talk(store)
    store.close()


# --- Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("tomato", ["Tomatoes, please", "a TOMATO"]),
        ("ToMaToEs", ["Tomatoes, please"]),
        ("toes pleas", ["Tomatoes, please"]),
        ("please tomato beans", []),
        ("es,", ["Tomatoes, please"]),
        ("go", ["go"]),
        ("a", ["Straße", "Tomatoes, please", "a TOMATO"]),
        ("strasse", ["Straße"]),
        ("水曜", ["水曜日は晴れ"]),
        ("晴れ", ["水曜日は晴れ"]),
        ("曜", ["水曜日は晴れ"]),
        ("🌱", ['🌱🍅 c++ "quoted" it\'s 100%']),
        ("c++", ['🌱🍅 c++ "quoted" it\'s 100%']),
        ("+", ['🌱🍅 c++ "quoted" it\'s 100%']),
        ('"quoted"', ['🌱🍅 c++ "quoted" it\'s 100%']),
        ("' %", ['🌱🍅 c++ "quoted" it\'s 100%']),
        ("NEAR(", []),
        ("tomato OR beans", []),
        ("tomat*", []),
        ("^a -b pieces:x", []),
        ("\0", []),
    ],
)
def test_every_word_is_in_what_is_found(
    talk: Talk, words: str, found: list[str], indexed: bool
) -> None:
    talk.say("a TOMATO", "go", "Tomatoes, please", "水曜日は晴れ", "Straße")
    talk.say('🌱🍅 c++ "quoted" it\'s 100%')
    if indexed:
        talk.index()
    assert sorted(talk.found(words)) == sorted(found)


_chars = st.one_of(
    st.sampled_from("abAB09 ß\"'*^:+-(){}\\水曜日晴\n\t"),
    st.characters(exclude_categories=["Cs"]),
)
_texts = st.one_of(
    st.text(_chars, max_size=20),
    st.lists(st.sampled_from(["OR", "NEAR(a b)", "AND", "hello", "🌱", "aaa", "abab"])).map(
        " ".join
    ),
)


@given(texts=st.lists(_texts, min_size=1, max_size=6), data=st.data())
def test_what_is_found_is_what_a_look_at_every_message_finds(
    texts: list[str], data: st.DataObject
) -> None:
    talk = Talk(Store.open(None, LOG_SCHEMA))
    talk.say(*texts)
    talk.index()
    parts = st.sampled_from(texts).flatmap(
        lambda text: st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(
            lambda ends: text[min(ends) : max(ends)]
        )
    )
    words = data.draw(st.lists(st.one_of(parts, _texts), min_size=1, max_size=3).map(" ".join))
    expected = [text for text in texts if holds(text, words_of(words))]
    assert talk.found(words) == expected[::-1]
    talk.check_index()
    talk.store.close()


# --- Places ---------------------------------------------------------------------------------------


def test_only_what_stands_in_the_places_is_found(talk: Talk) -> None:
    talk.say(Said("bean one"), Said("bean two", "#attic"), Said("bean three", "#barn"))
    talk.say(Said("bean four"), Said("bean five", "#attic"))
    for _ in range(2):
        assert talk.found("bean") == ["bean four", "bean one"]
        both = [Place("#garden", 0), Place("#barn", 0)]
        assert talk.found("bean", *both) == ["bean four", "bean three", "bean one"]
        assert talk.found("bean", Place("#garden", 1), Place("#attic", 2)) == ["bean four"]
        assert talk.found("bean", Place("#cellar", 0)) == []
        nowhere = exhausted(talk.store.search([], Wanted(("bean",), None, None, 5)))
        assert nowhere == Found([], False, True)
        talk.index()


def test_one_conversation_of_an_inbox_can_be_searched(talk: Talk) -> None:
    inbox = "@ann"
    for to in ("bob", "carl"):
        said = Said(f"bean for {to}", inbox)
        talk.commit([(said, PrivateMessageSent(to, said.text))])
    for _ in range(2):
        assert talk.found("bean", Place(inbox, 0, "bob")) == ["bean for bob"]
        assert talk.found("bean", Place(inbox, 0)) == ["bean for carl", "bean for bob"]
        talk.index()


def test_one_author_can_be_searched(talk: Talk) -> None:
    talk.say(Said("bean one"), Said("bean two", author="bob"), Said("bob, a bean", author="carl"))
    for _ in range(2):
        assert talk.found("bean", author="bob") == ["bean two"]
        talk.index()


def test_only_messages_are_found(talk: Talk) -> None:
    said = Said("", author="bean")
    talk.commit([(said, MemberJoined()), (said, MessagePosted("bean"))])
    talk.index()
    assert talk.found("bean") == ["bean"]


# --- Order and pages ------------------------------------------------------------------------------


def test_pages_lose_and_repeat_nothing(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEARCH_BATCH_ENTRIES", 5)
    monkeypatch.setattr(limits, "SEARCH_SPAN_ENTRIES", 3)
    logs = ["#garden", "#attic", "#barn"]
    for number in range(40):
        log = logs[number % 3]
        # Now and then several at once, and an archive of long ago.
        talk.say(Said(f"bean {number}", log, at_ms=number // 4 * 10 if number % 5 == 0 else None))
        if number == 30:
            talk.index()
    places = [Place(log, 0) for log in logs]
    expected = sorted(talk.entries.values(), key=lambda e: (-e.at_ms, e.log, -e.sequence))
    for _ in range(2):
        for limit in (1, 2, 7, 39, 40):
            assert talk.pages("bean", *places, limit=limit) == expected
        talk.index()


def test_an_archive_that_was_imported_later_stands_before_what_was_said(talk: Talk) -> None:
    talk.say("bean of today")
    talk.append(*(Said(f"bean {n}", "#archive", at_ms=n) for n in range(1, 200)))
    talk.index()
    places = [Place("#garden", 0), Place("#archive", 0)]
    page = talk.search("bean", *places, limit=2)
    assert [text_of(entry) for entry in page.entries] == ["bean of today", "bean 199"]
    assert page.more


def test_archives_that_were_imported_at_once_do_not_mix(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_BATCH_ENTRIES", 7)
    for number in range(1, 20):
        talk.append(Said(f"bean {number}", "#old", at_ms=number))
        talk.append(Said(f"bean {number}", "#older", at_ms=number // 2))
        talk.say("bean of today")
    talk.index()
    places = [Place(log, 0) for log in ("#garden", "#old", "#older")]
    expected = sorted(talk.entries.values(), key=lambda e: (-e.at_ms, e.log, -e.sequence))
    for limit in (1, 5):
        assert talk.pages("bean", *places, limit=limit) == expected
    assert len(talk.found("bean", Place("#older", 0))) == 19


def test_after_the_clock_was_set_back_pages_lose_nothing(talk: Talk) -> None:
    talk.say("bean one", "bean two", "bean three", "bean four", "bean five")
    talk._at_ms -= 3500
    talk.say("bean six", "bean seven", "bean eight")
    talk.index()
    expected = sorted(talk.entries.values(), key=lambda entry: -entry.at_ms)
    assert talk.pages("bean", limit=1) == expected


def test_what_was_said_at_once_is_found_at_once(talk: Talk) -> None:
    talk.append(*(Said(f"bean {n}", at_ms=5 if n > 1 else 4) for n in range(1, 8)))
    for _ in range(2):
        page = talk.search("bean", limit=2)
        assert [entry.sequence for entry in page.entries] == [7, 6, 5, 4, 3, 2]
        assert page.more
        talk.index()


def test_nothing_is_shown_that_is_older_than_what_was_not_looked_at(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 1)
    talk.say("bean one", "bean two")
    talk.index()
    talk.say(Said("an old bean", at_ms=5), "bean three")
    page = talk.search("bean")
    assert [text_of(entry) for entry in page.entries] == ["bean three"]
    assert page.more


def test_a_search_looks_at_so_many_entries_and_goes_on_after_them(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_ROWS_MAX", 10)
    monkeypatch.setattr(limits, "SEARCH_SPAN_ENTRIES", 1)
    # They have all the pieces of the word, and not the word.
    talk.say("abcdef", *["abc bcdef def" for _ in range(8)], "abcdef", "abc def")
    talk.index()
    page = talk.search("abcdef")
    assert [entry.sequence for entry in page.entries] == [10]
    assert (page.more, page.complete) == (True, True)
    page = talk.search("abcdef", before_ms=page.entries[-1].at_ms)
    assert [entry.sequence for entry in page.entries] == [1]

    talk.say(*["abc def" for _ in range(10)])
    talk.index()
    # There is nothing to go on from.
    assert talk.search("abcdef") == Found([], False, False)


# --- What changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [True, False])
def test_an_edited_message_is_found_by_what_it_says_now(talk: Talk, indexed: bool) -> None:
    talk.say("a tomato", "a bean")
    if indexed:
        talk.index()
    talk.amend(1, MessagePosted("a pepper"))
    for _ in range(2):
        assert talk.found("tomato") == []
        assert talk.found("pepper") == ["a pepper"]
        talk.index()
    assert (talk.index_rows("tom"), talk.index_rows("pep")) == (0, 1)
    talk.check_index()


@pytest.mark.parametrize("indexed", [True, False])
def test_of_a_deleted_message_the_index_has_nothing(talk: Talk, indexed: bool) -> None:
    talk.say("a tomato", "tomatoes")
    if indexed:
        talk.index()
    talk.amend(1, Redacted("ann"))
    talk.index()
    assert talk.found("tomato") == ["tomatoes"]
    assert talk.index_rows("tom") == 1
    talk.check_index()


@pytest.mark.parametrize("indexed", [True, False])
def test_of_removed_entries_the_index_has_nothing(talk: Talk, indexed: bool) -> None:
    talk.say("a tomato", "tomatoes", Said("tomato soup", "#kitchen"), "tomato salad")
    if indexed:
        talk.index()
    talk.remove(2)
    for _ in range(2):
        assert talk.found("tomato") == ["tomato salad"]
        assert talk.found("tomato", Place("#kitchen", 0)) == ["tomato soup"]
        talk.index()
    assert talk.index_rows("tom") == 2
    talk.check_index()


def test_a_commit_that_fails_leaves_the_index_as_it_was(talk: Talk) -> None:
    talk.say("a tomato")
    talk.index()
    entry = Entry("#garden", 1, 1, "ann", MessagePosted("a pepper"))
    with pytest.raises(Exception, match="no such table"):
        talk.store.commit(
            [],
            [(sql("INSERT INTO nowhere VALUES (1)"), [])],
            [],
            [],
            amended=[Amended("#garden", 1, encode(entry))],
        )
    assert talk.found("tomato") == ["a tomato"]
    assert talk.found("pepper") == []
    talk.check_index()


# --- Indexing -------------------------------------------------------------------------------------


def test_the_index_follows_a_few_entries_at_a_time(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_BATCH_ENTRIES", 2)
    assert not talk.store.index_messages()
    talk.say("bean one", "bean two", "bean three")
    assert talk.index_rows("bea") == 0
    assert talk.store.index_messages()
    assert talk.index_rows("bea") == 2
    assert not talk.store.index_messages()
    assert talk.index_rows("bea") == 3
    assert not talk.store.index_messages()


def test_a_batch_ends_with_the_entry_that_fills_it(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_BATCH_BYTES", 1)
    talk.say("bean one", "bean two")
    assert talk.store.index_messages()
    assert talk.index_rows("bea") == 1
    assert not talk.store.index_messages()


def test_of_what_is_not_indexed_yet_a_search_looks_at_the_newest(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_UNINDEXED_MAX", 2)
    talk.say("bean zero")
    talk.index()
    talk.say("bean one", "bean two", "bean three")
    found = talk.search("bean")
    assert [text_of(e) for e in found.entries] == ["bean three", "bean two", "bean zero"]
    assert not found.complete
    talk.index()
    assert talk.search("bean").complete
