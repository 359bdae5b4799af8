"""What is promised of searches, also while people change what they say, and of their index."""

from collections.abc import Iterator

from sqlalchemy import text

from testbed.committed import Committed
from zchat.client.core.events import Answered, EntryArrived, Event
from zchat.eventlog.core import search_words
from zchat.protocol.messages import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    SearchMessages,
    SearchResults,
)

from .checkers import Broken, _puts_out
from .cluster import Cluster
from .history import History, stored_entries
from .people import Life
from .services import Database

Place = tuple[str, int]


def check_searches(cluster: Cluster, history: History) -> None:
    """Whoever has seen a message, or what it says now, finds it from then on."""
    for person in cluster.people:
        for life in person.lives:
            for event in life.events:
                match event:
                    case Answered(
                        id=number,
                        request=SearchMessages() as search,
                        answer=SearchResults() as answer,
                    ):
                        asked_after = life.asked_after[number]
                        known = _known(life.events[:asked_after])
                        _check_search(life, history, known, search, answer)


def check_index(cluster: Cluster) -> None:
    """It has all of what is said now, and nothing else: nothing that was said before, or deleted.

    What it has of a text is stated in `words.py`. Whether it has that is asked where not much was
    there before.
    """
    if cluster.beginning is None:
        for database in cluster.databases:
            _check_index_of(database)


def _known(events: list[Event]) -> dict[Place, str]:
    """What the messages say of which a client has heard, as far as it has heard of it."""
    said: dict[Place, str] = {}
    for event in events:
        if not isinstance(event, EntryArrived):
            continue
        log, body = event.entry.log, event.entry.body
        match body:
            case MessagePosted(text=words_said) | PrivateMessageSent(text=words_said):
                said[log, event.entry.sequence] = words_said
            case MessageEdited(sequence=of, text=words_said) if (log, of) in said:
                said[log, of] = words_said
            case MessageDeleted(sequence=of):
                said.pop((log, of), None)
            case _:
                pass
    return said


def _check_search(
    life: Life,
    history: History,
    known: dict[Place, str],
    search: SearchMessages,
    answer: SearchResults,
) -> None:
    if not answer.complete or (answer.more and not answer.entries):
        return
    wanted = search.text.casefold().split()
    found = {(entry.log, entry.sequence) for entry in answer.entries}
    for (log, sequence), said in known.items():
        if (log, sequence) in found or not all(word in said.casefold() for word in wanted):
            continue
        stored = history.stored[log, sequence]
        if getattr(stored.body, "text", None) != said:
            continue  # It may have been changed before it was searched for.
        if answer.more and stored.at_ms <= answer.entries[-1].at_ms:
            continue
        if _is_searched(life, history, search, log, sequence):
            where = search.log or "all logs"
            raise Broken(
                f"{life.person} searched {where} for {search.text!r}, and did not find "
                f"{log} {sequence}, which it knew"
            )


def _is_searched(
    life: Life, history: History, search: SearchMessages, log: str, sequence: int
) -> bool:
    """Whether it was to be searched, and could be read all the time."""
    if sequence <= max(history.removed.get(log, {0})):
        return False
    entries = history.logs[log]
    if log[0] == "@":
        entry = history.stored[log, sequence]
        to = getattr(entry.body, "to", "")
        other = to if entry.author == life.name else entry.author
        is_own = sequence > history.floors.get(life.name, len(entries))
        return log == f"@{life.name}" and is_own and search.log in {None, f"@{other}"}
    put_out = any(_puts_out(committed.entry, life.name) for committed in entries[sequence:])
    return search.log in {None, log} and not put_out


# --- The index ------------------------------------------------------------------------------------


def _check_index_of(database: Database) -> None:
    connection = database.connection
    connection.rollback()
    due = connection.execute(text("select count(*) from search_due")).scalar_one()
    upto = connection.execute(text("select position from search_indexed")).scalar_one()
    said = {
        committed.position: committed
        for committed in stored_entries(database)
        if isinstance(committed.entry.body, MessagePosted | PrivateMessageSent)
    }
    newest = max(said, default=0)
    if due or upto < newest:
        raise Broken(f"the index of {database.name} is at {upto} of {newest}, and {due} are due")
    has: dict[int, set[str]] = {}
    connection.execute(
        text(
            "create virtual table if not exists temp.vocabulary "
            "using fts5vocab('main', 'search', 'instance')"
        )
    )
    for position, piece in connection.execute(text("select doc, term from temp.vocabulary")):
        has.setdefault(position, set()).add(piece)
    connection.rollback()
    for position in has.keys() | said.keys():
        pieces = set(_pieces(said[position])) if position in said else set()
        if has.get(position, set()) != pieces:
            more = len(has.get(position, set()) - pieces)
            less = len(pieces - has.get(position, set()))
            raise Broken(
                f"the index of {database.name} has {more} pieces of position {position} that it "
                f"should not have, and lacks {less}"
            )


def _pieces(committed: Committed) -> Iterator[str]:
    block = search_words.block_piece(committed.position)
    body = committed.entry.body
    assert isinstance(body, MessagePosted | PrivateMessageSent)
    compared = search_words.compared(body.text)
    part: int | None = 0
    while part is not None:
        yield from (block + piece for piece in search_words.pieces_of(compared, part))
        part = search_words.next_part(compared, part)
    yield block + search_words.author_piece(committed.author)
    yield block + search_words.place_piece(committed.log, None, imported=False)
    if isinstance(body, PrivateMessageSent):
        other = body.to if committed.log == f"@{committed.author}" else committed.author
        yield block + search_words.place_piece(committed.log, other, imported=False)
