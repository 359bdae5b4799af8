"""Which key does what: as it is usual, or as the person has written it into the file of settings.

What does something is called by its `id`, which is the same whatever key does it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key

from zchat.client.storage.config import Config

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED: Final = {key.value for key in Keys} | {_character_to_key(chr(n)) for n in range(33, 127)}


def bindings_of(node: DOMNode) -> list[Binding]:
    """Those of its own class, in their order, with the keys that they have now, if any."""
    found = []
    for binding in type(node).BINDINGS:
        if isinstance(binding, Binding) and binding.description:
            keys = _keys_of(node, binding) if binding.id else binding.key.split(",")
            found.append(replace(binding, key=",".join(keys)))
    return found


def _keys_of(node: DOMNode, binding: Binding) -> list[str]:
    bound = node._bindings.key_to_bindings.items()
    return [key for key, each in bound if any(one.id == binding.id for one in each)]


def first_keys(nodes: Iterable[DOMNode]) -> dict[str, str]:
    """By what it does: the first of its keys; what has none is not there."""
    found: dict[str, str] = {}
    for node in nodes:
        for binding in bindings_of(node):
            if binding.id and binding.key:
                found.setdefault(binding.id, binding.key.split(",")[0])
    return found


def bind(nodes: Sequence[DOMNode], config: Config) -> None:
    """Gives what the file names the keys that it says. The first of the nodes is everywhere."""
    known = {
        binding.id: (node, binding)
        for node in nodes
        for binding in type(node).BINDINGS
        if isinstance(binding, Binding) and binding.id
    }
    for action, wanted in config.keys.items():
        if action not in known:
            # Here and not above: who mistypes nothing need not wait for it.
            from difflib import get_close_matches  # noqa: PLC0415

            like = get_close_matches(action, known, 1)
            hint = f"; did you mean {like[0]}?" if like else ""
            config.complain(action, f"nothing is called {action}{hint}")
            continue
        node, binding = known[action]
        keys = list(_normal(config, action, wanted, everywhere=node is nodes[0]))
        if keys or not wanted:
            _put(node, binding, keys)


def _put(node: DOMNode, binding: Binding, keys: Iterable[str]) -> None:
    bound = node._bindings.key_to_bindings
    for key in _keys_of(node, binding):
        del bound[key]
    for key in keys:
        # What had it has it no more.
        bound[key] = [replace(binding, key=key)]


def _normal(
    config: Config, action: str, wanted: Iterable[str], *, everywhere: bool
) -> Iterator[str]:
    """As Textual calls them; of what is no key it is said so."""
    for each in wanted:
        key = normal(each)
        if key is None:
            config.complain(action, f'{each!r} is no key; keys are called as "ctrl+g", "f9" or "x"')
        elif everywhere and len(each) == 1:
            config.complain(action, f"{each!r} works everywhere then, and could not be written")
        else:
            yield key


def normal(key: str) -> str | None:
    """As Textual calls it, or None if there is no such key."""
    *modifiers, last = key.split("+") if key != "+" and not key.endswith("++") else _plus(key)
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        return None
    if len(last) == 1:
        last = _character_to_key(last)
    elif last not in _NAMED:
        return None
    return "+".join([*modifiers, last])


def _plus(key: str) -> list[str]:
    return [*filter(None, key[:-1].split("+")), "+"]


def name(key: str) -> str:
    """As people call it."""
    known = {
        "question_mark": "?",
        "plus": "+",
        "slash": "/",
        "underscore": "_",
        "escape": "Esc",
        "pageup": "PgUp",
        "pagedown": "PgDn",
        "up": "↑",
        "down": "↓",
    }
    parts = key.split("+")
    shown = [known.get(part, part.capitalize() if len(part) > 1 else part) for part in parts]
    if len(parts) > 1 and len(parts[-1]) == 1:
        shown[-1] = parts[-1].upper()
    return "-".join(shown)
