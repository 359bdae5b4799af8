"""The table of commands, and how a typed line is parsed by it.

A line without a colon is said in the lobby; `::text` says `:text`, and `//text` says `/text`.
"""

import difflib
import re
from collections.abc import Container, Sequence
from typing import Final

from zchat.client.commands.accounts import ACCOUNT_COMMANDS
from zchat.client.commands.actions import (
    Action,
    MeasurePing,
    Mistake,
    Nothing,
    Quit,
    Send,
    ShowHelp,
    ShowTopic,
    ShowWhoAmI,
)
from zchat.client.commands.messages import MESSAGE_COMMANDS
from zchat.client.commands.operators import OPERATOR_COMMANDS
from zchat.client.commands.rooms import ROOM_COMMANDS
from zchat.client.commands.usage import (
    KINDS,
    Arguments,
    Kind,
    commands,
    flag,
    number,
    quoted,
    rest,
)
from zchat.client.core.checks import InvalidRequest, checked, room_name
from zchat.client.text.entries import ACTION
from zchat.protocol import limits, messages
from zchat.protocol.messages import LOBBY, Request

SECRET_BEGINNINGS: Final = (":reg", ":pas", ":del", ":totp", ":login")
"""Also of lines with a slip of the finger, and with a password where none is taken."""
SECRETS_MAX: Final = 3
"""No command asks for more of them."""
_ASKING: Final = (":reg", ":pas", ":delete-", ":totp", ":login")
"""How commands begin, slips of the finger among them, after which people type a secret."""
_ELSEWHERE: Final = re.compile(r"/([A-Za-z]+)(?=\s|$)")
"""How commands of other programs begin, and no path does."""
_ESCAPED: Final = re.compile(r"//+[A-Za-z]+(?=\s|$)")
_ACTION: Final = re.compile(r"[:/]me\s+(?=\S)", re.IGNORECASE)
"""How an action begins, which is said wherever a text would be."""
_HERE: Final = {
    **dict.fromkeys(("join", "j"), "jr"),
    **dict.fromkeys(("part", "leave"), "lr"),
    **dict.fromkeys(("msg", "query"), "pm"),
    **dict.fromkeys(("names", "who"), "lru"),
    "list": "lrs",
}
"""Those of them that have another name here."""
HISTORY_ENTRIES: Final = 20
"""How many `:history` shows when no number is given."""


def parse(line: str, rooms: Container[str] = frozenset()) -> Action:
    """The action that `line` asks for."""
    line = line.strip()
    if not line:
        return Nothing()
    if not is_command(line):
        try:
            return Send(checked(messages.Post(room=LOBBY, text=said_of(line))))
        except InvalidRequest as error:
            return Mistake(f"{error}.")
    if line.startswith("/"):
        return Mistake(_from_elsewhere(line))
    if "\n" in line and is_secret(line):
        return Mistake("a command that takes a secret stands alone on its line; nothing was sent")
    name, *rest = re.split(r"\s+", line[1:], maxsplit=1)
    command = COMMANDS.get(name.lower())
    if command is None:
        return _unknown(name)
    try:
        return command.parse(Arguments("".join(rest), rooms))
    except InvalidRequest as error:
        return Mistake(f":{command.name}: {error}. Usage: {command.usage}")


def shows_by_entry(line: str) -> bool:
    """Whether what the line says will be seen as an entry, so that it need not be repeated."""
    action = parse(line)
    return isinstance(action, Send) and isinstance(
        action.request, messages.Post | messages.SendPrivate
    )


def named_by_last(words: Sequence[str]) -> str:
    """What the last of the words of a command line names, for completion.

    One of "command", "room", "user" and "either", or nothing. The first word is the command.
    """
    command = COMMANDS.get(words[0][1:].lower())
    if command is None or len(words) < 2:
        return ""
    if command.takes == "users":
        return "user"
    return command.takes if len(words) == 2 else ""


def is_command(text: str) -> bool:
    """Whether it is one, here or in other programs: then it is said to nobody."""
    line = text.strip()
    if _ACTION.match(line):
        return False
    if line.startswith(":"):
        return not line.startswith("::")
    return _ELSEWHERE.match(line) is not None


def names_command(line: str) -> bool:
    """Whether it is one of ours, which no secret is."""
    word = line.strip().partition(" ")[0]
    return word.startswith(":") and word[1:].lower() in COMMANDS


def said_of(text: str) -> str:
    """What is said by a text that is no command."""
    line = text.strip()
    if line.startswith("::") or _ESCAPED.match(line):
        return line[1:]
    if action := _ACTION.match(line):
        return ACTION + line[action.end() :]
    return text


def escaped(text: str) -> str:
    """The text that says this one."""
    if said_of(text) == text and not is_command(text):
        return text
    line = text.strip()
    return line[0] + line


