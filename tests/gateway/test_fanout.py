"""Which session sees which entry next: every member each one, once, in sequence."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zchat.gateway.core.fanout import FanOut, Fetch
from zchat.gateway.core.flow_control import Output
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.internal import LogPage
from zchat.protocol.rules.membership import EVERYONE

from .model_log import ModelLog, written_to

GARDEN = "#garden"


class Gateway:
    """A fan-out with one log, whose fetches are answered when the test says so."""

    def __init__(self, entries: int = 5) -> None:
        self.output = Output()
        self.fan_out = FanOut(self.output)
        self.log = ModelLog(GARDEN, entries)
        self.log.streamed = entries
        self._number = 0

    def session(self, user: str = "ann") -> Session:
        """A session whose user is known, and that follows nothing."""
        self._number += 1
        session = Session(self._number, 0.0, 0)
        session.name = user
        self.fan_out.enter(session)
        return session

    def member(self, cursor: int, user: str = "ann") -> Session:
        """A session that has all up to the cursor, and follows."""
        session = self.session(user)
        self.fan_out.follow(session, GARDEN, cursor, self.log.streamed)
        return session

    def say(self, count: int = 1) -> None:
        """So many entries are written and published."""
        self.log.write(count)
        self.publish()

    def publish(self) -> None:
        self.fan_out.publish(self.log.next_chunk())

    def answer(self, entries_max: int = 1000) -> list[Fetch]:
        """Answers what is asked now, but not what that leads to."""
        fetches = self.fan_out.take_fetches()
        for fetch in fetches:
            self.fan_out.page(fetch, self.log.page(fetch[1], entries_max))
        return fetches

    def answer_all(self) -> None:
        while self.answer():
            pass


def seen_by(session: Session) -> list[int]:
    """What was written to the session since the last look."""
    return [sequence for _, sequence in written_to(session)]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


# --- Live -----------------------------------------------------------------------------------------


def test_who_has_everything_is_live_at_once(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    assert gateway.fan_out.take_fetches() == []

    gateway.say()
    gateway.say(2)
    assert seen_by(ann) == [6, 7, 8]
    assert gateway.fan_out.take_fetches() == []


def test_all_live_members_are_given_the_same_bytes(gateway: Gateway) -> None:
    ann, bob = gateway.member(5), gateway.member(5, "bob")
    gateway.say(3)

    assert ann.out[0] is bob.out[0]
    assert len(ann.out) == 1, "what changes no membership is written as it comes"
    assert list(gateway.output.dirty) == [ann, bob]


def test_what_was_delivered_is_not_delivered_again(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    gateway.fan_out.publish(gateway.log.chunk(3, 4))
    gateway.fan_out.publish(gateway.log.chunk(4, 5))
    gateway.say()

    assert seen_by(ann) == [6]
    assert gateway.fan_out.take_fetches() == []


def test_of_a_log_that_nobody_follows_nobody_is_live(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)

    assert list(gateway.fan_out.live(GARDEN)) == [ann]
    assert list(gateway.fan_out.live("#attic")) == []


def test_who_follows_nothing_sees_nothing(gateway: Gateway) -> None:
    ann = gateway.session()
    gateway.say()

    assert seen_by(ann) == []
    assert not gateway.output.dirty


def test_a_session_that_has_left_the_gateway_is_forgotten(gateway: Gateway) -> None:
    ann, bob = gateway.member(5), gateway.member(0, "bob")
    gateway.say()
    gateway.fan_out.leave(ann)
    gateway.fan_out.leave(bob)
    gateway.say()
    gateway.answer()

    assert seen_by(ann) == [6]
    assert seen_by(bob) == []
    assert list(gateway.fan_out.everyone()) == []
    assert gateway.fan_out.users == set()
    assert not gateway.fan_out._logs
    assert not gateway.fan_out._fetches
    assert not ann.follows
    assert not bob.follows


# --- Lagging --------------------------------------------------------------------------------------


def test_who_comes_back_is_fed_from_the_log_page_by_page(gateway: Gateway) -> None:
    ann = gateway.member(cursor=1)

    assert gateway.answer(entries_max=2) == [(GARDEN, 1)]
    assert seen_by(ann) == [2, 3]
    assert gateway.answer(entries_max=2) == [(GARDEN, 3)]
    assert seen_by(ann) == [4, 5]
    gateway.say()
    assert seen_by(ann) == [6]
    assert gateway.answer() == []


def test_what_is_published_meanwhile_comes_after_what_was_missed(gateway: Gateway) -> None:
    ann = gateway.member(cursor=3)
    gateway.say()
    assert seen_by(ann) == []

    gateway.answer_all()
    assert seen_by(ann) == [4, 5, 6]


def test_those_who_stopped_at_the_same_place_share_a_page(gateway: Gateway) -> None:
    ann, bob = gateway.member(2), gateway.member(2, "bob")

    assert gateway.answer() == [(GARDEN, 2)]
    assert seen_by(ann) == seen_by(bob) == [3, 4, 5]


def test_of_a_page_that_is_newer_than_the_stream_the_rest_waits_for_it(gateway: Gateway) -> None:
    """The stream may say that the session's user has left before that."""
    ann = gateway.member(cursor=0)
    gateway.log.write(2)
    gateway.answer()
    assert seen_by(ann) == [1, 2, 3, 4, 5]

    gateway.publish()
    assert seen_by(ann) == [6, 7]
    assert gateway.fan_out.take_fetches() == []


