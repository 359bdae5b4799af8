"""`zchat-client history`: the last that was said in one place."""

from typing import TYPE_CHECKING, Final

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
from zchat.client.cli.retry import last
from zchat.protocol import limits
from zchat.runtime import options

if TYPE_CHECKING:
    from zchat.client.sdk.chat import Chat

NUMBER: Final = 20
NUMBER_MAX: Final = 10_000
"""More than anybody reads; `export` has all of it."""

HELP: Final = """Print the last messages of ROOM, or of your conversation with @USER.

They are printed as they have become: with their newest text, and none that was deleted.

\b
Examples:
  zchat-client history -u ann ops
  zchat-client history -u ann ops -n 100 --before 4711
  zchat-client history -u ann @bob --json | jq -r .text
"""


def run(access: Access, out: Output, place: str, number: int, before: int | None) -> int:
    async def read(chat: "Chat") -> int:
        out.entries(await last(chat, place, number, out.shows, before), place)
        return 0

    return session(access, read)


COMMAND: Final = script(
    "history",
    run,
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
    HELP,
)
