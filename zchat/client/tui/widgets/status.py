"""The last line: whether the server is there, and what keys do here."""

import math
from collections.abc import Mapping
from typing import Final

from zchat.client.core.events import ConnectionFailed, ConnectionLost, Event, SessionBegun, State
from zchat.client.sdk.chat import Chat
from zchat.client.tui.controller.going import GO_KEY
from zchat.client.tui.keymap import name as key_name
from zchat.client.tui.view.cells import cut, drawable_line, width
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.protocol.messages import SlowedDown

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
"""By where they go: what some of them do, by its id, and in a word."""


class Network:
    """What the events have said about the connection."""

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


def status_line(
    chat: Chat,
    network: Network,
    cells: int,
    now: float,
    *,
    where: str,
    first_keys: Mapping[str, str],
    unconfirmed: int,
    quiet: bool,
    opened: str,
    unkept: bool,
) -> Line:
    """`where` the keys go: to the composer, the timeline or the members.

    `opened` is a place that has opened without the person; with `unkept` the cache has failed.
    """
    pieces = list(_connection(chat, network, now))
    if unconfirmed and chat.state is not State.ONLINE:
        pieces.append(Piece(f" · {unconfirmed:,} to send", Ink.MENTIONED))
    if now < network.slowed_until:
        seconds = math.ceil(network.slowed_until - now)
        pieces.append(Piece(f" · faster than this server lets you; {seconds} s", Ink.MENTIONED))
    if opened:
        pieces.append(Piece(f" · {cut(opened, 24)} is open, {GO_KEY} goes there", Ink.MENTIONED))
    if unkept:
        pieces.append(Piece(" · nothing is kept here", Ink.TROUBLE))
    if quiet:
        pieces.append(Piece(" · do not disturb", Ink.DIM))
    taken = sum(width(piece.text) for piece in pieces)
    keys = ""
    for action, word in KEYS[where]:
        if action not in first_keys:
            continue
        hint = f"{key_name(first_keys[action])} {word}"
        more = f"{keys} · {hint}" if keys else hint
        if taken + width(more) + 4 > cells:
            break
        keys = more
    space = max(1, cells - taken - width(keys) - 1)
    return (*pieces, Piece(" " * space), Piece(keys, Ink.DIM), Piece(" "))


def _connection(chat: Chat, network: Network, now: float) -> list[Piece]:
    me = Piece(f" · {drawable_line(chat.name)}{_away(chat)}", Ink.DIM)
    match chat.state:
        case State.ONLINE:
            latency = chat.latency_s
            time = "" if latency is None else f" {latency * 1000:.0f} ms"
            return [Piece(" ● ", Ink.GOOD), Piece(f"online{time}", Ink.DIM), me]
        case State.CONNECTING | State.LOGGING_IN:
            return [Piece(" ◌ ", Ink.MENTIONED), Piece("connecting…", Ink.DIM), me]
        case State.ENDED | State.CLOSING:
            return [Piece(" ○ ", Ink.TROUBLE), Piece("the session is over", Ink.TROUBLE), me]
        case State.OFFLINE:
            why = cut(drawable_line(network.trouble) or "no connection", 48)
            pieces = [Piece(" ○ ", Ink.TROUBLE), Piece(f"offline: {why}", Ink.TROUBLE)]
            if network.retry_at is not None:
                seconds = max(0, math.ceil(network.retry_at - now))
                pieces.append(Piece(f" · again in {seconds} s", Ink.DIM))
            return pieces


def _away(chat: Chat) -> str:
    word = chat.away_word
    if word is None:
        return ""
    return f", away: {cut(drawable_line(word), 24)}" if word else ", away"
