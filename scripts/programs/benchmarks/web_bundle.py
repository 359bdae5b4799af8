"""How many bytes of the page are loaded before the first room is shown."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import zchat.gateway
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster

SCRIPT_KB: Final = 60.0
STYLE_KB: Final = 10.0
SITE: Final = Path(zchat.gateway.__file__).parent / "web"
_IMPORT: Final = re.compile(r'(?:from|import)\s*"\./([^"]+)"')
"""A module that is loaded before the one that names it runs; `import("./…")` comes later."""


def measure(_cluster: ZchatCluster, _folder: Path, _times: int) -> Sequence[Figure]:
    scripts = list(dict.fromkeys(_needed("app.js")))
    return [
        Figure("script", "kB", [_kb(*scripts)], SCRIPT_KB),
        Figure("styles", "kB", [_kb("app.css")], STYLE_KB),
        Figure("script that is loaded later", "kB", [_kb(*_later(scripts))]),
    ]


def _needed(script: str) -> Iterator[str]:
    yield script
    for other in _IMPORT.findall((SITE / script).read_text("utf-8")):
        yield from _needed(other)


def _later(first: Sequence[str]) -> list[str]:
    # The worker of the page stands beside it.
    return [path.name for path in SITE.glob("*.js") if path.name not in (*first, "sw.js")]


def _kb(*names: str) -> float:
    return sum((SITE / f"{name}.br").stat().st_size for name in names) / 1000
