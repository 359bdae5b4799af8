"""The browser's client does the same as ours: whatever ours was seen to do goes through both.

What tests of our core do is recorded (`traces.py`), and replayed by `web/tests/traces.test.ts`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
WEB: Final = ROOT / "web"
SCENARIOS: Final = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("test_core*.py", "test_read_marks.py", "test_too_fast.py")
    for path in Path(__file__).parent.glob(pattern)
)

if shutil.which("node") is None or not (WEB / "node_modules").is_dir():
    pytest.skip(
        "the browser's client is not compared: that takes Node and (cd web && npm ci)",
        allow_module_level=True,
    )


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_core_in_the_browser_does_what_ours_does(tmp_path: Path) -> None:
    traces = tmp_path / "traces.jsonl"
    plugins = ("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "tests.client.traces")
    options = (*plugins, "--quiet", "--hypothesis-seed", "0", "--traces", str(traces))
    run(sys.executable, "-m", "pytest", *options, *SCENARIOS)
    assert len(traces.read_text("utf-8").splitlines()) > 200
    run("node", "build.mjs", "--tests", tmp_path / "tests", cwd=WEB)
    replay = ("--test", "--test-reporter", "tap", tmp_path / "tests/traces.test.mjs")
    assert "# skipped 0" in run("node", *replay, ZCHAT_TRACES=str(traces))
