"""Has the services of a running cluster do something, over the fabric, and waits for the answer."""

import getpass
import os
import time

from msgspec import Raw

from zchat.fabric import sockets
from zchat.fabric.identities import admin_name, identity
from zchat.fabric.link import Asker
from zchat.protocol import limits
from zchat.protocol.cluster import Down, RoutingTable, Stamped
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import Done, Message, Refused, Standing
from zchat.settings import Settings

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_replies: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]


def ask(settings: Settings, address: str, command: Message) -> Done | Refused | None:
    """Has the service do this, and returns its answer; None if there was none in time."""
    asker: Asker[bool] = Asker()
    asker.send(encode(Stamped(0, "", Raw(encode(command)), Standing.OPERATOR)), True)
    deadline = time.monotonic() + limits.COMMAND_TIMEOUT_S
    name = admin_name(getpass.getuser())
    own_identity = identity(name, os.urandom(6).hex())
    with sockets.open_context(settings, name) as context:
        socket = sockets.asker_socket(context, settings.endpoints, own_identity)
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
