"""`zchat-reviver`: starts again whatever supervisord has given up, and kills what hangs.

supervisord gives a program up for ever (FATAL) that dies a few times soon after its start, for
instance because the disk was full for a minute. The reviver is an event listener of supervisord,
which tells it so; it also looks at every tick, since it may have been away when it was told.

To supervisord a process that hangs looks well. The reviver sees that it does not touch its file
any more (zchat/runtime/liveness.py), and kills it; supervisord starts it again.
"""

import http.client
import logging
import signal
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from supervisor.states import ProcessStates

from zchat.admin.supervising import own_supervisor
from zchat.runtime.core.hangs import Hangs, Seen
from zchat.runtime.liveness import file_of, look_at
from zchat.runtime.options import WRONG_CONFIGURATION
from zchat.runtime.process import die_with_parent, log_to_stderr
from zchat.runtime.settings import Settings, command
from zchat.runtime.settings_in_force import InForce


class Supervisor(Protocol):
    """The part of supervisord's XML-RPC interface that is used here."""

    def getAllProcessInfo(self) -> list[dict[str, object]]: ...  # noqa: N802

    def startProcess(self, name: str, wait: bool) -> bool: ...  # noqa: N802
    def signalProcess(self, name: str, signal: str) -> bool: ...  # noqa: N802


class Watch:
    """Kills what hangs, at one look after the other; `folder` is that of the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hangs = Hangs()

    def look(self, supervisor: Supervisor, log: logging.Logger, now: float) -> None:
        """`now` is of a steady clock of ours, since that of the machine may be set."""
        try:
            files = self._files(supervisor)
            for name in self._hangs.look(now, files):
                pid = files[name].pid
                log.error("killing %s, process %d: its main loop has stopped", name, pid)
                try:
                    # Through supervisord: only the parent of a process knows for sure that its pid
                    # has not gone to another one.
                    supervisor.signalProcess(name, "KILL")
                except xmlrpc.client.Fault as fault:
                    log.warning("%s is not killed: %s", name, fault.faultString)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            log.warning("supervisord did not answer: %s", error)

    def _files(self, supervisor: Supervisor) -> dict[str, Seen]:
        """What running processes say of themselves, by their full names."""
        files = {}
        for process in supervisor.getAllProcessInfo():
            seen = look_at(file_of(self._folder, str(process["name"])))
            running = process["state"] == ProcessStates.RUNNING
            if running and seen is not None and seen.pid == process["pid"]:
                files[f"{process['group']}:{process['name']}"] = seen
        return files


def revive(supervisor: Supervisor, log: logging.Logger) -> None:
    try:
        for process in supervisor.getAllProcessInfo():
            if process["state"] != ProcessStates.FATAL:
                continue
            name = f"{process['group']}:{process['name']}"
            log.warning("starting %s again, which had failed: %s", name, process["spawnerr"])
            _start(supervisor, name, log)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
        # The next tick is a few seconds away.
        log.warning("supervisord did not answer: %s", error)


def _start(supervisor: Supervisor, name: str, log: logging.Logger) -> None:
    try:
        # Without waiting: it would hold up the others, and supervisord sees for itself.
        supervisor.startProcess(name, False)
    except xmlrpc.client.Fault as fault:
        # A person may have been quicker, or the program is not installed.
        log.warning("%s does not start: %s", name, fault.faultString)


def notifications(stdin: BinaryIO, stdout: BinaryIO, log: logging.Logger) -> Iterator[None]:
    """One for each event of supervisord, until supervisord is gone.

    What the event says is not used: the state of all processes says more, and cannot be stale.
    """
    while True:
        stdout.write(b"READY\n")
        stdout.flush()
        line = stdin.readline()
        if not line:
            return
        headers = dict(part.split(b":", 1) for part in line.split() if b":" in part)
        try:
            stdin.read(int(headers[b"len"]))
        except (KeyError, ValueError):
            log.warning("supervisord said what is no event: %r", line[:80])
        yield
        stdout.write(b"RESULT 2\nOK")
        stdout.flush()


def run(settings: Settings) -> None:
    log = log_to_stderr("reviver", settings.log_level, settings.log_format)
    try:
        supervisor = own_supervisor()
    except KeyError:
        log.critical("only supervisord can run this, as an event listener")
        raise SystemExit(WRONG_CONFIGURATION) from None
    die_with_parent()
    watch = Watch(settings.run)
    in_force = InForce("reviver", settings, lambda _: None)
    hang_ups: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: hang_ups.append(number))
    for _ in notifications(sys.stdin.buffer, sys.stdout.buffer, log):
        if hang_ups:
            hang_ups.clear()
            in_force.read_again()
        watch.look(supervisor, log, time.monotonic())
        revive(supervisor, log)


main = command("reviver", run)
