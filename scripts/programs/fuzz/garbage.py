"""Bytes that a decoder should not trust: noise, damaged frames, and msgpack of the wrong shape.

Everything is made by one seeded generator at a few microseconds a frame, so that a million frames
are a matter of seconds and any of them can be had again.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

Mutation = Callable[[random.Random, "Garden"], bytes]

_BYTES: Final = [bytes([number]) for number in range(256)]
_NOISE_BYTES_MAX: Final = 64
_DAMAGE_MAX: Final = 4
"""Damages to one frame: with more of them nothing is left that a decoder would look into."""
_RARE: Final = 0.002
"""Share of frames that hold one of the long values, which cost a thousand times the others."""

VALUES: Final = [
    b"\xc0",
    b"\xc2",
    b"\xc3",
    # Numbers at the ends of every range, and the same number in more bytes than it needs.
    *(b"\x00", b"\x01", b"\x7f", b"\xe0", b"\xff", b"\xcc\x00", b"\xcd\x00\x07", b"\xd1\x00\x07"),
    *(
        b"\xcf" + number.to_bytes(8)
        for number in (0, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
    ),
    *(b"\xd3" + number.to_bytes(8, signed=True) for number in (-(2**63), -(2**53), -1, 2**63 - 1)),
    # Fractions: 1.5, 2.0 as one, infinity, and what is no number.
    *(b"\xcb" + bytes.fromhex(bits) for bits in ("3ff8000000000000", "4000000000000000")),
    *(b"\xcb" + bytes.fromhex(bits) for bits in ("7ff0000000000000", "7ff8000000000001")),
    b"\xca\x7f\xc0\x00\x00",
    # Text: empty, controls, what steers a terminal, bidirectional, and the ends of Unicode.
    *(b"\xa0", b"\xa1\x00", b"\xa4\x1b[2J", b"\xa3\xe2\x80\xae", b"\xa4\xf4\x8f\xbf\xbf"),
    *(
        b"\xd9\x00",
        b"\xd9\x03ann",
        b"\xda\x00\x03ann",
        b"\xdb\x00\x00\x00\x03ann",
        b"\xa1#",
        b"\xa1@",
    ),
    b"\xd9\x21" + b"r" * 33,
    # Text that is none: stray and overlong bytes, half a pair of surrogates, beyond the end.
    *(b"\xa1\xff", b"\xa2\xc0\x80", b"\xa3\xed\xa0\x80", b"\xa4\xf5\x80\x80\x80", b"\xa2\xe2\x82"),
    # Bytes of the lengths that mean something here, and of others.
    b"\xc4\x00",
    *(
        b"\xc4" + bytes([length]) + bytes(range(length))
        for length in (1, 8, 15, 16, 17, 31, 32, 33)
    ),
    *(b"\xc5\x00\x01x", b"\xc6\x00\x00\x00\x01x"),
    # Lengths that are declared, and not there.
    *(b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc6\x7f\xff\xff\xff", b"\xda\xff\xff"),
    *(b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdc\xff\xff", b"\xde\xff\xff"),
    *(
        b"\xdd\x00\x01\xff\xff",
        b"\xdf\x00\x01\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xc8\xff\xff\x01",
    ),
    # Extensions: of an unknown type, the three kinds of times, and times that no calendar has.
    *(b"\xd4\x05x", b"\xc7\x00\x05", b"\xd6\xff" + bytes(4), b"\xd7\xff" + bytes(8)),
    *(b"\xc7\x0c\xff" + bytes(12), b"\xc7\x0c\xff" + b"\xff" * 12, b"\xd7\xff" + b"\xff" * 8),
    b"\xc7\x03\xffabc",
    # Nothing in a map or an array, and maps of what no map of ours has.
    *(b"\x80", b"\x90", b"\x91\x90", b"\x81\x80\x80", b"\x81\xc0\xc0", b"\x81\x90\x90"),
    *(b"\x82\xa4kind\xa4ping\xa4kind\xa4pong", b"\x82\xa1a\x01\xa1a\x02", b"\x81\xa4kind\xc0"),
    *(b"\x91" * 50 + b"\xc0", b"\x81\xa0" * 50 + b"\xc0", b"\x92\xc0" * 20 + b"\xc0"),
    # The byte that msgpack never uses.
    b"\xc1",
]
LONG_VALUES: Final = [
    *(b"\x91" * depth + b"\xc0" for depth in (500, 1_000, 1_100, 5_000, 100_000)),
    *(b"\x81\xa0" * depth + b"\xc0" for depth in (500, 1_000, 1_100, 5_000, 50_000)),
    b"\xdc\xff\xff" + b"\xc0" * 65_535,
    b"\xdc\xff\xff" + b"\x80" * 65_535,
    b"\xdc\x7f\xff" + b"\xc4\x00" * 32_767,
    b"\xde\x3f\xff" + b"".join(b"\xa2%c%c\x00" % divmod(key, 128) for key in range(16_383)),
    b"\xda\xff\xff" + b"x" * 65_535,
    b"\xda\xff\xff" + "\U0001f600".encode() * 16_383 + b"xyz",
    b"\xc5\xff\xff" + b"\x00" * 65_535,
]


class Example(NamedTuple):
    """A valid frame, and where in it each value begins and ends."""

    frame: bytes
    spans: Sequence[tuple[int, int]]


class Garden:
    """The valid frames of one decoder, from which damaged ones are grown.

    `msgpack` False is for what is text: there are no values in it, only bytes.
    """

    def __init__(self, frames: Sequence[bytes], *, msgpack: bool = True) -> None:
        self.examples = [Example(frame, spans_of(frame) if msgpack else []) for frame in frames]
        self._mutations = _BLIND if not msgpack else _BLIND + _SHAPED
        self._values = VALUES if msgpack else TEXTS
        self._long_values = LONG_VALUES if msgpack else LONG_TEXTS

    def frame(self, dice: random.Random) -> bytes:
        """The next one: noise in one of ten, a valid one in one of fifty, else a damaged one."""
        choice = dice.random()
        if choice < 0.1:
            return noise(dice)
        example = self.any(dice)
        if choice < 0.12:
            return example.frame
        frame = self._mutations[int(dice.random() * len(self._mutations))](dice, self)
        for _ in range(int(dice.random() * _DAMAGE_MAX)):
            if dice.random() < 0.5:
                break
            frame = _BLIND_TO[int(dice.random() * len(_BLIND_TO))](dice, frame, self)
        return frame

    def any(self, dice: random.Random) -> Example:
        return self.examples[int(dice.random() * len(self.examples))]

    def value(self, dice: random.Random) -> bytes:
        """A whole value that is likely to be the wrong one."""
        values = self._long_values if dice.random() < _RARE else self._values
        return values[int(dice.random() * len(values))]


def noise(dice: random.Random) -> bytes:
    return dice.randbytes(int(dice.random() * _NOISE_BYTES_MAX))


# --- Damage that knows nothing of msgpack ---------------------------------------------------------


def _flip(dice: random.Random, frame: bytes, _: Garden) -> bytes:
    if not frame:
        return b"\x00"
    at = int(dice.random() * len(frame))
    return frame[:at] + _BYTES[frame[at] ^ (1 << int(dice.random() * 8))] + frame[at + 1 :]


def _overwrite(dice: random.Random, frame: bytes, _: Garden) -> bytes:
    at = int(dice.random() * (len(frame) + 1))
    return frame[:at] + _BYTES[int(dice.random() * 256)] + frame[at + 1 :]


def _cut_out(dice: random.Random, frame: bytes, _: Garden) -> bytes:
    at, length = int(dice.random() * (len(frame) + 1)), int(dice.random() * 8) + 1
    return frame[:at] + frame[at + length :]


def _truncate(dice: random.Random, frame: bytes, _: Garden) -> bytes:
    return frame[: int(dice.random() * (len(frame) + 1))]


def _double(dice: random.Random, frame: bytes, _: Garden) -> bytes:
    at, length = int(dice.random() * (len(frame) + 1)), int(dice.random() * 16) + 1
    return frame[: at + length] + frame[at:]


def _insert(dice: random.Random, frame: bytes, garden: Garden) -> bytes:
    at = int(dice.random() * (len(frame) + 1))
    return frame[:at] + garden.value(dice) + frame[at:]


def _splice(dice: random.Random, frame: bytes, garden: Garden) -> bytes:
    """The beginning of one and the end of another."""
    other = garden.any(dice).frame
    return frame[: int(dice.random() * len(frame))] + other[int(dice.random() * len(other)) :]


_BLIND_TO: Final = [_flip, _overwrite, _cut_out, _truncate, _double, _insert, _splice]


def _blind(damage: Callable[[random.Random, bytes, Garden], bytes]) -> Mutation:
    return lambda dice, garden: damage(dice, garden.any(dice).frame, garden)


_BLIND: Final[list[Mutation]] = [_blind(damage) for damage in _BLIND_TO]

# --- Damage that leaves valid msgpack -------------------------------------------------------------


def _replace(dice: random.Random, garden: Garden) -> bytes:
    """A wrong value where a right one was."""
    frame, spans = garden.any(dice)
    begin, end = spans[int(dice.random() * len(spans))]
    return frame[:begin] + garden.value(dice) + frame[end:]


def _graft(dice: random.Random, garden: Garden) -> bytes:
    """A right value, in the wrong place."""
    (frame, spans), (other, others) = garden.any(dice), garden.any(dice)
    begin, end = spans[int(dice.random() * len(spans))]
    from_, to = others[int(dice.random() * len(others))]
    return frame[:begin] + other[from_:to] + frame[end:]


def _wrap(dice: random.Random, garden: Garden) -> bytes:
    """A value within an array or a map of its own."""
    frame, spans = garden.any(dice)
    begin, _ = spans[int(dice.random() * len(spans))]
    around = (b"\x91", b"\x81\xa0", b"\x91" * 40)[int(dice.random() * 3)]
    return frame[:begin] + around + frame[begin:]


def _count(dice: random.Random, garden: Garden) -> bytes:
    """A header that counts other than what follows, a little or much."""
    frame, spans = garden.any(dice)
    begin, _ = spans[int(dice.random() * len(spans))]
    header = frame[begin]
    if dice.random() < 0.5:
        header = max(0, min(255, header + (1 if dice.random() < 0.5 else -1)))
        return frame[:begin] + _BYTES[header] + frame[begin + 1 :]
    longer = (b"\xdb", b"\xc6", b"\xdd", b"\xdf", b"\xda", b"\xdc", b"\xde", b"\xd9", b"\xc4")
    length = dice.randbytes(4) if dice.random() < 0.5 else b"\x00\x00\x00\x02"
    return frame[:begin] + longer[int(dice.random() * len(longer))] + length + frame[begin:]


def _more_fields(dice: random.Random, garden: Garden) -> bytes:
    """One pair more at the front of a map, or one value more in an array: perhaps a double key."""
    frame, spans = garden.any(dice)
    index = int(dice.random() * len(spans) ** 0.5)
    begin, _ = spans[index]
    header, rest = frame[begin], frame[begin + 1 :]
    other, others = garden.any(dice)
    from_, to = others[int(dice.random() * len(others))]
    value = garden.value(dice) if dice.random() < 0.5 else other[from_:to]
    if 0x80 <= header < 0x8F:
        key = b"\xa1z"
        if header > 0x80 and dice.random() < 0.5:
            key_begin, key_end = spans[index + 1]
            key = frame[key_begin:key_end]
        return frame[:begin] + _BYTES[header + 1] + key + value + rest
    if 0x90 <= header < 0x9F:
        return frame[:begin] + _BYTES[header + 1] + value + rest
    return frame[:begin] + value + frame[begin:]


def _respell(dice: random.Random, garden: Garden) -> bytes:
    """The same value in a longer spelling than the shortest; nothing is wrong with that."""
    frame, spans = garden.any(dice)
    begin, end = spans[int(dice.random() * len(spans))]
    header = frame[begin]
    if header < 0x80:
        spelled = b"\xcf" + header.to_bytes(8)
    elif 0xA0 <= header < 0xC0:
        spelled = b"\xdb" + (header - 0xA0).to_bytes(4) + frame[begin + 1 : end]
    elif 0x80 <= header < 0x90:
        spelled = b"\xdf" + (header - 0x80).to_bytes(4) + frame[begin + 1 : end]
    elif 0x90 <= header < 0xA0:
        spelled = b"\xdd" + (header - 0x90).to_bytes(4) + frame[begin + 1 : end]
    else:
        return frame
    return frame[:begin] + spelled + frame[end:]


_SHAPED: Final[list[Mutation]] = [
    _replace,
    _replace,
    _replace,
    _graft,
    _graft,
    _wrap,
    _count,
    _more_fields,
    _more_fields,
    _respell,
]

# --- Text -----------------------------------------------------------------------------------------

TEXTS: Final = [
    *(b"\n", b"\r", b"\t", b"\0", b" ", b":", b"::", b"#", b"@", b"=", b'"', b"'", b"[", b"]"),
    *(b"\x1b[31m", b"\x9b2J", b"\xc2\x9b2J", b"\x7f", b"\x07", b"\x08", b"\x1b]0;title\x07"),
    *(
        "\u202e".encode(),
        "\u2066".encode(),
        "\u2028".encode(),
        "\ufeff".encode(),
        "\u200d".encode(),
    ),
    *("ａｌｉｃｅ".encode(), "ß".encode(), "İ".encode(), "\u0301".encode(), "\U0010ffff".encode()),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82"),
    *(b"0", b"-1", b"99999999999999999999", b"1e999", b"nan", b"true", b"null", b"0x10", b"1_0"),
    *("٣".encode(), "²".encode(), b"{var}", b"%s", b"$HOME", b"..", b"/dev/null", b"tcp://:0"),
]
LONG_TEXTS: Final = [
    *(b"[" * depth for depth in (100, 1_000, 20_000)),
    *(b"{a=" * depth for depth in (100, 1_000)),
    *(
        b"a." * 5_000,
        b"9" * 5_000,
        b"x" * 50_000,
        "é".encode() * 20_000,
        b"\n" * 20_000,
        b" " * 20_000,
    ),
]

# --- Where values begin and end -------------------------------------------------------------------


_SIZES: Final = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
"""By first byte: the bytes of a number."""
_COUNTS: Final = {
    0xC4: (1, 0),
    0xC5: (2, 0),
    0xC6: (4, 0),
    0xD9: (1, 0),
    0xDA: (2, 0),
    0xDB: (4, 0),
    0xDC: (2, 1),
    0xDD: (4, 1),
    0xDE: (2, 2),
    0xDF: (4, 2),
}
"""By first byte: the bytes of a count, and how many values there are for each; 0 for bytes."""


def spans_of(frame: bytes) -> list[tuple[int, int]]:
    """Begin and end of each value, outer ones before those within them.

    Only for what zchat itself encodes, which has neither fractions nor extensions.
    """
    spans: list[tuple[int, int]] = []

    def walk(begin: int) -> int:
        index = len(spans)
        spans.append((begin, begin))
        first, at, values = frame[begin], begin + 1, 0
        if 0x80 <= first < 0xA0:
            values = (first & 0xF) * (2 if first < 0x90 else 1)
        elif 0xA0 <= first < 0xC0:
            at += first & 0x1F
        elif first in _COUNTS:
            size, for_each = _COUNTS[first]
            count = int.from_bytes(frame[at : at + size])
            at += size + (0 if for_each else count)
            values = count * for_each
        else:
            at += _SIZES.get(first, 0)
        for _ in range(values):
            at = walk(at)
        spans[index] = (begin, at)
        return at

    walk(0)
    return spans
