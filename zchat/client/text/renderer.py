"""What happens, as lines of text for a person; nothing that a peer wrote can steer the terminal."""

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import assert_never

from zchat.client.core.events import SessionBegun
from zchat.client.text import entries as render_entries
from zchat.client.text import lists
from zchat.client.text.style import DIM, RED, Style
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    Answer,
    AuditList,
    BanList,
    BlockedList,
    ConversationList,
    DeviceList,
    Done,
    EditList,
    Entry,
    History,
    MemberList,
    MessageDeleted,
    PinList,
    Pong,
    PresenceChanged,
    Refused,
    RoomList,
    SearchResults,
    UserBanList,
    UserList,
)
from zchat.protocol.rules.names import printable


class Renderer(Style):
    """`zone` None is the local one; `today` is the day for which the time alone is enough."""

    def __init__(self, me: str, today: date, zone: tzinfo | None, *, colour: bool) -> None:
        super().__init__(me, zone, colour=colour)
        self._day = today
        self._removing: tuple[str, str] | None = None
        """The log and reason of what an operator has just removed, if nothing else came since."""
        self._removed_more = False

    # --- Entries --------------------------------------------------------------------------------

    def entry(self, entry: Entry) -> list[str]:
        """One entry of a log; a line with the date goes before the first of another day.

        Of thousands of messages that an operator removes, two lines say so.
        """
        if self._is_one_more(entry):
            return []
        at = self.local(entry.at_ms)
        lines = []
        if at is not None and at.date() != self._day:
            self._day = at.date()
            lines.append(self.styled(DIM, f"— {self._day:%A, %d %B %Y} —"))
        time = self.styled(DIM, f"{at:%H:%M}" if at is not None else "--:--")
        words = render_entries.words(self, entry)
        text = f"{time} {words}{' (and more of them)' if self._removed_more else ''}"
        self.recent.note(entry)
        return [*lines, *_indent(text).split("\n")]

    def _is_one_more(self, entry: Entry) -> bool:
        """Whether it has been said already that an operator removes more such messages there."""
        body = entry.body
        removing = None
        if isinstance(body, MessageDeleted) and entry.author == SYSTEM_AUTHOR:
            removing = entry.log, body.reason
        goes_on = removing is not None and removing == self._removing
        told, self._removed_more = self._removed_more, goes_on
        self._removing = removing
        if goes_on and told:
            self.recent.note(entry)
        return goes_on and told

    def history(self, history: History) -> list[str]:
        title = f"the last {len(history.entries)} in {_title(history.log)}"
        if not history.entries:
            return [self.styled(DIM, f"— nothing yet in {_title(history.log)} —")]
        day, lines = self._day, [self.styled(DIM, f"— {title} —")]
        for entry in history.entries:
            lines += self.entry(entry)
        # What comes next is live again, and of the same day as before.
        self._day = day
        return [*lines, self.styled(DIM, "— end —")]

    def pins(self, answer: PinList) -> list[str]:
        room = printable(answer.room)
        if not answer.pins:
            return [self.fact(f"nothing is pinned in #{room}")]
        return [self.styled(DIM, f"— pinned in #{room} —"), *self._found(answer.pins)]

    def search_results(self, answer: SearchResults) -> list[str]:
        """Oldest first, as all that is read here."""
        lines = self._found(reversed(answer.entries))
        if not answer.entries:
            lines.append(self.fact("nothing was found"))
        elif answer.more:
            lines.append(self.fact("there are older ones; with more words you find fewer"))
        if not answer.complete:
            lines.append(self.fact("the server has not looked through everything yet"))
        return lines

    def _found(self, entries: Iterable[Entry]) -> list[str]:
        """Messages of any time and place."""
        lines = []
        for entry in entries:
            time = self.styled(DIM, self.moment(entry.at_ms))
            room = "#lobby " if entry.log == "#" + LOBBY else ""
            lines += _indent(f"{time} {room}{render_entries.words(self, entry)}").split("\n")
            self.recent.note(entry)
        return lines

    # --- Other events ---------------------------------------------------------------------------

    def session(self, begun: SessionBegun) -> list[str]:
        lines = []
        if not begun.resumed:
            kind = "a guest; :register keeps the name" if begun.guest else "registered"
            lines.append(self.notice(f"you are {printable(begun.name)} ({kind})"))
        if begun.missed:
            missed = "1 missed line" if begun.missed == 1 else f"{begun.missed:,} missed lines"
            lines.append(self.styled(DIM, f"— {missed} —"))
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
                lines.append(self.fact(f"{who} {verb} ({change.online:,} online)"))
        for name, away in change.away.items():
            if name != self.me:
                lines.append(self.fact(f"{printable(name)} is {lists.away(away)}"))
        return lines

    def notice(self, text: str) -> str:
        """A word of the client itself."""
        return self.fact(printable(text))

    def problem(self, text: str) -> str:
        return self.styled(RED, f"! {printable(text)}")

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
                return lists.rooms(self, answer)
            case MemberList():
                return lists.members(self, answer)
            case UserList():
                return lists.users(self, answer, now_ms)
            case BanList():
                return lists.bans(self, answer)
            case UserBanList():
                return lists.server_bans(self, answer)
            case DeviceList():
                return lists.devices(self, answer)
            case BlockedList():
                return lists.blocked(self, answer)
            case AuditList():
                return lists.audit(self, answer)
            case PinList():
                return self.pins(answer)
            case ConversationList():
                return lists.conversations(self, answer)
            case EditList():
                return lists.edits(self, answer)
            case SearchResults():
                return self.search_results(answer)
        assert_never(answer)

    def learn(self, answer: RoomList) -> None:
        """What conversations of several people are called."""
        for info in answer.rooms:
            if info.conversation:
                self.titles["#" + info.room] = info.topic


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
