"""The user-service's process: accounts, sessions, presence and inboxes."""

import getpass
from collections.abc import Sequence

from zchat.fabric.identities import admin_name
from zchat.in_force import command
from zchat.log.store import Store, Write
from zchat.protocol.cluster import USER_SERVICE, StampedUserCommand, StampedUserQuery
from zchat.protocol.codec import Decoder
from zchat.protocol.costs import Steps
from zchat.protocol.partitions import room_addresses
from zchat.service.process import serve
from zchat.settings import Settings
from zchat.users import projection, queries
from zchat.users.core import UserCore
from zchat.users.model import UserRow
from zchat.users.policy import Policy
from zchat.users.tables import USERS_SCHEMA

_queries = Decoder(StampedUserQuery)


class UserService:
    def __init__(self, partitions: int, policy: Policy | None = None) -> None:
        self.address = USER_SERVICE
        self.commands = Decoder(StampedUserCommand)
        self._room_addresses = room_addresses(partitions)
        self._policy = policy or Policy()

    def load(self, store: Store, now: float, at_ms: int) -> UserCore:
        return projection.load(store, self._room_addresses, self._policy, now, at_ms)

    def go_by(self, core: UserCore, settings: Settings, at_ms: int) -> None:
        self._policy = policy_of(settings)
        core.give(self._policy, at_ms)

    def changed_settings(self, core: UserCore) -> bytes:
        return core.settings.told

    def statements(self, rows: Sequence[UserRow]) -> list[Write]:
        return projection.statements(rows)

    def answer(self, core: UserCore, store: Store, query: bytes, at_ms: int) -> Steps[bytes]:
        stamped = _queries.decode(query)
        return queries.answer(core, store, stamped.user, stamped.body, at_ms, stamped.standing)


def policy_of(settings: Settings) -> Policy:
    return Policy(settings.registration, settings.guests, settings.edits)


def run(settings: Settings) -> None:
    service = UserService(settings.partitions, policy_of(settings))
    serve(settings, "user-service", service, settings.data / "users.sqlite", USERS_SCHEMA)


main = command("user-service", run, lambda _: admin_name(getpass.getuser()))
