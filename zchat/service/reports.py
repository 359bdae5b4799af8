"""How often somebody may report something: the audit is for people to read."""

import math
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.rates import Buckets, Rate
from zchat.service.effects import Refusal

_RATE: Final = Rate(limits.USER_REPORTS_MAX, 1 / limits.USER_REPORT_INTERVAL_S)


class ReportLimits:
    """Soft state. Whoever could report without end could bury what others have done."""

    def __init__(self) -> None:
        self._by_user = Buckets(_RATE, limits.LIMITED_NAMES_MAX)

    def take(self, user: str, now: float) -> None:
        """The user reports something. Raises `Refusal` if that is too often."""
        if wait_s := self._by_user.of(user, now).try_take(1, now):
            reason = f"you report too much at once; try again in {math.ceil(wait_s)} s"
            raise Refusal(RefusalCode.TOO_FAST, reason, wait_s)
