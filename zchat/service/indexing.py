"""When messages enter the index of what is said: behind all else, a few at a time."""

import logging

from zchat.log.store import Store, StoreUnavailable


class Indexing:
    """Some with each heartbeat, and more as long as a service has nothing else to do."""

    def __init__(self, store: Store, log: logging.Logger) -> None:
        self._store = store
        self._log = log
        self._failed = False
        self.due = False
        """Whether the next turn is to come at once, for there is more and nothing else to do."""

    def turn_ended(self, *, idle: bool, heartbeat: bool) -> None:
        """Raises `Fenced`."""
        if heartbeat or (idle and self.due):
            self.due = self._index() and idle
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
