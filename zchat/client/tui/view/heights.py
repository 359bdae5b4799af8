"""The heights of very many items, and which item is at a line of the whole."""

from collections.abc import Iterable
from typing import Final

CHUNK_MAX: Final = 1_024


class Heights:
    """A list of numbers with fast sums: in chunks, so that an insertion moves few of 100,000."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        everything = list(heights)
        self._chunks = _in_chunks(everything)
        self._sums = [sum(chunk) for chunk in self._chunks]
        self._count = len(everything)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> int:
        chunk, offset = self._locate(index)
        return self._chunks[chunk][offset]

    def __setitem__(self, index: int, height: int) -> None:
        chunk, offset = self._locate(index)
        self._sums[chunk] += height - self._chunks[chunk][offset]
        self._chunks[chunk][offset] = height

    @property
    def total(self) -> int:
        return sum(self._sums)

    def insert(self, index: int, heights: list[int]) -> None:
        """Before the item at `index`, or at the end."""
        if index == self._count:
            chunk = max(0, len(self._chunks) - 1)
            offset = len(self._chunks[chunk]) if self._chunks else 0
        else:
            chunk, offset = self._locate(index)
        old = self._chunks[chunk] if self._chunks else []
        parts = _in_chunks([*old[:offset], *heights, *old[offset:]])
        self._chunks[chunk : chunk + 1] = parts
        self._sums[chunk : chunk + 1] = [sum(part) for part in parts]
        self._count += len(heights)

    def remove(self, index: int) -> None:
        chunk, offset = self._locate(index)
        self._sums[chunk] -= self._chunks[chunk].pop(offset)
        self._count -= 1
        if not self._chunks[chunk]:
            del self._chunks[chunk], self._sums[chunk]

    def before(self, index: int) -> int:
        """The lines of all items before the one at `index`."""
        if index >= self._count:
            return self.total
        chunk, offset = self._locate(index)
        return sum(self._sums[:chunk]) + sum(self._chunks[chunk][:offset])

    def at(self, line: int) -> tuple[int, int]:
        """The item that covers `line`, and which of its lines that is; at most the last one."""
        index = 0
        line = max(0, line)
        for chunk, lines in zip(self._chunks, self._sums, strict=True):
            if line >= lines:
                line -= lines
                index += len(chunk)
                continue
            for height in chunk:
                if line < height:
                    return index, line
                line -= height
                index += 1
        return max(0, self._count - 1), 0

    def _locate(self, index: int) -> tuple[int, int]:
        if not 0 <= index < self._count:
            raise IndexError(index)
        for number, chunk in enumerate(self._chunks):
            if index < len(chunk):
                return number, index
            index -= len(chunk)
        raise AssertionError("the count is that of all chunks")


def _in_chunks(heights: list[int]) -> list[list[int]]:
    if len(heights) <= CHUNK_MAX:
        return [heights] if heights else []
    half = CHUNK_MAX // 2
    return [heights[begin : begin + half] for begin in range(0, len(heights), half)]
