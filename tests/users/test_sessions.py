"""Who is online: sessions open, break, come back and end, over restarts of either side."""

import pytest

from zchat.fabric.core.topics import PRESENCE_TOPIC
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    AnnounceSessions,
    ClusterInfo,
    EndGuest,
    OpenSession,
    PresenceDelta,
    ReadCluster,
    ReportActivity,
    SessionHere,
    Stamped,
)
from zchat.protocol.messages import Done, RefusalCode, Standing

from .playbook import EAST, PASSWORD, ROOM_ADDRESSES, WEST, Users, opened, refused, token

GRACE_S = limits.SESSION_GRACE_S


# --- Coming and going -----------------------------------------------------------------------------


def test_a_user_is_online_from_the_first_session_to_the_last_goodbye(users: Users) -> None:
    users.account("ann")
    assert users.online == set()
    users.come("ann", client="desk", password=PASSWORD, n=1)
    users.come("ann", client="phone", password=PASSWORD, n=2)

    users.quit(n=1)
    assert users.online == {"ann"}
    users.quit(n=2)
    assert users.online == set()


def test_a_user_has_been_here_since_the_first_of_its_sessions(users: Users) -> None:
    users.account("ann")
    came_ms = users.at_ms
    users.come("ann", client="desk", password=PASSWORD, n=1)
    users.wait(5.0)
    assert opened(users.come("ann", client="phone", password=PASSWORD, n=2)).since_ms == came_ms

    users.quit(n=1)
    users.quit(n=2)
    users.wait(5.0)
    assert opened(users.come("ann", password=PASSWORD, n=3)).since_ms == came_ms + 10_000


def test_a_connection_that_replaces_another_is_no_new_coming(users: Users) -> None:
    came_ms = users.at_ms
    users.come("ann", at=WEST, n=1)
    users.wait(5.0)

    assert opened(users.come("ann", at=EAST, n=7)).since_ms == came_ms
    assert users.ended == [(WEST, 1)]
    users.lose(at=WEST, n=1)
    assert users.online == {"ann"}
    assert users.core.users["ann"].lost_at is None


def test_an_open_session_that_is_opened_again_goes_on(users: Users) -> None:
    users.come("ann")
    users.come("ann")

    assert users.ended == []
    assert len(users.core.users["ann"].sessions) == 1


def test_a_number_that_a_gateway_gives_to_another_is_lost_for_the_one_before(users: Users) -> None:
    users.come("ann", n=1)
    users.come("bob", n=1)

    assert users.core.users["ann"].sessions == []
    # Nothing of the former keeps it from coming back.
    users.come("ann", n=2)
    assert len(users.core.users["ann"].sessions) == 1


def test_a_goodbye_of_nobody_changes_nothing(users: Users) -> None:
    users.come("ann", at=WEST, n=1)

    assert users.quit(at=EAST, n=1) == Done(0)
    assert users.lose(at=WEST, n=2) == Done(0)
    assert users.online == {"ann"}


# --- Several programs with one token --------------------------------------------------------------


def two_programs(users: Users, name: str = "ann") -> None:
    """Both with the same token; at EAST the second one, which is called two."""
    opened(users.come(name, at=WEST, n=1, instance=b"one"))
    opened(users.come(name, at=EAST, n=2, instance=b"two"))


def test_two_programs_with_one_token_are_both_here(users: Users) -> None:
    two_programs(users)

    assert users.ended == []
    assert [session.key for session in users.core.users["ann"].sessions] == [(WEST, 1), (EAST, 2)]


def test_a_program_that_comes_back_replaces_its_own_session_alone(users: Users) -> None:
    two_programs(users)
    opened(users.come("ann", at=EAST, n=3, instance=b"one"))

    assert users.ended == [(WEST, 1)]
    assert [session.key for session in users.core.users["ann"].sessions] == [(EAST, 2), (EAST, 3)]


def test_a_token_that_another_program_has_outlives_a_goodbye(users: Users) -> None:
    users.account("ann")
    users.come("ann", client="cron", password=PASSWORD, n=1, instance=b"one")
    users.come("ann", client="cron", n=2, instance=b"two")
    users.quit(n=1)
    users.lose(n=2)

    opened(users.come("ann", client="cron", n=3, instance=b"two"))
    users.quit(n=3)
    assert refused(users.come("ann", client="cron")) is RefusalCode.PASSWORD_REQUIRED


