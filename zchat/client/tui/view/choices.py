"""The options of a picker: conversations to go to, emoji, and messages that were found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zchat.client.model import emoji
from zchat.client.model.conversation import Conversation, Kind
from zchat.client.model.entries import conversation_of
from zchat.client.text.entries import in_short
from zchat.client.tui.view.captions import Here, label
from zchat.client.tui.view.cells import cut, drawable_line, padded, width
from zchat.client.tui.view.layout import Calendar, Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol import limits
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent, RoomInfo
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.protocol.rules.search_paging import Found

OPEN: Final = "open"
JOIN: Final = "join"
CREATE: Final = "create"
OFFERED_MAX: Final = 200
"""Nobody goes through more; typing a letter more is quicker."""
EMOJI_OFFERED: Final = 40
QUICK: Final = (
    *("+1", "heart", "joy", "tada", "eyes", "check", "thinking", "-1", "pray", "fire", "rocket"),
    *("wave", "clap", "sob", "100", "question", "x", "coffee", "cake", "bug"),
)
"""The reactions that are offered before anything is typed."""
UNREAD: Final = "; the server has not looked through everything yet"


@dataclass(frozen=True, slots=True)
class Option:
    """`line` draws it in so many cells; `value` is the result if it is picked."""

    value: str
    line: Callable[[int], Line]


def fuzzy(query: str, text: str) -> int | None:
    """The distance of a match, 0 for the best; None if the letters are not there in this order."""
    query, text = query.casefold(), text.casefold()
    at = text.find(query)
    if at >= 0:
        return at
    begin, spread = -1, 0
    for char in query:
        found = text.find(char, begin + 1)
        if found < 0:
            return None
        if begin >= 0:
            spread += found - begin - 1
        begin = found
    return 100 + spread


def places(
    query: str,
    listed: Sequence[Conversation],
    rooms: Sequence[RoomInfo],
    people: Sequence[str],
    here: Here,
) -> list[Option]:
    """The conversations that are listed, rooms to join, and people; best first."""
    query = query.strip()
    wanted = query.lstrip("#@")
    offers: list[tuple[int, Option]] = []
    known = {each.key for each in listed}
    for rank, each in enumerate(listed):
        if query[:1] in ("#", "@") and each.key[0] != query[0]:
            continue
        fits = fuzzy(wanted, label(each))
        if fits is not None:
            offers.append((fits * 1_000 + rank, _place(each)))
    if query[:1] != "@":
        for info in rooms:
            fits = fuzzy(wanted, info.room)
            if fits is not None and f"#{info.room}" not in known and not info.conversation:
                rank = 300 - min(info.members or 0, 200)
                offers.append((fits * 1_000 + rank, _room(info)))
    if query[:1] != "#":
        for name in people:
            fits = fuzzy(wanted, name)
            if fits is not None and f"@{name}" not in known:
                offers.append((fits * 1_000 + 600, _person(name, here)))
    offers.sort(key=lambda offer: offer[0])
    found = [option for _, option in offers[:OFFERED_MAX]]
    return found + _new_ones(wanted, query, known, {info.room for info in rooms}, people)


def _new_ones(
    wanted: str, query: str, known: set[str], rooms: set[str], people: Sequence[str]
) -> list[Option]:
    """A new room or private conversation with exactly this name."""
    try:
        name = canonical_name(wanted)
    except InvalidName:
        return []
    found = []
    if query[:1] != "@" and f"#{name}" not in known and name not in rooms:
        found.append(_option(f"{CREATE}:{name}", f"#{name}", "create this room"))
    if query[:1] != "#" and f"@{name}" not in known and name not in people:
        found.append(_option(f"{OPEN}:@{name}", f"@{name}", "write to somebody who is offline"))
    return found


def _place(conversation: Conversation) -> Option:
    notes = []
    if conversation.mentions and conversation.kind is not Kind.PRIVATE:
        notes.append(f"@{conversation.mentions}")
    if conversation.unread:
        notes.append(f"{conversation.unread:,} unread")
    if conversation.topic and conversation.kind is not Kind.SEVERAL:
        notes.append(drawable_line(conversation.topic))
    name = label(conversation)
    if conversation.kind is Kind.PRIVATE:
        name = f"@{name}"
    return _option(f"{OPEN}:{conversation.key}", name, " · ".join(notes), Ink.STRONG)


def _room(info: RoomInfo) -> Option:
    if info.joined:
        return _option(f"{OPEN}:#{info.room}", f"#{drawable_line(info.room)}", "")
    members = "" if info.members is None else f"{info.members:,} in it"
    notes = ["join", members, "invited" if info.invited else "", "key" if info.keyed else ""]
    notes.append(drawable_line(info.topic))
    note = " · ".join(filter(None, notes))
    return _option(f"{JOIN}:{info.room}", f"#{drawable_line(info.room)}", note)


def _person(name: str, here: Here) -> Option:
    note = "offline"
    if name in here:
        away = here[name]
        note = "online" if away is None else f"away: {drawable_line(away)}" if away else "away"
    return _option(f"{OPEN}:@{name}", f"@{drawable_line(name)}", note)


def _option(value: str, name: str, note: str, ink: Ink = Ink.TEXT) -> Option:
    def line(cells: int) -> Line:
        name_cells = min(limits.NAME_CHARS_MAX + 2, max(10, cells // 2))
        rest = max(1, cells - name_cells - 3)
        return (Piece(f" {padded(name, name_cells)} ", ink), Piece(cut(note, rest), Ink.DIM))

    return Option(value, line)


def reactions(query: str) -> list[Option]:
    """Emoji by name; or the word itself, which may be a reaction, too."""
    wanted = query.strip()
    if not wanted:
        usual = [(name, emoji.emoji_named(name)) for name in QUICK]
        return [_emoji(name, char) for name, char in usual if char is not None]
    found = [_emoji(name, char) for name, char in emoji.completions(wanted, EMOJI_OFFERED)]
    if " " not in wanted:
        found.append(_option(wanted, wanted, "the word itself"))
    return found


def _emoji(name: str, char: str) -> Option:
    shown = padded(drawable_line(char), 3)
    return Option(char, lambda cells: (Piece(f" {shown} "), Piece(cut(name, cells - 6), Ink.DIM)))


# --- What a search has found ----------------------------------------------------------------------


def found(query: str, entries: Iterable[Entry], me: str, calendar: Calendar) -> list[Option]:
    return _messages(entries, query, me, calendar) if query.strip() else []


def pinned(query: str, pins: Iterable[Entry], me: str, calendar: Calendar) -> list[Option]:
    """Those that have all words of `query`."""
    words = query.casefold().split()
    matching = [
        entry
        for entry in pins
        if isinstance(entry.body, MessagePosted)
        and all(word in f"{entry.author} {entry.body.text}".casefold() for word in words)
    ]
    return _messages(matching, query, me, calendar)


def _messages(entries: Iterable[Entry], query: str, me: str, calendar: Calendar) -> list[Option]:
    options = []
    for entry in entries:
        key = conversation_of(entry, me)
        if key is not None and isinstance(entry.body, MessagePosted | PrivateMessageSent):
            options.append(_found(entry, in_short(entry.body.text), key, query, calendar))
    return options


def _found(entry: Entry, text: str, key: str, query: str, calendar: Calendar) -> Option:
    def line(cells: int) -> Line:
        at = calendar.day_and_clock(entry.at_ms)
        # On a wide screen the names share what is left over; on a narrow one the text needs it.
        more = max(0, cells - 100) // 2
        where_cells, who_cells = 14 + more, 10 + more
        who = padded(drawable_line(entry.author), who_cells)
        head = f" {at} {padded(drawable_line(key), where_cells)} "
        left = max(4, cells - width(head) - width(who) - 3)
        said = cut(_around(drawable_line(text), query, left), left)
        return (Piece(head, Ink.DIM), Piece(f"{who} ", Ink.AUTHOR), Piece(said))

    return Option(f"{entry.sequence}:{key}", line)


def _around(text: str, query: str, cells: int) -> str:
    """The text; its beginning is left out if the first word of the query would be cut off."""
    first = query.casefold().split(maxsplit=1)[0] if query.strip() else ""
    at = text.casefold().find(first)
    return text if at < cells - len(first) else f"…{text[max(0, at - 12) :]}"


def search_state(found: Found, trouble: str, *, has_answer: bool) -> str:
    """What stands in the place of results while there are none."""
    if trouble:
        return f"! {trouble}"
    if not has_answer:
        return "searching…"
    return "nothing has all of these words" + ("" if found.complete else UNREAD)


def search_hint(found: Found) -> str:
    """What stands below the results: how many, and whether there may be more."""
    count = len(found.entries)
    if not count:
        return ""
    more = " and more: go down" if found.has_more else ""
    return f"{count:,}{more}, newest first" + ("" if found.complete else UNREAD)
