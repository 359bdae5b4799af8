"""A plug-in of supervisord that closes `var` and finds the programs; and how to ask supervisord.

procfiles/*.conf name the plug-in, which runs before supervisord starts anything. It is needed since
supervisord, in the foreground, has the umask of whoever starts it, and in the background opens its
first log before it sets its own; since it looks for programs in PATH, which may be missing; and
since it starts them only after its first pause, a second later.
"""

import contextlib
import http.client
import logging
import os
import socket
import sys
import urllib.parse
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from zchat.runtime.process import close_to_others

_UNIX: Final = "unix://"
NO_ANSWER: Final = (OSError, http.client.HTTPException, xmlrpc.client.Error)


class Nothing:
    """supervisord demands methods of a plug-in that one can call from outside; here are none."""


def begin(supervisord: Any) -> Nothing:
    """Keeps all in `var` from other users, finds the programs, and has them begin at once."""
    # Who only asks a supervisord from outside needs nothing of it.
    from supervisor import events  # noqa: PLC0415

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
    with _proxy(f"{_UNIX}{var / 'supervisor.sock'}", "") as proxy:
        yield proxy.supervisor


def own_supervisor() -> Any:
    """The same of the one that has started this process. Raises `KeyError` if none has."""
    url = os.environ["SUPERVISOR_SERVER_URL"]
    # It tells its children by which name and password it can be asked, if it wants one.
    known = [os.environ.get(f"SUPERVISOR_{what}", "") for what in ("USERNAME", "PASSWORD")]
    login = ":".join(urllib.parse.quote(word, safe="") for word in known)
    return _proxy(url, f"{login}@" if all(known) else "").supervisor


def _proxy(url: str, login: str) -> Any:
    if url.startswith(_UNIX):
        transport = _UnixTransport(url.removeprefix(_UNIX))
        return xmlrpc.client.ServerProxy(f"http://{login}localhost", transport)
    return xmlrpc.client.ServerProxy(url.replace("://", f"://{login}", 1))


class _UnixTransport(xmlrpc.client.Transport):
    """To a socket in the file system. Supervisor has one, too, which brings its server along."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # It is kept for the next question, and closed and forgotten after an error.
        _, kept = self._connection
        if kept is None:
            chosen, self._extra_headers, _ = self.get_host_info(host)
            kept = _UnixConnection(chosen, self._path)
            self._connection = host, kept
        return kept


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, host: str, path: str) -> None:
        super().__init__(host)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class _Passing(logging.Handler):
    """Hands our log lines to the logger of supervisord, which is not one of `logging`."""

    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.warn(record.getMessage())
