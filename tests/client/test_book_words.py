"""Finding what was said, and emoji by their names."""

import pytest

from zchat.client.core.checks import InvalidRequest, emoji
from zchat.client.model.conversation import Happened, Item, Said
from zchat.client.model.emoji import by_name, completions, emoji_named
from zchat.client.tui.view.viewport import find_after, find_before
from zchat.protocol.messages import Entry, TopicChanged

ITEMS: list[Item] = [
    Said(1, 0, "bob", "The Bears are out"),
    Happened(Entry("#den", 2, 0, "bob", TopicChanged("bears"))),
    Said(3, 0, "cat", "which STRASSE?"),
    Said(4, 0, "bob", "bears again"),
]


def test_matches_are_found_in_both_directions() -> None:
    assert find_before(ITEMS, "bears", len(ITEMS)) == 3
    assert find_before(ITEMS, "bears", 3) == 0
    assert find_before(ITEMS, "bears", 0) is None
    assert find_after(ITEMS, "bears", -1) == 0
    assert find_after(ITEMS, "bears", 0) == 3
    assert find_after(ITEMS, "bears", 3) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("out BEARS", 0), ("straße", 2), ("cat which", 2), ("out again", None), ("  ", None)],
)
def test_every_word_must_be_there_in_whatever_case(text: str, found: int | None) -> None:
    assert find_after(ITEMS, text, -1) == found


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ("thumbsu", ("thumbsup", "👍")),
        (":tad", ("tada", "🎉")),
        ("Party P", ("party_popper", "🎉")),
        ("-1", ("-1", "👎")),
        ("popper", ("party_popper", "🎉")),
    ],
)
def test_emoji_are_completed_by_any_word_of_their_names(
    begin: str, expected: tuple[str, str]
) -> None:
    assert completions(begin, 5)[0] == expected


def test_what_begins_so_comes_first_and_no_more_than_are_wanted() -> None:
    found = completions("heart", 5)
    assert len(found) == 5
    assert found[0] == ("heart", "❤️")
    assert completions("", 5) == []
    assert completions("no such thing", 5) == []


def test_an_emoji_has_a_whole_name() -> None:
    assert emoji_named(":TADA:") == "🎉"
    assert emoji_named("tad") is None


@pytest.mark.parametrize("nothing", ["", "\u200d", "\ufe0f", "\u2800"])
def test_what_cannot_be_seen_is_no_reaction(nothing: str) -> None:
    with pytest.raises(InvalidRequest):
        emoji(nothing)


def test_all_of_them_may_be_reactions() -> None:
    assert len(by_name()) > 1_000
    for each in by_name().values():
        assert emoji(each) == each
