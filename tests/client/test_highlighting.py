"""Words of one's own call one, wherever they stand by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.events import EntryArrived, SessionBegun
from zchat.client.model.book import Book
from zchat.client.model.conversation import Said
from zchat.client.model.entries import pattern_of, split_words
from zchat.client.model.notifications import Notifying
from zchat.client.text.entries import notification
from zchat.protocol.messages import Entry, LogState, MessageEdited, MessagePosted


@pytest.mark.parametrize(
    ("words", "text", "calls"),
    [
        (["tea"], "is there TEA?", True),
        (["tea"], "the team steals", False),
        (["c++"], "in c++, mostly", True),
        (["release", "release 2"], "release 2!", True),
        (["été"], "l'Été", True),
        ([], "anything", False),
        ([""], "anything", False),
    ],
)
def test_what_calls(words: list[str], text: str, calls: bool) -> None:
    pattern = pattern_of(words)
    assert (pattern is not None and pattern.search(text) is not None) == calls


@given(st.lists(st.text(max_size=5), max_size=5), st.text(max_size=30))
def test_every_word_finds_itself(words: list[str], text: str) -> None:
    pattern = pattern_of(words)
    for word in words:
        if word:
            assert pattern is not None
            assert pattern.search(f"{text} {word} {text}")


def test_words_are_written_with_commas() -> None:
    assert split_words(" tea,, release  2 ,tea") == ["tea", "release 2"]


def test_a_word_counts_and_is_told_as_a_mention() -> None:
    book, notifying = Book("ann", ["tea"]), Notifying()
    book.apply(SessionBegun("ann", False, [LogState("#den", 0, 0)], False, 1), 0.0)
    said = (("bob", "more tea"), ("bob", "coffee"), ("ann", "my tea"))
    for sequence, (author, text) in enumerate(said, 1):
        event = EntryArrived(Entry("#den", sequence, 1, author, MessagePosted(text)), False)
        book.apply(event, 0.0)
        notifying.hear(book, event, 0.0)
    assert (book.open("#den").unread, book.open("#den").mentions) == (2, 1)
    told = notifying.take(9.0)
    assert notification(told, "ann").body == "more tea"
    edit = Entry("#den", 4, 1, "bob", MessageEdited(2, "or tea"))
    book.apply(EntryArrived(edit, False), 0.0)
    assert book.open("#den").mentions == 2
    book.highlight([])
    book.apply(EntryArrived(Entry("#den", 5, 1, "bob", MessagePosted("tea")), False), 0.0)
    newest = book.open("#den").items[-1]
    assert isinstance(newest, Said)
    assert not newest.mentions_me
