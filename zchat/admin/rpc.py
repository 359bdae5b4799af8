"""Has the services of a running cluster do something, or say what is, and waits for the answers."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping

import click
from msgspec import Raw

from zchat.fabric import sockets
from zchat.fabric.core.identities import identity
from zchat.fabric.core.link import Asker
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import (
    NOT_BEGUN,
    UNFINISHED,
    Down,
    RoutingTable,
    Stamped,
)
from zchat.protocol.messages import Done, Message, Refused, Standing
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import console_name

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_replies: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]
_answers = Decoder(list[bytes])


class NoAnswer(click.ClickException):
    """Nobody has answered in time."""

    exit_code = 3

    def __init__(self, who: str = "the cluster") -> None:
        super().__init__(f"no answer from {who}; does the cluster run, and is this its folder?")


def ask(settings: Settings, address: str, command: Message) -> Done | Refused:
    """Has the service do this, and returns its answer. Raises `NoAnswer`."""
    with orders(settings) as ordering:
        return ordering.give(address, command)


class Orders:
    """Has services do one thing after another; what a killed one has not done it is told again."""

    def __init__(self, context: sockets.Context, settings: Settings, name: str) -> None:
        own_identity = identity(name, os.urandom(6).hex())
        self._socket = sockets.asker_socket(context, settings.endpoints, own_identity)
        self._waiter = sockets.Waiter(self._socket)
        self._links: dict[str, Asker[bool]] = {}
        self._heartbeat_at = 0.0

    def give(self, address: str, command: Message) -> Done | Refused:
        """Raises `NoAnswer`."""
        asker = self._links.setdefault(address, Asker())
        asker.send(_stamped(command), True)
        deadline = time.monotonic() + limits.COMMAND_TIMEOUT_S
        while (now := time.monotonic()) < deadline:
            if now >= self._heartbeat_at:
                # Each is answered: with one in each turn nobody would ever rest.
                self._heartbeat_at = now + limits.CONNECT_RETRY_S
                sockets.try_send(self._socket, [b"", b""])
                asker.heartbeat()
            for up in asker.envelopes():
                sockets.try_send(self._socket, [address.encode(), encode(up)])
            self._waiter.wait(self._heartbeat_at - now)
            replies: list[bytes] = []
            for source, body, *_ in sockets.receive_waiting(self._socket, 2):
                if not source:
                    for served, link in self._links.items():
                        link.worker_changed(_tables.decode(body).epochs.get(served))
                elif source == address.encode():
                    received = asker.receive(_downs.decode(body), time.monotonic())
                    replies += [reply for _, reply in received]
            if replies:
                return _replies.decode(replies[0])
        raise NoAnswer(address)


@contextlib.contextmanager
def orders(settings: Settings) -> Iterator[Orders]:
    name = console_name()
    with sockets.open_context(settings, name) as context:
        yield Orders(context, settings, name)


class Enquiry:
    """Asks services, or the router, what is: one query at a time of each, of several at once."""

    def __init__(self, context: sockets.Context, settings: Settings) -> None:
        self._context, self._settings = context, settings
        self._sockets: dict[str, sockets.Socket] = {}

    def ask(self, queries: Mapping[str, Message], timeout_s: float) -> dict[str, bytes]:
        """The answers by address; those that do not come in time are not there."""
        answers: dict[str, bytes] = {}
        next_at = dict.fromkeys(queries, 0.0)
        """When to ask again whoever has not answered."""
        waiter = sockets.Waiter(*map(self._socket, queries))
        deadline = time.monotonic() + timeout_s
        while next_at and (now := time.monotonic()) < deadline:
            for address in [address for address, due in next_at.items() if due <= now]:
                body = encode([_stamped(queries[address])])
                sent = sockets.try_send(self._socket(address), [address.encode(), body])
                next_at[address] = now + (
                    limits.QUERY_RESEND_INTERVAL_S if sent else limits.CONNECT_RETRY_S
                )
            waiter.wait(min(deadline, *next_at.values()) - now)
            for address in list(next_at):
                for body, *_ in sockets.receive_waiting(self._socket(address)):
                    answer = _only(body)
                    if answer in (UNFINISHED, NOT_BEGUN):
                        next_at[address] = 0.0
                    elif answer:
                        answers[address] = answer
                        next_at.pop(address, None)
                    else:
                        # Nobody serves it now, or its store cannot be read.
                        next_at[address] = time.monotonic() + limits.RESEND_INTERVAL_S
        return answers

    def _socket(self, address: str) -> sockets.Socket:
        if address not in self._sockets:
            self._sockets[address] = sockets.query_socket(self._context, self._settings.endpoints)
        return self._sockets[address]


@contextlib.contextmanager
def enquiry(settings: Settings) -> Iterator[Enquiry]:
    with sockets.open_context(settings, console_name()) as context:
        yield Enquiry(context, settings)


def _only(body: bytes) -> bytes:
    try:
        (answer,) = _answers.decode(body)
    except (ProtocolError, ValueError):
        return b""
    return answer


def _stamped(message: Message) -> bytes:
    return encode(Stamped(0, "", Raw(encode(message)), Standing.OPERATOR))
