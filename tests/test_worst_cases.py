"""Every query with the worst data that there may be: no step does more than a little, or hides it.

Nothing is timed. What a step reads of the store is counted, and compared with what it says that it
has cost; the length of an answer is compared with what a client takes. How a search keeps to its
bounds is in `log/test_search_steps.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final, get_args

import pytest
from rooms.playbook import Rooms
from users.playbook import Users

from zchat.eventlog import audit, edits
from zchat.eventlog.core.changes import Edit
from zchat.eventlog.store import Appended, Store
from zchat.gateway.core.merge import members
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    AuditRecord,
    Entry,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    MessagePosted,
    OfMessageCommand,
    Ping,
    PingTarget,
    PinMessage,
    PrivateMessageSent,
    Query,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    Role,
    SearchMessages,
    Standing,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.rooms import queries as room_queries
from zchat.rooms.core.model import Ban, Member, Room
from zchat.users import queries as user_queries
from zchat.users.core.model import SaveBan, User

LONGEST: Final = "\U00020000" * limits.TEXT_CHARS_MAX
"""Four bytes for each character."""
STEP_ROWS_MAX: Final = limits.PAGE_ENTRIES_MAX + 1
STEP_BYTES_MAX: Final = 2 * limits.PAGE_BYTES_MAX
COST_US_MAX: Final = 1_000_000
ANSWER_BYTES_MAX: Final = limits.ANSWER_BYTES_MAX + limits.FRAME_BYTES_MAX
ONLINE: Final = 20_000


class Reading:
    """What the store has read since the last step."""

    def __init__(self) -> None:
        self.rows = self.bytes = 0

    def note(self, rows: Any) -> Any:
        self.rows += len(rows)
        self.bytes += sum(len(each) for row in rows for each in row if isinstance(each, bytes))
        return rows

    def take(self) -> tuple[int, int]:
        taken = self.rows, self.bytes
        self.rows = self.bytes = 0
        return taken


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    read = Reading()
    until_full, select = Store._until_full, Store.select
    monkeypatch.setattr(Store, "_until_full", lambda *a, **kw: read.note(until_full(*a, **kw)))
    monkeypatch.setattr(Store, "select", lambda *a: read.note(select(*a)))
    return read


def answered(steps: Steps[bytes], reading: Reading) -> bytes:
    """The answer, if each step keeps to its bounds and says what it has cost."""
    reading.take()
    all_rows = all_bytes = cost_us = 0
    while True:
        answer: bytes | None = None
        try:
            cost_us += next(steps)
        except StopIteration as end:
            answer = end.value
        rows, size_bytes = reading.take()
        assert rows <= STEP_ROWS_MAX
        assert size_bytes <= STEP_BYTES_MAX
        all_rows, all_bytes = all_rows + rows, all_bytes + size_bytes
        assert cost_us <= COST_US_MAX
        if answer is not None:
            # Who only glances at frames counts a quarter of their bytes.
            assert cost_us >= costs.of_rows(all_rows, all_bytes // 4)
            return answer


def say(log: str, texts: Iterator[tuple[str, str]], store: Store, thread: bool) -> None:
    """Has (author, text) in a log; with a `thread` they are private messages."""
    appended: list[Appended] = []
    for number, (author, text) in enumerate(texts, store.heads([log])[log] + 1):
        body = PrivateMessageSent(log[1:], text) if thread else MessagePosted(text)
        frame = encode(Entry(log, number, number, author, body))
        position = store.position + 1 + len(appended)
        one = Appended(position, log, number, author, None, author if thread else None, frame)
        appended.append(one)
    store.commit(appended, [], [], [])


def audited(store: Store) -> None:
    reason = "\U00020000" * limits.REASON_CHARS_MAX
    records = [AuditRecord(n, "ann", "kick_member", "bob", "garden", reason) for n in range(3_000)]
    store.commit([], audit.statements(records), [], [])


# --- Rooms ----------------------------------------------------------------------------------------


def _many_rooms(rooms: Rooms) -> ListRooms:
    """In one of them all is unread."""
    texts = (("bob", LONGEST) for _ in range(limits.CONVERSATION_UNREAD_MAX))
    say("#garden", texts, rooms.store, thread=False)
    rooms.core = rooms.loaded()
    topic = "t" * limits.TOPIC_CHARS_MAX
    for number in range(limits.ROOMS_MAX - 2):
        rooms.core.state.add_room(Room(f"room-{number:05}", topic, 1, private=number % 3 == 0))
    return ListRooms(id=1)


def _many_members(rooms: Rooms) -> ListMembers:
    room = rooms.core.rooms["garden"]
    for number in range(limits.ROOM_MEMBERS_MAX - 1):
        name = f"{number:05}".rjust(limits.NAME_CHARS_MAX, "m")
        rooms.core.state.add_member(room, name, Member(Role.MEMBER, floor=0))
    return ListMembers(id=1, room="garden")


def _many_bans(rooms: Rooms) -> ListBans:
    ban = Ban("\U00020000" * limits.REASON_CHARS_MAX, "ann", None)
    room = rooms.core.rooms["garden"]
    room.bans |= {f"user{number}": ban for number in range(limits.ROOM_BANS_MAX)}
    return ListBans(id=1, room="garden")


def _longest_messages(rooms: Rooms) -> None:
    texts = (("ann", LONGEST) for _ in range(limits.HISTORY_ENTRIES_MAX + 1))
    say("#garden", texts, rooms.store, thread=False)
    rooms.core = rooms.loaded()


def _longest_pins(rooms: Rooms) -> ListPins:
    _longest_messages(rooms)
    pins = dict.fromkeys(range(2, 2 + limits.ROOM_PINS_MAX), 0)
    rooms.core.rooms["garden"].pins |= pins
    return ListPins(id=1, room="garden")


def _longest_history(rooms: Rooms) -> ReadHistory:
    _longest_messages(rooms)
    return ReadHistory(id=1, log="#garden", limit=limits.HISTORY_ENTRIES_MAX)


def _longest_edits(rooms: Rooms) -> ReadEdits:
    said = [Edit("#garden", 1, n, LONGEST) for n in range(limits.HISTORY_ENTRIES_MAX)]
    rooms.store.commit([], edits.statements(said), [], [])
    return ReadEdits(id=1, log="#garden", sequence=1)


def _search(rooms: Rooms) -> SearchMessages:
    _longest_messages(rooms)
    return SearchMessages(id=1, text=LONGEST[0])


def _old_audit(rooms: Rooms) -> ReadAudit:
    audited(rooms.store)
    return ReadAudit(id=1, limit=limits.AUDIT_RECORDS_MAX, before_ms=0)


OF_ROOMS: Final[dict[type, Callable[[Rooms], Any]]] = {
    ListRooms: _many_rooms,
    ListMembers: _many_members,
    ListBans: _many_bans,
    ListPins: _longest_pins,
    ReadHistory: _longest_history,
    ReadEdits: _longest_edits,
    SearchMessages: _search,
    ReadAudit: _old_audit,
    Ping: lambda _: Ping(id=1, target=PingTarget.ROOM_SERVICE),
}


@pytest.mark.parametrize("prepare", OF_ROOMS.values(), ids=[each.__name__ for each in OF_ROOMS])
def test_no_query_about_rooms_does_much_at_a_time(
    prepare: Callable[[Rooms], Any], reading: Reading
) -> None:
    with closing(Rooms(keeps_edits=True)) as rooms:
        rooms.create("ann", "garden")
        query = prepare(rooms)
        asker = room_queries.Asker("ann", Standing.MODERATOR)
        answer = answered(
            room_queries.answer(rooms.core, rooms.store, asker, query, rooms.at_ms), reading
        )
    if isinstance(query, ListMembers):
        # The gateway makes the answer of what it is told.
        assert len(answer) < 4 * limits.ANSWER_BYTES_MAX * limits.NAME_CHARS_MAX
        answer = members(query, answer, {"ann"}, {})
    assert len(answer) <= ANSWER_BYTES_MAX


# --- Users ----------------------------------------------------------------------------------------


def _many_online(users: Users) -> ListUsers:
    for number in range(ONLINE):
        name = f"{number:05}".rjust(limits.NAME_CHARS_MAX, "u")
        users.core.directory.add(User(name, 1, inbox_floor=0))
        users.core.presence.online.add(name)
    return ListUsers(id=1)


def _many_conversations(users: Users) -> ListConversations:
    texts = ((f"friend{n % 1_500}", LONGEST if n % 20 == 0 else "psst") for n in range(6_000))
    say("@ann", texts, users.store, thread=True)
    return ListConversations(id=1)


def _longest_private(users: Users) -> ReadHistory:
    texts = (("bob", LONGEST) for _ in range(limits.HISTORY_ENTRIES_MAX + 1))
    say("@ann", texts, users.store, thread=True)
    return ReadHistory(id=1, log="@bob", limit=limits.HISTORY_ENTRIES_MAX)


def _longest_edits_of_private(users: Users) -> ReadEdits:
    users.core.messages.keeps_edits = True
    said = [Edit("@ann", 1, n, LONGEST) for n in range(limits.HISTORY_ENTRIES_MAX)]
    say("@ann", iter([("bob", "psst")]), users.store, thread=True)
    users.store.commit([], edits.statements(said), [], [])
    return ReadEdits(id=1, log="@ann", sequence=1)


def _search_inbox(users: Users) -> SearchMessages:
    _longest_private(users)
    return SearchMessages(id=1, text=LONGEST[0])


def _many_blocked(users: Users) -> ListBlocked:
    names = (f"{n:05}".rjust(limits.NAME_CHARS_MAX, "b") for n in range(limits.USER_BLOCKED_MAX))
    users.core.users["ann"].blocked |= set(names)
    return ListBlocked(id=1)


def _old_audit_of_users(users: Users) -> ReadAudit:
    audited(users.store)
    return ReadAudit(id=1, limit=limits.AUDIT_RECORDS_MAX, before_ms=0)


def _many_kept_out(users: Users) -> ListUserBans:
    for n in range(limits.BANS_MAX):
        ban = SaveBan(f"b{n}".ljust(limits.NAME_CHARS_MAX, "b"), False, "w" * 300, "ann", 1, None)
        users.core.directory.bans.restore(ban)
    return ListUserBans(id=1)


OF_USERS: Final[dict[type, Callable[[Users], Any]]] = {
    ListUsers: _many_online,
    ListConversations: _many_conversations,
    ReadHistory: _longest_private,
    ReadEdits: _longest_edits_of_private,
    SearchMessages: _search_inbox,
    ListBlocked: _many_blocked,
    ListUserBans: _many_kept_out,
    ListDevices: lambda _: ListDevices(id=1),
    ReadAudit: _old_audit_of_users,
    Ping: lambda _: Ping(id=1, target=PingTarget.USER_SERVICE),
}


@pytest.mark.parametrize("prepare", OF_USERS.values(), ids=[each.__name__ for each in OF_USERS])
def test_no_query_about_users_does_much_at_a_time(
    prepare: Callable[[Users], Any], reading: Reading
) -> None:
    with closing(Users()) as users:
        for name in ("ann", "bob"):
            users.account(name)
        users.promote("ann", Standing.MODERATOR)
        users.core.users["ann"].inbox_floor = 0
        query = prepare(users)
        steps = user_queries.answer(users.core, users.store, "ann", query, users.at_ms)
        assert len(answered(steps, reading)) <= ANSWER_BYTES_MAX


def test_no_query_is_left_out() -> None:
    assert OF_ROOMS.keys() | OF_USERS.keys() == set(get_args(Query))


# --- Commands -------------------------------------------------------------------------------------


def test_whatever_a_command_is_about_its_price_covers_it() -> None:
    # For an edit of a private message: itself, its twin, and the former edits of both.
    reads_us = costs.of_rows(4, 4 * 4 * limits.TEXT_CHARS_MAX)
    for kind in get_args(Query):
        assert costs.COSTS[kind] <= limits.BEAT_USER_US
    for kind in (*get_args(OfMessageCommand), PinMessage):
        assert costs.COSTS[kind] + 30 * costs.ROW_US >= reads_us
