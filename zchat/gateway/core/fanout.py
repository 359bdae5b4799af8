"""Fan-out: which session is sent which entry next. Every rule of delivery lives here.

A session that has everything of a log is *live*: what is published is written to it at once. One
that has not is *lagging*: its cursor says where it stopped, and it is fed from the log itself, a
page at a time, until it has caught up. Logging in, coming back, joining a room and reading too
slowly are all the same thing: a cursor behind the head.
"""

from collections.abc import Collection, Iterable
from typing import Final

from zchat.gateway.core import scopes
from zchat.gateway.core.flow_control import Output
from zchat.gateway.core.session import FollowedLog, Session
from zchat.protocol import limits
from zchat.protocol.codec import FrameReader
from zchat.protocol.internal import Chunk, LogPage, MembershipChange
from zchat.protocol.messages import (
    LOBBY,
    Announce,
    ClientMessage,
    CreateRoom,
    InRoomCommand,
    OfMessageCommand,
    Post,
    room_log,
)
from zchat.protocol.rules.membership import EVERYONE
from zchat.protocol.rules.names import InvalidName, canonical_name

_LOBBY_LOG: Final = room_log(LOBBY)
Fetch = tuple[str, int]
"""A log and a cursor: the page after it is wanted."""


class FanOut:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._logs: dict[str, FollowedLog] = {}
        self._sessions: dict[str, list[Session]] = {}
        """By user. A list, since most have one, and a dict of one weighs thrice as much."""
        self._ends: dict[tuple[Session, FollowedLog], int] = {}
        """Lagging sessions whose user has left, and with which entry: they see no more."""
        self._absences: dict[tuple[Session, FollowedLog], list[tuple[int, int]]] = {}
        """Lagging sessions whose user has left and come back: after which entry, to which."""
        self._fetches: dict[Fetch, dict[Session, None]] = {}
        self._unasked: list[Fetch] = []
        self._overtaken: list[Session] = []

    # --- Who follows what ---------------------------------------------------------------------

    def enter(self, session: Session) -> None:
        """The session's user is known from here on; its joins and leaves count."""
        self._sessions.setdefault(session.name, []).append(session)

    def leave(self, session: Session) -> None:
        """Forgets the session."""
        sessions = self._sessions.get(session.name)
        if sessions and session in sessions:
            sessions.remove(session)
            if not sessions:
                del self._sessions[session.name]
        for log in list(session.follows):
            self._unfollow(session, log)

    @property
    def users(self) -> set[str]:
        """Who has a session here."""
        return set(self._sessions)

    def has(self, log: str) -> bool:
        """Whether anybody here may want to know what happens there."""
        return log in self._logs or (log[0] == "@" and log[1:] in self._sessions)

    def head(self, log: str) -> int | None:
        """How far the stream has brought the log; None if nobody here follows it."""
        return self._logs[log].head if log in self._logs else None

    def live(self, log: str) -> Collection[Session]:
        """Those who have all that the stream has brought of the log."""
        return self._logs[log].live if log in self._logs else ()

    def followers_told(self, message: ClientMessage) -> int:
        """How many clients here will be written to, if that is done."""
        match message:
            case Post(room=room):  # Most of all.
                name = "#" + room
            case CreateRoom() | Announce():
                name = _LOBBY_LOG
            case _ if isinstance(message, InRoomCommand):
                name = "#" + message.room
            case _ if isinstance(message, OfMessageCommand):
                name = message.log
            case _:
                return 0
        try:
            # However it is spelled: nobody says it for less by writing the name otherwise.
            log = self._logs.get(name[0] + canonical_name(name[1:]))
        except InvalidName:
            return 0
        # Who lags is written to, too, if later.
        return len(log.live) + len(log.lagging) if log else 0

    def sessions_of(self, user: str) -> Iterable[Session]:
        return self._sessions.get(user, ())

    def everyone(self) -> Iterable[Session]:
        """All sessions that have entered."""
        for sessions in self._sessions.values():
            yield from sessions

    def follow(self, session: Session, name: str, cursor: int, head: int) -> None:
        """The session has everything up to `cursor`, and the stream has come as far as `head`.

        One that is not to see the log does not.
        """
        if not scopes.follows(session, name):
            return
        log = self._logs.get(name)
        if log is None:
            log = self._logs[name] = FollowedLog(name, head)
        if log.followed_by(session):
            self._come_back(session, log, cursor)
            return
        session.follows.append(log)
        log.lagging[session] = cursor
        self._proceed(session, log)

    def _come_back(self, session: Session, log: FollowedLog, cursor: int) -> None:
        """A session that has still to see how its user left sees nothing of the time between."""
        end = self._ends.pop((session, log), None)
        if end is None or end >= cursor:
            return
        absences = self._absences.setdefault((session, log), [])
        if len(absences) >= limits.SESSION_ABSENCES_MAX:
            # What was between the last two is forgotten, as it is by a client that connects anew.
            end, _ = absences.pop()
        absences.append((end, cursor))

    def unfollow(self, session: Session, name: str) -> None:
        """The session sees no more of the log."""
        if (log := self._logs.get(name)) and log.followed_by(session):
            self._unfollow(session, log)

    def _unfollow(self, session: Session, log: FollowedLog) -> None:
        if log.followed_by(session):
            session.follows.remove(log)
        log.live.pop(session, None)
        log.lagging.pop(session, None)
        self._ends.pop((session, log), None)
        self._absences.pop((session, log), None)
        if not log.live and not log.lagging:
            self._logs.pop(log.name, None)

    # --- What comes from the stream -----------------------------------------------------------

    def publish(self, chunk: Chunk) -> None:
        """Takes the next entries of a log, in order, and hands them to whoever is live."""
        if any(self._concerns(change) for change in chunk.changes):
            self._publish_one_by_one(chunk)
        elif log := self._logs.get(chunk.log):
            self._deliver(log, chunk.first, chunk.last, chunk.frames)

    def _publish_one_by_one(self, chunk: Chunk) -> None:
        changes = {change.sequence: change for change in chunk.changes}
        for sequence, frame in _entries(chunk.first, chunk.frames):
            change = changes.get(sequence)
            local = self._concerned(chunk.log, change) if change else []
            if change and change.joined:
                for session in local:
                    self.follow(session, chunk.log, sequence - 1, sequence - 1)
            if log := self._logs.get(chunk.log):
                self._deliver(log, sequence, sequence, frame)
                if change and not change.joined:
                    for session in local:
                        self._end(session, log, sequence)

    def _concerns(self, change: MembershipChange) -> bool:
        return change.user == EVERYONE or change.user in self._sessions

    def _concerned(self, name: str, change: MembershipChange) -> list[Session]:
        """The sessions here that begin or cease to follow the log."""
        if change.user != EVERYONE:
            return list(self.sessions_of(change.user))
        log = self._logs.get(name)
        return [*log.live, *log.lagging] if log else []

    def _deliver(self, log: FollowedLog, first: int, last: int, frames: bytes) -> None:
        if last <= log.head:
            return
        if first == log.head + 1:
            if blocked := self._output.write_all(log.live, frames):
                log.lagging.update(dict.fromkeys(blocked, log.head))
        else:
            # Cut differently than what has been delivered: everyone reads on from there.
            log.lagging.update(dict.fromkeys(log.live, log.head))
        log.head = last
        if log.lagging:
            # Who lags is fed from the log, and would be given the same entries twice.
            for session in log.lagging:
                log.live.pop(session, None)
            for session in list(log.lagging):
                self._proceed(session, log)

    def _end(self, session: Session, log: FollowedLog, sequence: int) -> None:
        """With this entry the session's user has left; it still sees everything up to it."""
        if (session, log) in self._ends:
            return  # It has left before; a ban, or the room's end, came only later.
        if log.lagging.get(session, sequence) < sequence:
            self._ends[session, log] = sequence
        else:
            self._unfollow(session, log)

    # --- What is read again -------------------------------------------------------------------

    def take_fetches(self) -> list[Fetch]:
        """Pages to ask for now; each is answered with `page` or `fetch_failed`."""
        unasked, self._unasked = self._unasked, []
        return unasked

    def page(self, fetch: Fetch, page: LogPage) -> None:
        """A page that was asked for."""
        waiting = self._fetches.pop(fetch, {})
        name, cursor = fetch
        log = self._logs.get(name) or FollowedLog(name, 0)
        # What the stream has not brought yet may say that some of them have left.
        last = min(page.last, log.head)
        for session in waiting:
            session.fetching -= 1
        frames = page.frames if last == page.last else _up_to(last, page.first, page.frames)
        for session in waiting:
            # It may have gone on another way meanwhile: closed, left, or come in by the stream.
            if log.lagging.get(session) == cursor and page.first > cursor + 1:
                self._overtaken.append(session)
                continue
            if log.lagging.get(session) == cursor < last and not session.blocked:
                self._feed(session, log, last, frames)
            self.retry(session)

    def take_overtaken(self) -> list[Session]:
        """Sessions that lag behind what has been removed: only a new login skips that."""
        overtaken, self._overtaken = self._overtaken, []
        return overtaken

    def fetch_failed(self, fetch: Fetch) -> None:
        """`retry_all` asks for it again."""
        for session in self._fetches.pop(fetch, {}):
            session.fetching -= 1

    def unblocked(self, session: Session) -> None:
        """The session reads again."""
        self._output.unblock(session)
        self.retry(session)

    def retry(self, session: Session) -> None:
        """Goes on feeding a session wherever it lags."""
        for log in list(session.follows):
            if session in log.lagging:
                self._proceed(session, log)

    def retry_all(self) -> None:
        """Asks again for pages that were not to be had."""
        for log in list(self._logs.values()):
            for session in list(log.lagging):
                self._proceed(session, log)

    def _feed(self, session: Session, log: FollowedLog, last: int, frames: bytes) -> None:
        """Gives a lagging session what follows its cursor, up to `last`; it is to go on then."""
        cursor = log.lagging[session]
        absences = self._absences.get((session, log))
        end = absences[0][0] if absences else self._ends.get((session, log))
        if end is not None and end < last:
            last, frames = end, _up_to(end, cursor + 1, frames)
        self._output.write(session, frames)
        log.lagging[session] = last
        if absences and last >= absences[0][0]:
            _, log.lagging[session] = absences.pop(0)
            if not absences:
                del self._absences[session, log]
        elif end is not None and last >= end:
            self._unfollow(session, log)

    def _proceed(self, session: Session, log: FollowedLog) -> None:
        """Makes a lagging session live if it has caught up, or asks for its next page."""
        cursor = log.lagging[session]
        if session.blocked:
            return
        if cursor == log.head:
            log.caught_up(session)
            return
        # All who have come as far share one page.
        fetch = (log.name, cursor)
        waiting = self._fetches.get(fetch)
        if session.fetching >= limits.SESSION_FETCHES_MAX:
            # It goes on when one of those has come, so it costs no more than so many pages.
            return
        if waiting is None:
            waiting = self._fetches[fetch] = {}
            self._unasked.append(fetch)
        if session not in waiting:
            waiting[session] = None
            session.fetching += 1


def _entries(first: int, frames: bytes) -> Iterable[tuple[int, bytes]]:
    """The single entries of joined frames, each with its sequence."""
    return enumerate(FrameReader(max(len(frames), 1)).feed(frames), start=first)


def _up_to(last: int, first: int, frames: bytes) -> bytes:
    """Of joined frames, the first of which is entry `first`, those up to `last`."""
    return b"".join(frame for sequence, frame in _entries(first, frames) if sequence <= last)
