"""How often somebody may try a password, and how many newcomers one address may bring.

What is refused here costs no hash. It is refused alike for names that exist and for those that do
not. Who comes with a token tries no password, so nobody can lock out a client that was here before.
"""

import math
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.networks import is_of_this_machine, network_of
from zchat.runtime.core.rate_limit import Buckets, Rate
from zchat.service.core.effects import Refusal


def _rate(at_once: int, interval_s: float) -> Rate:
    return Rate(at_once, 1 / interval_s)


class LoginRates(NamedTuple):
    """None for as many as come."""

    of_name: Rate | None = _rate(limits.LOGIN_ATTEMPTS_MAX, limits.LOGIN_ATTEMPT_INTERVAL_S)
    of_address: Rate | None = _rate(limits.ADDRESS_ATTEMPTS_MAX, limits.ADDRESS_ATTEMPT_INTERVAL_S)
    newcomers: Rate | None = _rate(limits.ADDRESS_NEWCOMERS_MAX, limits.ADDRESS_NEWCOMER_INTERVAL_S)


USUAL: Final = LoginRates()
_UNLIMITED: Final = Rate(1e12, 1e12)


class LoginLimits:
    """Soft state. An attempt takes a token, which a right password gives back.

    An address of this machine is nobody's: it is a proxy's, behind which everyone is, or the
    operator's own. It is not counted, and neither is one that is not known.
    """

    def __init__(self, rates: LoginRates = USUAL) -> None:
        self._begin(rates)

    def _begin(self, rates: LoginRates) -> None:
        self._rates = rates
        self._by_name = _buckets(rates.of_name)
        self._by_address = _buckets(rates.of_address)
        self._newcomers = _buckets(rates.newcomers)

    def change(self, rates: LoginRates) -> None:
        """From now on these count; if they are others, what was tried before is forgotten."""
        if rates != self._rates:
            self._begin(rates)

    def attempt(self, name: str, address: str, now: float) -> None:
        """Somebody tries a password for `name`. Raises `Refusal` if that is too often."""
        source = source_of(address)
        # What is refused takes nothing, and so makes the tables forget nobody.
        wait_s = max(self._by_name.wait_s(name, 1, now), self._by_address.wait_s(source, 1, now))
        if wait_s:
            raise _too_fast("too many failed logins", wait_s)
        self._by_name.of(name, now).try_take(1, now)
        if source:
            self._by_address.of(source, now).try_take(1, now)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was none of those that count."""
        self._by_name.give_back(name, 1)
        self._by_address.give_back(source_of(address), 1)

    def newcomer(self, address: str, now: float) -> None:
        """Somebody takes a new name. Raises `Refusal` if the address has brought too many."""
        source = source_of(address)
        if source and (wait_s := self._newcomers.of(source, now).try_take(1, now)):
            raise _too_fast("too many new names from your address", wait_s)


def _buckets(rate: Rate | None) -> Buckets:
    """Without a rate each bucket is full again at once."""
    return Buckets(rate or _UNLIMITED, limits.LIMITED_NAMES_MAX)


def source_of(address: str) -> str:
    """Whom attempts from this address are counted for; empty if for nobody."""
    return "" if is_of_this_machine(address) else network_of(address)


def _too_fast(what: str, wait_s: float) -> Refusal:
    reason = f"{what}; try again in {math.ceil(wait_s)} s"
    return Refusal(RefusalCode.TOO_FAST, reason, wait_s)
