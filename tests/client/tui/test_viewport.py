"""What is seen of a conversation stays where it is, whatever happens around it."""

from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zchat.client.model.conversation import (
    Changed,
    Conversation,
    Happened,
    Inserted,
    Item,
    Kind,
    Move,
    Removed,
    Said,
)
from zchat.client.tui.app import LocalCalendar
from zchat.client.tui.view.layout import Page
from zchat.client.tui.view.viewport import Heights, Viewport
from zchat.protocol.messages import Entry, MemberJoined, MemberLeft

NOON_MS = 1_700_000_000_000
PAGE = Page(50, "ann", LocalCalendar(UTC))


def message(sequence: int, lines: int = 1) -> Said:
    text = "\n".join([f"message {sequence}"] * lines)
    return Said(sequence, NOON_MS + sequence * 1_000, f"user{sequence % 2}", text)


def conversation(count: int, first: int = 1) -> Conversation:
    items: list[Item] = [message(first + number, number % 4 + 1) for number in range(count)]
    return Conversation("#lobby", Kind.LOBBY, "lobby", items)


def view_of(count: int, first: int = 1, height: int = 10) -> Viewport:
    view = Viewport(conversation(count, first), PAGE)
    view.resize(PAGE, height)
    view.rows()
    return view


def texts(view: Viewport) -> list[str]:
    return ["".join(piece.text for piece in row.line) for row in view.rows()]


def moved(sequence: int, author: str, move: Move) -> Happened:
    body = MemberJoined() if move is Move.JOINED else MemberLeft()
    return Happened(Entry("#den", sequence, NOON_MS + sequence * 1_000, author, body), move)


def add(view: Viewport, said: Item) -> None:
    view.items.append(said)
    view.conversation.add_change(Inserted(len(view.items) - 1, 1))


def add_page_before(view: Viewport, count: int) -> None:
    first = view.items[0].sequence
    view.items[:0] = [message(first - count + number) for number in range(count)]
    view.conversation.add_change(Inserted(0, count))


def test_it_shows_the_newest_and_goes_with_them() -> None:
    view = view_of(50)
    assert "message 50" in texts(view)[-1]
    add(view, message(51))
    assert "message 51" in texts(view)[-1]


def test_what_comes_while_one_reads_moves_nothing_and_is_counted() -> None:
    view = view_of(50)
    view.scroll(-15)
    before = texts(view)
    add(view, message(51))
    add(view, message(52))
    assert texts(view) == before
    assert view.missed == 2
    view.to_end()
    assert "message 52" in texts(view)[-1]
    assert view.missed == 0


def test_what_comes_pushes_nothing_out_that_is_chosen() -> None:
    view = view_of(50)
    view.step(-1)
    for sequence in range(51, 80):
        add(view, message(sequence))
        assert any(row.index == view.selected for row in view.rows())
    assert view.chosen is view.items[49]
    below = view.items[view.rows()[-1].index + 1 :]
    assert view.missed == len(below) > 0
    view.scroll(1_000)
    assert "message 79" in texts(view)[-1]
    add(view, message(80))
    assert "message 80" in texts(view)[-1]


def test_a_page_of_history_moves_nothing() -> None:
    view = view_of(50, first=1_000)
    view.scroll(-40)
    view.select(view.rows()[3].index)
    before, chosen = texts(view), view.chosen
    add_page_before(view, 100)
    # Only the day may stand elsewhere now: it was above the first message.
    assert texts(view)[1:] == before[1:]
    assert view.chosen is chosen


def test_one_can_scroll_to_the_beginning_and_back() -> None:
    view = view_of(200)
    for _ in range(200):
        view.scroll(-5)
    assert "14 November 2023" in texts(view)[0]
    assert "message 1" in texts(view)[1]
    for _ in range(200):
        view.scroll(5)
        view.rows()
    assert view.at_end
    assert "message 200" in texts(view)[-1]


def test_what_is_selected_is_seen() -> None:
    view = view_of(100)
    for index in (0, 99, 50, 51, 49, 98):
        view.select(index)
        assert index in {row.index for row in view.rows()}
    view.step(-1)
    assert view.selected == 97


def test_a_message_that_is_longer_than_the_window_is_seen_from_its_beginning() -> None:
    view = view_of(20)
    view.items[10] = message(11, 12)
    view.conversation.add_change(Changed(10))
    view.resize(PAGE, 5)
    view.select(10)
    assert texts(view)[0].endswith("message 11")


