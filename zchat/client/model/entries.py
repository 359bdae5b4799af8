"""What an entry is to somebody who reads: an item of a conversation, or a change of one."""

import re
from collections import deque
from typing import Final, TypeAlias

from zchat.client.model.conversation import Happened, Item, Move, Said
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    Entry,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
    inbox_log,
)
from zchat.protocol.rules.mentions import ROOM, mentioned
from zchat.protocol.rules.message_fold import (
    NO_REACTIONS,
    MessageChange,
    MessageState,
    folded,
    folded_entry,
)
from zchat.protocol.rules.names import safe_text

NOTICES: Final = inbox_log(SYSTEM_AUTHOR)
"""The key of what stands in the inbox and was said by nobody. No user has that name."""
Words: TypeAlias = re.Pattern[str]
"""As `highlighting.py` makes it."""
_MOVES: Final = {MemberJoined: Move.JOINED, MemberLeft: Move.LEFT}


def conversation_of(entry: Entry, me: str) -> str | None:
    """The key of the conversation that an entry belongs to.

    None where only the message that it refers to says so: of what oneself, or an operator, has done
    in the inbox.
    """
    if entry.log[0] == "#":
        return entry.log
    match entry.body:
        case PrivateMessageSent(to=to) | Redacted(to=to):
            return inbox_log(to if entry.author == me else entry.author)
        case body if isinstance(body, MessageChange):
            return None if entry.author in (me, SYSTEM_AUTHOR) else inbox_log(entry.author)
        case _:
            return NOTICES


def item_of(
    entry: Entry, me: str, *, private: bool, may_call_all: bool, words: Words | None = None
) -> Item:
    """`may_call_all`: whether the author may mention everyone at once; `words` call the user."""
    match entry.body:
        case (
            MessagePosted(text=text, reply_to=reply_to, bot=bot)
            | PrivateMessageSent(text=text, reply_to=reply_to, bot=bot)
        ):
            return Said(
                entry.sequence,
                entry.at_ms,
                entry.author,
                safe_text(text),
                reply_to,
                entry.edited,
                reactions=entry.reactions or NO_REACTIONS,
                mentions_me=entry.author != me
                and (private or mentions(text, me, may_call_all=may_call_all, words=words)),
                bot=bot,
            )
        case Redacted(by=by):
            return Said(
                entry.sequence,
                entry.at_ms,
                entry.author,
                "",
                deleted_by=by,
                reactions=NO_REACTIONS,
            )
        case _:
            return Happened(entry, _MOVES.get(type(entry.body), Move.NONE))


def mentions(text: str, me: str, *, may_call_all: bool, words: Words | None = None) -> bool:
    if words is not None and words.search(text):
        return True
    if "@" not in text:
        return False
    names = mentioned(text)
    return (me in names and me != ROOM) or (may_call_all and ROOM in names)


def amend(said: Said, entry: Entry) -> bool:
    """Has the message become what the entry says; False if it is so already."""
    assert isinstance(entry.body, MessageChange)
    state = MessageState(said.text, said.edit, said.deleted_by, said.reactions)
    became = folded(state, entry.body, entry.author, entry.sequence)
    if became is state:
        return False
    said.text, said.edit = safe_text(became.text), became.edited
    said.deleted_by, said.reactions = became.deleted_by, became.reactions
    if said.deleted_by:
        said.mentions_me = False
    said.version += 1
    return True


# --- What has become of messages of late, wherever they are.

RECENT_AMENDMENTS_MAX: Final = 200
"""Of one log."""


class RecentAmendments:
    """A page of history that is on its way may have been read before they were done.

    Later pages are read as they have become, so that few need be kept, and for a short time.
    """

    def __init__(self) -> None:
        self._by_log: dict[str, deque[Entry]] = {}

    def keep(self, entry: Entry) -> None:
        recent = self._by_log.setdefault(entry.log, deque(maxlen=RECENT_AMENDMENTS_MAX))
        recent.append(entry)

    def forget(self, log: str) -> None:
        self._by_log.pop(log, None)

    def readable(self, page: list[Entry]) -> list[Entry]:
        """What there is to read of a page of one log, with all that has become of it."""
        entries = {
            entry.sequence: entry for entry in page if not isinstance(entry.body, MessageChange)
        }
        for by in self._by_log.get(page[0].log, ()) if page else ():
            assert isinstance(by.body, MessageChange)
            message = entries.get(by.body.sequence)
            if message is not None:
                entries[message.sequence] = folded_entry(message, by.body, by.author, by.sequence)
        return list(entries.values())
