"""The user-service's process: accounts, sessions, presence and inboxes."""

from collections.abc import Sequence

from zchat.eventlog.store import Store, Write
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import USER_SERVICE, StampedUserCommand, StampedUserQuery
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.partitions import room_addresses
from zchat.runtime.settings import Settings, parsed_change
from zchat.runtime.settings_in_force import command
from zchat.service.process import serve
from zchat.users import queries
from zchat.users.core.credentials import USUAL, LoginRates
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import UserRow
from zchat.users.core.policy import Policy
from zchat.users.store import projection
from zchat.users.store.tables import USERS_SCHEMA

_queries = Decoder(StampedUserQuery)


class UserService:
    def __init__(
        self, partitions: int, policy: Policy | None = None, rates: LoginRates = USUAL
    ) -> None:
        self.address = USER_SERVICE
        self.commands = Decoder(StampedUserCommand)
        self._room_addresses = room_addresses(partitions)
        self._policy, self._rates = policy or Policy(), rates

    def load(self, store: Store, now: float, at_ms: int) -> UserCore:
        core = projection.load(store, self._room_addresses, self._policy, parsed_change, now, at_ms)
        core.credentials.limits.change(self._rates)
        return core

    def go_by(self, core: UserCore, given: Settings, settings: Settings, at_ms: int) -> None:
        # What was changed of the policy the core knows better than the router.
        self._policy, self._rates = policy_of(given), rates_of(settings)
        core.give(self._policy, at_ms)
        core.credentials.limits.change(self._rates)

    def changed_settings(self, core: UserCore) -> bytes:
        return core.settings.told

    def statements(self, rows: Sequence[UserRow]) -> list[Write]:
        return projection.statements(rows)

    def answer(self, core: UserCore, store: Store, query: bytes, at_ms: int) -> Steps[bytes]:
        stamped = _queries.decode(query)
        return queries.answer(core, store, stamped.user, stamped.body, at_ms, stamped.standing)


def policy_of(settings: Settings) -> Policy:
    return Policy(settings.registration, settings.guests, settings.edits)


def rates_of(settings: Settings) -> LoginRates:
    return LoginRates(settings.login_rate, settings.address_login_rate, settings.newcomer_rate)


def run(settings: Settings) -> None:
    service = UserService(settings.partitions, policy_of(settings), rates_of(settings))
    serve(settings, "user-service", service, settings.data / "users.sqlite", USERS_SCHEMA)


main = command("user-service", run)
