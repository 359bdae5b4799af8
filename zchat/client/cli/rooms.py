"""`zchat-client rooms`: the rooms that you can see."""

from typing import TYPE_CHECKING, Final

from zchat.client.auth.access import Access
from zchat.client.cli import json_output
from zchat.client.cli.command import script, session
from zchat.client.cli.output import Output
from zchat.client.cli.retry import patiently
from zchat.client.exit_codes import say

if TYPE_CHECKING:
    from zchat.client.sdk.chat import Chat

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
            out.shapes(map(json_output.of_info, listed.rooms))
            if more := listed.total - len(listed.rooms):
                say(f"{more:,} more rooms found no place in the answer")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.rooms(out.look, listed))
        return 0

    return session(access, read)


COMMAND: Final = script("rooms", run, [], HELP)
