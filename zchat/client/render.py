"""What happens, as lines of text for a person; nothing that a peer wrote can steer the terminal."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Final, assert_never

from zchat.client.drafts import Answer
from zchat.client.events import SessionBegun
from zchat.protocol.messages import (
    LOBBY,
    AccountRegistered,
    Announced,
    Done,
    Entry,
    History,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessagePosted,
    Pong,
    PresenceChanged,
    PrivateMessageSent,
    Refused,
    Role,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomOpened,
    TopicChanged,
    Unrecognised,
    UserList,
)
from zchat.protocol.names import printable, safe_text

_PLAIN: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
BOLD: Final = "\x1b[1m"
RED: Final = "\x1b[31m"
CYAN: Final = "\x1b[36m"
MAGENTA: Final = "\x1b[35m"


class Renderer:
    """`zone` None is the local one; `today` is the day for which the time alone is enough."""

    def __init__(self, me: str, today: date, zone: tzinfo | None, *, colour: bool) -> None:
        self.me = me
        self._day = today
        self._zone = zone
        self._colour = colour

    # --- Entries --------------------------------------------------------------------------------

    def entry(self, entry: Entry) -> list[str]:
        """One entry of a log; a line with the date goes before the first of another day."""
        at = self._local(entry.at_ms)
        lines = []
        if at is not None and at.date() != self._day:
            self._day = at.date()
            lines.append(self._style(DIM, f"— {self._day:%A, %d %B %Y} —"))
        time = self._style(DIM, f"{at:%H:%M}" if at is not None else "--:--")
        return [*lines, *(_indent(f"{time} {self._body(entry)}").split("\n"))]

    def _body(self, entry: Entry) -> str:
        author, room = printable(entry.author), _where(entry.log)
        in_room = f"{self._style(CYAN, room)} " if room else ""
        match entry.body:
            case MessagePosted(text):
                return f"{in_room}{self._name(author)}: {safe_text(text)}"
            case PrivateMessageSent(to, text):
                ends = f"[{self._who(author)} -> {self._who(printable(to))}]"
                return f"{self._style(MAGENTA, ends)} {safe_text(text)}"
            case RoomCreated():
                return self._fact(f"{self._who(author)} created {room or LOBBY}")
            case MemberJoined():
                return self._fact(f"{self._who(author)} joined {room or 'the lobby'}")
            case MemberLeft():
                return self._fact(f"{self._who(author)} left {room or 'the lobby'}")
            case TopicChanged(topic):
                what = f"set the topic to: {printable(topic)}" if topic else "removed the topic"
                return self._fact(f"{in_room}{self._who(author)} {what}")
            case RoomOpened(new_room):
                name = printable(new_room)
                hint = "" if author == self.me else f" (:jr {name})"
                return self._fact(f"{self._who(author)} opened the room #{name}{hint}")
            case Announced(text):
                return self._style(BOLD, f"*** {safe_text(text)}")
            case AccountRegistered():
                return self._fact("your name is registered: from now on it needs your password")
            case Unrecognised(what):
                news = f"{printable(what)!r}, for which this client is too old"
                return self._fact(f"{in_room}{self._who(author)} did something new: {news}")
        assert_never(entry.body)

    def history(self, history: History) -> list[str]:
        title = f"the last {len(history.entries)} in {_title(history.log)}"
        if not history.entries:
            return [self._style(DIM, f"— nothing yet in {_title(history.log)} —")]
        day, lines = self._day, [self._style(DIM, f"— {title} —")]
        for entry in history.entries:
            lines += self.entry(entry)
        # What comes next is live again, and of the same day as before.
        self._day = day
        return [*lines, self._style(DIM, "— end —")]

    # --- Other events ---------------------------------------------------------------------------

    def session(self, begun: SessionBegun) -> list[str]:
        lines = []
        if not begun.resumed:
            kind = "a guest; :register keeps the name" if begun.guest else "registered"
            lines.append(self.notice(f"you are {printable(begun.name)} ({kind})"))
        if begun.missed:
            missed = "1 missed line" if begun.missed == 1 else f"{begun.missed:,} missed lines"
            lines.append(self._style(DIM, f"— {missed} —"))
        return lines

    def presence(self, change: PresenceChanged) -> list[str]:
        lines = []
        for names, more, one, many in (
            (change.came, change.came_more, "is here", "are here"),
            (change.went, change.went_more, "is gone", "are gone"),
        ):
            others = [printable(name) for name in names if name != self.me]
            if others or more:
                who = _enumerate(others, more)
                verb = one if len(others) + more == 1 else many
                lines.append(self._fact(f"{who} {verb} ({change.online:,} online)"))
        return lines

    def notice(self, text: str) -> str:
        """A word of the client itself."""
        return self._style(DIM, f"* {printable(text)}")

    def problem(self, text: str) -> str:
        return self._style(RED, f"! {printable(text)}")

    # --- Answers --------------------------------------------------------------------------------

    def answer(self, answer: Answer, now_ms: int) -> list[str]:
        """What an answer shows. That of a command is silent: what it did shows by its entry."""
        match answer:
            case Done() | Pong():
                return []
            case Refused():
                return [self.problem(answer.reason)]
            case History():
                return self.history(answer)
            case RoomList():
                return self._rooms(answer)
            case MemberList():
                return self._members(answer)
            case UserList():
                return self._users(answer, now_ms)
        assert_never(answer)

    def ping(self, target: str, seconds: float) -> str:
        return f"{target:<13}{seconds * 1000:9.1f} ms"

    def topic(self, info: RoomInfo) -> str:
        return f"#{printable(info.room)}: {printable(info.topic) or '(no topic)'}"

    def _rooms(self, answer: RoomList) -> list[str]:
        rows = [
            (
                f"{'*' if info.joined else ' '} #{printable(info.room)}",
                "everyone" if info.members is None else f"{info.members:,}",
                f"{info.unread:,}" if info.unread else "",
                printable(info.topic),
            )
            for info in answer.rooms
        ]
        lines = self._table(("  room", "members", "unread", "topic"), rows)
        return [*lines, *self._cut(len(rows), answer.total, "room"), "* you are in these"]

    def _members(self, answer: MemberList) -> list[str]:
        rows = [
            (
                printable(info.name),
                "online" if info.online else "offline",
                "owner" if info.role == Role.OWNER else "",
            )
            for info in answer.members
        ]
        lines = self._table((f"in #{printable(answer.room)}", "", ""), rows)
        return [*lines, *self._cut(len(rows), answer.total, "member")]

    def _users(self, answer: UserList, now_ms: int) -> list[str]:
        rows = []
        for info in answer.users:
            since = self._local(info.since_ms)
            today = since is not None and now_ms - info.since_ms < 20 * 3_600_000
            form = "%H:%M" if today else "%d %b %H:%M"
            rows.append(
                (
                    printable(info.name),
                    "guest" if info.guest else "",
                    since.strftime(form) if since is not None else "",
                    _duration(info.idle_ms) if info.idle_ms >= 60_000 else "",
                )
            )
        lines = self._table(("name", "", "since", "idle"), rows)
        return [*lines, *self._cut(len(rows), answer.total, "user")]

    # --- Text -----------------------------------------------------------------------------------

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        table = [head, *rows]
        widths = [max(_cells(row[column]) for row in table) for column in range(len(head))]
        lines = [
            "  ".join(
                cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in table
        ]
        return [self._style(BOLD, lines[0]), *lines[1:]]

    def _cut(self, shown: int, total: int, what: str) -> list[str]:
        return [f"… and {total - shown:,} more {what}s"] if total > shown else []

    def _style(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self._colour else text

    def _fact(self, text: str) -> str:
        return self._style(DIM, f"* {text}")

    def _name(self, name: str) -> str:
        return self._style(BOLD, name)

    def _who(self, name: str) -> str:
        return "you" if name == self.me else name

    def _local(self, at_ms: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone)
        except (OverflowError, ValueError, OSError):
            return None  # A year that no calendar here knows.


def _where(log: str) -> str:
    """What goes before a line of the log: nothing for the lobby and the inbox."""
    return "" if log == "#" + LOBBY or log.startswith("@") else printable(log)


def _title(log: str) -> str:
    name = printable(log)
    return f"what you and {name[1:]} said" if name.startswith("@") else name


def _indent(text: str) -> str:
    return text.replace("\n", "\n      ")


def _enumerate(names: Iterable[str], more: int) -> str:
    parts = list(names)
    if more:
        parts.append("1 other" if more == 1 else f"{more:,} others")
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _duration(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
