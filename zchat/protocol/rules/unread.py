"""What counts as unread: what people say, and nothing that only happens.

Joins, topics, pins, edits, reactions and what was deleted stand in a log, too, and nobody need read
them. Services count by this, and clients.
"""

from typing import Final

from zchat.protocol.messages import MessagePosted, PrivateMessageSent

_SAID: Final = frozenset(body.__struct_config__.tag for body in (MessagePosted, PrivateMessageSent))


def is_to_read(kind: str, author: str, user: str) -> bool:
    """Whether an entry whose body is of that kind is news to `user` once it is after the marker."""
    return kind in _SAID and author != user