def test_what_is_unfolded_is_seen_from_its_beginning() -> None:
    view = view_of(20, height=20)
    add(view, message(21, lines=60))
    view.step(-1)
    view.toggle_fold(20)
    assert "message 21" in texts(view)[0]
    assert view.top == 20
    view.toggle_fold(20)
    assert "more lines" in texts(view)[-1]


def test_one_goes_on_from_what_is_seen() -> None:
    view = view_of(50)
    view.step(-1)
    view.scroll(-40)
    seen = view.rows()
    view.step(-1)
    assert view.selected is not None
    assert seen[0].index <= view.selected <= seen[-1].index
    view.to_end()
    view.rows()
    view.select(5)
    view.scroll(30)
    seen = view.rows()
    view.step(1)
    assert view.selected == seen[0].index


def test_what_one_is_led_to_stands_among_what_was_said_around_it() -> None:
    view = view_of(50)
    view.show(10)
    assert view.selected == 10
    rows = [row.index for row in view.rows()]
    assert rows[0] < 10 < rows[-1]


@given(
    st.integers(1, 60), st.integers(3, 30), st.integers(-150, 0), st.integers(0, 59), st.booleans()
)
def test_what_one_is_led_to_is_seen(
    count: int, height: int, scrolled: int, index: int, unfolded: bool
) -> None:
    """From wherever one is: it may be above the window, or below, or in part in it."""
    view = view_of(count, height=height)
    index %= count
    if unfolded:
        view.items[index] = message(index + 1, 40)
        view.conversation.add_change(Changed(index))
        view.toggle_fold(index)
    view.to_end()
    view.scroll(scrolled)
    view.rows()
    view.show(index)
    seen = [row for row in view.rows() if row.index == index]
    lines = view.lines(index)
    assert [row.line for row in seen] == lines[: len(seen)]
    assert len(seen) == len(lines) or len(lines) > height


def test_an_edit_is_seen_at_once() -> None:
    view = view_of(5)
    said = view.items[4]
    assert isinstance(said, Said)
    said.text, said.edit, said.version = "other words", 9, said.version + 1
    view.conversation.add_change(Changed(4))
    assert "other words (edited)" in texts(view)[-1]


def test_words_are_found_and_selected() -> None:
    view = view_of(100)
    assert view.find("MESSAGE 42", -1)
    assert view.selected == 41
    assert not view.find("message 42", -1)
    assert view.find("message 50", 1)
    assert view.selected == 49


