"""The log of suspicious refusals: who was refused what, by name; never what was said."""

import logging
from typing import Any, Final

from zchat.log.answers import Answer
from zchat.protocol import limits
from zchat.protocol.cluster import OpenSession
from zchat.protocol.messages import RefusalCode
from zchat.protocol.names import printable
from zchat.rates import Bucket, Rate

SUSPICIOUS: Final = frozenset(
    {
        RefusalCode.WRONG_PASSWORD,
        RefusalCode.WRONG_CODE,
        RefusalCode.WRONG_KEY,
        RefusalCode.TOO_FAST,
        RefusalCode.SUSPENDED,
        RefusalCode.NOT_ALLOWED,
        RefusalCode.BANNED,
        RefusalCode.OUT_OF_SCOPE,
        RefusalCode.INVALID_INVITATION,
    }
)
"""What somebody is told who tries doors; the rest is told to people who mistype."""
_RATE: Final = Rate(limits.REFUSALS_LOGGED_MAX, 1.0)


class RefusalLog:
    """A flood of refusals is no flood of lines: some are logged, the others counted."""

    def __init__(self, log: logging.Logger, now: float) -> None:
        self._log = log
        self._bucket = Bucket(_RATE, now)
        self._unsaid = 0

    def refused(self, who: str, command: Any, answer: Answer, now: float) -> None:
        """Somebody was refused a command or query; most of what is refused is not suspicious."""
        if answer.code not in SUSPICIOUS and not answer.suspicious:
            return
        if self._bucket.try_take(1, now):
            self._unsaid += 1
            return
        kind = type(command).__struct_config__.tag
        if isinstance(command, OpenSession):
            who = f"{printable(command.name)} at {command.address or 'an unknown address'}"
        others = f", and {self._unsaid} others before" if self._unsaid else ""
        self._unsaid = 0
        self._log.warning("refused %s by %s: %s%s", kind, who, answer.code, others)
