"""The frames of a SQLite WAL, read as https://www.sqlite.org/fileformat2.html#walformat has them.

Written apart from SQLite, to say where its commits end. A frame counts if its salts are those of
the WAL's head and its checksum, which goes on from frame to frame, is right; the first that does
not ends the WAL, and what stands behind it is left over from an earlier use of the file.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

HEAD_BYTES: Final = 32
_FRAME_HEAD_BYTES: Final = 24
_CHECKSUMMED_BYTES: Final = 8
_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
"""With the byte order of the checksums; all else is big-endian."""


class Frame(NamedTuple):
    page: int
    """Number of the database's page, from 1."""
    end_bytes: int
    """Where it ends in the WAL."""
    commits: bool
    """It is the last one of a transaction."""


def frames(wal: bytes) -> Iterator[Frame]:
    if len(wal) < HEAD_BYTES:
        return
    magic, _, page_bytes, _, *salts, first, second = struct.unpack_from(">8I", wal)
    order = _MAGIC.get(magic)
    if order is None:
        return
    checksum = _checksum(wal[:24], order, (0, 0))
    if checksum != (first, second):
        return
    for start in range(HEAD_BYTES, len(wal), _FRAME_HEAD_BYTES + page_bytes):
        content = start + _FRAME_HEAD_BYTES
        end = content + page_bytes
        if end > len(wal):
            return
        page, pages_after_commit, *of_frame, first, second = struct.unpack_from(">6I", wal, start)
        checksum = _checksum(wal[start : start + _CHECKSUMMED_BYTES], order, checksum)
        checksum = _checksum(wal[content:end], order, checksum)
        if of_frame != salts or checksum != (first, second):
            return
        yield Frame(page, end, commits=pages_after_commit > 0)


def _checksum(part: bytes, order: str, begin: tuple[int, int]) -> tuple[int, int]:
    first, second = begin
    words = iter(struct.unpack(f"{order}{len(part) // 4}I", part))
    for word, next_word in zip(words, words, strict=True):
        first = (first + word + second) & 0xFFFFFFFF
        second = (second + next_word + first) & 0xFFFFFFFF
    return first, second
