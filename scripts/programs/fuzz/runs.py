"""Many frames through one target: what fails, how small it can be made, and what it costs."""

import gc
import os
import random
import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.codec import ProtocolError

from .decoders import Target
from .garbage import LONG_VALUES

BLOCK_FRAMES: Final = 1_000
"""Frames of one seed, so that each can be had again without all those before it."""
ALLOCATED_MULTIPLE_MAX: Final = 64
"""Bytes that reading a frame may allocate at its peak, for each byte of the frame …"""
ALLOCATED_BYTES_MIN: Final = 128 * 1024
"""… and on top of that, for what is the same for every frame."""
ADDRESS_SPACE_BYTES: Final = 1024 * 1024 * 1024
"""Beyond what the process has already. A frame that makes it ask for more ends in `MemoryError`."""
LONG_BLOCK: Final = -1
"""Stands for the long frames, which are in no block."""
_MEASURED_EVERY: Final = 200
_MINIMISED_SECONDS_MAX: Final = 10.0


class Failure(NamedTuple):
    target: str
    seed: int
    block: int
    frame: bytes
    what: str


class Outcome(NamedTuple):
    """What came of one block of frames."""

    target: str
    frames: int
    read: int
    """How many of them were taken for something."""
    seconds: float
    multiple: float
    """The most that a measured frame has allocated, for each of its bytes."""
    failure: Failure | None
    resident_bytes: int
    """Of the process `pid`, afterwards."""
    pid: int


def run_block(target: Target, seed: int, block: int) -> Outcome:
    """`BLOCK_FRAMES` frames, always the same for the same numbers. Ends with the first failure."""
    dice = random.Random(f"{target.name}/{seed}/{block}")
    begin = time.perf_counter()
    read = count = 0
    multiple = 0.0
    for count in range(1, BLOCK_FRAMES + 1):
        frame = target.garden.frame(dice)
        measured = target.is_frame and count % _MEASURED_EVERY == 0
        what, value = _try(target, frame, dice, measured=measured)
        if what is not None:
            small = minimised(frame, lambda data: _fails(target, data, seed))
            failure = Failure(target.name, seed, block, small, what)
            return _outcome(target, count, read, begin, multiple, failure)
        read += value > 0
        multiple = max(multiple, abs(value) if measured else 0.0)
    return _outcome(target, count, read, begin, multiple, None)


def run_one(target: Target, frame: bytes, seed: int) -> str | None:
    """What is wrong with this frame, if anything is; with all checks."""
    what, _ = _try(target, frame, random.Random(seed), measured=target.is_frame)
    return what


def run_long(target: Target, seed: int, every: int = 1) -> Outcome:
    """Frames as large as a gateway takes them, all measured: where a byte may cost most.

    With `every` only every so manieth.
    """
    dice = random.Random(f"{target.name}/{seed}/long")
    begin = time.perf_counter()
    multiple, count, read = 0.0, 0, 0
    for frame in islice(_long_frames(target, dice), 0, None, every):
        count += 1
        what, value = _try(target, frame, dice, measured=target.is_frame)
        if what is not None:
            failure = Failure(target.name, seed, LONG_BLOCK, frame, what)
            return _outcome(target, count, read, begin, multiple, failure)
        read += value > 0
        multiple = max(multiple, abs(value))
    return _outcome(target, count, read, begin, multiple, None)


def _outcome(
    target: Target, frames: int, read: int, begin: float, multiple: float, failure: Failure | None
) -> Outcome:
    seconds = time.perf_counter() - begin
    return Outcome(
        target.name, frames, read, seconds, multiple, failure, _resident_bytes(), os.getpid()
    )


def _long_frames(target: Target, dice: random.Random) -> Iterator[bytes]:
    for frame, spans in target.garden.examples:
        for span in spans or [(0, len(frame))]:
            yield _filled(frame, span, dice)
    for value in (b"\xc0", b"\xcc\x00", b"\xa2no", *LONG_VALUES):
        yield value * (limits.FRAME_BYTES_MAX // len(value))


def _filled(frame: bytes, span: tuple[int, int], dice: random.Random) -> bytes:
    """The frame with one value repeated as often as there is room for, in an array or a map."""
    begin, end = span
    value = frame[begin:end]
    if not value:
        return dice.choice(LONG_VALUES)[: limits.FRAME_BYTES_MAX]
    room = limits.FRAME_BYTES_MAX - len(frame)
    count = min(room // len(value), 2**32 - 1)
    header = frame[begin]
    if 0x80 <= header < 0xA0 and len(value) > 1:
        # Its own first element again and again: what a list of many costs.
        kind = b"\xdd" if header >= 0x90 else b"\xdf"
        inner = value[1:]
        per = header & 0xF
        count = room // len(inner)
        return frame[:begin] + kind + (count * per).to_bytes(4) + inner * count + frame[end:]
    return frame[:begin] + b"\xdd" + count.to_bytes(4) + value * count + frame[end:]


def _try(
    target: Target, frame: bytes, dice: random.Random, *, measured: bool
) -> tuple[str | None, float]:
    """What is wrong, and the cost of each byte of the frame: below 0 if it was not read."""
    try:
        if not measured:
            return None, 1.0 if target.try_one(frame, dice) else -1.0
        peak = _peak_bytes(target, frame)
        if peak > ALLOCATED_BYTES_MIN + ALLOCATED_MULTIPLE_MAX * len(frame):
            return f"{peak:,} bytes allocated for {len(frame):,}", 0.0
        multiple = max(0.01, (peak - ALLOCATED_BYTES_MIN) / max(1, len(frame)))
        return None, multiple if target.try_one(frame, dice) else -multiple
    except Exception as error:  # noqa: BLE001 - Whatever it is, it is what we look for.
        return f"{type(error).__name__}: {error}", 0.0


def _peak_bytes(target: Target, frame: bytes) -> int:
    tracemalloc.start()
    try:
        target.read(frame)
    except ProtocolError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def _fails(target: Target, frame: bytes, seed: int) -> bool:
    return run_one(target, frame, seed) is not None


def minimised(frame: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """The frame without whatever it fails without: halves first, then smaller parts."""
    deadline = time.monotonic() + _MINIMISED_SECONDS_MAX
    if not fails(frame):
        # It took the dice of its block to see it.
        return frame
    size = max(1, len(frame) // 2)
    while True:
        begin = 0
        while begin < len(frame) and time.monotonic() < deadline:
            shorter = frame[:begin] + frame[begin + size :]
            if fails(shorter):
                frame = shorter
            else:
                begin += size
        if size == 1:
            return frame
        size //= 2


# --- Memory ---------------------------------------------------------------------------------------


def _resident_bytes() -> int:
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()


def bound_memory() -> None:
    """So that a frame that asks for gigabytes is found even where the system would promise them."""
    # What is loaded stays; to look at it after each block would take longer than the block.
    gc.collect()
    gc.freeze()
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        now_bytes = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now_bytes + ADDRESS_SPACE_BYTES, hard))
