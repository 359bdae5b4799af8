"""A cursor on the disk: one process has it, and it is whole or not there."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zchat.client.exit_codes import REFUSED, WRONG_USAGE, Failed
from zchat.client.storage.cursor_file import SavedCursor, cursor_folder, cursor_name

ADDRESSES = ["127.0.0.1:1", "127.0.0.1:2"]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def save(positions: dict[str, int]) -> None:
    """As a process does that ends then."""
    saved = SavedCursor("x", "ann", ADDRESSES)
    saved.save(positions)
    saved.let_go()


def files() -> list[Path]:
    return sorted(path for path in cursor_folder().iterdir() if path.suffix != ".lock")


def test_what_was_saved_is_there_again() -> None:
    save({"#ops": 5, "@bob": 2})
    saved = SavedCursor("x", "ann", ADDRESSES[::-1])
    assert saved.positions == {"#ops": 5, "@bob": 2}
    saved.save({"#ops": 6})
    saved.let_go()
    # Of a place that was not asked for this time, too.
    assert SavedCursor("x", "ann", ADDRESSES).positions == {"#ops": 6, "@bob": 2}


def test_each_user_server_and_name_has_its_own() -> None:
    for name, user, addresses in (
        ("x", "ann", ADDRESSES),
        ("y", "ann", ADDRESSES),
        ("x", "bob", ADDRESSES),
        ("x", "ann", ADDRESSES[:1]),
    ):
        saved = SavedCursor(name, user, addresses)
        assert saved.positions == {}
        saved.save({"#ops": 1})
    assert len(files()) == 4


def test_two_cannot_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zchat.client.storage.cursor_file.LOCK_WAIT_S", 0.0)
    saved = SavedCursor("x", "ann", ADDRESSES)
    with pytest.raises(Failed, match="another process uses the cursor") as error:
        SavedCursor("x", "ann", ADDRESSES)
    assert error.value.code == REFUSED
    saved.let_go()
    SavedCursor("x", "ann", ADDRESSES)


def test_the_next_one_waits_for_the_one_before_it() -> None:
    saved = SavedCursor("x", "ann", ADDRESSES)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(SavedCursor, "x", "ann", ADDRESSES)
        saved.save({"#ops": 7})
        saved.let_go()
        assert waiting.result(10).positions == {"#ops": 7}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 1}', '{"version": 2, "positions": {}}', "null"]
)
def test_one_that_is_damaged_is_not_begun_anew(text: str) -> None:
    save({"#ops": 1})
    [path] = files()
    path.write_text(text)
    with pytest.raises(Failed, match="is damaged") as error:
        SavedCursor("x", "ann", ADDRESSES)
    assert error.value.code == WRONG_USAGE
    assert path.read_text() == text


def test_a_write_that_was_broken_off_leaves_the_former_one() -> None:
    save({"#ops": 1})
    [path] = files()
    path.with_name(f".{path.name}.0a1b2c").write_text('{"version": 1, "pos')
    saved = SavedCursor("x", "ann", ADDRESSES)
    assert saved.positions == {"#ops": 1}
    saved.save({"#ops": 2})
    assert json.loads(path.read_text())["positions"] == {"#ops": 2}


def test_nothing_is_written_where_nothing_is_new() -> None:
    saved = SavedCursor("x", "ann", ADDRESSES)
    saved.save({"#ops": 1})
    [path] = files()
    path.unlink()
    saved.save({"#ops": 1})
    assert files() == []


def test_a_name_is_no_path() -> None:
    assert cursor_name("deploys-2") == "deploys-2"
    for text in ("", "../x", "a/b", ".x", "x" * 65, "a b"):
        with pytest.raises(ValueError, match="no name of a cursor"):
            cursor_name(text)


# --- Of a cluster ---------------------------------------------------------------------------------


def test_it_is_the_clusters_whatever_its_address_is_called() -> None:
    saved = SavedCursor("x", "ann", ["127.0.0.1:1"], "c0ffee")
    saved.save({"#ops": 7})
    saved.let_go()
    assert SavedCursor("x", "ann", ["localhost:1"], "c0ffee").positions == {"#ops": 7}
    assert SavedCursor("x", "ann", ["127.0.0.1:1"], "another").positions == {}


def test_one_that_was_kept_for_the_addresses_is_taken_over() -> None:
    save({"#ops": 7})
    assert SavedCursor("x", "ann", ADDRESSES, "c0ffee").positions == {"#ops": 7}
    assert len(files()) == 1
    # It was of one cluster, and is no other one's.
    assert SavedCursor("x", "ann", ADDRESSES, "another").positions == {}
