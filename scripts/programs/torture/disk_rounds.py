"""The ways in which a disk is full, one for each round, and what came of a round."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from testbed.cluster import ROOM_SERVICE, ROUTER, SERVICES, USER_SERVICE

from .faults import SUPERVISORD


class Shares(StrEnum):
    """What is on the full disk."""

    DATABASES = "var/data"
    EVERYTHING = "var"
    """With the logs of all programs and of supervisord, and the sockets."""


class Round(NamedTuple):
    name: str
    kill: Collection[str] = ()
    """What is killed while the disk is full."""
    spare_bytes: int = 0
    no_checkpoint: str | None = None
    """The service whose WAL grows until it is due for a checkpoint, for which there is no room."""
    writable: bool = False
    """Whether commits go on nevertheless."""

    def is_killed(self, program: str) -> bool:
        return program in self.kill or SUPERVISORD in self.kill


ROUNDS: Final = (
    Round("not one block is left"),
    Round("services killed", kill=SERVICES),
    Round("a commit can begin", spare_bytes=48 << 10),
    Round("router killed", kill=(ROUTER,)),
    Round("supervisord killed", kill=(SUPERVISORD,)),
    Round("no checkpoint of rooms", spare_bytes=4 << 20, no_checkpoint=ROOM_SERVICE),
    Round("no checkpoint of users", SERVICES, spare_bytes=4 << 20, no_checkpoint=USER_SERVICE),
    Round("the WAL begins anew", kill=(ROOM_SERVICE,), writable=True),
)


@dataclass
class Report:
    shares: Shares
    name: str
    acknowledged_full: int = 0
    """While the disk was full."""
    waiting: int = 0
    """Unanswered when there was space again."""
    reads: int = 0
    recovered_s: float = 0.0
    """From the space to the last answer to what had waited."""
    checked_at_kill: int = 0
    """Acknowledged messages that were looked for in what the killed services left behind."""
    wrong: list[str] = field(default_factory=list)


def line(report: Report) -> str:
    at_kill = f", {report.checked_at_kill} found again" if report.checked_at_kill else ""
    return (
        f"{report.name:<24} {report.acknowledged_full:>5} acknowledged while full, "
        f"{report.reads} reads, {report.waiting:>3} waited, "
        f"answered {report.recovered_s:.2f} s after there was space{at_kill}"
        f"{', BROKEN' if report.wrong else ''}"
    )
