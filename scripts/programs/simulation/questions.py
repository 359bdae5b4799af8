"""The last questions: what clients are told when all is quiet, compared with what was committed."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from testbed.committed import Committed
from zchat.client.core.events import Answered, State
from zchat.protocol import limits, messages
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    LOBBY,
    Announce,
    Answer,
    ConversationList,
    Entry,
    ListConversations,
    ListMembers,
    ListPins,
    ListRooms,
    ListUsers,
    MemberList,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PinList,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    ReadHistory,
    RefusalCode,
    Refused,
    Request,
    RoomCreated,
    RoomInfo,
    RoomList,
    SearchMessages,
    SearchResults,
    UserList,
    inbox_log,
    room_log,
)

from .checkers import Broken
from .cluster import Cluster
from .history import History
from .people import ROOMS, Person

HISTORY_ENTRIES: int = 30
FORBIDDEN: str = "what nobody may announce"


@dataclass(frozen=True)
class Question:
    person: Person
    number: int
    draft: Request


def ask_all(cluster: Cluster) -> list[Question]:
    """Everyone who is in asks everything that can be asked."""
    others = sorted({person.user for person in cluster.people})
    wanted: list[Request] = [
        ListRooms(),
        ListUsers(),
        ListConversations(),
        *(ListPins(room=room) for room in (*ROOMS, LOBBY)),
        *(ListMembers(room=room) for room in (*ROOMS, LOBBY)),
        *(ReadHistory(log=room_log(room), limit=HISTORY_ENTRIES) for room in (*ROOMS, LOBBY)),
        *(ReadHistory(log=inbox_log(other), limit=HISTORY_ENTRIES) for other in others),
        SearchMessages(text="client", log=None, limit=limits.SEARCH_RESULTS_MAX),
        SearchMessages(text="client", log=inbox_log(cluster.chance.choice(others))),
        *(SearchMessages(text="client", log=room_log(room)) for room in (*ROOMS, LOBBY)),
    ]
    if cluster.beginning is not None:
        wanted += [SearchMessages(text="old"), SearchMessages(text="old of")]
    moderators = {
        name
        for (name,) in cluster.users.connection.execute(
            text("select name from users where standing in ('moderator', 'operator')")
        )
    }
    cluster.users.connection.rollback()
    _number_alike(cluster)
    return [
        Question(person, number, draft)
        for person in cluster.people
        if person.core is not None and person.core.state is State.ONLINE
        for draft in [*wanted, *_of_one(cluster, person, moderators)]
        if (number := person.ask(draft)) is not None
    ]


def _number_alike(cluster: Cluster) -> None:
    """So that only who asks tells everybody's questions apart."""
    outboxes = [person.core._outbox for person in cluster.people if person.core is not None]
    first = max((outbox._id for outbox in outboxes), default=0)
    for outbox in outboxes:
        outbox._id = first


def _of_one(cluster: Cluster, person: Person, moderators: Collection[str]) -> Iterator[Request]:
    """What this one asks besides: old pages, and what only moderators of the cluster may."""
    assert person.core is not None
    heads = [(log, head) for log, head in person.memory.heads.items() if head > 1]
    if heads:
        longest = max(heads, key=lambda each: each[1])
        log, head = cluster.chance.choice([longest, cluster.chance.choice(heads)])
        before = cluster.chance.choice([head, head + 1, cluster.chance.randint(2, head)])
        limit = cluster.chance.choice([HISTORY_ENTRIES, limits.HISTORY_ENTRIES_MAX])
        yield ReadHistory(log=log, limit=limit, before=before)
    if person.core.name not in moderators:
        yield Announce(text=FORBIDDEN)


def check_answers(cluster: Cluster, history: History, asked: list[Question]) -> None:
    truth = _Truth(cluster, history)
    answers: dict[tuple[str, int], Answer] = {}
    for person in cluster.people:
        if person.core is not None:
            for event in person.life_now.events:
                if isinstance(event, Answered):
                    answers[person.name, event.id] = event.answer
    for question in asked:
        answer = answers.get((question.person.name, question.number))
        name = question.person.core.name if question.person.core else ""
        wrong = truth.wrong(name, question.draft, answer)
        if wrong is not None:
            what = type(question.draft).__name__
            raise Broken(f"{question.person.name} asked {what} after the quiet and {wrong}")


