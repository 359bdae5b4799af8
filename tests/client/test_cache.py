"""What a client keeps between two runs, on a real disk."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from zchat.client.core.events import Answered, EntryArrived, Event, SessionBegun
from zchat.client.files import data_folder
from zchat.client.model.book import Book
from zchat.client.model.conversation import Kept
from zchat.client.storage import cache as cache_module
from zchat.client.storage.cache import Cache
from zchat.client.text.entries import words_of
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    History,
    LogState,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReadHistory,
)

ADDRESSES = ("chat.example:7447",)


class Run:
    """One run of a client: a cache and a book, which hear the same."""

    def __init__(self, folder: Path, me: str = "ann") -> None:
        self.cache = Cache(me, ADDRESSES, folder)
        self.kept = self.cache.load()
        self.book = Book(me)
        self.book.restore(self.kept)

    def hear(self, *events: Event) -> None:
        for event in events:
            self.cache.take(event)
            self.book.apply(event, 0.0)

    def flush(self) -> None:
        self.cache.flush(self.book.take_touched())

    def stop(self) -> None:
        self.flush()
        self.cache.close()

    def texts(self, key: str) -> list[str]:
        return [words_of(item, "ann") for item in self.book.open(key).items]


def begun(*logs: LogState, since_ms: int = 1) -> SessionBegun:
    return SessionBegun("ann", False, list(logs), False, since_ms)


def came(log: str, sequence: int, body: EntryBody | str, author: str = "bob") -> EntryArrived:
    if isinstance(body, str):
        body = MessagePosted(body) if log[0] == "#" else PrivateMessageSent("ann", body)
    return EntryArrived(Entry(log, sequence, 1_000 * sequence, author, body), False)


BEGUN = begun(LogState("#den", 0, 0), LogState("@ann", 0, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "zchat"


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    """One that has heard something, and goes on."""
    run = Run(folder)
    run.hear(BEGUN, came("#den", 1, "one"), came("#den", 2, "two"), came("@ann", 1, "psst"))
    yield run
    run.cache.close()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if ".db" in path.name]


def test_what_was_seen_is_there_at_once_the_next_time(run: Run, folder: Path) -> None:
    run.book.pin("#den", pinned=True)
    run.book.read("#den")
    run.stop()
    again = Run(folder)
    assert again.cache.trouble == ""
    assert again.texts("#den") == ["one", "two"]
    assert again.texts("@bob") == ["psst"]
    den, bob = again.book.conversations["#den"], again.book.conversations["@bob"]
    assert (den.pinned, den.marker, den.unread, bob.unread) == (True, 2, 0, 1)
    assert again.kept.cursors == {"#den": 2, "@ann": 1}, "the server sends what follows"
    again.hear(begun(LogState("#den", 2, 3), LogState("@ann", 1, 1)), came("#den", 3, "three"))
    assert again.texts("#den") == ["one", "two", "three"]
    again.cache.close()


def test_what_was_not_written_is_neither_kept_nor_counted_as_seen(run: Run, folder: Path) -> None:
    run.flush()
    run.hear(came("#den", 3, "lost"))
    run.cache.close()
    again = Run(folder)
    assert again.texts("#den") == ["one", "two"]
    assert again.kept.cursors["#den"] == 2
    again.cache.close()


def test_messages_are_kept_as_they_have_become(run: Run, folder: Path) -> None:
    run.flush()
    run.hear(came("#den", 3, MessageEdited(1, "first")), came("@ann", 2, MessageDeleted(1)))
    run.stop()
    again = Run(folder)
    assert again.texts("#den") == ["first", "two"]
    assert again.texts("@bob") == [""]
    again.cache.close()


def test_what_was_deleted_is_nowhere_in_the_file(run: Run, folder: Path) -> None:
    # So long that it fills pages of its own, which are free then.
    run.hear(came("#den", 3, "unspeakable " * 1_000))
    run.flush()
    assert any(b"unspeakable" in path.read_bytes() for path in files(folder))
    run.hear(came("#den", 4, MessageDeleted(3)))
    run.stop()
    assert not any(b"unspeakable" in path.read_bytes() for path in files(folder))


def test_older_ones_are_read_when_they_are_wanted(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.hear(*(came("#den", sequence, f"{sequence}") for sequence in range(3, 31)))
    run.stop()
    monkeypatch.setattr(cache_module, "LOADED_ENTRIES", 10)
    again = Run(folder)
    assert again.texts("#den") == [f"{sequence}" for sequence in range(21, 31)]
    assert again.book.conversations["#den"].unread == 30
    before = again.book.first("#den")
    page = again.cache.older("#den", before, 15)
    assert page is not None
    again.book.loaded("#den", page, before)
    assert again.texts("#den") == [f"{sequence}" for sequence in range(6, 31)]
    assert again.cache.older("#den", 1, 15) is None, "the server is asked for what is not here"
    again.cache.close()


def test_pages_of_history_are_kept_where_they_leave_no_gap(run: Run, folder: Path) -> None:
    run.hear(begun(LogState("#den", 500, 500), LogState("@ann", 1, 1)))
    far = [Entry("#den", 300, 0, "bob", MessagePosted("far"))]
    near = [Entry("#den", 499, 0, "bob", MessagePosted("near"))]
    run.hear(
        Answered(
            1, ReadHistory(log="#den", limit=1, before=301), History(1, "#den", far, more=True)
        )
    )
    run.hear(
        Answered(
            2, ReadHistory(log="#den", limit=1, before=501), History(2, "#den", near, more=True)
        )
    )
    run.stop()
    again = Run(folder)
    assert again.texts("#den") == ["near"]
    assert again.book.first("#den") == 499
    again.cache.close()


def test_a_log_that_does_not_go_on_is_forgotten(run: Run, folder: Path) -> None:
    run.flush()
    run.hear(begun(LogState("#den", 0, 1), LogState("@ann", 1, 1)), came("#den", 1, "new"))
    run.stop()
    again = Run(folder)
    assert again.texts("#den") == ["new"], "the server has been set up anew"
    assert again.texts("@bob") == ["psst"]
    again.hear(begun(LogState("@ann", 1, 1)))
    again.stop()
    last = Run(folder)
    assert "#den" not in last.book.conversations, "the user is not in it any more"
    last.cache.close()


def test_another_user_of_the_name_finds_nothing(run: Run, folder: Path) -> None:
    run.cache.keep_draft("@bob", "dear bob")
    run.cache.keep_input("dear bob")
    run.cache.keep_unsent("@bob", "dear bob", 0, 1_000)
    run.cache.keep_setting("theme", "dark")
    run.flush()
    run.hear(begun(LogState("#den", 2, 2), LogState("@ann", 1, 1), since_ms=9))
    run.stop()
    again = Run(folder)
    assert again.texts("#den") == []
    assert again.texts("@bob") == []
    assert again.kept.drafts == {}
    assert again.kept.unsent == []
    assert again.cache.inputs() == []
    assert again.kept.since_ms == 9
    assert again.cache.settings() == {"theme": "dark"}, "of this machine, and of no name"
    again.cache.close()


def test_drafts_are_kept_at_once_and_wait_for_their_conversation(run: Run, folder: Path) -> None:
    run.flush()
    run.cache.keep_draft("#den", "half a")
    run.cache.keep_draft("#den", "half a sentence")
    run.cache.keep_draft("@cat", "dear cat")
    run.cache.keep_draft("@bob", "gone")
    run.cache.keep_draft("@bob", "")
    run.cache.close()
    again = Run(folder)
    assert again.book.conversations["#den"].draft == "half a sentence"
    assert again.book.conversations["@bob"].draft == ""
    assert "@cat" not in again.book.conversations
    assert again.book.open("@cat").draft == "dear cat"
    again.cache.close()


def test_what_was_said_is_kept_until_it_is_confirmed(run: Run, folder: Path) -> None:
    run.flush()
    first = run.cache.keep_unsent("#den", "first", 2, 5_000)
    second = run.cache.keep_unsent("@bob", "second", 0, 6_000)
    run.cache.flush(confirmed=[first])
    run.cache.close()
    again = Run(folder)
    (said,) = again.book.unsent
    assert (said.text, said.at_ms, said.kept) == ("second", 6_000, second)
    assert said.is_unsent
    assert again.texts("@bob") == ["psst", "second"]
    # Its entry comes after all.
    again.hear(begun(LogState("#den", 2, 2), LogState("@ann", 1, 2)))
    again.hear(came("@ann", 2, PrivateMessageSent("bob", "second"), "ann"))
    assert again.texts("@bob") == ["psst", "second"]
    assert said.sequence == 2
    again.cache.close()


def test_numbers_of_what_was_said_are_never_used_again(run: Run, folder: Path) -> None:
    number = run.cache.keep_unsent("#den", "first", 0, 5_000)
    run.cache.flush(confirmed=[number])
    run.cache.close()
    again = Run(folder)
    assert again.cache.keep_unsent("#den", "second", 0, 6_000) > number
    again.cache.close()


def test_what_was_typed_is_there_in_its_order(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "INPUTS_MAX", 3)
    for text in ("a", "b", "c", "a", "d"):
        run.cache.keep_input(text)
    assert run.cache.inputs() == ["c", "a", "d"]


def test_nothing_grows_without_end(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "CONVERSATION_ENTRIES_MAX", 10)
    monkeypatch.setattr(cache_module, "CACHE_ENTRIES_MAX", 30)
    monkeypatch.setattr(cache_module, "CONVERSATIONS_MAX", 5)
    for sequence in range(2, 62):
        run.hear(came("@ann", sequence, f"{sequence}", f"user{sequence % 10}"))
        run.hear(came("#den", sequence + 1, f"{sequence + 1}"))
        run.flush()
    run.stop()
    again = Run(folder)
    kept = {each.conversation.key: each for each in again.kept.conversations}
    assert len(kept) <= 6
    assert sum(len(each.entries) for each in kept.values()) <= 33
    den = [item.sequence for item in again.book.conversations["#den"].items]
    assert den == list(range(den[0], 63)), "the newest, without a gap"
    assert 10 <= len(den) <= 11
    assert again.kept.cursors == {"#den": 62, "@ann": 61}
    # What was left out is not taken for whole when more of it comes.
    for sequence, key in enumerate((key for key in kept if key[0] == "@"), start=62):
        again.hear(came("@ann", sequence, "more", key[1:]))
        items = again.book.conversations[key].items
        assert [item.sequence for item in items][-1] == sequence
    again.cache.close()


# --- Files --------------------------------------------------------------------------------------


def test_nobody_else_can_read_it(run: Run, folder: Path) -> None:
    run.flush()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(files(folder)) > 1
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_it_is_where_data_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "zchat"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_folder() == Path.home() / ".local/share/zchat"


def test_users_and_servers_have_files_of_their_own(run: Run, folder: Path) -> None:
    run.flush()
    for other in (Cache("bob", ADDRESSES, folder), Cache("ann", ("other:1",), folder)):
        assert other.trouble == ""
        assert other.load().conversations == []
        other.close()


def test_what_was_kept_for_the_addresses_becomes_the_clusters(run: Run, folder: Path) -> None:
    run.cache.keep_draft("#den", "half a word")
    run.stop()
    for addresses in (ADDRESSES, ("localhost:1",)):
        cache = Cache("ann", addresses, folder, cluster="c0ffee")
        assert (cache.trouble, cache.load().cursors) == (
            "",
            run.kept.cursors | {"#den": 2, "@ann": 1},
        )
        cache.close()
    assert Cache("ann", ADDRESSES, folder, cluster="another").load().cursors == {}


def test_what_an_older_client_is_using_is_left_to_it(run: Run, folder: Path) -> None:
    run.flush()
    other = Cache("ann", ADDRESSES, folder, cluster="c0ffee")
    assert (other.trouble, other.load().cursors) == ("", {})
    run.stop()


def test_a_second_client_reads_and_writes_nothing(run: Run, folder: Path) -> None:
    run.flush()
    second = Run(folder)
    assert "another zchat-client" in second.cache.trouble
    assert second.texts("#den") == ["one", "two"]
    second.hear(begun(LogState("#den", 2, 2), LogState("@ann", 1, 1)), came("#den", 3, "three"))
    second.cache.keep_draft("#den", "hello")
    second.stop()
    run.stop()
    third = Run(folder)
    assert third.cache.trouble == ""
    assert third.texts("#den") == ["one", "two"]
    assert third.book.conversations["#den"].draft == ""
    third.cache.close()


def test_a_broken_file_is_set_aside(run: Run, folder: Path) -> None:
    run.stop()
    (path,) = files(folder)
    path.write_bytes(b"this is no database" * 1_000)
    again = Run(folder)
    assert "set aside" in again.cache.trouble
    assert again.kept == Kept()
    again.hear(BEGUN, came("#den", 1, "one"))
    again.stop()
    assert path.with_suffix(".aside").read_bytes().startswith(b"this is no database")
    last = Run(folder)
    assert last.cache.trouble == ""
    assert last.texts("#den") == ["one"]
    last.cache.close()


def test_a_file_that_is_broken_inside_is_set_aside_with_what_can_be_saved(
    run: Run, folder: Path
) -> None:
    run.cache.keep_setting("theme", "dark")
    run.stop()
    (path,) = files(folder)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE conversations SET state = X'C1'")
    database.close()
    again = Run(folder)
    assert "set aside" in again.cache.trouble
    assert again.kept == Kept()
    assert again.cache.settings() == {"theme": "dark"}
    again.cache.close()


def test_of_another_version_what_was_typed_survives(run: Run, folder: Path) -> None:
    run.cache.keep_draft("@cat", "dear cat")
    run.cache.keep_input("hello")
    run.cache.keep_unsent("@cat", "are you there?", 0, 1_000)
    run.stop()
    (path,) = files(folder)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
        database.execute("DROP TABLE settings")
    database.close()
    again = Run(folder)
    assert "another version" in again.cache.trouble
    assert again.texts("#den") == []
    assert again.kept.drafts == {"@cat": "dear cat"}
    assert [said.text for said in again.kept.unsent] == ["are you there?"]
    assert again.cache.inputs() == ["hello"]
    again.cache.close()


def test_without_a_place_to_keep_it_everything_works(tmp_path: Path) -> None:
    (tmp_path / "zchat").write_text("a file")
    run = Run(tmp_path / "zchat")
    assert "cannot be kept" in run.cache.trouble
    run.hear(BEGUN, came("#den", 1, "one"))
    run.cache.keep_draft("#den", "hello")
    run.flush()
    assert run.texts("#den") == ["one"]
    assert run.cache.older("#den", 2, 10) is None
    run.stop()


def test_a_disk_that_is_full_is_said_and_nothing_else_happens(run: Run, folder: Path) -> None:
    run.flush()
    database = run.cache._file.database
    assert database is not None
    database.execute("PRAGMA max_page_count = 1")
    run.hear(came("#den", 3, "x" * 16_000), came("#den", 4, MessageEdited(1, "y" * 16_000)))
    run.hear(*(came("#den", sequence, "x" * 16_000) for sequence in range(5, 20)))
    run.flush()
    assert "not kept any more" in run.cache.trouble
    run.hear(came("#den", 20, "still here"))
    assert run.texts("#den")[-1] == "still here"
    again = Run(folder)
    assert again.texts("#den") == ["one", "two"]
    assert again.kept.cursors["#den"] == 2
    again.cache.close()


def test_a_link_that_somebody_has_put_there_is_not_followed(folder: Path, tmp_path: Path) -> None:
    run = Run(folder)
    run.stop()
    (path,) = files(folder)
    path.unlink()
    target = tmp_path / "target"
    target.write_bytes(b"")
    path.symlink_to(target)
    again = Run(folder)
    assert "cannot be kept" in again.cache.trouble
    assert target.read_bytes() == b""
    again.cache.close()
