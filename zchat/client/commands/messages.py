"""What one can do to messages by a line, what finds them, and how loud a conversation is.

Which message is meant is said by counting back: `^1` is the last one, and so is nothing. `^bob` is
the last one of bob, `^bob:2` the one before.
"""

import re
from collections.abc import Callable
from typing import Final

from zchat.client.commands.actions import (
    Action,
    Among,
    Arguments,
    CommandLine,
    Send,
    ToMessage,
    Which,
    quoted,
)
from zchat.client.sdk import drafts, message_drafts
from zchat.client.sdk.drafts import InvalidRequest, Request
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY

_WHICH: Final = re.compile(r"\^(?:([0-9]+)|([^\s:]+?)(?::([0-9]+))?)(?:\s+|$)")


def _where(arguments: Arguments) -> tuple[str, str]:
    """The log, and what follows."""
    word, rest = arguments.word_and_rest("the #room or @name")
    return drafts.log_name(drafts.log_of(word, arguments.rooms)), rest


def _which(rest: str, among: Among) -> tuple[Which, str]:
    """The message that is meant, and what follows."""
    match = _WHICH.match(rest)
    if match is None:
        return Which(among), rest
    number, author, number_of_author = match.groups()
    back = int((number or number_of_author or "1")[:6])
    if not 1 <= back <= limits.HISTORY_ENTRIES_MAX:
        raise InvalidRequest(f"counts back from ^1, the last, to ^{limits.HISTORY_ENTRIES_MAX}")
    return Which(among, back, drafts.user_name(author) if author else ""), rest[match.end() :]


def _of_message(
    among: Among, draft: Callable[[str, int, str], Request], done: str = ""
) -> Callable[[Arguments], Action]:
    """For commands that take a place, a message there, and a text."""

    def parse(arguments: Arguments) -> Action:
        log, rest = _where(arguments)
        which, text = _which(rest, among)
        draft(log, 0, text)  # Checked now, although the message is not known yet.
        return ToMessage(log, which, lambda log, sequence: draft(log, sequence, text), done)

    return parse


def _reply(arguments: Arguments) -> Action:
    place, rest = _where(arguments)
    which, text = _which(rest, Among.OTHERS)

    def draft(log: str, sequence: int) -> Request:
        if place[0] == "@":
            return drafts.private(place, text, sequence)
        return drafts.post(place, text, sequence)

    draft(place, 0)
    return ToMessage(place, which, draft)


def _edit(arguments: Arguments) -> Action:
    log, rest = _where(arguments)
    which, text = _which(rest, Among.OWN)
    if which.author:
        raise InvalidRequest("one can edit only what one has said oneself")
    message_drafts.edit(log, 0, text)
    return ToMessage(log, which, lambda log, sequence: message_drafts.edit(log, sequence, text))


def _in_room(draft: Callable[[str, int], Request]) -> Callable[[str, int, str], Request]:
    """Of what is done in rooms only, and takes no text."""

    def checked(log: str, sequence: int, text: str) -> Request:
        if log[0] == "@":
            raise InvalidRequest("messages are pinned in rooms only")
        if text:
            raise InvalidRequest(f"takes a room and a message; {quoted(text)} is too much")
        return draft(log[1:], sequence)

    return checked


def _edits(log: str, sequence: int, text: str) -> Request:
    if text:
        raise InvalidRequest(f"takes a place and a message; {quoted(text)} is too much")
    return message_drafts.edits(log, sequence)


def _pins(arguments: Arguments) -> Action:
    return Send(message_drafts.pins(arguments.one("the room name")))


def _search(arguments: Arguments) -> Action:
    words = arguments.text.split()
    log = author = None
    while words and (author is None or log is None):
        if log is None and words[0][0] in "#@" and len(words[0]) > 1:
            log = drafts.log_name(words.pop(0))
        elif author is None and words[0].lower().startswith("from:"):
            author = words.pop(0)[len("from:") :]
        else:
            break
    return Send(message_drafts.search(" ".join(words), log, author))


def _talk(arguments: Arguments) -> Action:
    if not arguments.text:
        raise InvalidRequest("the names are missing")
    return Send(message_drafts.conversation(arguments.text.split()))


def _conversations(arguments: Arguments) -> Action:
    arguments.none()
    return Send(message_drafts.conversations())


def _notify(arguments: Arguments) -> Action:
    log, level = _where(arguments)
    request = message_drafts.notify(log, level.strip().lower())
    where = "the lobby" if log == "#" + LOBBY else log
    return Send(request, f"{where} tells you of {request.level.value}")


def _away(arguments: Arguments) -> Action:
    request = message_drafts.away(arguments.text)
    return Send(request, f"you are away{f': {request.away}' if request.away else ''}")


def _back(arguments: Arguments) -> Action:
    arguments.none()
    return Send(message_drafts.away(None), "you are back")


MESSAGE_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine(
        "reply",
        "<#room or @name> [^n] <message>",
        "Answer the last message of others there, or the n-th last; ^bob is the last one of bob, "
        "^bob:2 the one before. A bare word is a room if there is one.",
        _reply,
        "either",
    ),
    CommandLine(
        "edit",
        "<#room or @name> [^n] <message>",
        "Say it otherwise: your last message there, or your n-th last.",
        _edit,
        "either",
    ),
    CommandLine(
        "redact",
        "<#room or @name> [^n or ^name] [reason]",
        "Delete your last message there, or your n-th last; a moderator also that of somebody.",
        _of_message(Among.OWN, message_drafts.delete),
        "either",
    ),
    CommandLine(
        "react",
        "<#room or @name> [^n or ^name] <emoji>",
        "Say with an emoji what you think of the last message of others, or the n-th last.",
        _of_message(Among.OTHERS, message_drafts.react),
        "either",
    ),
    CommandLine(
        "unreact",
        "<#room or @name> [^n or ^name] <emoji>",
        "Take that back.",
        _of_message(Among.OTHERS, message_drafts.unreact),
        "either",
    ),
    CommandLine(
        "edits",
        "<#room or @name> [^n or ^name]",
        "What the last edited message said before, if that is kept.",
        _of_message(Among.EDITED, _edits),
        "either",
    ),
    CommandLine("pins", "<room>", "The pinned messages of a room.", _pins, "room"),
    CommandLine(
        "pin",
        "<room> [^n or ^name]",
        "For moderators of a room: keep the last message of others, or the n-th last, in sight.",
        _of_message(Among.OTHERS, _in_room(message_drafts.pin)),
        "room",
    ),
    CommandLine(
        "unpin",
        "<room> [^n or ^name]",
        "For moderators of a room: no more so, of the newest in :pins, or the n-th there.",
        _of_message(Among.PINNED, _in_room(message_drafts.unpin)),
        "room",
    ),
    CommandLine(
        "search",
        "[#room or @name] [from:name] <words>",
        "The newest messages with all these words, of what you can read.",
        _search,
        "either",
    ),
    CommandLine(
        "talk",
        "<name> [name ...]",
        "Begin a conversation of several people, which is a room of its own.",
        _talk,
        "users",
    ),
    CommandLine(
        "conversations",
        "",
        "With whom you have spoken in private, and what is unread of it.",
        _conversations,
    ),
    CommandLine(
        "notify",
        "<#room or @name> <all, mentions or nothing>",
        "Of what you want to be told aloud there, on all your devices.",
        _notify,
        "either",
    ),
    CommandLine("away", "[text]", "Let others know that you are away, and why.", _away),
    CommandLine("back", "", "Let others know that you are here again.", _back),
)
