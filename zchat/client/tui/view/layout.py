"""Lays out the items of a conversation as lines of pieces; no line is wider than the page.

From left to right: a mark, the time, the author, the text. Consecutive messages of one author have
time and name once.

A click on a piece means its target: a link, `react:` with an emoji, `jump:` with the sequence of a
message, `fold:`, or `retry:`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from zchat.client.model.conversation import Delivery, Happened, Item, Said
from zchat.client.text.entries import action_of, sentence
from zchat.client.tui.view.cells import cut, drawable, drawable_line, padded, slices, width, words
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.markup import Ink, Piece, inline
from zchat.protocol import limits
from zchat.protocol.rules.markup import blocks

GROUP_MS: Final = 5 * 60_000
"""Messages of one author that are closer than this are grouped: time and name stand there once."""
FOLD_LINES: Final = 14
"""A text with more lines than this is folded,"""
FOLDED_LINES: Final = 10
"""and shows so many of them. The two differ, since a fold that hides a line or two is a
nuisance."""

REACT: Final = "react:"
JUMP: Final = "jump:"
FOLD: Final = "fold:"
RETRY: Final = "retry:"

Line: TypeAlias = tuple[Piece, ...]


class Calendar(Protocol):
    """When something happened, in the reader's time zone.

    It is passed in: a time zone comes from the machine, and nothing here depends on one.
    """

    def day(self, at_ms: int) -> int | None:
        """A number of the day, to compare it with another; None in a year that is not known."""

    def day_name(self, at_ms: int) -> str:
        """As `Tuesday, 14 November 2023`."""

    def clock(self, at_ms: int) -> str:
        """As `22:13`."""

    def day_and_clock(self, at_ms: int) -> str:
        """As `14 Nov 22:13`."""

    def date_and_clock(self, at_ms: int) -> str:
        """As `14 November 2023, 22:13`."""


@dataclass(frozen=True, slots=True)
class Page:
    """What all items are laid out for: `width` in cells; `me` is the reader's own name."""

    width: int
    me: str
    calendar: Calendar
    words: re.Pattern[str] | None = None
    """Highlight words: they mark a message as the user's name does."""
    keys: FirstKeys = field(default_factory=dict, compare=False)
    """For what the texts say of keys, which stay the same until the client ends."""

    @property
    def name_width(self) -> int:
        """On a narrow page names are cut rather than texts."""
        if self.width < 70:
            return 9
        return min(limits.NAME_CHARS_MAX, 13 + max(0, self.width - 90) // 3)

    @property
    def gutter(self) -> int:
        """The cells before a text: the mark, the time, the name, and spaces between."""
        return 1 + 5 + 1 + self.name_width + 2

    @property
    def text_width(self) -> int:
        return max(8, self.width - self.gutter)


@dataclass(frozen=True, slots=True)
class Place:
    """What the lines of an item depend on besides the item and the page."""

    new_day: bool = True
    grouped: bool = False
    """Time and name stand above, with the message before it."""
    new_since: bool = False
    """It is the first one that the user has not read."""
    unfolded: bool = False


def place(item: Item, before: Item | None, page: Page, new_after: int, unfolded: bool) -> Place:
    """`new_after` is the sequence that was read when the user came here; 0 if all was."""
    new_day = before is None or page.calendar.day(before.at_ms) != page.calendar.day(item.at_ms)
    new_since = (
        item.sequence > new_after > 0 and before is not None and before.sequence <= new_after
    )
    grouped = (
        not new_day
        and not new_since
        and isinstance(item, Said)
        and isinstance(before, Said)
        and item.author == before.author
        and not item.reply_to
        and not (action_of(item.text) or action_of(before.text))
        and 0 <= item.at_ms - before.at_ms < GROUP_MS
    )
    return Place(new_day, grouped, new_since, unfolded)


def lay_out(
    item: Item, page: Page, where: Place, answered: Said | None = None, *, folded: str = ""
) -> list[Line]:
    """`answered` is the message to which this one replies, if it is loaded.

    `folded` is what a notice says for all that follow it, which a click on it shows.
    """
    lines: list[Line] = []
    if where.new_day:
        lines.append(rule(page.calendar.day_name(item.at_ms), page, Ink.DAY))
    if where.new_since:
        lines.append(rule("new", page, Ink.NEW))
    if isinstance(item, Happened):
        text = drawable_line(folded or sentence(item.entry, page.me))
        notice = Piece(text, Ink.HAPPENED, FOLD if folded else "")
        rows: Iterable[Line] = wrapped([notice], page.text_width)
        name = Piece(padded("⋯" if folded else "·", page.name_width, right=True), Ink.HAPPENED)
    else:
        rows = _said(item, page, where, answered)
        name = _name(item, page, where)
    mark = isinstance(item, Said) and item.mentions_me and not item.deleted_by
    for number, row in enumerate(rows):
        first = number == 0
        head = [Piece("▌", Ink.MENTIONED) if mark else Piece(" ")]
        at_text = page.calendar.clock(item.at_ms) if first and not where.grouped else "     "
        head.append(Piece(f"{at_text} ", Ink.DIM))
        head.append(name if first else Piece(" " * page.name_width))
        lines.append((*head, Piece("  "), *row))
    return lines


def rule(text: str, page: Page, ink: Ink) -> Line:
    """A horizontal line with a word in it."""
    text = cut(text, max(0, page.width - 6))
    left = max(0, min(page.gutter - 2, page.width - width(text) - 3))
    right = max(0, page.width - left - width(text) - 2)
    return (Piece(f"{'─' * left} ", ink), Piece(text, ink), Piece(f" {'─' * right}", ink))


def _name(item: Said, page: Page, where: Place) -> Piece:
    if where.grouped:
        return Piece(" " * page.name_width)
    ink = Ink.MYSELF if item.author == page.me else Ink.AUTHOR
    if action_of(item.text) and not item.deleted_by:
        return Piece(padded("*", page.name_width, right=True), ink)
    return Piece(padded(drawable_line(item.author), page.name_width, right=True), ink)


def _said(item: Said, page: Page, where: Place, answered: Said | None) -> Iterator[Line]:
    if item.reply_to:
        yield _quote(item, page, answered)
    if item.deleted_by:
        whose = "" if item.deleted_by == item.author else f" by {drawable_line(item.deleted_by)}"
        yield from wrapped([Piece(f"message deleted{whose}", Ink.HAPPENED)], page.text_width)
        return
    rows = _text(item, page)
    if len(rows) > FOLD_LINES and not where.unfolded:
        more = len(rows) - FOLDED_LINES
        hidden = f"… {more} more lines" + hint(page.keys, " · {unfold} on it shows them")
        rows = [*rows[:FOLDED_LINES], (Piece(cut(hidden, page.text_width), Ink.HINT, FOLD),)]
    elif len(rows) > FOLD_LINES:
        # A click does it as well, also where no key does.
        folds = hint(page.keys, "{unfold} folds it again") or "folds again"
        rows.append((Piece(cut(folds, page.text_width), Ink.HINT, FOLD),))
    yield from rows
    if item.reactions:
        yield from wrapped(list(_reactions(item, page)), page.text_width)
    if item.is_unsent:
        why = drawable_line(item.trouble) or "it was not sent"
        helps = hint(page.keys, "{reply} retries", "{delete} drops it", between=", ")
        trouble = f"! {why} · {helps}" if helps else f"! {why}"
        yield from wrapped([Piece(trouble, Ink.TROUBLE, RETRY)], page.text_width)


def _text(item: Said, page: Page) -> list[Line]:
    rows: list[Line] = []
    pending = item.delivery is not Delivery.DONE
    action = action_of(item.text)
    for block in blocks(drawable(f"{item.author} {action}" if action else item.text)):
        if block.code:
            parts = slices(block.text, page.text_width)
            rows += [(Piece(padded(part, page.text_width), Ink.CODE),) for part in parts]
            continue
        pieces = list(inline(block.text, page.me, page.words))
        if pending:
            pieces = [Piece(piece.text, Ink.PENDING, piece.target) for piece in pieces]
        rows += wrapped(pieces, page.text_width)
    notes = [word for word, holds in (("(bot)", item.bot), ("(edited)", item.edited)) if holds]
    note = "…" if item.delivery is Delivery.PENDING else " ".join(notes)
    if note:
        last = rows[-1] if rows else ()
        if sum(width(piece.text) for piece in last) + width(note) + 1 <= page.text_width:
            rows[-1:] = [(*last, Piece(f" {note}", Ink.DIM))]
        else:
            rows.append((Piece(note, Ink.DIM),))
    return rows


def _quote(item: Said, page: Page, answered: Said | None) -> Line:
    if answered is None:
        text = "↪ an earlier message"
    elif answered.deleted_by:
        text = f"↪ {drawable_line(answered.author)}: (deleted)"
    else:
        action = action_of(answered.text)
        between, said = (" ", action) if action else (": ", answered.text)
        text = f"↪ {drawable_line(answered.author)}{between}{drawable_line(said[:400])}"
    return (Piece(cut(text, page.text_width), Ink.QUOTE, f"{JUMP}{item.reply_to}"),)


def _reactions(item: Said, page: Page) -> Iterator[Piece]:
    for emoji, names in item.reactions.items():
        ink = Ink.REACTED if page.me in names else Ink.REACTION
        # No line break between a reaction and its number.
        yield Piece(f"{drawable_line(emoji)}\u00a0{len(names)}", ink, f"{REACT}{emoji}")
        yield Piece("  ")


def wrapped(pieces: list[Piece], cells: int) -> list[Line]:
    """The pieces on as many lines as they need; at least one."""
    ascii_only = all(piece.text.isascii() for piece in pieces)
    if ascii_only and sum(len(piece.text) for piece in pieces) <= cells:
        # Most texts fit on a line, and going through them word by word is most of the work.
        return [tuple(pieces)]
    lines: list[Line] = []
    line: list[Piece] = []
    left = cells
    for piece in pieces:
        for word in _unbroken(piece):
            size = width(word)
            if size > left and word.isspace():
                # Spaces where a line breaks are dropped.
                left = 0
                continue
            if size > left and line:
                lines.append(_joined(line))
                line, left = [], cells
            *full, rest = slices(word, cells)
            lines += [(Piece(part, piece.ink, piece.target),) for part in full]
            line.append(Piece(rest, piece.ink, piece.target))
            left -= width(rest)
    lines.append(_joined(line))
    return lines


def _unbroken(piece: Piece) -> Iterable[str]:
    if piece.ink in (Ink.REACTION, Ink.REACTED):
        return [piece.text]
    return words(piece.text)


def _joined(line: list[Piece]) -> Line:
    """Joins neighbours that look alike into one piece again: each piece takes time to draw."""
    joined: list[Piece] = []
    for piece in line:
        if joined and joined[-1][1:] == piece[1:]:
            joined[-1] = Piece(joined[-1].text + piece.text, piece.ink, piece.target)
        else:
            joined.append(piece)
    return tuple(joined)
