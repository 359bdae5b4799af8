"""The workloads: who talks to how many, how much at a time, and for how long."""

import dataclasses
from typing import Final, Literal

Kind = Literal["saturate", "pace", "crowd", "return", "start"]

SECONDS_MAX: Final = 60
"""Longest measurement: a client that only listens is taken for dead after 90 s of silence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    name: str
    summary: str
    kind: Kind
    conversations: int = 1
    """Rooms, or pairs if `private`."""
    members: int
    """Clients in each conversation."""
    talkers: int
    """Those of them who post."""
    window: int = 4
    """Messages of each talker that are on their way, to the last member, at a time."""
    private: bool = False
    """Private messages between two, in place of a room."""
    messages: int = 0
    """Posted while the returning client is away."""
    rate_per_s: float = 0.0
    """Messages of all talkers together, whatever the answers do."""
    warm_up_s: float = 1.0
    seconds: float = 5.0

    @property
    def clients(self) -> int:
        return self.conversations * self.members

    def scaled(self, scale: float) -> "Workload":
        """The same kind of load from fewer or more clients, or with fewer or more messages."""

        def times(count: int, least: int) -> int:
            return max(least, round(count * scale))

        match self.kind:
            case "saturate" if self.conversations > 1:
                return dataclasses.replace(self, conversations=times(self.conversations, 1))
            case "saturate":
                return dataclasses.replace(self, members=times(self.members, self.talkers))
            case "crowd":
                return dataclasses.replace(self, conversations=times(self.conversations, 1))
            case "return":
                return dataclasses.replace(self, messages=times(self.messages, 1))
            case "pace" | "start":
                return self


WORKLOADS: Final = {
    workload.name: workload
    for workload in (
        Workload(
            name="fan-out",
            summary="one room of 500, of whom 5 talk",
            kind="saturate",
            members=500,
            talkers=5,
        ),
        Workload(
            name="rooms",
            summary="200 rooms of 5, everyone talks",
            kind="saturate",
            conversations=200,
            members=5,
            talkers=5,
        ),
        Workload(
            name="pairs",
            summary="200 pairs who write private messages to each other",
            kind="saturate",
            conversations=200,
            members=2,
            talkers=2,
            private=True,
        ),
        Workload(
            name="light",
            summary="one room of 10, 20 messages a second whatever happens",
            kind="pace",
            members=10,
            talkers=10,
            # Who waits for answers would not see what those cost who do not.
            window=1_000,
            rate_per_s=20.0,
            seconds=15.0,
        ),
        Workload(
            name="idle",
            summary="5,000 clients who log in and say nothing",
            kind="crowd",
            conversations=5_000,
            members=1,
            talkers=0,
        ),
        Workload(
            name="catch-up",
            summary="one client comes back and gets the 10,000 messages that it missed",
            kind="return",
            members=6,
            talkers=5,
            # What matters is how they are read again, not how fast they were said.
            window=32,
            messages=10_000,
            warm_up_s=0.5,
        ),
        Workload(
            name="start",
            summary="from nothing to the first message that is delivered",
            kind="start",
            members=2,
            talkers=1,
        ),
    )
}
