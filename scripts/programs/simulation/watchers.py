"""Checks along the way: bounds that are kept, what only rises, what nobody may see too early."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from zchat.client.core.events import Answered, EntryArrived, Event
from zchat.eventlog.store import Appended, Write
from zchat.fabric.core.link import Asker, Outgoing
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import Chunk
from zchat.protocol.messages import (
    Done,
    Entry,
    PresenceChanged,
    PrivateMessageSent,
    TypingSeen,
)
from zchat.rooms.core.dispatch import RoomCore
from zchat.users.core.dispatch import UserCore

from .checkers import Broken
from .cluster import Cluster
from .gateways import GatewayProcess
from .people import Person
from .services import ServiceProcess
from .turn_watchers import TurnWatchers
from .words import worded

_entries = Decoder(Entry)

COMMAND_BYTES_MAX: Final = 400
"""No command in a simulation is longer."""


class Watchers:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.floors: dict[str, set[int]] = {}
        """All the beginnings of inboxes, by name."""
        self._markers: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._writers: dict[str, tuple[str, int, int]] = {}
        """By address: which life of which worker wrote last, and with which epoch."""
        self._written_ms: dict[str, tuple[str, int, int]] = {}
        """By address: which life of which worker wrote last, and at which time."""
        self._heads: dict[str, int] = {}
        """Newest committed sequence of each log."""
        for database in cluster.databases:
            self._heads |= database.begun.heads
        if cluster.beginning is not None:
            floors = cluster.beginning.inbox_floors
            self.floors = {name: {floor} for name, floor in floors.items()}
        self._lives: dict[str, int] = {}
        self._blocked: set[tuple[str, str]] = set()
        """Who wants no messages of whom, as far as it was committed before."""
        for gateway in cluster.gateways:
            gateway.at_turn_end = self._gateway_turned
            gateway.at_publication = self._published
        for database in cluster.databases:
            database.on_commit = self._committed
        for person in cluster.people:
            person.on_event = self._told
        self.turns = TurnWatchers(cluster)

    def check(self) -> None:
        for service in self.cluster.services:
            if service.bugs:
                raise Broken(service.bugs[0])

    # --- Gateways ---------------------------------------------------------------------------------

    def _gateway_turned(self, gateway: GatewayProcess) -> None:
        core = gateway.turns.core
        if gateway.door.wrong is not None:
            raise Broken(f"{gateway.name}: {gateway.door.wrong}")
        if len(core.sessions) > limits.SESSIONS_MAX:
            raise Broken(f"{gateway.name} has {len(core.sessions)} sessions")
        self.turns.gateway_turned(gateway)
        for session in core.sessions.values():
            self._check_session(session)
        for session in core.fan_out.everyone():
            if not session.open:
                raise Broken(f"{session.name} has no session any more, and still sees entries")
        for log in core.fan_out._logs.values():
            if log.head < gateway.seen.get(log.name, 0):
                seen = gateway.seen[log.name]
                raise Broken(f"{gateway.name} has had {log.name} {seen}, and goes by {log.head}")
        for wire in gateway.wires:
            # Answers to what was asked before, and a goodbye; entries wait in their logs. Who was
            # told that a command takes longer is told once more what became of it.
            answers = limits.SESSION_REQUESTS_MAX + wire.transport.owed_when_full
            if wire.transport.writes_while_full > answers + 2:
                raise Broken(f"{wire.client.name} does not read, and is written to all the same")
        for address, peer in core.services.by_address.items():
            if len(peer.follower._early) > limits.FOLLOWER_ENVELOPES_MAX:
                raise Broken(f"a follower holds {len(peer.follower._early)} envelopes")
            if len(peer.queries._asked) > limits.QUERY_BATCH_MAX:
                raise Broken(f"{len(peer.queries._asked)} queries are in one envelope")
            # Each session may have gone over the bound with its last command.
            room = COMMAND_BYTES_MAX * (len(core.sessions) + len(core.requests.departing) + 2)
            if peer.link.queue_bytes > limits.LINK_QUEUE_BYTES_MAX + room:
                raise Broken(
                    f"{gateway.name} keeps {peer.link.queue_bytes} bytes for {address}, "
                    f"whose bound is {limits.LINK_QUEUE_BYTES_MAX}"
                )
            self._check_link(peer.link)

    def _check_session(self, session: Session) -> None:
        if not 0 <= session.unanswered <= limits.SESSION_REQUESTS_MAX:
            raise Broken(f"a session has {session.unanswered} unanswered requests")
        if not 0 <= session.fetching <= limits.SESSION_FETCHES_MAX:
            raise Broken(f"a session waits for {session.fetching} pages")

    def _check_link(self, link: Asker[Any]) -> None:
        self._check_window(link._commands)

    def _check_window(self, outgoing: Outgoing[Any]) -> None:
        on_their_way = outgoing.next_to_send - outgoing._kept_from
        if on_their_way > limits.LINK_WINDOW_ITEMS:
            raise Broken(f"{on_their_way} items are on their way on one link")
        size = sum(size for _, size in islice(outgoing._kept, on_their_way))
        if size > limits.LINK_WINDOW_BYTES:
            raise Broken(f"{size} bytes are on their way on one link")

    def _published(self, gateway: GatewayProcess, seen: dict[str, int], chunk: Chunk) -> None:
        """What a gateway's follower hands on; `seen` is its own for each life of the gateway."""
        at = seen.get(chunk.log)
        removed = max(
            (floor for one in self.cluster.databases for floor in one.floors.get(chunk.log, ())),
            default=0,
        )
        if at is not None and chunk.first != at + 1 and not at < chunk.first <= removed + 1:
            raise Broken(f"{gateway.name} goes on with {chunk.log} {chunk.first} after {at}")
        if chunk.last > self._heads.get(chunk.log, 0):
            raise Broken(f"{gateway.name} hears of {chunk.log} {chunk.last} before it is committed")
        seen[chunk.log] = chunk.last

    # --- Services ---------------------------------------------------------------------------------

    def _committed(
        self, process: ServiceProcess, appended: Sequence[Appended], writes: Sequence[Write]
    ) -> None:
        assert process.store is not None
        address = process.service.address
        name, life, epoch = self._writers.get(address, ("", 0, 0))
        if (name, life) != (process.name, process.life) and process.store.epoch <= epoch:
            raise Broken(f"{process.name} writes with an epoch that is over")
        self._writers[address] = (process.name, process.life, process.store.epoch)
        unblocked = [
            (row["old_user"], row["old_blocked"])
            for _, rows in writes
            for row in rows
            if "old_blocked" in row
        ]
        self._blocked.difference_update(unblocked)
        for entry in appended:
            self._appended(process, entry)
        for _, rows in writes:
            for row in rows:
                self._written(address, row)
        self._check_bounds(process)

    def _appended(self, process: ServiceProcess, appended: Appended) -> None:
        entry = _entries.decode(appended.frame)
        address = process.service.address
        name, life, at_ms = self._written_ms.get(address, ("", 0, 0))
        if (name, life) == (process.name, process.life) and entry.at_ms < at_ms:
            raise Broken(f"{process.name} goes back in time from {at_ms} to {entry.at_ms}")
        self._written_ms[address] = (process.name, process.life, entry.at_ms)
        self._heads[entry.log] = entry.sequence
        if isinstance(entry.body, PrivateMessageSent) and (
            (entry.log[1:], entry.author) in self._blocked
        ):
            raise Broken(f"{entry.log} has a message of {entry.author}, who is blocked there")
        if process.world.detailed:
            process.world.tell(f"{process.name} commits {worded(entry)}")

    def _written(self, address: str, row: dict[str, Any]) -> None:
        if row.keys() == {"old_user"}:
            # The guest is gone, and the next one of its name begins anew.
            for key in [key for key in self._markers if key[::2] == (address, row["old_user"])]:
                del self._markers[key]
        if row.keys() == {"user", "blocked"}:
            self._blocked.add((row["user"], row["blocked"]))
        if "inbox_floor" in row:
            self.floors.setdefault(row["name"], set()).add(row["inbox_floor"])
        if "marker" in row:
            self._marked(address, row)

    def _marked(self, address: str, row: dict[str, Any]) -> None:
        place = row.get("room") or row.get("other", "")
        key = (address, place, row.get("user") or row.get("name", ""))
        floor = row.get("floor", row.get("inbox_floor", 0))
        known_floor, known = self._markers.get(key, (floor, 0))
        marker = row["marker"] or 0
        # The lobby's floor is always 0; a guest that ends leaves its place to the next one.
        if floor == known_floor and marker < known and row.get("room") != "lobby":
            raise Broken(f"the read marker of {key} goes back from {known} to {marker}")
        self._markers[key] = (floor, marker)

    def _check_bounds(self, process: ServiceProcess) -> None:
        if process.turns is None:
            return  # It is loading.
        beat = process.turns.beat
        for state in beat._answerer._askers.values():
            self._check_window(state.replies)
            if len(state.replies) > limits.LINK_REPLIES_MAX:
                raise Broken(f"{process.name} keeps {len(state.replies)} replies for one gateway")
        match beat.core:
            case UserCore() as core:
                if len(core.credentials.jobs) > limits.PASSWORD_JOBS_MAX:
                    raise Broken(f"{len(core.credentials.jobs)} passwords wait")
                for user in core.users.values():
                    if len(user.sessions) + len(user.tokens) < 2:
                        continue  # Most of all, and this is asked at each commit.
                    kinds = Counter(token.kind for token in user.tokens)
                    if len(user.sessions) > limits.USER_SESSIONS_MAX:
                        raise Broken(f"{user.name} has too many sessions")
                    if max(kinds.values(), default=0) > limits.USER_TOKENS_MAX:
                        raise Broken(f"{user.name} has too many tokens")
            case RoomCore() as core:
                if len(core.rooms) > limits.ROOMS_MAX:
                    raise Broken(f"{process.name} has {len(core.rooms)} rooms")
                for room in core.rooms.values():
                    most = limits.ROOM_MEMBERS_MAX
                    if room.conversation:
                        most = max(most, limits.CONVERSATION_USERS_MAX + 1)
                    if room.name != "lobby" and len(room.members) > most:
                        raise Broken(f"{room.name} has {len(room.members)} members")
                for name, rooms in core.rooms_of.items():
                    if len(rooms) > limits.USER_ROOMS_MAX:
                        raise Broken(f"{name} is in {len(rooms)} rooms")

    # --- Clients ----------------------------------------------------------------------------------

    def _told(self, person: Person, event: Event) -> None:
        match event:
            case EntryArrived(entry=entry):
                if entry.sequence > self._heads.get(entry.log, 0):
                    raise Broken(f"{person.name} sees {entry.log} {entry.sequence} too early")
            case Answered(answer=Done(log=log, sequence=sequence)) if log is not None:
                if sequence > self._heads.get(log, 0):
                    raise Broken(f"{person.name} is told of {log} {sequence} too early")
            case PresenceChanged(came=came, went=went, away=away):
                if max(len(came), len(went), len(away)) > limits.PRESENCE_NAMES_MAX:
                    names = len(came) + len(went) + len(away)
                    raise Broken(f"{person.name} reads {names} names at once")
            case TypingSeen(log=log, users=users):
                assert person.core is not None
                if person.core.name in users or len(users) > limits.TYPING_NAMES_MAX:
                    raise Broken(f"{person.name} hears that {users} type in {log}")
                # Of what was read at once a later entry may have it leave the room.
                if log[0] == "#" and log not in person.core.followed | person.followed_before:
                    raise Broken(f"{person.name} hears who types in {log}, and is not in it")
            case _:
                pass
