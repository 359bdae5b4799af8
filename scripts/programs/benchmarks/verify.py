"""Whether everyone got everything once and in order: counts of all, each message of a sample."""

import dataclasses
from array import array
from collections.abc import Iterable

from benchmarks.conversation import Connection, Conversation
from benchmarks.dialect import Delivery, Dialect


@dataclasses.dataclass(slots=True)
class Verdict:
    """All but `checked` must be 0."""

    checked: int = 0
    """Deliveries that were decoded and looked at one by one."""
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    unacknowledged: int = 0
    refused: int = 0
    disconnected: int = 0

    def __iadd__(self, other: "Verdict") -> "Verdict":
        for field in dataclasses.fields(self):
            together = getattr(self, field.name) + getattr(other, field.name)
            setattr(self, field.name, together)
        return self

    @property
    def sound(self) -> bool:
        faults = dataclasses.asdict(self)
        del faults["checked"]
        return not any(faults.values())


def judge(
    conversations: Iterable[Conversation], dialect: Dialect, latencies_s: "array[float]"
) -> Verdict:
    """Collects also how long each delivery that was recorded took, from sending to receiving."""
    verdict = Verdict()
    for conversation in conversations:
        sent_at = {
            member.name: member.talker.sent_at
            for member in conversation.members
            if member.talker is not None
        }
        for member in conversation.members:
            verdict.refused += member.refused
            verdict.disconnected += member.lost_connection
            if member.talker is not None:
                verdict.unacknowledged += member.talker.posted - member.talker.acknowledged
            if member.recorded is None:
                missing = conversation.expected_at(member) - member.delivered
                verdict.lost += max(missing, 0)
                verdict.doubled += max(-missing, 0)
            else:
                reader = _Reader(sent_at)
                reader.read(member, dialect, latencies_s)
                verdict += reader.verdict(conversation.expected_at(member))
    return verdict


class _Reader:
    """Goes through all that one client has received."""

    def __init__(self, sent_at: "dict[str, array[float]]") -> None:
        self._sent_at = sent_at
        self._next_sequence: dict[str, int] = {}
        self._next_number = dict.fromkeys(sent_at, 0)
        self._seen: set[tuple[str, int]] = set()
        self._verdict = Verdict()

    def read(self, member: Connection, dialect: Dialect, latencies_s: "array[float]") -> None:
        frames = dialect.frames()
        for received_at, data in member.recorded or ():
            for frame in frames.feed(data):
                delivery = dialect.delivery(frame)
                if delivery is None:
                    continue
                self._take_sequence(delivery)
                if delivery.origin is not None and delivery.origin[0] in self._sent_at:
                    self._take_message(delivery.origin)
                    sender, number = delivery.origin
                    latencies_s.append(received_at - self._sent_at[sender][number])

    def verdict(self, expected: int) -> Verdict:
        self._verdict.lost = max(expected - len(self._seen), 0)
        return self._verdict

    def _take_sequence(self, delivery: Delivery) -> None:
        if delivery.sequence is None:
            return
        wanted = self._next_sequence.get(delivery.log, delivery.sequence)
        self._verdict.out_of_order += delivery.sequence != wanted
        self._next_sequence[delivery.log] = delivery.sequence + 1

    def _take_message(self, origin: tuple[str, int]) -> None:
        sender, number = origin
        self._verdict.checked += 1
        if origin in self._seen:
            self._verdict.doubled += 1
            return
        self._seen.add(origin)
        self._verdict.out_of_order += number != self._next_number[sender]
        self._next_number[sender] = number + 1
