"""Short words around a conversation: its header, who types, what is empty, and all keys."""

from collections.abc import Sequence
from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode

from zchat.client.chat import Chat
from zchat.client.commands import COMMANDS
from zchat.client.commands import is_secret as is_secret
from zchat.client.conversations.model import Conversation, Delivery, Kind, Said
from zchat.client.screen import listing
from zchat.client.screen.cells import cut, drawable_line, padded, width
from zchat.client.screen.completion import Completion
from zchat.client.screen.desk import Desk
from zchat.client.screen.layout import Line
from zchat.client.screen.listing import Present, label
from zchat.client.screen.markup import Ink, Piece
from zchat.client.state import State

FIRST_HINT: Final = "  Ctrl-K go to a room or person · Enter send · F1 all keys"
CHOICE: Final = "choice:"
TYPING_NAMES: Final = 3
SHORT_CHARS: Final = 300
KEYS_SHOWN: Final = 4


def header(conversation: Conversation, cells: int, desk: Desk) -> Line:
    name = label(conversation)
    pieces = [Piece(f" {cut(name, max(4, cells // 3))}", Ink.STRONG)]
    note = ""
    if conversation.kind is Kind.PRIVATE:
        known = present(conversation.key, desk)
        if known is None or not known.online:
            note = "not here; reads it later"
        elif known.away is not None:
            note = f"away: {drawable_line(known.away)}" if known.away else "away"
        else:
            note = "here"
    elif conversation.kind is Kind.NOTICES:
        note = "what the cluster tells you"
    elif not conversation.joined:
        note = f"you are not in it; :jr {drawable_line(conversation.key[1:])} joins"
    elif conversation.kind is not Kind.SEVERAL:
        note = drawable_line(conversation.topic)
    if listing.is_muted(conversation):
        pieces.append(Piece(" (muted)", Ink.DIM))
    if note:
        pieces.append(Piece(f"  {note}", Ink.DIM))
    return tuple(pieces)


def present(key: str, desk: Desk) -> Present | None:
    if key[0] != "@":
        return None
    here = desk.book.presence.here
    return Present(online=True, away=here[key[1:]]) if key[1:] in here else Present(online=False)


def members(conversation: Conversation, desk: Desk, cells: int) -> list[Line]:
    here = desk.book.presence.here
    listed = desk.members.get(conversation.key)
    if conversation.kind is Kind.PRIVATE:
        both = [conversation.key[1:], desk.book.me]
        known = [(name, "", Present(name in here, here.get(name))) for name in both]
        return listing.people(known, cells, len(known))
    if listed is None:
        return [(Piece(" nobody is known yet", Ink.DIM),)]
    found = [
        (each.name, each.role, Present(each.name in here, here.get(each.name)))
        for each in listed.members
    ]
    return listing.people(found, cells, listed.total)


def typing(conversation: Conversation, now: float) -> str:
    names = [drawable_line(name) for name, until in conversation.typing.items() if until > now]
    if not names:
        return ""
    if len(names) > TYPING_NAMES:
        return "several people are typing…"
    who = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{who} {'is' if len(names) == 1 else 'are'} typing…"


def replying(said: Said, cells: int) -> Line:
    text = f"  ↪ to {drawable_line(said.author)}: {drawable_line(said.text[:SHORT_CHARS])}"
    leave = "  Esc leaves it"
    return (Piece(cut(text, max(8, cells - width(leave) - 1)), Ink.HINT), Piece(leave, Ink.DIM))


def empty(conversation: Conversation, chat: Chat, first_time: bool) -> list[Line]:
    """What stands where nothing was said yet."""
    name = label(conversation)
    if conversation.loading or (chat.state is not State.ONLINE and conversation.more_before):
        text = (
            ["…"] if chat.state is State.ONLINE else ["What was said here comes with the server."]
        )
    elif conversation.kind is Kind.PRIVATE:
        text = [f"Nothing was said between you and {name} yet.", "Write, and Enter sends it."]
    elif conversation.kind is Kind.NOTICES:
        text = ["The cluster has told you nothing yet."]
    elif not conversation.joined:
        text = [f"You are not in {name}.", f":jr {name.removeprefix('#')} joins it."]
    else:
        text = [f"Nothing was said in {name} yet.", "Write, and Enter sends it."]
    if first_time:
        text += ["", "Ctrl-K goes to a room or person, F1 shows all keys."]
    return [(Piece(f"   {line}", Ink.DIM),) for line in text]


def has_failed(said: Said) -> bool:
    return said.delivery is Delivery.FAILED


def whose(said: Said, me: str) -> str:
    return "yours" if said.author == me else drawable_line(said.author)


def short(said: Said) -> str:
    text = drawable_line(said.text[:SHORT_CHARS])
    return cut(text, 120)


def begins_after(conversation: Conversation, sequence: int) -> bool:
    """Whether what is known of it begins after that message."""
    first = conversation.items[0].sequence if conversation.items else 0
    return first == 0 or first > sequence


def offered(completion: Completion, cells: int) -> list[Line]:
    """The choices that complete a word."""
    lines: list[Line] = []
    broadest = max((width(choice.insert) for choice in completion.choices), default=0)
    for number, choice in enumerate(completion.choices):
        target = f"{CHOICE}{number}"
        left = max(1, cells - broadest - 5)
        lines.append(
            (
                Piece("  ", Ink.TEXT, target),
                Piece(padded(choice.insert, broadest + 1), Ink.ACCENT, target),
                Piece(cut(choice.note, left), Ink.DIM, target),
            )
        )
    return lines


# --- Keys -----------------------------------------------------------------------------------------


def bindings_of(node: DOMNode) -> list[Binding]:
    """Those of its own class, in their order; not what Textual's have besides."""
    return [
        binding
        for binding in type(node).BINDINGS
        if isinstance(binding, Binding) and binding.description
    ]


def keys(nodes: Sequence[DOMNode]) -> list[Line]:
    """All keys, as the bindings have them, and then all commands."""
    titles = ("Everywhere", "In the conversation (Esc or ↑ goes there)", "While writing")
    lines: list[Line] = []
    for title, node in zip(titles, nodes, strict=True):
        lines += [(Piece(f" {title}", Ink.STRONG),)]
        rows: dict[str, list[str]] = {}
        for binding in bindings_of(node):
            names = rows.setdefault(binding.description, [])
            names += [key_name(key) for key in binding.key.split(",")]
        for description, names in rows.items():
            shown = f"{names[0]} … {names[-1]}" if len(names) > KEYS_SHOWN else " ".join(names)
            lines.append((Piece(f"   {padded(shown, 24)} ", Ink.ACCENT), Piece(description)))
        lines.append(())
    lines.append((Piece(" Commands", Ink.STRONG), Piece("  typed like a message", Ink.DIM)))
    for command in COMMANDS.values():
        usage = padded(command.usage, 30)
        lines.append((Piece(f"   {usage} ", Ink.ACCENT), Piece(command.summary)))
    return lines


def key_name(key: str) -> str:
    """As people call it."""
    names = {
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
    shown = [names.get(part, part.capitalize() if len(part) > 1 else part) for part in parts]
    if len(parts) > 1 and len(parts[-1]) == 1:
        shown[-1] = parts[-1].upper()
    return "-".join(shown)
