"""The lists at the sides, as lines: of conversations, and of the members of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zchat.client.model.conversation import Conversation, Kind
from zchat.client.tui.view.cells import cut, drawable_line, padded, width
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol.messages import Notify

OPEN: Final = "open:"
COUNT_MAX: Final = 999


@dataclass(frozen=True, slots=True)
class Present:
    """Whether somebody is online, and the word with which they are away; None for not away."""

    online: bool
    away: str | None = None


def ordered(
    conversations: Iterable[Conversation], opened: Conversation | None
) -> list[Conversation]:
    """Those that are listed, in their order; pinned ones first, and then the lobby."""
    listed = (one for one in conversations if one is opened or _is_listed(one))
    return sorted(listed, key=lambda one: (not one.pinned, one.kind is not Kind.LOBBY))


def _is_listed(conversation: Conversation) -> bool:
    if conversation.kind is Kind.NOTICES:
        return bool(conversation.items)
    if conversation.kind is Kind.PRIVATE:
        # One that was only opened, and in which nobody wrote, is not worth a line.
        return bool(conversation.head or conversation.items or conversation.draft)
    return conversation.joined or bool(conversation.unread)


def label(conversation: Conversation) -> str:
    """Its name, with the sign that people write before a room."""
    title = drawable_line(conversation.title)
    if conversation.kind in (Kind.ROOM, Kind.LOBBY):
        return title if title.startswith("#") else f"#{title}"
    return title


def is_muted(conversation: Conversation) -> bool:
    return conversation.notify == Notify.NOTHING


def wants_reading(conversation: Conversation) -> bool:
    """Something is unread; if the conversation is muted, only mentions count."""
    return bool(conversation.mentions or (conversation.unread and not is_muted(conversation)))


def row(conversation: Conversation, cells: int, *, opened: bool, present: Present | None) -> Line:
    """One conversation in the list, with how much of it is unread."""
    if conversation.mentions and conversation.kind is not Kind.PRIVATE:
        count, count_ink = f"@{min(conversation.mentions, COUNT_MAX)}", Ink.MENTIONED
    elif conversation.unread:
        ink = Ink.MENTIONED if conversation.kind is Kind.PRIVATE else Ink.ACCENT
        count, count_ink = str(min(conversation.unread, COUNT_MAX)), ink
    else:
        count, count_ink = "", Ink.DIM
    if is_muted(conversation):
        count_ink = Ink.DIM
    sign, sign_ink = _sign(conversation, present)
    if conversation.draft and not opened:
        sign, sign_ink = "✎", Ink.DIM
    name_cells = max(1, cells - 4 - width(count) - (1 if count else 0))
    name = padded(label(conversation), name_cells)
    target = OPEN + conversation.key
    return (
        Piece("▎" if opened else " ", Ink.ACCENT, target),
        Piece(f"{sign} ", sign_ink, target),
        Piece(name, _name_ink(conversation, opened), target),
        Piece(f" {count}" if count else "", count_ink, target),
        Piece(" ", Ink.DIM, target),
    )


def _sign(conversation: Conversation, present: Present | None) -> tuple[str, Ink]:
    if conversation.kind is Kind.PRIVATE:
        if present is None or not present.online:
            return "○", Ink.DIM
        return ("◐", Ink.DIM) if present.away is not None else ("●", Ink.GOOD)
    if conversation.pinned:
        return "▴", Ink.DIM
    return (" ", Ink.DIM)


def _name_ink(conversation: Conversation, opened: bool) -> Ink:
    if is_muted(conversation) and not opened:
        return Ink.DIM
    if opened or conversation.unread:
        return Ink.STRONG
    return Ink.TEXT


def heading(text: str, cells: int, note: str = "") -> Line:
    space = max(1, cells - width(text) - width(note) - 2)
    return (Piece(f" {cut(text, cells - 1)}", Ink.DIM), Piece(" " * space), Piece(note, Ink.DIM))


def people(members: Sequence[tuple[str, str, Present]], cells: int, total: int) -> list[Line]:
    """Name, role and presence of each, those who are online first."""
    lines: list[Line] = []
    here = [one for one in members if one[2].online]
    gone = [one for one in members if not one[2].online]
    for title, group in ((f"online · {len(here)}", here), (f"offline · {len(gone)}", gone)):
        if not group:
            continue
        if lines:
            lines.append(())
        lines.append(heading(title, cells))
        lines += (_person(*one, cells) for one in group)
    if total > len(members):
        lines.append((Piece(f" and {total - len(members):,} more", Ink.DIM),))
    return lines


def _person(name: str, role: str, present: Present, cells: int) -> Line:
    sign, sign_ink = ("○", Ink.DIM)
    if present.online:
        sign, sign_ink = ("◐", Ink.DIM) if present.away is not None else ("●", Ink.GOOD)
    target = f"{OPEN}@{name}"
    rank = {"owner": " ★", "moderator": " ☆", "muted": " muted"}.get(role, "")
    shown = cut(drawable_line(name), max(1, cells - 4 - width(rank)))
    line = [
        Piece(f" {sign} ", sign_ink, target),
        Piece(shown, Ink.TEXT if present.online else Ink.DIM, target),
        Piece(rank, Ink.DIM, target),
    ]
    if present.away:
        left = cells - 5 - width(shown) - width(rank)
        if left > 3:
            line.append(Piece(f" {cut(drawable_line(present.away), left)}", Ink.DIM, target))
    return tuple(line)
