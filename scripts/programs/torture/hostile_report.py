"""What an attack has done to the others, held against what is aimed at."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from .hostile_others import Times, percentile

TIMES_MAX: Final = 2.0
"""By so much the others' p99 may grow."""
NOISE_S: Final = 0.020
"""Up to here growth counts as noise; a machine that others use as well has more of it."""
P99_MAX_S: Final = 0.100
"""Above this it may not be, unless it was half as much without an attack."""
CONNECTION_BYTES_MAX: Final = 1 << 20
"""What one hostile connection may cost a gateway,"""
MANY_CONNECTIONS: Final = 32
"""where there are enough of them to tell."""
SILENCE_MAX_S: Final = 2.0
_MIB: Final = 1 << 20

HEAD: Final = (
    "| attack | done | refused | waited | p50 | p99 | max | delivered p99 | failed "
    "| memory | each | silent | took | aims |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


class Outcome(NamedTuple):
    attack: str
    counts: Counter[str]
    connections: int
    before: Times
    during: Times
    gained_bytes: Mapping[str, int]
    """By process, the most."""
    gateways_bytes: int
    """What the gateways had more at the end of the attack."""
    silence: tuple[str, float]
    """Who was without a sign of life for longest, and for how many seconds."""
    restarted: Sequence[str]
    calm_s: float | None
    """How long after it all was as before; None if that was waited for in vain."""
    lag_s: float
    """By how much the measuring itself was late."""
    seconds: float
    """What the attack took, with all that is around it."""

    @property
    def connection_bytes(self) -> int | None:
        if self.connections < MANY_CONNECTIONS:
            return None
        return max(0, self.gateways_bytes) // self.connections

    @property
    def missed(self) -> list[str]:
        """The aims that were."""
        missed = []
        for what, before_s, during_s in (
            ("p99", self.before.p99, self.during.p99),
            ("delivered p99", self.before.delivered_p99, self.during.delivered_p99),
        ):
            if during_s > max(TIMES_MAX * before_s, NOISE_S):
                over = during_s > P99_MAX_S
                missed.append(f"{what} {f'over {_ms(P99_MAX_S)}' if over else 'more than doubled'}")
        if self.during.failures:
            missed.append("failures")
        if (each := self.connection_bytes) is not None and each > CONNECTION_BYTES_MAX:
            missed.append("memory")
        if self.silence[1] > SILENCE_MAX_S:
            missed.append(f"{self.silence[0]} silent")
        if self.restarted:
            missed.append("restarts")
        if self.calm_s is None:
            missed.append("no end")
        return missed


def row(outcome: Outcome) -> str:
    counts, before, during = outcome.counts, outcome.before, outcome.during
    who, most_bytes = max(outcome.gained_bytes.items(), key=lambda one: one[1])
    each = outcome.connection_bytes
    silent_who, silent_s = outcome.silence
    cells = (
        outcome.attack,
        str(counts["done"]),
        str(counts["refused"]),
        str(counts["unanswered"]),
        f"{_ms(before.p50)} → {_ms(during.p50)}",
        f"{_ms(before.p99)} → {_ms(during.p99)}",
        _ms(during.most),
        f"{_ms(before.delivered_p99)} → {_ms(during.delivered_p99)}",
        f"{during.failures.total()} of {during.samples}",
        f"{who} +{most_bytes / _MIB:.0f} MiB",
        "" if each is None else f"{each / _MIB:.2f} MiB",
        f"{silent_who} {silent_s:.1f} s",
        f"{outcome.seconds:.0f} s",
        ", ".join(outcome.missed) or "kept",
    )
    return f"| {' | '.join(cells)} |"


def remarks(outcome: Outcome) -> list[str]:
    """What has no place in the table."""
    told = []
    if outcome.restarted:
        told.append(f"restarted: {', '.join(outcome.restarted)}")
    if outcome.calm_s is None:
        told.append("all was not as before until the cluster was started anew")
    elif outcome.calm_s > 1:
        told.append(f"all was as before {outcome.calm_s:.1f} s later")
    if outcome.during.failures:
        told.append(
            f"failed: {_counted(outcome.during.failures)}; slowest: {outcome.during.slowest}"
        )
    other = {
        what: count
        for what, count in outcome.counts.items()
        if what not in {"sent", "done", "refused", "unanswered", "slowed down"}
    }
    if other:
        told.append(_counted(other))
    if outcome.lag_s > NOISE_S:
        told.append(f"the measuring itself was up to {_ms(outcome.lag_s)} late")
    return told


def summary(outcomes: Sequence[Outcome], what: str) -> str:
    missed = [outcome for outcome in outcomes if outcome.missed]
    quiet = sorted(outcome.before.p99 for outcome in outcomes)
    lines = [
        f"{what}.",
        "",
        HEAD,
        *map(row, outcomes),
        "",
        f"{len(outcomes)} attacks; {len(outcomes) - len(missed)} kept every aim.",
        f"p99 without an attack: median {_ms(percentile(quiet, 0.5))}, most {_ms(quiet[-1])}.",
    ]
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))


def _ms(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
