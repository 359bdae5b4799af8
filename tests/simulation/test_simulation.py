"""A fixed set of histories, in which every promise must be kept; and planted bugs, to be caught."""

import pytest

from simulation.minimise import minimised
from simulation.mutants import planted
from simulation.simulation import Recipe, Verdict, simulate

CHUNK = 8
SEEDS = 200
SEEDS_FOR_A_BUG = 40


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_promises_are_kept_whatever_breaks(first: int) -> None:
    for seed in range(first, first + CHUNK):
        verdict = simulate(Recipe(seed))
        again = f"again: {verdict.recipe.command}"
        assert verdict.broken is None, "\n".join([*verdict.story[-30:], verdict.broken, again])


def test_a_recipe_is_the_same_history_each_time() -> None:
    recipe = Recipe(7, seconds=10.0, without=(1,), without_people=(0,))

    assert simulate(recipe).digest == simulate(recipe, detailed=True).digest
    assert recipe.command == "scripts/simulate --seed 7 --seconds 10 --without 1 --without-people 0"


@pytest.mark.parametrize(
    "name",
    [
        "the nonce is not checked",
        "the link accepts out of order",
        "a resumed client is taken for up to date",
        "a commit does not look for the lease",
        "a twin is wrong in an inbox of 200 entries",
    ],
)
def test_a_planted_bug_is_caught(name: str) -> None:
    with planted(name):
        assert _first_failure() is not None


def test_a_failure_is_made_small_and_stays_the_same_failure() -> None:
    with planted("a resumed client is taken for up to date"):
        failed = _first_failure()
        assert failed is not None
        small = minimised(failed, attempts_max=10)

        assert small.place == failed.place
        assert len(small.recipe.without_people) + len(small.recipe.without) > 0
        assert simulate(small.recipe).broken == small.broken
    assert simulate(small.recipe).broken is None


def _first_failure() -> Verdict | None:
    verdicts = (simulate(Recipe(seed)) for seed in range(SEEDS_FOR_A_BUG))
    return next((verdict for verdict in verdicts if verdict.broken), None)
