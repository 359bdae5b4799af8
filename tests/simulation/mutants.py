"""Bugs to plant, one at a time, to show that the simulation finds them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from zchat.fabric.link import Answerer, Asker, Incoming, Outgoing
from zchat.fabric.topics import stream_topic
from zchat.gateway.core import GatewayCore
from zchat.gateway.fanout import FanOut
from zchat.gateway.presence import PresenceFollower
from zchat.log.follower import Follower
from zchat.log.store import Store
from zchat.protocol.codec import encode
from zchat.rooms.core import RoomCore
from zchat.service.beat import Beat
from zchat.users.sessions import Sessions

Plant = tuple[object, str, Callable[..., Any]]


def _publish_before_commit() -> Plant:
    """What a commit that fails has made is published, too."""
    step = Beat._step

    def mutant(self: Any, now: float, at_ms: int) -> Any:
        take = self.core.timeline.take

        def published() -> Any:
            appended, page = take()
            if page is not None:
                topic = stream_topic(self._service.address)
                self._service.published_early.append((topic, encode(page)))
            return appended, page

        if not hasattr(self._service, "published_early"):
            self._service.published_early = []
        self.core.timeline.take = published
        try:
            out = step(self, now, at_ms)
        finally:
            self.core.timeline.take = take
        early, self._service.published_early = self._service.published_early, []
        return out._replace(events=[*early, *out.events])

    return Beat, "_step", mutant


def _reply_before_commit() -> Plant:
    commit = Beat._commit

    def mutant(self: Any, settled: Any) -> Any:
        # The replies are in the link before the commit, which may fail.
        for address, frame in self.core.effects.replies:
            self._answerer.reply(address, frame)
        self.core.effects.replies.clear()
        early = self._answerer.envelopes()
        for asker, down in early:
            self._said_early = [*getattr(self, "_said_early", []), (asker, down)]
        out = commit(self, settled)
        said, self._said_early = self._said_early if early else [], []
        encoded = [(asker, encode(down)) for asker, down in said]
        return out._replace(downs=[*encoded, *out.downs])

    return Beat, "_commit", mutant


def _commit_lost() -> Plant:
    """Acknowledged, but not durable: a commit that fails is taken for one that did not."""
    commit = Store.commit

    def mutant(self: Any, appended: Any, *others: Any) -> Any:
        if len(appended) == 1 and appended[0].position % 40 == 0:
            self.position += 1
            return []
        return commit(self, appended, *others)

    return Store, "commit", mutant


def _nonce_not_checked() -> Plant:
    def mutant(self: Any, user: str, command: Any) -> None:
        return None

    return RoomCore, "key_of", mutant


def _follower_ignores_gap() -> Plant:
    def mutant(self: Any, page: Any) -> Any:
        if self.position is None or page.last <= self.position:
            return []
        self._newest = self.position = page.last
        return page.chunks

    return Follower, "receive", mutant


def _link_accepts_out_of_order() -> Plant:
    def mutant(self: Incoming, first: int, count: int) -> int:
        skip = min(max(self.next_wanted - first, 0), count)
        self.next_wanted = max(self.next_wanted, first + count)
        return skip

    return Incoming, "accept", mutant


def _epoch_not_raised() -> Plant:
    begin = Store.__init__

    def mutant(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        self._connection.exec_driver_sql("update lease set epoch = 1")
        self._connection.commit()
        self.epoch = 1

    return Store, "__init__", mutant


def _sessions_not_announced() -> Plant:
    return GatewayCore, "_announce", lambda self: []


def _marker_goes_back() -> Plant:
    def mutant(self: Any, user: str, command: Any) -> tuple[str, int]:
        room = self.rooms.get(command.log[1:])
        if room is not None and (member := room.members.get(user)):
            member.marker = min(command.sequence, self.timeline.heads[command.log])
            self._set_member(room, user, member)
        return command.log, 0

    return RoomCore, "_mark_read", mutant


def _resumed_client_is_skipped() -> Plant:
    """Entries between the cursor and the head are taken for delivered."""
    follow = FanOut.follow

    def mutant(self: Any, session: Any, name: str, cursor: int, head: int) -> None:
        follow(self, session, name, head, head)

    return FanOut, "follow", mutant


def _heads_not_told() -> Plant:
    heartbeat = Beat.heartbeat

    def mutant(self: Any, now: float, now_ms: int) -> list[Any]:
        heartbeat(self, now, now_ms)
        return []

    return Beat, "heartbeat", mutant


def _resumes_from_zero() -> Plant:
    from zchat.gateway import login

    def mutant(log_in: Any, user_log: Any) -> int:
        return int(user_log.floor)

    return login, "_cursor", mutant


def _outbox_not_kept() -> Plant:
    return Store, "owed", lambda self: []


def _presence_gap_ignored() -> Plant:
    def mutant(self: Any, delta: Any) -> None:
        self._epoch, self._number = delta.epoch, delta.number
        self.online.update(delta.came)
        self.online.difference_update(delta.went)

    return PresenceFollower, "delta", mutant


def _dead_gateway_keeps_sessions() -> Plant:
    return Answerer, "expire", lambda self, now: []


def _unanswered_not_resent() -> Plant:
    restart = Asker._restart

    def mutant(self: Any) -> None:
        self.unanswered = {}
        restart(self)

    return Asker, "_restart", mutant


def _gap_not_filled() -> Plant:
    return Outgoing, "rewind", lambda self, now: None


def _guest_never_ends() -> Plant:
    return Sessions, "expire", lambda self, now: []


def _blocked_client_is_forgotten() -> Plant:
    return FanOut, "unblocked", lambda self, session: None


MUTANTS: Final[dict[str, Callable[[], Plant]]] = {
    "an event is published before its commit": _publish_before_commit,
    "a reply is sent before its commit": _reply_before_commit,
    "now and then a commit is not made": _commit_lost,
    "the nonce is not checked": _nonce_not_checked,
    "the follower ignores a gap": _follower_ignores_gap,
    "the link accepts out of order": _link_accepts_out_of_order,
    "the epoch is not raised": _epoch_not_raised,
    "sessions are not announced after a restart": _sessions_not_announced,
    "the read marker goes back": _marker_goes_back,
    "a resumed client is taken for up to date": _resumed_client_is_skipped,
    "the stream has no heartbeat": _heads_not_told,
    "a session resumes from the beginning": _resumes_from_zero,
    "what is owed is forgotten at a restart": _outbox_not_kept,
    "a presence change that was missed is ignored": _presence_gap_ignored,
    "a dead gateway keeps its sessions": _dead_gateway_keeps_sessions,
    "a restarted link resends nothing": _unanswered_not_resent,
    "a gap in a link is not filled": _gap_not_filled,
    "guests never end": _guest_never_ends,
    "a slow reader is not fed again": _blocked_client_is_forgotten,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    owner, attribute, mutant = MUTANTS[name]()
    with patch.object(owner, attribute, mutant):
        yield
