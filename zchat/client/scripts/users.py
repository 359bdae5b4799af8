"""`zchat-client users`: who is here."""

import time
from typing import TYPE_CHECKING, Final

from zchat.client.access import Access, say
from zchat.client.scripts import shape
from zchat.client.scripts.command import script, session
from zchat.client.scripts.output import Output
from zchat.client.scripts.patience import patiently

if TYPE_CHECKING:
    from zchat.client.chat import Chat

HELP: Final = """List who is connected at the moment.

\b
Examples:
  zchat-client users -u ann
  zchat-client users -u ann --json | jq -r .name
"""


def run(access: Access, out: Output) -> int:
    async def read(chat: "Chat") -> int:
        listed = await patiently(chat.users)
        if out.as_json:
            out.shapes(map(shape.of_info, listed.users))
            if more := listed.total - len(listed.users):
                say(f"{more:,} more users found no place in the answer")
        else:
            from zchat.client import render_lists  # noqa: PLC0415

            out.lines(render_lists.users(out.look, listed, round(time.time() * 1000)))
        return 0

    return session(access, read)


COMMAND: Final = script("users", run, [], HELP)
