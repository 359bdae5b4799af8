"""What is read from an export is what a service could have let in, or it is refused."""

import json
from pathlib import Path

import pytest

from zchat.admin.exported import (
    BadExport,
    Line,
    import_nonce,
    read_header,
    read_lines,
    standing_alone,
    still_in,
)
from zchat.protocol.messages import (
    EntryBody,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)

HEADER = {
    "zchat_export": 1,
    "kind": "room",
    "name": "garden",
    "exported_at": "2030-01-01T00:00:00Z",
    "software": "zchat 9",
    "from_a_newer_release": True,
}


def line(sequence: int, author: str, kind: str, **body: object) -> dict[str, object]:
    return {"sequence": sequence, "at_ms": 1, "author": author, "body": {"kind": kind, **body}}


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "room.jsonl"


def test_header_and_entries_are_read(path: Path) -> None:
    written(
        path,
        HEADER,
        line(3, "ann", "room_created"),
        line(4, "bob", "member_joined"),
        line(9, "zchat", "message_posted", text="two\nlines"),
    )
    assert read_header(path, "room").name == "garden"
    assert [one.sequence for one in read_lines(path)] == [3, 4, 9]


def test_who_is_still_in_is_known(path: Path) -> None:
    entries = [
        line(1, "ann", "room_created"),
        *(line(n, name, "member_joined") for n, name in enumerate(("bob", "eve", "dan"), 2)),
        line(5, "bob", "member_left"),
        line(6, "ann", "member_kicked", user="eve", reason=""),
    ]
    assert still_in(read_lines(written(path, HEADER, *entries))) == (["ann", "dan"], 1)
    closed = line(7, "ann", "room_closed", reason="")
    assert still_in(read_lines(written(path, HEADER, *entries, closed))) == ([], 1)


def test_who_was_added_is_in(path: Path) -> None:
    entries = [line(1, "ann", "room_created"), line(2, "ann", "member_added", user="bob")]
    assert still_in(read_lines(written(path, HEADER, *entries))) == (["ann", "bob"], 1)


def test_what_refers_to_another_entry_stands_alone_where_that_has_another_number() -> None:
    amending: list[EntryBody] = [
        MessageEdited(1, "text"),
        MessageDeleted(1),
        ReactionAdded(1, "+1"),
        ReactionRemoved(1, "+1"),
        MessagePinned(1),
        MessageUnpinned(1),
    ]
    became: list[EntryBody] = [
        MessagePosted("text"),
        Redacted("bob"),
        MessagePosted("indeed", reply_to=1),
        PrivateMessageSent("bob", "psst", reply_to=1, twin=7),
    ]
    lines = [Line(n, 5, "ann", body) for n, body in enumerate(became + amending, 1)]

    assert [(one.sequence, one.body) for one in standing_alone(lines)] == [
        (1, MessagePosted("text")),
        (2, Redacted("bob")),
        (3, MessagePosted("indeed")),
        (4, PrivateMessageSent("bob", "psst")),
    ]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("no entry", "line 2 is no entry"),
        (line(1, "ann", "something_new"), "line 2 is no entry"),
        (line(0, "ann", "member_left"), "0 comes after 0"),
        (line(1, "Ann", "member_left"), "not how that name is spelled"),
        (line(1, "a b", "member_left"), "no name"),
        (line(1, "ann", "message_posted", text="\x1b[2J"), "what nobody may say"),
        (
            {
                **line(1, "ann", "reaction_added"),
                "body": {"kind": "reaction_added", "sequence": 1, "emoji": "\x1b"},
            },
            "what nobody may say",
        ),
        (line(1, "ann", "redacted", by="B"), "not how that name"),
        (line(1, "ann", "message_posted", text="x" * 16_001), "what nobody may say"),
        (line(1, "ann", "private_message_sent", to="B", text="x"), "not how that name"),
        ({**line(1, "ann", "member_left"), "at_ms": -1}, "no"),
    ],
)
def test_what_no_service_would_have_written_is_refused(path: Path, entry: object, why: str) -> None:
    with pytest.raises(BadExport, match=why):
        list(read_lines(written(path, HEADER, entry)))


def test_what_an_account_has_said_in_rooms_is_passed_over(path: Path) -> None:
    header = {**HEADER, "zchat_export": 2, "kind": "account"}
    entry = {"sequence": 5, "at_ms": 1, "author": "ann", "body": {"kind": "member_joined"}}
    written(path, header, entry, {**entry, "sequence": 2, "log": "#garden"})
    assert read_header(path, "account").zchat_export == 2
    assert [line.sequence for line in read_lines(path)] == [5]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("nothing", "no header"),
        ({**HEADER, "zchat_export": 3}, "format 3; 1 and 2 are known"),
        ({**HEADER, "kind": "account"}, "of one account"),
    ],
)
def test_other_files_are_refused(path: Path, header: object, why: str) -> None:
    with pytest.raises(BadExport, match=why):
        read_header(written(path, header), "room")


def test_an_import_is_known_by_file_and_place(path: Path, tmp_path: Path) -> None:
    written(path, HEADER)
    same = written(tmp_path / "copy", HEADER)
    assert import_nonce(path, "#garden") == import_nonce(same, "#garden")
    assert import_nonce(path, "#garden") != import_nonce(path, "#attic")
    written(same, HEADER, "more")
    assert import_nonce(path, "#garden") != import_nonce(same, "#garden")
