"""The subcommands that do one thing, which is done or refused: to a message, or to a room."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from zchat.client.auth.access import Access
from zchat.client.cli.output import Output, done_object, text_of
from zchat.client.cli.subcommand import (
    PATIENCE_S,
    key_option,
    patiently,
    place_argument,
    room_argument,
    script,
    session,
    text_argument,
)
from zchat.client.core.checks import InvalidRequest, checked
from zchat.client.exit_codes import UNCONFIRMED, WRONG_USAGE, Failed
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.protocol import limits
from zchat.protocol.messages import (
    AddReaction,
    CreateRoom,
    DeleteMessage,
    Done,
    EditMessage,
    InviteMember,
    JoinRoom,
    LeaveRoom,
    PinMessage,
    RemoveReaction,
    Request,
    SetTopic,
    UnpinMessage,
    inbox_log,
)
from zchat.runtime import options


def doing(
    name: str,
    draft: Callable[..., Request],
    params: Sequence[click.Parameter],
    help: str,  # noqa: A002 - As click calls it.
) -> click.Command:
    """A subcommand whose request is made by `draft`, of the user's name and the values of
    `params`."""

    def run(access: Access, out: Output, **given: Any) -> int:
        try:
            request = checked(draft(access.user, **given))
        except InvalidRequest as error:
            raise Failed(WRONG_USAGE, str(error)) from None

        async def work(chat: Chat) -> int:
            done = await _done(chat, request)
            if out.as_json:
                out.objects([done_object(done)])
            return 0

        return session(access, work)

    return script(name, run, params, help)


async def _done(chat: Chat, request: Request) -> Done:
    try:
        async with asyncio.timeout(PATIENCE_S):
            done = await patiently(lambda: chat.submit(request), PATIENCE_S)
    except TimeoutError:
        raise Failed(UNCONFIRMED, str(UnconfirmedError(1))) from None
    assert isinstance(done, Done)
    return done


# --- To a message ---------------------------------------------------------------------------------

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


def log_of(user: str, place: str) -> str:
    """The log that numbers the messages of a place; for private ones that is the user's inbox."""
    return place if place.startswith("#") else inbox_log(user)


def sequence_argument() -> click.Argument:
    whole = options.value_of(options.whole(1, limits.INTEGER_MAX))
    return click.Argument(["sequence"], type=whole, metavar="SEQUENCE")


def reason_option() -> click.Option:
    return click.Option(
        ["--reason"], default="", help="Why, if it is another's; all read it.", metavar="TEXT"
    )


_EMOJI: Final = click.Argument(["emoji"], metavar="EMOJI")

OF_MESSAGES: Final = (
    doing(
        "edit",
        _edit,
        [place_argument(), sequence_argument(), text_argument()],
        f"""Edit your message SEQUENCE: its text becomes TEXT.

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
        """Unpin the message SEQUENCE in ROOM, where you are a moderator.

\b
Example:
  zchat-client unpin -u ann ops 4711
""",
    ),
)


# --- To a room ------------------------------------------------------------------------------------


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


OF_ROOMS: Final = (
    doing(
        "create-room",
        _create,
        [
            room_argument(),
            click.Option(["--private"], is_flag=True, help="Only who is invited hears of it."),
        ],
        """Create ROOM, which you then own.

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

COMMANDS: Final = {command.name: command for command in (*OF_MESSAGES, *OF_ROOMS)}
