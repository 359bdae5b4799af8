"""`zchat-client edit`, `delete`, `react` and so on: what is done to a message that stands."""

from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from zchat.client.sdk.drafts import Request

# What makes drafts is imported where one is made: it knows every message, and --help none.

WHICH: Final = """SEQUENCE is its number, as `send --json` and `history --json` print it. That of a
private message is the one in your own inbox."""


def _edit(user: str, place: str, sequence: int, text: tuple[str, ...]) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.edit(log_of(user, place), sequence, text_of(text))


def _delete(user: str, place: str, sequence: int, reason: str) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.delete(log_of(user, place), sequence, reason)


def _react(user: str, place: str, sequence: int, emoji: str) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.react(log_of(user, place), sequence, emoji)


def _unreact(user: str, place: str, sequence: int, emoji: str) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.unreact(log_of(user, place), sequence, emoji)


def _pin(user: str, room: str, sequence: int) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.pin(room, sequence)


def _unpin(user: str, room: str, sequence: int) -> "Request":
    from zchat.client.sdk import message_drafts  # noqa: PLC0415

    return message_drafts.unpin(room, sequence)


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
