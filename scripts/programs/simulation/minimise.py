"""Makes the history of a failure as small as it gets: fewer faults, fewer people, less time."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from .simulation import Recipe, Verdict, simulate

TIME_MAX_S: Final = 90.0
"""Real seconds; what has been left out by then stays left out."""
ATTEMPTS_MAX: Final = 500


def minimised(failed: Verdict, attempts_max: int = ATTEMPTS_MAX) -> Verdict:
    """A smaller history that fails the same check, told in detail."""
    return _Search(failed, attempts_max).run()


class _Search:
    def __init__(self, failed: Verdict, attempts: int) -> None:
        self._place = failed.place
        self._best = failed
        self._attempts_left = attempts
        self._until = time.monotonic() + TIME_MAX_S

    def run(self) -> Verdict:
        # People before faults: each of them makes every attempt after it shorter.
        self._leave_out(
            list(range(self._best.people)),
            lambda recipe, people: replace(
                recipe, without_people=(*recipe.without_people, *people)
            ),
        )
        self._end_sooner()
        self._leave_out(
            list(self._best.faults),
            lambda recipe, faults: replace(recipe, without=(*recipe.without, *faults)),
        )
        self._end_sooner()
        return simulate(self._best.recipe, detailed=True)

    def _leave_out(self, parts: list[int], without: Callable[[Recipe, list[int]], Recipe]) -> None:
        """Halves first, then smaller parts, down to single ones."""
        size = max(1, len(parts) // 2)
        while parts:
            for some in [parts[start : start + size] for start in range(0, len(parts), size)]:
                if self._still_fails(without(self._best.recipe, some)):
                    parts = [part for part in parts if part not in some]
            if size == 1:
                return
            size //= 2

    def _end_sooner(self) -> None:
        for share in (0.25, 0.5, 0.75, 0.9):
            seconds = round(self._best.recipe.seconds * share, 1)
            if self._still_fails(replace(self._best.recipe, seconds=seconds)):
                return

    def _still_fails(self, recipe: Recipe) -> bool:
        if not self._attempts_left or time.monotonic() > self._until:
            return False
        self._attempts_left -= 1
        verdict = simulate(recipe)
        # Another failure would be another story.
        fails = verdict.broken is not None and verdict.place == self._place
        if fails:
            self._best = verdict
        return fails
