"""How `zchat-client` ends: its exit codes, what leads to which of them, and signals."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Final, NoReturn

import click

from zchat.programs import interrupts
from zchat.protocol.rules.names import printable

# Scripts go by these, and `zchat-client --help` says what they mean.
REFUSED: Final = 1
WRONG_USAGE: Final = 2
"""As click has it for a wrong command line."""
NOT_CONNECTED: Final = 3
UNCONFIRMED: Final = 4
"""It may have been done: the answer did not come in time."""
TRY_LATER: Final = 5
INTERRUPTED: Final = 130
"""As shells have it: 128 and the number of SIGINT."""

STDIN, STDOUT, STDERR = 0, 1, 2

SIGNAL_QUIT_TIMEOUT_S: Final = 3.0
"""After SIGTERM or SIGHUP there is little time: what has sent it may soon kill us."""


class Failed(Exception):
    """The work ends with this exit code; the text says why, for people."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Abandoned(Exception):
    """The person who was asked for something gave no answer, and knows why this ends."""


def end_with(work: Callable[[], int]) -> NoReturn:
    """Exits with the code that `work` returns, or that fits what it raises."""
    try:
        interrupts.are_raised()
        code = work()
    except Failed as error:
        code = fail(error.code, str(error))
    except Abandoned:
        code = NOT_CONNECTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone, and Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = REFUSED
    # Python would look through all objects for garbage: a tenth of what a short command takes.
    gc.freeze()
    interrupts.kill()
    sys.exit(code)


def told_to_leave() -> asyncio.Event:
    """Set by SIGTERM, and by SIGHUP when the terminal is closed.

    A client that goes without a goodbye leaves its guest's name taken until its grace is over.
    """
    told = asyncio.Event()

    def leave(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            # The terminal is gone, and what is still shown goes nowhere instead of failing.
            nowhere = os.open(os.devnull, os.O_RDWR)
            # By number: whoever draws a screen has put something else in the place of the streams.
            for descriptor in (STDIN, STDOUT, STDERR):
                os.dup2(nowhere, descriptor)
        told.set()

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave, number)
    return told


def fail(code: int, reason: str) -> int:
    say(reason)
    return code


def say(text: str) -> None:
    """To whoever started us, beside what we were asked for."""
    # A reason may be a server's, which must not steer the terminal either.
    click.echo(f"zchat-client: {printable(text)}", err=True)
