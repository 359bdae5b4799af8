"""What a service has committed, read from its database and not from the service."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from zchat.eventlog.store import Appended
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Entry

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
