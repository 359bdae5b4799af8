"""What is said, written besides into plain text files: one for each conversation.

Each line that begins an entry has its time and its sequence, by which a later run knows what is
there already; other lines of a text begin with a tab. So every entry stands there once, whatever is
sent again, and what a crash has cut off is written anew.
"""

import fcntl
import os
import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Final

from zchat.client.core.events import EntryArrived, Event, SessionBegun
from zchat.client.model.entries import conversation_of
from zchat.client.text.entries import action_of, in_short, sentence
from zchat.protocol.messages import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    inbox_log,
)
from zchat.protocol.rules.names import printable, safe_text

TAIL_BYTES: Final = 256 * 1024
"""The longest entry is shorter, so the last one that has begun is always found in so much."""
NAME_BYTES_MAX: Final = 200
"""For the name of a file; systems take up to 255 bytes."""
WAITING_ENTRIES_MAX: Final = 1_000
"""With so many they are written before anybody calls `flush`."""
_CLUSTER: Final = ".cluster"
"""The name of a file that says to which cluster its neighbours belong."""
_BEGINNING: Final = re.compile(rb"^[\d-]+ [\d:]+  (\d+)  ", re.MULTILINE)


class LogFiles:
    """The files of one user in the cluster that has these addresses. Nothing here raises.

    They are found again under another address of the `cluster`. Those of another cluster that was
    here before are left alone, since its sequences mean other messages. `trouble` says in a
    sentence what is not written any more; it is empty if all is well.
    """

    def __init__(
        self,
        folder: Path,
        me: str,
        addresses: Sequence[str],
        zone: tzinfo | None = None,
        *,
        cluster: str = "",
    ) -> None:
        self.trouble = ""
        self._me = me
        self._zone = zone
        self._folder = _place(folder, f"{me}@{min(addresses)}", cluster)
        self._heads: dict[str, int] = {}
        """By log, as the session began."""
        self._waiting: dict[str, list[tuple[int, str]]] = {}
        """By conversation: sequences and lines."""
        self._count = 0
        self._written: dict[str, int] = {}
        """By conversation: the sequence that was written last."""
        self._lock: int | None = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            self._lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if cluster:
                (self._folder / _CLUSTER).write_text(cluster)
        except BlockingIOError:
            self._fail("another client of yours writes the log files already")
        except OSError as error:
            self._fail(f"log files cannot be written in {self._folder}: {error.strerror}")

    def close(self) -> None:
        self.flush()
        self._let_go()

    def _fail(self, trouble: str) -> None:
        self.trouble = trouble
        self._waiting.clear()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def take(self, event: Event) -> None:
        """Whatever the book hears."""
        if self._lock is None:
            return
        match event:
            case SessionBegun(logs=logs):
                self._heads = {state.log: state.head for state in logs}
            case EntryArrived(entry):
                key, text = conversation_of(entry, self._me), told(entry, self._me)
                if key is not None and text:
                    line = self._line(entry.at_ms, entry.sequence, text)
                    self._waiting.setdefault(key, []).append((entry.sequence, line))
                    self._count += 1
                    if self._count >= WAITING_ENTRIES_MAX:
                        self.flush()
            case _:
                pass

    def flush(self) -> bool:
        """Before a cursor is kept that says that these entries need not come again.

        False if there is trouble from now on.
        """
        waiting, self._waiting, self._count = self._waiting, {}, 0
        for key, entries in waiting.items():
            try:
                self._write(key, entries)
            except OSError as error:
                self._fail(f"log files are written no more: {error.strerror}")
                return False
        return True

    def _write(self, key: str, entries: list[tuple[int, str]]) -> None:
        path = self._folder / f"{file_name(key)}.log"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _SAFELY, 0o600)
        try:
            os.fchmod(file, 0o600)
            if key not in self._written:
                self._written[key] = self._take_up(file, key)
            lines: list[str] = []
            for sequence, line in entries:
                if sequence > self._written[key]:
                    lines.append(line)
                    self._written[key] = sequence
            _append(file, "".join(lines).encode())
        finally:
            os.close(file)

    def _take_up(self, file: int, key: str) -> int:
        """What an earlier run has written last, and nothing that it has begun only."""
        size = os.fstat(file).st_size
        begin = max(0, size - TAIL_BYTES)
        tail = os.pread(file, size - begin, begin)
        whole = tail.rfind(b"\n") + 1
        if whole < len(tail):
            os.ftruncate(file, begin + whole)
        found = _BEGINNING.findall(tail[:whole])
        last = int(found[-1]) if found else 0
        if last > self._heads.get(key if key[0] == "#" else inbox_log(self._me), last):
            # It is another log of that name, which counts from one again.
            now = datetime.now(self._zone).timestamp()
            line = self._line(round(now * 1000), 0, "* what was here is gone; this begins anew")
            _append(file, line.encode())
            return 0
        return last

    def _line(self, at_ms: int, sequence: int, text: str) -> str:
        try:
            at = f"{datetime.fromtimestamp(at_ms / 1000, self._zone):%Y-%m-%d %H:%M:%S}"
        except (OverflowError, ValueError, OSError):
            at = "0000-00-00 00:00:00"  # A year that no calendar here knows.
        return f"{at}  {sequence}  {text}\n"


# Through a link there the lines would go into a file of somebody's choice.
_SAFELY: Final = os.O_CLOEXEC | os.O_NOFOLLOW


def _append(file: int, content: bytes) -> None:
    """All of it, or nothing where the disk is full."""
    before = os.fstat(file).st_size
    try:
        while content:
            content = content[os.write(file, content) :]
    except OSError:
        os.ftruncate(file, before)
        raise


def told(entry: Entry, me: str) -> str:
    """An entry in words, with a tab before all lines but the first; empty for nothing."""
    author = printable(entry.author)
    match entry.body:
        case MessagePosted(text=text) | PrivateMessageSent(text=text):
            action = action_of(text)
            said = f"*{author}* {safe_text(action)}" if action else f"<{author}> {safe_text(text)}"
        case MessageEdited(sequence=sequence, text=text) if text:
            said = f"* {author} edited {sequence}: {safe_text(in_short(text))}"
        case MessageDeleted(sequence=sequence):
            said = f"* {author} deleted {sequence}"
        case Redacted(by=by):
            said = f"<{author}> (deleted by {printable(by)})"
        case MessageEdited() | ReactionAdded() | ReactionRemoved():
            return ""
        case _:
            said = f"* {sentence(entry, me)}"
    return "\n\t".join(said.split("\n"))


def _place(folder: Path, name: str, cluster: str) -> Path:
    """The one that has the cluster's files, wherever they began; else one that has no others'."""
    own = folder / file_name(name)
    if not cluster:
        return own
    me = file_name(name.partition("@")[0])
    for other in sorted(folder.glob(f"*/{_CLUSTER}")):
        if other.parent.name.startswith(f"{me}@") and _read(other) == cluster:
            return other.parent
    return (
        own if _read(own / _CLUSTER) in {"", cluster} else folder / file_name(f"{name} {cluster}")
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeError):
        return ""


def file_name(name: str) -> str:
    """`name` as a file system takes it; no other name becomes the same, and none is hidden."""
    safe = "".join(char if char.isalnum() or char in _PLAIN else _escaped(char) for char in name)
    if len(safe.encode()) > NAME_BYTES_MAX:
        safe = f"{safe[: NAME_BYTES_MAX // 8]}%{sha256(name.encode(errors='replace')).hexdigest()}"
    return f"%2E{safe[1:]}" if safe.startswith(".") else safe


_PLAIN: Final = "-_.@#"


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))
