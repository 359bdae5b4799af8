"""A fixed set of histories, in which every promise must be kept; and planted bugs, to be caught."""

import pytest

from .mutants import planted
from .simulation import simulate

CHUNK = 10
SEEDS = 120


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_promises_are_kept_whatever_breaks(first: int) -> None:
    for seed in range(first, first + CHUNK):
        verdict = simulate(seed)
        story = "\n".join(verdict.story[-30:])
        assert verdict.broken is None, f"{story}\nagain: scripts/simulate --seed {seed}"


def test_a_seed_is_the_same_history_each_time() -> None:
    assert simulate(7).digest == simulate(7).digest


@pytest.mark.parametrize(
    "name",
    [
        "the nonce is not checked",
        "the link accepts out of order",
        "a resumed client is taken for up to date",
    ],
)
def test_a_planted_bug_is_caught(name: str) -> None:
    with planted(name):
        assert any(simulate(seed).broken for seed in range(20))
