"""`zchat-client leave`: from now on one is no member of a room."""

from typing import TYPE_CHECKING, Final

from zchat.client.access import Access
from zchat.client.scripts import shape
from zchat.client.scripts.command import room_argument, script, session
from zchat.client.scripts.output import Output

if TYPE_CHECKING:
    from zchat.client.chat import Chat

HELP: Final = """Leave ROOM.

\b
Example:
  zchat-client leave -u ann ops
"""


def run(access: Access, out: Output, room: str) -> int:
    async def go(chat: "Chat") -> int:
        done = await chat.leave(room)
        if out.as_json:
            out.shapes([shape.of_done(done)])
        return 0

    return session(access, go)


COMMAND: Final = script("leave", run, [room_argument()], HELP)
