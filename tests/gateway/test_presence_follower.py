"""A gateway's view of who is online: right whatever it misses, and told in few words."""

from hypothesis import given
from hypothesis import strategies as st

from zchat.gateway.core.presence import PresenceFollower
from zchat.protocol import limits
from zchat.protocol.internal import PresenceDelta, PresenceSnapshot
from zchat.protocol.messages import PresenceChanged
from zchat.users.core.presence import Presence

EPOCH = 7


def wants_all(follower: PresenceFollower) -> bool:
    return follower.wants_snapshot


def following(*online: str, number: int = 1, **away: str) -> PresenceFollower:
    follower = PresenceFollower()
    follower.snapshot(PresenceSnapshot(EPOCH, number, True, list(online), away))
    return follower


def delta(
    number: int, came: str = "", went: str = "", epoch: int = EPOCH, **away: str | None
) -> PresenceDelta:
    return PresenceDelta(epoch, number, came.split(), went.split(), away)


def told_away(follower: PresenceFollower) -> dict[str, str | None]:
    change = follower.take_change()
    return {} if change is None else change.away


def test_it_begins_with_the_whole() -> None:
    follower = PresenceFollower()
    assert wants_all(follower)

    follower.delta(delta(1, "ann"))
    assert follower.online == set()
    follower.snapshot(PresenceSnapshot(EPOCH, 1, True, ["ann"]))
    assert not wants_all(follower)
    assert follower.online == {"ann"}


def test_the_whole_is_asked_for_once_until_it_comes_or_will_not() -> None:
    follower = PresenceFollower()
    assert [follower.take_want(), follower.take_want()] == [True, False]
    follower.not_answered()
    assert [follower.take_want(), follower.take_want()] == [True, False]
    follower.snapshot(PresenceSnapshot(EPOCH, 1, True, ["ann"]))
    assert not follower.take_want()
    follower.delta(delta(3, came="bob"))
    assert [follower.take_want(), follower.take_want()] == [True, False]


def test_who_is_back_may_never_have_been_away() -> None:
    follower = following("ann")
    follower.delta(delta(2, ann=None))

    assert follower.take_change() is None


def test_who_was_there_before_is_no_news() -> None:
    assert following("ann", "bob").take_change() is None


def test_who_came_while_nobody_knew_is_news() -> None:
    follower = PresenceFollower()
    follower.snapshot(PresenceSnapshot(EPOCH, 1, False, []))
    follower.snapshot(PresenceSnapshot(EPOCH, 1, True, ["ann", "bob"], {"bob": "lunch"}))

    change = follower.take_change()
    assert change == PresenceChanged(["ann", "bob"], [], 0, 0, 2, {"bob": "lunch"})


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


# --- Away -----------------------------------------------------------------------------------------


def test_a_word_of_those_away_is_kept_until_they_are_back_or_gone() -> None:
    follower = following("ann", "bob")
    follower.delta(delta(2, ann="lunch", bob="asleep"))
    assert follower.away == {"ann": "lunch", "bob": "asleep"}
    assert told_away(follower) == {"ann": "lunch", "bob": "asleep"}

    follower.delta(delta(3, went="bob", ann=None))
    assert follower.away == {}
    assert follower.take_change() == PresenceChanged([], ["bob"], 0, 0, 1, {"ann": None})


def test_who_was_away_before_is_no_news() -> None:
    follower = following("ann", ann="lunch")
    assert follower.away == {"ann": "lunch"}
    assert follower.take_change() is None


def test_who_comes_back_before_anybody_was_told_is_no_news() -> None:
    follower = following("ann")
    follower.delta(delta(2, ann="lunch"))
    follower.delta(delta(3, ann=None))
    assert follower.take_change() is None


def test_who_was_away_and_came_anew_is_here_again() -> None:
    follower = following("ann", ann="lunch")
    follower.delta(delta(2, went="ann"))
    follower.delta(delta(3, came="ann"))
    assert told_away(follower) == {"ann": None}


def test_a_heartbeat_is_not_taken_for_a_word() -> None:
    follower = following("ann")
    follower.delta(delta(2, ann="lunch"))
    follower.delta(delta(2))
    assert not wants_all(follower)
    follower.delta(delta(3))
    assert wants_all(follower)


def test_after_a_missed_word_the_whole_tells_it() -> None:
    follower = following("ann", "bob", "carol", bob="asleep", carol="a walk")
    away = {"ann": "lunch", "carol": "a walk"}
    follower.snapshot(PresenceSnapshot(EPOCH, 5, True, ["ann", "bob", "carol"], away))
    assert told_away(follower) == {"ann": "lunch", "bob": None}
    assert follower.away == away


def test_of_many_who_go_away_at_once_some_are_told_later() -> None:
    names = [f"u{number:02}" for number in range(limits.PRESENCE_NAMES_MAX + 2)]
    follower = following(*names)
    follower.delta(PresenceDelta(EPOCH, 2, [], [], dict.fromkeys(names, "lunch")))
    assert list(told_away(follower)) == names[:-2]
    follower.delta(PresenceDelta(EPOCH, 3, [], [], {names[-1]: None}))
    assert told_away(follower) == {names[-2]: "lunch"}
    assert follower.take_change() is None


# --- Whatever is missed ---------------------------------------------------------------------------

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
        said = presence.take_delta(now) or presence.newest_number()
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
