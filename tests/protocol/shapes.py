"""Any value of a message's type, made from the same shapes that the codec checks."""

import enum
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from zchat.protocol.messages import ClientMessage, EntryBody, ServerMessage

CLIENT_MESSAGES: tuple[type[msgspec.Struct], ...] = get_args(ClientMessage)
SERVER_MESSAGES: tuple[type[msgspec.Struct], ...] = get_args(ServerMessage)
ENTRY_BODIES: tuple[type[msgspec.Struct], ...] = get_args(EntryBody)

# Of a length that says nothing new, lists only cost time.
_ITEMS_MAX = 3


def messages(shape: Any) -> st.SearchStrategy[Any]:
    """Every value that `shape`, a type or a union of types, allows."""
    return _strategy(inspect.type_info(shape))


def _strategy(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            low = -(2**53) if info.ge is None else info.ge
            return st.integers(low, 2**53 if info.le is None else info.le)
        case inspect.StrType(pattern="^[#@]"):
            names = st.text(min_size=1, max_size=(info.max_length or 33) - 1)
            return st.builds(str.__add__, st.sampled_from("#@"), names)
        case inspect.StrType():
            return st.text(min_size=info.min_length or 0, max_size=info.max_length)
        case inspect.BytesType():
            return st.binary(min_size=info.min_length or 0, max_size=info.max_length)
        case inspect.EnumType(cls=cls):
            assert issubclass(cls, enum.Enum)
            return st.sampled_from(cls)
        case inspect.ListType():
            least = info.min_length or 0
            most = min(info.max_length or _ITEMS_MAX, _ITEMS_MAX)
            return st.lists(_strategy(info.item_type), min_size=least, max_size=most)
        case inspect.DictType():
            return st.dictionaries(
                _strategy(info.key_type), _strategy(info.value_type), max_size=_ITEMS_MAX
            )
        case inspect.UnionType():
            return st.one_of([_strategy(kind) for kind in info.types])
        case inspect.StructType():
            return st.builds(
                info.cls, **{field.name: _strategy(field.type) for field in info.fields}
            )
        case _:
            raise AssertionError(f"no strategy for {info}")
