"""`zchat-client rooms` and `users`: the rooms that you can see, and who is here."""

import time
from typing import Any, Final

from zchat.client.auth.access import Access
from zchat.client.cli import json_output
from zchat.client.cli.command import script, session
from zchat.client.cli.output import Output
from zchat.client.cli.retry import patiently
from zchat.client.exit_codes import say
from zchat.client.sdk.chat import Chat


def list_rooms(access: Access, out: Output) -> int:
    async def read(chat: Chat) -> int:
        listed = await patiently(chat.rooms)
        if out.as_json:
            _print_shapes(out, listed.rooms, listed.total, "rooms")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.rooms(out.style, listed))
        return 0

    return session(access, read)


def list_users(access: Access, out: Output) -> int:
    async def read(chat: Chat) -> int:
        listed = await patiently(chat.users)
        if out.as_json:
            _print_shapes(out, listed.users, listed.total, "users")
        else:
            from zchat.client.text import lists  # noqa: PLC0415

            out.lines(lists.users(out.style, listed, round(time.time() * 1000)))
        return 0

    return session(access, read)


def _print_shapes(out: Output, listed: list[Any], total: int, what: str) -> None:
    out.shapes(map(json_output.of_info, listed))
    if more := total - len(listed):
        # To the person: a line of JSON that is no room or user would break who reads them.
        say(f"{more:,} more {what} found no place in the answer")


COMMANDS: Final = {
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
