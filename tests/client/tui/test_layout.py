"""How messages look as lines: never wider than the page, and nothing in them steers."""

import unicodedata
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from zchat.client.model.conversation import Delivery, Happened, Item, Said
from zchat.client.tui.app import LocalCalendar
from zchat.client.tui.view.cells import drawable
from zchat.client.tui.view.layout import FOLD, FOLDED_LINES, Line, Page, lay_out, place
from zchat.protocol.messages import Entry, TopicChanged

from .corpus import STEERING, WIDTHS

NOON_MS = 1_700_000_000_000
KEYS = {"reply": "r", "delete": "d", "unfold": "Enter"}
PAGE = Page(60, "ann", LocalCalendar(UTC), keys=KEYS)
ALONE = place(Said(1, NOON_MS, "bob", ""), None, PAGE, 0, unfolded=False)


def said(text: str, sequence: int = 1, author: str = "bob", at_ms: int = NOON_MS) -> Said:
    return Said(sequence, at_ms, author, text)


def plain(line: Line) -> str:
    return "".join(piece.text for piece in line)


def shown(item: Item, before: Item | None = None, new_after: int = 0) -> list[str]:
    where = place(item, before, PAGE, new_after, unfolded=False)
    return [plain(line).rstrip() for line in lay_out(item, PAGE, where)]


def test_a_day_then_time_name_and_text() -> None:
    day, message = shown(said("hello"))
    assert "Tuesday, 14 November 2023" in day
    assert message.split() == ["22:13", "bob", "hello"]


def test_messages_of_one_author_in_a_row_are_one_group() -> None:
    first = said("one")
    assert shown(said("two", 2, at_ms=NOON_MS + 60_000), first)[0].split() == ["two"]
    later = said("three", 3, at_ms=NOON_MS + 6 * 60_000)
    assert shown(later, first)[0].split() == ["22:19", "bob", "three"]
    other = said("four", 4, "carl", NOON_MS + 60_000)
    assert shown(other, first)[0].split() == ["22:14", "carl", "four"]


def test_a_line_stands_before_what_is_new() -> None:
    read, new = said("read", 7), said("new", 8)
    assert "new" in shown(new, read, new_after=7)[0]
    assert "─" in shown(new, read, new_after=7)[0]
    assert len(shown(new, read, new_after=0)) == len(shown(new, read, new_after=8)) == 1


def test_what_became_of_a_message_is_seen() -> None:
    message = said("text")
    message.edit = 9
    message.reactions = {"👍": ["ann", "carl"], "🎉": ["dora"]}
    _, text, reactions = shown(message)
    assert text.endswith("text (edited)")
    message.bot = True
    assert shown(message)[1].endswith("text (bot) (edited)")
    assert reactions.split() == ["👍", "2", "🎉", "1"]
    message.text, message.deleted_by = "", "mod"
    assert shown(message)[1].endswith("message deleted by mod")


def test_what_failed_says_why_and_how_to_try_again() -> None:
    message = said("text")
    message.delivery, message.trouble = Delivery.FAILED, "you may not speak here"
    assert "! you may not speak here · r retries" in shown(message)[2]


def test_a_reply_quotes_what_it_answers_in_one_line() -> None:
    reply = Said(9, NOON_MS, "bob", "yes", reply_to=3)
    where = place(reply, None, PAGE, 0, unfolded=False)
    quoted = plain(lay_out(reply, PAGE, where, said("is it\nso?", 3, "ann"))[1])
    assert "↪ ann: is it so?" in quoted
    assert "an earlier message" in plain(lay_out(reply, PAGE, where)[1])


def test_a_long_text_is_folded_and_can_be_unfolded() -> None:
    message = said("\n".join(str(number) for number in range(50)))
    lines = lay_out(message, PAGE, ALONE)
    assert len(lines) == 1 + FOLDED_LINES + 1
    assert "40 more lines" in plain(lines[-1])
    assert lines[-1][-1].target == FOLD
    unfolded = place(message, None, PAGE, 0, unfolded=True)
    lines = lay_out(message, PAGE, unfolded)
    assert len(lines) == 1 + 50 + 1
    assert lines[-1][-1].target == FOLD, "it can be folded again"


@pytest.mark.parametrize("width", [30, 41, 60, 80, 200])
@pytest.mark.parametrize("text", [*WIDTHS, *STEERING])
def test_no_line_is_wider_than_the_page(text: str, width: int) -> None:
    page = Page(width, "ann", LocalCalendar(UTC))
    message = Said(1, NOON_MS, text, text, reply_to=7, reactions={text[:32]: [text]})
    message.delivery, message.trouble = Delivery.FAILED, text
    for item in (message, Happened(Entry("#den", 1, NOON_MS, text, TopicChanged(text)))):
        for line in lay_out(item, page, ALONE, said(text)):
            assert cell_len(plain(line)) <= width


@pytest.mark.parametrize("text", [*WIDTHS, *STEERING])
def test_nothing_in_a_text_steers_the_terminal(text: str) -> None:
    message = Said(1, NOON_MS, text, text, reply_to=7, reactions={text: [text]})
    for line in lay_out(message, PAGE, ALONE, said(text, author=text)):
        for char in plain(line):
            assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(st.text(max_size=200), st.integers(30, 100))
def test_whatever_is_said_fits(text: str, width: int) -> None:
    page = Page(width, "ann", LocalCalendar(UTC))
    for line in lay_out(said(text), page, ALONE):
        assert cell_len(plain(line)) <= width
        # Each character counts for itself: no terminal can take several of them for one.
        assert cell_len(plain(line)) == sum(cell_len(char) for char in plain(line))


@given(st.text(alphabet="ab *_`:/@.\n#", max_size=80))
def test_of_plain_words_nothing_is_lost(text: str) -> None:
    lines = lay_out(said(text), Page(200, "ann", LocalCalendar(UTC)), ALONE)
    seen = "".join(char for line in lines[1:] for char in plain(line) if char.isalpha())
    # All but the time and the name.
    assert seen.removeprefix("bob") == "".join(char for char in text if char.isalpha())


def test_marks_do_not_pile_up() -> None:
    assert drawable("a" + "\u0301" * 50) == "\u00e1" + "\u0301" * 3
