"""All keys, as the bindings have them, so that no list of them can be wrong."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest
from typing import Final

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.markup import escape

from zchat.client.commands.table import COMMANDS
from zchat.client.tui.keymap import bindings_of, name
from zchat.client.tui.view import themes
from zchat.client.tui.view.cells import width
from zchat.client.tui.view.layout import Line, wrapped
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.timeline import Timeline

KEY_CELLS: Final = 24
USAGE_CELLS: Final = 34
KEYS_SHOWN: Final = 4
"""More keys than this do the same in a row: the first and the last say it."""


def page(nodes: Sequence[DOMNode], cells: int) -> list[Line]:
    """All keys, as the bindings have them, and then all commands, in so many cells."""
    titles = (
        "Everywhere",
        "In the conversation (Esc or ↑ goes there)",
        "In the list of members (F2 goes there)",
        "While writing",
    )
    lines: list[Line] = []
    for title, node in zip(titles, nodes, strict=True):
        lines += [(Piece(f" {title}", Ink.STRONG),)]
        rows: dict[str, list[str]] = {}
        for binding in bindings_of(node):
            if binding.key:
                names = rows.setdefault(binding.description, [])
                names += [name(key) for key in binding.key.split(",")]
        for description, names in rows.items():
            shown = f"{names[0]} … {names[-1]}" if len(names) > KEYS_SHOWN else " ".join(names)
            lines += _row(shown, KEY_CELLS, description, cells)
        lines.append(())
    lines.append((Piece(" Commands", Ink.STRONG), Piece("  typed like a message", Ink.DIM)))
    for command in COMMANDS.values():
        lines += _row(command.usage, USAGE_CELLS, command.summary, cells)
    return lines


def _row(left: str, left_cells: int, right: str, cells: int) -> list[Line]:
    """Two columns, the right one on as many lines as it takes."""
    left_cells = min(left_cells, cells // 2)
    texts = wrapped([Piece(right)], max(8, cells - left_cells - 5))
    heads = wrapped([Piece(left, Ink.ACCENT)], left_cells)
    lines: list[Line] = []
    for head, text in zip_longest(heads, texts, fillvalue=()):
        taken = sum(width(piece.text) for piece in head)
        lines.append((Piece("   "), *head, Piece(" " * (left_cells - taken + 1)), *text))
    return lines


def _first(binding: Binding) -> str:
    return name(binding.key.split(",")[0]) if binding.key else "none"


def commands(
    app: App[int], timeline: Timeline, begin: Callable[[str], None], wear: Callable[[str], None]
) -> Iterator[SystemCommand]:
    """For the command palette: what keys do, what can be typed, and the themes.

    `begin` gets the beginning of a command, to be typed on.
    """
    offered = {"command_palette"}
    for binding in bindings_of(app):
        if "(" not in binding.action and binding.action not in offered:
            # Some have two keys, and are one thing to do.
            offered.add(binding.action)
            key = f"Key: {_first(binding)}"
            run = partial(app.run_action, binding.action)
            yield SystemCommand(binding.description, key, run)
    for theme in themes.names():
        title = f"Theme: {theme.removeprefix(themes.PREFIX)}"
        yield SystemCommand(title, "How everything looks", partial(wear, theme))
    for binding in bindings_of(timeline):
        if binding.action.startswith("say("):
            key = f"The message that is chosen, or the newest. Key: {_first(binding)}"
            yield SystemCommand(binding.description, key, partial(_act, timeline, binding.action))
    for command in COMMANDS.values():
        title = f":{command.name}  {command.summary}"
        # Textual reads markup in both.
        start = partial(begin, f":{command.name} ")
        yield SystemCommand(escape(title), escape(command.usage), start)


async def _act(timeline: Timeline, action: str) -> None:
    timeline.screen.set_focus(timeline)
    await timeline.run_action(action)