def test_a_page_that_no_one_waits_for_any_more_says_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=0)
    fetches = gateway.fan_out.take_fetches()
    gateway.fan_out.leave(ann)

    gateway.fan_out.page(fetches[0], gateway.log.page(0))
    assert seen_by(ann) == []
    assert ann.fetching == 0


def test_an_answer_that_comes_twice_says_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=0)
    (fetch,) = gateway.fan_out.take_fetches()
    for _ in range(2):
        gateway.fan_out.page(fetch, gateway.log.page(0))
    gateway.fan_out.fetch_failed(fetch)

    assert seen_by(ann) == [1, 2, 3, 4, 5]
    assert ann.fetching == 0


def test_a_page_without_entries_is_nothing_to_write(gateway: Gateway) -> None:
    ann = gateway.member(cursor=3)
    (fetch,) = gateway.fan_out.take_fetches()
    gateway.fan_out.page(fetch, gateway.log.page(3, 0))

    assert not ann.out
    assert not gateway.output.dirty
    gateway.answer_all()
    assert seen_by(ann) == [4, 5]


def test_a_page_that_was_not_to_be_had_is_asked_for_again(gateway: Gateway) -> None:
    ann = gateway.member(cursor=3)
    (fetch,) = gateway.fan_out.take_fetches()
    gateway.fan_out.fetch_failed(fetch)
    assert ann.fetching == 0
    assert gateway.fan_out.take_fetches() == []

    gateway.fan_out.retry_all()
    gateway.answer_all()
    assert seen_by(ann) == [4, 5]


def test_only_so_many_pages_are_on_their_way_to_one_session() -> None:
    fan_out, session = FanOut(Output()), Session(1, 0.0, 0)
    logs = {f"#{n}": ModelLog(f"#{n}", 5) for n in range(limits.SESSION_FETCHES_MAX + 3)}
    for name in logs:
        fan_out.follow(session, name, 0, 5)

    rounds: list[list[Fetch]] = []
    while fetches := fan_out.take_fetches():
        assert len(fetches) <= limits.SESSION_FETCHES_MAX
        rounds.append(fetches)
        for fetch in fetches:
            fan_out.page(fetch, logs[fetch[0]].page(fetch[1]))
    assert len(rounds[0]) == limits.SESSION_FETCHES_MAX
    assert sorted(written_to(session)) == [(name, n) for name in sorted(logs) for n in range(1, 6)]