class _Truth:
    """What answers must say, by the logs and by who is there."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self._history = history
        self._said_by: dict[str, dict[str, list[Committed]]] = {}
        self._online = {person.core.name for person in cluster.people if person.core is not None}

    def wrong(self, name: str, draft: Request, answer: Answer | None) -> str | None:
        """What is wrong with the answer; None if nothing is."""
        # All ask at the same moment: more than may wait, or longer than they may, one by one.
        few_at_once = limits.QUERIES_MAX < 100 or limits.QUERY_BATCH_MAX < 2
        few_at_once = few_at_once or limits.QUERIES_BEGUN_MAX < 2 or limits.QUERIES_TURN_US < 4_000
        few_at_once = few_at_once or limits.QUERY_TIMEOUT_S < 5
        match answer:
            case None:
                return "got no answer"
            case Refused(code=RefusalCode.BUSY | RefusalCode.UNAVAILABLE) if few_at_once:
                return None
            case Refused(code=code):
                refusals = self._refusals(name, draft)
                stated = code in refusals or self._is_forgotten(name, code)
                return None if stated else f"was refused: {code}"
            case _ if None not in (refusals := self._refusals(name, draft)):
                return f"was not told {' or '.join(map(str, refusals))}"
            case RoomList():
                return self._wrong_rooms(name, answer)
            case UserList():
                return self._wrong_users(answer)
            case MemberList():
                return self._wrong_members(answer)
            case messages.History():
                assert isinstance(draft, ReadHistory)
                return self._wrong_history(name, draft, answer)
            case SearchResults():
                assert isinstance(draft, SearchMessages)
                return self._wrong_search(name, draft, answer)
            case PinList():
                pins = partial(self._wrong_pins, answer)
                return self._after_any(room_log(answer.room), pins)
            case ConversationList():
                conversations = partial(self._wrong_conversations, name, answer)
                return self._after_any(inbox_log(name), conversations)
            case _:
                return f"got {type(answer).__name__}"

    def _refusals(self, name: str, draft: Request) -> set[RefusalCode | None]:
        """What may be told, None for an answer."""
        if isinstance(draft, Announce):
            return {RefusalCode.NOT_ALLOWED}
        log = draft.log if isinstance(draft, ReadHistory | SearchMessages) else None
        room = log[1:] if log and log[0] == "#" else getattr(draft, "room", None)
        if room is not None:
            return self._refusals_of_room(name, room)
        if log is not None and log[1:] not in self._history.users and not self._said(name, log):
            return {RefusalCode.UNKNOWN_USER}
        return {None}

    def _refusals_of_room(self, name: str, room: str) -> set[RefusalCode | None]:
        if room == LOBBY:
            return {None}
        if room not in self._history.open_rooms:
            return {RefusalCode.UNKNOWN_ROOM}
        story = self._history.story(room_log(room))
        if name in story.roles:
            return {None}
        if story.settings.private and name not in story.invited | story.moderators:
            return {RefusalCode.UNKNOWN_ROOM}
        # A ban may be over by now; an invitation of a guest ends with it.
        told: set[RefusalCode | None] = {RefusalCode.NOT_A_MEMBER}
        if name in story.bans:
            told = {RefusalCode.BANNED}
            if story.bans[name] is not None:
                told.add(RefusalCode.NOT_A_MEMBER)
        if story.settings.private:
            told.add(RefusalCode.UNKNOWN_ROOM)
        return told

    def _is_forgotten(self, name: str, code: RefusalCode) -> bool:
        """Whether all that was said with somebody who is gone may have been removed."""
        return code is RefusalCode.UNKNOWN_USER and inbox_log(name) in self._history.removed

    def _wrong_rooms(self, name: str, answer: RoomList) -> str | None:
        shown = {room: self._is_listed(name, room) for room in self._history.open_rooms}
        rooms = {room for room, listed in shown.items() if listed is not False} | {LOBBY}
        certain = {room for room, listed in shown.items() if listed} | {LOBBY}
        if not len(certain) <= answer.total <= len(rooms):
            return f"heard of {answer.total} rooms of {len(rooms)}"
        for info in answer.rooms:
            members = self._history.members(room_log(info.room))
            topic = self._topic(room_log(info.room))
            if info.room not in rooms or info.topic != topic:
                return f"heard that {info.room} has the topic {info.topic} instead of {topic}"
            if info.room != LOBBY and (info.members, info.joined) != (
                len(members),
                name in members,
            ):
                return f"heard that {info.room} has {info.members} members of {len(members)}"
            reading = partial(self._wrong_reading, name, info)
            if info.room != LOBBY and (wrong := self._after_any(room_log(info.room), reading)):
                return wrong
        return None

    def _is_listed(self, name: str, room: str) -> bool | None:
        """None for a room to which a guest of that name was invited, which may have been another,
        and for who was a moderator of the cluster, which may be over.
        """
        story = self._history.story(room_log(room))
        if not story.settings.private or name in story.roles:
            return True
        return None if name in story.invited | story.moderators else False

    def _wrong_users(self, answer: UserList) -> str | None:
        names = [info.name for info in answer.users]
        if answer.total != len(self._online) or not self._online.issuperset(names):
            return f"heard that {names} are here, and not {sorted(self._online)}"
        for info in answer.users:
            if info.guest is not self._history.users[info.name]:
                return f"heard that {info.name} is a guest: {info.guest}"
        return None

    def _wrong_members(self, answer: MemberList) -> str | None:
        lobby = answer.room == LOBBY
        members = self._online if lobby else self._history.members(room_log(answer.room))
        names = {info.name for info in answer.members}
        if answer.total != len(members) or not names <= members:
            return f"heard that {sorted(names)} are in {answer.room}, not {sorted(members)}"
        for info in answer.members:
            if info.online is not (info.name in self._online):
                return f"heard that {info.name} is online: {info.online}"
        return None

    def _wrong_history(self, name: str, draft: ReadHistory, answer: messages.History) -> str | None:
        private = answer.log[0] == "@"
        entries = self._said(name, answer.log) if private else self._of_room(answer.log)
        if draft.before is not None:
            entries = [committed for committed in entries if committed.sequence < draft.before]
        log = inbox_log(name) if private else answer.log
        return self._after_any(
            log, lambda floor: self._wrong_after(floor, entries, draft.limit, answer)
        )

    def _after_any(self, log: str, wrong_after: Callable[[int], str | None]) -> str | None:
        """Some may have been removed before the question came, and some after it."""
        floors = (0, *self._history.removed.get(log, ()))
        verdicts = [wrong_after(floor) for floor in floors]
        return None if None in verdicts else verdicts[-1]

    def _wrong_after(
        self, floor: int, entries: list[Committed], limit: int, answer: messages.History
    ) -> str | None:
        entries = [committed for committed in entries if committed.sequence > floor]
        expected = [
            self._history.stored[committed.log, committed.sequence]
            for committed in entries[-limit:]
        ]
        # The oldest of them may not have found room in one answer.
        fitting = expected[len(expected) - len(answer.entries) :]
        complete = len(answer.entries) == len(expected) or answer.more
        if answer.entries != fitting or not complete:
            return f"read another history of {answer.log} than was committed"
        if answer.more is not (len(entries) > len(answer.entries)):
            return f"heard that there is more in {answer.log}: {answer.more}"
        return None

    def _wrong_search(self, name: str, draft: SearchMessages, answer: SearchResults) -> str | None:
        """What was said where the asker may read it, and not before; and if not all of it is
        there, then the newest.
        """
        words = draft.text.casefold().split()
        there: dict[tuple[str, int], Entry] = {}
        for committed in self._found_in(name, draft.log):
            stored = self._history.stored[committed.log, committed.sequence]
            said = getattr(stored.body, "text", "").casefold()
            is_message = isinstance(stored.body, MessagePosted | PrivateMessageSent)
            if is_message and all(word in said for word in words):
                there[committed.log, committed.sequence] = stored
        found = {(entry.log, entry.sequence) for entry in answer.entries}
        for entry in answer.entries:
            if there.get((entry.log, entry.sequence)) != entry:
                return f"found {entry.log} {entry.sequence}, which is not to be found"
        times = [entry.at_ms for entry in answer.entries]
        if times != sorted(times, reverse=True) or len(found) != len(times):
            return f"found the same twice, or in another order: {times}"
        if not answer.complete or (answer.more and not times):
            return None
        for (log, sequence), entry in there.items():
            kept = sequence > max(self._history.removed.get(log, {0}))
            if (
                kept
                and (log, sequence) not in found
                and not (answer.more and entry.at_ms <= times[-1])
            ):
                return f"did not find {log} {sequence} for {draft.text!r}, and {len(found)} others"
        return None

    def _found_in(self, name: str, log: str | None) -> list[Committed]:
        """All that the user can read there."""
        if log is None:
            inbox, floor = self._history.logs.get(inbox_log(name), []), self._history.floors[name]
            rooms = [room_log(room) for room in (*self._history.rooms_of(name), LOBBY)]
            return [*inbox[floor:], *(one for room in rooms for one in self._of_room(room))]
        return self._said(name, log) if log[0] == "@" else self._of_room(log)

    def _topic(self, log: str) -> str:
        return "" if log == room_log(LOBBY) else self._history.story(log).topic

    def _of_room(self, log: str) -> list[Committed]:
        """Without what was said in earlier rooms of its name."""
        entries = self._history.logs.get(log, [])
        created = (n for n, c in enumerate(entries) if isinstance(c.entry.body, RoomCreated))
        return entries[max(created, default=0) :]

    def _said(self, name: str, log: str) -> list[Committed]:
        """The conversation of `name` with the one whose inbox is named `log`."""
        return self._conversations(name).get(log[1:], [])

    def _conversations(self, name: str) -> dict[str, list[Committed]]:
        """By the other one, what stands in the inbox of `name`."""
        if name not in self._said_by:
            self._said_by[name] = self._read_conversations(name)
        return self._said_by[name]

    def _read_conversations(self, name: str) -> dict[str, list[Committed]]:
        said: dict[str, list[Committed]] = {}
        others: dict[int, str] = {}
        for committed in self._history.logs.get(inbox_log(name), []):
            match committed.entry.body:
                case PrivateMessageSent(to=to):
                    other = others[committed.sequence] = (
                        to if committed.author == name else committed.author
                    )
                case (
                    MessageEdited(sequence=of)
                    | MessageDeleted(sequence=of)
                    | ReactionAdded(sequence=of)
                    | ReactionRemoved(sequence=of)
                ):
                    other = others[of]
                case _:
                    continue
            if committed.sequence > self._history.floors.get(name, 0):
                said.setdefault(other, []).append(committed)
        return said

    def _wrong_pins(self, answer: PinList, floor: int) -> str | None:
        log = room_log(answer.room)
        pins = self._history.story(log).pins if answer.room != LOBBY else self._lobby_pins()
        there = [self._history.stored[log, sequence] for sequence in pins if sequence > floor]
        expected = there[::-1][: len(answer.pins)]
        room_left = sum(map(len, map(encode, there))) < limits.ANSWER_BYTES_MAX // 2
        missing = len(answer.pins) < len(there) and (room_left or not answer.pins)
        if answer.pins != expected or missing:
            return f"heard of other pins of {answer.room} than there are"
        return None

    def _lobby_pins(self) -> list[int]:
        pins: list[int] = []
        for committed in self._history.logs.get(room_log(LOBBY), ()):
            match committed.entry.body:
                case MessagePinned(sequence=sequence):
                    pins.append(sequence)
                case MessageUnpinned(sequence=of) | MessageDeleted(sequence=of) if of in pins:
                    pins.remove(of)
                case _:
                    pass
        return pins

    def _wrong_conversations(self, name: str, answer: ConversationList, floor: int) -> str | None:
        there = {
            other: kept
            for other, said in self._conversations(name).items()
            if (kept := [committed for committed in said if committed.sequence > floor])
        }
        whole = self._history.reading[name, inbox_log(name)]
        heads = [info.head for info in answer.conversations]
        if heads != sorted(heads, reverse=True) or (there and not heads):
            return f"heard of conversations in another order: {heads}"
        newest = sorted((said[-1].sequence for said in there.values()), reverse=True)
        if heads != newest[: len(heads)]:
            return f"heard of conversations up to {heads}, and the newest are {newest}"
        for info in answer.conversations:
            said = there.get(info.name, [])
            row = self._history.reading.get((name, inbox_log(info.name)), whole)
            marker = max(whole.marker, row.marker)
            unread = [
                committed
                for committed in said
                if committed.sequence > marker
                and committed.author == info.name != name
                and isinstance(
                    self._history.stored[committed.log, committed.sequence].body,
                    PrivateMessageSent,
                )
            ]
            told = (info.head, info.marker, info.unread, info.notify)
            expected = (said[-1].sequence if said else 0, marker, len(unread), row.notify)
            if told != expected:
                return f"heard {told} of the conversation with {info.name}, which is {expected}"
        return None

    def _wrong_reading(self, name: str, info: RoomInfo, floor: int) -> str | None:
        """What is unread there, and mentions somebody."""
        log = room_log(info.room)
        row = self._history.reading.get((name, log))
        if row is None:
            return None
        read = max(row.floor, row.marker, floor)
        story = self._history.story(log)
        mentions = {one for one in story.mentions.get(name, ()) if one > read}
        # Who was a moderator of the cluster then may have meant everyone.
        perhaps = {
            sequence
            for sequence, author in story.authors.items()
            if sequence > read and author in story.moderators and author != name
        }
        told = (info.unread, info.notify, info.conversation)
        expected = (
            self._unread(log, name, read),
            row.notify,
            story.conversation,
        )
        if told != expected:
            return f"heard {told} of {info.room}, where {expected} is so"
        fewest = story.fewest_mentions(name, len(mentions))
        if not fewest <= info.mentions <= min(len(mentions | perhaps), limits.MEMBER_MENTIONS_MAX):
            return f"heard of {info.mentions} mentions in {info.room}, which are {len(mentions)}"
        return None

    def _unread(self, log: str, name: str, read: int) -> int:
        """What others have said, and all that is older than what is counted."""
        after = range(read + 1, len(self._history.logs[log]) + 1)
        counted = after[-limits.CONVERSATION_UNREAD_MAX :]
        stored = (self._history.stored[log, sequence] for sequence in counted)
        said = sum(isinstance(one.body, MessagePosted) and one.author != name for one in stored)
        return len(after) - len(counted) + said
