"""What was said, and what became of it, in words for a person."""

from typing import Final, TypeAlias, assert_never

from zchat.client.look import BOLD, CYAN, DIM, MAGENTA, YELLOW, Look
from zchat.protocol.mentions import ROOM, mentions_in
from zchat.protocol.messages import (
    LOBBY,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)
from zchat.protocol.names import printable, safe_text

QUOTED_CHARS: Final = 40
"""Of a message that another one refers to."""
TITLE_CHARS: Final = 40

SaidBody: TypeAlias = MessagePosted | PrivateMessageSent | Redacted
OfMessageBody: TypeAlias = (
    MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | MessagePinned
    | MessageUnpinned
)
"""What somebody has done to a message."""


def said(look: Look, entry: Entry, body: SaidBody) -> str:
    """A message as it is now."""
    author = printable(entry.author)
    in_room = room_before(look, entry.log)
    match body:
        case MessagePosted(text, reply_to, bot):
            to = answered(look, entry.log, reply_to)
            text = f"{_highlighted(look, text)}{became(look, entry)}"
            return f"{in_room}{look.style(BOLD, author)}{_mark(bot)}{to}: {text}"
        case PrivateMessageSent(to, text, reply_to, bot=bot):
            ends = f"[{look.who(author)}{_mark(bot)} -> {look.who(printable(to))}]"
            answers = answered(look, entry.log, reply_to)
            text = f"{safe_text(text)}{became(look, entry)}"
            return f"{look.style(MAGENTA, ends)}{answers} {text}"
        case Redacted(by, to):
            by = printable(by)
            gone = "(deleted)" if by == author else f"(deleted by {look.who(by)})"
            if to:
                ends = f"[{look.who(author)} -> {look.who(printable(to))}]"
                return f"{look.style(MAGENTA, ends)} {look.style(DIM, gone)}"
            return f"{in_room}{look.style(BOLD, author)}: {look.style(DIM, gone)}"
    assert_never(body)


def _mark(bot: bool) -> str:
    """What stands after the name of a program."""
    return " (bot)" if bot else ""


def done_to_message(look: Look, entry: Entry, body: OfMessageBody) -> str:
    who = look.who(printable(entry.author))
    it = _referred(look, entry.log, body.sequence)
    known = look.lately.said(entry.log, body.sequence)
    match body:
        case MessageEdited(text=text):
            # Whoever has come later has seen the message as it is now.
            if not text or (known is not None and known.edited > entry.sequence):
                return f"{who} edited a message, which has changed since"
            return f"{who} edited: {safe_text(text)}"
        case MessageDeleted(reason=reason):
            others = known is not None and known.author != entry.author
            whose = f" of {look.who(printable(known.author))}" if known and others else ""
            return f"{who} deleted a message{whose}{f': {printable(reason)}' if reason else ''}"
        case ReactionAdded(_, emoji):
            return f"{who} reacted with {printable(emoji)} to {it}"
        case ReactionRemoved(_, emoji):
            return f"{who} took back {printable(emoji)} from {it}"
        case MessagePinned():
            return f"{who} pinned {it}"
        case MessageUnpinned():
            return f"{who} unpinned {it}"
    assert_never(body)


def answered(look: Look, log: str, reply_to: int) -> str:
    """What stands after the author of a reply. Nobody can have typed it: no name has a space."""
    return look.style(DIM, f" ↳ {_referred(look, log, reply_to)}") if reply_to else ""


def became(look: Look, entry: Entry) -> str:
    """What stands after a text that is not as it was said."""
    counts = ", ".join(f"{printable(emoji)} {len(by)}" for emoji, by in entry.reactions.items())
    marks = [*(["(edited)"] if entry.edited else []), *([f"[{counts}]"] if counts else [])]
    return look.style(DIM, " " + " ".join(marks)) if marks else ""


def room_before(look: Look, log: str) -> str:
    """What goes before a line of the log, and a space; nothing for the lobby and the inbox."""
    room = where(look, log)
    return f"{look.style(CYAN, room)} " if room else ""


def where(look: Look, log: str) -> str:
    if log == "#" + LOBBY or log.startswith("@"):
        return ""
    title = printable(look.titles.get(log, ""))
    return f"({shortened(title, TITLE_CHARS)})" if title else printable(log)


def shortened(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - 1].rstrip() + "…"


def _referred(look: Look, log: str, sequence: int) -> str:
    known = look.lately.said(log, sequence)
    if known is None:
        return f"message {sequence}"
    first_words = shortened(" ".join(printable(known.text).split()), QUOTED_CHARS)
    return f"{look.who(printable(known.author))} ({first_words})"


def _highlighted(look: Look, text: str) -> str:
    """The text with one's own name as it was called."""
    text = safe_text(text)
    at, parts = 0, []
    for mention in mentions_in(text):
        if mention.name in (look.me, ROOM):
            called = look.style(YELLOW, text[mention.begin : mention.end])
            parts += [text[at : mention.begin], called]
            at = mention.end
    return "".join([*parts, text[at:]])
