"""The text around a conversation: lists, header, hints, and what stands where nothing is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from zchat.client.model.conversation import Conversation, Kind, Said
from zchat.client.text.entries import in_short
from zchat.client.tui.view import listing
from zchat.client.tui.view.cells import cut, drawable, drawable_line, padded, width
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.layout import Calendar, Line, wrapped
from zchat.client.tui.view.listing import Present, label
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol.messages import EditInfo, MemberList

FIRST_HINT: Final = "  Ctrl-K go to a room or person · Enter send · F1 all keys"
CHOICE: Final = "choice:"
NEWEST: Final = "newest:"
PINS: Final = "pins:"
UNREAD: Final = "unread:"
TYPING_NAMES: Final = 3
REACTED_NAMES: Final = 5
SHORT_CHARS: Final = 300

Here: TypeAlias = Mapping[str, str | None]
"""Who is online; whoever is away has a word for it, which may be empty."""


def sidebar(
    listed: Sequence[Conversation], opened: Conversation, here: Here, cells: int
) -> list[Line]:
    lines: list[Line] = [listing.heading("conversations", cells, "Ctrl-K")]
    lines += (
        listing.row(each, cells, opened=each is opened, present=present(each.key, here))
        for each in listed
    )
    return lines


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
    if listing.is_muted(conversation):
        pieces.append(Piece(" (muted)", Ink.DIM))
    if pins:
        pieces.append(Piece(f"  {pins:,} pinned", Ink.HINT, PINS))
    if note:
        taken = sum(width(piece.text) for piece in pieces)
        pieces.append(Piece(f"  {cut(note, max(1, cells - taken - 3))}", Ink.DIM))
    return tuple(pieces)


def present(key: str, here: Here) -> Present | None:
    if key[0] != "@":
        return None
    return Present(online=True, away=here[key[1:]]) if key[1:] in here else Present(online=False)


def members(
    conversation: Conversation, me: str, listed: MemberList | None, here: Here, cells: int
) -> list[Line]:
    if conversation.kind is Kind.PRIVATE:
        both = [conversation.key[1:], me]
        known = [(name, "", Present(name in here, here.get(name))) for name in both]
        return listing.people(known, cells, len(known))
    if listed is None:
        return [(Piece(" not known yet", Ink.DIM),)]
    found = [
        (each.name, each.role, Present(each.name in here, here.get(each.name)))
        for each in listed.members
    ]
    return listing.people(found, cells, listed.total)


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


def beyond(
    listed: Iterable[Conversation], opened: Conversation | None, cells: int, *, below: bool
) -> Line:
    """At the edge of the list: how much is unread in conversations that do not fit into it."""
    unread = unread_elsewhere(listed, opened)
    if not unread:
        return ()
    text = f" {'↓' if below else '↑'} {unread}"
    how = f"{text} · Alt-A"
    fits = width(how) < cells
    return (Piece(padded(cut(how if fits else text, cells - 1), cells), Ink.MENTIONED, UNREAD),)


def unread_elsewhere(listed: Iterable[Conversation], opened: Conversation | None) -> str:
    """Where there is no room for the list: how much is unread, and whether it mentions the user."""
    others = [each for each in listed if each is not opened and listing.wants_reading(each)]
    unread = sum(each.unread for each in others)
    mentions = sum(each.mentions for each in others)
    if not unread:
        return ""
    return f"@{mentions:,} of {unread:,} unread" if mentions else f"{unread:,} unread"


def replying(said: Said, cells: int, *, again: bool) -> Line:
    text = (
        f"  ↪ to {drawable_line(said.author)}: {drawable_line(in_short(said.text)[:SHORT_CHARS])}"
    )
    leave = "  Esc again leaves it" if again else "  Esc leaves it"
    return (Piece(cut(text, max(8, cells - width(leave) - 1)), Ink.HINT), Piece(leave, Ink.DIM))


def empty(conversation: Conversation, *, online: bool, first_time: bool) -> list[Line]:
    """What stands in the place of messages while there are none."""
    name = label(conversation)
    left = conversation.key[0] == "#" and not conversation.joined
    if left and online:
        text = [f"You are not in {name}.", f":jr {name.removeprefix('#')} joins it."]
    elif conversation.loading or (not online and conversation.more_before):
        text = ["…"] if online else ["Messages will come once there is a connection."]
    elif conversation.kind is Kind.PRIVATE:
        text = [f"No messages between you and {name} yet.", "Write one, and Enter sends it."]
    elif conversation.kind is Kind.NOTICES:
        text = ["No notices yet."]
    else:
        text = [f"No messages in {name} yet.", "Write one, and Enter sends it."]
    if first_time:
        text += ["", "Ctrl-K goes to a room or person, F1 shows all keys."]
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
