"""`zchat-client join`: from now on one is a member of a room."""

from typing import TYPE_CHECKING, Final

import click

from zchat.client.access import WRONG_USAGE, Access, Failed
from zchat.client.scripts import shape
from zchat.client.scripts.command import room_argument, script, session
from zchat.client.scripts.output import Output

if TYPE_CHECKING:
    from zchat.client.chat import Chat

HELP: Final = """Join ROOM.

An account stays in it; a guest is in it until it goes, which is at once.

\b
Examples:
  zchat-client join -u ann ops
  zchat-client join -u ann vault --key sesame
"""


def run(access: Access, out: Output, room: str, key: str) -> int:
    from zchat.client.drafts import InvalidRequest  # noqa: PLC0415

    async def enter(chat: "Chat") -> int:
        try:
            done = await chat.join(room, key)
        except InvalidRequest as error:
            raise Failed(WRONG_USAGE, str(error)) from None
        if out.as_json:
            out.shapes([shape.of_done(done)])
        return 0

    return session(access, enter)


def key_option() -> click.Option:
    return click.Option(
        ["--key"],
        default="",
        help="The key of a room that has one.",
        hide_input=True,
        metavar="KEY",
    )


COMMAND: Final = script("join", run, [room_argument(), key_option()], HELP)