def test_a_guest_is_here_until_its_last_program_has_gone(users: Users) -> None:
    two_programs(users)
    users.quit(at=WEST, n=1)
    assert not users.core.users["ann"].ended
    opened(users.come("ann", at=WEST, n=3, instance=b"three"))

    users.quit(at=EAST, n=2)
    users.quit(at=WEST, n=3)
    assert users.core.users["ann"].ended


def test_programs_that_wait_for_the_name_of_their_guest_all_come_in(users: Users) -> None:
    users.come("ann")
    users.quit()
    users.begin(OpenSession(1, "ann", token("ann"), None, instance=b"one"), n=2)
    users.begin_another(OpenSession(1, "ann", token("ann"), None, instance=b"two"), n=3)
    assert users.commit([]) == []

    assert [opened(answer).name for answer in users.settle_all()] == ["ann", "ann"]
    assert len(users.core.users["ann"].sessions) == 2


def test_gateways_announce_all_programs_of_a_token(users: Users) -> None:
    two_programs(users)
    came_ms = users.at_ms
    users.restart()
    first, second, third = (
        SessionHere(n, "ann", token("ann"), came_ms + n, came_ms + n, instance=instance)
        for n, instance in ((1, b"one"), (2, b"two"), (3, b"two"))
    )
    users.do(AnnounceSessions([first]), at=WEST)
    users.do(AnnounceSessions([second, third]), at=EAST)

    assert users.ended == [(EAST, 2)], "of one program the newer connection stays"


