"""The browser's client does the same as ours: whatever ours was seen to do goes through both.

What tests of our core do is recorded (`traces.py`), and replayed by `web/tests/traces.test.ts`.
What the rules of texts, names and messages say is written down (`rule_cases.py`), and asked again
by `web/tests/rules.test.ts`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from needed import NODE_MAJOR_MIN, do_without, find_node

from .rule_cases import cases

ROOT: Final = Path(__file__).parents[2]
WEB: Final = ROOT / "web"
SCENARIOS: Final = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("test_core*.py", "test_read_marks.py", "test_too_fast.py")
    for path in Path(__file__).parent.glob(pattern)
)


@pytest.fixture(scope="session", autouse=True)
def _there_is_node() -> None:
    if find_node() is None or not (WEB / "node_modules").is_dir():
        do_without(
            f"the browser's client is not compared: that takes Node {NODE_MAJOR_MIN} or newer, "
            "and (cd web && npm ci)"
        )


def run(*command: str | Path, cwd: Path = ROOT, given: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(given or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of the browser's client, as Node can run them."""
    folder = tmp_path_factory.mktemp("web") / "tests"
    run("node", "build.mjs", "--tests", folder, cwd=WEB)
    return folder


def passes(test: Path, **given: str) -> None:
    said = run("node", "--test", "--test-reporter", "tap", test, given=given)
    assert "# skipped 0" in said


def test_the_core_in_the_browser_does_what_ours_does(tests: Path, tmp_path: Path) -> None:
    traces = tmp_path / "traces.jsonl"
    plugins = ("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "tests.client.traces")
    options = (*plugins, "--quiet", "--hypothesis-seed", "0", "--traces", str(traces))
    run(sys.executable, "-m", "pytest", *options, *SCENARIOS)
    assert len(traces.read_text("utf-8").splitlines()) > 200
    passes(tests / "traces.test.mjs", ZCHAT_TRACES=str(traces))


def test_the_rules_in_the_browser_say_what_ours_say(tests: Path, tmp_path: Path) -> None:
    written = tmp_path / "cases.json"
    written.write_text(json.dumps(cases(0)), "utf-8")
    passes(tests / "rules.test.mjs", ZCHAT_RULE_CASES=str(written))
