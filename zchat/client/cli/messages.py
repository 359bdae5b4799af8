"""`zchat-client edit`, `delete`, `react` and so on: what is done to a message that stands."""

from typing import Final

import click

from zchat.client.cli.command import (
    doing,
    log_of,
    place_argument,
    reason_option,
    room_argument,
    sequence_argument,
    text_argument,
)
from zchat.client.cli.output import text_of
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    PinMessage,
    RemoveReaction,
    Request,
    UnpinMessage,
)

WHICH: Final = """SEQUENCE is its number, as `send --json` and `history --json` print it. That of a
private message is the one in your own inbox."""


def _edit(user: str, place: str, sequence: int, text: tuple[str, ...]) -> Request:

    return EditMessage(log=log_of(user, place), sequence=sequence, text=text_of(text))


def _delete(user: str, place: str, sequence: int, reason: str) -> Request:

    return DeleteMessage(log=log_of(user, place), sequence=sequence, reason=reason)


def _react(user: str, place: str, sequence: int, emoji: str) -> Request:

    return AddReaction(log=log_of(user, place), sequence=sequence, emoji=emoji)


def _unreact(user: str, place: str, sequence: int, emoji: str) -> Request:

    return RemoveReaction(log=log_of(user, place), sequence=sequence, emoji=emoji)


def _pin(user: str, room: str, sequence: int) -> Request:

    return PinMessage(room=room, sequence=sequence)


def _unpin(user: str, room: str, sequence: int) -> Request:

    return UnpinMessage(room=room, sequence=sequence)


_EMOJI: Final = click.Argument(["emoji"], metavar="EMOJI")

COMMANDS: Final = {
    command.name: command
    for command in (
        doing(
            "edit",
            _edit,
            [place_argument(), sequence_argument(), text_argument()],
            f"""Have your message SEQUENCE say TEXT.

{WHICH} Without TEXT, or with -, it is read from standard input.

\b
Example:
  zchat-client edit -u ann ops 4711 "the backup is done, at last"
""",
        ),
        doing(
            "delete",
            _delete,
            [place_argument(), sequence_argument(), reason_option()],
            f"""Delete the message SEQUENCE: your own, or anybody's in a room that you moderate.

{WHICH}

\b
Example:
  zchat-client delete -u ann ops 4711 --reason "not here"
""",
        ),
        doing(
            "react",
            _react,
            [place_argument(), sequence_argument(), _EMOJI],
            f"""React to the message SEQUENCE with EMOJI, or a word as short.

{WHICH}

\b
Example:
  zchat-client react -u bot ops 4711 👍
""",
        ),
        doing(
            "unreact",
            _unreact,
            [place_argument(), sequence_argument(), _EMOJI],
            f"""Take your reaction EMOJI to the message SEQUENCE away.

{WHICH}

\b
Example:
  zchat-client unreact -u bot ops 4711 👍
""",
        ),
        doing(
            "pin",
            _pin,
            [room_argument(), sequence_argument()],
            """Pin the message SEQUENCE in ROOM, where you are a moderator.

\b
Example:
  zchat-client pin -u ann ops 4711
""",
        ),
        doing(
            "unpin",
            _unpin,
            [room_argument(), sequence_argument()],
            """Pin the message SEQUENCE of ROOM no more.

\b
Example:
  zchat-client unpin -u ann ops 4711
""",
        ),
    )
}