def test_only_what_is_seen_is_laid_out() -> None:
    view = view_of(100_000)
    view.scroll(-1_000)
    view.rows()
    view.seek(view.heights.total // 2)
    view.rows()
    assert len(view._laid_out) < 1_500


STEPS = st.tuples(st.integers(0, 5), st.integers(0, 10_000), st.integers(0, 9))


@given(st.lists(STEPS, max_size=60))
def test_heights_are_a_list_with_sums(steps: list[tuple[int, int, int]]) -> None:
    plain: list[int] = []
    heights = Heights()
    for what, where, height in steps:
        if what < 2 or not plain:
            index = where % (len(plain) + 1)
            new = [height + 1] * (where % 1_500)
            plain[index:index] = new
            heights.insert(index, new)
        elif what == 2:
            del plain[where % len(plain)]
            heights.remove(where % (len(plain) + 1))
        else:
            plain[where % len(plain)] = height + 1
            heights[where % len(plain)] = height + 1
        assert len(heights) == len(plain)
        assert heights.total == sum(plain)
        if plain:
            index = where % len(plain)
            assert heights[index] == plain[index]
            assert heights.before(index) == sum(plain[:index])
            assert heights.at(sum(plain[:index])) == (index, 0)


def coming_and_going(*moves: str, folds: bool = True) -> Viewport:
    """`+ann` joins, `-ann` leaves, and anything else is said."""
    ways = {"+": Move.JOINED, "-": Move.LEFT}
    items: list[Item] = [
        moved(number, each[1:], ways[each[0]]) if each[0] in ways else message(number)
        for number, each in enumerate(moves, 1)
    ]
    view = Viewport(Conversation("#den", Kind.ROOM, "den", items), PAGE, folds=folds)
    view.resize(PAGE, 20)
    return view


def said(view: Viewport) -> list[str]:
    """Without the rule of the day, the time, and the name."""
    return [text[PAGE.gutter :].rstrip() for text in texts(view)[1:]]


def test_who_comes_and_goes_is_one_line() -> None:
    view = coming_and_going("+bob", "+cat", "-dan", "+eve", "-eve", "-fay", "+fay", "hi", "+gus")
    assert said(view) == [
        "bob, cat joined; dan left; eve",
        "came and went; fay went and came",
        "back",
        "message 8",
        "gus joined #den",
    ]
    add(view, moved(10, "ann", Move.JOINED))
    assert said(view)[-1] == "gus, you joined"


def test_a_run_is_unfolded_and_folded_again_where_it_begins() -> None:
    view = coming_and_going("hi", "+bob", "+cat", "hi")
    view.step(-1)
    view.step(-1)
    assert view.selected == 1
    view.toggle_fold(1)
    assert said(view) == ["message 1", "bob joined #den", "cat joined #den", "message 4"]
    view.step(-1)
    view.step(1)
    assert view.selected == 1
    view.toggle_fold(1)
    assert said(view) == ["message 1", "bob, cat joined", "message 4"]
    view.select(2)
    assert "cat joined #den" in said(view)


def test_nothing_is_folded_for_who_does_not_want_it() -> None:
    view = coming_and_going("+bob", "+cat", folds=False)
    assert said(view) == ["bob joined #den", "cat joined #den"]


def test_the_line_of_what_is_new_parts_a_run() -> None:
    view = coming_and_going("+bob", "+cat", "+dan", "+eve")
    view.conversation.marker, view.conversation.unread = 2, 1
    view.read_until(view.conversation)
    assert [text for text in said(view) if "joined" in text] == [
        "bob, cat joined",
        "dan, eve joined",
    ]


def test_of_very_many_the_others_are_counted() -> None:
    view = coming_and_going(*(f"+u{number}" for number in range(20)))
    assert "u6, u7, 12 more joined" in " ".join(said(view))


class Reading(RuleBasedStateMachine):
    """Somebody scrolls while messages come, change and go."""

    def __init__(self) -> None:
        super().__init__()
        self.view = view_of(30, first=10_000, height=8)
        self.next = 10_030

    @rule(lines=st.integers(-30, 30))
    def scroll(self, lines: int) -> None:
        self.view.scroll(lines)

    @rule(index=st.integers(0, 10_000))
    def select(self, index: int) -> None:
        self.view.select(index % len(self.view.items))

    @rule(lines=st.integers(1, 20))
    def come(self, lines: int) -> None:
        add(self.view, message(self.next, lines))
        self.next += 1

    @rule(number=st.integers(0, 9), move=st.sampled_from([Move.JOINED, Move.LEFT]))
    def move(self, number: int, move: Move) -> None:
        add(self.view, moved(self.next, f"user{number}", move))
        self.next += 1

    @precondition(lambda self: self.view.selected is not None)
    @rule()
    def fold(self) -> None:
        assert self.view.selected is not None
        self.view.toggle_fold(self.view.selected)

    @rule(by=st.sampled_from([-1, 1]))
    def step(self, by: int) -> None:
        self.view.step(by)
        if (chosen := self.view.selected) is not None:
            assert self.view.lines(chosen)

    @precondition(lambda self: self.view.items[0].sequence > 1_000)
    @rule(count=st.integers(1, 50))
    def load(self, count: int) -> None:
        add_page_before(self.view, count)

    @precondition(lambda self: len(self.view.items) > 1)
    @rule(index=st.integers(0, 10_000))
    def remove(self, index: int) -> None:
        index %= len(self.view.items)
        del self.view.items[index]
        self.view.conversation.add_change(Removed(index))

    @rule(width=st.integers(40, 90), height=st.integers(1, 30))
    def resize(self, width: int, height: int) -> None:
        self.view.resize(Page(width, "ann", LocalCalendar(UTC)), height)

    @invariant()
    def the_window_is_full_of_what_there_is(self) -> None:
        view = self.view
        rows = view.rows()
        assert len(rows) <= view.height
        indexes = [row.index for row in rows]
        assert indexes == sorted(indexes)
        assert {*indexes} == {n for n in range(indexes[0], indexes[-1] + 1) if view.lines(n)}
        if len(rows) < view.height:
            assert not any(view.lines(n) for n in range(indexes[0]))
            assert not any(view.lines(n) for n in range(indexes[-1] + 1, len(view.items)))
        assert len(view.heights) == len(view.items)
        assert view.selected is None or view.selected < len(view.items)


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
