"""Reads what comes in pages, of one service or of several at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from zchat.admin.output import refuse
from zchat.admin.rpc import Enquiry, NoAnswer, enquiry
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, ProtocolError
from zchat.protocol.internal import (
    LogPage,
    ReadLog,
)
from zchat.protocol.messages import Entry, Message, Refused
from zchat.runtime.settings import Settings

Page = TypeVar("Page")

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
    with enquiry(settings) as asking:
        while asked:
            answers = ask_each(asking, asked, decoder)
            pages.extend(answers.values())
            following = {address: next_of(page) for address, page in answers.items()}
            asked = {address: query for address, query in following.items() if query is not None}
    return pages


def ask_each(
    asking: Enquiry, queries: Mapping[str, Message], decoder: Decoder[Page | Refused]
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
    asking: Enquiry, address: str, query: Message, decoder: Decoder[Page | Refused]
) -> Page:
    """The same of one service."""
    return ask_each(asking, {address: query}, decoder)[address]


def entries_of(asking: Enquiry, address: str, log: str) -> Iterator[Entry]:
    """All that there is of a log, oldest first, up to where it ends by then."""
    cursor = 0
    while True:
        page = ask_one(asking, address, ReadLog(log, cursor), log_pages)
        for frame in FrameReader(max(len(page.frames), 1)).feed(page.frames):
            yield _entries.decode(frame)
        if page.last >= page.head or page.last <= cursor:
            return
        cursor = page.last
