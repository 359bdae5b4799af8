"""Standard input, output and error that are closed, full, or have lost their reader.

Output that was asked for is never lost without a message and an exit code. What cannot be written
to standard error is dropped, and changes no exit code.
"""

import io
import os
import sys
from collections.abc import Callable
from typing import Any, Final, cast

import click

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2
CANNOT_WRITE: Final = 1
"""The exit code of every program whose output is lost."""


class OutputLost(OSError):
    """Standard output has not taken what was printed."""


def with_whole_output(name: str, run: Callable[[], Any]) -> Any:
    """Runs what ends by `SystemExit`, and exits with 1 if its output could not be written."""
    _hold_closed_ones()
    if sys.stdout is not sys.__stdout__:
        # Somebody else has taken it over, and looks after it.
        return run()
    sys.stdout = _text(_Output(_OUTPUT, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Errors(_ERRORS, "w", closefd=False), sys.stderr)
    if sys.stdin is None:
        sys.stdin = open(_INPUT, closefd=False)  # noqa: SIM115 - As long as the process.
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        code = CANNOT_WRITE
    except OutputLost as error:
        code = CANNOT_WRITE
        click.echo(f"{name}: cannot write the output: {error.strerror}", err=True)
    # What is left of it would be tried once more while Python exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)
    sys.exit(code)


def _hold_closed_ones() -> None:
    """So that no socket or file of ours gets the number of one, and what is printed by it.

    From its place nothing can be read, and to it nothing be written; but errors go nowhere.
    """
    for descriptor, mode in ((_INPUT, os.O_WRONLY), (_OUTPUT, os.O_RDONLY), (_ERRORS, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, mode), True)


class _Output(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(error.errno, error.strerror) from None


class _Errors(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _text(file: io.FileIO, former: Any) -> io.TextIOWrapper:
    """As Python has made the former one, which is None if that was closed."""
    if former is None:
        buffer = io.BufferedWriter(file)
        return io.TextIOWrapper(buffer, "utf-8", "replace", line_buffering=True)
    # With PYTHONUNBUFFERED each word is written at once, as whoever has set it counts on.
    unbuffered = former.write_through
    return io.TextIOWrapper(
        # As Python itself does it, which the type of the first argument does not know.
        cast("io.BufferedWriter", file) if unbuffered else io.BufferedWriter(file),
        encoding=former.encoding,
        errors=former.errors,
        line_buffering=former.line_buffering,
        write_through=unbuffered,
    )
