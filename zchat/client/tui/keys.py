"""Where a key press goes: every binding of the screen, and how the user's settings change them.

A key press is handled in this order:

1. `driver.py` reads the terminal and names the key.
2. `ScreenClient.on_event` in `app.py` hands it to the composer, whatever has the focus: so keys are
   handled strictly in the order in which they were typed.
3. `Composer._on_key` gives it to a dialog that an earlier key has opened. Otherwise it looks up the
   key in `EVERYWHERE`, then in the bindings of what has the focus (`COMPOSER`, `TIMELINE` or
   `MEMBERS`). What is bound to nothing is text.
4. The binding names an action: `"go_to"` in `EVERYWHERE` is `ScreenClient.action_go_to`; elsewhere
   it is a method of that widget. `say(...)` is done by `MessageActions.do` with the selected
   message, or by `MemberActions.do` with the selected member.

A binding with an `id` can be given other keys in the user's settings, and is in the list of keys.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Final

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.keys import Keys, _character_to_key
from textual.markup import escape
from textual.widget import Widget

from zchat.client.commands.table import COMMANDS
from zchat.client.storage.config import Config
from zchat.client.tui.view import themes
from zchat.client.tui.view.cells import width
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Line, wrapped
from zchat.client.tui.view.markup import Ink, Piece

# --- Bindings -------------------------------------------------------------------------------------


def _everywhere(keys: str, action: str, description: str, id_: str) -> Binding:
    # With priority: what has the focus would otherwise take the key first, as a text does Ctrl-K.
    return Binding(keys, action, description, priority=True, id=id_)


EVERYWHERE: Final[list[BindingType]] = [
    _everywhere("ctrl+k", "go_to", "Go to a room or person", "go-to"),
    _everywhere("ctrl+f", "search", "Search on the server", "search"),
    _everywhere("alt+g", "go_to_opened", "Go to the conversation that has opened", "go-to-opened"),
    _everywhere("alt+a", "next_unread", "Next unread conversation", "next-unread"),
    _everywhere("alt+u", "first_unread", "First unread message here", "first-unread"),
    _everywhere("alt+down", "neighbour(1)", "Conversation below", "conversation-below"),
    _everywhere("alt+up", "neighbour(-1)", "Conversation above", "conversation-above"),
    *(
        _everywhere(f"alt+{n}", f"nth({n})", "Conversation by its place in the list", f"place-{n}")
        for n in range(1, 10)
    ),
    _everywhere("f2,ctrl+b", "members", "List of members", "members"),
    _everywhere("f3", "sidebar", "List of conversations", "sidebar"),
    _everywhere("f4", "quiet", "Do not disturb", "quiet"),
    _everywhere("f5", "mute", "Mute this conversation", "mute"),
    _everywhere("f6", "keep", "Keep this conversation at the top", "keep"),
    _everywhere("f7", "next_theme", "Next theme", "next-theme"),
    _everywhere("f8", "pins", "Pinned messages", "pins"),
    _everywhere("ctrl+o", "editor", "Write in your editor", "editor"),
    _everywhere("f9", "words", "Highlight words", "words"),
    _everywhere("f1", "keys", "All keys", "keys"),
    # Without priority: while somebody writes, it is a character.
    Binding("question_mark", "keys", "All keys"),
    _everywhere("ctrl+p", "command_palette", "Command palette", "palette"),
    # With priority over the composer's own, which does nothing where nothing is selected.
    _everywhere(
        "ctrl+c", "copy_or_clear", "Copy the selection, or clear the input", "copy-or-clear"
    ),
    _everywhere("ctrl+z", "suspend_process", "Suspend; fg comes back", "suspend"),
    _everywhere("ctrl+q", "leave", "Quit", "quit"),
]

COMPOSER: Final[list[BindingType]] = [
    Binding("enter", "submit", "Send", id="send"),
    # Most terminals send the same for Enter with and without Shift or Ctrl; Ctrl-J comes from all.
    Binding("ctrl+j,shift+enter,alt+enter,ctrl+enter", "newline", "New line", id="new-line"),
    Binding("tab", "complete(1)", "Complete", id="complete"),
    Binding("shift+tab", "complete(-1)", "Complete, backwards", show=False, id="complete-back"),
    Binding(
        "up",
        "up",
        "Line above, earlier input, or into the conversation",
        show=False,
        id="line-above",
    ),
    Binding("down", "down", "Line below, or later input", show=False, id="line-below"),
    Binding(
        "ctrl+u", "clear_line", "Clear the line before the cursor", show=False, id="clear-line"
    ),
    # Ctrl-Z, which undoes elsewhere, suspends here as in all terminals.
    Binding("ctrl+underscore", "undo", "Undo", id="undo"),
    Binding("end", "end", "End of the line, or the newest message", show=False, id="end"),
    Binding("pageup", "page(-1)", "Scroll up", show=False, id="scroll-up"),
    Binding("pagedown", "page(1)", "Scroll down", show=False, id="scroll-down"),
    Binding("escape", "escape", "Cancel, or go into the conversation", id="escape"),
]

TIMELINE: Final[list[BindingType]] = [
    Binding("j,down", "step(1)", "Next message", show=False, id="message-below"),
    Binding("k,up", "step(-1)", "Previous message", show=False, id="message-above"),
    Binding("g,home", "oldest", "Oldest loaded message", show=False, id="oldest"),
    Binding("G,end", "newest", "Newest message", show=False, id="newest"),
    Binding("ctrl+d", "half_page(1)", "Half a page down", show=False, id="half-page-down"),
    Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False, id="half-page-up"),
    Binding("pagedown", "half_page(2)", "A page down", show=False, id="page-down"),
    Binding("pageup", "half_page(-2)", "A page up", show=False, id="page-up"),
    Binding("enter", "unfold", "Unfold, or go to the message that was answered", id="unfold"),
    Binding("r", "say('reply')", "Reply, or send again", id="reply"),
    Binding("e", "say('edit')", "Edit your message", id="edit"),
    Binding("d", "say('delete')", "Delete", id="delete"),
    Binding("plus,a", "say('react')", "Add or remove a reaction", id="react"),
    Binding("p", "say('pin')", "Pin or unpin", id="pin"),
    Binding("v", "say('before')", "Earlier versions of an edited message", id="before"),
    Binding("y", "say('copy')", "Copy the text", id="copy"),
    Binding("u", "say('unread')", "Mark as unread from here on", id="mark-unread"),
    Binding("o", "say('open')", "Open the link", id="open-link"),
    Binding("slash", "say('find')", "Find in the loaded messages", id="find"),
    Binding("n", "find(-1)", "Next match", show=False, id="find-next"),
    Binding("N", "find(1)", "Previous match", show=False, id="find-previous"),
    Binding("escape,i,tab", "say('write')", "Back to writing", id="write"),
]

MEMBERS: Final[list[BindingType]] = [
    Binding("j,down", "step(1)", "Next member", show=False, id="member-below"),
    Binding("k,up", "step(-1)", "Previous member", show=False, id="member-above"),
    Binding("g,home", "step(-10_000)", "First member", show=False, id="first-member"),
    Binding("G,end", "step(10_000)", "Last member", show=False, id="last-member"),
    Binding("enter", "say('talk')", "Talk in private", id="talk"),
    Binding("m", "say('mention')", "Mention", id="mention"),
    Binding("i", "say('info')", "Role and presence", id="member-info"),
    Binding("x", "say('kick')", "Kick", id="kick"),
    Binding("b", "say('ban')", "Ban", id="ban"),
    Binding("plus", "say('promote')", "Promote to moderator, or demote", id="promote"),
    Binding("escape,tab", "say('write')", "Back to writing", id="leave-members"),
]

# Dialogs are over everything else, and their keys are always the same.
PROMPT: Final[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

PICKER: Final[list[BindingType]] = [
    Binding("escape", "leave", "Leave", show=False),
    Binding("down,ctrl+n,tab", "move(1)", "Next", show=False),
    Binding("up,ctrl+p,shift+tab", "move(-1)", "Previous", show=False),
    Binding("pagedown", "move(8)", "Further", show=False),
    Binding("pageup", "move(-8)", "Back", show=False),
]

READING: Final[list[BindingType]] = [
    Binding("escape,q,enter,f1,question_mark", "leave", "Leave", show=False),
    Binding("down,j", "scroll(1)", "Down", show=False),
    Binding("up,k", "scroll(-1)", "Up", show=False),
    Binding("pagedown,space,ctrl+d", "scroll_pages(1)", "Further", show=False),
    Binding("pageup,ctrl+u", "scroll_pages(-1)", "Back", show=False),
    Binding("home,g", "scroll_pages(-1000)", "To the beginning", show=False),
    Binding("end,G", "scroll_pages(1000)", "To the end", show=False),
]

# --- Keys of the user's own -----------------------------------------------------------------------

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_NAMED: Final = {key.value for key in Keys} | {_character_to_key(chr(n)) for n in range(33, 127)}


def bindings_of(node: DOMNode) -> list[Binding]:
    """The bindings of its own class, in their order, with the keys that they have now, if any."""
    found = []
    for binding in type(node).BINDINGS:
        if isinstance(binding, Binding) and binding.description:
            keys = _keys_of(node, binding) if binding.id else binding.key.split(",")
            found.append(replace(binding, key=",".join(keys)))
    return found


def _keys_of(node: DOMNode, binding: Binding) -> list[str]:
    bound = node._bindings.key_to_bindings.items()
    return [key for key, each in bound if any(one.id == binding.id for one in each)]


def first_keys(nodes: Iterable[DOMNode]) -> FirstKeys:
    """For what is said of keys."""
    found: dict[str, str] = {}
    for node in nodes:
        for binding in bindings_of(node):
            if binding.id and binding.key:
                found.setdefault(binding.id, _first(binding))
    return found


def bind(nodes: Sequence[DOMNode], config: Config) -> None:
    """Gives actions the keys that the user's settings name; what is wrong there is complained of.

    The bindings of the first node work everywhere.
    """
    known = {
        binding.id: (node, binding)
        for node in nodes
        for binding in type(node).BINDINGS
        if isinstance(binding, Binding) and binding.id
    }
    for action, wanted in config.keys.items():
        if action not in known:
            # Imported here, so that only who mistypes a name waits for it.
            from difflib import get_close_matches  # noqa: PLC0415

            like = get_close_matches(action, known, 1)
            hint = f"; did you mean {like[0]}?" if like else ""
            config.complain(action, f"nothing is called {action}{hint}")
            continue
        node, binding = known[action]
        keys = list(_valid(config, action, wanted, everywhere=node is nodes[0]))
        # An empty list takes all keys away; one with nothing but mistakes changes nothing.
        if keys or not wanted:
            _rebind(node, binding, keys)


def _rebind(node: DOMNode, binding: Binding, keys: Iterable[str]) -> None:
    bound = node._bindings.key_to_bindings
    for key in _keys_of(node, binding):
        del bound[key]
    for key in keys:
        # In the place of whatever had the key: one key does one thing.
        bound[key] = [replace(binding, key=key)]


def _valid(
    config: Config, action: str, wanted: Iterable[str], *, everywhere: bool
) -> Iterator[str]:
    """Yields those that are keys, by Textual's names, and complains of the others."""
    for each in wanted:
        key = normal(each)
        if key is None:
            config.complain(action, f'{each!r} is no key; keys are called as "ctrl+g", "f9" or "x"')
        elif everywhere and len(each) == 1:
            config.complain(action, f"{each!r} works everywhere then, and could not be written")
        else:
            yield key


