"""`zchat-client send`: one message, and an exit code that says whether it is kept for good."""

from typing import TYPE_CHECKING, Final

import click

from zchat import options
from zchat.client.access import UNCONFIRMED, WRONG_USAGE, Access, Failed
from zchat.client.scripts import saying, shape
from zchat.client.scripts.command import FROM_NOW_ON, place_argument, script, session
from zchat.client.scripts.doing import text_argument
from zchat.client.scripts.output import Output
from zchat.client.scripts.text import text_of
from zchat.protocol import limits

if TYPE_CHECKING:
    from zchat.client.chat import Chat
    from zchat.client.scripts.saying import Saying

TIMEOUT_S: Final = 30.0
_GOODBYE_S: Final = 2.0
"""How long a goodbye is waited for, which changes nothing any more."""

HELP: Final = """Say TEXT in ROOM, or to @USER.

Without TEXT, or with -, it is read from standard input: all of it is one message. Returns once the
message is stored for good. An app token that may only post is enough.

With an --idempotency-key it can be run again, whatever became of it: what was said with the key in
this place is not said once more.

\b
Examples:
  zchat-client send -u cron ops "the backup is done"
  df -h | zchat-client send -u cron ops
  zchat-client send -u ann @bob hello
  zchat-client send -u cron --idempotency-key "backup $(date +%F)" ops "the backup is done"
"""


def run(
    access: Access,
    out: Output,
    place: str,
    text: tuple[str, ...],
    reply_to: int,
    timeout: float,
    idempotency_key: str | None,
) -> int:
    from zchat.client import drafts  # noqa: PLC0415
    from zchat.client.chat import UnconfirmedError  # noqa: PLC0415

    said = text_of(text)
    try:
        if place.startswith("#"):
            draft: Saying = drafts.post(place, said, reply_to)
        else:
            draft = drafts.private(place, said, reply_to)
    except drafts.InvalidRequest as error:
        raise Failed(WRONG_USAGE, str(error)) from None

    async def say(chat: "Chat") -> int:
        try:
            done = await saying.say(chat, place, draft, idempotency_key, timeout)
        except TimeoutError:
            raise Failed(UNCONFIRMED, str(UnconfirmedError(1))) from None
        if out.as_json:
            out.shapes([shape.of_done(done)])
        return 0

    cursors = {place: FROM_NOW_ON} if place.startswith("#") else {}
    return session(
        access, say, cursors=cursors, connect_timeout_s=timeout, quit_timeout_s=_GOODBYE_S
    )


COMMAND: Final = script(
    "send",
    run,
    [
        place_argument(),
        text_argument(),
        click.Option(
            ["--reply-to"],
            type=options.value_of(options.whole(0, limits.INTEGER_MAX)),
            default=0,
            help="The sequence of the message that it answers.",
            metavar="SEQUENCE",
        ),
        click.Option(
            ["--idempotency-key"],
            type=options.value_of(saying.idempotency_key),
            help="Whatever you call this message: it is said once under this name.",
            metavar="KEY",
        ),
        click.Option(
            ["--timeout"],
            type=options.value_of(options.seconds(0.1, 86_400.0)),
            default=TIMEOUT_S,
            help="How long to try to connect, and then to wait for the answer, or for slow mode.",
            metavar="SECONDS",
            show_default=True,
        ),
    ],
    HELP,
)
