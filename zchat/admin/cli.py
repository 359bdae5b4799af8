"""The operator's commands, sent over the fabric like those of any other process."""

import os

import click

from zchat.admin.asking import ask
from zchat.admin.backup import backup
from zchat.admin.doctor import doctor
from zchat.admin.restore import restore
from zchat.admin.retention import retention
from zchat.admin.transfer import export, import_
from zchat.admin.verify import verify
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, Announce, Done, Refused
from zchat.protocol.names import safe_text
from zchat.protocol.nonces import nonce
from zchat.protocol.partitions import address_of_room
from zchat.settings import Settings, command_with_arguments


def _announce(settings: Settings, text: tuple[str, ...]) -> None:
    words = safe_text(" ".join(text)).strip()
    if not words or len(words) > limits.TEXT_CHARS_MAX:
        raise click.UsageError(f"an announcement has 1 to {limits.TEXT_CHARS_MAX} characters")
    command = Announce(1, nonce(os.urandom(limits.NONCE_PREFIX_BYTES), 1), words)
    match ask(settings, address_of_room(LOBBY, settings.partitions), command):
        case Done(sequence=sequence):
            click.echo(f"announced, as entry {sequence} of the lobby")
        case Refused(reason=reason):
            raise click.ClickException(reason)
        case None:
            raise click.ClickException(
                "the cluster does not answer; is it running, and is this its folder?"
            )


@click.group()
def main() -> None:
    """What an operator does with a running zchat cluster, from its folder."""


main.add_command(
    command_with_arguments(
        "admin",
        "announce",
        _announce,
        "Say TEXT to everyone, in the lobby.",
        click.Argument(["text"], nargs=-1, required=True),
    )
)
main.add_command(backup)
main.add_command(doctor)
main.add_command(export)
main.add_command(import_)
main.add_command(restore)
main.add_command(retention)
main.add_command(verify)
