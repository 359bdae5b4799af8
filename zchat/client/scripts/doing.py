"""What the subcommands have in common that do one thing, which is done or refused."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from zchat import options
from zchat.client.access import UNCONFIRMED, WRONG_USAGE, Access, Failed
from zchat.client.scripts import shape
from zchat.client.scripts.command import script, session
from zchat.client.scripts.output import Output
from zchat.protocol import limits
from zchat.protocol.messages import Done, inbox_log

if TYPE_CHECKING:
    from zchat.client.chat import Chat
    from zchat.client.drafts import Request

TIMEOUT_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""


def doing(
    name: str,
    draft: Callable[..., "Request"],
    params: Sequence[click.Parameter],
    help: str,  # noqa: A002 - As click calls it.
) -> click.Command:
    """A subcommand. `draft` gets the user's name and the values of `params`."""

    def run(access: Access, out: Output, **given: Any) -> int:
        from zchat.client.drafts import InvalidRequest  # noqa: PLC0415

        try:
            request = draft(access.user, **given)
        except InvalidRequest as error:
            raise Failed(WRONG_USAGE, str(error)) from None

        async def work(chat: "Chat") -> int:
            done = await _done(chat, request)
            if out.as_json:
                out.shapes([shape.of_done(done)])
            return 0

        return session(access, work)

    return script(name, run, params, help)


async def _done(chat: "Chat", request: "Request") -> Done:
    # Here and not above: it knows every message, and --help none.
    from zchat.client.chat import UnconfirmedError  # noqa: PLC0415
    from zchat.client.scripts.patience import patiently  # noqa: PLC0415

    try:
        async with asyncio.timeout(TIMEOUT_S):
            done = await patiently(lambda: chat.submit(request), TIMEOUT_S)
    except TimeoutError:
        raise Failed(UNCONFIRMED, str(UnconfirmedError(1))) from None
    assert isinstance(done, Done)
    return done


def log_of(user: str, place: str) -> str:
    """That in which the messages of a place are numbered: all private ones in the own inbox."""
    return place if place.startswith("#") else inbox_log(user)


def sequence_argument() -> click.Argument:
    whole = options.value_of(options.whole(1, limits.INTEGER_MAX))
    return click.Argument(["sequence"], type=whole, metavar="SEQUENCE")


def text_argument() -> click.Argument:
    return click.Argument(["text"], nargs=-1, metavar="[TEXT]...")


def reason_option() -> click.Option:
    return click.Option(
        ["--reason"], default="", help="Why, if it is another's; all read it.", metavar="TEXT"
    )
