"""A plug-in of supervisord that closes `var` and finds the programs; and how to ask supervisord.

procfiles/*.conf name the plug-in, which runs before supervisord starts anything. It is needed since
supervisord, in the foreground, has the umask of whoever starts it, and in the background opens its
first log before it sets its own; since it looks for programs in PATH, which may be missing; and since it
starts them only after its first pause, a second later.
"""

import contextlib
import http.client
import logging
import os
import sys
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from supervisor import events
from supervisor.xmlrpc import SupervisorTransport

from zchat.runtime.process import close_to_others

NO_ANSWER: Final = (OSError, http.client.HTTPException, xmlrpc.client.Error)


class Nothing:
    """supervisord demands methods of a plug-in that one can call from outside; here are none."""


def begin(supervisord: Any) -> Nothing:
    """Keeps all in `var` from other users, finds the programs, and has them begin at once."""
    os.umask(0o077)
    log = logging.getLogger("zchat.supervisord")
    log.addHandler(_Passing(supervisord.options.logger))
    # Beside the folder of the conf file, as that has it.
    var = Path(supervisord.options.here).parent / "var"
    close_to_others(var, log)
    for path in var.iterdir():
        # Logs of former runs.
        if path.is_file() and not path.is_symlink():
            close_to_others(path, log)
    # Those of an activated environment come first, as in a shell.
    programs = [os.environ.get("PATH", ""), os.path.dirname(sys.executable)]  # noqa: PTH120
    os.environ["PATH"] = os.pathsep.join(filter(None, programs))

    def start_all(_: object) -> None:
        # What supervisord's own loop does in each turn, the first of which is a second away.
        for group in sorted(supervisord.process_groups.values()):
            group.transition()

    events.subscribe(events.SupervisorRunningEvent, start_all)
    return Nothing()


@contextlib.contextmanager
def supervisor_of(var: Path) -> Iterator[Any]:
    """What the supervisord that has its files in `var` can be asked.

    A question raises one of `NO_ANSWER` if there is none.
    """
    transport = SupervisorTransport(None, None, f"unix://{var / 'supervisor.sock'}")
    proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
    try:
        yield proxy.supervisor
    finally:
        transport.close()


class _Passing(logging.Handler):
    """Hands our log lines to the logger of supervisord, which is not one of `logging`."""

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.warn(record.getMessage())
