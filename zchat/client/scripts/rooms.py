"""`zchat-client rooms`: the rooms that you can see."""

from typing import TYPE_CHECKING, Final

from zchat.client.access import Access, say
from zchat.client.scripts import shape
from zchat.client.scripts.command import script, session
from zchat.client.scripts.output import Output
from zchat.client.scripts.patience import patiently

if TYPE_CHECKING:
    from zchat.client.chat import Chat

HELP: Final = """List the rooms that you can see, and what is unread where you are in.

\b
Examples:
  zchat-client rooms -u ann
  zchat-client rooms -u ann --json | jq -r .room
"""


def run(access: Access, out: Output) -> int:
    async def read(chat: "Chat") -> int:
        listed = await patiently(chat.rooms)
        if out.as_json:
            out.shapes(map(shape.of_info, listed.rooms))
            if more := listed.total - len(listed.rooms):
                say(f"{more:,} more rooms found no place in the answer")
        else:
            from zchat.client import render_lists  # noqa: PLC0415

            out.lines(render_lists.rooms(out.look, listed))
        return 0

    return session(access, read)


COMMAND: Final = script("rooms", run, [], HELP)
