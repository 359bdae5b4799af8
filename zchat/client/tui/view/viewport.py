"""What of a conversation is seen: where the window stands, what is selected, how both move.

The place is kept as an item and a line of that item, never as a line of the whole conversation. So
nothing that happens above moves what is seen, and only what is seen is ever laid out. The heights
of all other items are estimates, which nothing but the scroll bar shows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from zchat.client.model.conversation import (
    Change,
    Changed,
    Conversation,
    Happened,
    Inserted,
    Item,
    Move,
    Removed,
    Replaced,
    Said,
)
from zchat.client.tui.view.cells import drawable_line
from zchat.client.tui.view.layout import FOLD, Line, Page, Place, lay_out, place

ESTIMATED_LINES: Final = 2
"""The height of an item that was not laid out yet: most messages have one or two lines."""
LAID_OUT_MAX: Final = 2_000
"""So many items keep their lines, far more than a screen shows. Past that all are forgotten, and
the next frame lays out again what it shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line on the screen, of the item at `index`."""

    index: int
    line: Line


class Viewport:
    def __init__(self, conversation: Conversation, page: Page, *, folds: bool = True) -> None:
        """With `folds`, people who come and go are one line until it is unfolded."""
        self.conversation = conversation
        self.page = page
        self._folds = Folds() if folds else None
        self.height = 1
        """Of the window, in lines."""
        self.at_end = True
        """It shows the newest message, and follows when another comes."""
        self.top = 0
        """The index of the item on the first line of the window,"""
        self.skipped = 0
        """and how many of its lines are above the window."""
        self.selected: int | None = None
        """The index of the selected item."""
        self.missed = 0
        """The number of messages that came below the window."""
        self.new_after = conversation.marker if conversation.unread else 0
        """The line "new" stands below this sequence; it stays there while the user reads."""
        self._unfolded: set[Item] = set()
        self._laid_out: dict[Item, tuple[object, list[Line]]] = {}
        """What an item's lines were made of, and the lines."""
        # The heights below are of the items as they are now.
        conversation.take_changes()
        self.heights = Heights([ESTIMATED_LINES] * len(self.items))

    @property
    def items(self) -> list[Item]:
        return self.conversation.items

    @property
    def chosen(self) -> Item | None:
        return None if self.selected is None else self.items[self.selected]

    # --- What changes ---------------------------------------------------------------------------

    def resize(self, page: Page, height: int) -> None:
        self.height = max(1, height)
        if page != self.page:
            self.page = page
            self._laid_out.clear()

    def keep_up(self) -> bool:
        """Takes in what has changed in the conversation; whether anything has.

        Everything that looks at the items calls it first: the list of items has changed already,
        and an index that was kept from before would be that of another item.
        """
        changes = self.conversation.take_changes()
        if changes and self._folds is not None:
            self._folds.forget()
        # The user has selected something that is seen in the window at the end.
        follows = self.at_end and self.selected is not None and self.selected >= self.top
        self._apply(changes)
        if changes and follows and self.at_end:
            self._keep_in_sight()
        return bool(changes)

    def _keep_in_sight(self) -> None:
        """Keeps the selected message in the window when others come.

        The user may be about to press the key that deletes it, and must see which one it is.
        """
        self._stand_at_end()
        if self.selected is not None and (self.selected, 0) < (self.top, self.skipped):
            self.at_end, self.top, self.skipped = False, self.selected, 0
            below = self._rows_from_top()[-1].index + 1
            self.missed = sum(isinstance(item, Said) for item in self.items[below:])

    def _apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case Inserted(index, count):
                    self._insert(index, count)
                case Changed():
                    pass  # Its version has changed, by which `lines` knows.
                case Removed(index):
                    self._remove(index)
                case Replaced():
                    self._replace()
                case _:
                    assert_never(change)

    def _insert(self, index: int, count: int) -> None:
        was_last = index == len(self.heights)
        self.heights.insert(index, [ESTIMATED_LINES] * count)
        if was_last:
            if not self.at_end:
                came = self.items[index : index + count]
                self.missed += sum(isinstance(item, Said) for item in came)
        elif index <= self.top:
            # The same item stays on the first line, so nothing moves on the screen.
            self.top += count
        if self.selected is not None and self.selected >= index:
            self.selected += count

    def _remove(self, index: int) -> None:
        self.heights.remove(index)
        if index < self.top:
            self.top -= 1
        elif index == self.top:
            self.skipped = 0
        if self.selected is not None:
            if index < self.selected or self.selected == len(self.heights):
                self.selected -= 1
            if self.selected < 0:
                self.selected = None

    def _replace(self) -> None:
        """None of the items from before need be among those of now."""
        self.heights = Heights([ESTIMATED_LINES] * len(self.items))
        self._laid_out.clear()
        self.at_end, self.top, self.skipped, self.missed, self.selected = True, 0, 0, 0, None

    # --- What is seen ---------------------------------------------------------------------------

    def lines(self, index: int) -> list[Line]:
        """Of the item at `index`; none if it is folded into the first of its run."""
        run = self._run(index)
        is_folded = bool(run) and self.items[run.start] not in self._unfolded
        if is_folded and index > run.start:
            if self.heights[index]:
                self.heights[index] = 0
            return []
        if is_folded:
            return self._folded_lines(run)
        item = self.items[index]
        where = self._place(index)
        answered = self.answered(item)
        # The lines are made of this, besides the page, whose change forgets all of them.
        key = (item.version, where, answered and (answered, answered.version))
        known = self._laid_out.get(item)
        if known is not None and known[0] == key:
            return known[1]
        lines = lay_out(item, self.page, where, answered)
        if len(self._laid_out) >= LAID_OUT_MAX:
            self._laid_out.clear()
        self._laid_out[item] = key, lines
        self.heights[index] = len(lines)
        return lines

    def _run(self, index: int) -> range:
        """The run of people who come and go with this item; empty if it is in none."""
        if self._folds is None:
            return range(0)
        return self._folds.at(self.items, index, self._begins)

    def _begins(self, index: int) -> bool:
        where = self._place(index)
        return where.new_day or where.new_since

    def _folded_lines(self, run: range) -> list[Line]:
        item = self.items[run.start]
        key = (item.version, self._place(run.start), run)
        known = self._laid_out.get(item)
        if known is not None and known[0] == key:
            return known[1]
        text = _told((self.items[index] for index in run), self.page.me)
        lines = lay_out(item, self.page, key[1], folded=text)
        self._laid_out[item] = key, lines
        self.heights[run.start] = len(lines)
        return lines

    def answered(self, item: Item) -> Said | None:
        if not isinstance(item, Said) or not item.reply_to:
            return None
        index = self.index_of(item.reply_to)
        found = None if index is None else self.items[index]
        return found if isinstance(found, Said) else None

    def index_of(self, sequence: int) -> int | None:
        """Of the item with this sequence, if it is here."""
        items = self.items
        # Pending messages are at the end, and have no sequence yet.
        end = len(items)
        while end and not items[end - 1].sequence:
            end -= 1
        index = bisect_left(items, sequence, hi=end, key=lambda item: item.sequence)
        return index if index < end and items[index].sequence == sequence else None

    def rows(self) -> list[Row]:
        """What the window shows, from top to bottom; fewer than its height if there is no more."""
        self.keep_up()
        if not self.items:
            return []
        if not self.at_end:
            rows = self._rows_from_top()
            if len(rows) == self.height:
                self.at_end = self._is_end(rows)
                return rows
        # At the end, or so near to it that the window would not be full: it is filled from below.
        self._stand_at_end()
        return self._rows_from_top()

    def _is_end(self, rows: list[Row]) -> bool:
        last = rows[-1].index
        # Items that are folded away have no lines.
        if any(self.lines(index) for index in range(last + 1, len(self.items))):
            return False
        shown = sum(row.index == last for row in rows)
        above = self.skipped if last == self.top else 0
        return above + shown == len(self.lines(last))

    def _rows_from_top(self) -> list[Row]:
        rows: list[Row] = []
        self.top = min(self.top, len(self.items) - 1)
        skip = self.skipped = max(0, min(self.skipped, len(self.lines(self.top)) - 1))
        for index in range(self.top, len(self.items)):
            rows += [Row(index, line) for line in self.lines(index)[skip:]]
            skip = 0
            if len(rows) >= self.height:
                break
        return rows[: self.height]

    def _stand_at_end(self) -> None:
        self.at_end, self.missed = True, 0
        self._stand_above(len(self.items) - 1)

    def _stand_above(self, index: int) -> None:
        """Moves so that the last line of the item at `index` is the last of the window."""
        lines = len(self.lines(index))
        while lines < self.height and index > 0:
            index -= 1
            lines += len(self.lines(index))
        self.top, self.skipped = index, max(0, lines - self.height)

    @property
    def line(self) -> int:
        """The first line of the window, of `heights.total`; an estimate, for the scroll bar."""
        return self.heights.before(self.top) + self.skipped

    # --- How it moves ---------------------------------------------------------------------------

    def scroll(self, lines: int) -> None:
        """Down by so many lines, or up."""
        self.keep_up()
        if not self.items:
            return
        if lines < 0:
            self.at_end = False
        elif self.at_end:
            return
        self.skipped += lines
        while self.skipped < 0 and self.top > 0:
            self.top -= 1
            self.skipped += len(self.lines(self.top))
        self.skipped = max(0, self.skipped)
        while self.skipped >= len(self.lines(self.top)):
            if self.top == len(self.items) - 1:
                self.skipped = max(0, len(self.lines(self.top)) - 1)
                break
            self.skipped -= len(self.lines(self.top))
            self.top += 1

    def seek(self, line: int) -> None:
        """To a line of the scroll bar."""
        self.keep_up()
        if self.items:
            self.at_end = line >= self.heights.total - self.height
            self.top, self.skipped = self.heights.at(line)

    def to_end(self) -> None:
        self.at_end, self.selected = True, None

    def select(self, index: int | None) -> None:
        """Selects an item, and shows it."""
        self.keep_up()
        self.selected = index
        if index is None:
            return
        run = self._run(index)
        if run and index > run.start:
            # This very item is meant, and is not seen while the run is folded.
            self._unfolded.add(self.items[run.start])
        rows = self.rows()
        if index < self.top or (index == self.top and self.skipped):
            self.at_end, self.top, self.skipped = False, index, 0
        elif not rows or index > rows[-1].index or not self._is_whole(index, rows):
            self.at_end = False
            self._stand_above(index)
            if len(self.lines(index)) > self.height:
                # It does not fit into the window, which shows its beginning.
                self.top, self.skipped = index, 0

    def show(self, index: int) -> None:
        """Selects it, and shows it with some messages around it."""
        self.rows()
        before = self.top, self.skipped
        self.select(index)
        now = self.top, self.skipped
        # A long message leaves less room for those around it.
        space = max(0, min(self.height // 3, self.height - len(self.lines(index))))
        if now < before:
            self.scroll(-space)
        elif now > before:
            self.scroll(space)

    def _is_whole(self, index: int, rows: list[Row]) -> bool:
        return sum(row.index == index for row in rows) == len(self.lines(index))

    def step(self, by: int) -> None:
        """To the next message, down or up; with none selected, to the newest that is visible."""
        self.keep_up()
        rows = self.rows()
        start = self.selected
        if start is None:
            by = -1
        if start is None or not rows[0].index <= start <= rows[-1].index:
            # What was selected is out of sight: it goes on from what is visible.
            start = (rows[-1].index + 1 if by < 0 else rows[0].index - 1) if rows else 0
        index = start + by
        while 0 <= index < len(self.items):
            run = self._run(index)
            # A notice cannot be acted on, but a run of them can be unfolded, at its first.
            if isinstance(self.items[index], Said) or (run and run.start == index):
                self.select(index)
                return
            index += by

    def toggle_fold(self, index: int) -> None:
        """Folds or unfolds an item, or its run, and shows its beginning."""
        if run := self._run(index):
            index = run.start
        self._unfolded ^= {self.items[index]}
        self.select(index)

    def is_folded(self, index: int) -> bool:
        return any(piece.target == FOLD for line in self.lines(index) for piece in line)

    def read_until(self, conversation: Conversation) -> None:
        """The user comes back: new is what came since they left."""
        self.new_after = conversation.marker if conversation.unread else 0
        if self._folds is not None:
            self._folds.forget()

    def begin_new_at(self, sequence: int) -> None:
        """The line "new" stands above that message now."""
        self.new_after = sequence - 1
        if self._folds is not None:
            self._folds.forget()

    def first_new(self) -> int | None:
        """The index of the first message below the line "new", if it is loaded."""
        end = len(self.items)
        while end and not self.items[end - 1].sequence:
            end -= 1
        begin = bisect_right(self.items, self.new_after, hi=end, key=lambda item: item.sequence)
        return next((n for n in range(begin, end) if isinstance(self.items[n], Said)), None)

    def find(self, text: str, by: int) -> bool:
        """Selects the next message with all words of `text`, above the selected one or below."""
        self.keep_up()
        if by < 0:
            end = len(self.items) if self.selected is None else self.selected
            index = find_before(self.items, text, end)
        else:
            index = find_after(self.items, text, -1 if self.selected is None else self.selected)
        if index is None:
            return False
        self.select(index)
        return True

    def _place(self, index: int) -> Place:
        item = self.items[index]
        before = self.items[index - 1] if index else None
        return place(item, before, self.page, self.new_after, item in self._unfolded)


# --- People who come and go, folded into one line -------------------------------------------------

NAMES_MAX: Final = 8
"""Names that are shown of those who did the same; the others are counted."""
_WAYS: Final = {
    (Move.JOINED, Move.JOINED): "joined",
    (Move.LEFT, Move.LEFT): "left",
    (Move.JOINED, Move.LEFT): "came and went",
    (Move.LEFT, Move.JOINED): "went and came back",
}
"""By what somebody did first, and last."""


class Folds:
    """The runs of such notices in a conversation, each found when it is first looked for."""

    def __init__(self) -> None:
        self._runs: dict[int, range] = {}
        """By the index of each of their items."""

    def forget(self) -> None:
        """The items have moved."""
        self._runs.clear()

    def at(self, items: Sequence[Item], index: int, begins: Callable[[int], bool]) -> range:
        """The run with this item, if it has more than one item; else an empty range.

        `begins` says whether a line, such as that of a new day, stands before an item.
        """
        if not _moves(items[index]):
            return range(0)
        known = self._runs.get(index)
        if known is not None:
            return known
        first, last = index, index
        while not begins(first) and first > 0 and _moves(items[first - 1]):
            first -= 1
        while last + 1 < len(items) and _moves(items[last + 1]) and not begins(last + 1):
            last += 1
        run = range(first, last + 1) if last > first else range(0)
        self._runs.update(dict.fromkeys(range(first, last + 1), run))
        return run


def _moves(item: Item) -> bool:
    return isinstance(item, Happened) and item.move is not Move.NONE


def _told(notices: Iterable[Item], me: str) -> str:
    """Who joined, who left, and who did both, in the order in which they first did."""
    moves: dict[str, tuple[Move, Move]] = {}
    for each in notices:
        assert isinstance(each, Happened)
        first, _ = moves.get(each.author, (each.move, each.move))
        moves[each.author] = (first, each.move)
    parts = []
    for way, verb in _WAYS.items():
        names = [name for name, moved in moves.items() if moved == way]
        shown = ["you" if name == me else drawable_line(name) for name in names[:NAMES_MAX]]
        if len(names) > NAMES_MAX:
            shown.append(f"{len(names) - NAMES_MAX:,} more")
        if shown:
            parts.append(f"{', '.join(shown)} {verb}")
    return "; ".join(parts)


# --- Finding words in what is loaded --------------------------------------------------------------


def find_before(items: Sequence[Item], text: str, index: int) -> int | None:
    """The index of the last match before `index`.

    A message matches if each word of `text` is in it, in whatever case, or in its author's name.
    """
    return _first(items, text, range(min(index, len(items)) - 1, -1, -1))


def find_after(items: Sequence[Item], text: str, index: int) -> int | None:
    """The index of the first match after `index`; -1 for all."""
    return _first(items, text, range(max(index, -1) + 1, len(items)))


def _first(items: Sequence[Item], text: str, indexes: Iterable[int]) -> int | None:
    words = text.casefold().split()
    if not words:
        return None
    return next((index for index in indexes if _has(items[index], words)), None)


def _has(item: Item, words: list[str]) -> bool:
    if not isinstance(item, Said):
        return False
    text = item.text.casefold()
    # Names have no capitals.
    return all(word in text or word in item.author for word in words)


# --- The heights of very many items ---------------------------------------------------------------

CHUNK_MAX: Final = 1_024
"""Heights in a chunk. 100,000 items have some 200 chunks, and either is added up in no time."""


class Heights:
    """A list of numbers with fast sums: in chunks, so that an insertion moves few of 100,000.

    The scroll bar needs the sum of all, and of all above the window, for each frame.
    """

    def __init__(self, heights: Iterable[int] = ()) -> None:
        everything = list(heights)
        self._chunks = _in_chunks(everything)
        self._sums = [sum(chunk) for chunk in self._chunks]
        self._count = len(everything)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> int:
        chunk, offset = self._locate(index)
        return self._chunks[chunk][offset]

    def __setitem__(self, index: int, height: int) -> None:
        chunk, offset = self._locate(index)
        self._sums[chunk] += height - self._chunks[chunk][offset]
        self._chunks[chunk][offset] = height

    @property
    def total(self) -> int:
        return sum(self._sums)

    def insert(self, index: int, heights: list[int]) -> None:
        """Before the item at `index`, or at the end."""
        if index == self._count:
            chunk = max(0, len(self._chunks) - 1)
            offset = len(self._chunks[chunk]) if self._chunks else 0
        else:
            chunk, offset = self._locate(index)
        old = self._chunks[chunk] if self._chunks else []
        parts = _in_chunks([*old[:offset], *heights, *old[offset:]])
        self._chunks[chunk : chunk + 1] = parts
        self._sums[chunk : chunk + 1] = [sum(part) for part in parts]
        self._count += len(heights)

    def remove(self, index: int) -> None:
        chunk, offset = self._locate(index)
        self._sums[chunk] -= self._chunks[chunk].pop(offset)
        self._count -= 1
        if not self._chunks[chunk]:
            del self._chunks[chunk], self._sums[chunk]

    def before(self, index: int) -> int:
        """The lines of all items before the one at `index`."""
        if index >= self._count:
            return self.total
        chunk, offset = self._locate(index)
        return sum(self._sums[:chunk]) + sum(self._chunks[chunk][:offset])

    def at(self, line: int) -> tuple[int, int]:
        """The item that covers `line`, and which of its lines that is; at most the last one."""
        index = 0
        line = max(0, line)
        for chunk, lines in zip(self._chunks, self._sums, strict=True):
            if line >= lines:
                line -= lines
                index += len(chunk)
                continue
            for height in chunk:
                if line < height:
                    return index, line
                line -= height
                index += 1
        return max(0, self._count - 1), 0

    def _locate(self, index: int) -> tuple[int, int]:
        if not 0 <= index < self._count:
            raise IndexError(index)
        for number, chunk in enumerate(self._chunks):
            if index < len(chunk):
                return number, index
            index -= len(chunk)
        raise AssertionError("the count is that of all chunks")


def _in_chunks(heights: list[int]) -> list[list[int]]:
    if len(heights) <= CHUNK_MAX:
        return [heights] if heights else []
    # Half full: what is inserted next has room, and does not divide the chunk again.
    half = CHUNK_MAX // 2
    return [heights[begin : begin + half] for begin in range(0, len(heights), half)]
