"""Each kind of damage is found, and what is whole is found to be so."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import Struct
from msgspec.structs import replace

from zchat.admin.cli import main
from zchat.eventlog.verify import NotADatabase, verify
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import Entry, MessageEdited, MessagePosted, Redacted

from .data import damaging, make_data

_entries = Decoder(Entry)

ROOMS, USERS = "rooms-0.sqlite", "users.sqlite"
OTHER_FRAME = encode(Entry("#garden", 9, 0, "mallory", MessagePosted("x"))).hex()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_data(tmp_path / "data", moderated=True)
    return tmp_path / "data"


def test_what_services_write_is_whole(data: Path) -> None:
    for name in (ROOMS, USERS):
        report = verify(data / name)
        assert report.findings == []
        assert {"file", "entries", "logs", "nonces", "places", "outbox"} <= set(report.checked)
    assert verify(data / ROOMS).facts.members == {"ann", "bob", "dora"}
    assert verify(data / USERS).facts.users == frozenset({"ann", "bob", "zed"})


@pytest.mark.parametrize(
    ("name", "damage", "found"),
    [
        (ROOMS, "DELETE FROM rooms WHERE name = 'garden'", "'garden', which is not in rooms"),
        (USERS, "DELETE FROM users WHERE name = 'zed'", "'zed', which is not in users"),
        (ROOMS, "DELETE FROM entries WHERE position = 3", "position 4 comes after 2"),
        (ROOMS, "UPDATE entries SET sequence = 99 WHERE position = 3", "#garden has 99 after"),
        (ROOMS, "UPDATE entries SET frame = x'c1' WHERE position = 3", "cannot be read"),
        (
            ROOMS,
            f"UPDATE entries SET frame = x'{OTHER_FRAME}' WHERE position = 3",
            "says that it is #garden 9 of mallory",
        ),
        (ROOMS, "UPDATE nonces_written SET position = 5", "not in the index of nonces"),
        (
            ROOMS,
            "INSERT INTO nonces VALUES ('ann', x'0102030405060708090a0b0c0d0e0f10', 77)",
            "the index of nonces has one of ann, but no entry 77",
        ),
        (ROOMS, "INSERT INTO nonces VALUES ('ann', 'text', 77)", "ann that is no nonce"),
        (ROOMS, "UPDATE places_written SET position = 5", "the index of places lacks #garden 1"),
        (USERS, "UPDATE places_written SET position = 99", "the index of places lacks @bob 1"),
        (
            USERS,
            "INSERT INTO places VALUES ('@ann', 'zed', 7, 1)",
            "the index of places has @ann 7 of 'zed', but no such entry",
        ),
        (ROOMS, "UPDATE entries SET frame = 'text' WHERE position = 3", "#garden 3 cannot be read"),
        (
            ROOMS,
            "UPDATE entries SET nonce = x'00' WHERE author = 'bob'",
            "a nonce of bob stands with 9 entries",
        ),
        (ROOMS, "DELETE FROM members WHERE \"user\" = 'bob'", "bob is in garden by its timeline"),
        (
            ROOMS,
            "UPDATE members SET \"user\" = 'zoe' WHERE \"user\" = 'bob'",
            "zoe is in garden by the table of members",
        ),
        (ROOMS, "UPDATE sqlite_sequence SET seq = 0 WHERE name = 'outbox'", "not given yet"),
        (
            ROOMS,
            "INSERT INTO outbox (address, key, body) VALUES ('rooms/0', 'open room x', '')",
            "x was created, which nobody has done",
        ),
        (
            ROOMS,
            "UPDATE members SET role = 'owner' WHERE room = 'cellar' AND \"user\" = 'ann'",
            "ann is moderator in cellar by its timeline, and owner by row",
        ),
        (ROOMS, "UPDATE bans SET \"user\" = 'zoe'", "zoe of cellar is in the table of bans"),
        (ROOMS, "UPDATE mutes SET \"user\" = 'bob'", "bob of cellar is in the table of mutes"),
        (ROOMS, "UPDATE invitations SET \"user\" = 'bob'", "bob is invited to cellar, and in it"),
        (ROOMS, "UPDATE bans SET room = 'shed'", "bans has a row of 'shed', which is not in rooms"),
        (ROOMS, "UPDATE rooms SET topic = 'beer' WHERE name = 'cellar'", "the topic of cellar"),
        (ROOMS, "UPDATE rooms SET private = 0 WHERE name = 'cellar'", "the settings of cellar"),
        (ROOMS, "DELETE FROM pins", "of cellar is pinned by its timeline, and not by the table"),
        (ROOMS, "UPDATE pins SET sequence = 2", "2 of cellar is pinned by the table of pins"),
        (
            ROOMS,
            "UPDATE mentions SET \"user\" = 'zoe'",
            "zoe is mentioned in cellar, and not in it",
        ),
        (USERS, "UPDATE users SET deleted = 1 WHERE name = 'bob'", "bob is deleted, and not all"),
        (USERS, "UPDATE tokens SET device = 9", "two tokens of zed have one number"),
        (USERS, "UPDATE users SET ended = 1 WHERE name = 'bob'", "bob has ended, and nobody"),
        (
            USERS,
            "INSERT INTO outbox (address, key, body) VALUES ('rooms/0', 'end guest ann', '')",
            "told that ann has ended, which is not so",
        ),
        (USERS, "UPDATE entries SET log = '@zoe' WHERE log = '@bob'", "@zoe 1 of bob says that"),
        (ROOMS, "INSERT INTO floors VALUES ('#lobby', 0), ('', 99)", "not the 99 that there were"),
    ],
)
def test_damage_is_found(data: Path, name: str, damage: str, found: str) -> None:
    with damaging(data / name) as database:
        assert database.execute(damage).rowcount
    findings = verify(data / name).findings
    assert any(found in finding for finding in findings), findings


def cellar(data: Path) -> list[Entry]:
    with damaging(data / ROOMS) as database:
        question = "SELECT frame FROM entries WHERE log = '#cellar' ORDER BY sequence"
        return [_entries.decode(frame) for (frame,) in database.execute(question)]


def one_of(entries: list[Entry], kind: type[Struct], text: str = "") -> Entry:
    return next(
        entry
        for entry in entries
        if isinstance(entry.body, kind) and text in getattr(entry.body, "text", "")
    )


@pytest.mark.parametrize(
    ("kind", "text", "damaged", "found"),
    [
        (MessagePosted, "red after", {"body": MessagePosted("white")}, "has another text than"),
        (MessagePosted, "red after", {"edited": 0}, "was changed by a later entry"),
        (MessagePosted, "red after", {"edited": 3}, "has another text than by its log"),
        (MessagePosted, "red after", {"body": Redacted("ann")}, "is deleted, and not by its log"),
        (MessagePosted, "@room", {"reactions": {}}, "was changed by a later entry"),
        (MessagePosted, "@room", {"reactions": {"-1": ["ann"]}}, "has other reactions"),
        (Redacted, "", {"body": MessagePosted("rosé")}, "was changed by a later entry"),
        (Redacted, "", {"body": MessagePosted("rosé"), "edited": 9}, "and there still"),
        (Redacted, "", {"body": Redacted("bob")}, "is deleted, and not by its log"),
        (MessageEdited, "", {"body": MessageEdited(1, "white")}, "a text that is out of date"),
    ],
)
def test_a_message_that_is_not_as_it_has_become_is_found(
    data: Path, kind: type[Struct], text: str, damaged: dict[str, Any], found: str
) -> None:
    entry = one_of(cellar(data), kind, text)
    if isinstance(entry.body, MessageEdited):
        damaged = {"body": replace(entry.body, text="white")}
    with damaging(data / ROOMS) as database:
        question = "UPDATE entries SET frame = ? WHERE log = '#cellar' AND sequence = ?"
        database.execute(question, (encode(replace(entry, **damaged)), entry.sequence))
    findings = verify(data / ROOMS).findings
    assert any(found in finding for finding in findings), findings


def test_a_private_message_that_stands_only_once_is_found(data: Path) -> None:
    with damaging(data / USERS) as database:
        frame = encode(Entry("@bob", 2, 0, "bob", MessagePosted("other")))
        database.execute(
            "UPDATE entries SET frame = ?, author = 'bob' WHERE log = '@bob' AND sequence = 2",
            (frame,),
        )
    assert any("stands only in @ann" in finding for finding in verify(data / USERS).findings)


def test_broken_pages_are_found(data: Path) -> None:
    with (data / ROOMS).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert any("not whole" in f or "no whole" in f for f in verify(data / ROOMS).findings)


def test_what_is_removed_is_not_missed(data: Path) -> None:
    with damaging(data / ROOMS) as database:
        (count,) = database.execute(
            "SELECT count(*) FROM entries WHERE log = '#garden' AND sequence <= 4"
        ).fetchone()
        database.execute("DELETE FROM entries WHERE log = '#garden' AND sequence <= 4")
        database.execute("DELETE FROM nonces")
        database.execute("INSERT INTO floors VALUES ('#garden', ?), ('', 9)", (count,))
    assert verify(data / ROOMS).findings == []


def test_other_files_are_no_databases(data: Path) -> None:
    (data / "other.sqlite").touch()
    with pytest.raises(NotADatabase, match="no database of zchat"):
        verify(data / "other.sqlite")
    with pytest.raises(NotADatabase, match="no file"):
        verify(data / "none.sqlite")


def test_the_command_says_what_it_finds(data: Path) -> None:
    whole = CliRunner().invoke(main, ["verify", str(data)])
    assert (whole.exit_code, whole.output.splitlines()[-1]) == (0, "nothing is wrong")
    with damaging(data / ROOMS) as database:
        database.execute("DELETE FROM members")
    damaged = CliRunner().invoke(main, ["verify", str(data)])
    assert damaged.exit_code == 1
    assert "  ann is in garden by its timeline" in damaged.output
    assert '"findings": 5' in CliRunner().invoke(main, ["verify", str(data), "--json"]).output
