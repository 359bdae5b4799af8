"""Soft state: who hears that somebody types, has read elsewhere, or is away, and how often."""

import pytest

from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.internal import (
    USER_SERVICE,
    MarkerMoved,
    MembersOf,
    PresenceDelta,
    PresenceSnapshot,
    SessionOpened,
    SoftNews,
    Typing,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Hello,
    ListMembers,
    LoggedIn,
    LogIn,
    LogStateChanged,
    Message,
    Notify,
    PresenceChanged,
    Role,
    SayTyping,
    Scope,
    SetAway,
    Standing,
    TypingSeen,
)

from .playbook import EPOCH, ROOMS, Gateway

GARDEN = UserLog("#garden", 0, 3, 3)
INTERVAL_S = limits.TYPING_TOLD_INTERVAL_S


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def come_in(gateway: Gateway, name: str, *logs: UserLog) -> Session:
    session = gateway.log_in(name, *logs)
    gateway.read(session)
    return session


def types(gateway: Gateway, log: str, *users: str) -> None:
    gateway.core.ephemeral.receive(SoftNews([Typing(log, user) for user in users]))


def hear(gateway: Gateway, session: Session, wait_s: float = INTERVAL_S) -> list[Message]:
    gateway.wait(wait_s)
    return gateway.read(session)


# --- Typing ---------------------------------------------------------------------------------------


def test_who_types_in_a_room_is_told_to_those_in_it(gateway: Gateway) -> None:
    inside, outside = come_in(gateway, "bob", GARDEN), come_in(gateway, "carol")
    types(gateway, "#garden", "ann")
    assert hear(gateway, inside) == [TypingSeen("#garden", ["ann"])]
    assert gateway.read(outside) == []


def test_nobody_is_told_that_they_type_themselves(gateway: Gateway) -> None:
    phone, laptop = (come_in(gateway, "ann", GARDEN) for _ in range(2))
    bob, carol = come_in(gateway, "bob", GARDEN), come_in(gateway, "carol", GARDEN)
    types(gateway, "#garden", "ann", "bob")
    gateway.wait(INTERVAL_S)
    assert gateway.read(phone) == gateway.read(laptop) == [TypingSeen("#garden", ["bob"])]
    assert gateway.read(bob) == [TypingSeen("#garden", ["ann"])]
    assert gateway.read(carol) == [TypingSeen("#garden", ["ann", "bob"])]


def test_who_types_alone_in_a_room_hears_nothing(gateway: Gateway) -> None:
    ann = come_in(gateway, "ann", GARDEN)
    types(gateway, "#garden", "ann")
    assert hear(gateway, ann) == []


def test_who_types_to_somebody_is_told_to_them_alone(gateway: Gateway) -> None:
    phone, laptop = (come_in(gateway, "bob", GARDEN) for _ in range(2))
    ann = come_in(gateway, "ann", GARDEN)
    types(gateway, "@bob", "ann", "carol")
    gateway.wait(INTERVAL_S)
    told = [TypingSeen("@ann", ["ann"]), TypingSeen("@carol", ["carol"])]
    assert gateway.read(phone) == gateway.read(laptop) == told
    assert gateway.read(ann) == []


def test_a_client_is_told_at_most_once_in_an_interval(gateway: Gateway) -> None:
    bob = come_in(gateway, "bob", GARDEN)
    types(gateway, "#garden", "ann", "ann")
    assert hear(gateway, bob) == [TypingSeen("#garden", ["ann"])]
    types(gateway, "#garden", "ann")
    types(gateway, "#garden", "carol")
    assert hear(gateway, bob, INTERVAL_S / 2) == []
    assert hear(gateway, bob, INTERVAL_S / 2) == [TypingSeen("#garden", ["ann", "carol"])]
    assert hear(gateway, bob) == [], "whoever has stopped is not told again"


