"""What stands in the log files: every entry once, for nobody else to read."""

import errno
import os
import re
import stat
import tempfile
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.events import EntryArrived, SessionBegun
from zchat.client.storage.log_files import LogFiles, file_name
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    LogState,
    MemberJoined,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
)

NOON_MS = 1_700_000_000_000


def opened(folder: Path) -> LogFiles:
    return LogFiles(folder, "ann", ["b:2", "a:1"], UTC)


def begin(files: LogFiles, **heads: int) -> None:
    logs = [LogState(f"#{room}", 0, head) for room, head in heads.items()]
    files.take(SessionBegun("ann", False, [*logs, LogState("@ann", 0, 99)], False, 1))


def hear(files: LogFiles, log: str, sequence: int, body: EntryBody | str, by: str = "bob") -> None:
    body = MessagePosted(body) if isinstance(body, str) else body
    files.take(EntryArrived(Entry(log, sequence, NOON_MS + sequence, by, body), False))


def text(folder: Path, name: str) -> str:
    return (folder / "ann@a%3A1" / f"{name}.log").read_text()


def test_what_is_said_and_what_happens_stands_there(tmp_path: Path) -> None:
    files = opened(tmp_path)
    hear(files, "#den", 1, "hello\n22:00 <eve> not said")
    hear(files, "#den", 2, MemberJoined(), "carl")
    hear(files, "#den", 3, MessageEdited(1, "hello!"))
    hear(files, "#den", 4, ReactionAdded(1, "+1"))
    hear(files, "#den", 5, MessageDeleted(1))
    hear(files, "@ann", 7, PrivateMessageSent("ann", "psst \x1b[2J"))
    files.close()
    assert text(tmp_path, "#den") == (
        "2023-11-14 22:13:20  1  <bob> hello\n"
        "\t22:00 <eve> not said\n"
        "2023-11-14 22:13:20  2  * carl joined #den\n"
        "2023-11-14 22:13:20  3  * bob edited 1: hello!\n"
        "2023-11-14 22:13:20  5  * bob deleted 1\n"
    )
    assert "\x1b" not in text(tmp_path, "@bob")
    assert "<bob> psst" in text(tmp_path, "@bob")


def test_they_belong_to_the_cluster_and_not_to_its_address(tmp_path: Path) -> None:
    """Of another cluster at the same address the sequences begin anew."""
    for address, cluster, words in (
        ("a:1", "one", ["first"]),
        ("localhost:1", "one", ["first", "second"]),
        ("a:1", "two", ["elsewhere"]),
    ):
        files = LogFiles(tmp_path, "ann", [address], UTC, cluster=cluster)
        for sequence, said in enumerate(words, 1):
            hear(files, "#den", sequence, said)
        files.close()
    assert {
        path.parent.name: path.read_text().count("<bob>") for path in tmp_path.glob("*/#den.log")
    } == {"ann@a%3A1": 2, "ann@a%3A1%20two": 1}


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        files = opened(tmp_path / "logs")
        hear(files, "#den", 1, "hello")
        files.close()
    finally:
        os.umask(old)
    for path in [tmp_path / "logs" / "ann@a%3A1", *(tmp_path / "logs").rglob("*.log")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_no_link_is_followed(tmp_path: Path) -> None:
    files = opened(tmp_path)
    (tmp_path / "ann@a%3A1" / "#den.log").symlink_to(tmp_path / "elsewhere")
    hear(files, "#den", 1, "hello")
    assert not files.flush()
    assert files.trouble.startswith("log files are written no more")
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_client_leaves_them_to_the_first(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert not first.trouble
    assert second.trouble
    for each in (first, second):
        hear(each, "#den", 1, "hello")
        each.close()
    assert text(tmp_path, "#den").count("hello") == 1


def test_another_log_of_the_name_begins_anew(tmp_path: Path) -> None:
    files = opened(tmp_path)
    hear(files, "#den", 7, "before")
    files.close()
    files = opened(tmp_path)
    begin(files, den=2)
    for sequence in (1, 2):
        hear(files, "#den", sequence, f"after {sequence}")
    files.close()
    files = opened(tmp_path)
    begin(files, den=3)
    for sequence in (2, 3):
        hear(files, "#den", sequence, f"after {sequence}")
    files.close()
    assert re.findall("before|begins anew|after .", text(tmp_path, "#den")) == [
        *("before", "begins anew", "after 1", "after 2", "after 3"),
    ]


def test_a_full_disk_leaves_no_half_of_an_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = opened(tmp_path)
    hear(files, "#den", 1, "first")
    files.flush()
    write = os.write
    written: list[bytes] = []

    def fills_up(file: int, content: bytes) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(content)
        return write(file, content[:5])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fills_up)
        hear(files, "#den", 2, "second")
        assert not files.flush()
    assert "No space left" in files.trouble
    assert [line.split()[-1] for line in text(tmp_path, "#den").splitlines()] == ["first"]
    hear(files, "#den", 3, "third")
    files.close()


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 40), st.booleans(), st.text(max_size=20)),
        min_size=1,
        max_size=8,
    )
)
def test_every_entry_stands_there_once_whatever_is_cut_off_or_sent_again(
    runs: list[tuple[int, int, bool, str]],
) -> None:
    """Each run hears the last ones again and some that are new, and may lose its last bytes."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ann@a%3A1" / "#den.log"
        said = 0
        for again, cut, flushes, words in [*runs, (6, 0, False, "")]:
            files = opened(Path(name))
            for sequence in range(max(1, said - again), said + 4):
                hear(files, "#den", sequence, f"{words}\nend {sequence}")
                if flushes:
                    files.flush()
            said += 3
            files.close()
            # As a crash would leave what was written last.
            content = path.read_bytes()
            newest = content.rindex(f"  {said}  ".encode()) - len("2023-11-14 22:13:20")
            left = content[: max(newest, len(content) - cut)]
            if b"\n" not in left[newest:]:
                path.write_bytes(left)
                said -= cut > 0
        found = re.findall(rb"^[\d-]+ [\d:]+  (\d+)  ", path.read_bytes(), re.MULTILINE)
        assert [int(number) for number in found] == list(range(1, said + 1))


NAMES = st.text(max_size=40)


@given(NAMES, NAMES)
def test_names_are_safe_as_those_of_files_and_stay_apart(one: str, other: str) -> None:
    name = file_name(f"#{one}")
    assert "/" not in name
    assert "\0" not in name
    assert not name.startswith(".")
    assert len(name.encode(errors="surrogatepass")) < 250
    if one != other and one.isprintable() and other.isprintable():
        assert name != file_name(f"#{other}")
