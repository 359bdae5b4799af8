"""The last line: whether the server is there, and what keys do where the focus is."""

import math
from dataclasses import dataclass
from typing import Final

from zchat.client.core.events import ConnectionFailed, ConnectionLost, Event, SessionBegun, State
from zchat.client.tui.view.cells import cut, drawable_line, width
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol.messages import SlowedDown

GOES: Final = ", {go-to-opened} goes there"
"""Of a conversation that has opened without taking the user along."""
KEYS: Final = {
    "composer": (
        ("keys", "keys"),
        ("go-to", "go to"),
        ("search", "search"),
        ("line-above", "messages"),
    ),
    "members": (
        ("leave-members", "write"),
        ("talk", "talk"),
        ("mention", "mention"),
        ("member-info", "info"),
        ("kick", "kick"),
        ("ban", "ban"),
        ("promote", "promote"),
    ),
    "timeline": (
        ("write", "write"),
        ("reply", "reply"),
        ("edit", "edit"),
        ("react", "react"),
        ("delete", "delete"),
        ("find", "find"),
    ),
}
"""By where keys go: the ids of the bindings that are worth a hint there, each with a word."""


class Network:
    """What events have told about the connection."""

    def __init__(self) -> None:
        self.trouble = ""
        self.retry_at: float | None = None
        self.slowed_until = 0.0

    def happened(self, event: Event, now: float) -> None:
        match event:
            case SessionBegun():
                self.trouble, self.retry_at = "", None
            case ConnectionFailed(reason, retry_in_s):
                self.trouble, self.retry_at = reason, now + retry_in_s
            case ConnectionLost(reason):
                self.trouble, self.retry_at = reason, None
            case SlowedDown(wait_ms):
                self.slowed_until = now + wait_ms / 1000
            case _:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the last line tells."""

    state: State
    name: str
    latency_s: float | None
    away: str | None
    """The word with which the user is away, which may be empty; None for here."""
    unconfirmed: int
    opened: str
    """A conversation that has opened without taking the user along."""
    unkept: bool
    """The cache has failed: nothing of this will be there the next time."""
    quiet: bool
    focus: str
    """Where keys go: to the composer, the timeline or the members."""
    first_keys: FirstKeys


def status_line(status: Status, network: Network, cells: int, now: float) -> Line:
    pieces = list(_connection(status, network, now))
    if status.unconfirmed and status.state is not State.ONLINE:
        pieces.append(Piece(f" · {status.unconfirmed:,} to send", Ink.MENTIONED))
    if now < network.slowed_until:
        seconds = math.ceil(network.slowed_until - now)
        pieces.append(Piece(f" · faster than this server lets you; {seconds} s", Ink.MENTIONED))
    if status.opened:
        goes = hint(status.first_keys, GOES)
        pieces.append(Piece(f" · {cut(status.opened, 24)} is open{goes}", Ink.MENTIONED))
    if status.unkept:
        pieces.append(Piece(" · nothing is saved", Ink.TROUBLE))
    if status.quiet:
        pieces.append(Piece(" · do not disturb", Ink.DIM))
    taken = sum(width(piece.text) for piece in pieces)
    keys = ""
    for action, word in KEYS[status.focus]:
        told = hint(status.first_keys, f"{{{action}}} {word}")
        if not told:
            continue
        more = f"{keys} · {told}" if keys else told
        if taken + width(more) + 4 > cells:
            break
        keys = more
    space = max(1, cells - taken - width(keys) - 1)
    return (*pieces, Piece(" " * space), Piece(keys, Ink.DIM), Piece(" "))


def _connection(status: Status, network: Network, now: float) -> list[Piece]:
    me = Piece(f" · {drawable_line(status.name)}{_away(status.away)}", Ink.DIM)
    match status.state:
        case State.ONLINE:
            latency = status.latency_s
            time = "" if latency is None else f" {latency * 1000:.0f} ms"
            return [Piece(" ● ", Ink.GOOD), Piece(f"online{time}", Ink.DIM), me]
        case State.CONNECTING | State.LOGGING_IN:
            return [Piece(" ◌ ", Ink.MENTIONED), Piece("connecting…", Ink.DIM), me]
        case State.ENDED | State.CLOSING:
            return [Piece(" ○ ", Ink.TROUBLE), Piece("the session has ended", Ink.TROUBLE), me]
        case State.OFFLINE:
            why = cut(drawable_line(network.trouble) or "no connection", 48)
            pieces = [Piece(" ○ ", Ink.TROUBLE), Piece(f"offline: {why}", Ink.TROUBLE)]
            if network.retry_at is not None:
                seconds = max(0, math.ceil(network.retry_at - now))
                pieces.append(Piece(f" · again in {seconds} s", Ink.DIM))
            return pieces


def _away(word: str | None) -> str:
    if word is None:
        return ""
    return f", away: {cut(drawable_line(word), 24)}" if word else ", away"
