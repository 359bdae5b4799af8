"""What a service has committed, read from its database and not from the service."""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, text

from zchat.eventlog.store import Appended, Store
from zchat.eventlog.verify import verify_connection
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Entry, Message

_entries = Decoder(Entry)


class Committed(NamedTuple):
    position: int
    log: str
    sequence: int
    author: str
    nonce: bytes | None
    entry: Entry


def as_committed(appended: Appended) -> Committed:
    position, log, sequence, author, nonce, _, frame = appended
    return Committed(position, log, sequence, author, nonce, _entries.decode(frame))


def contradictions(store: Store) -> list[str]:
    """What `zchat-admin verify` would find wrong with what is committed."""
    driver: Any = store._connection.connection.driver_connection
    return verify_connection(driver).findings


def committed_entries(
    connection: Connection, of: str | None = None, upto: int = 0
) -> Iterator[Committed]:
    """In the order of their positions, one at a time: there may be more than fit in memory.

    `of` one log, if it is named, those up to the sequence.
    """
    of_log = "" if of is None else "where log = :log and sequence <= :upto"
    question = text(
        f"select position, log, sequence, author, nonce, frame from entries {of_log} "
        "order by position"
    ).execution_options(yield_per=1_000)
    parameters = {} if of is None else {"log": of, "upto": upto}
    for position, log, sequence, author, nonce, frame in connection.execute(question, parameters):
        yield Committed(position, log, sequence, author, nonce, _entries.decode(frame))


A = TypeVar("A", bound=Message)


def repeated(answer: A) -> A:
    """As it comes to a command that is sent once more."""
    return replace(answer, again=True)
