"""Which names came from which addresses: what is known of it, for how long, and who may ask."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import AnnounceSessions, ReportActivity, SessionHere
from zchat.protocol.messages import RefusalCode, Refused
from zchat.protocol.operators import ListSightings, SightingPage

from .playbook import PASSWORD, WEST, Users, token

HOME, WORK, SIX = "192.0.2.7", "198.51.100.20", "2001:db8::1:2"
_answers: Decoder[SightingPage | Refused] = Decoder(SightingPage | Refused)  # type: ignore[arg-type]


def ask(users: Users, who: str = "", user: str = "", **more: str) -> SightingPage | Refused:
    return _answers.decode(users.ask(user, ListSightings(who, **more)))


def seen(users: Users, who: str = "") -> list[tuple[str, str]]:
    page = ask(users, who)
    assert isinstance(page, SightingPage)
    return [(each.user, each.address) for each in page.sightings]


@pytest.fixture(name="users")
def users_who_came(users: Users) -> Users:
    users.account("ann")
    users.come("ann", password=PASSWORD, address=HOME, n=2)
    users.come("spam1", address=WORK, n=3)
    users.come("spam2", address=WORK, n=4)
    users.come("eve", address=SIX, n=5)
    return users


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("", [("ann", HOME), ("eve", SIX), ("spam1", WORK), ("spam2", WORK)]),
        (WORK, [("spam1", WORK), ("spam2", WORK)]),
        ("198.51.100.0/24", [("spam1", WORK), ("spam2", WORK)]),
        # Whoever has an address of IPv6 has the whole of its /64.
        ("2001:db8::7:8", [("eve", SIX)]),
        ("ann", [("ann", HOME)]),
        ("spam*", [("spam1", WORK), ("spam2", WORK)]),
        ("203.0.113.1", []),
    ],
)
def test_names_are_found_by_address_and_addresses_by_name(
    users: Users, who: str, found: list[tuple[str, str]]
) -> None:
    assert seen(users, who) == found


def test_it_is_known_when_somebody_is_gone_and_after_a_restart(users: Users) -> None:
    users.quit(n=3)
    users.settle_all()
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    assert seen(users, WORK) == [("spam1", WORK), ("spam2", WORK)]


def test_the_last_time_is_that_of_the_last_activity(users: Users) -> None:
    first_ms = users.at_ms
    users.wait(3600)
    active_ms = users.at_ms - 1000
    users.do(ReportActivity({3: active_ms}), at=WEST)
    page = ask(users, "spam1")
    assert isinstance(page, SightingPage)
    (here,) = page.sightings
    assert (here.first_ms, here.last_ms, here.connected) == (first_ms, active_ms, True)

    users.quit(n=3)
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    page = ask(users, "spam1")
    assert isinstance(page, SightingPage)
    (gone,) = page.sightings
    assert (gone.first_ms, gone.last_ms, gone.connected) == (first_ms, active_ms, False)


def test_a_session_that_a_gateway_tells_of_counts(users: Users) -> None:
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    here = SessionHere(9, "ann", token("ann"), users.at_ms, users.at_ms, address=SIX)
    users.do(AnnounceSessions([here]))
    assert seen(users, "ann") == [("ann", HOME), ("ann", SIX)]


def test_it_is_forgotten_after_a_week(users: Users) -> None:
    users.wait(limits.SIGHTINGS_KEPT_S - 60)
    users.come("late", address=HOME, n=6)
    users.wait(61)
    assert seen(users) == [("late", HOME)]
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    assert seen(users) == [("late", HOME)]


def test_of_too_many_those_go_that_were_not_seen_for_longest(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGHTINGS_MAX", 4)
    users.wait(limits.SIGHTING_INTERVAL_S)
    users.come("ann", address=HOME, n=2)
    users.come("new", address=HOME, n=7)
    assert seen(users) == [("ann", HOME), ("eve", SIX), ("new", HOME), ("spam2", WORK)]
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    assert seen(users) == [("ann", HOME), ("eve", SIX), ("new", HOME), ("spam2", WORK)]


def test_coming_and_going_all_the_time_writes_nothing(users: Users) -> None:
    users.come("spam1", address=WORK, n=3)
    users.lose(n=3)
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.begin(AnnounceSessions([SessionHere(3, "spam1", token("spam1"), 1, 1, address=WORK)]))
    users.core.tick(users.now, users.at_ms)
    assert not users.core.effects.rows
    users.commit([])


def test_when_thousands_go_at_once_nobody_waits_for_that_to_be_written(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGHTINGS_WRITTEN_MAX", 3)
    users.core.tick(users.now, users.at_ms)
    assert len(users.core.effects.rows) == 3
    users.commit([])
    users.core.tick(users.now, users.at_ms)
    assert len(users.core.effects.rows) == 1
    users.commit([])
    users.restart()
    assert len(seen(users)) == 4


def test_of_who_is_erased_nothing_is_kept(users: Users) -> None:
    users.core.directory.sightings.forget("spam1")
    users.wait(limits.HEARTBEAT_INTERVAL_S)
    users.restart()
    assert seen(users, WORK) == [("spam2", WORK)]


def test_pages_go_on_where_the_last_one_ended(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIST_PAGE_MAX", 3)
    first = ask(users)
    assert isinstance(first, SightingPage)
    assert first.more
    last = first.sightings[-1]
    rest = ask(users, after=last.user, after_address=last.address)
    assert isinstance(rest, SightingPage)
    assert [each.user for each in rest.sightings] == ["spam2"]
    assert not rest.more


def test_what_is_no_address_is_said_to_be_none(users: Users) -> None:
    answer = ask(users, "192.0.2.0/33")
    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.INVALID_NAME


def test_only_the_console_may_ask(users: Users) -> None:
    answer = ask(users, user="ann")
    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.NOT_ALLOWED
