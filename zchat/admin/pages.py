"""Reads what comes in pages, of one service or of several at once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from zchat.admin.answers import NoAnswer, Told
from zchat.admin.asking import Enquiry, enquiry
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import Message, Refused
from zchat.settings import Settings

Page = TypeVar("Page")


def read_all(
    settings: Settings,
    addresses: Sequence[str],
    first: Message,
    decoder: Decoder[Page | Refused],
    next_of: Callable[[Page], Message | None],
) -> list[Page]:
    """The pages of all services, in no particular order.

    `next_of` makes the query for what follows a page, None after the last one. Raises `Told` and
    `NoAnswer`.
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
    asking: Enquiry, queries: dict[str, Message], decoder: Decoder[Page | Refused]
) -> dict[str, Page]:
    """One answer of each. Raises `Told` and `NoAnswer`."""
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
            raise Told(answer)
        decoded[address] = answer
    return decoded
