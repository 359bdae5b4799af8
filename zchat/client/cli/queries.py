"""The subcommands that read: `history` and `export`, `search`, `rooms` and `users`."""

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

import click

from zchat.client.auth.access import Access
from zchat.client.cli.output import Output, info_object
from zchat.client.cli.subcommand import (
    PATIENCE_S,
    everything_option,
    number_option,
    patiently,
    place,
    place_argument,
    script,
    session,
)
from zchat.client.core.checks import InvalidRequest
from zchat.client.exit_codes import WRONG_USAGE, Failed, say
from zchat.client.sdk.chat import Chat
from zchat.protocol import limits
from zchat.protocol.messages import Entry
from zchat.protocol.rules.search_paging import Found
from zchat.runtime import options

NUMBER: Final = 20
NUMBER_MAX: Final = 10_000
"""More than anybody reads; `export` has all of it."""


# --- What was said in one place -------------------------------------------------------------------


def print_history(access: Access, out: Output, place: str, number: int, before: int | None) -> int:
    async def read(chat: Chat) -> int:
        out.entries(await last(chat, place, number, out.shows, before), place)
        return 0

    return session(access, read)


def export(access: Access, out: Output, place: str) -> int:
    async def read(chat: Chat) -> int:
        import tempfile  # noqa: PLC0415 - Only this needs it.

        # The server gives the newest page first, and the oldest is to be printed first. All pages
        # may be more than the memory holds, so they wait in a file.
        with tempfile.TemporaryFile() as file:
            ends = [0]
            async for page in pages(chat, place):
                text = "".join(out.entry(entry, place) for entry in page)
                file.write(text.encode(errors="replace"))
                ends.append(file.tell())
            for begin, end in reversed(list(pairwise(ends))):
                file.seek(begin)
                out.write(file.read(end - begin).decode())
        return 0

    return session(access, read)


_SPARE: Final = 10
"""So many more entries are asked for than are wanted: some, such as joins, may not count, and
asking again costs a round trip."""


async def pages(
    chat: Chat,
    log: str,
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
    first: int = limits.HISTORY_ENTRIES_MAX,
) -> AsyncIterator[list[Entry]]:
    """The newest page first, which has up to `first` entries; each of them oldest first."""
    more, limit = True, first
    while more:
        ask = partial(chat.history, log, limit, before)
        history = await patiently(ask, patience_s)
        if not history.entries:
            return
        yield history.entries
        before, more = history.entries[0].sequence, history.more
        limit = limits.HISTORY_ENTRIES_MAX


async def last(
    chat: Chat,
    log: str,
    number: int,
    counts: Callable[[Entry], bool],
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
) -> list[Entry]:
    """The last `number` entries that count, oldest first."""
    found: list[Entry] = []
    if number:
        # No full page at first: two hundred long messages are megabytes, and mostly few are wanted.
        first = min(number + _SPARE, limits.HISTORY_ENTRIES_MAX)
        async for page in pages(chat, log, before, patience_s, first):
            found[:0] = filter(counts, page)
            if len(found) >= number:
                break
    return found[-number:] if number else []


# --- What has some words --------------------------------------------------------------------------


def print_found(
    access: Access,
    out: Output,
    words: tuple[str, ...],
    within: str | None,
    author: str | None,
    number: int,
) -> int:
    async def find(chat: Chat) -> int:
        try:
            found = await _find(chat, " ".join(words), within, author, number)
        except InvalidRequest as error:
            raise Failed(WRONG_USAGE, str(error)) from None
        out.entries(found)
        return 0

    return session(access, find)


async def _find(
    chat: Chat, text: str, within: str | None, author: str | None, number: int
) -> list[Entry]:
    found = Found()
    # A page is no longer than what is wanted, since the server reads each result for it.
    limit = min(number, limits.SEARCH_RESULTS_MAX)
    while len(found.entries) < number:
        search = partial(chat.search, text, within, author, found.before_ms, limit)
        results = await patiently(search)
        if not results.complete and found.before_ms is None:
            say("the server is still reading what was said before: there may be more")
        found.take(results)
        if not found.has_more:
            break
    return found.entries[:number][::-1]


# --- Which rooms there are, and who is here -------------------------------------------------------


def list_rooms(access: Access, out: Output) -> int:
    async def read(chat: Chat) -> int:
        listed = await patiently(chat.rooms)
        if out.as_json:
            _print_objects(out, listed.rooms, listed.total, "rooms")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.rooms(out.style, listed))
        return 0

    return session(access, read)


def list_users(access: Access, out: Output) -> int:
    async def read(chat: Chat) -> int:
        listed = await patiently(chat.users)
        if out.as_json:
            _print_objects(out, listed.users, listed.total, "users")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.users(out.style, listed, round(time.time() * 1000)))
        return 0

    return session(access, read)


def _print_objects(out: Output, listed: list[Any], total: int, what: str) -> None:
    out.objects(map(info_object, listed))
    if more := total - len(listed):
        # On standard error, for a person: a program expects only rooms, or only users, in the JSON.
        say(f"{more:,} more {what} did not fit into the answer")


# --- How they are called --------------------------------------------------------------------------

COMMANDS: Final = {
    "history": script(
        "history",
        print_history,
        [
            place_argument(),
            number_option(NUMBER, NUMBER_MAX, "How many."),
            click.Option(
                ["--before"],
                type=options.value_of(options.whole(1, limits.INTEGER_MAX)),
                help="Only those before the one with this sequence.",
                metavar="SEQUENCE",
            ),
            everything_option(),
        ],
        """Print the last messages of ROOM, or of your conversation with @USER.

They are printed as they have become: with their newest text, and none that was deleted.

\b
Examples:
  zchat-client history -u ann ops
  zchat-client history -u ann ops -n 100 --before 4711
  zchat-client history -u ann @bob --json | jq -r .text
""",
    ),
    "export": script(
        "export",
        export,
        [place_argument()],
        """Print all that you can read of ROOM, or of your conversation with @USER.

Oldest first, and not only messages: all that stands there.

\b
Examples:
  zchat-client export -u ann ops > ops.txt
  zchat-client export -u ann ops --json | gzip > ops.jsonl.gz
""",
    ),
    "search": script(
        "search",
        print_found,
        [
            click.Argument(["words"], nargs=-1, required=True, metavar="WORDS..."),
            click.Option(
                ["--in", "within"],
                type=options.value_of(place),
                help="Only in this room, or in your conversation with @USER.",
                metavar="ROOM|@USER",
            ),
            click.Option(["--from", "author"], help="Only what NAME has said.", metavar="NAME"),
            number_option(NUMBER, NUMBER_MAX, "How many at most."),
        ],
        """Find the newest messages that hold all the WORDS, and print them, oldest first.

In all that you can read, or only in one place. No character of WORDS means anything but itself.

\b
Examples:
  zchat-client search -u ann deploy failed
  zchat-client search -u ann --in ops --from bob -n 5 backup
""",
    ),
    "rooms": script(
        "rooms",
        list_rooms,
        [],
        """List the rooms that you can see, and what is unread where you are in.

\b
Examples:
  zchat-client rooms -u ann
  zchat-client rooms -u ann --json | jq -r .room
""",
    ),
    "users": script(
        "users",
        list_users,
        [],
        """List who is connected at the moment.

\b
Examples:
  zchat-client users -u ann
  zchat-client users -u ann --json | jq -r .name
""",
    ),
}
