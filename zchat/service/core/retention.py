"""How long entries are kept: a few of those that are too old go with each heartbeat."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from zchat.eventlog.core.changes import ForgottenName, Policy, Removal, ThreadRenamed
from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Entry, inbox_log

_entries = Decoder(Entry)
PROBES = 16
"""Entries that `count_older` reads, of a log of any usual length."""


class Retention:
    """The policies of one service's logs, and how far it has come in applying them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies = {policy.log: policy for policy in store.policies()}
        self._unseen: deque[str] = deque()
        """Logs still to be looked at, before the next ones are."""
        self._looked_upto = ""
        """The last log that was to be looked at, in the order of their names."""

    @property
    def policies(self) -> list[Policy]:
        return list(self._policies.values())

    def keep_s(self, log: str) -> int:
        """0 for ever."""
        return keep_s(self._policies, log)

    def merged(self, changes: Sequence[Policy]) -> list[Policy]:
        """The policies that the changes come to: who sets one part leaves the other as it is."""
        merged: dict[str, Policy] = {}
        for change in changes:
            known = merged.get(change.log) or self._policies.get(change.log, Policy(change.log))
            if change.purge:
                merged[change.log] = known._replace(purge=max(known.purge, change.purge))
            else:
                merged[change.log] = known._replace(keep_s=change.keep_s)
        return list(merged.values())

    def committed(self, policies: Collection[Policy]) -> None:
        for policy in policies:
            self._policies[policy.log] = policy
            if policy.keep_s is None and not policy.purge:
                del self._policies[policy.log]

    def forget(self, forgotten: Collection[ForgottenName | ThreadRenamed]) -> None:
        """Of the inbox of whoever is known by another name nothing is left."""
        for one in forgotten:
            self._policies.pop(inbox_log(one.name), None)

    def ended_purges(self) -> list[Policy]:
        """The policies without what has been done."""
        floors = self._store.floors
        return [
            policy._replace(purge=0)
            for policy in self._policies.values()
            if policy.purge and floors.get(policy.log, 0) >= policy.purge
        ]

    def due(self, at_ms: int) -> list[Removal]:
        """What is to be removed now: also of logs of rooms and guests that are no more.

        Bounded in what is looked at, too: the beat waits meanwhile.
        """
        if not self._unseen:
            # Each once: looked at twice before anything is gone, it could be given two floors.
            logs = [policy.log for policy in self.policies if policy.purge]
            if any(policy.keep_s for policy in self.policies):
                logs += self._look_on()
            self._unseen.extend(dict.fromkeys(logs))
        removals: list[Removal] = []
        left = _Left(limits.REMOVED_ENTRIES_MAX, limits.REMOVED_BYTES_MAX)
        for _ in range(min(len(self._unseen), limits.REMOVED_LOGS_MAX)):
            log = self._unseen[0]
            floor = self._store.floors.get(log, 0)
            upto = self._due_in(log, floor, left, at_ms)
            if upto > floor:
                removals.append(Removal(log, upto))
                left.entries -= upto - floor
            if left.entries <= 0 or (left.bytes <= 0 and upto > floor):
                # There may be more of it.
                break
            self._unseen.popleft()
            if left.bytes <= 0:
                break
        return removals

    def _look_on(self) -> list[str]:
        """After the last of all logs comes the first one again."""
        logs = self._store.logs_after(self._looked_upto, limits.REMOVED_LOGS_MAX)
        self._looked_upto = logs[-1] if len(logs) == limits.REMOVED_LOGS_MAX else ""
        return logs

    def _due_in(self, log: str, floor: int, left: "_Left", at_ms: int) -> int:
        """The last of the first entries of the log that are due."""
        policy, kept_s = self._policies.get(log), self.keep_s(log)
        purge = policy.purge if policy else 0
        if not kept_s and purge <= floor:
            return floor
        due = floor
        # Mostly the first one says already that there is nothing to do.
        for entries_max in (1, left.entries - 1):
            if entries_max <= 0 or left.bytes <= 0:
                break
            page = self._store.read_log(log, due, entries_max, left.bytes)
            left.bytes -= sum(len(stored.frame) for stored in page)
            for stored in page:
                entry = _entries.decode(stored.frame)
                too_old = kept_s and entry.at_ms < at_ms - 1000 * kept_s
                if not too_old and entry.sequence > purge:
                    return due
                due = entry.sequence
            if not page:
                break
        return due


@dataclass
class _Left:
    """What may still be looked at with one heartbeat."""

    entries: int
    bytes: int


def keep_s(policies: dict[str, Policy], log: str) -> int:
    """How long the entries of the log are kept: as was said of it, or of all of its kind."""
    own = policies.get(log)
    if own is not None and own.keep_s is not None:
        return own.keep_s
    general = policies.get(log[0])
    return (general.keep_s or 0) if general else 0


def count_older(store: Store, log: str, head: int, before_ms: int) -> int:
    """How many entries of the log are from before that time, which rises in it."""
    floor = low = store.floors.get(log, 0)
    high = head
    while low < high:
        middle = (low + high + 1) // 2
        (stored,) = store.read_log(log, middle - 1, 1, 1)
        if _entries.decode(stored.frame).at_ms < before_ms:
            low = middle
        else:
            high = middle - 1
    return low - floor
