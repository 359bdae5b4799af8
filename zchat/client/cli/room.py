"""`zchat-client create-room`, `join`, `leave`, `topic`, `invite`: what is done to a room."""

from typing import TYPE_CHECKING, Final

import click

from zchat.client.cli.command import doing, room_argument, text_argument
from zchat.client.cli.output import text_of

if TYPE_CHECKING:
    from zchat.client.sdk.drafts import Request

# What makes drafts is imported where one is made: it knows every message, and --help none.


def key_option() -> click.Option:
    return click.Option(
        ["--key"],
        default="",
        help="The key of a room that has one.",
        hide_input=True,
        metavar="KEY",
    )


def _create(user: str, room: str, private: bool) -> "Request":
    from zchat.client.sdk import drafts  # noqa: PLC0415

    return drafts.create_room(room, private=private)


def _join(user: str, room: str, key: str) -> "Request":
    from zchat.client.sdk import drafts  # noqa: PLC0415

    return drafts.join(room, key)


def _leave(user: str, room: str) -> "Request":
    from zchat.client.sdk import drafts  # noqa: PLC0415

    return drafts.leave(room)


def _topic(user: str, room: str, text: tuple[str, ...]) -> "Request":
    from zchat.client.sdk import drafts  # noqa: PLC0415

    return drafts.topic(room, text_of(text))


def _invite(user: str, room: str, name: str) -> "Request":
    from zchat.client.sdk import room_drafts  # noqa: PLC0415

    return room_drafts.invite(room, name)


COMMANDS: Final = {
    command.name: command
    for command in (
        doing(
            "create-room",
            _create,
            [
                room_argument(),
                click.Option(["--private"], is_flag=True, help="Only who is invited hears of it."),
            ],
            """Make ROOM, and be its owner.

A guest owns it until it goes, which is at once: use an account.

\b
Example:
  zchat-client create-room -u ann ops
""",
        ),
        doing(
            "join",
            _join,
            [room_argument(), key_option()],
            """Join ROOM.

An account stays in it; a guest is in it until it goes, which is at once.

\b
Examples:
  zchat-client join -u ann ops
  zchat-client join -u ann vault --key sesame
""",
        ),
        doing(
            "leave",
            _leave,
            [room_argument()],
            """Leave ROOM.

\b
Example:
  zchat-client leave -u ann ops
""",
        ),
        doing(
            "topic",
            _topic,
            [room_argument(), text_argument()],
            """Set the topic of ROOM to TEXT.

Without TEXT, or with -, it is read from standard input. An empty one takes the topic away.

\b
Examples:
  zchat-client topic -u ann ops "all is well"
  zchat-client topic -u ann ops ""
""",
        ),
        doing(
            "invite",
            _invite,
            [room_argument(), click.Argument(["name"], metavar="USER")],
            """Invite USER to ROOM, who may then join, whatever its kind and key.

\b
Example:
  zchat-client invite -u ann ops bob
""",
        ),
    )
}