def test_what_was_cut_differently_than_delivered_is_read_again(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    gateway.log.write(3)
    gateway.fan_out.publish(gateway.log.chunk(6, 7))
    gateway.fan_out.publish(gateway.log.chunk(7, 8))
    gateway.answer_all()

    assert seen_by(ann) == [6, 7, 8]


# --- Reading too slowly ---------------------------------------------------------------------------


def test_a_slow_reader_is_written_nothing_until_it_reads_again(gateway: Gateway) -> None:
    ann, bob = gateway.member(5), gateway.member(5, "bob")
    ann.blocked = True
    gateway.say(2)
    gateway.say()
    assert seen_by(ann) == []
    assert seen_by(bob) == [6, 7, 8]
    assert gateway.answer() == []

    gateway.fan_out.unblocked(ann)
    assert gateway.answer() == [(GARDEN, 5)]
    assert seen_by(ann) == [6, 7, 8]
    gateway.say()
    assert seen_by(ann) == [9]


def test_a_page_for_a_reader_that_is_slow_by_now_is_read_again_later(gateway: Gateway) -> None:
    ann = gateway.member(cursor=0)
    fetches = gateway.fan_out.take_fetches()
    ann.blocked = True
    gateway.fan_out.page(fetches[0], gateway.log.page(0))
    assert seen_by(ann) == []

    gateway.fan_out.unblocked(ann)
    gateway.answer_all()
    assert seen_by(ann) == [1, 2, 3, 4, 5]


def test_who_was_slow_while_nothing_happened_has_missed_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    ann.blocked = True
    gateway.fan_out.unblocked(ann)
    gateway.say()

    assert seen_by(ann) == [6]
    assert gateway.answer() == []


# --- Joining and leaving --------------------------------------------------------------------------


def test_who_joins_in_the_middle_of_a_chunk_sees_from_there_on(gateway: Gateway) -> None:
    bob = gateway.member(5, "bob")
    ann, ann_too = gateway.session(), gateway.session()
    gateway.log.write()
    gateway.log.joined("ann")
    gateway.log.write()
    gateway.publish()

    assert seen_by(ann) == seen_by(ann_too) == [7, 8]
    assert seen_by(bob) == [6, 7, 8]
    assert gateway.answer() == []


def test_the_first_local_member_of_a_room_needs_no_page(gateway: Gateway) -> None:
    ann = gateway.session()
    gateway.log.joined("ann")
    gateway.publish()
    gateway.say()

    assert seen_by(ann) == [6, 7]
    assert gateway.answer() == []


def test_who_leaves_sees_that_last(gateway: Gateway) -> None:
    ann, bob = gateway.member(5), gateway.member(5, "bob")
    gateway.log.write()
    gateway.log.left("ann")
    gateway.log.write()
    gateway.publish()
    gateway.say()

    assert seen_by(ann) == [6, 7]
    assert seen_by(bob) == [6, 7, 8, 9]
    assert not ann.follows


def test_of_two_sessions_of_who_leaves_one_may_not_follow(gateway: Gateway) -> None:
    ann, elsewhere = gateway.member(5), gateway.session()
    gateway.log.left("ann")
    gateway.publish()

    assert seen_by(ann) == [6]
    assert seen_by(elsewhere) == []


def test_who_leaves_while_lagging_still_sees_all_up_to_that(gateway: Gateway) -> None:
    ann = gateway.member(cursor=2)
    gateway.log.left("ann")
    gateway.publish()
    gateway.say()
    gateway.answer(entries_max=2)
    assert seen_by(ann) == [3, 4]

    gateway.answer_all()
    gateway.say()
    assert seen_by(ann) == [5, 6]
    assert not ann.follows


def test_a_slow_reader_that_leaves_still_sees_all_up_to_that(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    ann.blocked = True
    gateway.say()
    gateway.log.left("ann")
    gateway.publish()
    gateway.say()
    gateway.fan_out.unblocked(ann)
    gateway.answer_all()

    assert seen_by(ann) == [6, 7]
    assert not ann.follows


def test_who_joins_again_goes_on_there(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    gateway.log.left("ann")
    gateway.publish()
    gateway.say()
    gateway.log.joined("ann")
    gateway.publish()
    gateway.say()

    assert seen_by(ann) == [6, 8, 9]


def test_who_joins_again_while_lagging_misses_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=2)
    gateway.log.left("ann")
    gateway.log.joined("ann")
    gateway.publish()
    gateway.say()
    gateway.answer_all()

    assert seen_by(ann) == [3, 4, 5, 6, 7, 8]


def test_who_joins_again_while_lagging_sees_nothing_of_the_time_between(gateway: Gateway) -> None:
    ann = gateway.member(cursor=2)
    for _ in range(2):
        gateway.log.left("ann")
        gateway.log.write(2)
        gateway.log.joined("ann")
        gateway.publish()
    gateway.answer_all()
    gateway.say()

    assert seen_by(ann) == [3, 4, 5, 6, 9, 10, 13, 14]
    assert not gateway.fan_out._absences


def test_of_a_visit_that_is_not_followed_any_more_nothing_is_left(gateway: Gateway) -> None:
    ann, _ = gateway.member(cursor=2), gateway.member(5, "bob")
    gateway.log.left("ann")
    gateway.log.write()
    gateway.log.joined("ann")
    gateway.publish()
    gateway.fan_out.unfollow(ann, GARDEN)
    gateway.fan_out.follow(ann, GARDEN, 6, 8)
    gateway.answer_all()

    assert seen_by(ann) == [7, 8]


def test_of_too_many_visits_some_are_left_out(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SESSION_ABSENCES_MAX", 1)
    ann = gateway.member(cursor=4)
    for _ in range(3):
        gateway.log.left("ann")
        gateway.log.write()
        gateway.log.joined("ann")
        gateway.publish()
    gateway.answer_all()

    assert seen_by(ann) == [5, 6, 14]


def test_when_the_room_is_closed_everyone_sees_that_last(gateway: Gateway) -> None:
    ann, bob, late = gateway.member(5), gateway.member(5, "bob"), gateway.member(2, "carl")
    gateway.log.closed()
    gateway.publish()
    gateway.say()
    gateway.answer_all()

    assert seen_by(ann) == seen_by(bob) == [6]
    assert seen_by(late) == [3, 4, 5, 6]
    assert ann.follows == bob.follows == late.follows == []


def test_who_has_left_sees_nothing_more_though_it_lags_and_is_banned_after_that(
    gateway: Gateway,
) -> None:
    ann = gateway.member(cursor=2)
    gateway.log.left("ann")
    gateway.log.write()
    gateway.log.left("ann")
    gateway.publish()
    gateway.log.closed()
    gateway.publish()
    gateway.answer_all()

    assert seen_by(ann) == [3, 4, 5, 6]
    assert not ann.follows


def test_nobody_notices_that_another_is_put_out(gateway: Gateway) -> None:
    ann, bob = gateway.member(5), gateway.member(5, "bob")
    gateway.log.left("bob")
    gateway.publish()
    gateway.say()

    assert seen_by(ann) == [6, 7]
    assert seen_by(bob) == [6]


def test_to_follow_twice_changes_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=5)
    gateway.fan_out.follow(ann, GARDEN, 0, 5)
    gateway.say()

    assert seen_by(ann) == [6]


def test_to_follow_twice_while_lagging_changes_nothing(gateway: Gateway) -> None:
    ann = gateway.member(cursor=1)
    gateway.fan_out.follow(ann, GARDEN, 3, 5)
    gateway.answer_all()

    assert seen_by(ann) == [2, 3, 4, 5]


# --- Whatever happens -----------------------------------------------------------------------------

USERS = ["ann", "bob"]


class Reader:
    """A session, and what it must see: each log's entries after its cursor, as a member."""

    def __init__(self, number: int, user: str) -> None:
        self.session = Session(number, 0.0, 0)
        self.session.name = user
        self.must: dict[str, list[tuple[int, int | None]]] = {}
        """By log the spans that it follows: after which sequence, and up to which."""
        self.seen: dict[str, list[int]] = {}

    def begin(self, log: str, after: int) -> None:
        spans = self.must.setdefault(log, [])
        if not spans or spans[-1][1] is not None:
            spans.append((after, None))

    def end(self, log: str, last: int) -> None:
        spans = self.must.get(log, [])
        if spans and spans[-1][1] is None:
            spans[-1] = (spans[-1][0], last)

    def read(self) -> None:
        for log, sequence in written_to(self.session):
            self.seen.setdefault(log, []).append(sequence)

    def expected(self, log: ModelLog) -> set[int]:
        return {
            sequence
            for after, last in self.must.get(log.name, [])
            for sequence in range(after + 1, (log.head if last is None else last) + 1)
        }


class AnyReaders(RuleBasedStateMachine):
    """Sessions come, go, join, leave and read slowly, while pages come late and cut anyhow.

    Everyone follows the lobby; the club has members. As a follower hands it on, the stream of a
    log is in order and whole, but may be behind the log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.output = Output()
        self.fan_out = FanOut(self.output)
        self.lobby, self.club = ModelLog("#lobby"), ModelLog("#club")
        self.logs = {log.name: log for log in (self.lobby, self.club)}
        self.readers: list[Reader] = []
        self.asked: list[Fetch] = []
        self.answers: list[tuple[Fetch, LogPage]] = []
        self.members: set[str] = set()
        """Of the club, as its log has it."""
        self.streamed_members: set[str] = set()
        """Of the club, as the stream has told it so far."""
        self._number = 0

    def _a_log(self, data: st.DataObject) -> ModelLog:
        return self.lobby if data.draw(st.booleans()) else self.club

    def _a_reader(self, data: st.DataObject) -> Reader:
        return self.readers[data.draw(st.integers(0, len(self.readers) - 1))]

    # --- What services do ---------------------------------------------------------------------

    @rule(data=st.data(), count=st.integers(1, 3))
    def write(self, data: st.DataObject, count: int) -> None:
        self._a_log(data).write(count)

    @rule(user=st.sampled_from(USERS))
    def join_or_leave(self, user: str) -> None:
        if user in self.members:
            self.club.left(user)
        else:
            self.club.joined(user)
        self.members ^= {user}

    @rule(user=st.sampled_from(USERS))
    def ban(self, user: str) -> None:
        """Also of somebody who is no member."""
        self.club.left(user)
        self.members.discard(user)

    @rule()
    def close(self) -> None:
        self.club.closed()
        self.members.clear()

    @rule(data=st.data(), entries_max=st.integers(1, 4))
    def publish(self, data: st.DataObject, entries_max: int) -> None:
        log = self._a_log(data)
        if log.streamed < log.head:
            self._publish(log, entries_max)

    def _publish(self, log: ModelLog, entries_max: int | None = None) -> None:
        chunk = log.next_chunk(entries_max)
        for user, sequence, joined, _ in chunk.changes:
            if joined:
                self.streamed_members.add(user)
            else:
                self.streamed_members -= {user} if user != EVERYONE else set(USERS)
            for reader in self.readers:
                if reader.session.name == user and joined:
                    reader.begin(log.name, sequence - 1)
                elif user in (reader.session.name, EVERYONE):
                    reader.end(log.name, sequence)
        self.fan_out.publish(chunk)

    @rule(data=st.data())
    def read_a_page(self, data: st.DataObject) -> None:
        self.asked += self.fan_out.take_fetches()
        if self.asked:
            fetch = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
            page = self.logs[fetch[0]].page(fetch[1], data.draw(st.integers(1, 5)))
            self.answers.append((fetch, page))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def a_page_comes(self, data: st.DataObject) -> None:
        fetch, page = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        self.fan_out.page(fetch, page)

    @rule()
    def pages_fail(self) -> None:
        self.asked += self.fan_out.take_fetches()
        for fetch in self.asked:
            self.fan_out.fetch_failed(fetch)
        self.asked = []

    @rule()
    def retry(self) -> None:
        self.fan_out.retry_all()

    # --- What clients do ----------------------------------------------------------------------

    @precondition(lambda self: len(self.readers) < 4)
    @rule(user=st.sampled_from(USERS), data=st.data())
    def come(self, user: str, data: st.DataObject) -> None:
        self._number += 1
        reader = Reader(self._number, user)
        self.readers.append(reader)
        self.fan_out.enter(reader.session)
        self._follow(reader, self.lobby, data.draw(st.integers(0, self.lobby.streamed)))
        if user in self.streamed_members:
            self._follow(reader, self.club, data.draw(st.integers(0, self.club.streamed)))

    def _follow(self, reader: Reader, log: ModelLog, cursor: int) -> None:
        reader.begin(log.name, cursor)
        self.fan_out.follow(reader.session, log.name, cursor, log.streamed)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        reader = self._a_reader(data)
        self.readers.remove(reader)
        self.fan_out.leave(reader.session)

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read_slowly(self, data: st.DataObject) -> None:
        self._a_reader(data).session.blocked = True

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read_again(self, data: st.DataObject) -> None:
        self.fan_out.unblocked(self._a_reader(data).session)

    # --- What holds ---------------------------------------------------------------------------

    @invariant()
    def each_sees_what_is_next_and_once(self) -> None:
        for reader in self.readers:
            reader.read()
            for name, seen in reader.seen.items():
                assert seen == sorted(set(seen)), "twice, or out of order"
                must = reader.expected(self.logs[name])
                newest = seen[-1]
                assert {s for s in must if s <= newest} <= set(seen), "something was skipped"
                assert set(seen) <= must, "more than it may see"

    @invariant()
    def few_pages_are_on_their_way_to_each(self) -> None:
        for reader in self.readers:
            waiting = [f for f, s in self.fan_out._fetches.items() if reader.session in s]
            assert len(waiting) == reader.session.fetching <= limits.SESSION_FETCHES_MAX

    def teardown(self) -> None:
        """All is quiet: what is written is published, pages come, and everyone reads."""
        for fetch, page in self.answers:
            self.fan_out.page(fetch, page)
        for reader in self.readers:
            self.fan_out.unblocked(reader.session)
        for log in self.logs.values():
            if log.streamed < log.head:
                self._publish(log)
        self.fan_out.retry_all()
        fetches = self.asked + self.fan_out.take_fetches()
        for _ in range(100):
            for fetch in fetches:
                self.fan_out.page(fetch, self.logs[fetch[0]].page(fetch[1]))
            fetches = self.fan_out.take_fetches()
        assert fetches == [], "it never has enough"
        for reader in self.readers:
            reader.read()
            for name, log in self.logs.items():
                assert reader.expected(log) <= set(reader.seen.get(name, []))
            self.fan_out.leave(reader.session)
        assert not self.fan_out._logs
        assert not self.fan_out._ends
        assert not self.fan_out._absences
        assert not self.fan_out._fetches


TestAnyReaders = AnyReaders.TestCase
TestAnyReaders.settings = settings(max_examples=150, stateful_step_count=50)


def test_who_lags_behind_what_was_removed_must_log_in_again() -> None:
    gateway = Gateway(5)
    behind, abreast = gateway.member(1), gateway.member(3, "bob")
    behind_too = gateway.member(1, "carl")
    fetches = gateway.fan_out.take_fetches()
    assert fetches == [(GARDEN, 1), (GARDEN, 3)]
    for fetch in fetches:
        page = gateway.log.page(3)
        assert page.first == 4
        gateway.fan_out.page(fetch, page)

    assert gateway.fan_out.take_overtaken() == [behind, behind_too]
    assert gateway.fan_out.take_overtaken() == []
    assert written_to(behind) == []
    assert written_to(abreast) == [(GARDEN, 4), (GARDEN, 5)]
