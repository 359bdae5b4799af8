"""Bugs to plant, one at a time, to show that the simulation finds them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from msgspec.structs import replace

from zchat.client.core.outbox import Outbox
from zchat.eventlog import edits
from zchat.eventlog.core import timeline
from zchat.eventlog.core.changes import Edit
from zchat.eventlog.core.follower import Follower
from zchat.eventlog.core.idempotency import Answer, FirstAnswers
from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.nonces import NonceIndex
from zchat.eventlog.store import Store
from zchat.fabric.core.link import Answerer, Asker, Incoming, Outgoing
from zchat.fabric.core.topics import stream_topic
from zchat.gateway.connection import ClientConnection
from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.ephemeral import EphemeralEvents
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Intake
from zchat.gateway.core.login import Logins
from zchat.gateway.core.presence import PresenceFollower
from zchat.gateway.core.requests import Requests
from zchat.gateway.core.session import SessionState
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import Publication, StreamPage
from zchat.protocol.messages import (
    MemberAdded,
    MemberBanned,
    MemberKicked,
    RoomClosed,
    Standing,
    TypingSeen,
)
from zchat.protocol.rules.permissions import Place
from zchat.rooms import queries as room_queries
from zchat.rooms.core import dispatch as rooms_core
from zchat.rooms.core import messages as room_messages
from zchat.rooms.core import moderation, permission
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.core.membership import Membership
from zchat.rooms.core.messages import Messages
from zchat.rooms.core.model import Room
from zchat.rooms.core.reading import Reading
from zchat.rooms.core.state import RoomState
from zchat.service.core import amending
from zchat.service.core.beat import Beat
from zchat.users.core import arrivals as users_arrivals
from zchat.users.core import conversations, credentials, private_messages
from zchat.users.core.arrivals import Arrivals
from zchat.users.core.bans import Bans
from zchat.users.core.devices import Devices
from zchat.users.core.directory import Directory
from zchat.users.core.endings import Endings
from zchat.users.core.moderation import Moderation
from zchat.users.core.private_messages import PrivateMessages
from zchat.users.core.sessions import Sessions

from .beginning import prepare
from .cost_mutants import COST_MUTANTS
from .more_mutants import MORE_MUTANTS, Plant
from .services import Database

_edit_statements = edits.statements


def _publish_before_commit() -> Plant:
    """What a commit that fails has made is published, too."""
    step = Beat._step

    def mutant(self: Any, now: float, at_ms: int) -> Any:
        take = self.core.timeline.take

        def published() -> Any:
            appended, page = take()
            if page is not None:
                topic = stream_topic(self._service.address)
                publication = Publication(self._store.epoch, page)
                self._service.published_early.append((topic, encode(publication)))
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
    def mutant(self: Any, user: str, room: Any, sequence: int, *, back: bool) -> None:
        if member := room.members.get(user):
            member.marker = min(sequence, self._state.head(room))
            self._state.set_member(room, user, member)

    return Reading, "_mark_read", mutant


def _resumed_client_is_skipped() -> Plant:
    """Entries between the cursor and the head are taken for delivered."""
    follow = FanOut.follow

    def mutant(self: Any, session: Any, name: str, cursor: int, head: int) -> None:
        follow(self, session, name, head, head)

    return FanOut, "follow", mutant


def _heads_not_told() -> Plant:
    """Nor does an empty page that only brings replies tell how far the stream is."""
    publications = Beat._publications

    def mutant(self: Any, page: Any, downs: Any) -> Any:
        return publications(self, page or StreamPage(1, 0, []), downs)

    return Beat, "_publications", mutant


def _resumes_from_zero() -> Plant:
    from zchat.gateway.core import login

    def mutant(log_in: Any, user_log: Any) -> int:
        return int(user_log.floor)

    return login, "_cursor", mutant


def _outbox_not_kept() -> Plant:
    return Store, "owed", lambda self: []


def _removed_is_forgotten() -> Plant:
    def mutant(self: Any, removed: Any) -> None:
        for author, nonce in removed:
            statement = "delete from nonces where author = ? and nonce = ?"
            self._connection.exec_driver_sql(statement, (author, nonce))

    return NonceIndex, "forget", mutant


def _overtaken_waits() -> Plant:
    return FanOut, "take_overtaken", lambda self: []


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


# --- Leases, nonces and the store -----------------------------------------------------------------


def _commit_without_lease() -> Plant:
    commit = Store.commit

    def mutant(self: Any, *arguments: Any) -> Any:
        with patch.object(Store, "_check_epoch", lambda self: None):
            return commit(self, *arguments)

    return Store, "commit", mutant


def _answer_without_lease() -> Plant:
    return Beat, "_lease_is_known", lambda self: True


def _lock_not_waited_for() -> Plant:
    def mutant(self: Any, process: Any) -> bool:
        self.owner = process
        return True

    return Database, "lock", mutant


def _refusals_forgotten() -> Plant:
    remember = FirstAnswers.remember

    def mutant(self: Any, key: Any, answer: Any) -> None:
        if answer.sequence:
            remember(self, key, answer)

    return FirstAnswers, "remember", mutant


def _old_command_done_anew() -> Plant:
    """What has no entry is taken for new, however old its number is."""

    def mutant(self: Any, key: Any) -> Any:
        answer = self.found.get(key.author_and_nonce)
        return answer if answer is not None and answer.sequence else None

    return FirstAnswers, "of", mutant


def _core_keeps_uncommitted() -> Plant:
    forget = Beat._forget_uncommitted

    def mutant(self: Any, now: float, at_ms: int) -> None:
        with patch.object(Beat, "_reload", lambda self, now, at_ms: None):
            forget(self, now, at_ms)
        self._stale = False

    return Beat, "_forget_uncommitted", mutant


def _links_kept_after_failed_commit() -> Plant:
    forget = Beat._forget_uncommitted

    def mutant(self: Any, now: float, at_ms: int) -> None:
        with patch.object(Answerer, "forget", lambda self, asker: None):
            forget(self, now, at_ms)

    return Beat, "_forget_uncommitted", mutant


def _clock_goes_back() -> Plant:
    return Beat, "_clock", lambda self, now_ms: now_ms


def _topic_not_stored() -> Plant:
    set_topic = RoomCore._set_topic

    def mutant(self: Any, *arguments: Any) -> Any:
        result = set_topic(self, *arguments)
        self.effects.rows.pop()
        return result

    return RoomCore, "_set_topic", mutant


def _guest_keeps_rooms() -> Plant:
    return Membership, "end_guest", lambda self, user, since_ms, at_ms: Answer(None, 0)


def _password_not_checked() -> Plant:
    checked = Arrivals.checked

    def mutant(self: Any, job: Any, right: bool, now: float, at_ms: int) -> None:
        checked(self, job, True, now, at_ms)

    return Arrivals, "checked", mutant


def _code_works_again() -> Plant:
    use_code = credentials.use_code

    def mutant(user: Any, code: str, at_ms: int) -> bool:
        user.totp_step = 0
        return use_code(user, code, at_ms)

    return users_arrivals, "use_code", mutant


def _revoked_device_is_known() -> Plant:
    revoke = Devices.revoke

    def mutant(self: Any, *arguments: Any) -> Answer:
        with patch.object(Directory, "forget", lambda self, user, token: None):
            return revoke(self, *arguments)

    return Devices, "revoke", mutant


def _blocks_ignored() -> Plant:
    return private_messages, "_check_not_blocked", lambda author, other: None


def _deleted_account_keeps_rooms() -> Plant:
    end = Endings.end

    def mutant(self: Any, user: Any) -> None:
        with patch.object(self, "_room_addresses", () if user.deleted else self._room_addresses):
            end(self, user)

    return Endings, "end", mutant


def _anybody_reads_any_room() -> Plant:
    def mutant(kind: Any, standing: Any, user: str, room: Any, at_ms: int) -> None:
        return None

    return room_queries, "check", mutant


def _history_without_oldest() -> Plant:
    read_history = Store.read_history

    def mutant(self: Any, *arguments: Any, **named: Any) -> Any:
        return read_history(self, *arguments, **named)[1:]

    return Store, "read_history", mutant


# --- Order in rooms -------------------------------------------------------------------------------


def _change_not_told(kind: type) -> Callable[[], Plant]:
    """With an entry of this kind nobody ceases to follow the room."""

    def plant() -> Plant:
        membership_change = timeline.membership_change

        def mutant(position: int, log: str, sequence: int, author: str, body: Any) -> Any:
            if isinstance(body, kind):
                return None
            return membership_change(position, log, sequence, author, body)

        return timeline, "membership_change", mutant

    return plant


def _ban_not_checked() -> Plant:
    return Room, "ban_of", lambda self, user, at_ms: None


def _muted_may_speak() -> Plant:
    place_of = permission.place_of

    def mutant(room: Any, user: str, at_ms: int) -> Place:
        place = place_of(room, user, at_ms)
        return Place.MEMBER if place is Place.MUTED else place

    return permission, "place_of", mutant


def _any_target() -> Plant:
    return moderation, "check_target", lambda *arguments: None


def _private_rooms_are_shown() -> Plant:
    return room_queries, "is_hidden", lambda room, user, standing: False


def _closed_room_keeps_rows() -> Plant:
    close = RoomState.close

    def mutant(self: Any, room: Any) -> None:
        close(self, room)
        self.effects.rows.pop()

    return RoomState, "close", mutant


def _owner_is_not_followed_by_anyone() -> Plant:
    return Membership, "_succeed", lambda self, room, at_ms: None


# --- Order in the cluster -------------------------------------------------------------------------


def _ended_session_sees_more() -> Plant:
    def mutant(self: Any, session: Any) -> None:
        session.state, session.closing_at = SessionState.CLOSING, self._awake_at
        self.output.look_at(session)

    return GatewayCore, "_close", mutant


def _suspended_comes_in() -> Plant:
    return users_arrivals, "check_not_suspended", lambda user, at_ms: None


def _suspended_stays_in() -> Plant:
    suspend: Callable[..., Answer] = Moderation._suspend

    def mutant(self: Any, *arguments: Any) -> Answer:
        with patch.object(Directory, "end_sessions", lambda self, user, why: None):
            return suspend(self, *arguments)

    return Moderation, "_suspend", mutant


def _banned_comes_in() -> Plant:
    return Bans, "check", lambda self, name, address, user, at_ms: None


def _banned_stays_in() -> Plant:
    return Moderation, "_put_out", lambda self, *arguments: None


def _ban_is_not_stored() -> Plant:
    return Bans, "restore", lambda self, ban: None


def _deed_is_not_audited() -> Plant:
    return RoomState, "audit", lambda self, *arguments: None


def _anybody_is_a_moderator() -> Plant:
    def mutant(kind: Any, standing: Any, *others: Any) -> Place | None:
        return permission.check(kind, Standing.MODERATOR, *others)

    return rooms_core, "check", mutant


# --- Gateways and clients -------------------------------------------------------------------------


def _link_of_the_past() -> Plant:
    receive = Asker.receive

    def mutant(self: Any, down: Any, now: float) -> Any:
        return receive(self, replace(down, epoch=self.epoch or 0, link=self._link), now)

    return Asker, "receive", mutant


def _requests_not_bounded() -> Plant:
    def mutant(self: Any, session: Any) -> None:
        session.unanswered += 1

    return Intake, "requested", mutant


def _any_link_releases() -> Plant:
    def mutant(self: Any, peer: Any) -> None:
        if peer.link.queue_bytes < limits.LINK_QUEUE_BYTES_MAX // 2:
            for link in list(self._intake._held):
                self._intake.link_has_room(link)

    return Requests, "link_drained", mutant


def _old_page_taken_for_news() -> Plant:
    """The end of a page is taken for the place of every change in it."""
    published = Logins.published

    def mutant(self: Any, address: str, chunk: Any) -> None:
        changes = [change._replace(position=change.position + 50) for change in chunk.changes]
        published(self, address, replace(chunk, changes=changes))

    return Logins, "published", mutant


def _what_comes_while_asking_is_overlooked() -> Plant:
    """The stream counts only from the answer of the user-service on, and not from the question."""
    opened = Logins.opened

    def mutant(self: Any, session: Any, addresses: Any) -> None:
        login = self._logins[session]
        login.changes.clear()
        self._heads.pop(f"@{login.name}", None)
        opened(self, session, addresses)

    return Logins, "opened", mutant


def _anybody_is_new() -> Plant:
    """The rooms of whoever comes back are not asked for."""
    enter = Arrivals._enter

    def mutant(self: Any, *arguments: Any, **_: Any) -> None:
        enter(self, *arguments, new=True)

    return Arrivals, "_enter", mutant


def _window_not_kept() -> Plant:
    next_batch = Outgoing.next_batch

    def mutant(self: Any) -> Any:
        with patch.object(limits, "LINK_WINDOW_ITEMS", 1_000_000):
            return next_batch(self)

    return Outgoing, "next_batch", mutant


def _presence_not_bounded() -> Plant:
    take_change = PresenceFollower.take_change

    def mutant(self: Any) -> Any:
        with patch.object(limits, "PRESENCE_NAMES_MAX", 1_000):
            return take_change(self)

    return PresenceFollower, "take_change", mutant


def _slow_reader_is_written_to() -> Plant:
    pause = ClientConnection.pause_writing

    def mutant(self: Any) -> None:
        pause(self)
        self.session.blocked = False

    return ClientConnection, "pause_writing", mutant


def _garbage_ends_everyone() -> Plant:
    refuse_stream = GatewayCore.refuse_stream

    def mutant(self: Any, session: Any, error: Any) -> None:
        for other in list(self.sessions.values()):
            refuse_stream(self, other, error)

    return GatewayCore, "refuse_stream", mutant


def _broken_connection_is_forgotten() -> Plant:
    """The gateway keeps a session whose client is gone."""

    def mutant(self: Any, session: Any) -> None:
        self.sessions.pop(session.number, None)

    return GatewayCore, "disconnected", mutant


def _client_forgets_unanswered() -> Plant:
    def mutant(self: Any) -> None:
        self._sent.clear()
        self._retry_over()

    return Outbox, "connection_lost", mutant


def _client_resends_in_other_order() -> Plant:
    def mutant(self: Any) -> None:
        self._waiting.extendleft(self._sent.values())
        self._sent.clear()
        self._retry_over()

    return Outbox, "connection_lost", mutant


def _not_amended() -> Plant:
    """Only the entry that follows tells of it."""
    return Timeline, "take_amended", lambda self: self._amended.clear() or []


def _anybody_edits() -> Plant:
    return amending, "check_own", lambda entry, user, since_ms: None


def _anybody_deletes() -> Plant:
    return Messages, "_check_moderates", lambda self, sender, room, entry, at_ms: None


def _edit_is_not_outdated() -> Plant:
    """What was edited twice and then deleted can still be read in the first edit."""
    return amending, "_outdate", lambda timeline, entry: None


def _edits_are_not_forgotten() -> Plant:
    return (
        edits,
        "statements",
        lambda changes: _edit_statements(
            [change for change in changes if isinstance(change, Edit)]
        ),
    )


def _twin_is_left_alone() -> Plant:
    return PrivateMessages, "_twin", lambda self, entry, other: None


def _mentions_are_not_read() -> Plant:
    return room_messages, "forget_mentions", lambda state, room, sequence: None


def _pin_of_the_deleted_stays() -> Plant:
    return RoomState, "unpin", lambda self, room, sequence: None


def _typist_is_told_of_itself() -> Plant:
    def mutant(self: Any, log: str, users: Any) -> None:
        self._output.write_all(self._fan_out.live(log), encode(TypingSeen(log, users)))

    return EphemeralEvents, "_tell_typing", mutant


def _conversation_overtakes() -> Plant:
    """It goes by the nonce of the client, which may have said something else before."""
    return conversations, "OPEN_CONVERSATION_NONCE", b""


def _early_frames_dropped() -> Plant:
    return Intake, "_wait", lambda self, session, frames: self._hold(session)


def _early_frames_turned_around() -> Plant:
    wait = Intake._wait

    def mutant(self: Any, session: Any, frames: Any) -> None:
        wait(self, session, reversed(list(frames)))

    return Intake, "_wait", mutant


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
    "of what was removed no nonce is kept": _removed_is_forgotten,
    "who lags behind what was removed waits for it": _overtaken_waits,
    "a presence change that was missed is ignored": _presence_gap_ignored,
    "a dead gateway keeps its sessions": _dead_gateway_keeps_sessions,
    "a restarted link resends nothing": _unanswered_not_resent,
    "a gap in a link is not filled": _gap_not_filled,
    "guests never end": _guest_never_ends,
    "a slow reader is not fed again": _blocked_client_is_forgotten,
    "a commit does not look for the lease": _commit_without_lease,
    "queries are answered without the lease": _answer_without_lease,
    "a second worker does not wait for the lock": _lock_not_waited_for,
    "refusals are forgotten": _refusals_forgotten,
    "an old command is done anew": _old_command_done_anew,
    "a core keeps what was not committed": _core_keeps_uncommitted,
    "links go on after a commit that failed": _links_kept_after_failed_commit,
    "the clock goes back": _clock_goes_back,
    "a topic is not stored": _topic_not_stored,
    "a guest that ends keeps its rooms": _guest_keeps_rooms,
    "any password is right": _password_not_checked,
    "a one-time code works again": _code_works_again,
    "a revoked device is known": _revoked_device_is_known,
    "blocks are ignored": _blocks_ignored,
    "a deleted account keeps its rooms": _deleted_account_keeps_rooms,
    "anybody may read any room": _anybody_reads_any_room,
    "history leaves the oldest entry out": _history_without_oldest,
    "a kicked member still follows the room": _change_not_told(MemberKicked),
    "a banned member still follows the room": _change_not_told(MemberBanned),
    "a closed room is still followed": _change_not_told(RoomClosed),
    "a ban is not checked": _ban_not_checked,
    "who is muted may speak": _muted_may_speak,
    "a moderator may act on anybody": _any_target,
    "private rooms are shown to everyone": _private_rooms_are_shown,
    "a closed room keeps its rows": _closed_room_keeps_rows,
    "a room is left without an owner": _owner_is_not_followed_by_anyone,
    "who has been ended still sees entries": _ended_session_sees_more,
    "who is suspended may come in": _suspended_comes_in,
    "who is suspended may stay": _suspended_stays_in,
    "who is banned may come in": _banned_comes_in,
    "who is banned may stay": _banned_stays_in,
    "a ban is forgotten in a restart": _ban_is_not_stored,
    "what is done in rooms is not audited": _deed_is_not_audited,
    "everybody may do in rooms what moderators may": _anybody_is_a_moderator,
    "a link takes replies of its past": _link_of_the_past,
    "a client's requests are not bounded": _requests_not_bounded,
    "any link releases who waits for another": _any_link_releases,
    "old joins are taken for new ones at a login": _old_page_taken_for_news,
    "what comes while a session is opened is overlooked": _what_comes_while_asking_is_overlooked,
    "anybody is taken for a newcomer": _anybody_is_new,
    "a link's window is not bounded": _window_not_kept,
    "names in presence frames are not bounded": _presence_not_bounded,
    "a slow reader is written to": _slow_reader_is_written_to,
    "one client's garbage ends all sessions": _garbage_ends_everyone,
    "a broken connection is forgotten": _broken_connection_is_forgotten,
    "a client forgets what was unanswered": _client_forgets_unanswered,
    "a client resends in another order": _client_resends_in_other_order,
    "messages are not amended": _not_amended,
    "anybody may edit any message": _anybody_edits,
    "anybody may delete any message": _anybody_deletes,
    "an edit is not outdated by the next": _edit_is_not_outdated,
    "edits of deleted messages are kept": _edits_are_not_forgotten,
    "a private message changes in one inbox only": _twin_is_left_alone,
    "a deleted message still mentions": _mentions_are_not_read,
    "a deleted message stays pinned": _pin_of_the_deleted_stays,
    "who types is told of it": _typist_is_told_of_itself,
    "who is brought into a conversation does not follow it": _change_not_told(MemberAdded),
    "a conversation overtakes what was said before": _conversation_overtakes,
    "what is said too early is dropped": _early_frames_dropped,
    "what is said too early is turned around": _early_frames_turned_around,
    **MORE_MUTANTS,
    **COST_MUTANTS,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    # What was there before was made without the bug.
    prepare()
    owner, attribute, mutant = MUTANTS[name]()
    with patch.object(owner, attribute, mutant):
        yield