def test_only_a_few_of_those_who_type_are_named(gateway: Gateway) -> None:
    bob = come_in(gateway, "bob", GARDEN)
    users = [f"u{number}" for number in range(limits.TYPING_NAMES_MAX + 1)]
    types(gateway, "#garden", *users)
    assert hear(gateway, bob) == [TypingSeen("#garden", users[:-1])]


def test_a_crowd_is_not_told_who_types(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    bob, _ = come_in(gateway, "bob", GARDEN), come_in(gateway, "carol", GARDEN)
    for most, told in ((2, [TypingSeen("#garden", ["ann"])]), (1, [])):
        monkeypatch.setattr(limits, "TYPING_FOLLOWERS_MAX", most)
        types(gateway, "#garden", "ann")
        assert hear(gateway, bob) == told


def test_places_that_nobody_here_follows_cost_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TYPING_LOGS_MAX", 2)
    bob = come_in(gateway, "bob", GARDEN, UserLog("#attic", 0, 0, 0))
    types(gateway, "#cellar", "ann")
    types(gateway, "@carol", "ann")
    for log in ("#garden", "#attic", "@bob"):
        types(gateway, log, "ann")
    told = [TypingSeen("#garden", ["ann"]), TypingSeen("#attic", ["ann"])]
    assert hear(gateway, bob) == told


def test_who_reads_too_slowly_is_not_told(gateway: Gateway) -> None:
    bob = come_in(gateway, "bob", GARDEN)
    bob.blocked = True
    types(gateway, "#garden", "ann")
    gateway.core.ephemeral.receive(SoftNews([MarkerMoved("bob", "#garden", 3)]))
    assert hear(gateway, bob) == []


def test_a_bot_hears_of_its_rooms_and_of_no_private_conversation(gateway: Gateway) -> None:
    bot = come_in(gateway, "bob", GARDEN)
    bot.scopes, bot.rooms = tuple(Scope), ("garden",)
    types(gateway, "#garden", "ann")
    types(gateway, "@bob", "ann")
    assert hear(gateway, bot) == [TypingSeen("#garden", ["ann"])]


# --- Read markers ---------------------------------------------------------------------------------


def test_what_was_read_on_one_device_is_told_to_all(gateway: Gateway) -> None:
    phone, laptop = (come_in(gateway, "ann", GARDEN) for _ in range(2))
    bob = come_in(gateway, "bob", GARDEN)
    moved = MarkerMoved("ann", "#garden", 3, Notify.NOTHING)
    gateway.core.ephemeral.receive(SoftNews([moved, MarkerMoved("ann", "@bob", 7)]))
    told = [LogStateChanged("#garden", 3, Notify.NOTHING), LogStateChanged("@bob", 7)]
    assert gateway.read(phone) == gateway.read(laptop) == told
    assert gateway.read(bob) == []


@pytest.mark.parametrize(
    ("scopes", "rooms", "told"),
    [
        ((Scope.READ,), (), ["#garden", "#attic", "@bob"]),
        ((Scope.READ,), ("garden",), ["#garden"]),
        ((Scope.POST,), (), []),
    ],
)
def test_a_bot_is_told_what_was_read_of_what_it_may_see(
    gateway: Gateway, scopes: tuple[Scope, ...], rooms: tuple[str, ...], told: list[str]
) -> None:
    bot = come_in(gateway, "ann")
    bot.scopes, bot.rooms = scopes, rooms
    moved = [MarkerMoved("ann", log, 3) for log in ("#garden", "#attic", "@bob")]
    gateway.core.ephemeral.receive(SoftNews(list(moved)))
    assert [message.log for message in gateway.read(bot)] == told


# --- Away -----------------------------------------------------------------------------------------


def test_who_goes_away_is_told_to_everyone(gateway: Gateway) -> None:
    bob = come_in(gateway, "bob")
    gateway.core.presence.snapshot(PresenceSnapshot(EPOCH, 1, True, ["ann", "bob"]))
    gateway.core.presence.delta(PresenceDelta(EPOCH, 2, [], [], {"ann": "lunch"}))
    assert hear(gateway, bob) == [PresenceChanged([], [], 0, 0, 2, {"ann": "lunch"})]


def test_a_crowd_is_told_at_once_and_then_more_rarely_and_of_all_that_changed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PRESENCE_TOLD_PER_S", 0.5)
    bob, _ = come_in(gateway, "bob"), come_in(gateway, "carol")
    gateway.core.presence.snapshot(PresenceSnapshot(EPOCH, 1, True, ["bob", "carol"]))
    told = []
    for number, name in enumerate(("ann", "dora", "eve"), 2):
        gateway.core.presence.delta(PresenceDelta(EPOCH, number, [name], []))
        told.append(hear(gateway, bob, 1.5))
    told.append(hear(gateway, bob, 1.5))
    first, then = (
        PresenceChanged(["ann"], [], 0, 0, 3),
        PresenceChanged(["dora", "eve"], [], 0, 0, 5),
    )
    assert told == [[first], [], [], [then]]


def test_members_are_listed_with_what_those_away_have_said(gateway: Gateway) -> None:
    ann = come_in(gateway, "ann")
    snapshot = PresenceSnapshot(EPOCH, 1, True, ["ann", "bob"], {"bob": "lunch"})
    gateway.core.presence.snapshot(snapshot)
    for number, room in enumerate(("garden", "lobby"), 7):
        gateway.send(ann, ListMembers(id=number, room=room))
        gateway.answer(ROOMS, MembersOf(room, ["ann", "bob"], {"ann": Role.OWNER}))
        (answer,) = gateway.read(ann)
        assert [(m.name, m.away) for m in answer.members] == [("ann", None), ("bob", "lunch")]


def test_a_new_user_service_hears_who_is_away(gateway: Gateway) -> None:
    back, bob = gateway.log_in("ann", away="lunch"), gateway.log_in("bob")
    gateway.log_in("carol", away="a walk")
    gateway.send(back, SetAway(id=2, away=None))
    gateway.send(bob, SetAway(id=2, away="asleep"))
    gateway.sent(USER_SERVICE)
    gateway.commands[USER_SERVICE].clear()
    gateway.serve(EPOCH + 1)
    announce = gateway.sent(USER_SERVICE)[0]
    away = {name: rest[5] for _, name, *rest in announce["sessions"]}
    assert away == {"ann": None, "bob": "asleep", "carol": "a walk"}


def test_who_comes_in_may_be_away_from_the_first_moment(gateway: Gateway) -> None:
    session = gateway.connect()
    log_in = LogIn(id=1, name="ann", token=b"t" * 32, away="lunch")
    gateway.send(session, Hello(PROTOCOL_VERSION, "test"), log_in)
    assert gateway.sent(USER_SERVICE)[-1]["away"] == "lunch"


def test_going_away_is_no_sign_of_activity(gateway: Gateway) -> None:
    ann = come_in(gateway, "ann", GARDEN)
    came_ms = ann.active_ms
    gateway.wait(1.0)
    gateway.send(ann, SetAway(id=2, away="lunch"))
    assert ann.active_ms == came_ms
    gateway.send(ann, SayTyping(id=3, log="#garden"))
    assert ann.active_ms == gateway.now_ms


# --- Names ----------------------------------------------------------------------------------------


def test_since_when_the_name_is_the_users_goes_with_all_that_they_say(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(PROTOCOL_VERSION, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    opened = SessionOpened("ann", Standing.ACCOUNT, gateway.now_ms, owned_since_ms=1234)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.answer(ROOMS, UserLogs(0, [GARDEN]))
    *_, logged_in = gateway.read(session)
    assert isinstance(logged_in, LoggedIn)
    assert logged_in.since_ms == 1234
    gateway.serve(EPOCH + 1)
    gateway.send(session, SayTyping(id=2, log="#garden"))
    gateway.sent(ROOMS)
    assert [stamped.since_ms for _, stamped in gateway.commands[ROOMS]] == [1234]
