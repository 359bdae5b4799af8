"""How often somebody may try a password, and how many newcomers one address may bring.

What is refused here costs no hash. It is refused alike for names that exist and for those that do
not. Who comes with a token tries no password, so nobody can lock out a client that was here before.
"""

import math
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.networks import is_of_this_machine, network_of
from zchat.rates import Buckets, Rate
from zchat.service.effects import Refusal


def _rate(at_once: int, interval_s: float) -> Rate:
    return Rate(at_once, 1 / interval_s)


_OF_NAME: Final = _rate(limits.LOGIN_ATTEMPTS_MAX, limits.LOGIN_ATTEMPT_INTERVAL_S)
_OF_ADDRESS: Final = _rate(limits.ADDRESS_ATTEMPTS_MAX, limits.ADDRESS_ATTEMPT_INTERVAL_S)
_NEWCOMERS: Final = _rate(limits.ADDRESS_NEWCOMERS_MAX, limits.ADDRESS_NEWCOMER_INTERVAL_S)


class LoginLimits:
    """Soft state. An attempt takes a token, which a right password gives back.

    An address of this machine is nobody's: it is a proxy's, behind which everyone is, or the
    operator's own. It is not counted, and neither is one that is not known.
    """

    def __init__(self) -> None:
        self._by_name = Buckets(_OF_NAME, limits.LIMITED_NAMES_MAX)
        self._by_address = Buckets(_OF_ADDRESS, limits.LIMITED_NAMES_MAX)
        self._newcomers = Buckets(_NEWCOMERS, limits.LIMITED_NAMES_MAX)

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


def source_of(address: str) -> str:
    """Whom attempts from this address are counted for; empty if for nobody."""
    return "" if is_of_this_machine(address) else network_of(address)


def _too_fast(what: str, wait_s: float) -> Refusal:
    reason = f"{what}; try again in {math.ceil(wait_s)} s"
    return Refusal(RefusalCode.TOO_FAST, reason, wait_s)
