"""The table of commands, and how a typed line is parsed by it.

A line without a colon is said in the lobby; `::text` says `:text`, and `//text` says `/text`.
"""

import difflib
import re
from collections.abc import Container
from typing import Final

from zchat.client.commands.accounts import ACCOUNT_COMMANDS
from zchat.client.commands.actions import (
    MESSAGE,
    ROOM,
    Action,
    Arguments,
    CommandLine,
    MeasurePing,
    Mistake,
    Nothing,
    Parameter,
    Quit,
    Send,
    ShowHelp,
    ShowTopic,
    ShowWhoAmI,
    quoted,
    rest,
    word,
)
from zchat.client.commands.messages import MESSAGE_COMMANDS
from zchat.client.commands.rooms import ROOM_COMMANDS
from zchat.client.core.checks import InvalidRequest, checked, log_of, room_name
from zchat.client.text.entries import ACTION
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    Post,
    ReadHistory,
    Request,
    SendPrivate,
    SetTopic,
)

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
"""What some of them are called here, where that is something else."""
HISTORY_ENTRIES: Final = 20
"""How many `:history` shows when no number is given."""


def parse(line: str, rooms: Container[str] = frozenset()) -> Action:
    """The action that `line` asks for."""
    line = line.strip()
    if not line:
        return Nothing()
    if not is_command(line):
        try:
            return Send(checked(Post(room=LOBBY, text=said_of(line))))
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
    return isinstance(action, Send) and isinstance(action.request, Post | SendPrivate)


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
    nearest = difflib.get_close_matches(name.lower(), COMMANDS, n=1, cutoff=0.5)
    hint = f"; did you mean {COMMANDS[nearest[0]].usage}?" if nearest else "."
    shown = quoted(":" + name)
    return Mistake(f"there is no command {shown}{hint} :help lists them all.")


# --- How each command reads its arguments ---------------------------------------------------------


def _create_room(room: str, kind: str) -> Request:
    if kind not in ("", "private"):
        raise InvalidRequest(f"a new room is public, or private; {quoted(kind)} is neither")
    return CreateRoom(room=room, private=bool(kind))


def _topic(room: str, topic: str) -> Action | Request:
    return SetTopic(room=room, topic=topic) if topic else ShowTopic(room_name(room))


def _history(line: Arguments) -> ReadHistory:
    words = line.rest().split()
    if len(words) > 2:
        raise InvalidRequest(f"takes a room or name, and a number; {quoted(words[2])} is too much")
    # A number alone is a count; a room called 50 is asked for as #50.
    count_given = bool(words) and words[-1].isdecimal()
    if len(words) == 2 and not count_given:
        raise InvalidRequest(f"{quoted(words[1])} is not a number of messages")
    limit = int(words.pop()[:6]) if count_given else HISTORY_ENTRIES
    log = log_of(words[0], line.rooms) if words else "#" + LOBBY
    return ReadHistory(log=log, limit=limit)


def _help(name: str) -> Action:
    if not name:
        width = max(len(command.usage) for command in COMMANDS.values())
        table = [f"{command.usage:<{width}}  {command.summary}" for command in COMMANDS.values()]
        first = (
            f"{'text':<{width}}  Post it to the lobby; ::text posts :text, and //text posts /text."
        )
        return ShowHelp((first, *table))
    command = COMMANDS.get(name.removeprefix(":").lower())
    return (
        _unknown(name.removeprefix(":").lower())
        if command is None
        else ShowHelp((command.usage, command.summary))
    )


_TABLE: Final = (
    CommandLine(
        "pm",
        (word("to", "<name>", "the user name", "user"), MESSAGE),
        "Send a private message.",
        SendPrivate,
    ),
    CommandLine(
        "me",
        (rest("text", "<text>", "what you do"),),
        "Post what you do, as in *ann* waves.",
        lambda text: Post(room=LOBBY, text=ACTION + text),
    ),
    CommandLine("users", (), "List who is online, since when, and how long idle.", ListUsers),
    CommandLine(
        "cr",
        (ROOM, rest("kind", "[private]")),
        "Create a room that you own; only those you invite hear of a private one.",
        _create_room,
    ),
    CommandLine("jr", (ROOM, rest("key", "[key]")), "Join a room.", JoinRoom),
    CommandLine("lr", (ROOM,), "Leave a room.", LeaveRoom),
    CommandLine("lrs", (), "List all rooms, with unread counts for yours.", ListRooms),
    CommandLine("lru", (ROOM,), "List the members of a room.", ListMembers),
    CommandLine("rm", (ROOM, MESSAGE), "Post to a room that you are in.", Post),
    CommandLine(
        "topic", (ROOM, rest("topic", "[text]")), "Show the topic of a room, or set it.", _topic
    ),
    CommandLine(
        "history",
        (Parameter("request", "[#room or @name] [n]", "a room or name", _history, "either"),),
        f"Show the last n messages (1 to {limits.HISTORY_ENTRIES_MAX}) of a room, of a "
        "private conversation or of the lobby. A bare word is a room if there is one.",
        lambda request: request,
    ),
    CommandLine(
        "ping", (), "Measure the round trip to the gateway and to each service.", MeasurePing
    ),
    CommandLine("whoami", (), "Show your name, and whether it is registered.", ShowWhoAmI),
    *MESSAGE_COMMANDS,
    *ROOM_COMMANDS,
    *ACCOUNT_COMMANDS,
    CommandLine(
        "help",
        (word("name", "[command]", "a command", "command"),),
        "List all commands, or explain one.",
        _help,
    ),
    CommandLine("quit", (), "Quit, once everything that you sent is confirmed.", Quit),
)
COMMANDS: Final = {command.name: command for command in _TABLE}
