"""Ephemeral events on their way to clients: who is online, who types, what another device has read.

They are unordered, unstored and safe to lose: a session that is blocked is not told.
"""

from collections.abc import Iterable
from typing import assert_never

from zchat.gateway.core import scopes
from zchat.gateway.core.contexts import PresenceAsked
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Output, Quotas
from zchat.gateway.core.presence import PresenceFollower
from zchat.gateway.core.services import Services
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import MarkerMoved, ReadPresence, SoftNews, Typing
from zchat.protocol.messages import (
    LogStateChanged,
    PresenceChanged,
    SayTyping,
    SetAway,
    TypingSeen,
)


class EphemeralEvents:
    """Collects what services say of it, and says it to clients in few frames."""

    def __init__(
        self,
        services: Services,
        output: Output,
        fan_out: FanOut,
        presence: PresenceFollower,
        quotas: Quotas,
    ) -> None:
        self._services = services
        self._output = output
        self._fan_out = fan_out
        self._presence = presence
        self._quotas = quotas
        self._typists: dict[str, list[str]] = {}
        """By log: who has said that it types there since clients were told last."""
        self._typing_told_at = 0.0
        self._presence_due_at = 0.0

    def said(self, session: Session, message: SayTyping | SetAway, now: float) -> None:
        """What the gateway itself remembers of it; a service hears it, too."""
        match message:
            case SayTyping():
                self._quotas.said_aside(session, now)
            case SetAway(away=away):
                session.is_away(away)
            case _:
                assert_never(message)

    def receive(self, soft: SoftNews) -> None:
        for news in soft.news:
            match news:
                case Typing(log=log, user=user):
                    self._collect(log, user)
                case MarkerMoved(user=user, log=log):
                    sessions = self._fan_out.sessions_of(user)
                    moved = LogStateChanged(log, news.marker, news.notify, news.back)
                    self._output.write_all(_readers(sessions, log), encode(moved))
                case _:
                    assert_never(news)

    def tick(self, now: float) -> None:
        """Says what was collected."""
        if self._presence.take_want():
            self._services.users.ask(None, ReadPresence(), PresenceAsked(), now)
        if now >= self._presence_due_at and (change := self._presence.take_change()):
            told = self.tell_everyone(change)
            # Or whoever comes to a crowd would cost as many writes as there are in it.
            self._presence_due_at = now + told / limits.PRESENCE_TOLD_PER_S
        if self._typists and now >= self._typing_told_at + limits.TYPING_TOLD_INTERVAL_S:
            self._typing_told_at = now
            typists, self._typists = self._typists, {}
            for log, users in typists.items():
                self._tell_typing(log, users)

    def tell_everyone(self, change: PresenceChanged) -> int:
        """Returns how many that are."""
        hearing = list(filter(scopes.hears_of_others, self._fan_out.everyone()))
        self._output.write_all(hearing, encode(change))
        return len(hearing)

    def _collect(self, log: str, user: str) -> None:
        users = self._typists.get(log)
        if users is None:
            if len(self._typists) >= limits.TYPING_LOGS_MAX or not self._fan_out.has(log):
                return
            users = self._typists[log] = []
        if user not in users and len(users) < limits.TYPING_NAMES_MAX:
            users.append(user)

    def _tell_typing(self, log: str, users: list[str]) -> None:
        if log.startswith("@"):
            readers = list(_readers(self._fan_out.sessions_of(log[1:]), log))
            for user in users:
                self._output.write_all(readers, encode(TypingSeen(f"@{user}", [user])))
            return
        followers = self._fan_out.live(log)
        if len(followers) > limits.TYPING_FOLLOWERS_MAX:
            return
        others = (session for session in followers if session.name not in users)
        self._output.write_all(others, encode(TypingSeen(log, users)))
        for user in users:
            if besides := [other for other in users if other != user]:
                own = (each for each in self._fan_out.sessions_of(user) if each in followers)
                self._output.write_all(own, encode(TypingSeen(log, besides)))


def _readers(sessions: Iterable[Session], log: str) -> Iterable[Session]:
    """Those of the sessions that may see the log."""
    return (session for session in sessions if scopes.follows(session, log))