def test_many_programs_with_one_token_are_counted(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_SESSIONS_MAX", 2)
    two_programs(users)

    third = users.come("ann", n=7, instance=b"three")
    assert refused(third) is RefusalCode.LIMIT_REACHED
    users.quit(at=EAST, n=2)
    opened(users.come("ann", n=7, instance=b"three"))


# --- Graces ---------------------------------------------------------------------------------------


def test_who_comes_back_soon_was_never_away(users: Users) -> None:
    came_ms = users.at_ms
    users.come("ann")
    users.lose()
    users.wait(limits.PRESENCE_GRACE_S - 1)
    assert users.online == {"ann"}

    assert opened(users.come("ann", n=2)).since_ms == came_ms
    users.wait(10 * GRACE_S)
    assert users.online == {"ann"}


def test_who_stays_away_is_offline_first_and_a_guest_gone_later(users: Users) -> None:
    users.come("ann")
    users.lose()
    users.wait(limits.PRESENCE_GRACE_S)
    assert users.online == set()
    users.wait(GRACE_S - limits.PRESENCE_GRACE_S - 1)
    assert users.owed == []

    users.wait(1)
    assert users.core.users["ann"].ended
    assert {owed.address for owed in users.owed} == set(ROOM_ADDRESSES)


def test_who_comes_back_late_in_the_grace_is_online_again(users: Users) -> None:
    users.come("ann")
    users.lose()
    users.wait(GRACE_S - 1)

    opened(users.come("ann", n=2))
    assert users.online == {"ann"}
    users.wait(GRACE_S)
    assert not users.core.users["ann"].ended


def test_an_account_is_only_offline(users: Users) -> None:
    users.account("ann")
    users.come("ann", password=PASSWORD)
    users.lose()
    users.wait(10 * GRACE_S)

    assert users.online == set()
    assert users.owed == []
    assert not users.core.users["ann"].ended


def test_with_a_gateway_all_its_sessions_are_lost(users: Users) -> None:
    users.come("ann", at=WEST, n=1)
    users.come("bob", at=WEST, n=2)
    users.come("carl", at=EAST, n=1)
    users.core.asker_lost(WEST, users.now, users.at_ms)
    users.wait(limits.PRESENCE_GRACE_S)

    assert users.online == {"carl"}


def test_who_is_still_connected_elsewhere_is_not_away(users: Users) -> None:
    users.account("ann")
    users.come("ann", client="desk", password=PASSWORD, n=1)
    users.come("ann", client="phone", password=PASSWORD, n=2)
    users.lose(n=1)
    users.wait(GRACE_S)

    assert users.online == {"ann"}


def test_after_its_grace_a_guest_comes_back_as_a_new_one_when_its_name_is_free(
    users: Users,
) -> None:
    users.come("ann")
    users.lose()
    users.wait(GRACE_S)
    assert users.waits("ann")

    (answer,) = users.settle_all()
    assert opened(answer).standing is Standing.GUEST


# --- The end of a guest ---------------------------------------------------------------------------


def test_a_guest_that_quits_ends_in_every_partition(users: Users) -> None:
    users.come("ann")
    users.quit()

    assert [owed.address for owed in users.owed] == ROOM_ADDRESSES
    for owed in users.owed:
        stamped = Decoder(Stamped).decode(owed.body)
        assert Decoder(EndGuest).decode(stamped.body).name == "ann"


def test_who_wants_the_name_waits_until_all_partitions_know(users: Users) -> None:
    users.come("ann")
    users.quit()
    assert users.waits("ann", client="another")

    assert users.settle(users.owed[0]) == []
    (answer,) = users.settle(users.owed[0])
    assert opened(answer).standing is Standing.GUEST
    assert users.store.owed() == []


def test_of_those_who_wait_for_a_name_one_gets_it(users: Users) -> None:
    users.come("ann")
    users.quit()
    assert users.waits("ann", client="another", n=2)
    assert users.waits("ann", client="a third", n=3)

    first, second = users.settle_all()
    assert opened(first).standing is Standing.GUEST
    assert refused(second) is RefusalCode.NAME_IN_USE


def test_the_next_guest_of_a_name_is_not_the_last_one_even_while_the_clock_stands(
    users: Users,
) -> None:
    # After the wall clock was set back, all happens in the same millisecond for a while.
    begun = []
    for _ in range(3):
        opened_now = opened(users.come("ann"))
        begun.append(opened_now.owned_since_ms)
        users.quit()
        ends = [Decoder(Stamped).decode(owed.body) for owed in users.owed]
        assert {Decoder(EndGuest).decode(end.body).since_ms for end in ends} == {begun[-1]}
        users.settle_all()

    # The next core after a commit that failed knows it, too.
    former, users.core = users.core, users.loaded()
    users.core.take_over(former, users.now)
    begun.append(opened(users.come("ann")).owned_since_ms)
    assert begun[0] < begun[1] < begun[2] < begun[3]


def test_what_is_owed_survives_a_restart(users: Users) -> None:
    users.come("ann")
    users.quit()
    users.settle(users.owed[0])
    users.restart()
    assert [owed.address for owed in users.store.owed()] == ROOM_ADDRESSES[1:]

    users.settle_all()
    assert users.core.users == {}
    opened(users.come("ann", client="another"))


def test_of_a_guest_that_is_gone_nothing_is_kept(users: Users) -> None:
    users.come("ann")
    users.quit()
    users.settle_all()

    assert users.loaded().users == {}
    assert "@ann" not in users.core.timeline.heads


def test_a_guest_that_registers_stays_when_it_quits(users: Users) -> None:
    users.account("ann")

    assert users.owed == []
    assert not users.loaded().users["ann"].guest


def test_a_guest_ends_once(users: Users) -> None:
    users.come("ann")
    users.lose()
    users.wait(GRACE_S)
    users.wait(GRACE_S)

    assert len(users.owed) == len(ROOM_ADDRESSES)


# --- After a restart ------------------------------------------------------------------------------


def test_after_a_restart_gateways_say_who_is_here(users: Users) -> None:
    users.come("ann")
    came_ms = users.at_ms
    users.now += 3
    users.restart()
    assert users.online == set()

    users.announce(("ann", 1, came_ms))
    assert users.online == {"ann"}
    assert users.core.users["ann"].since_ms == came_ms
    assert users.ended == []


def test_a_guest_that_nobody_speaks_of_ends_after_its_grace(users: Users) -> None:
    users.come("ann")
    users.come("bob", n=2)
    users.restart()
    users.announce(("ann", 1, users.at_ms))
    users.wait(GRACE_S)

    assert not users.core.users["ann"].ended
    assert users.core.users["bob"].ended


def test_a_guest_may_come_back_after_a_restart_with_its_token(users: Users) -> None:
    users.come("ann")
    users.now += 3
    users.restart()
    assert refused(users.come("ann", client="another")) is RefusalCode.NAME_IN_USE

    assert opened(users.come("ann", n=2)).since_ms == users.at_ms, "since when, it cannot know"
    users.wait(GRACE_S)
    assert not users.core.users["ann"].ended


def test_a_session_of_nobody_must_end(users: Users) -> None:
    users.come("ann")
    users.quit()
    users.announce(("ann", 1, users.at_ms), ("nobody", 2, users.at_ms))

    assert users.ended == [(WEST, 1), (WEST, 2)]
    assert users.online == set()


def test_a_session_that_a_newer_one_has_replaced_must_end(users: Users) -> None:
    came_ms = users.at_ms
    users.come("ann", at=WEST, n=1)
    users.now += 1
    users.restart()
    users.come("ann", at=EAST, n=7)
    users.announce(("ann", 1, came_ms), at=WEST)

    assert users.ended == [(WEST, 1)]
    assert [session.key for session in users.core.users["ann"].sessions] == [(EAST, 7)]


def test_of_two_announced_sessions_of_one_client_the_newer_stays(users: Users) -> None:
    came_ms = users.at_ms
    users.come("ann", at=WEST, n=1)
    users.restart()
    users.announce(("ann", 1, came_ms), at=WEST)
    users.announce(("ann", 7, came_ms + 5), at=EAST)

    assert users.ended == [(WEST, 1)]
    assert users.core.users["ann"].since_ms == came_ms


def test_a_gateway_cannot_bring_back_a_session_whose_name_is_another_ones_by_now(
    users: Users,
) -> None:
    """It hung while its guest ended, and somebody else has taken the name, and registered it."""
    users.account("ann")
    users.do(AnnounceSessions([SessionHere(1, "ann", token("guest"), 5, 5)]), at=EAST)

    assert users.ended == [(EAST, 1)]
    assert users.core.users["ann"].sessions == []


def test_after_a_restart_the_oldest_session_tells_since_when(users: Users) -> None:
    users.account("ann")
    came_ms = users.at_ms
    desk, phone = (users.come("ann", client=c, password=PASSWORD, n=9) for c in ("desk", "phone"))
    assert opened(desk).since_ms == opened(phone).since_ms == came_ms
    users.restart()
    late = SessionHere(2, "ann", token("phone"), came_ms + 5, came_ms + 5)
    users.do(AnnounceSessions([late]), at=EAST)
    early = SessionHere(1, "ann", token("desk"), came_ms, came_ms)
    users.do(AnnounceSessions([early]), at=WEST)

    assert len(users.core.users["ann"].sessions) == 2
    assert users.core.users["ann"].since_ms == came_ms


def test_who_is_announced_after_others_have_come_may_be_one_too_many(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.account("ann")
    for client in ("desk", "phone"):
        users.come("ann", client=client, password=PASSWORD, n=9)
    users.restart()
    monkeypatch.setattr(limits, "USER_SESSIONS_MAX", 1)
    users.do(AnnounceSessions([SessionHere(2, "ann", token("phone"), 5, 5)]), at=EAST)
    users.do(AnnounceSessions([SessionHere(1, "ann", token("desk"), 5, 5)]), at=WEST)

    assert users.ended == [(WEST, 1)]
    assert [session.key for session in users.core.users["ann"].sessions] == [(EAST, 2)]


def test_what_a_gateway_does_not_announce_is_lost(users: Users) -> None:
    came_ms = users.at_ms
    users.come("ann", n=1)
    users.come("bob", n=2)
    users.come("carl", at=EAST, n=3)
    users.announce(("ann", 1, came_ms))
    users.wait(limits.PRESENCE_GRACE_S)

    assert users.online == {"ann", "carl"}
    assert users.ended == []


# --- Activity and presence ------------------------------------------------------------------------


def test_activity_never_goes_back(users: Users) -> None:
    users.come("ann")
    later = users.at_ms + 5000
    users.do(ReportActivity({1: later, 99: later}))
    users.do(ReportActivity({1: later - 1}))
    users.do(ReportActivity({1: later + 1}), at=EAST)

    (session,) = users.core.users["ann"].sessions
    assert session.active_ms == later


def test_presence_waits_until_gateways_have_spoken(users: Users) -> None:
    users.come("ann")
    users.wait(limits.SETTLE_S - 0.1)
    assert users.deltas == []
    assert not users.core.presence.snapshot().settled

    users.wait(0.1)
    assert users.deltas == [PresenceDelta(1_000_000, 1, ["ann"], [])]
    snapshot = users.core.presence.snapshot()
    assert (snapshot.settled, snapshot.number, snapshot.online) == (True, 1, ["ann"])


@pytest.fixture
def settled(users: Users) -> Users:
    users.wait(limits.SETTLE_S)
    users.deltas.clear()
    return users


def test_comings_and_goings_are_collected(settled: Users) -> None:
    settled.come("bob", n=2)
    settled.come("ann", n=1)
    settled.wait(0.5)
    settled.quit(n=1)
    settled.wait(0.5)

    assert [(d.number, d.came, d.went) for d in settled.deltas] == [
        (2, ["ann", "bob"], []),
        (3, [], ["ann"]),
    ]


def test_who_came_and_went_meanwhile_is_not_spoken_of(settled: Users) -> None:
    settled.come("ann")
    settled.quit()
    settled.wait(0.5)

    assert settled.deltas == []


def test_who_went_and_came_back_meanwhile_is_not_spoken_of(settled: Users) -> None:
    settled.account("ann")
    settled.come("ann", password=PASSWORD)
    settled.wait(0.5)
    settled.quit()
    settled.come("ann", password=PASSWORD)
    settled.wait(0.5)

    assert [(d.number, d.came, d.went) for d in settled.deltas] == [(2, ["ann"], [])]


def test_a_heartbeat_repeats_the_number(users: Users) -> None:
    assert users.core.heartbeats() == []
    users.come("ann")
    users.wait(limits.SETTLE_S)

    (heartbeat,) = users.core.heartbeats()
    repeated = PresenceDelta(users.deltas[0].epoch, 1, [], [])
    assert heartbeat == (PRESENCE_TOPIC, encode(repeated))


def test_the_snapshot_is_the_state_after_the_last_delta(settled: Users) -> None:
    settled.come("ann", n=1)
    settled.wait(0.5)
    settled.come("bob", n=2)

    assert settled.core.presence.snapshot().online == ["ann"]
    settled.wait(0.5)
    assert settled.core.presence.snapshot().online == ["ann", "bob"]


def test_a_restarted_service_speaks_of_another_epoch(users: Users) -> None:
    users.wait(limits.SETTLE_S)
    first = users.core.presence.snapshot()
    users.now += 1
    users.restart()

    assert users.core.presence.snapshot().epoch > first.epoch
    assert not users.core.presence.snapshot().settled


# --- Tokens that are an account's, and the cluster ------------------------------------------------


def test_a_token_that_is_an_accounts_makes_nobody_a_guest(users: Users) -> None:
    assert refused(users.come("anm", account=True)) is RefusalCode.UNKNOWN_TOKEN
    assert users.core.users == {}


def test_a_token_that_is_an_accounts_is_no_guests(users: Users) -> None:
    users.come("ann")
    assert refused(users.come("ann", n=2, account=True)) is RefusalCode.UNKNOWN_TOKEN
    users.quit()
    assert refused(users.come("ann", n=2, account=True)) is RefusalCode.UNKNOWN_TOKEN


def test_an_account_comes_in_by_its_token(users: Users) -> None:
    users.account("ann")
    users.come("ann", password=PASSWORD, device="laptop")
    opened(users.come("ann", n=2, account=True))
    stolen = users.come("ann", client="another", n=3, account=True)
    assert refused(stolen) is RefusalCode.PASSWORD_REQUIRED


def test_a_cluster_keeps_its_name_over_restarts_and_tells_it(users: Users) -> None:
    first = opened(users.come("ann")).cluster
    info = Decoder(ClusterInfo).decode(users.ask("", ReadCluster()))
    users.restart()
    assert len(first) == 2 * limits.CLUSTER_ID_BYTES
    assert first == info.id == opened(users.come("ann")).cluster


def test_every_cluster_has_a_name_of_its_own(users: Users) -> None:
    other = Users()
    assert users.core.cluster != other.core.cluster
    other.close()
