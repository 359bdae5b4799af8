"""All keys, as the bindings have them, so that no list of them can be wrong."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode

from zchat.client.commands import COMMANDS
from zchat.client.screen import themes
from zchat.client.screen.cells import padded
from zchat.client.screen.layout import Line
from zchat.client.screen.markup import Ink, Piece

KEYS_SHOWN: Final = 4
"""More keys than this do the same in a row: the first and the last say it."""


def bindings_of(node: DOMNode) -> list[Binding]:
    """Those of its own class, in their order; not what Textual's have besides."""
    return [
        binding
        for binding in type(node).BINDINGS
        if isinstance(binding, Binding) and binding.description
    ]


def page(nodes: Sequence[DOMNode]) -> list[Line]:
    """All keys, as the bindings have them, and then all commands."""
    titles = ("Everywhere", "In the conversation (Esc or ↑ goes there)", "While writing")
    lines: list[Line] = []
    for title, node in zip(titles, nodes, strict=True):
        lines += [(Piece(f" {title}", Ink.STRONG),)]
        rows: dict[str, list[str]] = {}
        for binding in bindings_of(node):
            names = rows.setdefault(binding.description, [])
            names += [name(key) for key in binding.key.split(",")]
        for description, names in rows.items():
            shown = f"{names[0]} … {names[-1]}" if len(names) > KEYS_SHOWN else " ".join(names)
            lines.append((Piece(f"   {padded(shown, 24)} ", Ink.ACCENT), Piece(description)))
        lines.append(())
    lines.append((Piece(" Commands", Ink.STRONG), Piece("  typed like a message", Ink.DIM)))
    for command in COMMANDS.values():
        usage = padded(command.usage, 30)
        lines.append((Piece(f"   {usage} ", Ink.ACCENT), Piece(command.summary)))
    return lines


def name(key: str) -> str:
    """As people call it."""
    known = {
        "question_mark": "?",
        "plus": "+",
        "slash": "/",
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


def commands(app: App[int], wear: Callable[[str], None]) -> Iterator[SystemCommand]:
    """For the command palette: what the keys do everywhere, and the themes."""
    offered = {"command_palette"}
    for binding in bindings_of(app):
        if "(" not in binding.action and binding.action not in offered:
            # Some have two keys, and are one thing to do.
            offered.add(binding.action)
            key = f"Key: {name(binding.key.split(',')[0])}"
            run = partial(app.run_action, binding.action)
            yield SystemCommand(binding.description, key, run)
    for theme in themes.NAMES:
        title = f"Theme: {theme.removeprefix('zchat-')}"
        yield SystemCommand(title, "How everything looks", partial(wear, theme))
