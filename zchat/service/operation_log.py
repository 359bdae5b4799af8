"""What became of commands, in the log and in numbers; never what was said in them."""

import logging
from collections.abc import Iterable
from typing import Any, Final

from zchat.eventlog.core.idempotency import Answer
from zchat.fabric.core.identities import name_of
from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.names import printable
from zchat.runtime.core.rate_limit import Bucket, Rate, Samples
from zchat.service.core.effects import Sender
from zchat.service.core.operation_log import OperationLog


class WrittenOperationLog(OperationLog):
    def __init__(self, log: logging.Logger, now: float, at_ms: int) -> None:
        super().__init__()
        self._log = log
        # Asked once: at most levels each command would ask in vain.
        self.look_at_level()
        self._refusals = RefusalLog(log, now)
        # Queries are answered by the wall clock.
        self._refused_queries = RefusalLog(log, at_ms / 1000)
        self._warnings = Samples(
            Rate(limits.WARNINGS_BURST, limits.WARNINGS_PER_S), limits.PEERS_MAX
        )

    def look_at_level(self) -> None:
        self._tracing = self._log.isEnabledFor(logging.DEBUG)

    def answered(self, sender: Sender, command: Any, answer: Answer | None, now: float) -> None:
        super().answered(sender, command, answer, now)
        if self._tracing:
            self._trace(sender, command, answer)
        if answer is not None and answer.code is not None:
            self._refusals.refused(sender.actor, command, answer, now)

    def queries_refused(self, refused: Iterable[tuple[str, Any, Answer]], at_ms: int) -> None:
        for user, query, answer in refused:
            self._refused_queries.refused(user, query, answer, at_ms / 1000)

    def disobeyed(self, asker: bytes, command: Any, now: float) -> None:
        super().disobeyed(asker, command, now)
        kind, name = type(command).__name__, ascii(name_of(asker))
        held = self._warnings.admit(f"{name} {kind}", now)
        if held is not None:
            more = f"; {held} more like it" if held else ""
            self._log.warning("refused %s from %s%s", kind, name, more)

    def not_committed(self, why: Exception) -> None:
        super().not_committed(why)
        self._log.error("the store is unavailable: %s", why)

    def not_loaded(self, why: Exception) -> None:
        self._log.error("nor can it be read: %s", why)

    def not_read(self, why: Exception) -> None:
        self._log.error("the store cannot be read: %s", why)

    def not_indexed(self, why: Exception) -> None:
        self._log.error("what is said cannot be indexed: %s", why)

    def _trace(self, sender: Sender, command: Any, answer: Answer | None) -> None:
        asker = sender.reply_to.asker.decode(errors="replace")
        fields = {
            "request": f"{asker}:{sender.session}:{getattr(command, 'id', 0)}",
            "command": command.__struct_config__.tag,
            "user": sender.user,
            "outcome": (answer.code or "done") if answer else "no answer yet, or one of its own",
        }
        self._log.debug("applied", extra=fields)


# --- Suspicious refusals: who was refused what, by name -------------------------------------------

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
        if self._bucket.take_or_wait_s(1, now):
            self._unsaid += 1
            return
        kind = type(command).__struct_config__.tag
        if isinstance(command, OpenSession):
            who = f"{printable(command.name)} at {command.address or 'an unknown address'}"
        others = f", and {self._unsaid} others before" if self._unsaid else ""
        self._unsaid = 0
        self._log.warning("refused %s by %s: %s%s", kind, who, answer.code, others)
