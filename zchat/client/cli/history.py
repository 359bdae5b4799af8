"""`zchat-client history` and `export`: the last that was said in one place, or all of it."""

import tempfile
from itertools import pairwise
from typing import Final

import click

from zchat.client.auth.access import Access
from zchat.client.cli.command import (
    everything_option,
    number_option,
    place_argument,
    script,
    session,
)
from zchat.client.cli.output import Output
from zchat.client.cli.retry import last, pages
from zchat.client.sdk.chat import Chat
from zchat.protocol import limits
from zchat.runtime import options

NUMBER: Final = 20
NUMBER_MAX: Final = 10_000
"""More than anybody reads; `export` has all of it."""


def print_history(access: Access, out: Output, place: str, number: int, before: int | None) -> int:
    async def read(chat: Chat) -> int:
        out.entries(await last(chat, place, number, out.shows, before), place)
        return 0

    return session(access, read)


def export(access: Access, out: Output, place: str) -> int:
    async def read(chat: Chat) -> int:
        # The server has the newest page first, and all of them may be more than the memory.
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
}
