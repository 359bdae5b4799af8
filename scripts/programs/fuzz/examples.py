"""Valid frames of every shape, to damage: from the shapes themselves and the golden bytes."""

import ast
import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Raw, inspect

from testbed import ROOT
from zchat.protocol.codec import encode

GOLDEN: Final = ROOT / "tests" / "protocol" / "wire.txt"
_ITEMS_MAX: Final = 4
_FLOATS: Final = (0.0, 1.5, -1e308, 5e-324, math.inf)
_INTEGERS: Final = (0, 1, 2, 7, 127, 128, 70_000, 2**32, 2**53)
_TEXTS: Final = ("", "a", "ann", "garden", "#garden", "@ann", "lobby", "users", "rooms/0", "grüße")


def golden_frames() -> list[bytes]:
    """One of each message between clients and gateways, as it must always be."""
    lines = GOLDEN.read_text("utf-8").splitlines()
    return [ast.literal_eval(line.split(" ", 1)[1]) for line in lines]


_FRAMES: Final = golden_frames()


def from_newer_servers() -> list[bytes]:
    """What a server may say of which today's client knows only where it belongs."""
    dance = {"kind": "entry", "log": "#garden", "sequence": 7, "at_ms": 1, "author": "ann"}
    dance |= {"body": {"kind": "dance", "style": ["tango"]}}
    history = {"kind": "history", "id": 3, "log": "#garden", "entries": [dance], "more": False}
    refused = {"kind": "refused", "id": 4, "code": "closed", "reason": "it is Sunday"}
    weather = {"kind": "weather", "degrees": 21}
    # As many as there are of the others, so that they are damaged as often.
    return [encode(one) for one in (dance, history, refused, weather)] * 24


def examples(shape: Any, count: int, dice: random.Random) -> list[bytes]:
    """As many valid frames of the shape, a type or a union of types."""
    make = _maker(inspect.type_info(shape), dice)
    return [encode(make()) for _ in range(count)]


def _maker(info: inspect.Type, dice: random.Random) -> Callable[[], Any]:
    """What makes values of the type, now at its bounds and now within them."""
    match info:
        case inspect.NoneType():
            return lambda: None
        case inspect.BoolType():
            return lambda: dice.random() < 0.5
        case inspect.IntType():
            low = 0 if info.ge is None else info.ge
            high = 2**63 if info.le is None else info.le
            return lambda: min(high, max(low, dice.choice(_INTEGERS)))
        case inspect.FloatType():
            least = -math.inf if info.ge is None else info.ge
            most = math.inf if info.le is None else info.le
            return lambda: min(most, max(least, dice.choice(_FLOATS)))
        case inspect.StrType():
            return lambda: _text(info, dice)
        case inspect.BytesType():
            return lambda: _bytes(info, dice)
        case inspect.EnumType(cls=cls):
            return lambda: dice.choice(list(cls))
        case inspect.RawType():
            return lambda: Raw(dice.choice(_FRAMES))
        case inspect.ListType():
            least, item = info.min_length or 0, _maker(info.item_type, dice)
            return lambda: [item() for _ in range(dice.randrange(least, _ITEMS_MAX))]
        case inspect.VarTupleType():
            item = _maker(info.item_type, dice)
            return lambda: tuple(item() for _ in range(dice.randrange(_ITEMS_MAX)))
        case inspect.DictType():
            key, value = _maker(info.key_type, dice), _maker(info.value_type, dice)
            return lambda: {key(): value() for _ in range(dice.randrange(_ITEMS_MAX))}
        case inspect.UnionType():
            return _any_of([_maker(kind, dice) for kind in info.types], dice)
        case inspect.StructType() | inspect.NamedTupleType():
            fields = {field.name: _maker(field.type, dice) for field in info.fields}
            return lambda: info.cls(**{name: make() for name, make in fields.items()})
        case _:
            raise AssertionError(f"no examples of {info}")


def _any_of(makers: Sequence[Callable[[], Any]], dice: random.Random) -> Callable[[], Any]:
    def make() -> Any:
        maker = dice.choice(makers)
        return maker()

    return make


def _text(info: inspect.StrType, dice: random.Random) -> str:
    low, high = info.min_length or 0, info.max_length or 40
    text = dice.choice(_TEXTS)
    if info.pattern == "^[#@]":
        text = dice.choice("#@") + text
    if dice.random() < 0.1:
        text = text.ljust(min(high, 400), "x")
    return text.ljust(low, "x")[:high]


def _bytes(info: inspect.BytesType, dice: random.Random) -> bytes:
    low, high = info.min_length or 0, info.max_length or 400
    frame = dice.choice((b"", *_FRAMES)) * dice.randrange(1, 3)
    return frame.ljust(low, b"t")[:high]
