"""Which modules are changed, and which tests may notice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from testbed import ROOT

PURE_FOLDERS: Final = {"core", "zchat/protocol/rules", "zchat/client/model"}
"""By name or path. What is in them takes inputs and gives effects, so a test of it is quick."""

TESTED_IN: Final = {
    # What may be done is tried where it is done.
    "zchat/protocol/rules": ("tests/protocol", "tests/rooms", "tests/users", "tests/gateway"),
    "zchat/runtime/core": (
        *("tests/test_metrics.py", "tests/test_rates.py", "tests/test_samples.py"),
        *("tests/test_settings.py", "tests/test_supervision.py", "tests/gateway/test_quotas.py"),
    ),
    # Rooms and users are both built on it.
    "zchat/service/core": ("tests/service", "tests/rooms", "tests/users"),
}
"""By folder, if it is not the folder of the same part of zchat."""


def cores() -> list[str]:
    """Those that the same tests look at stand together: they are tried in one go."""
    paths = (path.relative_to(ROOT) for path in (ROOT / "zchat").rglob("*.py"))
    names = [path.as_posix() for path in paths if _is_core(path) and path.name != "__init__.py"]
    return sorted(names, key=lambda name: (where_tested(name), name))


def where_tested(module: str) -> tuple[str, ...]:
    path = Path(module)
    for folder in _folders(path):
        if folder in TESTED_IN:
            return TESTED_IN[folder]
    return (f"tests/{path.parts[1]}",)


def _is_core(path: Path) -> bool:
    return not PURE_FOLDERS.isdisjoint((*path.parts, *_folders(path)))


def _folders(path: Path) -> Iterator[str]:
    return (folder.as_posix() for folder in path.parents)
