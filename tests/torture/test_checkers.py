"""Each breach is seen: a history that keeps every promise, and what is found if it is changed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from testbed.committed import Committed
from torture.checkers import Breach, CommittedLogs, check
from torture.recording import Fault, Recording, Sightings, Words
from torture.report import story, table
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent

ROOM, AUTHOR, FRIEND = "#room", "alice", "bob"
MESSAGES = 6


@dataclass
class World:
    """What a few messages to a room and to a friend leave behind, before anybody looks at it."""

    recording: Recording = field(default_factory=Recording)
    rooms: list[Committed] = field(default_factory=list)
    users: list[Committed] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = self.words = self.recording.words[AUTHOR] = Words(AUTHOR)
        for number in range(MESSAGES):
            log = (ROOM, f"@{FRIEND}")[number % 2]
            words.add(log, float(number))
            for place in words.places(number):
                self._write(place, number)
            words.answered(number, number // 2 + 1, number + 0.5)
        for listener, log in ((AUTHOR, ROOM), (FRIEND, ROOM), (FRIEND, f"@{FRIEND}")):
            seen = Sightings(0)
            for committed in self.rooms if log == ROOM else self.users:
                if committed.log == log:
                    seen.add(committed.entry, 10.0)
            self.recording.sightings.setdefault(listener, {})[log] = seen

    def _write(self, log: str, number: int) -> None:
        text = self.words.text(number)
        in_room = log == ROOM
        body = MessagePosted(text) if in_room else PrivateMessageSent(FRIEND, text)
        entries = self.rooms if in_room else self.users
        sequence = sum(one.log == log for one in entries) + 1
        entry = Entry(log, sequence, 0, AUTHOR, body)
        entries.append(Committed(len(entries) + 1, log, sequence, AUTHOR, None, entry))

    def seen(self, listener: str) -> Sightings:
        return self.recording.sightings[listener][ROOM]

    def breaches(self) -> set[Breach]:
        committed = CommittedLogs()
        committed.read("rooms", self.rooms)
        committed.read("users", self.users)
        return {finding.breach for finding in check(self.recording, committed)}


def moved(committed: Committed, place: int) -> Committed:
    """The same words at another place of the room."""
    entry = Entry(ROOM, place, 0, AUTHOR, committed.entry.body)
    return Committed(place, ROOM, place, AUTHOR, None, entry)


def lose_the_newest(world: World) -> None:
    world.rooms.pop()


def lose_one_of_the_two_of_a_private_message(world: World) -> None:
    world.users = [one for one in world.users if one.log == f"@{AUTHOR}"]


def lose_what_a_listener_has_not_seen_yet(world: World) -> None:
    for kept in (world.seen(FRIEND).sequences, world.seen(FRIEND).digests, world.seen(FRIEND).at_s):
        kept.pop()


def commit_twice(world: World) -> None:
    world.rooms.append(moved(world.rooms[0], len(world.rooms) + 1))


def show_twice(world: World) -> None:
    world.seen(FRIEND).add(world.rooms[-1].entry, 11.0)


def commit_in_another_order(world: World) -> None:
    first, second, third = world.rooms
    world.rooms = [first, moved(third, 2), moved(second, 3)]


def skip_a_sequence(world: World) -> None:
    del world.rooms[1]


def show_no_second(world: World) -> None:
    seen = world.seen(FRIEND)
    for kept in (seen.sequences, seen.digests, seen.at_s):
        del kept[1]


def show_other_words(world: World) -> None:
    world.seen(FRIEND).digests[1] += 1


def never_answer(world: World) -> None:
    world.words.answered(3, 0, float("nan"))


def commit_what_nobody_said(world: World) -> None:
    entry = Entry(ROOM, 4, 0, AUTHOR, MessagePosted(f"{MESSAGES} {AUTHOR}"))
    world.rooms.append(Committed(4, ROOM, 4, AUTHOR, None, entry))


def test_nothing_is_found_where_all_is_well() -> None:
    assert World().breaches() == set()


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        (lose_the_newest, Breach.LOST),
        (lose_one_of_the_two_of_a_private_message, Breach.LOST),
        (lose_what_a_listener_has_not_seen_yet, Breach.LOST),
        (commit_twice, Breach.DOUBLED),
        (show_twice, Breach.DOUBLED),
        (commit_in_another_order, Breach.INVERTED),
        (skip_a_sequence, Breach.GAP),
        (show_no_second, Breach.GAP),
        (show_other_words, Breach.OTHER),
        (never_answer, Breach.OTHER),
        (commit_what_nobody_said, Breach.OTHER),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_it_is_found_if_one_were_to(change: Callable[[World], None], breach: Breach) -> None:
    world = World()
    change(world)
    assert breach in world.breaches()


def test_a_breach_is_counted_with_the_last_fault_before_it() -> None:
    world = World()
    world.recording.words[FRIEND] = Words(FRIEND)
    world.recording.faults += [
        Fault("kill -9", "router", 0.0, 0.4, 0.6),
        Fault("hang", "router", 2.9, 3.2, 3.6),
        # Somebody else's connection has nothing to do with it.
        Fault("TCP reset", "client", 3.0, 3.0, 3.1, hurts=FRIEND),
        Fault("kill -9", "router", 4.0, 4.1, 4.6),
    ]
    world.users = [one for one in world.users if "3 alice" not in str(one.entry.body)]
    committed = CommittedLogs()
    committed.read("users", ())
    (lost,) = [
        one
        for one in check(world.recording, committed)
        if one.breach is Breach.LOST and one.text.startswith("3 of alice never")
    ]
    rows = {line[:15].strip(): line.split() for line in table(world.recording, [lost]).splitlines()}
    count, acknowledged, losses, *_, p50, p99, longest = rows["hang router"][2:]
    assert (count, acknowledged, losses) == ("1", "1", "1")
    # Number 3 was said while it hung.
    assert {p50, p99, longest} == {"0.50"}
    assert rows["kill -9 router"][3:6] == ["2", "2", "0"]
    assert "hang router 0.60 s before, kill -9 router 3.50 s before" in story(world.recording, lost)
