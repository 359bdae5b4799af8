"""The workloads: who talks to how many, how much at a time, and for how long."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

Kind = Literal["saturate", "pace", "log-in", "idle", "catch-up", "return", "start"]

SECONDS_MAX: Final = 60
"""Longest measurement: a client that only listens is taken for dead after 90 s of silence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    name: str
    words: str
    """What is done, with the names of fields in it."""
    kind: Kind
    conversations: int = 1
    """Rooms, or pairs if `private`, or clients who talk to nobody."""
    members: int = 1
    """Clients in each conversation."""
    talkers: int = 0
    """Those of them who post."""
    window: int = 4
    """On their way at a time: messages of each talker, to the last member; or log-ins of all."""
    private: bool = False
    """Private messages between two, in place of a room."""
    messages: int = 0
    """Posted while the returning client is away."""
    rate_per_s: float = 0.0
    """Messages of all talkers together, whatever the answers do."""
    gateways: int | None = None
    """Of a fresh cluster; None for what its procfile says."""
    warm_up_s: float = 1.0
    seconds: float = 5.0

    @property
    def summary(self) -> str:
        return self.words.format_map(dataclasses.asdict(self))

    @property
    def size(self) -> str:
        """What tells this row from others of the same name."""
        match self.kind:
            case "saturate" if self.conversations > 1:
                return f"{self.window} in flight each"
            case "saturate":
                return f"{self.window * self.talkers} in flight"
            case "log-in":
                return f"{self.window} in flight"
            case "pace":
                return f"{self.rate_per_s:g} messages a second"
            case "return":
                return f"{self.gateways} gateway{'' if self.gateways == 1 else 's'}"
            case "idle" | "catch-up" | "start":
                return ""

    @property
    def title(self) -> str:
        return f"{self.name}, {self.size}" if self.size else self.name

    @property
    def clients(self) -> int:
        return self.conversations * self.members

    def scaled(self, scale: float) -> "Workload":
        """The same kind of load from fewer or more clients, or with fewer or more messages."""

        def times(count: int, least: int) -> int:
            return max(least, round(count * scale))

        match self.kind:
            case "saturate" if self.conversations == 1:
                return dataclasses.replace(self, members=times(self.members, self.talkers))
            case "saturate" | "log-in" | "idle" | "return":
                return dataclasses.replace(self, conversations=times(self.conversations, 1))
            case "catch-up":
                return dataclasses.replace(self, messages=times(self.messages, 1))
            case "pace" | "start":
                return self


def _with_windows(workload: Workload, windows: Iterable[int]) -> Sequence[Workload]:
    return [dataclasses.replace(workload, window=window) for window in windows]


FAN_OUT: Final = Workload(
    name="fan-out",
    words="one room of {members}, of whom {talkers} talk",
    kind="saturate",
    members=500,
    talkers=5,
)
ROOMS: Final = Workload(
    name="rooms",
    words="{conversations} rooms of {members}, everyone talks",
    kind="saturate",
    conversations=200,
    members=5,
    talkers=5,
)
PAIRS: Final = Workload(
    name="pairs",
    words="{conversations} pairs who write private messages to each other",
    kind="saturate",
    conversations=200,
    members=2,
    talkers=2,
    private=True,
)
LIGHT: Final = Workload(
    name="light",
    words="one room of {members}, who do not wait for answers",
    kind="pace",
    members=10,
    talkers=10,
    # Who waits for answers would not see what those cost who do not.
    window=1_000,
    rate_per_s=20.0,
    seconds=15.0,
)
LOG_INS: Final = Workload(
    name="logins",
    words="{conversations:,} guests log in",
    kind="log-in",
    conversations=5_000,
    # For what follows a log-in: others are told who has come.
    warm_up_s=0.5,
    seconds=0.1,
)
IDLE: Final = Workload(
    name="idle",
    words="{conversations:,} clients who have logged in and say nothing",
    kind="idle",
    conversations=5_000,
    # What their log-ins have begun is to be over: where they came from is written down within
    # 25 s, and after 10 all of them are told that the first two have gone.
    warm_up_s=30.0,
    seconds=15.0,
)
CATCH_UP: Final = Workload(
    name="catch-up",
    words="one client comes back and gets the {messages:,} messages that it missed",
    kind="catch-up",
    members=6,
    talkers=5,
    # What matters is how they are read again, not how fast they were said.
    window=32,
    messages=10_000,
    warm_up_s=0.5,
)
RETURN: Final = Workload(
    name="return",
    words="one gateway is killed under {conversations:,} clients of all, who come back at once",
    kind="return",
    conversations=1_000,
    gateways=1,
    # A program that ends sooner has not started, for supervisord.
    warm_up_s=2.0,
    seconds=0.1,
)
START: Final = Workload(
    name="start",
    words="from nothing to the first message that is delivered",
    kind="start",
    members=2,
    talkers=1,
)

WORKLOADS: Final[Mapping[str, Sequence[Workload]]] = {
    "fan-out": _with_windows(FAN_OUT, (4, 32)),
    "rooms": _with_windows(ROOMS, (1, 4)),
    "pairs": _with_windows(PAIRS, (1, 4)),
    "light": [LIGHT],
    "logins": _with_windows(LOG_INS, (32, 512)),
    "idle": [IDLE],
    "catch-up": [CATCH_UP],
    # Half of the second crowd is cut off, and need not wait for supervisord.
    "return": [RETURN, dataclasses.replace(RETURN, gateways=2, conversations=2_000)],
    "start": [START],
}
"""By name; some are measured with little and with much on its way, since the costs differ."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What somebody wants otherwise; each is for the workloads to which it means something."""

    windows: Sequence[int] = ()
    rates_per_s: Sequence[float] = ()
    gateways: int | None = None
    seconds: float | None = None
    scale: float = 1.0


def variants(name: str, changes: Changes) -> list[Workload]:
    """The rows of a workload."""
    chosen = [workload.scaled(changes.scale) for workload in WORKLOADS[name]]
    first = chosen[0]
    match first.kind:
        case "saturate" | "log-in" if changes.windows:
            chosen = list(_with_windows(first, changes.windows))
        case "pace" if changes.rates_per_s:
            chosen = [dataclasses.replace(first, rate_per_s=rate) for rate in changes.rates_per_s]
        case "return" if changes.gateways is not None:
            chosen = [first]
        case _:
            pass
    if changes.gateways is not None:
        chosen = [dataclasses.replace(each, gateways=changes.gateways) for each in chosen]
    # The others last as long as what they measure.
    if changes.seconds is not None and first.kind in {"saturate", "pace", "idle"}:
        chosen = [dataclasses.replace(each, seconds=changes.seconds) for each in chosen]
    return chosen
