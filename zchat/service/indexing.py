"""When messages enter the index of what is said: behind all else, a few at a time."""

import logging

from zchat.log.store import Store, StoreUnavailable
from zchat.protocol import limits


class Indexing:
    """In steps: a few after each heartbeat, and more as long as there is nothing else to do."""

    def __init__(self, store: Store, log: logging.Logger) -> None:
        self._store = store
        self._log = log
        self._failed = False
        self._owed_steps = 0
        """How many are done however busy the service is."""
        self.due = False
        """Whether the next turn is to come at once, for there is more and nothing else to do."""

    def turn_ended(self, *, idle: bool, heartbeat: bool) -> None:
        """Raises `Fenced`."""
        if heartbeat:
            self._owed_steps = limits.SEARCH_BUSY_STEPS_MAX
        if self._owed_steps or (idle and self.due):
            more = self._index()
            self._owed_steps = max(0, self._owed_steps - 1) if more else 0
            self.due = more and idle
        else:
            self.due = False

    def _index(self) -> bool:
        """Returns whether there is more to be done now."""
        try:
            more = self._store.index_messages()
        except StoreUnavailable as error:
            # Said once, not with each heartbeat.
            if not self._failed:
                self._log.error("what is said cannot be indexed: %s", error)
            self._failed = True
            return False
        self._failed = False
        return more
