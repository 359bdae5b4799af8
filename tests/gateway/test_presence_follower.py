"""A gateway's view of who is online: right whatever it misses, and told in few words."""

from hypothesis import given
from hypothesis import strategies as st

from zchat.gateway.presence import PresenceFollower
from zchat.protocol import limits
from zchat.protocol.messages import PresenceChanged
from zchat.protocol.presence import PresenceDelta, PresenceSnapshot
from zchat.users.presence import Presence

EPOCH = 7


def wants_all(follower: PresenceFollower) -> bool:
    return follower.wants_snapshot


def following(*online: str, number: int = 1) -> PresenceFollower:
    follower = PresenceFollower()
    follower.snapshot(PresenceSnapshot(EPOCH, number, True, list(online)))
    return follower


def delta(number: int, came: str = "", went: str = "", epoch: int = EPOCH) -> PresenceDelta:
    return PresenceDelta(epoch, number, came.split(), went.split())


def test_it_begins_with_the_whole() -> None:
    follower = PresenceFollower()
    assert wants_all(follower)

    follower.delta(delta(1, "ann"))
    assert follower.online == set()
    follower.snapshot(PresenceSnapshot(EPOCH, 1, True, ["ann"]))
    assert not wants_all(follower)
    assert follower.online == {"ann"}


def test_who_was_there_before_is_no_news() -> None:
    assert following("ann", "bob").take_change() is None


def test_each_change_is_told_once() -> None:
    follower = following("ann")
    follower.delta(delta(2, came="bob", went="ann"))

    assert follower.take_change() == PresenceChanged(["bob"], ["ann"], 0, 0, 1)
    assert follower.take_change() is None


def test_who_went_and_came_back_meanwhile_is_no_news() -> None:
    follower = following("ann")
    follower.delta(delta(2, went="ann"))
    follower.delta(delta(3, came="ann"))

    assert follower.take_change() is None


def test_a_change_that_comes_twice_counts_once() -> None:
    follower = following()
    follower.delta(delta(2, came="ann"))
    follower.delta(delta(3, went="ann"))
    follower.delta(delta(2, came="ann"))

    assert follower.online == set()
    assert not wants_all(follower)


def test_after_a_missed_change_it_wants_the_whole() -> None:
    follower = following()
    follower.delta(delta(3, came="ann"))
    assert wants_all(follower)
    assert follower.online == set()

    follower.snapshot(PresenceSnapshot(EPOCH, 3, True, ["ann", "bob"]))
    assert not wants_all(follower)
    assert follower.take_change() == PresenceChanged(["ann", "bob"], [], 0, 0, 2)


def test_a_heartbeat_betrays_that_the_newest_change_was_missed() -> None:
    follower = following()
    follower.delta(delta(1))
    assert not wants_all(follower)

    follower.delta(delta(2))
    assert wants_all(follower)


def test_another_epoch_begins_with_the_whole() -> None:
    follower = following("ann", number=5)
    follower.delta(delta(1, epoch=EPOCH + 1))
    assert wants_all(follower)
    assert follower.online == {"ann"}, "what was known stays until more is known"

    follower.snapshot(PresenceSnapshot(EPOCH + 1, 0, False, []))
    assert wants_all(follower)
    assert follower.take_change() is None
    follower.snapshot(PresenceSnapshot(EPOCH + 1, 1, True, ["ann", "bob"]))
    assert follower.take_change() == PresenceChanged(["bob"], [], 0, 0, 2)


def test_of_a_storm_only_a_few_are_named() -> None:
    follower = following(*(f"old-{n:02}" for n in range(25)))
    names = [f"new-{n:02}" for n in range(50)]
    follower.snapshot(PresenceSnapshot(EPOCH, 2, True, names))

    change = follower.take_change()
    named = limits.PRESENCE_NAMES_MAX
    assert change is not None
    assert change.came == names[:named]
    assert (change.came_more, change.went_more, change.online) == (50 - named, 25 - named, 50)
    assert len(change.went) == named


_moves = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from(["lost", "kept", "waits"])),
    max_size=30,
)


@given(_moves)
def test_a_follower_that_hears_again_knows_who_is_online(
    moves: list[tuple[str, bool, str]],
) -> None:
    presence, follower = Presence(EPOCH, 0.0), PresenceFollower()
    now = 100.0
    told: set[str] = set()
    for name, comes, fate in [*moves, ("a", True, "kept"), ("a", False, "kept")]:
        (presence.came if comes else presence.went)(name)
        if fate == "waits":
            continue
        said = presence.take_delta(now)
        assert said is not None
        if fate == "kept":
            follower.delta(said)
            if wants_all(follower):
                follower.snapshot(presence.snapshot())
            assert follower.online == presence.online
        if change := follower.take_change():
            told = (told | set(change.came)) - set(change.went)
            assert change.online == len(follower.online)
    assert told <= {"a", "b", "c"}
