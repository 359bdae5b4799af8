"""What stands around the messages, as lines: lists at the sides, header, hints, and empty places.

A click on a piece means its target: `open:` with the key of a conversation, `choice:` with the
number of a completion, or one of the words below.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from zchat.client.model.conversation import Conversation, Kind, Said
from zchat.client.text.entries import in_short
from zchat.client.tui.view.cells import cut, drawable, drawable_line, padded, width
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Calendar, Line, wrapped
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol.messages import EditInfo, MemberList, Notify

OPEN: Final = "open:"
CHOICE: Final = "choice:"
NEWEST: Final = "newest:"
PINS: Final = "pins:"
UNREAD: Final = "unread:"
FIRST_HINTS: Final = ("{go-to} go to a room or person", "{send} send", "{keys} all keys")
TYPING_NAMES: Final = 3
"""Of more people the names are not told, since the hint is one line for all that it tells."""
REACTED_NAMES: Final = 5
SHORT_CHARS: Final = 300
"""Of a text that is cut to a line anyway: the rest of a long one need not be made drawable
first."""
COUNT_MAX: Final = 999
"""The highest count, since it takes cells from the name beside it."""

Here: TypeAlias = Mapping[str, str | None]
"""Who is online; whoever is away has a word for it, which may be empty."""


@dataclass(frozen=True, slots=True)
class Present:
    """Whether somebody is online, and the word with which they are away; None for not away."""

    online: bool
    away: str | None = None


def present(key: str, here: Here) -> Present | None:
    if key[0] != "@":
        return None
    return Present(online=True, away=here[key[1:]]) if key[1:] in here else Present(online=False)


# --- The list of conversations --------------------------------------------------------------------


def ordered(
    conversations: Iterable[Conversation], opened: Conversation | None
) -> list[Conversation]:
    """Those that the list shows, in its order: first those kept at the top, then the lobby."""
    listed = (one for one in conversations if one is opened or _is_listed(one))
    return sorted(listed, key=lambda one: (not one.pinned, one.kind is not Kind.LOBBY))


def _is_listed(conversation: Conversation) -> bool:
    if conversation.kind is Kind.NOTICES:
        return bool(conversation.items)
    if conversation.kind is Kind.PRIVATE:
        # One that was only opened, and in which nobody has written, is not worth a line.
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


def sidebar(
    listed: Sequence[Conversation],
    opened: Conversation,
    here: Here,
    cells: int,
    *,
    keys: FirstKeys,
) -> list[Line]:
    lines: list[Line] = [_heading("conversations", cells, hint(keys, "{go-to}"))]
    lines += (
        _row(each, cells, opened=each is opened, present=present(each.key, here)) for each in listed
    )
    return lines


def _row(conversation: Conversation, cells: int, *, opened: bool, present: Present | None) -> Line:
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


def beyond(
    listed: Iterable[Conversation],
    opened: Conversation | None,
    cells: int,
    *,
    below: bool,
    keys: FirstKeys,
) -> Line:
    """The line at an edge of the list: how much is unread in conversations that do not fit into
    it."""
    unread = unread_elsewhere(listed, opened)
    if not unread:
        return ()
    text = f" {'↓' if below else '↑'} {unread}"
    how = text + hint(keys, " · {next-unread}")
    fits = width(how) < cells
    return (Piece(padded(cut(how if fits else text, cells - 1), cells), Ink.MENTIONED, UNREAD),)


def unread_elsewhere(listed: Iterable[Conversation], opened: Conversation | None) -> str:
    """Where there is no room for the list: how much is unread, and whether it mentions the user."""
    others = [each for each in listed if each is not opened and wants_reading(each)]
    unread = sum(each.unread for each in others)
    mentions = sum(each.mentions for each in others)
    if not unread:
        return ""
    return f"@{mentions:,} of {unread:,} unread" if mentions else f"{unread:,} unread"


# --- The list of members --------------------------------------------------------------------------


def members(
    conversation: Conversation, me: str, listed: MemberList | None, here: Here, cells: int
) -> list[Line]:
    if conversation.kind is Kind.PRIVATE:
        both = [conversation.key[1:], me]
        known = [(name, "", Present(name in here, here.get(name))) for name in both]
        return _people(known, cells, len(known))
    if listed is None:
        return [(Piece(" not known yet", Ink.DIM),)]
    found = [
        (each.name, each.role, Present(each.name in here, here.get(each.name)))
        for each in listed.members
    ]
    return _people(found, cells, listed.total)


def _people(members: Sequence[tuple[str, str, Present]], cells: int, total: int) -> list[Line]:
    """Name, role and presence of each, those who are online first."""
    lines: list[Line] = []
    here = [one for one in members if one[2].online]
    gone = [one for one in members if not one[2].online]
    for title, group in ((f"online · {len(here)}", here), (f"offline · {len(gone)}", gone)):
        if not group:
            continue
        if lines:
            lines.append(())
        lines.append(_heading(title, cells))
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


def _heading(text: str, cells: int, note: str = "") -> Line:
    space = max(1, cells - width(text) - width(note) - 2)
    return (Piece(f" {cut(text, cells - 1)}", Ink.DIM), Piece(" " * space), Piece(note, Ink.DIM))


# --- Above and below the messages -----------------------------------------------------------------


def header(conversation: Conversation, cells: int, here: Here, pins: int) -> Line:
    name = label(conversation)
    pieces = [Piece(f" {cut(name, max(4, cells // 3))}", Ink.STRONG)]
    note = ""
    if conversation.kind is Kind.PRIVATE:
        known = present(conversation.key, here)
        if known is None or not known.online:
            note = "offline; will read it later"
        elif known.away is not None:
            note = f"away: {drawable_line(known.away)}" if known.away else "away"
        else:
            note = "here"
    elif conversation.kind is Kind.NOTICES:
        note = "notices of the cluster"
    elif not conversation.joined:
        note = f"you are not in it; :jr {drawable_line(conversation.key[1:])} joins"
    elif conversation.kind is not Kind.SEVERAL:
        note = drawable_line(conversation.topic)
    if is_muted(conversation):
        pieces.append(Piece(" (muted)", Ink.DIM))
    if pins:
        pieces.append(Piece(f"  {pins:,} pinned", Ink.HINT, PINS))
    if note:
        taken = sum(width(piece.text) for piece in pieces)
        pieces.append(Piece(f"  {cut(note, max(1, cells - taken - 3))}", Ink.DIM))
    return tuple(pieces)


def typing(conversation: Conversation, now: float) -> str:
    names = [drawable_line(name) for name, until in conversation.typing.items() if until > now]
    if not names:
        return ""
    if len(names) > TYPING_NAMES:
        return "several people are typing…"
    who = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{who} {'is' if len(names) == 1 else 'are'} typing…"


def about(said: Said, *, pinned: bool) -> str:
    """What cannot be seen of a message otherwise: who has reacted, and that it is pinned."""
    known = ["pinned"] if pinned else []
    for emoji, names in said.reactions.items():
        shown = ", ".join(drawable_line(name) for name in names[:REACTED_NAMES])
        more = f" and {len(names) - REACTED_NAMES:,} more" if len(names) > REACTED_NAMES else ""
        known.append(f"{drawable_line(emoji)} {shown}{more}")
    return " · ".join(known)


def replying(said: Said, cells: int, *, again: bool, keys: FirstKeys) -> Line:
    text = (
        f"  ↪ to {drawable_line(said.author)}: {drawable_line(in_short(said.text)[:SHORT_CHARS])}"
    )
    leave = hint(keys, "  {escape} again leaves it" if again else "  {escape} leaves it")
    return (Piece(cut(text, max(8, cells - width(leave) - 1)), Ink.HINT), Piece(leave, Ink.DIM))


def offered(completion: Completion, cells: int) -> list[Line]:
    """The choices for completing a word."""
    lines: list[Line] = []
    broadest = max((width(choice.insert) for choice in completion.choices), default=0)
    for number, choice in enumerate(completion.choices):
        target = f"{CHOICE}{number}"
        left = max(1, cells - broadest - 5)
        lines.append(
            (
                Piece("  ", Ink.TEXT, target),
                Piece(padded(choice.insert, broadest + 1), Ink.ACCENT, target),
                Piece(cut(choice.note, left), Ink.DIM, target),
            )
        )
    return lines


# --- In the place of messages, and in dialogs -----------------------------------------------------


def empty(
    conversation: Conversation, *, online: bool, first_time: bool, keys: FirstKeys
) -> list[Line]:
    """What stands in the place of messages while there are none."""
    write = hint(keys, "Write one, and {send} sends it.")
    name = label(conversation)
    left = conversation.key[0] == "#" and not conversation.joined
    if left and online:
        text = [f"You are not in {name}.", f":jr {name.removeprefix('#')} joins it."]
    elif conversation.loading or (not online and conversation.more_before):
        text = ["…"] if online else ["Messages will come once there is a connection."]
    elif conversation.kind is Kind.PRIVATE:
        text = [f"No messages between you and {name} yet.", write]
    elif conversation.kind is Kind.NOTICES:
        text = ["No notices yet."]
    else:
        text = [f"No messages in {name} yet.", write]
    if first_time:
        known = ("{go-to} goes to a room or person", "{keys} shows all keys")
        if told := hint(keys, *known, between=", "):
            text += ["", f"{told}."]
    return [(Piece(f"   {line}", Ink.DIM),) for line in text]


def short(said: Said) -> str:
    text = drawable_line(in_short(said.text)[:SHORT_CHARS])
    return cut(text, 120)


def edits(said: Said, before: Sequence[EditInfo], calendar: Calendar, cells: int) -> list[Line]:
    """The versions of a message, oldest first, each with when it was edited."""
    texts = [
        *((f"until {calendar.date_and_clock(each.at_ms)}", in_short(each.text)) for each in before),
        ("now", in_short(said.text)),
    ]
    lines: list[Line] = []
    for when, text in texts:
        if lines:
            lines.append(())
        lines.append((Piece(f" {when}", Ink.DIM),))
        for part in drawable(text).split("\n"):
            lines += [(Piece(" "), *row) for row in wrapped([Piece(part)], cells - 2)]
    return lines


def lost(
    waiting: int, conversations: Iterable[Conversation], rooms_lost: str, *, guest: bool
) -> str:
    """What a user who quits now would lose; empty for nothing.

    `waiting` requests are not answered; `rooms_lost` tells of the user's own rooms, if any.
    """
    if waiting:
        what = "1 request is" if waiting == 1 else f"{waiting:,} requests are"
        return f"{what} not confirmed by the server yet, and may be lost."
    kept = [each for each in conversations if each.kind in (Kind.ROOM, Kind.SEVERAL, Kind.PRIVATE)]
    if not guest or not (rooms_lost or any(each.joined and each.items for each in kept)):
        return ""
    text = (
        "You are a guest: if you quit, you leave all rooms, your name is free for others, and you "
        "cannot read your private messages again.\n\n"
    )
    return text + (rooms_lost or ":register keeps your name, and all of that.")
