"""Rooms that are imported: as they were, once, and by operators only."""

import pytest

from zchat.eventlog.core.timeline import stored_stream_page
from zchat.protocol.messages import (
    Done,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    RefusalCode,
    RoomCreated,
    Standing,
)
from zchat.protocol.operators import (
    ImportedEntry,
    ImportedFacts,
    ImportEntries,
    SetRetention,
)

from .playbook import Rooms, refused

FACTS = ImportedFacts(7, "roses")


def batch(start: int, *texts: str, facts: ImportedFacts | None = None) -> ImportEntries:
    entries = [ImportedEntry(start + n, "eve", MessagePosted(text)) for n, text in enumerate(texts)]
    return ImportEntries(1, b"a file's digest..", start, "#garden", entries, facts)


def test_a_room_appears_with_its_first_entries(rooms: Rooms) -> None:
    assert rooms.do("", batch(0, "one", "two", facts=FACTS)) == Done(1, "#garden", 1)
    assert rooms.do("", batch(2, "three")) == Done(1, "#garden", 3)

    room = rooms.core.rooms["garden"]
    assert (room.topic, room.created_at_ms, room.members) == ("roses", 7, {})
    assert rooms.entries("garden") == [
        (1, "eve", MessagePosted("one")),
        (2, "eve", MessagePosted("two")),
        (3, "eve", MessagePosted("three")),
    ]
    assert rooms.loaded().rooms == rooms.core.rooms


def test_what_was_imported_is_not_imported_again(rooms: Rooms) -> None:
    for again in (False, True):
        first = rooms.do("", batch(0, "one", facts=FACTS))
        assert first == Done(1, "#garden", 1, again)
        assert rooms.do("", batch(1, "two")) == Done(1, "#garden", 2, again)
        rooms.core = rooms.loaded()
    assert len(rooms.entries("garden")) == 2


def test_nobody_follows_a_room_by_what_was_imported(rooms: Rooms) -> None:
    """Not now, and not by what is read again later: who has such a name here is somebody else."""
    bodies = (RoomCreated(), MemberJoined(), MemberLeft())
    entries = [ImportedEntry(5, "eve", body) for body in bodies]
    rooms.give("", ImportEntries(1, b"a file's digest..", 0, "#garden", entries, FACTS))
    appended, page = rooms.core.timeline.take()
    assert page is not None
    assert [chunk.changes for chunk in page.chunks] == [[]]
    rooms.store.commit(appended, [], [], [])
    stored = stored_stream_page(rooms.store.read_stream(0, 100, 1 << 30), page.first, page.last)
    assert stored == page


def test_a_name_that_is_taken_stays_as_it_is(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    command = batch(0, "one", facts=FACTS)
    assert refused(rooms.do("", command)) is RefusalCode.ROOM_EXISTS
    assert len(rooms.entries("garden")) == 1


def test_an_import_begins_at_the_beginning(rooms: Rooms) -> None:
    assert refused(rooms.do("", batch(1, "two"))) is RefusalCode.UNKNOWN_ROOM


@pytest.mark.parametrize(
    "command", [batch(0, "one", facts=FACTS), SetRetention(1, "#", 5)], ids=["import", "retention"]
)
def test_only_operators_may(rooms: Rooms, command: ImportEntries | SetRetention) -> None:
    assert refused(rooms.do("ann", command)) is RefusalCode.NOT_ALLOWED
    rooms.standing = Standing.ACCOUNT
    assert refused(rooms.do("", command)) is RefusalCode.NOT_ALLOWED


def test_how_long_entries_are_kept_is_said_and_audited(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    for log, keep_s in (("#", 100), ("#garden", None)):
        assert rooms.give("", SetRetention(1, log, keep_s)) == Done(1)
    effects = rooms.core.effects
    assert [policy[:2] for policy in effects.policies] == [("#", 100), ("#garden", None)]
    assert [(record.action, record.subject) for record in effects.audits] == [
        ("set_retention", "#"),
        ("set_retention", "#garden"),
    ]
    unknown = rooms.give("", SetRetention(1, "#nowhere", 1))
    assert refused(unknown) is RefusalCode.UNKNOWN_LOG
