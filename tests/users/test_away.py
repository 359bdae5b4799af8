"""Who is here and yet is not: a word that others can read, for as long as the sessions last."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import AnnounceSessions, PresenceSnapshot, ReadPresence, SessionHere
from zchat.protocol.messages import Done, ListUsers, RefusalCode, SetAway, UserList

from .playbook import EAST, PASSWORD, WEST, Answer, Users, refused, token

_snapshots = Decoder(PresenceSnapshot)


@pytest.fixture(name="users")
def settled(users: Users) -> Users:
    """The account ann is at a desk (1) and at a phone (2), and gateways have said who is here."""
    users.account("ann")
    users.come("ann", client="desk", password=PASSWORD, n=1)
    users.wait(1)
    users.come("ann", client="phone", password=PASSWORD, n=2)
    users.wait(limits.SETTLE_S)
    users.deltas.clear()
    return users


def say(users: Users, away: str | None, n: int, user: str = "ann") -> Answer:
    users.now += 1
    return users.do(SetAway(id=5, away=away), user, n=n)


def word(users: Users) -> str | None:
    """What others read of ann."""
    answer = server_messages.decode(users.ask("ann", ListUsers(id=1)))
    assert isinstance(answer, UserList)
    return next(info.away for info in answer.users if info.name == "ann")


def test_a_user_is_away_who_is_at_none_of_the_sessions(users: Users) -> None:
    assert say(users, "lunch", 1) == Done(5)
    assert word(users) is None
    say(users, "asleep", 2)
    assert word(users) == "asleep"
    say(users, "still at lunch", 1)
    assert word(users) == "still at lunch", "the newest word counts"
    say(users, None, 2)
    assert word(users) is None


def test_away_ends_with_the_session_that_is_at_hand(users: Users) -> None:
    say(users, "lunch", 1)
    users.lose(n=2)
    assert word(users) == "lunch"
    users.come("ann", client="phone", password=PASSWORD, n=3)
    assert word(users) is None
    users.quit(n=3)
    assert word(users) == "lunch"


def test_it_stays_while_a_client_comes_back(users: Users) -> None:
    users.quit(n=2)
    say(users, "lunch", 1)
    users.lose(n=1)
    assert word(users) == "lunch"
    users.come("ann", client="desk", n=3, away="lunch")
    users.wait(limits.PRESENCE_GRACE_S)

    assert [delta.away for delta in users.deltas] == [{"ann": "lunch"}]


def test_who_is_gone_is_not_away(users: Users) -> None:
    users.quit(n=2)
    say(users, "lunch", 1)
    users.wait(0.5)
    users.quit(n=1)
    users.wait(0.5)

    assert [(delta.went, delta.away) for delta in users.deltas] == [
        ([], {"ann": "lunch"}),
        (["ann"], {}),
    ]
    assert users.core.presence.away == {}


def test_who_comes_may_say_at_once_that_nobody_is_there(users: Users) -> None:
    users.come("bot", n=3, away="asks\nme nothing\x1b")
    users.wait(0.5)

    (delta,) = users.deltas
    assert (delta.came, delta.away) == (["bot"], {"bot": "asks me nothing"})


def test_deltas_tell_what_has_changed(users: Users) -> None:
    say(users, "lunch", 1)
    users.wait(0.5)
    say(users, "lunch", 2)
    users.wait(0.5)
    say(users, None, 1)
    say(users, "lunch", 1)
    users.wait(0.5)
    say(users, "home", 1)
    users.wait(0.5)
    say(users, None, 1)
    users.wait(0.5)

    number = users.deltas[0].number
    assert [(delta.number - number, delta.away) for delta in users.deltas] == [
        (0, {"ann": "lunch"}),
        (1, {"ann": "home"}),
        (2, {"ann": None}),
    ]


def test_a_snapshot_is_the_state_after_the_last_delta(users: Users) -> None:
    def snapshot() -> PresenceSnapshot:
        return _snapshots.decode(users.ask("", ReadPresence()))

    say(users, "", 1)
    say(users, "", 2)
    assert snapshot().away == {}
    users.wait(0.5)
    assert snapshot().away == {"ann": ""}, "without a word one may be away, too"
    say(users, None, 1)
    assert snapshot().away == {"ann": ""}
    users.wait(0.5)
    assert snapshot().away == {}


def test_gateways_know_it_after_a_restart(users: Users) -> None:
    at_ms = users.at_ms
    users.restart()
    assert users.core.presence.away == {}
    for at, client, away in ((EAST, "phone", "asleep"), (WEST, "desk", "lunch")):
        active_ms = at_ms + (at == WEST)
        here = SessionHere(1, "ann", token(client), at_ms, active_ms, away=away)
        users.do(AnnounceSessions([here]), at=at)

    assert word(users) == "lunch"


def test_it_outlives_a_store_that_failed(users: Users) -> None:
    say(users, "lunch", 1)
    say(users, "lunch", 2)
    former = users.core
    users.restart()
    users.core.take_over(former, users.now)

    assert users.core.presence.away == {"ann": "lunch"}


def test_only_of_oneself_that_is_said(users: Users) -> None:
    assert say(users, "gone", 9) == Done(5), "the gateway will say it again when it speaks of it"
    assert word(users) is None
    assert refused(say(users, "gone", 1, "nobody")) is RefusalCode.SESSION_ENDED
