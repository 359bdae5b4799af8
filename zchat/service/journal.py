"""What became of commands, in the log and in numbers; never what was said in them."""

import logging
from collections.abc import Iterable
from typing import Any

from zchat.fabric.identities import name_of
from zchat.log.answers import Answer
from zchat.protocol import limits
from zchat.rates import Rate, Samples
from zchat.service.counts import Counts
from zchat.service.effects import Sender
from zchat.service.refusals import RefusalLog


class Journal:
    def __init__(self, log: logging.Logger, counts: Counts, now: float, at_ms: int) -> None:
        self._log = log
        self._counts = counts
        # Asked once: at most levels each command would ask in vain.
        self.look_at_level()
        self._refusals = RefusalLog(log, now)
        # Queries are answered by the wall clock.
        self._refused_queries = RefusalLog(log, at_ms / 1000)
        self._warnings = Samples(
            Rate(limits.WARNINGS_BURST, limits.WARNINGS_PER_S), limits.PEERS_MAX
        )

    def look_at_level(self) -> None:
        """To be called when the least level that is logged is another one."""
        self._tracing = self._log.isEnabledFor(logging.DEBUG)

    def answered(self, sender: Sender, command: Any, answer: Answer | None, now: float) -> None:
        """A command was applied; without an answer it is answered later, or in words of its own."""
        if self._tracing:
            self._trace(sender, command, answer)
        if answer is not None and answer.code is not None:
            refusals = self._counts.refusals
            refusals[answer.code] = refusals.get(answer.code, 0) + 1
            self._refusals.refused(sender.actor, command, answer, now)

    def queries_refused(self, refused: Iterable[tuple[str, Any, Answer]], at_ms: int) -> None:
        """Whose queries, and how."""
        for user, query, answer in refused:
            self._refused_queries.refused(user, query, answer, at_ms / 1000)

    def disobeyed(self, asker: bytes, command: Any, now: float) -> None:
        """A process had no right to send the command."""
        self._counts.disobeyed += 1
        kind, name = type(command).__name__, ascii(name_of(asker))
        held = self._warnings.admit(f"{name} {kind}", now)
        if held is not None:
            more = f"; {held} more like it" if held else ""
            self._log.warning("refused %s from %s%s", kind, name, more)

    def _trace(self, sender: Sender, command: Any, answer: Answer | None) -> None:
        asker = sender.reply_to.asker.decode(errors="replace")
        fields = {
            "request": f"{asker}:{sender.session}:{getattr(command, 'id', 0)}",
            "command": command.__struct_config__.tag,
            "user": sender.user,
            "outcome": (answer.code or "done") if answer else "no answer yet, or one of its own",
        }
        self._log.debug("applied", extra=fields)