def is_secret(line: str) -> bool:
    """Whether the line may hold a password, and so must not be kept."""
    return line.lstrip().lower().startswith(SECRET_BEGINNINGS)


def asks_secrets(line: str) -> bool:
    """Whether people who have typed this expect to be asked for a secret."""
    words = line.lower().split()
    if not words or not words[0].startswith(_ASKING):
        return False
    return len(words) == 1 or (words[0].startswith(":totp") and len(words) == 2)


def _from_elsewhere(line: str) -> str:
    found = _ELSEWHERE.match(line)
    assert found is not None
    here = ":" + _HERE.get(found[1].lower(), found[1].lower())
    known = here[1:] in COMMANDS
    why = f"{here} does that here" if known else "commands begin with a colon here"
    return f"{why}; /{found[0]} says {found[0]}"


def _unknown(name: str) -> Mistake:
    meant = _HERE.get(name.lower())
    if meant is None:
        meant = next(iter(difflib.get_close_matches(name.lower(), COMMANDS, n=1, cutoff=0.5)), None)
    hint = f"; did you mean {COMMANDS[meant].usage}?" if meant else "."
    shown = quoted(":" + name)
    return Mistake(f"there is no command {shown}{hint} :help lists them all.")


# --- What it takes more than a message to say ----------------------------------------------------


def _private(user: str, text: str) -> Request:
    return messages.SendPrivate(to=user, text=text)


def _me(text: str) -> Request:
    return messages.Post(room=LOBBY, text=ACTION + text)


def _topic(room: str, text: str) -> Action | Request:
    return messages.SetTopic(room=room, topic=text) if text else ShowTopic(room_name(room))


def _log_or_lobby(line: Arguments) -> str:
    # A number alone is a count; a room called 50 is asked for as #50.
    return line.log() if line.text and not line.text.isdecimal() else "#" + LOBBY


def _help(name: str) -> Action:
    name = name.removeprefix(":").lower()
    if name:
        command = COMMANDS.get(name)
        return ShowHelp((command.usage, command.summary)) if command else _unknown(name)
    width = max(len(command.usage) for command in COMMANDS.values())
    first = f"{'text':<{width}}  Post it to the lobby; ::text posts :text, and //text posts /text."
    table = (f"{command.usage:<{width}}  {command.summary}" for command in COMMANDS.values())
    return ShowHelp((first, *table))


# --- The table ------------------------------------------------------------------------------------

_KINDS: Final = {
    **KINDS,
    "<text>": rest("text", "what you do"),
    "[private]": flag("private", "private", "a new room is public, or private; {} is neither"),
    "[key]": rest("key"),
    "[#room or @name]": Kind("log", "a room or name", _log_or_lobby, "either"),
    "[n]": number("limit", "a number of messages", HISTORY_ENTRIES),
    "[command]": Kind("name", "a command", Arguments.word, "command"),
}
# A command is a row of one look, which the formatter would spread over five lines.
# fmt: off
_TABLE: Final = (
    *commands(
        _KINDS,
        ("pm <name> <message>", _private, "Send a private message."),
        ("me <text>", _me, "Post what you do, as in *ann* waves."),
        ("users", messages.ListUsers, "List who is online, since when, and how long idle."),
        ("cr <room> [private]", messages.CreateRoom,
            "Create a room that you own; only those you invite hear of a private one."),
        ("jr <room> [key]", messages.JoinRoom, "Join a room."),
        ("lr <room>", messages.LeaveRoom, "Leave a room."),
        ("lrs", messages.ListRooms, "List all rooms, with unread counts for yours."),
        ("lru <room>", messages.ListMembers, "List the members of a room."),
        ("rm <room> <message>", messages.Post, "Post to a room that you are in."),
        ("topic <room> [text]", _topic, "Show the topic of a room, or set it."),
        ("history [#room or @name] [n]", messages.ReadHistory,
            (f"Show the last n messages (1 to {limits.HISTORY_ENTRIES_MAX}) of a room, of a "
             "private conversation or of the lobby. A bare word is a room if there is one.")),
        ("ping", MeasurePing, "Measure the round trip to the gateway and to each service."),
        ("whoami", ShowWhoAmI, "Show your name, and whether it is registered."),
    ),
    *MESSAGE_COMMANDS,
    *ROOM_COMMANDS,
    *ACCOUNT_COMMANDS,
    *OPERATOR_COMMANDS,
    *commands(
        _KINDS,
        ("help [command]", _help, "List all commands, or explain one."),
        ("quit", Quit, "Quit, once everything that you sent is confirmed."),
    ),
)
# fmt: on
COMMANDS: Final = {command.name: command for command in _TABLE}
