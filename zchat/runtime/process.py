"""How every server process starts and stops: logging, folders, locks, signals."""

import contextlib
import ctypes
import errno
import fcntl
import gc
import logging
import os
import resource
import select
import signal
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Final, NoReturn

from zchat.runtime import logging_setup
from zchat.runtime.core.measures import Measure, Source
from zchat.runtime.liveness import Health, Liveness
from zchat.runtime.os_errors import PASSING, Trouble, end_for_operator, of_file, supervised_as

if TYPE_CHECKING:
    # supervisord has a plug-in that imports this module, and needs no library for options.
    from zchat.runtime.options import Address
    from zchat.runtime.settings import Settings

_PR_SET_PDEATHSIG: Final = 1
_STDERR: Final = 2
_OTHERS: Final = 0o077
"""All rights but those of the owner."""
_LOCK_POLL_INTERVAL_S: Final = 0.1
_COLLECT_AFTER_OBJECTS: Final = 50_000

_log = logging.getLogger("zchat.runtime.process")


def start(settings: "Settings", program: str) -> logging.Logger:
    """Makes this process a server of the cluster; call it before anything else is opened.

    Errors and log lines never hold what people wrote: nothing may put it there.
    """
    die_with_parent()
    os.umask(0o077)
    # It asks to read files again, which have not been read yet.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log = log_to_stderr(program, settings.log_level, settings.log_format)
    for folder in (settings.var, settings.run, settings.data):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Whether one may look in, and change what is there.
            with os.scandir(folder) as _:
                pass
            if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        except OSError as error:
            give_up(log, of_file(error, folder))
        if (owner := folder.stat().st_uid) != os.geteuid() == 0:
            # Its next start as that user could read nothing of what root has written.
            whose = f"{folder} belongs to user {owner}: start the cluster as that one"
            give_up(log, Trouble(whose))
        close_to_others(folder, log)
    return log


def close_to_others(path: Path, log: logging.Logger) -> None:
    """Only its owner can get in, whoever made it: as `git clone` makes folders for everybody."""
    mode = path.stat().st_mode
    if mode & _OTHERS:
        try:
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
        except OSError as error:
            log.warning("others can get at %s, which cannot be closed: %s", path, error.strerror)


# --- What only the operator can put right ---------------------------------------------------------


def give_up(log: logging.Logger, trouble: Trouble) -> NoReturn:
    """Says what is wrong; the exit code says whether it helps to start the process again."""
    log.critical("%s", trouble.sentence)
    if trouble.passing:
        raise SystemExit(PASSING)
    if name := supervised_as():
        log.info("stays ended until somebody says: supervisorctl start %s", name)
    end_for_operator()


# --- Logging --------------------------------------------------------------------------------------


def log_to_stderr(program: str, level: str, log_format: str = "text") -> logging.Logger:
    """Sends all logs, and an exception that nobody caught, to stderr; returns the program's logger.

    Only our own loggers get `level`: what a library says below a warning may hold private text.
    """
    log = logging_setup.to_stderr(program, level, log_format)

    def log_bug(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            # Ctrl-C, before there was anything to be stopped in order.
            log.info("stopped")
            return
        log.critical("ended by a bug", exc_info=(kind, error, traceback))

    # The interpreter calls it last of all, and then exits with 1.
    sys.excepthook = log_bug
    return log


# --- What others see ------------------------------------------------------------------------------


def observed(
    address: "Address | None",
    program: str,
    measures: Sequence[Measure],
    source: Source,
    health: Health,
) -> contextlib.AbstractContextManager[object]:
    """Serves metrics and health meanwhile, if the settings say where."""
    if address is None:
        return contextlib.nullcontext()
    # Its library takes longer to load than the process that nobody looks at has to start.
    from zchat.runtime.metrics import serving  # noqa: PLC0415

    return serving(address, program, measures, source, health)


# --- Resources ------------------------------------------------------------------------------------


def settle() -> None:
    """To be called when all that stays is loaded: the garbage collector need not look at it again.

    What a turn makes it also drops, without cycles; looking for some after every few hundred
    objects took a fifth of a busy service's time.
    """
    gc.collect()
    if sys.implementation.name != "cpython":
        # Others, such as PyPy's, are of another kind, and have nothing to set here.
        return
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER_OBJECTS, 20, 100)


def raise_file_limit() -> int:
    """As many files as the system lets this process have, and not as many as a shell's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


# --- Stopping -------------------------------------------------------------------------------------


class StopSignal:
    """SIGTERM and SIGINT as something to wait for: `fd` is readable once one of them came.

    The same of SIGHUP, which asks to read files again: `take_hang_up` says that it came.

    Make it in the main thread, and one for each process.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._hung_up = False
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        # Written to by the C handler: a signal that comes just before a poll still ends the poll,
        # while the Python handler would only run after it.
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    @property
    def fd(self) -> int:
        return self._receiver.fileno()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_set = True
        self._wake()

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self._hung_up = True
        self._wake()

    def _wake(self) -> None:
        # An event loop takes the place of the wakeup descriptor with its own.
        with contextlib.suppress(BlockingIOError):
            self._sender.send(b"\0")

    def take_hang_up(self) -> bool:
        """Whether SIGHUP has come since this was last asked. To be called after each wait."""
        if not self._hung_up:
            return False
        self._hung_up = False
        self._rest()
        return True

    def wait(self, timeout_s: float) -> bool:
        """Whether to stop, at the latest after `timeout_s`."""
        select.select([self._receiver], [], [], timeout_s)
        self._rest()
        return self.is_set

    def _rest(self) -> None:
        """`fd` is read, lest it stays readable; not once it is to be seen by all that wait."""
        if not self.is_set:
            with contextlib.suppress(BlockingIOError):
                self._receiver.recv(4096)


def die_with_parent() -> None:
    """A process of supervisord ends with it, even with one that was killed.

    Otherwise the next supervisord starts a second cluster beside the orphans of the first.
    """
    if "SUPERVISOR_ENABLED" not in os.environ:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have died before the line above. Its end of our stderr is closed before we could be
    # told of its death, so that one of the two is sure to happen; comparing parents is not, since
    # an orphan that starts late never sees its first parent.
    poller = select.poll()
    poller.register(_STDERR, 0)
    if poller.poll(0):
        raise SystemExit(1)


# --- Locks ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def lock(path: Path, stop: StopSignal, alive: Liveness | None = None) -> Iterator[None]:
    """Holds the file for this process alone; waits for another one that has it.

    When asked to stop while it waits, the process exits. The lock ends with the process, however
    that dies. The file stays: removing it would let two processes lock two files of one name.
    """
    try:
        opened = path.open("a+")
    except OSError as error:
        give_up(_log, of_file(error, path))
    with opened as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    file.seek(0)
                    _log.warning("waiting for %s: process %s has it", path, file.read().strip())
                    waiting = True
            if alive is not None:
                alive.beat()
            if stop.wait(_LOCK_POLL_INTERVAL_S):
                raise SystemExit(0)
        # Who has it is only noted for people, for which there may be no room on the disk.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        yield
