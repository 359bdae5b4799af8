"""The book: all that the user can read, as the client's events have made it. No screen, no I/O."""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from zchat.client.core.events import (
    Answered,
    ConnectionFailed,
    ConnectionLost,
    Delayed,
    EntryArrived,
    Event,
    Fatal,
    LoggedOut,
    SessionBegun,
)
from zchat.client.model.continuity import Fit, older_part
from zchat.client.model.conversation import Conversation, Delivery, Item, Kept, Kind, Said, Unsent
from zchat.client.model.entries import (
    RecentChanges,
    amend,
    conversation_of,
    item_of,
    mentions,
    pattern_of,
    room_changed,
    room_listed,
)
from zchat.client.model.rights import Rights
from zchat.client.model.transcripts import Transcript, Transcripts
from zchat.protocol import limits
from zchat.protocol.messages import (
    Answer,
    ConversationList,
    Done,
    Entry,
    History,
    LogStateChanged,
    MemberList,
    MessageEdited,
    Notify,
    PresenceChanged,
    ReadHistory,
    Refused,
    Request,
    RoomList,
    SetNotify,
    SlowedDown,
    TypingSeen,
    UserList,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.message_fold import MessageChange
from zchat.protocol.rules.names import safe_text
from zchat.protocol.rules.permissions import is_own

CONVERSATION_ITEMS_MAX: Final = 100_000
"""Kept of the conversation that is looked at; the oldest are forgotten first."""
IDLE_ITEMS_MAX: Final = 2_000
"""Kept of each other one."""
PAGE_ENTRIES: Final = 100
"""Of history, with one request."""


class _ToCount(NamedTuple):
    """What the server has said is unread, once all is here up to the `head`."""

    head: int
    marker: int
    unread: int
    mentions: int


class Spoken(NamedTuple):
    """What the user has said here, and in which conversation."""

    key: str
    said: Said
    text: str
    reply_to: int
    at_ms: int


class Book:
    """`me` is the user's own name. An event costs about the same, however much there is."""

    def __init__(self, me: str, words: Iterable[str] = ()) -> None:
        """`words` call the user as the name does."""
        self.me = me
        self.words = pattern_of(words)
        self.presence = Presence()
        self.rights = Rights(me)
        self.looking_at = ""
        """The key of the conversation that the user sees; empty for none."""
        self._transcripts = Transcripts(me)
        self._continuity = self._transcripts.continuity
        self._unconfirmed = Unconfirmed()
        self.unsent: list[Said] = []
        """What an earlier run has said and nobody had confirmed."""
        self._recent = RecentChanges()
        self._to_count: dict[str, _ToCount] = {}
        """By key."""

    @property
    def conversations(self) -> dict[str, Conversation]:
        """By key."""
        return self._transcripts.conversations

    def restore(self, kept: Kept) -> None:
        """Goes on from what an earlier run has kept. Call it first."""
        self._transcripts.restore(kept)
        for each in kept.conversations:
            conversation = each.conversation
            unread, mentioned = conversation.unread, conversation.mentions
            transcript = self._transcripts.add(conversation, each.first)
            items = [self._item(conversation, entry) for entry in each.entries]
            transcript.prepend(items, each.first, more=conversation.more_before)
            transcript.unread_in_all(unread, mentioned)
            conversation.changes.clear()
        for unsent in kept.unsent:
            transcript = self._transcripts.at(unsent.key)
            self.unsent.append(unsent_said(unsent, self.me))
            transcript.add_pending(self.unsent[-1])
            transcript.conversation.changes.clear()

    # --- What happens ---------------------------------------------------------------------------

    def apply(self, event: Event, now: float) -> None:
        """`now` is the time of any steady clock, in seconds."""
        self.rights.hear(event)
        match event:
            case EntryArrived(entry):
                self._arrive(entry)
                self.presence.spoke(entry, now)
            case Answered(request_id, request, answer):
                self._answered(request_id, request, answer)
            case SessionBegun():
                self._begin(event)
            case PresenceChanged():
                self.presence.changed(event)
            case TypingSeen(log=log):
                if log in self.conversations:
                    self.presence.typing_seen(self.open(log), event, self.me, now)
            case LogStateChanged(log=log, marker=marker, notify=notify, back=back):
                if log in self.conversations and log != self._continuity.inbox:
                    self._transcripts.at(log).conversation.notify = notify
                    self._transcripts.at(log).read_up_to(marker)
                    if back:
                        self._transcripts.at(log).unread_after(marker)
            case ConnectionLost():
                for conversation in self.conversations.values():
                    conversation.typing.clear()
            case Fatal(refused):
                for spoken in self._unconfirmed.refuse_all():
                    self._fail(spoken, refused.reason)
            case Delayed() | SlowedDown() | ConnectionFailed() | LoggedOut():
                pass
            case _:
                assert_never(event)

    def loaded(self, key: str, history: History, before: int | None = None) -> None:
        """A page that was asked for, of the server or of a cache; `before` is as it was asked.

        What would leave a gap is not taken, nor what is known already or comes by itself.
        """
        transcript = self._transcripts.at(key)
        conversation = transcript.conversation
        conversation.loading = False
        older = older_part(history, before, transcript.first)
        if older is None:
            return
        if not older:
            if not history.more:
                transcript.prepend([], transcript.first, more=False)
            return
        self._continuity.cursors.setdefault(self._continuity.log_of(key), older[-1].sequence)
        page = [self._item(conversation, entry) for entry in self._recent.readable(older)]
        transcript.prepend(page, older[0].sequence, more=history.more)

    # --- What the user does ---------------------------------------------------------------------

    def open(self, key: str) -> Conversation:
        """The conversation, which need not have begun."""
        return self._transcripts.at(key).conversation

    def ask_before(self, key: str, limit: int = PAGE_ENTRIES) -> ReadHistory | None:
        """The request for what comes before that which is known; None if there is none to make."""
        transcript = self._transcripts.at(key)
        conversation = transcript.conversation
        if conversation.loading or not conversation.more_before:
            return None
        conversation.loading = True
        return ReadHistory(log=key, limit=limit, before=transcript.first)

    def item(self, key: str, sequence: int) -> Item | None:
        """What stands there, if it is loaded."""
        transcript = self._transcripts.known.get(key)
        index = transcript.at(sequence) if transcript else None
        return None if transcript is None or index is None else transcript.conversation.items[index]

    def first(self, key: str) -> int:
        """From which sequence on it is known; a cache may have what comes before."""
        return self._transcripts.at(key).first

    def read(self, key: str) -> tuple[str, int] | None:
        """The user has seen all that has come: the log and the sequence to tell the server of."""
        transcript = self._transcripts.at(key)
        conversation = transcript.conversation
        # What was missed is still on its way up to the head.
        seen = min(conversation.head, self._continuity.cursor(key))
        if seen <= conversation.marker:
            return None
        transcript.read_up_to(seen)
        return (key, seen) if self._has_marker(conversation) else None

    def mark_unread(self, key: str, sequence: int) -> tuple[str, int] | None:
        """From there on the user has read nothing. What to tell the server of, as for `read`."""
        transcript = self._transcripts.at(key)
        if (
            not self._has_marker(transcript.conversation)
            or not 0 < sequence <= transcript.conversation.marker
        ):
            return None
        transcript.unread_after(sequence - 1)
        return key, sequence - 1

    def _has_marker(self, conversation: Conversation) -> bool:
        """Whether the server keeps how far the user has read it."""
        return conversation.kind is not Kind.NOTICES and conversation.key != self._continuity.inbox

    def pending(self, key: str, text: str, reply_to: int, request: int, at_ms: int) -> Said:
        """The user has said `text`, by that request, and waits for the server to confirm it."""
        transcript = self._transcripts.at(key)
        said = Said(
            0, at_ms, self.me, safe_text(text), reply_to, delivery=Delivery.PENDING, request=request
        )
        transcript.conversation.active_at_ms = max(transcript.conversation.active_at_ms, at_ms)
        transcript.add_pending(said)
        self._unconfirmed.say(request, key, said)
        return said

    def retry(self, key: str, said: Said, request: int, at_ms: int) -> None:
        """What had failed is said again, by that request."""
        if said.is_unsent:
            said.request, said.at_ms = request, at_ms
            self._transcripts.at(key).deliver(said, Delivery.PENDING)
            self._unconfirmed.say(request, key, said)

    def give_up(self, key: str, said: Said) -> None:
        """What had failed is not wanted any more."""
        if said.is_unsent:
            self._transcripts.at(key).drop_pending(said)
            # It is nowhere now, and cannot be given up twice.
            said.delivery = Delivery.DONE

    def highlight(self, words: Iterable[str]) -> None:
        """From now on these call the user, and no others."""
        self.words = pattern_of(words)

    def pin(self, key: str, *, pinned: bool) -> None:
        """At the top of the list, or where it belongs."""
        self._transcripts.at(key).conversation.pinned = pinned

    def ordered(self) -> list[Conversation]:
        """As people look for them: those they have pinned, then the most recent ones first.

        Those that are muted come after all that are not, unless they mention the user; and those
        that the user has left come last.
        """
        return sorted(
            self.conversations.values(),
            key=lambda each: (
                not each.pinned,
                not each.joined,
                each.notify == Notify.NOTHING and not each.mentions,
                -each.active_at_ms,
                each.title,
            ),
        )

    def is_own(self, said: Said) -> bool:
        """Whether the user may change it: an earlier user of the name was somebody else."""
        return is_own(said.author, said.at_ms, self.me, self._continuity.since_ms)

    def take_touched(self) -> list[Conversation]:
        """Those that may have changed since the last call."""
        return self._transcripts.take_touched()

    # --- Entries --------------------------------------------------------------------------------

    def _arrive(self, entry: Entry) -> None:
        fit = self._continuity.arrive(entry)
        if fit is Fit.KNOWN:
            return
        if entry.log[0] == "#":
            transcript = self._transcripts.at(entry.log)
            if fit is Fit.ANEW:
                transcript.start_anew(entry.sequence)
            transcript.conversation.joined = True
            transcript.conversation.head = max(transcript.conversation.head, entry.sequence)
            room_changed(transcript.conversation, entry, self.me)
        self._fold(entry)
        if self._to_count:
            self._count_what_came()

    def _fold(self, entry: Entry) -> None:
        if isinstance(entry.body, MessageChange):
            self._amend_known(entry, entry.body.sequence)
            return
        key = conversation_of(entry, self.me) or self._unconfirmed.key_at(entry.log, entry.sequence)
        if key is not None:
            self._place(self._transcripts.at(key), entry)

    def _begin(self, begun: SessionBegun) -> None:
        self._to_count.clear()
        for state, _ in self._transcripts.begin(begun):
            self._recent.forget(state.log)
            for spoken in self._unconfirmed.up_to(state.log, state.cursor):
                self._transcripts.at(spoken.key).drop_pending(spoken.said)

    def _place(self, transcript: Transcript, entry: Entry) -> None:
        conversation = transcript.conversation
        item = self._item(conversation, entry)
        conversation.head = max(conversation.head, entry.sequence)
        spoken = self._unconfirmed.arrives(entry.log, entry.sequence)
        pending = spoken.said if spoken else None
        if isinstance(item, Said):
            conversation.active_at_ms = max(conversation.active_at_ms, entry.at_ms)
            conversation.typing.pop(entry.author, None)
            if pending is None and entry.author == self.me:
                pending = alike(transcript.unsettled, item.text, item.reply_to, item.at_ms)
        elif conversation.kind is Kind.NOTICES:
            conversation.active_at_ms = max(conversation.active_at_ms, entry.at_ms)
        if pending is None:
            transcript.append(item)
        else:
            stands_now(pending, item)
            transcript.settle(pending)
        looked_at = conversation.key == self.looking_at
        transcript.trim(CONVERSATION_ITEMS_MAX if looked_at else IDLE_ITEMS_MAX)

    def _amend_known(self, entry: Entry, sequence: int) -> None:
        self._recent.keep(entry)
        for transcript in self._transcripts_of(entry):
            index = transcript.at(sequence)
            if index is None:
                continue
            said = transcript.conversation.items[index]
            if isinstance(said, Said):
                transcript.uncount(said)
                changed = self._amend(transcript.conversation, said, entry)
                transcript.count_again(said)
                if changed:
                    transcript.changed(index)
                    self._transcripts.at(transcript.conversation.key)
            return

    def _transcripts_of(self, entry: Entry) -> list[Transcript]:
        """Where the message may stand that an entry refers to."""
        key = conversation_of(entry, self.me)
        if key is not None:
            return [self._transcripts.at(key)]
        # What oneself does in the inbox, which is done by hand.
        return [transcript for key, transcript in self._transcripts.known.items() if key[0] == "@"]

    def _amend(self, conversation: Conversation, said: Said, entry: Entry) -> bool:
        changed = amend(said, entry)
        if changed and isinstance(entry.body, MessageEdited) and said.author != self.me:
            said.mentions_me = conversation.key[0] == "@" or mentions(
                said.text,
                self.me,
                may_call_all=self.rights.may_call_all(said.author, conversation.key),
                words=self.words,
            )
        return changed

    def _item(self, conversation: Conversation, entry: Entry) -> Item:
        return item_of(
            entry,
            self.me,
            private=conversation.key[0] == "@",
            may_call_all=self.rights.may_call_all(entry.author, entry.log),
            words=self.words,
        )

    # --- Answers --------------------------------------------------------------------------------

    def _answered(self, request_id: int, request: Request, answer: Answer) -> None:
        match answer:
            case Done(log=log, sequence=sequence):
                if isinstance(request, SetNotify):
                    self._transcripts.at(request.log).conversation.notify = request.level
                spoken = self._unconfirmed.answered(request_id)
                if spoken is not None and log is not None:
                    self._confirm(spoken, log, sequence)
            case Refused(reason=reason):
                if isinstance(request, ReadHistory):
                    self._transcripts.at(request.log).conversation.loading = False
                spoken = self._unconfirmed.answered(request_id)
                if spoken is not None:
                    self._fail(spoken, reason)
            case History():
                assert isinstance(request, ReadHistory)
                self.loaded(request.log, answer, request.before)
            case RoomList(rooms=rooms):
                for room in rooms:
                    key = room_log(room.room)
                    if key in self._transcripts.known:
                        room_listed(self._transcripts.at(key).conversation, room, self.me)
                        self._count_all(self._transcripts.at(key), room.unread, room.mentions)
            case ConversationList(conversations=conversations):
                for info in conversations:
                    transcript = self._transcripts.at(inbox_log(info.name))
                    conversation = transcript.conversation
                    conversation.head = max(conversation.head, info.head)
                    conversation.active_at_ms = max(conversation.active_at_ms, info.at_ms)
                    conversation.notify = info.notify
                    transcript.read_up_to(info.marker)
                    self._count_all(transcript, info.unread, info.unread)
            case MemberList():
                self.presence.members_listed(answer)
            case UserList():
                self.presence.users_listed(answer)
            case _:
                pass

    def _count_all(self, transcript: Transcript, unread: int, mentioned: int) -> None:
        """The server counts also what is still on its way: what of it counts, its coming tells."""
        conversation = transcript.conversation
        key = conversation.key
        if conversation.head > self._continuity.cursor(key):
            self._to_count[key] = _ToCount(
                conversation.head, conversation.marker, unread, mentioned
            )
        else:
            self._to_count.pop(key, None)
            transcript.unread_in_all(unread, mentioned)

    def _count_what_came(self) -> None:
        for key, waiting in list(self._to_count.items()):
            transcript = self._transcripts.at(key)
            if transcript.conversation.marker != waiting.marker:
                # Something was read since then, and nobody knows how much of it was counted.
                del self._to_count[key]
            elif self._continuity.cursor(key) >= waiting.head:
                del self._to_count[key]
                transcript.unread_in_all(waiting.unread, waiting.mentions)

    def _confirm(self, spoken: Spoken, log: str, sequence: int) -> None:
        if spoken.said.sequence:
            return  # Its entry, or one that says the same, has taken its place.
        transcript = self._transcripts.at(spoken.key)
        if sequence <= self._continuity.cursors.get(log, 0):
            # Its entry has come, and says something else than what was sent.
            transcript.drop_pending(spoken.said)
            spoken.said.delivery = Delivery.DONE
            return
        self._unconfirmed.place(spoken, log, sequence)
        transcript.deliver(spoken.said, Delivery.DONE)

    def _fail(self, spoken: Spoken, reason: str) -> None:
        transcript, said = self._transcripts.at(spoken.key), spoken.said
        if said.sequence:
            # Another device has said the same, which has taken its place.
            said = Said(0, spoken.at_ms, self.me, spoken.text, spoken.reply_to)
            transcript.add_pending(said)
        transcript.deliver(said, Delivery.FAILED, reason)


# --- Who is here, as far as this client has been told: soft, and never more -----------------------

OLD_NEWS_S: Final = 2.0
"""Whose last entry came so short a time ago is not believed to write: the news may be older."""
SPEAKERS_MAX: Final = 1_000
"""Past it all are forgotten, which at worst shows somebody as writing who has just sent it."""


class Presence:
    def __init__(self) -> None:
        self.online = 0
        """How many are here in all."""
        self.here: dict[str, str | None] = {}
        """Those who are known to be here: each with a word if they are away, else None."""
        self._spoke: dict[tuple[str, str], float] = {}
        """When somebody's last entry came, by log and name; of conversations all count as one."""

    def changed(self, news: PresenceChanged) -> None:
        self.online = news.online
        for name in news.went:
            self.here.pop(name, None)
        self.here.update(dict.fromkeys(news.came))
        self.here.update(news.away)

    def users_listed(self, users: UserList) -> None:
        self.online = users.total
        self.here = {user.name: user.away for user in users.users}

    def members_listed(self, members: MemberList) -> None:
        for member in members.members:
            if member.online:
                self.here[member.name] = member.away
            else:
                self.here.pop(member.name, None)

    def spoke(self, entry: Entry, now: float) -> None:
        if len(self._spoke) >= SPEAKERS_MAX:
            self._spoke.clear()
        self._spoke[_place(entry.log), entry.author] = now

    def typing_seen(
        self, conversation: Conversation, news: TypingSeen, me: str, now: float
    ) -> None:
        """Those who are not named any more are believed until their time is over.

        The news is collected, and may be of what has come meanwhile: then it is old.
        """
        place = _place(news.log)
        typing = {name: until for name, until in conversation.typing.items() if until > now}
        for name in news.users:
            if name != me and now - self._spoke.get((place, name), -OLD_NEWS_S) >= OLD_NEWS_S:
                typing[name] = now + limits.TYPING_S
        conversation.typing = typing


def _place(log: str) -> str:
    return log if log[0] == "#" else ""


# --- What the user has said here, from that moment until it stands in its log ---------------------
# Its entry and the answer to it come in either order. If the entry is first, what was said is known
# by its text, which another device may have said as well; then the answer tells which was meant,
# and nothing is lost: the other entry comes yet.

CLOCKS_APART_MS: Final = 10 * 60_000
"""An entry older than that, before something was said, is something else that was said alike."""


class Unconfirmed:
    def __init__(self) -> None:
        self._asked: dict[int, Spoken] = {}
        """By request: without an answer."""
        self._placed: dict[tuple[str, int], Spoken] = {}
        """By log and sequence: confirmed, and its entry has not come."""

    def say(self, request: int, key: str, said: Said) -> None:
        self._asked[request] = Spoken(key, said, said.text, said.reply_to, said.at_ms)

    def answered(self, request: int) -> Spoken | None:
        """None if the request has said nothing."""
        return self._asked.pop(request, None)

    def place(self, spoken: Spoken, log: str, sequence: int) -> None:
        """It is confirmed, and will stand there."""
        self._placed[log, sequence] = spoken

    def refuse_all(self) -> list[Spoken]:
        """Nothing will be answered any more."""
        asked, self._asked = list(self._asked.values()), {}
        return asked

    def key_at(self, log: str, sequence: int) -> str | None:
        """In which conversation it was said."""
        spoken = self._placed.get((log, sequence))
        return spoken.key if spoken else None

    def arrives(self, log: str, sequence: int) -> Spoken | None:
        """What was said to stand there."""
        return self._placed.pop((log, sequence), None) if self._placed else None

    def up_to(self, log: str, sequence: int) -> list[Spoken]:
        """Those whose entries will never come, since the log goes on after this sequence."""
        places = [place for place in self._placed if place[0] == log and place[1] <= sequence]
        return [self._placed.pop(place) for place in places]


def unsent_said(unsent: Unsent, me: str) -> Said:
    """What an earlier run has said."""
    said = Said(0, unsent.at_ms, me, safe_text(unsent.text), unsent.reply_to)
    said.delivery, said.kept = Delivery.UNKNOWN, unsent.number
    said.trouble = "it was not confirmed before the client ended"
    return said


def alike(unsettled: Iterable[Item], text: str, reply_to: int, at_ms: int) -> Said | None:
    """The first of them that an entry with this text may be, while no answer says which it is."""
    for said in unsettled:
        if (
            isinstance(said, Said)
            and said.delivery in (Delivery.PENDING, Delivery.UNKNOWN)
            and said.text == text
            and said.reply_to == reply_to
            and at_ms >= said.at_ms - CLOCKS_APART_MS
        ):
            return said
    return None


def stands_now(pending: Said, item: Item) -> None:
    """What was pending becomes what stands in the log, and stays the same object."""
    pending.sequence, pending.at_ms = item.sequence, item.at_ms
    pending.delivery, pending.trouble, pending.request = Delivery.DONE, "", 0
    if isinstance(item, Said):
        pending.text, pending.deleted_by = item.text, item.deleted_by
        pending.edit, pending.reactions = item.edit, item.reactions
