"""What Ctrl-C does to a program that is about to begin, at work, or about to end."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_killers: list[Any] = [signal.SIG_DFL]
"""What ends the process; the last one counts."""


def kill() -> None:
    """It ends the process at once, where there is nothing to leave yet, or any more.

    Python would show where in its imports, or in its exit, it was, and has even crashed there.
    """
    _change(signal.default_int_handler, _killers[-1])


def are_raised() -> None:
    """It is a `KeyboardInterrupt`, or what asyncio makes of it."""
    _change(_killers[-1], signal.default_int_handler)


@contextlib.contextmanager
def kill_after(last: Callable[[], None]) -> Iterator[None]:
    """Until the end, where it ends the process, `last` is done before."""

    def end(*_: object) -> None:
        last()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)

    _change(_killers[-1], end)
    _killers.append(end)
    try:
        yield
    finally:
        _killers.pop()
        _change(end, _killers[-1])


def _change(former: object, new: Any) -> None:
    # Whoever started us may have it ignored, as shells have for what they put aside by `&`.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is former:
        signal.signal(signal.SIGINT, new)
