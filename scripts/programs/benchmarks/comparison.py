"""How servers compare that were measured turn by turn, and one server at several rates."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.measure import Run

COMPARED: Final = (
    "messages_per_s",
    "deliveries_per_s",
    "delivery_p50_ms",
    "delivery_p99_ms",
    "delivery_p99.9_ms",
    "log_ins_per_s",
    "resident_bytes_per_client",
    "fresh_folder_s",
    "existing_folder_s",
    "cpu_ms_per_1000_messages",
)


class Ratio(NamedTuple):
    ours: float
    """Median of our runs."""
    theirs: float
    ratio: float
    """Of the medians, ours by theirs."""
    least: float
    """Of the turns: each is one run of ours and the run of theirs that followed."""
    most: float


def ratios(ours: Sequence[Run], theirs: Sequence[Run]) -> dict[str, Ratio]:
    """By figure, for those that both have."""
    found = {}
    for name in COMPARED:
        pairs = [
            (our.figures[name], their.figures[name])
            for our, their in zip(ours, theirs, strict=True)
            if name in our.figures and their.figures.get(name)
        ]
        if pairs:
            our_median, their_median = (
                statistics.median(side) for side in zip(*pairs, strict=True)
            )
            turns = [our / their for our, their in pairs]
            ratio = our_median / their_median
            found[name] = Ratio(our_median, their_median, ratio, min(turns), max(turns))
    return found


def cpu_by_rate(runs_by_rate: Mapping[float, Sequence[Run]]) -> dict[float, float]:
    """Medians of the processor time of the whole server, in ms for 1,000 messages."""
    return {
        rate: statistics.median(run.figures["cpu_ms_per_1000_messages"] for run in runs)
        for rate, runs in runs_by_rate.items()
    }
