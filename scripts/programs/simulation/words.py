"""Requests, answers and entries in words, for the story of a failure."""

from zchat.client.core.events import (
    Answered,
    ConnectionLost,
    Delayed,
    EntryArrived,
    Event,
    SessionBegun,
)
from zchat.protocol.messages import Done, Entry, Message, Refused

TEXT_CHARS: int = 32


def told(event: Event) -> str:
    """What a client hears, as the rest of a sentence that begins with its name."""
    match event:
        case Answered(id=number, answer=answer):
            return f"is answered {number}: {worded(answer)}"
        case Delayed(id=number):
            return f"has to wait for {number}"
        case EntryArrived(entry=entry):
            return f"sees {worded(entry)}"
        case SessionBegun(logs=logs):
            places = ", ".join(f"{state.log} after {state.cursor}" for state in logs)
            return f"goes on in {places}"
        case ConnectionLost(reason=reason):
            return f"has lost its connection: {reason}"
        case _:
            return f"hears {type(event).__name__}"


def worded(message: Message) -> str:
    match message:
        case Done(log=log, sequence=sequence):
            return f"done, {log} {sequence}" if sequence else "done"
        case Refused(code=code):
            return f"refused, {code}"
        case Entry(log=log, sequence=sequence, author=author, body=body):
            return f"{log} {sequence} by {author}: {worded(body)}"
        case _:
            parts = [type(message).__name__]
            for name in ("room", "to", "log", "before", "text", "topic"):
                value = getattr(message, name, None)
                if value is not None:
                    parts.append(f"{name} {str(value)[:TEXT_CHARS]}")
            return ", ".join(parts)
