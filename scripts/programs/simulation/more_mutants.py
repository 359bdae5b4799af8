"""Bugs that no history came to, or no checker saw, until they were planted: of accounts, of
addresses, and those that depend on size.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from msgspec.structs import replace
from sqlalchemy import text

from zchat.eventlog import search, store
from zchat.eventlog.core.idempotency import FirstAnswers
from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.database import raw, service_errors
from zchat.eventlog.nonces import NonceIndex
from zchat.eventlog.places import PlaceIndex
from zchat.eventlog.search import Found
from zchat.eventlog.search_index import Progress, SearchIndex
from zchat.eventlog.store import Store
from zchat.fabric.core.link import Asker
from zchat.fabric.core.pulse import Pulse
from zchat.gateway.core import scopes
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Quotas
from zchat.gateway.core.loop import GatewayLoop
from zchat.protocol import codec, limits
from zchat.protocol.codec import Decoder, FrameReader, encode
from zchat.protocol.internal import LogPage
from zchat.protocol.messages import PrivateMessageSent, Refused, RoomList
from zchat.protocol.rules.costs import Steps
from zchat.rooms import queries as room_queries
from zchat.rooms.core import dispatch as rooms_core
from zchat.rooms.core import mentions, reading
from zchat.rooms.core.state import RoomState
from zchat.service.core import amending, referenced_entries
from zchat.service.core import queries as shared_queries
from zchat.service.core.beat import Beat
from zchat.users.core import sessions as user_sessions
from zchat.users.core.devices import Devices
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import Session, Token, User
from zchat.users.core.policy import Invitations
from zchat.users.core.sessions import Sessions

Plant = tuple[object, str, Any]

_pages = Decoder(LogPage)

# --- Accounts, and who is who ---------------------------------------------------------------------


def _invitation_works_twice() -> Plant:
    return Invitations, "use", lambda self, code, at_ms: self.check(code, at_ms)


def _use_of_invitation_is_not_stored() -> Plant:
    """Until the service starts anew, it is known that it was used."""

    def mutant(self: Any, digest: bytes) -> None:
        del self.by_digest[digest]

    return Invitations, "_drop", mutant


def _revoked_token_is_announced() -> Plant:
    announce, token = Sessions.announce, User.token

    def any_token(self: Any, digest: bytes) -> Token:
        return token(self, digest) or Token(digest, 0, "", False, 0, 0)

    def mutant(self: Any, *arguments: Any) -> Any:
        with patch.object(User, "token", any_token):
            return announce(self, *arguments)

    return Sessions, "announce", mutant


def _twin_is_replaced() -> Plant:
    """A login ends the session of another program that has the same token."""
    return Session, "is_of", lambda self, digest, instance: self.digest == digest


def _goodbye_takes_the_token_of_a_twin() -> Plant:
    def mutant(self: Any, user: Any, digest: bytes) -> None:
        token = user.token(digest)
        if token is not None and (user.guest or not token.remembered):
            self._directory.forget(user, token)

    return Devices, "goodbye", mutant


def _all_logs_are_sent() -> Plant:
    """Whatever the client has asked for."""
    return scopes, "_wants", lambda only, session, log: True


def _wanted_log_does_not_come_later() -> Plant:
    """A program that wants to see some logs does not follow those that its user joins."""
    follow = FanOut.follow

    def mutant(self: Any, session: Any, name: str, cursor: int, head: int) -> None:
        if session.only is None or session.blocked:
            follow(self, session, name, cursor, head)

    return FanOut, "follow", mutant


def _old_standing_is_announced() -> Plant:
    return user_sessions, "_outranks", lambda here, user: False


def _namesake_is_the_same() -> Plant:
    return amending, "is_own", lambda entry, user, since_ms: entry.author == user


# --- What is found, and what is unread ------------------------------------------------------------


def _search_before_the_floor(kind: str) -> Callable[[], Plant]:
    """Of logs whose names begin so."""

    def plant() -> Plant:
        find = Store.search

        def mutant(self: Any, places: Any, wanted: Any) -> Steps[Found]:
            low = [
                place._replace(floor=0) if place.log.startswith(kind) else place for place in places
            ]
            return find(self, low, wanted)

        return Store, "search", mutant

    return plant


def _mention_at_the_marker(shift: int) -> Callable[[], Plant]:
    def plant() -> Plant:
        unread = mentions.unread_mentions

        def mutant(room: Any, user: str, member: Any, after: int) -> int:
            return unread(room, user, member, after + shift)

        return room_queries, "unread_mentions", mutant

    return plant


def _what_only_happens_is_unread() -> Plant:
    return shared_queries, "is_to_read", lambda kind, author, user: author != user


def _mention_behind_the_marker_is_read() -> Plant:
    have_read = mentions.have_read

    def mutant(state: Any, room: Any, user: str, marker: int) -> None:
        have_read(state, room, user, marker + 1)

    return reading, "have_read", mutant


# --- Addresses ------------------------------------------------------------------------------------


def _address_is_not_lowered() -> Plant:
    return Quotas, "disconnected", lambda self, session: self.slowed.pop(session, None)


def _address_is_lowered_twice() -> Plant:
    def mutant(self: Any, session: Any) -> None:
        self.slowed.pop(session, None)
        left = self._connected.get(session.network, 0) - 2
        if left > 0:
            self._connected[session.network] = left
        else:
            self._connected.pop(session.network, None)

    return Quotas, "disconnected", mutant


def _exclusion_ends(until: float | None) -> Callable[[], Plant]:
    """At once, without a time; or only then."""

    def plant() -> Plant:
        slow_down = Quotas.slow_down

        def mutant(self: Any, *arguments: Any) -> Any:
            wait = slow_down(self, *arguments)
            if isinstance(wait, Refused) and until is None:
                self._shut_out.clear()
            elif isinstance(wait, Refused):
                self._shut_out.update(dict.fromkeys(self._shut_out, until))
            return wait

        return Quotas, "slow_down", mutant

    return plant


# --- What depends on size -------------------------------------------------------------------------


def _twin_is_wrong_far_on() -> Plant:
    append = Timeline.append

    def mutant(self: Any, log: str, author: str, body: Any, *others: Any, **named: Any) -> int:
        if isinstance(body, PrivateMessageSent) and body.twin > 200:
            body = replace(body, twin=body.twin - 1)
        return append(self, log, author, body, *others, **named)

    return Timeline, "append", mutant


def _old_message_is_not_found() -> Plant:
    """What stands behind the first page of its log."""
    read = referenced_entries._read

    def mutant(store: Any, place: tuple[str, int]) -> Any:
        return None if place[1] > 1_000 else read(store, place)

    return referenced_entries, "_read", mutant


def _many_rooms_are_not_followed() -> Plant:
    user_logs = room_queries._user_logs

    def mutant(*arguments: Any) -> Any:
        answer = user_logs(*arguments)
        return replace(answer, logs=answer.logs[:20])

    return room_queries, "_user_logs", mutant


def _long_history_lacks_one() -> Plant:
    read_history = Store.read_history

    def mutant(self: Any, log: str, floor: int, before: Any, limit: int, *others: Any) -> Any:
        return read_history(self, log, floor, before, min(limit, 101), *others)

    return Store, "read_history", mutant


def _old_page_of_history_is_shifted() -> Plant:
    read_history = Store.read_history

    def mutant(self: Any, log: str, floor: int, before: Any, *others: Any) -> Any:
        shifted = before - 1 if before is not None and before > 1_000 else before
        return read_history(self, log, floor, shifted, *others)

    return Store, "read_history", mutant


def _full_page_is_the_last() -> Plant:
    read_log = shared_queries.read_log

    def mutant(*arguments: Any) -> Steps[bytes]:
        page = _pages.decode((yield from read_log(*arguments)))
        frames = FrameReader(max(len(page.frames), 1)).feed(page.frames)
        full = len(frames) == limits.PAGE_ENTRIES_MAX
        return encode(replace(page, last=page.head) if full else page)

    return shared_queries, "read_log", mutant


def _who_lags_far_is_moved_on() -> Plant:
    follow = FanOut.follow

    def mutant(self: Any, session: Any, name: str, cursor: int, head: int) -> None:
        follow(self, session, name, max(cursor, head - 100), head)

    return FanOut, "follow", mutant


def _forgotten_client_is_new() -> Plant:
    """Of a client that is not remembered any more nobody asks the store."""
    unknown = FirstAnswers.unknown

    def mutant(self: Any, keys: Any) -> Any:
        before = set(self._newest)
        asked = unknown(self, keys)
        self.forgotten = getattr(self, "forgotten", set()) | (before - self._newest.keys())
        new = asked & self.forgotten
        self._newest.update(dict.fromkeys(new, b""))
        return asked - new

    return FirstAnswers, "unknown", mutant


def _newest_nonce_is_not_indexed() -> Plant:
    """That of the last entry before the index is written."""
    write = NonceIndex.write

    def mutant(self: Any, position: int) -> None:
        write(self, position)
        question = text("delete from nonces where position = :position")
        self._connection.execute(question, {"position": position})

    return NonceIndex, "write", mutant


def _newest_place_is_not_indexed() -> Plant:
    """The index says of the last entry before it is written that it has it."""
    write = PlaceIndex.write

    def mutant(self: Any, position: int) -> None:
        write(self, position)
        question = text("delete from places where position = :position")
        self._connection.execute(question, {"position": position})

    return PlaceIndex, "write", mutant


def _places_are_forgotten_at_the_end() -> Plant:
    """Whoever serves next knows only what is in the index."""
    init = PlaceIndex.__init__

    def mutant(self: Any, connection: Any) -> None:
        init(self, connection)
        self._unfiled = []

    return PlaceIndex, "__init__", mutant


def _many_mentions_hide_the_next() -> Plant:
    note = mentions.note_mentions

    def mutant(state: Any, sender: Any, room: Any, *others: Any) -> None:
        full = any(
            len(member.mentions) >= limits.MEMBER_MENTIONS_MAX for member in room.members.values()
        )
        if not full:
            note(state, sender, room, *others)

    return rooms_core, "note_mentions", mutant


def _one_of_many_reactions_is_lost() -> Plant:
    react = amending.react

    def mutant(timeline: Any, entry: Any, user: str, emoji: str) -> bool:
        done = react(timeline, entry, user, emoji)
        if done and len(entry.reactions.get(emoji, ())) >= 50:
            now = timeline.referred[entry.log, entry.sequence]
            users = now.reactions[emoji][1:]
            timeline.amend(replace(now, reactions=now.reactions | {emoji: users}))
        return done

    return amending, "react", mutant


def _reactions_are_bounded_too_soon() -> Plant:
    react = amending.react

    def mutant(*arguments: Any) -> bool:
        with patch.object(limits, "REACTIONS_MAX", min(limits.REACTIONS_MAX, 100)):
            return react(*arguments)

    return amending, "react", mutant


def _one_of_many_pins_is_lost() -> Plant:
    pin = RoomState.pin

    def mutant(self: Any, room: Any, sequence: int, pinned: int) -> None:
        if len(room.pins) >= 40:
            self.unpin(room, next(iter(room.pins)))
        pin(self, room, sequence, pinned)

    return RoomState, "pin", mutant


def _one_of_many_bans_is_lost() -> Plant:
    set_ban = RoomState.set_ban

    def mutant(self: Any, room: Any, *others: Any) -> None:
        if len(room.bans) >= 150:
            self.drop_ban(room, next(iter(room.bans)))
        set_ban(self, room, *others)

    return RoomState, "set_ban", mutant


def _index_skips_at_each_end() -> Plant:
    write = SearchIndex.write

    def mutant(self: Any, newest: int) -> Progress:
        reached = write(self, newest)
        at, far = reached.position, reached.position < newest
        return reached._replace(position=at + 1) if far else reached

    return SearchIndex, "write", mutant


def _search_that_gives_up_says_it_is_all() -> Plant:
    ended_early = search._Finding.ended_early

    def mutant(self: Any, unseen_ms: int) -> Found:
        return ended_early(self, unseen_ms)._replace(more=False, complete=True)

    return search._Finding, "ended_early", mutant


def _list_counts_what_it_shows() -> Plant:
    room_list = room_queries._room_list

    def mutant(*arguments: Any) -> Steps[RoomList]:
        answer = yield from room_list(*arguments)
        return replace(answer, total=len(answer.rooms))

    return room_queries, "_room_list", mutant


def _few_conversations_are_walked() -> Plant:
    threads_after = Store.threads_after

    def mutant(store: Any, log: str, after: str, threads_max: int) -> Any:
        return threads_after(store, log, after, threads_max) if not after else []

    return Store, "threads_after", mutant


# --- Replies that are published -------------------------------------------------------------------


def _last_down_is_published() -> Plant:
    """Of what one gateway is to be told at a time."""
    publications = Beat._publications

    def mutant(self: Any, page: Any, downs: Any) -> Any:
        return publications(self, page, list(dict(downs).items()))

    return Beat, "_publications", mutant


def _replies_of_others_are_taken() -> Plant:
    def mutant(self: Any, name: str, publication: Any) -> None:
        everybody = [down for downs in publication.downs.values() for down in downs]
        mine = dict.fromkeys([self._alias, *publication.downs], everybody)
        receive(self, name, replace(publication, downs=mine))

    receive = GatewayLoop._receive_publication
    return GatewayLoop, "_receive_publication", mutant


def _published_replies_are_not_read() -> Plant:
    receive = GatewayLoop._receive_publication

    def mutant(self: Any, name: str, publication: Any) -> None:
        receive(self, name, replace(publication, downs={}))

    return GatewayLoop, "_receive_publication", mutant


def _deaf_counts_as_hearing() -> Plant:
    """Whoever has heard a stream once is answered with it."""

    def mutant(self: Any) -> None:
        self._owes_heartbeat = True

    return Asker, "heartbeat", mutant


def _quiet_is_silent() -> Plant:
    """Whoever has nothing to say says once more that it lives, and then no more."""

    def mutant(self: Any) -> bool:
        due: bool = self._silent_beats == 0
        self._silent_beats = -1
        return due

    return Pulse, "beat", mutant


def _waiting_link_is_silent() -> Plant:
    """Nobody sees that its last command was lost."""

    def mutant(self: Any) -> None:
        if not self.unanswered:
            heartbeat(self)

    heartbeat = Asker.heartbeat
    return Asker, "heartbeat", mutant


def _presence_has_no_heartbeat() -> Plant:
    return UserCore, "heartbeats", lambda self: []


def _replies_are_published_early() -> Plant:
    """They are in the link before the commit, and go out with the next beat if that has failed."""
    commit = Beat._commit

    def mutant(self: Any, settled: Any) -> Any:
        effects, service = self.core.effects, self._service
        for address, frame in effects.replies:
            self._answerer.reply(address, frame)
        effects.replies.clear()
        own_way, published = self._downs()
        before: tuple[list[Any], list[Any]] = getattr(service, "said_early", ([], []))
        service.said_early = [*before[0], *own_way], [*before[1], *published]
        out = commit(self, settled)
        own_way, published = service.said_early
        service.said_early = [], []
        early = self._publications(None, published) if published else []
        return out._replace(downs=[*own_way, *out.downs], events=[*early, *out.events])

    return Beat, "_commit", mutant


# --- Transactions, and readers of bytes -----------------------------------------------------------


def _transaction_is_none() -> Plant:
    """Each row is durable as soon as it is written."""

    @contextmanager
    def mutant(connection: Any, *, durable: bool = True) -> Iterator[None]:
        with service_errors():
            try:
                yield
                connection.dialect.do_commit(connection.connection)
            finally:
                connection.rollback()

    return store, "writing", mutant


def _failed_transaction_is_committed() -> Plant:
    """What was written before an error stays."""

    @contextmanager
    def mutant(connection: Any, *, durable: bool = True) -> Iterator[None]:
        driver = raw(connection)
        with service_errors():
            driver.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.dialect.do_commit(connection.connection)
            finally:
                driver.commit()

    return store, "writing", mutant


def _readers_share_what_they_wait_with() -> Plant:
    """Two readers amid their values walk with one unpacker."""

    class Shared(list[Any]):
        def pop(self, *_: Any) -> Any:
            if not self:
                self.append(codec._unpacker())
            return self[0]

    return FrameReader, "_spare", Shared()


MORE_MUTANTS: Final[dict[str, Callable[[], Plant]]] = {
    "an invitation works twice": _invitation_works_twice,
    "the use of an invitation is not stored": _use_of_invitation_is_not_stored,
    "a revoked token is accepted in an announcement": _revoked_token_is_announced,
    "a login ends another program with its token": _twin_is_replaced,
    "a goodbye takes the token of another program": _goodbye_takes_the_token_of_a_twin,
    "all logs are sent to who wants some": _all_logs_are_sent,
    "a wanted log does not come when it is joined": _wanted_log_does_not_come_later,
    "an old standing is believed in an announcement": _old_standing_is_announced,
    "a later guest of the name may edit": _namesake_is_the_same,
    "a search finds what is of an earlier room": _search_before_the_floor("#"),
    "a search finds what an earlier guest was told": _search_before_the_floor("@"),
    "what only happens is unread": _what_only_happens_is_unread,
    "a mention at the read marker is unread": _mention_at_the_marker(-1),
    "a mention behind the read marker is not counted": _mention_at_the_marker(1),
    "a mention behind the read marker is dropped": _mention_behind_the_marker_is_read,
    "the count of an address is not lowered": _address_is_not_lowered,
    "the count of an address is lowered twice": _address_is_lowered_twice,
    "who has flooded may come back at once": _exclusion_ends(None),
    "who has flooded may never come back": _exclusion_ends(1e12),
    "a twin is wrong in an inbox of 200 entries": _twin_is_wrong_far_on,
    "behind the first page no message is found": _old_message_is_not_found,
    "of many rooms the last are not followed": _many_rooms_are_not_followed,
    "a long history lacks its oldest entries": _long_history_lacks_one,
    "an old page of history lacks its last entry": _old_page_of_history_is_shifted,
    "a full page is taken for the last": _full_page_is_the_last,
    "who lags far behind is moved on": _who_lags_far_is_moved_on,
    "a client that was forgotten is new": _forgotten_client_is_new,
    "the nonce of the newest entry is not indexed": _newest_nonce_is_not_indexed,
    "the place of the newest entry is not indexed": _newest_place_is_not_indexed,
    "places that are not indexed are forgotten": _places_are_forgotten_at_the_end,
    "who has many mentions hears of no more": _many_mentions_hide_the_next,
    "one of many reactions is lost": _one_of_many_reactions_is_lost,
    "reactions are bounded too soon": _reactions_are_bounded_too_soon,
    "one of many pins is lost": _one_of_many_pins_is_lost,
    "one of many bans is lost": _one_of_many_bans_is_lost,
    "the index lacks an entry at the end of each batch": _index_skips_at_each_end,
    "a search that gives up says that it is all": _search_that_gives_up_says_it_is_all,
    "a list of rooms counts what it shows": _list_counts_what_it_shows,
    "of many conversations the last are not listed": _few_conversations_are_walked,
    "only the last envelope of replies is published": _last_down_is_published,
    "a gateway takes the replies of others": _replies_of_others_are_taken,
    "published replies are not read": _published_replies_are_not_read,
    "who is deaf is answered with the stream": _deaf_counts_as_hearing,
    "who is quiet is silent": _quiet_is_silent,
    "a link that waits is silent": _waiting_link_is_silent,
    "the last presence change is not repeated": _presence_has_no_heartbeat,
    "a reply is published before its commit": _replies_are_published_early,
    "a beat is written without a transaction": _transaction_is_none,
    "a transaction that fails is committed": _failed_transaction_is_committed,
    "readers share an unpacker": _readers_share_what_they_wait_with,
}
