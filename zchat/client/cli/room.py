"""`zchat-client create-room`, `join`, `leave`, `topic`, `invite`: what is done to a room."""

from typing import Final

import click

from zchat.client.cli.command import doing, room_argument, text_argument
from zchat.client.cli.output import text_of
from zchat.protocol.messages import CreateRoom, InviteMember, JoinRoom, LeaveRoom, Request, SetTopic


def key_option() -> click.Option:
    return click.Option(
        ["--key"],
        default="",
        help="The key of a room that has one.",
        hide_input=True,
        metavar="KEY",
    )


def _create(user: str, room: str, private: bool) -> Request:
    return CreateRoom(room=room, private=private)


def _join(user: str, room: str, key: str) -> Request:
    return JoinRoom(room=room, key=key)


def _leave(user: str, room: str) -> Request:
    return LeaveRoom(room=room)


def _topic(user: str, room: str, text: tuple[str, ...]) -> Request:
    return SetTopic(room=room, topic=text_of(text))


def _invite(user: str, room: str, name: str) -> Request:
    return InviteMember(room=room, user=name)


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
