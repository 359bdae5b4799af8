"""`zchat-client users`: who is here."""

import time
from typing import TYPE_CHECKING, Final

from zchat.client.auth.access import Access
from zchat.client.cli import json_output
from zchat.client.cli.command import script, session
from zchat.client.cli.output import Output
from zchat.client.cli.retry import patiently
from zchat.client.exit_codes import say

if TYPE_CHECKING:
    from zchat.client.sdk.chat import Chat

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
            out.shapes(map(json_output.of_info, listed.users))
            if more := listed.total - len(listed.users):
                say(f"{more:,} more users found no place in the answer")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.users(out.look, listed, round(time.time() * 1000)))
        return 0

    return session(access, read)


COMMAND: Final = script("users", run, [], HELP)
