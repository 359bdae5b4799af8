"""What is typed before anybody asks for it: it waits in the terminal, unseen, key by key.

A terminal that has not been told otherwise shows what is typed, be it a password, and makes of
Enter the end of a line, which a full screen takes for another key. So this comes before all else,
and imports next to nothing.
"""

import contextlib
import os
import select
import sys
import termios
from collections.abc import Iterator
from typing import Any

from zchat.programs import interrupts

Attributes = list[Any]

_STDIN, _STDOUT = 0, 1
_INPUT, _LOCAL, _CONTROL = 0, 3, 6

_former: Attributes | None = None
"""The terminal as it was; None where nothing is held."""
_early = b""
"""What was typed before it was held, when Enter was still the end of a line."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Until the end, whoever reads the terminal meanwhile; then it is as it was."""
    global _early, _former
    if not (_is_terminal(_STDIN) and _is_terminal(_STDOUT)):
        yield
        return
    former = termios.tcgetattr(_STDIN)
    keys = termios.tcgetattr(_STDIN)
    # Enter stays the key that was pressed: a full screen takes the end of a line for Ctrl-J.
    keys[_INPUT] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
    keys[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
    control = list(keys[_CONTROL])
    # A read has what there is, from one key on.
    control[termios.VMIN], control[termios.VTIME] = 1, 0
    keys[_CONTROL] = control
    # Nothing is thrown away that was typed before.
    termios.tcsetattr(_STDIN, termios.TCSANOW, keys)
    _former, _early = former, _waiting().replace(b"\n", b"\r")

    def put_back() -> None:
        with contextlib.suppress(termios.error):
            # What was typed for us and not read is not for the shell, either. Where it was given
            # back already, what has been typed since then is the shell's.
            if termios.tcgetattr(_STDIN) != former:
                termios.tcsetattr(_STDIN, termios.TCSAFLUSH, former)

    try:
        with interrupts.kill_after(put_back):
            yield
    finally:
        _former, _early = None, b""
        put_back()


def former() -> Attributes | None:
    """What the terminal was before it was held, for those who lend it to others."""
    return _former


def take() -> str:
    """What was typed before all that the terminal will give, once, for who reads keys."""
    global _early
    early, _early = _early, b""
    return early.decode(errors="replace")


def _waiting() -> bytes:
    waiting = b""
    while select.select([_STDIN], [], [], 0)[0] and (more := os.read(_STDIN, 4_096)):
        waiting += more
    return waiting


@contextlib.contextmanager
def as_lines() -> Iterator[None]:
    """For a question that is read as a line: without what was typed before it was put."""
    if _former is None:
        yield
        return
    take()
    keys = termios.tcgetattr(_STDIN)
    termios.tcsetattr(_STDIN, termios.TCSAFLUSH, _former)
    try:
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSANOW, keys)


def _is_terminal(descriptor: int) -> bool:
    stream = sys.stdin if descriptor == _STDIN else sys.stdout
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
