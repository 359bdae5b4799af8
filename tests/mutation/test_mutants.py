"""What is made of a module to see whether its tests notice."""

from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="it comes with the extra `mutation`")

from mutation.mutants import mutants_of

SOURCE = '''"""A module."""

LIMIT = 3


class Door:
    @property
    def is_open(self) -> bool:
        return self.opened

    def knock(self, times: int) -> str:
        if times > LIMIT:
            self.ring()
        return "come in, please"


COLOURS = frozenset(word.lower() for word in ("Red", "Green"))
'''


@pytest.fixture
def changed(tmp_path: Path) -> list[str]:
    path = tmp_path / "door.py"
    path.write_text(SOURCE, "utf-8")
    return [
        f"{mutant.function.name if mutant.function else None} {mutant.lines.start}"
        f"{' words' * mutant.is_words}: {mutant.diff.splitlines()[-1][1:].strip()}"
        for mutant in mutants_of(path)
    ]


@pytest.mark.parametrize(
    "mutant",
    [
        "None 3: LIMIT = 4",
        "Door.knock 12: if times >= LIMIT:",
        "Door.knock 12: if (times > LIMIT) and False:",
        "Door.knock 12: if (times > LIMIT) or True:",
        "Door.knock 13: pass",
        # Of it no function is left that was there.
        "None 17: COLOURS = frozenset(None)",
        'Door.knock 14 words: return "COME IN, PLEASE"',
    ],
)
def test_a_change_is_made_in_the_function_where_it_stands(changed: list[str], mutant: str) -> None:
    assert mutant in changed


def test_no_change_is_made_twice(changed: list[str]) -> None:
    assert len(set(changed)) == len(changed)
