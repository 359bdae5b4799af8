"""`zchat-admin status`: the processes of the cluster, and which addresses are served."""

import os
import time
from typing import Any, Final, NamedTuple

import click

from zchat.admin import times
from zchat.admin.output import admin_command, as_dict, as_json_option, show_json, size, table
from zchat.admin.rpc import NoAnswer, Queries, open_queries
from zchat.fabric.core.identities import Part, part_of
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.internal import (
    ROUTER,
    ClusterStatus,
    PeerStatus,
    ProcessStatus,
)
from zchat.protocol.messages import Ping
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime.settings import Settings

_clusters = Decoder(ClusterStatus)
_processes = Decoder(ProcessStatus)

WATCH_INTERVAL_S: Final = 2.0
_HEAD: Final = (
    *("name", "host", "pid", "up", "version", "cpu", "memory"),
    *("sessions", "position", "queue", "lag", "heard"),
)


_WAITING: Final = ("unanswered", "queries_waiting", "password_jobs_waiting", "outbox")


class Process(NamedTuple):
    """`status` is None of one that has not told how it is.

    `load` is how many processors it keeps busy: in its whole life, or since an earlier snapshot.
    """

    name: str
    silent_ms: int
    status: ProcessStatus | None
    load: float | None

    def number(self, *names: str) -> float | None:
        """What it counts under these names, also of single services; None if it counts none."""
        numbers = self.status.numbers if self.status else {}
        found = [value for name, value in numbers.items() if name.partition(" ")[0] in names]
        return sum(found) if found else None


class Snapshot(NamedTuple):
    processes: list[Process]
    served: dict[str, int]
    """Epochs of the workers by address."""
    missing: list[str]


def snapshot_of(told: ClusterStatus, partitions: int, before: Snapshot | None = None) -> Snapshot:
    """What to make of the router's answer, after the snapshot `before`."""
    former = {
        (process.name, process.status.pid): process.status
        for process in (before.processes if before else ())
        if process.status
    }
    processes = [_process(peer, former) for peer in told.peers]
    missing = [address for address in service_addresses(partitions) if address not in told.epochs]
    if not any(part_of(process.name) is Part.GATEWAY for process in processes):
        missing.append("gateway")
    return Snapshot(processes, told.epochs, missing)


def _process(peer: PeerStatus, former: dict[tuple[str, int], ProcessStatus]) -> Process:
    try:
        status = _processes.decode(peer.status)
    except ProtocolError:
        # It has not said it yet, or is of another version.
        return Process(peer.name, peer.silent_ms, None, None)
    up_s, cpu_s = status.up_s, status.cpu_s
    earlier = former.get((peer.name, status.pid))
    if earlier and earlier.up_s < up_s:
        up_s, cpu_s = up_s - earlier.up_s, cpu_s - earlier.cpu_s
    return Process(peer.name, peer.silent_ms, status, cpu_s / up_s if up_s > 0 else 0.0)


# --- How it is shown ------------------------------------------------------------------------------


def as_table(snapshot: Snapshot) -> str:
    lines = [table(_HEAD, [_row(process) for process in snapshot.processes])]
    served = [f"{address} (epoch {epoch})" for address, epoch in sorted(snapshot.served.items())]
    lines.append(f"served: {', '.join(map(printable, served)) or 'nothing'}")
    lines += [disk for process in snapshot.processes if (disk := _disk(process))]
    if snapshot.missing:
        lines.append(f"missing: {', '.join(snapshot.missing)}")
    return "\n".join(lines)


def _disk(process: Process) -> str:
    """What a service takes on its disk, and whether that is safe elsewhere."""
    sizes = [process.number(name) for name in ("database_bytes", "wal_bytes", "disk_free_bytes")]
    made_at, status = process.number("last_backup_timestamp_seconds"), process.status
    if None in sizes or status is None or made_at is None:
        return ""
    database, wal, free = (size(number or 0) for number in sizes)
    now_s = status.started_ms / 1000 + status.up_s
    age = times.length(int(max(0.0, now_s - made_at)) * 1000)
    backup = f"last backup {age} ago" if made_at else "no backup was ever made"
    return f"{process.name}: {database} and a WAL of {wal}, {free} are free; {backup}"


def _row(process: Process) -> list[str]:
    status = process.status
    own = ("", "", "", "", "", "")
    if status is not None and process.load is not None:
        own = (
            status.host,
            str(status.pid),
            times.length(status.up_s * 1000),
            status.version,
            f"{process.load:.0%}",
            size(status.rss_bytes),
        )
    counts = (
        process.number("sessions"),
        process.number("position_entries"),
        process.number(*_WAITING),
        process.number("follower_lag_entries"),
    )
    shown = ["" if count is None else f"{count:.0f}" for count in counts]
    return [process.name, *own, *shown, f"{process.silent_ms / 1000:.1f} s ago"]


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "processes": [_process_as_json(process) for process in snapshot.processes],
        "served": snapshot.served,
        "missing": snapshot.missing,
    }


def _process_as_json(process: Process) -> dict[str, Any]:
    unknown: dict[str, Any] = dict.fromkeys(ProcessStatus.__struct_fields__)
    told = as_dict(process.status) if process.status else {**unknown, "numbers": {}}
    return {"name": process.name, "silent_ms": process.silent_ms, "load": process.load, **told}


# --- The command ----------------------------------------------------------------------------------


def _snapshot(asking: Queries, settings: Settings, before: Snapshot | None) -> Snapshot:
    """Raises `NoAnswer`."""
    # The router has one answer, whatever it is asked.
    answer = asking.ask({ROUTER: Ping(id=1)}, limits.PEER_EXPIRY_S).get(ROUTER)
    if answer is None:
        raise NoAnswer
    try:
        return snapshot_of(_clusters.decode(answer), settings.partitions, before)
    except ProtocolError:
        raise click.ClickException("the router is of another version") from None


def _show(snapshot: Snapshot, as_json: bool) -> None:
    if as_json:
        show_json(to_json(snapshot))
    else:
        click.echo(as_table(snapshot))


def _status(settings: Settings, watch: bool, as_json: bool) -> None:
    with open_queries(settings) as asking:
        if watch:
            seen = _watch(asking, settings, as_json)
        else:
            seen = _snapshot(asking, settings, None)
            _show(seen, as_json)
    if seen is None or seen.missing:
        raise SystemExit(1)


def _watch(asking: Queries, settings: Settings, as_json: bool) -> Snapshot | None:
    """Shows the cluster again and again until Ctrl-C; returns what it was like in the end."""
    seen: Snapshot | None = None
    try:
        while True:
            try:
                seen = _snapshot(asking, settings, seen)
            except NoAnswer as error:
                _clear(as_json)
                click.echo(error.message, err=as_json)
                seen = None
            else:
                _clear(as_json)
                _show(seen, as_json)
            _wait(WATCH_INTERVAL_S)
    except KeyboardInterrupt:
        return seen


_wait = time.sleep
"""A name of its own, which tests replace: `time.sleep` itself is everybody's."""


def _clear(as_json: bool) -> None:
    """Nothing to a file; on a terminal that cannot be cleared what is shown follows what was."""
    if as_json:
        return
    if os.environ.get("TERM", "dumb") == "dumb":
        click.echo()
    else:
        click.clear()


STATUS = admin_command(
    "status",
    _status,
    "Show all processes, and whether every address is served: 1 if not.",
    click.Option(["--watch"], is_flag=True, help="Again every 2 seconds, until Ctrl-C."),
    as_json_option(),
)
