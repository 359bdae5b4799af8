"""What one can do to messages by a line, what finds them, and how loud a conversation is.

Which message is meant is said by counting back: `^1` is the last one, and so is nothing. `^bob` is
the last one of bob, `^bob:2` the one before.
"""

import re
from typing import Any, Final

from zchat.client.commands.actions import (
    PLACE,
    ROOM,
    Action,
    Among,
    Arguments,
    CommandLine,
    Parameter,
    Send,
    ToMessage,
    Which,
    rest,
)
from zchat.client.core.checks import InvalidRequest, checked, log_name, saying, user_name
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    AddReaction,
    DeleteMessage,
    EditMessage,
    ListConversations,
    ListPins,
    PinMessage,
    ReadEdits,
    RemoveReaction,
    Request,
    SearchMessages,
    SetAway,
    SetNotify,
    StartConversation,
    UnpinMessage,
)

_WHICH: Final = re.compile(r"\^(?:([0-9]+)|([^\s:]+?)(?::([0-9]+))?)(?:\s+|$)")


# --- What is done to a message that stands --------------------------------------------------------


def _which(among: Among, usage: str = "[^n or ^name]") -> Parameter:
    """The message that is meant."""

    def read(line: Arguments) -> Which:
        match = _WHICH.match(line.text)
        if match is None:
            return Which(among)
        number, author, number_of_author = match.groups()
        back = int((number or number_of_author or "1")[:6])
        if not 1 <= back <= limits.HISTORY_ENTRIES_MAX:
            raise InvalidRequest(f"counts back from ^1, the last, to ^{limits.HISTORY_ENTRIES_MAX}")
        line.text = line.text[match.end() :]
        return Which(among, back, user_name(author) if author else "")

    return Parameter("which", usage, "a message", read)


class _To:
    """Does `kind` to the message that is meant."""

    def __init__(self, kind: type[Request]) -> None:
        self._kind = kind

    def __call__(self, log: str, which: Which, **given: str) -> Action:
        if self._kind is EditMessage and which.author:
            raise InvalidRequest("one can edit only what one has said oneself")

        def draft(log: str, sequence: int) -> Request:
            fields: dict[str, Any] = {**given, "log": log, "sequence": sequence}
            return checked(self._kind(**fields))

        draft(log, 0)  # Checked now, although the message is not known yet.
        return ToMessage(log, which, draft)


_PIN_ROOM: Final = Parameter("log", ROOM.usage, "a room", Arguments.log, "room")


class _ToPin:
    def __init__(self, kind: type[PinMessage | UnpinMessage]) -> None:
        self._kind = kind

    def __call__(self, log: str, which: Which) -> Action:
        if log[0] == "@":
            raise InvalidRequest("messages are pinned in rooms only")
        return ToMessage(
            log, which, lambda log, sequence: checked(self._kind(room=log, sequence=sequence))
        )


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
    return SearchMessages(text=" ".join(words), log=log, author=author)


# --- What others know, and what one is told -------------------------------------------------------


def _notify(log: str, level: str) -> Action:
    request = checked(SetNotify(log=log, level=level.strip().lower()))  # type: ignore[arg-type]
    where = "the lobby" if log == "#" + LOBBY else log
    return Send(request, f"{where} tells you of {request.level.value}")


def _away(away: str) -> Action:
    request = checked(SetAway(away=away))
    return Send(request, f"you are away{f': {request.away}' if request.away else ''}")


def _back() -> Action:
    return Send(SetAway(away=None), "you are back")


MESSAGE_COMMANDS: Final[tuple[CommandLine, ...]] = (
    CommandLine(
        "reply",
        (PLACE, _which(Among.OTHERS, "[^n]"), rest("text", "<message>")),
        "Reply to the last message of others there, or the n-th last; ^bob is bob's last, "
        "^bob:2 the one before. A bare word is a room if there is one.",
        _reply,
    ),
    CommandLine(
        "edit",
        (PLACE, _which(Among.OWN, "[^n]"), rest("text", "<message>")),
        "Edit your last message there, or the n-th last.",
        _To(EditMessage),
    ),
    CommandLine(
        "redact",
        (PLACE, _which(Among.OWN), rest("reason", "[reason]")),
        "Delete your last message there, or the n-th last; moderators may delete those of others.",
        _To(DeleteMessage),
    ),
    CommandLine(
        "react",
        (PLACE, _which(Among.OTHERS), rest("emoji", "<emoji>")),
        "React with an emoji to the last message of others there, or the n-th last.",
        _To(AddReaction),
    ),
    CommandLine(
        "unreact",
        (PLACE, _which(Among.OTHERS), rest("emoji", "<emoji>")),
        "Remove your reaction.",
        _To(RemoveReaction),
    ),
    CommandLine(
        "edits",
        (PLACE, _which(Among.EDITED)),
        "Show what the last edited message said before, if the cluster keeps that.",
        _To(ReadEdits),
    ),
    CommandLine("pins", (ROOM,), "List the pinned messages of a room.", ListPins),
    CommandLine(
        "pin",
        (_PIN_ROOM, _which(Among.OTHERS)),
        "Pin a message (moderators): the last one of others, or the n-th last.",
        _ToPin(PinMessage),
    ),
    CommandLine(
        "unpin",
        (_PIN_ROOM, _which(Among.PINNED)),
        "Unpin a message (moderators): the newest pin, or the n-th.",
        _ToPin(UnpinMessage),
    ),
    CommandLine(
        "search",
        (Parameter("text", "[#room or @name] [from:name] <words>", "", Arguments.rest, "either"),),
        "Find the newest messages with all these words, in all that you can read.",
        _search,
    ),
    CommandLine(
        "talk",
        (
            Parameter(
                "users",
                "<name> [name ...]",
                "the names",
                lambda line: line.rest("the names").split(),
                "users",
            ),
        ),
        "Start a conversation of several people, in a room of its own.",
        StartConversation,
    ),
    CommandLine(
        "conversations",
        (),
        "List your private conversations, with unread counts.",
        ListConversations,
    ),
    CommandLine(
        "notify",
        (PLACE, rest("level", "<all, mentions or nothing>")),
        "Notification level of a room or conversation.",
        _notify,
    ),
    CommandLine("away", (rest("away", "[text]"),), "Mark yourself as away, and say why.", _away),
    CommandLine("back", (), "Mark yourself as back.", _back),
)
