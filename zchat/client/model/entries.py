"""What entries are to somebody who reads: conversations, their items, and changes of them."""

import re
from collections import deque
from collections.abc import Iterable
from typing import Final, TypeAlias

from zchat.client.model.conversation import Conversation, Happened, Item, Kind, Move, Said
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    Entry,
    MemberAdded,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
    RoomInfo,
    TopicChanged,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.membership import ends_following
from zchat.protocol.rules.mentions import ROOM, mentioned
from zchat.protocol.rules.message_fold import (
    NO_REACTIONS,
    MessageChange,
    MessageState,
    folded,
    folded_entry,
)
from zchat.protocol.rules.names import printable, safe_text

NOTICES: Final = inbox_log(SYSTEM_AUTHOR)
"""The key of what stands in the inbox and was said by nobody. No user has that name."""
_LOBBY_LOG: Final = room_log(LOBBY)
Words: TypeAlias = re.Pattern[str]
"""As `pattern_of` makes it."""
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


def conversation_at(key: str) -> Conversation:
    """A new one; nothing is known but its key."""
    name = key[1:]
    match key:
        case _ if key == NOTICES:
            return Conversation(key, Kind.NOTICES, name, more_before=False)
        case _ if key == _LOBBY_LOG:
            return Conversation(key, Kind.LOBBY, name, joined=False)
        case _ if key[0] == "#":
            return Conversation(key, Kind.ROOM, name, joined=False)
        case _:
            return Conversation(key, Kind.PRIVATE, name)


# --- What rooms are like, and called --------------------------------------------------------------


def room_listed(conversation: Conversation, info: RoomInfo, me: str) -> None:
    """Takes what a list says of the room; `me` is the user's own name."""
    conversation.topic = printable(info.topic)
    if info.joined:
        conversation.notify = info.notify
    if info.conversation:
        conversation.kind = Kind.SEVERAL
    _call_by_topic(conversation, me)


def room_changed(conversation: Conversation, entry: Entry, me: str) -> None:
    """Takes what an entry says of the room."""
    match entry.body:
        case TopicChanged(topic=topic):
            conversation.topic = printable(topic)
        case MemberAdded():
            conversation.kind = Kind.SEVERAL
        case _ if ends_following(entry, me):
            conversation.joined = False
            return
        case _:
            return
    _call_by_topic(conversation, me)


def _call_by_topic(conversation: Conversation, me: str) -> None:
    """By the others in it, where its topic names everyone."""
    if conversation.kind is Kind.SEVERAL and conversation.topic:
        others = [each for each in conversation.topic.split(", ") if each != me]
        conversation.title = ", ".join(others) or conversation.topic


# --- Items, and what becomes of them --------------------------------------------------------------


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


RECENT_CHANGES_MAX: Final = 200
"""For each log."""


class RecentChanges:
    """What has become of messages of late, wherever they are.

    A page of history that is on its way may have been read before it was done. Later pages are read
    as they have become, so that little need be kept.
    """

    def __init__(self) -> None:
        self._by_log: dict[str, deque[Entry]] = {}

    def keep(self, entry: Entry) -> None:
        recent = self._by_log.setdefault(entry.log, deque(maxlen=RECENT_CHANGES_MAX))
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


# --- Mentions: by the own name, and by words that the user has chosen -----------------------------

HIGHLIGHT_SETTING: Final = "highlight-words"
"""What the setting of those is called that were chosen in the client."""


def mentions(text: str, me: str, *, may_call_all: bool, words: Words | None = None) -> bool:
    if words is not None and words.search(text):
        return True
    if "@" not in text:
        return False
    names = mentioned(text)
    return (me in names and me != ROOM) or (may_call_all and ROOM in names)


def split_words(text: str) -> list[str]:
    """Those that are written with commas between them."""
    words = (" ".join(word.split()) for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))


def pattern_of(words: Iterable[str]) -> Words | None:
    """Finds each of them as a word of its own, in whatever case; None for no words.

    Of two that begin alike the longer one comes first.
    """
    longest_first = sorted({word for word in words if word}, key=len, reverse=True)
    if not longest_first:
        return None
    choices = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)
