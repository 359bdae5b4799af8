"""What one can do to messages by a line, what finds them, and how loud a conversation is.

Which message is meant is said by counting back: `^1` is the last one, and so is nothing. `^bob` is
the last one of bob, `^bob:2` the one before.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from zchat.client.commands.actions import Action, Among, Send, ToMessage, Which
from zchat.client.commands.usage import KINDS, Arguments, Kind, commands, rest, whole
from zchat.client.core.checks import (
    InvalidRequest,
    checked,
    log_name,
    room_name,
    saying,
    user_name,
)
from zchat.protocol import limits, messages
from zchat.protocol.messages import LOBBY, Request, room_log

_WHICH: Final = re.compile(r"\^(?:([0-9]+)|([^\s:]+?)(?::([0-9]+))?)(?:\s+|$)")


# --- What is done to a message that stands --------------------------------------------------------


def _which(line: Arguments) -> Which:
    """Which one, counted back; among which messages the command says."""
    match = _WHICH.match(line.text)
    if match is None:
        return Which()
    number, author, number_of_author = match.groups()
    back = whole(number or number_of_author or "1")
    if not 1 <= back <= limits.HISTORY_ENTRIES_MAX:
        raise InvalidRequest(f"counts back from ^1, the last, to ^{limits.HISTORY_ENTRIES_MAX}")
    line.text = line.text[match.end() :]
    return Which(back=back, author=user_name(author) if author else "")


def _to(kind: type[Request], among: Among) -> Callable[..., Action]:
    """Does `kind` to the message that is meant."""

    def action(log: str, which: Which, **given: str) -> Action:
        if kind is messages.EditMessage and which.author:
            raise InvalidRequest("one can edit only what one has said oneself")

        def draft(log: str, sequence: int) -> Request:
            fields: dict[str, Any] = {**given, "log": log, "sequence": sequence}
            return checked(kind(**fields))

        draft(log, 0)  # Checked now, although the message is not known yet.
        return ToMessage(log, replace(which, among=among), draft)

    return action


def _to_pin(
    kind: type[messages.PinMessage | messages.UnpinMessage], among: Among
) -> Callable[..., Action]:
    def action(room: str, which: Which) -> Action:
        return ToMessage(
            room_log(room_name(room)),
            replace(which, among=among),
            lambda log, sequence: checked(kind(room=log, sequence=sequence)),
        )

    return action


def _reply(log: str, which: Which, text: str) -> Action:
    saying(log, text)
    return ToMessage(log, which, lambda _, sequence: saying(log, text, sequence))


# --- What is found --------------------------------------------------------------------------------


def _search(text: str) -> Request:
    words = text.split()
    log = author = None
    while words and (author is None or log is None):
        if log is None and words[0][0] in "#@" and len(words[0]) > 1:
            log = log_name(words.pop(0))
        elif author is None and words[0].lower().startswith("from:"):
            author = words.pop(0)[len("from:") :]
        else:
            break
    return messages.SearchMessages(text=" ".join(words), log=log, author=author)


# --- What others know, and what one is told -------------------------------------------------------


def _notify(log: str, level: str) -> Action:
    request = checked(messages.SetNotify(log=log, level=level.strip().lower()))  # type: ignore[arg-type]
    where = "the lobby" if log == "#" + LOBBY else log
    return Send(request, f"{where} tells you of {request.level.value}")


def _away(text: str) -> Action:
    request = checked(messages.SetAway(away=text))
    return Send(request, f"you are away{f': {request.away}' if request.away else ''}")


def _back() -> Action:
    return Send(messages.SetAway(away=None), "you are back")


# A command is a row of one look, which the formatter would spread over five lines.
# fmt: off
MESSAGE_COMMANDS: Final = commands(
    {
        **KINDS,
        # Empty ones are left to the checks, which say more than that something is missing.
        "<message>": rest("text"),
        "<emoji>": rest("emoji"),
        "[^n]": Kind("which", "a message", _which),
        "[^n or ^name]": Kind("which", "a message", _which),
        "[#room or @name] [from:name] <words>": Kind("text", "", Arguments.rest, "either"),
        "<name> [name ...]": Kind(
            "users", "the names", lambda line: line.rest("the names").split(), "users"
        ),
        "<all, mentions or nothing>": rest("level"),
    },
    ("reply <#room or @name> [^n] <message>", _reply,
        ("Reply to the last message of others there, or the n-th last; ^bob is bob's last, "
         "^bob:2 the one before. A bare word is a room if there is one.")),
    ("edit <#room or @name> [^n] <message>", _to(messages.EditMessage, Among.OWN),
        "Edit your last message there, or the n-th last."),
    ("redact <#room or @name> [^n or ^name] [reason]", _to(messages.DeleteMessage, Among.OWN),
        "Delete your last message there, or the n-th last; moderators may delete those of others."),
    ("react <#room or @name> [^n or ^name] <emoji>", _to(messages.AddReaction, Among.OTHERS),
        "React with an emoji to the last message of others there, or the n-th last."),
    ("unreact <#room or @name> [^n or ^name] <emoji>", _to(messages.RemoveReaction, Among.OTHERS),
        "Remove your reaction."),
    ("edits <#room or @name> [^n or ^name]", _to(messages.ReadEdits, Among.EDITED),
        "Show what the last edited message said before, if the cluster keeps that."),
    ("pins <room>", messages.ListPins, "List the pinned messages of a room."),
    ("pin <room> [^n or ^name]", _to_pin(messages.PinMessage, Among.OTHERS),
        "Pin a message (moderators): the last one of others, or the n-th last."),
    ("unpin <room> [^n or ^name]", _to_pin(messages.UnpinMessage, Among.PINNED),
        "Unpin a message (moderators): the newest pin, or the n-th."),
    ("search [#room or @name] [from:name] <words>", _search,
        "Find the newest messages with all these words, in all that you can read."),
    ("talk <name> [name ...]", messages.StartConversation,
        "Start a conversation of several people, in a room of its own."),
    ("conversations", messages.ListConversations,
        "List your private conversations, with unread counts."),
    ("notify <#room or @name> <all, mentions or nothing>", _notify,
        "Notification level of a room or conversation."),
    ("away [text]", _away, "Mark yourself as away, and say why."),
    ("back", _back, "Mark yourself as back."),
)
# fmt: on
