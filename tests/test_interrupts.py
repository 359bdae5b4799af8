"""What Ctrl-C does to a program, from its first import to its exit."""

import signal
import subprocess
import sys

import pytest

INTERRUPT = "signal.raise_signal(signal.SIGINT)"


def run(*lines: str, ignored: bool = False) -> tuple[int, str, str]:
    program = "\n".join(("import signal, sys", "from zchat.programs import interrupts", *lines))
    # The shell, and whatever takes its place, has it ignored.
    prefix = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if ignored else []
    done = subprocess.run(
        [*prefix, sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        ("interrupts.kill()", INTERRUPT),
        # At its beginning, in its imports.
        ("import zchat.programs.client_entry", f"sys.modules['zchat.client'] = None; {INTERRUPT}"),
        # At its end.
        (
            "from zchat.client import exit_codes",
            f"exit_codes.sys.exit = lambda code: {INTERRUPT}",
            "exit_codes.end_with(lambda: 0)",
        ),
    ],
    ids=["kill", "begin", "end"],
)
def test_it_ends_what_has_nothing_to_leave(lines: tuple[str, ...]) -> None:
    begin = () if lines[0] == "interrupts.kill()" else ("interrupts.kill()",)
    assert run(*begin, *lines) == (-signal.SIGINT, "", "")


def test_work_is_told_and_ends_with_130() -> None:
    work = "from zchat.client.exit_codes import end_with", f"end_with(lambda: {INTERRUPT})"
    assert run("interrupts.kill()", *work) == (130, "", "")


def test_who_was_told_to_ignore_it_does() -> None:
    work = "from zchat.client.exit_codes import end_with", f"end_with(lambda: {INTERRUPT} or 7)"
    assert run("interrupts.kill()", *work, ignored=True) == (7, "", "")


def test_what_is_put_back_first_is_put_back() -> None:
    """As a terminal that was held from the first moment on."""
    held = "interrupts.kill_after(lambda: print('put back', flush=True))"
    assert run("interrupts.kill()", f"with {held}: {INTERRUPT}") == (
        -signal.SIGINT,
        "put back\n",
        "",
    )
    work = "from zchat.client.exit_codes import end_with", f"end_with(lambda: {INTERRUPT})"
    assert run("interrupts.kill()", work[0], f"with {held}: {work[1]}") == (130, "", "")
