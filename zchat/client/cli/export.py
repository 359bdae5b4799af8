"""`zchat-client export`: all that can be read of one place, oldest first."""

import tempfile
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from zchat.client.auth.access import Access
from zchat.client.cli.command import place_argument, script, session
from zchat.client.cli.output import Output
from zchat.client.cli.retry import pages

if TYPE_CHECKING:
    from zchat.client.sdk.chat import Chat

HELP: Final = """Print all that you can read of ROOM, or of your conversation with @USER.

Oldest first, and not only messages: all that stands there.

\b
Examples:
  zchat-client export -u ann ops > ops.txt
  zchat-client export -u ann ops --json | gzip > ops.jsonl.gz
"""


def run(access: Access, out: Output, place: str) -> int:
    async def read(chat: "Chat") -> int:
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


COMMAND: Final = script("export", run, [place_argument()], HELP)
