"""What a gateway lets in: from each account, from each address, and in which order."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.gateway.core.allowance import Allowance
from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.flow_control import Quota, Quotas
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    UNFINISHED,
    USER_SERVICE,
    MembersOf,
    SessionOpened,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Done,
    Hello,
    ListMembers,
    LogIn,
    LogOut,
    Ping,
    Pong,
    Post,
    RefusalCode,
    Refused,
    SayTyping,
    SearchMessages,
    SlowedDown,
    Standing,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.networks import network_of
from zchat.runtime.core.rate_limit import Bucket, Rate

from .playbook import ROOMS, Gateway

LOBBY = UserLog("#lobby", 0, 0, 0)
HOME = "203.0.113.5"
AWAY = "203.0.113.6"


class Limited(Gateway):
    def __init__(self, quota: Quota) -> None:
        super().__init__()
        self.core = GatewayCore(partitions=1, quota=quota)
        self.address = HOME
        self.standing, self.owned_since_ms = Standing.ACCOUNT, 0
        self.now = 2 * limits.NEWCOMER_S
        self.serve()

    def opened(self, name: str) -> SessionOpened:
        return SessionOpened(name, self.standing, self.now_ms, owned_since_ms=self.owned_since_ms)

    def connect(self) -> Session:
        arrival = self.core.quotas.arrived(self.address, self.now)
        return self.core.connect(self.now, self.now_ms, arrival)

    def come_in(self, name: str = "ann", address: str = HOME) -> Session:
        """Logged in, with all that its account may say."""
        self.address = address
        session = self.log_in(name, LOBBY)
        self.read(session)
        return session

    def posted(self) -> list[int]:
        return [command["id"] for command in self.sent(ROOMS)]


def post(number: int, text: str = "hello") -> Post:
    return Post(id=number, nonce=b"%016d" % number, room="lobby", text=text)


def slow(per_s: float = 2.0, burst: float = 5.0) -> Limited:
    return Limited(Quota(messages=Rate(burst, per_s)))


# --- Messages -------------------------------------------------------------------------------------


def test_as_many_as_may_be_said_at_once_are_let_in_and_the_others_wait() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 9)))
    assert gateway.posted() == [1, 2, 3, 4, 5]
    assert gateway.read(ann) == [SlowedDown(1500)]
    gateway.wait(0.5)
    assert gateway.posted() == [1, 2, 3, 4, 5, 6]
    gateway.wait(1.0)
    assert gateway.posted() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert ann.backlog is None


def test_that_somebody_types_counts_as_no_message() -> None:
    gateway = slow()
    ann = gateway.come_in()
    free = limits.TYPING_FREE_PLACES
    gateway.send(ann, *[SayTyping(id=number, log="#lobby") for number in range(free)])
    gateway.send(ann, *map(post, range(free, free + 5)))
    assert len(gateway.posted()) == free + 5
    assert gateway.read(ann) == []


def test_that_somebody_types_lets_in_no_more_messages_and_is_counted_for_each() -> None:
    gateway = slow()
    for name, address in (("ann", HOME), ("bob", AWAY)):
        session = gateway.come_in(name, address)
        gateway.send(session, *map(post, range(1, 5)))
        for number in range(limits.TYPING_FREE_PLACES):
            gateway.send(session, SayTyping(id=number, log="#lobby"))
        gateway.send(session, *map(post, range(5, 9)))
    assert [c["kind"] for c in gateway.sent(ROOMS)].count("post") == 2 * 5


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("most", range(1, 12))
def test_the_longest_beginning_that_may_pass_passes(count: int, most: int) -> None:
    session = Session(1, 0.0, 0)
    session.allowance = Allowance((Bucket(Rate(most, 1.0), 0.0),))
    assert Quotas().take(session, [b"x"] * count, 0.0) == min(count, most)


def test_who_says_too_often_that_somebody_types_is_slowed_down() -> None:
    gateway = slow()
    ann = gateway.come_in()
    for number in range(20):
        gateway.send(ann, SayTyping(id=number, log="#lobby"))
    assert len(gateway.posted()) == limits.TYPING_FREE_PLACES + 5


def test_who_is_slowed_down_is_not_read_from_and_is_told_once() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 9)))
    assert ann.backlog is not None
    for number in range(9, 30):
        gateway.wait(0.5)
        gateway.send(ann, post(number))
    told = [message for message in gateway.read(ann) if isinstance(message, SlowedDown)]
    assert len(told) == 1
    gateway.wait(60.0)
    gateway.send(ann, post(40))
    gateway.wait(60.0)
    gateway.send(ann, *map(post, range(41, 50)))
    assert any(isinstance(message, SlowedDown) for message in gateway.read(ann))


def test_answers_do_not_let_in_what_comes_too_early() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 9)))
    gateway.reply(ROOMS, "post", *(Done(number, "#lobby", number) for number in range(1, 6)))
    assert gateway.posted() == []
    gateway.wait(0.5)
    assert gateway.posted() == [6]


def test_what_waits_for_something_else_counts_only_once() -> None:
    many = limits.SESSION_REQUESTS_MAX
    gateway = slow(0.01, many + 6)
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, many + 7)))
    assert gateway.posted() == list(range(1, many + 1))
    gateway.reply(ROOMS, "post", *(Done(number, "#lobby", number) for number in range(1, 8)))
    assert gateway.posted() == list(range(8, many + 7))
    assert not ann.slowed


def test_what_was_paid_for_is_not_paid_again_and_what_comes_behind_it_is() -> None:
    many = limits.SESSION_REQUESTS_MAX
    gateway = slow(0.01, many + 9)
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, many + 7)))
    gateway.send(ann, *map(post, range(many + 7, many + 13)))
    gateway.reply(ROOMS, "post", *(Done(number, "#lobby", number) for number in range(1, 31)))
    assert gateway.posted() == list(range(31, many + 10))
    assert ann.slowed

    gateway = slow(0.01, many + 9)
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, many + 7)))
    gateway.reply(ROOMS, "post", *(Done(number, "#lobby", number) for number in range(1, 31)))
    gateway.send(ann, *map(post, range(many + 7, many + 10)))
    assert gateway.posted() == list(range(31, many + 10))
    assert not ann.slowed


def test_what_comes_while_something_waits_comes_behind_it() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 9)))
    gateway.send(ann, post(9))
    for _ in range(8):
        gateway.wait(0.5)
    assert gateway.posted() == list(range(1, 10))
    assert gateway.core.quotas.slowed == {}


def test_a_long_text_is_one_message() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *(post(number, "😀" * limits.TEXT_CHARS_MAX) for number in range(1, 6)))
    assert gateway.posted() == [1, 2, 3, 4, 5]


def test_bytes_count_too() -> None:
    gateway = Limited(Quota(bytes=Rate(200_000, 1_000)))
    ann = gateway.come_in()
    gateway.send(ann, *(post(number, "x" * 16_000) for number in range(1, 20)))
    assert gateway.posted() == list(range(1, 13))
    gateway.wait(16.0)
    assert gateway.posted() == list(range(1, 14))


def test_bytes_are_counted_by_account_and_an_address_has_more_of_them() -> None:
    gateway = Limited(Quota(bytes=Rate(20_000, 1_000)))
    for number, address in enumerate((HOME, HOME, AWAY)):
        session = gateway.come_in(f"user-{number}", address)
        gateway.send(session, post(number, "x" * 16_000))
    assert gateway.posted() == [0, 1, 2]


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1"])
def test_behind_a_proxy_only_accounts_are_limited(address: str) -> None:
    gateway = slow()
    for number in range(4 * limits.ADDRESS_SHARES):
        session = gateway.come_in(f"user-{number}", address)
        gateway.send(session, *map(post, range(1, 9)))
    assert len(gateway.posted()) == 5 * 4 * limits.ADDRESS_SHARES


def test_who_is_gone_is_slowed_down_no_more() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 9)))
    assert list(gateway.core.quotas.slowed) == [ann]
    gateway.core.disconnected(ann)
    assert gateway.core.quotas.slowed == {}


def test_an_account_has_one_allowance_for_all_of_its_connections() -> None:
    gateway = slow()
    first, second = gateway.come_in("ann"), gateway.come_in("ann", AWAY)
    gateway.send(first, *map(post, range(1, 5)))
    gateway.send(second, *map(post, range(5, 9)))
    assert gateway.posted() == [1, 2, 3, 4, 5]


def test_an_address_has_a_larger_one_for_all_of_its_accounts() -> None:
    gateway = slow()
    people = [gateway.come_in(f"user-{number}") for number in range(20)]
    for person in people:
        gateway.send(person, *map(post, range(1, 6)))
    hello_and_log_in = 2
    assert len(gateway.posted()) == 5 * limits.ADDRESS_SHARES - 20 * hello_and_log_in
    other = gateway.come_in("bob", AWAY)
    gateway.send(other, post(1))
    assert other.backlog is None


# --- Guests and newcomers -------------------------------------------------------------------------


def let_in(gateway: Limited, sessions: list[Session], count: int = 100) -> int:
    """How much of what all of them say at once goes on to the services."""
    before = len(gateway.posted())
    for session in sessions:
        gateway.send(session, *map(post, range(1, count + 1)))
    return len(gateway.posted()) - before


@pytest.mark.parametrize(
    ("addresses", "shares"),
    [
        ([HOME] * 5, 1),
        ([HOME, HOME, AWAY, AWAY, AWAY], 2),
        # Of IPv6 whoever has one address has its /64.
        ([f"2001:db8::{n}" for n in range(1, 6)], 1),
        ([f"2001:db8:0:{n}::1" for n in range(1, 6)], 5),
        # Behind a proxy on this machine everyone may be.
        (["127.0.0.1"] * 5, 10),
    ],
)
def test_the_guests_of_an_address_may_say_less_together_than_one_account(
    addresses: list[str], shares: int
) -> None:
    gateway = slow(burst=40)
    gateway.standing = Standing.GUEST
    guests = [gateway.come_in(f"g{n}", address) for n, address in enumerate(addresses)]
    assert let_in(gateway, guests) == shares * 40 * limits.GUESTS_SHARES
    gateway.standing = Standing.ACCOUNT
    assert let_in(gateway, [gateway.come_in("ann", addresses[0])]) == 40, "accounts notice nothing"


def test_whoever_makes_accounts_may_say_no_more_from_one_address_than_guests() -> None:
    gateway = slow(burst=40)
    gateway.standing, gateway.owned_since_ms = Standing.ACCOUNT, gateway.now_ms
    new = [gateway.come_in(f"a{n}") for n in range(5)]
    gateway.standing = Standing.GUEST
    both = [*new, *(gateway.come_in(f"g{n}") for n in range(5))]
    assert let_in(gateway, both) == 40 * limits.GUESTS_SHARES


def test_the_guests_of_an_address_may_ask_for_less_together_than_one_account() -> None:
    gateway = Working()
    guests = [gateway.come_in_as(Standing.GUEST, f"g{n}") for n in range(4)]
    for guest in guests:
        gateway.send(guest, *[DEAR] * 60)
    # One more than there is to pay with, since nobody knows beforehand what it costs.
    assert gateway.answer_all() == 4 * limits.GUESTS_WORK_SHARES + 1


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.ACCOUNT])
def test_who_has_its_name_only_for_minutes_may_say_less(standing: Standing) -> None:
    gateway = slow(burst=40)
    gateway.standing = standing
    gateway.owned_since_ms = gateway.now_ms - 1
    new = gateway.come_in("new", "127.0.0.1")
    assert let_in(gateway, [new]) == 40 * limits.NEWCOMER_SHARES
    gateway.owned_since_ms = gateway.now_ms - int(limits.NEWCOMER_S * 1000)
    assert let_in(gateway, [gateway.come_in("old", "127.0.0.1")]) == 40


@pytest.mark.parametrize("standing", [Standing.MODERATOR, Standing.OPERATOR])
def test_whoever_keeps_order_is_never_new(standing: Standing) -> None:
    gateway = slow(burst=40)
    gateway.standing, gateway.owned_since_ms = standing, gateway.now_ms
    assert let_in(gateway, [gateway.come_in()]) == 40


def test_a_newcomer_becomes_like_others_while_it_is_here() -> None:
    gateway = slow(per_s=0.001, burst=40)
    gateway.owned_since_ms = gateway.now_ms
    ann = gateway.come_in()
    assert let_in(gateway, [ann]) == 40 * limits.NEWCOMER_SHARES
    gateway.wait(limits.NEWCOMER_S - 1)
    assert len(gateway.posted()) == 40 * limits.NEWCOMER_SHARES
    gateway.wait(1)
    assert len(gateway.posted()) == 40


def test_one_frame_passes_however_small_the_share_is() -> None:
    frame_bytes = limits.FRAME_BYTES_MAX
    gateway = Limited(Quota(Rate(1, 1), Rate(frame_bytes, frame_bytes)))
    gateway.standing, gateway.owned_since_ms = Standing.GUEST, gateway.now_ms
    gateway.send(gateway.come_in(), post(1, "x" * limits.TEXT_CHARS_MAX))
    assert gateway.posted() == [1]


def test_an_operator_reads_once_a_minute_of_an_address_that_is_held_back() -> None:
    gateway = slow(burst=40)
    gateway.standing = Standing.GUEST
    guests = [gateway.come_in(f"g{n}") for n in range(5)]
    let_in(gateway, guests)
    gateway.standing = Standing.ACCOUNT
    ann = gateway.come_in("ann")
    gateway.standing, gateway.owned_since_ms = Standing.ACCOUNT, gateway.now_ms
    let_in(gateway, [gateway.come_in("new", AWAY)])
    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"clients of {HOME} are held back: more than all guests and new accounts of an address may",
        f"clients of {AWAY} are held back: more than somebody new may",
    ]
    assert gateway.core.quotas.held_back == {"guests": 5, "newcomer": 1}
    for _ in range(50):
        gateway.wait(1)
    assert gateway.core.quotas.take_notes(gateway.now) == []
    assert gateway.core.quotas.held_back == {"guests": 5, "newcomer": 1}, "each once"
    for _ in range(10):
        gateway.wait(1)
    let_in(gateway, [ann])
    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"clients of {HOME} are held back: more than an account may"
    ]


def test_a_goodbye_waits_its_turn() -> None:
    gateway = slow()
    ann = gateway.come_in()
    gateway.send(ann, *map(post, range(1, 8)), LogOut(id=9))
    gateway.wait(0.5)
    gateway.wait(1.0)
    gateway.reply(ROOMS, "post", *(Done(number, "#lobby", number) for number in range(1, 8)))
    gateway.wait(0.5)
    assert [command["kind"] for command in gateway.sent("users")][-1] == "close_session"


def test_a_flood_ends_its_connection_and_keeps_its_address_out() -> None:
    gateway = slow()
    ann = gateway.come_in()
    other = gateway.come_in("bob", AWAY)
    gateway.send(ann, *(Ping(id=number) for number in range(1, 1001)))
    *_, refused = gateway.read(ann)
    assert isinstance(refused, Refused)
    assert (refused.id, refused.code) == (None, RefusalCode.TOO_FAST)
    assert refused.retry_after_ms == limits.SHUT_OUT_S_MAX * 1000
    assert "try again in 300 s" in refused.reason
    assert ann.state is SessionState.CLOSING
    assert other.open
    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"flood of {HOME}: its connection is ended"
    ]
    gateway.core.disconnected(ann)
    gateway.address = HOME
    assert gateway.connect().state is SessionState.CLOSING
    gateway.address = AWAY
    assert gateway.connect().open
    gateway.wait(limits.SHUT_OUT_S_MAX - 0.5)
    gateway.address = HOME
    assert gateway.connect().state is SessionState.CLOSING
    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"connections of {HOME} refused after a flood (2 times)"
    ]
    gateway.wait(0.5)
    assert gateway.connect().open
    assert gateway.core.quotas._shut_out == {}, "nothing stays of it"


def test_a_flood_of_a_client_without_an_address_shuts_out_nobody() -> None:
    gateway = slow()
    ann = gateway.come_in("ann", "")
    gateway.send(ann, *(Ping(id=number) for number in range(1, 1001)))
    assert ann.state is SessionState.CLOSING
    assert gateway.core.quotas._shut_out == {}


def test_shorter_floods_of_others_let_nobody_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUOTA_NAMES_MAX", 1)
    gateway = slow()
    for address, frames in ((HOME, 1_000), (AWAY, limits.FLOOD_FRAMES + 50)):
        session = gateway.come_in(address, address)
        gateway.send(session, *(Ping(id=number) for number in range(1, frames)))
        assert session.state is SessionState.CLOSING
    assert list(gateway.core.quotas._shut_out) == [HOME]
    gateway.address = HOME
    assert gateway.connect().state is SessionState.CLOSING


def test_what_a_client_of_ours_may_have_on_its_way_is_no_flood() -> None:
    gateway = slow(0.1, 1.0)
    ann = gateway.come_in()
    gateway.send(ann, *(Ping(id=number) for number in range(1, 4 * limits.SESSION_REQUESTS_MAX)))
    assert ann.open


@given(
    per_s=st.sampled_from([0.5, 2.0, 50.0]),
    burst=st.integers(1, 40),
    turns=st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob"]),
            st.integers(0, 60),
            st.sampled_from([0.0, 0.01, 0.5, 3.0]),
            st.booleans(),
        ),
        max_size=30,
    ),
)
def test_nobody_gets_more_through_than_may_be_said_and_nothing_is_lost_or_overtaken(
    per_s: float, burst: int, turns: list[tuple[str, int, float, bool]]
) -> None:
    gateway = Limited(Quota(messages=Rate(burst, per_s)))
    people = {name: gateway.come_in(name) for name in ("ann", "bob")}
    begun_at = gateway.now
    sent: dict[str, list[int]] = defaultdict(list)
    serial = 0
    for name, count, wait_s, answering in turns:
        session = people[name]
        if not session.open:
            continue
        # Who is not read from sends no more.
        if session.backlog is None:
            numbers = list(range(serial + 1, serial + count + 1))
            serial += count
            sent[name] += numbers
            gateway.send(session, *map(post, numbers))
        gateway.wait(wait_s)
        if answering:
            # As if all had been answered.
            session.unanswered = 0
            gateway.core.intake.release(session)
            gateway.wait(0.0)
        passed = passed_of(gateway)
        for who, person in people.items():
            mine = passed.get(person.number, [])
            assert mine == sent[who][: len(mine)]
            assert len(mine) <= burst + per_s * (gateway.now - begun_at) + 1e-6
    for _ in range(10_000):
        if not any(person.backlog for person in people.values()):
            break
        for person in people.values():
            person.unanswered = 0
            gateway.core.intake.release(person)
        gateway.wait(10.0)
    passed = passed_of(gateway)
    for who, person in people.items():
        assert not person.open or passed.get(person.number, []) == sent[who]


def passed_of(gateway: Limited) -> dict[int, list[int]]:
    """What has come to the service, by session, in order."""
    ids = [command["id"] for command in gateway.sent(ROOMS)]
    passed: dict[int, list[int]] = defaultdict(list)
    for (_, stamped), number in zip(gateway.commands[ROOMS], ids, strict=True):
        passed[stamped.session].append(number)
    return passed


@pytest.mark.parametrize(
    ("frames", "taken"),
    [
        ([b"x"] * 4, [1, 1, 1, 1]),  # Too many for the second.
        ([b"x"] * 9, [1, 1, 1, 1]),  # And for the first.
        ([b"x" * 20] * 2, [1, 1, 1, 1]),  # Too long for the fourth.
        ([b"x" * 60] * 2, [1, 1, 1, 1]),  # And for the third.
        ([b"x" * 10] * 2, [3, 3, 21, 21]),
    ],
)
def test_what_is_not_let_in_takes_nothing_from_anybody(
    frames: list[bytes], taken: list[int]
) -> None:
    buckets = [Bucket(Rate(burst, 1.0), 0.0) for burst in (6, 4, 100, 30)]
    allowance = Allowance(tuple(buckets[:2]), tuple(buckets[2:]))
    for bucket in buckets:
        bucket.take(1, 0.0)
    assert allowance.try_take(frames, 0.0) is (taken[0] > 1)
    # One comes back each second.
    assert [bucket.full_at for bucket in buckets] == taken


# --- Work -----------------------------------------------------------------------------------------

DEAR = ListMembers(id=7, room="lobby")
"""A query, and what the table says that it costs."""
DEAR_US = costs.COSTS[ListMembers]
MEMBERS = MembersOf("lobby", [], {})


class Working(Limited):
    """An account may ask for four dear things at once, and then for one each second."""

    def __init__(self) -> None:
        super().__init__(Quota(work=Rate(4 * DEAR_US, DEAR_US)))

    def come_in_as(self, standing: Standing, name: str = "ann", address: str = HOME) -> Session:
        self.address = address
        session = self.connect()
        self.send(session, Hello(PROTOCOL_VERSION, "test"), LogIn(id=1, name=name, token=b"t" * 32))
        self.reply(USER_SERVICE, "open_session", SessionOpened(name, standing, self.now_ms))
        self.answer(ROOMS, UserLogs(0, [LOBBY]))
        self.read(session)
        return session

    def answer_all(self) -> int:
        """Answers what is asked, and goes on until nothing is; returns how much that was."""
        count = 0
        while asked := self.asked(ROOMS):
            count += len(asked)
            self.answer_asked(ROOMS, *[MEMBERS] * len(asked))
        return count


def test_who_asks_for_much_waits_until_it_is_paid_for_and_keeps_the_order() -> None:
    gateway = Working()
    ann = gateway.come_in_as(Standing.ACCOUNT)
    gateway.send(ann, *[DEAR] * 6, post(8))
    assert [type(told) for told in gateway.read(ann)] == [SlowedDown]
    # One more than there was, which is owed: nobody knows before what something costs.
    assert gateway.answer_all() == 5
    assert gateway.posted() == []

    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"ann ({HOME}) asks for too much, and waits"
    ]
    gateway.wait(1.0)
    assert (gateway.answer_all(), gateway.posted()) == (1, [])
    gateway.wait(1.0)
    assert gateway.posted() == [8]


def test_who_owes_more_keeps_nobody_waiting_who_owes_less() -> None:
    gateway = Working()
    ann = gateway.come_in_as(Standing.ACCOUNT)
    bob = gateway.come_in_as(Standing.ACCOUNT, "bob", AWAY)
    ann.allowance.charge(9 * DEAR_US, gateway.now)  # type: ignore[union-attr]
    for session, number in ((ann, 8), (bob, 9)):
        gateway.send(session, *[DEAR] * 6, post(number))
    gateway.wait(1.0)
    gateway.wait(1.0)
    gateway.answer_all()
    assert gateway.posted() == [9]


def test_a_step_more_costs_more() -> None:
    gateway = Working()
    ann = gateway.come_in_as(Standing.ACCOUNT)
    gateway.send(ann, SearchMessages(id=7, text="bean", log="#lobby"))
    steps = 0
    while gateway.asked(ROOMS):
        gateway.core.receive_answers(ROOMS, encode([UNFINISHED]), gateway.now, gateway.now_ms)
        steps += 1
    assert steps == 4 * DEAR_US // limits.QUERY_STEP_US

    gateway.wait(limits.QUERY_STEP_US / DEAR_US)
    assert len(gateway.asked(ROOMS)) == 1


# An address pays for two accounts, its guests together for a quarter of one, and each for the
# log-in, which costs as much as one of these.
@pytest.mark.parametrize(
    ("standing", "count"),
    [(Standing.GUEST, 2), (Standing.ACCOUNT, 5), (Standing.MODERATOR, 7), (Standing.OPERATOR, 7)],
)
def test_how_much_depends_on_the_standing(standing: Standing, count: int) -> None:
    gateway = Working()
    ann = gateway.come_in_as(standing)
    gateway.send(ann, *[DEAR] * 60)
    assert gateway.answer_all() == count


def test_an_account_pays_for_all_of_its_sessions() -> None:
    gateway = Working()
    ann, again = (gateway.come_in_as(Standing.ACCOUNT) for _ in range(2))
    gateway.send(ann, *[DEAR] * 5)
    gateway.send(again, post(8))
    assert gateway.posted() == []


def test_an_address_pays_for_all_of_its_accounts_and_others_do_not() -> None:
    gateway = Working()
    users = [gateway.come_in_as(Standing.ACCOUNT, f"user{number}") for number in range(5)]
    for user in users[:4]:
        gateway.send(user, *[DEAR] * 4)
    gateway.answer_all()
    gateway.send(users[4], post(8))
    assert gateway.posted() == []

    gateway.send(gateway.come_in_as(Standing.ACCOUNT, "bob", AWAY), post(9))
    assert gateway.posted() == [9]


@pytest.mark.parametrize("room", ["lobby", "Lobby", "ＬＯＢＢＹ"])
def test_what_many_read_costs_more_however_the_room_is_spelled(room: str) -> None:
    gateway = slow()
    for number in range(30):
        gateway.come_in(f"user{number}", f"203.0.113.{number}")
    said = Post(id=1, nonce=b"%016d" % 1, room=room, text="hello")

    assert gateway.core.fan_out.followers_told(said) == 30


def test_a_debt_ends_no_session() -> None:
    gateway = Working()
    ann = gateway.come_in_as(Standing.ACCOUNT)
    gateway.send(ann, *[DEAR] * 60, Ping(id=9))
    for _ in range(2 * 60):
        gateway.wait(0.5)
        gateway.answer_all()
    assert ann.open
    assert Pong(9) in gateway.read(ann)


# --- Connections ----------------------------------------------------------------------------------


def refusal(gateway: Limited, session: Session) -> Refused:
    (refused,) = gateway.read(session)
    assert isinstance(refused, Refused)
    return refused


def test_an_address_may_have_so_many_connections() -> None:
    gateway = Limited(Quota(connections_per_address=2))
    first, _ = gateway.connect(), gateway.connect()
    third = gateway.connect()
    assert refusal(gateway, third).code is RefusalCode.LIMIT_REACHED
    gateway.core.disconnected(third)
    gateway.core.disconnected(first)
    assert gateway.connect().open
    gateway.address = AWAY
    assert gateway.connect().open


def test_an_address_may_connect_so_often() -> None:
    gateway = Limited(Quota(connections=Rate(2, 0.1)))
    assert [gateway.connect().open for _ in range(3)] == [True, True, False]
    refused = refusal(gateway, gateway.connect())
    assert refused.code is RefusalCode.TOO_FAST
    assert (refused.reason[-17:], refused.retry_after_ms) == ("try again in 10 s", 10_000)
    assert gateway.core.quotas.take_notes(gateway.now) == [
        f"connections of {HOME} refused: too fast (2 times)"
    ]
    gateway.address = AWAY
    assert gateway.connect().open
    gateway.address = HOME
    gateway.wait(10.0)
    assert gateway.connect().open


def test_clients_without_an_address_are_in_nobodys_way() -> None:
    gateway = Limited(Quota(connections_per_address=1))
    gateway.address = ""
    assert [gateway.connect().open for _ in range(3)] == [True] * 3
    assert gateway.core.quotas._connected == {}


def test_a_session_keeps_the_address_that_it_has_beside_what_it_is_counted_as() -> None:
    gateway = slow()
    gateway.address = "2001:db8:1:2:3:4:5:6"
    session = gateway.connect()
    assert (session.address, session.network) == (gateway.address, "2001:db8:1:2::/64")


def test_a_connection_counts_from_its_handshake_on_and_once() -> None:
    gateway = Limited(Quota(connections_per_address=2))
    quotas = gateway.core.quotas
    shaking = quotas.knocked(HOME, gateway.now)
    assert shaking is not None
    assert gateway.connect().open
    assert refusal(gateway, gateway.connect()).code is RefusalCode.LIMIT_REACHED
    session = gateway.core.connect(gateway.now, gateway.now_ms, shaking)
    assert session.open
    assert quotas._connected == {HOME: 3}
    gateway.core.disconnected(session)
    assert quotas._connected == {HOME: 2}


def test_a_handshake_that_failed_is_in_nobodys_way() -> None:
    gateway = Limited(Quota(connections_per_address=1))
    shaking = gateway.core.quotas.knocked(HOME, gateway.now)
    assert shaking is not None
    gateway.core.quotas.departed(shaking)
    assert gateway.connect().open


def test_few_that_are_refused_get_a_handshake_to_be_told_why() -> None:
    gateway = Limited(Quota(connections_per_address=1))
    quotas = gateway.core.quotas
    gateway.connect()
    told = [quotas.knocked(HOME, gateway.now) for _ in range(limits.REFUSALS_TOLD_BURST)]
    assert all(arrival is not None and arrival.refused is not None for arrival in told)
    assert quotas.knocked(HOME, gateway.now) is None
    assert [quotas.knocked(AWAY, gateway.now) is not None for _ in range(2)] == [True, True]
    assert quotas._connected[HOME] == 1 + limits.REFUSALS_TOLD_BURST
    gateway.wait(1 / limits.REFUSALS_TOLD_PER_S)
    assert quotas.knocked(HOME, gateway.now) is not None


def test_after_a_flood_nobody_of_its_address_gets_a_handshake() -> None:
    gateway = slow()
    gateway.send(gateway.come_in(), *(Ping(id=number) for number in range(1, 1001)))
    quotas = gateway.core.quotas
    assert quotas.knocked(HOME, gateway.now) is None
    assert quotas.knocked(AWAY, gateway.now) is not None
    gateway.wait(limits.SHUT_OUT_S_MAX)
    assert quotas.knocked(HOME, gateway.now) is not None


def test_nothing_stays_of_those_that_are_gone() -> None:
    gateway = Limited(
        Quota(Rate(5, 1), Rate(1e6, 1e6), connections=Rate(1e6, 1e6), connections_per_address=1)
    )
    for number in range(100):
        gateway.address = f"203.0.113.{number}"
        gateway.core.disconnected(gateway.connect())
    assert gateway.core.quotas._connected == {}


def test_notes_are_few() -> None:
    gateway = Limited(Quota(connections_per_address=1))
    for number in range(100):
        gateway.address = f"203.0.113.{number}"
        for _ in range(3):
            gateway.connect()
    notes = gateway.core.quotas.take_notes(gateway.now)
    assert len(notes) == limits.QUOTA_NOTES_MAX
    assert notes[0] == "connections of 203.0.113.0 refused: too many at once (2 times)"
    gateway.connect()
    assert gateway.core.quotas.take_notes(gateway.now) == []
    assert gateway.core.quotas.take_notes(gateway.now + limits.QUOTA_NOTES_INTERVAL_S) != []


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address", "no address"),
    ],
)
def test_an_address_of_ipv6_counts_as_its_network(address: str, counted: str) -> None:
    assert network_of(address) == counted


def test_the_user_service_hears_where_a_client_is() -> None:
    gateway = slow()
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    *_, opening = gateway.sent("users")
    assert opening["address"] == HOME


# --- Limits that are changed while clients are here -----------------------------------------------


def test_a_rate_that_is_changed_counts_for_who_is_here_and_who_comes() -> None:
    gateway = Limited(Quota(messages=Rate(2, 1)))
    here = gateway.come_in()
    gateway.core.quotas.change(Quota(messages=Rate(5, 1)), gateway.core.sessions.values(), 1000.0)
    for session in (here, gateway.come_in("bob", AWAY)):
        assert gateway.core.quotas.take(session, [b"x"] * 9, gateway.now) == 5


def test_a_rate_that_is_turned_off_and_on_again_counts_for_who_is_here() -> None:
    gateway = Limited(Quota())
    session = gateway.come_in()
    quotas, sessions = gateway.core.quotas, gateway.core.sessions
    quotas.change(Quota(bytes=Rate(10, 1)), sessions.values(), gateway.now)
    assert quotas.take(session, [b"12345"] * 9, gateway.now) == 2
    quotas.change(Quota(), sessions.values(), gateway.now)
    assert quotas.take(session, [b"12345"] * 9, gateway.now) == 9


def test_who_came_while_nothing_was_limited_is_new_all_the_same() -> None:
    gateway = Limited(Quota())
    gateway.owned_since_ms = gateway.now_ms
    session, quotas = gateway.come_in(), gateway.core.quotas
    quotas.change(Quota(messages=Rate(40, 1)), gateway.core.sessions.values(), gateway.now)
    assert quotas.take(session, [b"x"] * 40, gateway.now) == 40 * limits.NEWCOMER_SHARES


def test_a_change_of_something_else_forgets_nothing() -> None:
    quota = Quota(messages=Rate(2, 1))
    gateway = Limited(quota)
    session = gateway.come_in()
    gateway.core.quotas.take(session, [b"x"] * 2, gateway.now)
    gateway.core.quotas.change(quota, gateway.core.sessions.values(), gateway.now)
    assert gateway.core.quotas.take(session, [b"x"], gateway.now) == 0


def test_connections_are_counted_anew_by_the_new_number() -> None:
    gateway = Limited(Quota(connections_per_address=9))
    for name in ("ann", "bob"):
        gateway.come_in(name)
    gateway.core.quotas.change(
        Quota(connections_per_address=2), gateway.core.sessions.values(), gateway.now
    )
    refused = gateway.core.quotas.arrived(HOME, gateway.now).refused
    assert refused is not None
    assert refused.code is RefusalCode.LIMIT_REACHED