def normal(key: str) -> str | None:
    """Textual's name of the key, or None if there is no such key."""
    *modifiers, last = key.split("+") if key != "+" and not key.endswith("++") else _plus(key)
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        return None
    if len(last) == 1:
        last = _character_to_key(last)
    elif last not in _NAMED:
        return None
    return "+".join([*modifiers, last])


def _plus(key: str) -> list[str]:
    """The parts of `+` or of `ctrl++`, whose last plus is the key itself."""
    return [*filter(None, key[:-1].split("+")), "+"]


def name(key: str) -> str:
    """What people call the key."""
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


def _first(binding: Binding) -> str:
    return name(binding.key.split(",")[0]) if binding.key else "none"


# --- The list of keys, and the command palette ----------------------------------------------------
#
# Both are made of the bindings, so that they say what the keys do.

KEY_CELLS: Final = 24
USAGE_CELLS: Final = 34
KEYS_SHOWN: Final = 4
"""Where more keys than this do the same, only the first and the last are shown."""


def page(nodes: Sequence[DOMNode], cells: int) -> list[Line]:
    """All keys, and then all commands, in so many cells.

    `nodes` are the app, the timeline, the members and the composer.
    """
    first = first_keys(nodes)
    there = hint(first, "{escape}", "{line-above}", between=" or ")
    titles = (
        "Everywhere",
        f"In the conversation ({there} goes there)" if there else "In the conversation",
        "In the list of members" + hint(first, " ({members} goes there)"),
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
    """Two columns, each wrapped."""
    left_cells = min(left_cells, cells // 2)
    texts = wrapped([Piece(right)], max(8, cells - left_cells - 5))
    heads = wrapped([Piece(left, Ink.ACCENT)], left_cells)
    lines: list[Line] = []
    for head, text in zip_longest(heads, texts, fillvalue=()):
        taken = sum(width(piece.text) for piece in head)
        lines.append((Piece("   "), *head, Piece(" " * (left_cells - taken + 1)), *text))
    return lines


def commands(
    app: App[int], timeline: Widget, begin: Callable[[str], None], wear: Callable[[str], None]
) -> Iterator[SystemCommand]:
    """For the command palette: actions that have keys, commands, and themes.

    `begin` puts the beginning of a command where the user writes.
    """
    offered = {"command_palette"}
    for binding in bindings_of(app):
        if "(" not in binding.action and binding.action not in offered:
            # An action may have two bindings, and is one entry.
            offered.add(binding.action)
            key = f"Key: {_first(binding)}"
            run = partial(app.run_action, binding.action)
            yield SystemCommand(binding.description, key, run)
    for theme in themes.names():
        title = f"Theme: {theme.removeprefix(themes.PREFIX)}"
        yield SystemCommand(title, "How everything looks", partial(wear, theme))
    for binding in bindings_of(timeline):
        if binding.action.startswith("say("):
            key = f"The selected message, or the newest. Key: {_first(binding)}"
            yield SystemCommand(binding.description, key, partial(_act, timeline, binding.action))
    for command in COMMANDS.values():
        title = f":{command.name}  {command.summary}"
        # Textual takes both for markup, and a usage is full of brackets.
        start = partial(begin, f":{command.name} ")
        yield SystemCommand(escape(title), escape(command.usage), start)


async def _act(timeline: Widget, action: str) -> None:
    # By its own screen: the palette is still the one in front.
    timeline.screen.set_focus(timeline)
    await timeline.run_action(action)
