"""scripts/up in a fresh clone, with a stand-in for Python that makes environments in no time."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
DEADLINE_S: Final = 180

PYTHON: Final = """\
#!/bin/sh
case "$*" in
    "-m venv --clear .venv")
        rm -rf .venv
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        printf '#!/bin/sh\\necho "runs in $PWD: $*"\\n' >.venv/bin/zchat-up
        chmod +x .venv/bin/zchat-up
        ;;
    "-m pip install "*)
        echo "pip is told: $*" >>told
        touch .venv/half
        if [ -e interrupt ]; then
            rm interrupt
            # As Ctrl-C: to all that the terminal has in its foreground.
            kill -INT 0
            sleep 30
        fi
        [ ! -e fail ] || { echo "there is no network"; exit 1; }
        ;;
    *) exec REAL "$@" ;;
esac
"""


class Clone:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name in ("setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        (folder / "var").mkdir()
        python = folder.with_name("python")
        python.write_text(PYTHON.replace("REAL", sys.executable))
        python.chmod(0o755)
        self.environment = {"PYTHON": str(python), "PATH": os.environ["PATH"]}

    def up(self, *words: str, program: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(program or self.folder / "scripts" / "up"), *words],
            cwd="/",
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
            start_new_session=True,
        )

    def runs(self, *words: str) -> str:
        return f"runs in {self.folder}: {' '.join(words)}\n"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "a cluster's")


def test_it_runs_by_a_link_from_elsewhere_and_without_a_path(clone: Clone, tmp_path: Path) -> None:
    clone.environment["PATH"] = ""
    link = tmp_path / "zup"
    link.symlink_to(clone.folder / "scripts" / "up")
    assert clone.up("--gateways", program=link).stdout == clone.runs("--gateways")
    # A second time there is nothing to install.
    assert clone.up().stderr == ""
    told = (clone.folder / "told").read_text()
    assert told.count("\n") == 1
    assert told.endswith("--editable .[server]\n")


def test_an_interrupted_installation_is_begun_anew(clone: Clone) -> None:
    (clone.folder / "interrupt").touch()
    stopped = clone.up()
    assert stopped.returncode not in {0, -signal.SIGKILL}
    assert stopped.stdout == ""
    assert stopped.stderr.endswith("Stopped. The next start begins this installation anew.\n")
    half = clone.folder / ".venv" / "half"
    half.write_text("of the first")
    assert clone.up().stdout == clone.runs()
    assert half.read_text() == ""


def test_so_is_one_that_was_killed_while_the_former_was_cleared(clone: Clone) -> None:
    assert clone.up().stdout == clone.runs()
    (clone.folder / ".venv" / "made-for").unlink()
    (clone.folder / ".venv" / "half").write_text("of the first")
    assert clone.up().stdout == clone.runs()
    assert (clone.folder / ".venv" / "half").read_text() == ""


def test_what_fails_is_told_and_tried_again(clone: Clone) -> None:
    (clone.folder / "fail").touch()
    failed = clone.up()
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[1:] == [
        "there is no network",
        "The installation into .venv failed; what pip says is above.",
    ]
    (clone.folder / "fail").unlink()
    assert clone.up().stdout == clone.runs()


def test_a_folder_that_cannot_be_written_to_is_one_sentence(clone: Clone) -> None:
    if os.geteuid() == 0:
        # Root may write anywhere, but not where something else is.
        (clone.folder / ".venv").mkdir()
        (clone.folder / ".venv" / ".probe").mkdir()
    else:
        clone.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    refused = clone.up()
    clone.folder.chmod(stat.S_IRWXU)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Cannot write to {clone.folder}")
    assert refused.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what belongs to somebody else")
def test_root_installs_nothing_for_somebody_else(clone: Clone) -> None:
    os.chown(clone.folder, 54_321, 54_321)
    refused = clone.up()
    assert refused.returncode == 1
    assert refused.stderr == (
        f"{clone.folder} belongs to another user: run this as that one, not as root.\n"
    )
    assert not (clone.folder / ".venv").exists()
