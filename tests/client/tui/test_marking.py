"""What is marked with the mouse is what was written there."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.model.conversation import Conversation, Item, Kind, Said
from zchat.client.tui.app import LocalCalendar
from zchat.client.tui.view.layout import Page
from zchat.client.tui.view.viewport import Viewport
from zchat.client.tui.widgets.timeline import End, marked_between, marked_text
from zchat.protocol.messages import MessagePosted

from .people import Person

PAGE = Page(50, "ann", LocalCalendar(UTC))
BEGIN = PAGE.gutter
LONG = "a text that is longer than one line of the page and has https://example.org/" + 40 * "x"


def view_of(*texts: str) -> Viewport:
    items: list[Item] = [Said(n, n * 1_000, "bob", text) for n, text in enumerate(texts, 1)]
    view = Viewport(Conversation("#den", Kind.ROOM, "den", items), PAGE)
    view.resize(PAGE, 40)
    view.rows()
    return view


def copied(view: Viewport, first: tuple[int, int, int], last: tuple[int, int, int]) -> str:
    ends = [End(view.items[item], line, x) for item, line, x in (first, last)]
    both = [marked_between(view, *ends), marked_between(view, *reversed(ends))]
    assert both[0] is not None
    assert both[0] == both[1]
    return marked_text(view, both[0])


def test_words_of_one_line() -> None:
    view = view_of("hello there, everybody")
    assert copied(view, (0, 1, BEGIN + 6), (0, 1, BEGIN + 10)) == "there"
    assert copied(view, (0, 1, 0), (0, 1, BEGIN - 3)).split() == ["00:00", "bob"]


def test_a_paragraph_comes_in_one_piece_and_lines_as_they_were() -> None:
    view = view_of(LONG, "two\nlines")
    end = (1, 1, BEGIN + 4)
    assert copied(view, (0, 1, 0), end) == f"{LONG}\ntwo\nlines"


def test_what_is_wide_is_copied_whole() -> None:
    view = view_of("日本語 e\u0301te")
    assert copied(view, (0, 1, BEGIN + 2), (0, 1, BEGIN + 3)) == "本"
    assert copied(view, (0, 1, BEGIN + 7), (0, 1, BEGIN + 9)) == "éte"


def test_what_is_gone_is_not_marked() -> None:
    view = view_of("one", "two")
    gone = Said(9, 9_000, "bob", "three")
    assert marked_between(view, End(view.items[0], 0, 0), End(gone, 0, 0)) is None


WORDS = st.text(alphabet="ab日é. ", min_size=1, max_size=12)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=4))
def test_all_that_was_said_is_copied_but_for_spaces(texts: list[str]) -> None:
    view = view_of(*texts)
    last = len(texts) - 1
    found = copied(view, (0, 0, 0), (last, len(view.lines(last)) - 1, PAGE.width - 1))
    assert "".join(found.split()) == "".join("".join(texts).split())


@pytest.mark.parametrize("upwards", [False, True])
async def test_the_mouse_marks_and_copies(ann: Person, upwards: bool) -> None:
    lines = ann.screen.split("\n")
    y = next(number for number, line in enumerate(lines) if "message 2" in line)
    x = lines[y].index("message 2")
    ends = [(x, y), (x + 8, y + 1)]
    if upwards:
        ends.reverse()
    await ann.pilot.mouse_down(offset=ends[0])
    # What was pressed stays it, though it is a line higher now.
    ann.gateway.say("#lobby", "bob", MessagePosted("message 4"))
    await ann.sees("message 4")
    x, y = ends[1]
    await ann.pilot.mouse_up(offset=(x, y - 1))
    await ann.sees("the selection is copied")
    assert ann.app.clipboard == "message 2\nmessage 3"
    # Nothing was chosen by it.
    assert ann.app.timeline.view is not None
    assert ann.app.timeline.view.selected is None
