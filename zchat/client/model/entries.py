"""What an entry is to somebody who reads: an item of a conversation, or a change of one."""

import re
from collections import deque
from typing import Final, TypeAlias

from msgspec.structs import replace

from zchat.client.model.conversation import Happened, Item, Move, Said
from zchat.client.text.wording import sentence
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    Entry,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    inbox_log,
)
from zchat.protocol.rules.mentions import ROOM, mentioned
from zchat.protocol.rules.names import safe_text

NOTICES: Final = inbox_log(SYSTEM_AUTHOR)
"""The key of what stands in the inbox and was said by nobody. No user has that name."""
NO_REACTIONS: Final[dict[str, list[str]]] = {}
Words: TypeAlias = re.Pattern[str]
"""As `highlighting.py` makes it."""
_MOVES: Final = {MemberJoined: Move.JOINED, MemberLeft: Move.LEFT}

Amendment: TypeAlias = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved
"""Changes a message that stands already, and is nothing to read itself."""


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
        case MessageEdited() | MessageDeleted() | ReactionAdded() | ReactionRemoved():
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
                entry.edited != 0,
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
            move = _MOVES.get(type(entry.body), Move.NONE)
            return Happened(entry.sequence, entry.at_ms, entry.author, sentence(entry, me), move)


def mentions(text: str, me: str, *, may_call_all: bool, words: Words | None = None) -> bool:
    if words is not None and words.search(text):
        return True
    if "@" not in text:
        return False
    names = mentioned(text)
    return (me in names and me != ROOM) or (may_call_all and ROOM in names)


def amend(said: Said, entry: Entry) -> bool:
    """Has the message become what the entry says; False if it is so already."""
    if said.deleted_by:
        return False
    match entry.body:
        case MessageEdited(text=text):
            # Without a text it is out of date, and what came in its place is known or comes.
            if not text or entry.sequence <= said.edit:
                return False
            said.text, said.edited, said.edit = safe_text(text), True, entry.sequence
        case MessageDeleted():
            said.text, said.edited, said.edit = "", False, 0
            said.reactions, said.mentions_me = NO_REACTIONS, False
            said.deleted_by = entry.author
        case ReactionAdded(emoji=emoji) | ReactionRemoved(emoji=emoji):
            adds = isinstance(entry.body, ReactionAdded)
            reactions = _reacted(said.reactions, entry.author, emoji, adds=adds)
            if reactions is said.reactions:
                return False
            said.reactions = reactions
        case _:
            return False
    said.version += 1
    return True


def amended(entry: Entry, by: Entry) -> Entry:
    """The message as it stands in the log once `by` is done; the entry itself if it is so."""
    body = entry.body
    if not isinstance(body, MessagePosted | PrivateMessageSent):
        return entry
    match by.body:
        case MessageEdited(text=text) if text and by.sequence > entry.edited:
            return replace(entry, body=replace(body, text=text), edited=by.sequence)
        case MessageDeleted():
            to = body.to if isinstance(body, PrivateMessageSent) else ""
            return replace(entry, body=Redacted(by.author, to), edited=0, reactions={})
        case ReactionAdded(emoji=emoji) | ReactionRemoved(emoji=emoji):
            adds = isinstance(by.body, ReactionAdded)
            reactions = _reacted(entry.reactions, by.author, emoji, adds=adds)
            return entry if reactions is entry.reactions else replace(entry, reactions=reactions)
        case _:
            return entry


def _reacted(
    reactions: dict[str, list[str]], user: str, emoji: str, *, adds: bool
) -> dict[str, list[str]]:
    """Others if that changes them."""
    users = reactions.get(emoji, [])
    if (user in users) == adds:
        return reactions
    if adds:
        return reactions | {emoji: [*users, user]}
    fewer = reactions | {emoji: [name for name in users if name != user]}
    return {each: names for each, names in fewer.items() if names}


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
        entries = {entry.sequence: entry for entry in page if not isinstance(entry.body, Amendment)}
        for entry in self._by_log.get(page[0].log, ()) if page else ():
            assert isinstance(entry.body, Amendment)
            sequence = entry.body.sequence
            if sequence in entries:
                entries[sequence] = amended(entries[sequence], entry)
        return list(entries.values())
