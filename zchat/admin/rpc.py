"""Has the services of a running cluster do something, or say what is, and waits for the answers."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import click
from msgspec import Raw

from zchat.admin.output import refuse, show_json
from zchat.fabric import sockets
from zchat.fabric.core.identities import identity
from zchat.fabric.core.link import Asker
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, ProtocolError, encode
from zchat.protocol.internal import (
    NOT_BEGUN,
    UNFINISHED,
    Down,
    LogPage,
    ReadLog,
    RoutingTable,
    Stamped,
)
from zchat.protocol.messages import Done, Entry, Message, Refused, Standing
from zchat.protocol.rules.nonces import nonce
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import console_name

Page = TypeVar("Page")
_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_replies: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]
_answers = Decoder(list[bytes])


class NoAnswer(click.ClickException):
    """Nobody has answered in time."""

    exit_code = 3

    def __init__(self, who: str = "the cluster") -> None:
        super().__init__(f"no answer from {who}; does the cluster run, and is this its folder?")


def _stamped(message: Message) -> bytes:
    """As a gateway would for its client; of no session and no user it is the cluster's own."""
    return encode(Stamped(0, "", Raw(encode(message)), Standing.OPERATOR))


# --- Commands: one after another, each of which is done once --------------------------------------

REQUEST: Final = 1
"""Each of our requests is the only one of its kind."""


def fresh_nonce() -> bytes:
    return nonce(os.urandom(limits.NONCE_PREFIX_BYTES), 1)


def do(settings: Settings, address: str, command: Message, *, as_json: bool = False) -> Done:
    """Has the service do it. Ends the program if it is not done. Raises `NoAnswer`."""
    return done_or_end(send(settings, address, command), as_json=as_json)


def done_or_end(answer: Done | Refused, *, as_json: bool = False) -> Done:
    """Ends the program if it is not done."""
    if isinstance(answer, Refused):
        if as_json:
            show_json({"done": False, "code": answer.code, "reason": answer.reason})
            raise SystemExit(1)
        refuse(answer.reason)
    return answer


def send(settings: Settings, address: str, command: Message) -> Done | Refused:
    """Has the service do this, and returns its answer. Raises `NoAnswer`."""
    with open_commands(settings) as commands:
        return commands.send(address, command)


class Commands:
    """Has services do one thing after another; what a killed one has not done it is told again."""

    def __init__(self, context: sockets.Context, settings: Settings, name: str) -> None:
        # A name of its own for each run: the link of a former one is not to be gone on with.
        own_identity = identity(name, os.urandom(6).hex())
        self._socket = sockets.asker_socket(context, settings.endpoints, own_identity)
        self._waiter = sockets.Waiter(self._socket)
        self._links: dict[str, Asker[bool]] = {}
        self._heartbeat_at = 0.0

    def send(self, address: str, command: Message) -> Done | Refused:
        """Raises `NoAnswer`."""
        asker = self._links.setdefault(address, Asker())
        asker.send(_stamped(command), True)
        deadline = time.monotonic() + limits.COMMAND_TIMEOUT_S
        while (now := time.monotonic()) < deadline:
            if now >= self._heartbeat_at:
                # It is answered with who serves what. To send one in each turn would never let us
                # rest, for its answer begins the next turn.
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
def open_commands(settings: Settings) -> Iterator[Commands]:
    name = console_name()
    with sockets.open_context(settings, name) as context:
        yield Commands(context, settings, name)


# --- Queries: of one service, or of several at once -----------------------------------------------


class Queries:
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
                        # A long query is answered in steps: to ask again has the next one done.
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
def open_queries(settings: Settings) -> Iterator[Queries]:
    with sockets.open_context(settings, console_name()) as context:
        yield Queries(context, settings)


def _only(body: bytes) -> bytes:
    try:
        (answer,) = _answers.decode(body)
    except (ProtocolError, ValueError):
        return b""
    return answer


# --- Answers that come in pages -------------------------------------------------------------------

log_pages: Decoder[LogPage | Refused] = Decoder(LogPage)
"""A log that is not there is empty; nobody is refused one."""
_entries = Decoder(Entry)


def read_all(
    settings: Settings,
    addresses: Sequence[str],
    first: Message,
    decoder: Decoder[Page | Refused],
    next_of: Callable[[Page], Message | None],
) -> list[Page]:
    """The pages of all services, in no particular order.

    `next_of` makes the query for what follows a page, None after the last one. Ends the program at
    a refusal. Raises `NoAnswer`.
    """
    pages: list[Page] = []
    asked = dict.fromkeys(addresses, first)
    with open_queries(settings) as asking:
        while asked:
            answers = ask_each(asking, asked, decoder)
            pages.extend(answers.values())
            following = {address: next_of(page) for address, page in answers.items()}
            asked = {address: query for address, query in following.items() if query is not None}
    return pages


def ask_each(
    asking: Queries, queries: Mapping[str, Message], decoder: Decoder[Page | Refused]
) -> dict[str, Page]:
    """One answer of each. Ends the program at a refusal. Raises `NoAnswer`."""
    answers = asking.ask(queries, limits.QUERY_TIMEOUT_S)
    if silent := queries.keys() - answers.keys():
        raise NoAnswer(", ".join(sorted(silent)))
    decoded: dict[str, Page] = {}
    for address, body in answers.items():
        try:
            answer = decoder.decode(body)
        except ProtocolError:
            # Of another version; what it says is no use here.
            raise NoAnswer(address) from None
        if isinstance(answer, Refused):
            refuse(answer.reason)
        decoded[address] = answer
    return decoded


def ask_one(
    asking: Queries, address: str, query: Message, decoder: Decoder[Page | Refused]
) -> Page:
    """The same of one service."""
    return ask_each(asking, {address: query}, decoder)[address]


def entries_of(asking: Queries, address: str, log: str) -> Iterator[Entry]:
    """All that there is of a log, oldest first, up to where it ends by then."""
    cursor = 0
    while True:
        page = ask_one(asking, address, ReadLog(log, cursor), log_pages)
        yield from entries_in(page.frames)
        if page.last >= page.head or page.last <= cursor:
            return
        cursor = page.last


def entries_in(frames: bytes) -> Iterator[Entry]:
    """Those of one page, of which the only one may be as large as the page."""
    return map(_entries.decode, FrameReader(len(frames)).feed(frames))
