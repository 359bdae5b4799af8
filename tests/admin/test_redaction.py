"""`zchat-admin redact`: first what would go, and then that, some at a time."""

import json

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import LogPage
from zchat.protocol.operators import (
    FindMessages,
    ListSightings,
    MessagesFound,
    RedactMessages,
    RoomDetails,
    RoomPage,
    SightingInfo,
    SightingPage,
)
from zchat.protocol.rules.nonces import prefix_of
from zchat.protocol.rules.partitions import address_of_room

from .conftest import PARTITIONS, Type
from .served import Notes

GARDEN_AT = address_of_room("garden", PARTITIONS)
GARDEN = RoomDetails("garden", 2, "ann", 1, 9)
HOUR_MS = 3_600_000
WHEN_MS = 1_777_888_999_000


def with_spam(notes: Notes) -> None:
    """Of partition 0 there are two pages."""
    notes.answers = {
        "rooms/0": [
            MessagesFound({"#lobby": [3, 4]}, {"spam-1": 2}, True, "#lobby", 4),
            MessagesFound({"#lobby": [7], "#shed": [1]}, {"spam-1": 1, "spam-2": 1}, False),
        ],
        "rooms/1": [MessagesFound({"#garden": [2]}, {"spam-2": 1}, False)],
    }


def test_without_yes_it_only_says_what_would_go(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zchat.admin.times.now_ms", lambda: WHEN_MS)
    with_spam(notes)
    result = zchat_admin("redact", "--by", "Spam-*", "--by", "eve", "--since", "1h")
    assert result.output.splitlines() == [
        "5 messages of 2 users would go",
        "  #lobby: 3",
        "  #shed: 1",
        "  #garden: 1",
        "  by spam-1: 3",
        "  by spam-2: 2",
        "nothing was changed; with --yes they go",
    ]
    asked = FindMessages(["spam-*", "eve"], WHEN_MS - HOUR_MS)
    after = FindMessages(["spam-*", "eve"], WHEN_MS - HOUR_MS, after_log="#lobby", after=4)
    assert notes.queries == [("rooms/0", asked), ("rooms/0", after), ("rooms/1", asked)]
    assert notes.commands == []


def test_with_yes_all_of_it_goes_some_at_a_time(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REDACTED_MESSAGES_MAX", 2)
    with_spam(notes)
    result = zchat_admin(
        *("redact", "--by", "spam-*", "--since", "1h", "--reason", "spam", "--yes", "--json")
    )
    assert json.loads(result.stdout) == {
        "done": True,
        "messages": 5,
        "rooms": {"#lobby": 3, "#shed": 1, "#garden": 1},
        "authors": {"spam-1": 3, "spam-2": 2},
    }
    sent = [command for _, command in notes.commands]
    assert all(isinstance(each, RedactMessages) and each.reason == "spam" for each in sent)
    assert [(to, each.log, each.sequences) for to, each in notes.commands] == [
        ("rooms/0", "#lobby", [3, 4]),
        ("rooms/0", "#lobby", [7]),
        ("rooms/0", "#shed", [1]),
        ("rooms/1", "#garden", [2]),
    ]
    nonces = [each.nonce for each in sent]
    assert nonces == sorted(set(nonces)), "a service knows the newest of each client"
    assert len(set(map(prefix_of, nonces))) == 1


def test_a_message_that_two_of_the_authors_are_found_by_counts_once(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More authors than one query may have are asked for in parts, each of which finds it."""
    monkeypatch.setattr(limits, "FOUND_AUTHORS_MAX", 1)
    of_pattern = MessagesFound({"#garden": [2, 5], "#shed": [1]}, {"spam-1": 2, "spam-2": 1}, False)
    of_name = MessagesFound({"#garden": [2, 5]}, {"spam-1": 2}, False)
    notes.answers = {
        "rooms/0": [MessagesFound({}, {}, False)] * 2,
        "rooms/1": [of_pattern, of_name],
    }
    result = zchat_admin(
        *("redact", "--by", "spam-*", "--by", "spam-1", "--since", "1h", "--yes", "--json")
    )
    assert json.loads(result.stdout) == {
        "done": True,
        "messages": 3,
        "rooms": {"#garden": 2, "#shed": 1},
        "authors": {"spam-1": 2, "spam-2": 1},
    }
    sent = [(command.log, command.sequences) for _, command in notes.commands]
    assert sent == [("#garden", [2, 5]), ("#shed", [1])]


def test_of_an_address_the_names_count_that_came_from_there(
    notes: Notes, zchat_admin: Type
) -> None:
    seen = [SightingInfo(name, "192.0.2.7", 1, 2) for name in ("eve", "mallory")]
    nothing = MessagesFound({}, {}, False)
    notes.answers = {
        "users": [SightingPage(seen, False)],
        "rooms/0": [nothing],
        "rooms/1": [nothing],
    }
    zchat_admin("redact", "--by", "192.0.2.0/24", "--by", "Bob", "--since", "1h")
    assert notes.queries[0] == ("users", ListSightings("192.0.2.0/24"))
    assert [query.authors for _, query in notes.queries[1:]] == [["eve", "mallory", "bob"]] * 2


def test_an_address_that_nobody_came_from_asks_for_nothing(notes: Notes, zchat_admin: Type) -> None:
    notes.answers = {"users": [SightingPage([], False)]}
    result = zchat_admin("redact", "--by", "192.0.2.7", "--since", "1h", "--yes")
    assert result.output == "0 messages of 0 users go\ndone\n"
    assert (len(notes.queries), notes.commands) == (1, [])


def test_one_room_is_asked_for_where_it_is(notes: Notes, zchat_admin: Type) -> None:
    notes.answers = {GARDEN_AT: [RoomPage([GARDEN], False), MessagesFound({}, {}, False)]}
    result = zchat_admin("redact", "--by", "eve", "--since", "2026-05-04", "--room", "#garden")
    assert result.output == "0 messages of 0 users would go\n"
    (_, (address, query)) = notes.queries
    assert (address, query.log) == (GARDEN_AT, "#garden")


def test_a_room_that_is_closed_is_looked_through(notes: Notes, zchat_admin: Type) -> None:
    """Even if its oldest entries, or all of them, have been removed: its log has come somewhere."""
    found = MessagesFound({"#garden": [7]}, {"eve": 1}, False)
    notes.answers = {
        GARDEN_AT: [RoomPage([], False), LogPage("#garden", 1, 0, head=9, frames=b""), found]
    }
    result = zchat_admin("redact", "--by", "eve", "--since", "1h", "--room", "garden")
    assert result.output.startswith("1 message of 1 user would go\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_room_that_there_never_was_is_refused(
    notes: Notes, zchat_admin: Type, as_json: bool
) -> None:
    notes.answers = {GARDEN_AT: [RoomPage([], False), LogPage("#garden", 1, 0, head=0, frames=b"")]}
    options = ["--yes", "--json"] if as_json else ["--yes"]
    result = zchat_admin("redact", "--by", "eve", "--since", "1h", "--room", "garden", *options)
    sentence = "there is no room garden, and there never was one"
    assert (result.exit_code, notes.commands) == (1, [])
    if as_json:
        refused = {"done": False, "code": "unknown_room", "reason": sentence}
        assert json.loads(result.stdout) == refused
    else:
        assert result.output == f"Error: {sentence}\n"


def test_a_refusal_ends_it(notes: Notes, zchat_admin: Type) -> None:
    with_spam(notes)
    notes.refuse = "not now"
    result = zchat_admin("redact", "--by", "spam-*", "--since", "1h", "--yes")
    assert (result.exit_code, len(notes.commands)) == (1, 1)


def test_it_wants_to_know_from_when_on(notes: Notes, zchat_admin: Type) -> None:
    """A guest's name may have been somebody else's last week."""
    assert "--since" in zchat_admin("redact", "--by", "eve").output
    backwards = zchat_admin("redact", "--by", "e", "--since", "1h", "--until", "2h")
    assert "--until is not after --since" in backwards.output


def test_it_is_done_also_where_nobody_reads_on(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `| head -1`."""
    with_spam(notes)
    lines: list[str] = []

    def say(line: str) -> None:
        if lines:
            raise SystemExit(1)
        lines.append(line)

    monkeypatch.setattr("zchat.admin.commands.redaction.click.echo", say)
    zchat_admin("redact", "--by", "spam-*", "--since", "1h", "--yes")
    removed = [command for _, command in notes.commands if isinstance(command, RedactMessages)]
    assert sum(len(command.sequences) for command in removed) == 5
