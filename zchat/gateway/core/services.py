"""The services as one gateway sees them: links, queries and streams, and which a request is for."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Raw

from zchat.eventlog.core.follower import Follower
from zchat.fabric.core.link import Asker
from zchat.gateway.core.contexts import (
    CommandContext,
    CommandSent,
    MembersAsked,
    PageAsked,
    PartsAsked,
    QueryContext,
    QueryForwarded,
    StreamAsked,
)
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.queries import Queries
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    USER_SERVICE,
    ReadLog,
    ReadStream,
    ReportActivity,
    RoutingTable,
    Stamped,
    StampedQuery,
)
from zchat.protocol.messages import (
    LOBBY,
    REQUESTS,
    AnyCommand,
    ListMembers,
    ListRooms,
    Message,
    Ping,
    PingTarget,
    Query,
    ReadAudit,
    SearchMessages,
    Service,
)
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.protocol.rules.partitions import address_of_room, room_addresses


class ServicePeer:
    """One service partition: a link for commands, a channel for queries, its stream."""

    def __init__(self, address: str, prelude: Callable[[], Iterable[bytes]] = tuple) -> None:
        self.address = address
        self.link: Asker[CommandContext] = Asker(prelude)
        self.queries: Queries[QueryContext] = Queries()
        self.follower = Follower()
        self.reading_stream = False

    @property
    def full(self) -> bool:
        """So much is unanswered that nothing is to be added that could be left out."""
        return self.link.queue_bytes > limits.LINK_QUEUE_BYTES_MAX

    def ask(
        self, session: Session | None, query: Message | Raw, context: QueryContext, now: float
    ) -> None:
        """What a gateway itself wants to know takes the turn of the log that it is about."""
        share = getattr(query, "log", "") if session is None else session.name
        self.queries.ask(_asked(session, query, now), context, now, share)

    def ask_for(self, session: Session, query: Query, context: QueryContext, now: float) -> None:
        """A client's query, whose answer waits for the client to read what it has."""
        # Written anew, so that what nobody reads in it is not kept here.
        self.queries.ask(_asked(session, query, now), context, now, session.name, session)

    def tick(self, now: float) -> list[QueryContext]:
        """Says that this gateway lives; returns the queries that have waited for too long."""
        self.link.heartbeat()
        self.read_missing(now)
        return self.queries.expire(now)

    def read_missing(self, now: float) -> None:
        """Reads again what the stream has dropped, if it has."""
        after = self.follower.missing_after
        if after is not None and not self.reading_stream:
            self.reading_stream = True
            self.ask(None, ReadStream(after), StreamAsked(self.address), now)


class Services:
    """All services, by address. Names are made canonical here and may raise `InvalidName`."""

    def __init__(self, partitions: int, prelude: Callable[[], Iterable[bytes]]) -> None:
        self._partitions = partitions
        self.users = ServicePeer(USER_SERVICE, prelude)
        self.rooms = [ServicePeer(address) for address in room_addresses(partitions)]
        self.by_address = {peer.address: peer for peer in [self.users, *self.rooms]}

    def changed(self, table: RoutingTable) -> None:
        """The router says who is served, by which worker."""
        for address, peer in self.by_address.items():
            peer.link.worker_changed(table.epochs.get(address))

    def report_activity(self, active_ms: dict[int, int]) -> None:
        """Tells who was active, unless too much waits already: nobody misses that much."""
        if active_ms and not self.users.full:
            self.users.link.send(stamp(None, ReportActivity(active_ms)), None)

    def drop_commands(self) -> None:
        """Forgets what clients have said and nobody has answered; not who came and went."""
        for peer in self.by_address.values():
            peer.link.clear(lambda context: not isinstance(context, CommandSent))

    def of_room(self, room: str) -> ServicePeer:
        return self.by_address[address_of_room(canonical_name(room), self._partitions)]

    def of_log(self, log: str) -> ServicePeer:
        return self.users if log.startswith("@") else self.of_room(log[1:])

    def ask_pages(self, fan_out: FanOut, now: float) -> None:
        """Asks for what sessions want to read on by now; to be called once a turn."""
        for fetch in fan_out.take_fetches():
            log, cursor = fetch
            try:
                peer = self.of_log(log)
            except InvalidName:  # None that anybody can have.
                fan_out.fetch_failed(fetch)
            else:
                peer.ask(None, ReadLog(log, cursor), PageAsked(fetch), now)

    def of_command(self, command: AnyCommand) -> ServicePeer:
        return self._one(REQUESTS[type(command)].service, command)

    def of_query(self, session: Session, query: Query) -> list[tuple[ServicePeer, QueryContext]]:
        """Whom to ask, and what to remember; a list of rooms is asked of all who have some."""
        forwarded = QueryForwarded(session, query.id)
        match query:
            case ListMembers(room=room):
                return [(self.of_room(room), MembersAsked(session, query))]
            # Of one place only its service is asked, and not all whose answers would be joined.
            case SearchMessages(log=str(log)):
                return [(self.of_log(log), forwarded)]
            case ListRooms(room=str(room)):
                return [(self.of_room(room), forwarded)]
            case ListRooms() | ReadAudit() | SearchMessages():
                service = REQUESTS[type(query)].service
                peers = self.rooms if service is Service.ROOMS else list(self.by_address.values())
                parts = PartsAsked(session, query, len(peers), [])
                return [(peer, parts) for peer in peers]
            case Ping(target=target):
                of_users = target is PingTarget.USER_SERVICE
                return [(self.users if of_users else self.of_room(LOBBY), forwarded)]
            case _:
                return [(self._one(REQUESTS[type(query)].service, query), forwarded)]

    def _one(self, service: Service, request: Any) -> ServicePeer:
        match service:
            case Service.ROOM:
                return self.of_room(request.room)
            case Service.LOG:
                return self.of_log(request.log)
            case Service.USERS:
                return self.users
            case Service.LOBBY:
                return self.of_room(LOBBY)
            case _:
                raise AssertionError(f"{request} is not for one service")


def stamp(session: Session | None, message: Message | Raw) -> bytes:
    """The message with who sends it, as the gateway knows; None is the gateway itself."""
    body = message if isinstance(message, Raw) else Raw(encode(message))
    if session is None:
        return encode(Stamped(0, "", body))
    since_ms = session.owned_since_ms
    return encode(
        Stamped(session.number, session.name, body, session.standing, since_ms, session.bot)
    )


def _asked(session: Session | None, query: Message | Raw, now: float) -> bytes:
    body = query if isinstance(query, Raw) else Raw(encode(query))
    asked_ms = int(now * 1000)
    if session is None:
        return encode(StampedQuery(0, "", body, asked_ms=asked_ms))
    since_ms = session.owned_since_ms
    return encode(
        StampedQuery(session.number, session.name, body, session.standing, since_ms, asked_ms)
    )
