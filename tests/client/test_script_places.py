"""How `tail` keeps its place: in each room and conversation, over sessions and restarts."""

from zchat.client.cli.subcommand import FROM_NOW_ON
from zchat.client.cli.tail import Places
from zchat.protocol.messages import Entry, LogState, MemberKicked, MessagePosted


def entry(log: str, sequence: int) -> Entry:
    return Entry(log, sequence, 0, "bob", MessagePosted("hi"))


def test_what_was_never_seen_begins_at_the_end() -> None:
    places = Places("ann", ["#ops", "@bob"], {})
    assert places.cursors == {"#ops": FROM_NOW_ON, "@ann": FROM_NOW_ON}
    standing = places.session_begun([LogState("#ops", 7, 7), LogState("@ann", 3, 3)])
    assert standing == (["#ops", "@bob"], [], [])
    assert places.positions == {"#ops": 7, "@bob": 3}
    assert places.caught_up
    assert places.take(entry("#ops", 8)) == ["#ops"]
    assert places.take(entry("#lobby", 1)) == []


def test_what_was_seen_goes_on_behind_it() -> None:
    places = Places("ann", ["#ops"], {"#ops": 5, "#other": 9})
    assert places.cursors == {"#ops": 5}
    assert places.session_begun([LogState("#ops", 5, 7)]) == ([], [], [])
    at_first = places.caught_up
    assert places.take(entry("#ops", 6)) == ["#ops"]
    assert places.take(entry("#ops", 6)) == []
    places.take(entry("#ops", 7))
    assert (at_first, places.caught_up) == (False, True)
    assert places.positions == {"#ops": 7}


def test_two_conversations_share_the_inbox_and_each_has_its_place() -> None:
    places = Places("ann", ["@bob", "@carol", "@dave"], {"@bob": 9, "@carol": 4})
    assert places.cursors == {"@ann": 4}
    assert places.session_begun([LogState("@ann", 4, 10)]).begun == ["@dave"]
    assert places.take(entry("@ann", 5)) == ["@carol"]
    assert places.take(entry("@ann", 10)) == ["@bob", "@carol"]
    assert places.take(entry("@ann", 11)) == ["@bob", "@carol", "@dave"]


def test_what_was_removed_is_said_once() -> None:
    places = Places("ann", ["#ops"], {"#ops": 5})
    assert places.session_begun([LogState("#ops", 8, 10)]).notes == [
        "3 entries of #ops cannot be read any more: removed, or written while ann was not there"
    ]
    assert places.session_begun([LogState("#ops", 8, 10)]).notes == []
    assert places.take(entry("#ops", 9)) == ["#ops"]


def test_a_log_that_is_another_one_is_followed_from_its_end() -> None:
    places = Places("ann", ["#ops"], {"#ops": 50})
    [note] = places.session_begun([LogState("#ops", 10, 10)]).notes
    assert "#ops is not what it was" in note
    assert places.take(entry("#ops", 11)) == ["#ops"]


def test_a_room_that_is_joined_begins_there() -> None:
    places = Places("ann", ["#ops"], {})
    assert places.session_begun([]).missing == ["#ops"]
    places.joined("#ops", 12)
    assert places.caught_up
    assert places.take(entry("#ops", 12)) == ["#ops"]


def test_whoever_is_put_out_follows_no_more() -> None:
    places = Places("ann", ["#ops", "#dev"], {})
    assert places.is_end_of(Entry("#ops", 3, 0, "bob", MemberKicked("ann", "")))
    assert not places.is_end_of(Entry("#ops", 3, 0, "bob", MemberKicked("carol", "")))
    places.drop("#ops")
    assert places.cursors == {"#dev": FROM_NOW_ON}
    assert bool(places)
    places.drop("#dev")
    assert places.cursors == {}
