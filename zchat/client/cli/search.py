"""`zchat-client search`: messages that hold all of some words."""

from functools import partial
from typing import Final

import click

from zchat.client.auth.access import Access
from zchat.client.cli.command import number_option, place, script, session
from zchat.client.cli.output import Output
from zchat.client.cli.retry import patiently
from zchat.client.core.checks import InvalidRequest
from zchat.client.exit_codes import WRONG_USAGE, Failed, say
from zchat.client.sdk.chat import Chat
from zchat.protocol import limits
from zchat.protocol.messages import Entry
from zchat.protocol.rules.search_paging import Found
from zchat.runtime import options

NUMBER: Final = 20
NUMBER_MAX: Final = 10_000

HELP: Final = """Find the newest messages that hold all the WORDS, and print them, oldest first.

In all that you can read, or only in one place. No character of WORDS means anything but itself.

\b
Examples:
  zchat-client search -u ann deploy failed
  zchat-client search -u ann --in ops --from bob -n 5 backup
"""


def run(
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


COMMANDS: Final = {
    "search": script(
        "search",
        run,
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
        HELP,
    )
}
