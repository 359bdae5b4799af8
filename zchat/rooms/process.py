"""The room-service's process: the rooms of one partition."""

from collections.abc import Sequence

from zchat.eventlog.store import Store, Write
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import StampedRoomCommand, StampedRoomQuery, room_partition
from zchat.protocol.messages import LOBBY
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.partitions import address_of_room
from zchat.rooms import queries
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.core.model import RoomRow
from zchat.rooms.store import projection
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import command
from zchat.service.process import serve

_queries = Decoder(StampedRoomQuery)


class RoomService:
    def __init__(self, partition: int, partitions: int, *, keeps_edits: bool = False) -> None:
        self.address = room_partition(partition)
        self.commands = Decoder(StampedRoomCommand)
        self._partition, self._partitions = partition, partitions
        self._keeps_edits = keeps_edits

    def load(self, store: Store, now: float, at_ms: int) -> RoomCore:
        projection.claim(store, self._partition, self._partitions)
        lobby_address = address_of_room(LOBBY, self._partitions)
        core = projection.load(store, lobby_address, keeps_edits=self._keeps_edits)
        if lobby_address == self.address:
            core.open_lobby(at_ms)
        return core

    def go_by(self, core: RoomCore, given: Settings, settings: Settings, at_ms: int) -> None:
        """Nothing of them is the rooms' own."""

    def changed_settings(self, core: RoomCore) -> bytes:
        return b""

    def statements(self, rows: Sequence[RoomRow]) -> list[Write]:
        return projection.statements(rows)

    def answer(self, core: RoomCore, store: Store, query: bytes, at_ms: int) -> Steps[bytes]:
        stamped = _queries.decode(query)
        asker = queries.Asker(stamped.user, stamped.standing)
        return queries.answer(core, store, asker, stamped.body, at_ms)


def run(settings: Settings) -> None:
    keeps_edits = settings.edits == "keep"
    service = RoomService(settings.partition, settings.partitions, keeps_edits=keeps_edits)
    database = settings.data / f"rooms-{settings.partition}.sqlite"
    serve(settings, "room-service", service, database, ROOMS_SCHEMA)


main = command("room-service", run)
