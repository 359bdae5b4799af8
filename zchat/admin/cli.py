"""The operator's commands, sent over the fabric like those of any other process."""

import os
import time

import click
from msgspec import Raw

from zchat.fabric import sockets
from zchat.fabric.link import Asker
from zchat.protocol import limits
from zchat.protocol.cluster import Announce, Down, RoutingTable, Stamped
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import LOBBY, Done, Message, Refused
from zchat.protocol.names import safe_text
from zchat.protocol.nonces import nonce
from zchat.protocol.partitions import address_of_room
from zchat.settings import Settings, command_with_arguments

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_replies: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]


def ask(settings: Settings, address: str, command: Message) -> Done | Refused | None:
    """Has the service do this, and returns its answer; None if there was none in time."""
    asker: Asker[bool] = Asker()
    asker.send(encode(Stamped(0, "", Raw(encode(command)))), True)
    deadline = time.monotonic() + limits.COMMAND_TIMEOUT_S
    identity = sockets.identity("admin", os.urandom(6).hex())
    with sockets.open_context() as context:
        socket = sockets.asker_socket(context, settings.endpoints, identity)
        waiter = sockets.Waiter(socket)
        while time.monotonic() < deadline:
            sockets.try_send(socket, [b"", b""])
            asker.heartbeat()
            for up in asker.envelopes():
                sockets.try_send(socket, [address.encode(), encode(up)])
            waiter.wait(limits.HEARTBEAT_INTERVAL_S / 10)
            for source, body, *_ in sockets.receive_waiting(socket, 2):
                if not source:
                    asker.worker_changed(_tables.decode(body).epochs.get(address))
                    continue
                for _, reply in asker.receive(_downs.decode(body), time.monotonic()):
                    return _replies.decode(reply)
    return None


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
