"""How programs end whose input, output or errors are closed, full, or read by nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = (
    "import sys; sys.argv[0] = 'zchat-client'; from zchat.programs.client_entry import main; main()"
)
ADMIN = "import sys; sys.argv[0] = 'zchat-admin'; from zchat.admin.cli import main; main()"

LOGIN = ("-u", "ann", "--token-file", "nowhere")
PRINTING = [
    (CLIENT, "--help"),
    (CLIENT, "send", "--help"),
    (CLIENT, "tail", "-u", "ann", "ops", "--show-config"),
    (ADMIN, "limits"),
    (ADMIN, "doctor"),
]
FAILING = [
    (CLIENT, "send", *LOGIN, "ops", "hi"),
    (CLIENT, "send", "-u", "ann", "ops", "hi", "--timeout", "0.3", "--address", "127.0.0.1:1"),
    (CLIENT, "tail", *LOGIN, "ops"),
    (CLIENT, "nobody/at-all"),
    (ADMIN, "kick", "a/b"),
]
UNBUFFERED = """
import sys
from zchat.runtime.descriptors import with_whole_output
def run():
    print("word", end="", file=sys.stderr)
    input()
with_whole_output("test", run)
"""
LOST = {"closed": ">&-", "full": ">/dev/full", "all closed": "<&- >&- 2>&-"}


def run(
    redirected: str, program: str, *arguments: str, folder: Path, out: int = subprocess.PIPE
) -> tuple[int, str, str]:
    command = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-c", program]
    done = subprocess.run(
        [*command, *arguments],
        input="hi\n",
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=180,
        cwd=folder,
        env={**os.environ, "ZCHAT_VAR": "var", "HOME": str(folder)},
    )
    return done.returncode, done.stdout, done.stderr


def name(arguments: tuple[str, ...]) -> str:
    return " ".join(("client" if arguments[0] == CLIENT else "admin", *arguments[1:]))


@pytest.mark.parametrize("redirected", LOST.values(), ids=LOST)
@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_output_that_is_lost_is_said_and_is_exit_code_1(
    arguments: tuple[str, ...], redirected: str, tmp_path: Path
) -> None:
    code, _, error = run(redirected, *arguments, folder=tmp_path)
    assert code == 1
    if "2>&-" not in redirected:
        [line] = error.splitlines()
        assert ": cannot write the output: " in line


@pytest.mark.parametrize("arguments", PRINTING, ids=name)
def test_who_reads_no_more_is_told_no_more(arguments: tuple[str, ...], tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    code, _, error = run("", *arguments, folder=tmp_path, out=write)
    os.close(write)
    assert (code, error) == (1, "")


@pytest.mark.parametrize("redirected", ["2>/dev/full", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", FAILING, ids=name)
def test_what_fails_does_so_with_its_own_exit_code(
    arguments: tuple[str, ...], redirected: str, tmp_path: Path
) -> None:
    expected, _, sentence = run("", *arguments, folder=tmp_path)
    code, _, error = run(redirected, *arguments, folder=tmp_path)
    assert code == expected != 0
    assert error == ("" if "2>" in redirected else sentence)


def test_what_is_not_buffered_comes_at_once() -> None:
    """As a question comes before its answer, in containers, where PYTHONUNBUFFERED is usual."""
    with subprocess.Popen(
        [sys.executable, "-c", UNBUFFERED],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdin is not None
        assert program.stderr is not None
        assert program.stderr.read(4) == b"word"
        program.stdin.write(b"\n")
