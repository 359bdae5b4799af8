"""How often one user does what takes everybody's room: reports in the audit, rooms in the list."""

import math

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.runtime.core.rate_limit import Buckets, Rate
from zchat.service.core.effects import Refusal


class Pace:
    """Soft state. `too_much` is what somebody is told who goes faster."""

    def __init__(self, at_once: int, interval_s: float, too_much: str) -> None:
        self._by_user = Buckets(Rate(at_once, 1 / interval_s), limits.LIMITED_NAMES_MAX)
        self._too_much = too_much

    def take(self, user: str, now: float) -> None:
        """The user does it once. Raises `Refusal` if that is too often."""
        if wait_s := self._by_user.of(user, now).try_take(1, now):
            reason = f"{self._too_much}; try again in {math.ceil(wait_s)} s"
            raise Refusal(RefusalCode.TOO_FAST, reason, wait_s)


def of_reports() -> Pace:
    """Whoever could report without end could bury what others have done."""
    interval_s = limits.USER_REPORT_INTERVAL_S
    return Pace(limits.USER_REPORTS_MAX, interval_s, "you report too much at once")


def of_new_rooms() -> Pace:
    """Who leaves a room owns it no more, but it stays: a bound on owned ones is not enough."""
    interval_s = limits.NEW_ROOM_INTERVAL_S
    return Pace(limits.NEW_ROOMS_MAX, interval_s, "you have made many rooms of late")


def of_new_conversations() -> Pace:
    """A conversation of several is a room, too."""
    interval_s = limits.NEW_ROOM_INTERVAL_S
    return Pace(limits.NEW_ROOMS_MAX, interval_s, "you have begun many conversations of late")
