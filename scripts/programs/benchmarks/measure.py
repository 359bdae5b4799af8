"""One run of one workload: starts a server and the generators, and takes the figures of both."""

import contextlib
import ctypes
import dataclasses
import multiprocessing
import os
import signal
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from benchmarks import generator
from benchmarks.crowd import Share, first_delivery
from benchmarks.generator import Measured, Outcome, Ready, Schedule
from benchmarks.peers import Peer
from benchmarks.servers import RunningServer, Server, file_system_of, fresh_folder
from benchmarks.verify import Verdict
from benchmarks.workloads import Workload

_READY_TIMEOUT_S: Final = 120.0
_OUTCOME_TIMEOUT_S: Final = 120.0
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_LIBC: Final = ctypes.CDLL(None)
_SETTLE_S: Final = 1.0
"""For what is left to do after a start, above all by supervisord."""
_COMING_IN_MAX: Final = 200
"""Clients that log in or join at a time: enough for a commit to have many."""
_KILLED: Final = "gateway-0"
_BEGIN_DELAY_S: Final = 0.05
"""Until the generators have heard when to begin."""

Observer = Callable[[Mapping[str, int], float], contextlib.AbstractContextManager[None]]
"""Entered for the measured time, with the process ids by program and the seconds it will last."""


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    address: tuple[str, int] | None = None
    """Of a running server, instead of a fresh one for each run."""
    folder: Path | None = None
    """Where the folders of fresh servers are made."""
    generators: int = 1
    record_all: bool = False


@dataclasses.dataclass(slots=True)
class Run:
    figures: dict[str, float]
    verdict: Verdict
    processes: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    """By program of the server."""
    troubles: list[str] = dataclasses.field(default_factory=list)
    file_system: str = ""


def run_once(
    peer: Peer, workload: Workload, options: Options, observe: Observer | None = None
) -> Run:
    with contextlib.ExitStack() as stack:
        file_system = ""
        if options.address is not None:
            server: Server = RunningServer(*options.address)
        else:
            folder = stack.enter_context(fresh_folder(options.folder))
            file_system = file_system_of(folder)
            server = peer.make_server(folder, workload.gateways)
        stack.callback(server.stop)
        if workload.kind == "start":
            run = _measure_start(peer, server)
        else:
            server.start()
            server.wait_until_open()
            uvloop.run(first_delivery(server, peer.make_dialect(), _tag()))
            run = _measure_load(peer, workload, options, server, observe)
            # Its log tells of what was done to it.
            run.troubles = [] if workload.kind == "return" else server.troubles()
        run.file_system = file_system
        return run


def _tag() -> str:
    return "b" + os.urandom(4).hex()


# --- Start ----------------------------------------------------------------------------------------


def _measure_start(peer: Peer, server: Server) -> Run:
    figures = {}
    verdict = Verdict()
    troubles: list[str] = []
    known: list[str] = []
    for folder in ("fresh", "existing"):
        begin = time.monotonic()
        server.start()
        delivered_at = uvloop.run(first_delivery(server, peer.make_dialect(), _tag()))
        figures[f"{folder}_folder_s"] = delivered_at - begin
        verdict.checked += 1
        used = usage_of(server.processes())
        figures[f"{folder}_folder_cpu_s"] = sum(usage.cpu_s for usage in used.values())
        # Before it stops: what it says about that is not about its start.
        troubles += [line for line in server.troubles() if line not in known]
        server.stop()
        known = server.troubles()
    return Run(figures, verdict, troubles=troubles)


# --- Load -----------------------------------------------------------------------------------------


def _measure_load(
    peer: Peer,
    workload: Workload,
    options: Options,
    server: Server,
    observe: Observer | None,
) -> Run:
    if workload.kind in {"log-in", "idle"}:
        time.sleep(_SETTLE_S)
    before = usage_of(server.processes())
    with _generators(peer, workload, options, server) as generators:
        ready = [_receive(pipe, Ready, _READY_TIMEOUT_S) for _, pipe in generators]
        begin_at = time.monotonic() + _BEGIN_DELAY_S + workload.warm_up_s
        schedule = Schedule(begin_at, begin_at + workload.seconds)
        for _, pipe in generators:
            pipe.send(schedule)
        processes = server.processes()
        time.sleep(max(0.0, begin_at - time.monotonic()))
        begin, machine_begin = usage_of(processes), machine_cpu_s()
        if workload.kind == "return":
            os.kill(processes[_KILLED], signal.SIGKILL)
        own = {f"generator-{number}": p.pid or 0 for number, (p, _) in enumerate(generators)}
        watching = observe({**processes, **own}, workload.seconds) if observe else None
        with watching or contextlib.nullcontext():
            for _, pipe in generators:
                _receive(pipe, Measured, workload.seconds + _OUTCOME_TIMEOUT_S)
            if workload.kind == "return":
                processes = server.processes()
            end, machine_s = usage_of(processes), machine_cpu_s() - machine_begin
        outcomes = [_receive(pipe, Outcome, _OUTCOME_TIMEOUT_S) for _, pipe in generators]
    run = _load_figures(workload, ready, outcomes)
    if begin:
        add_usage(run, workload, before, begin, end)
        if workload.kind != "log-in":
            own_s = run.figures["cpu_s"] + sum(outcome.cpu_s for outcome in outcomes)
            others = max(0.0, machine_s - own_s) / run.figures["duration_s"]
            run.figures["others_busy_percent"] = others * 100
    return run


@contextlib.contextmanager
def _generators(
    peer: Peer, workload: Workload, options: Options, server: Server
) -> Iterator[list[tuple[BaseProcess, Pipe]]]:
    context = multiprocessing.get_context("spawn")
    count = min(options.generators, workload.conversations)
    tag = _tag()
    coming_in = workload.window if workload.kind == "log-in" else _COMING_IN_MAX
    if peer.coming_in_max is not None:
        coming_in = peer.coming_in_max
    started: list[tuple[BaseProcess, Pipe]] = []
    try:
        for number in range(count):
            conversations = tuple(range(number, workload.conversations, count))
            share = Share(
                workload,
                server.host,
                server.port,
                server.certificate,
                tag,
                conversations,
                options.record_all,
                max(1, coming_in // count),
            )
            here, there = context.Pipe()
            process: BaseProcess = context.Process(
                target=generator.run, args=(share, peer.make_dialect(), there), daemon=True
            )
            process.start()
            # Otherwise the end of the process would not be the end of the pipe.
            there.close()
            started.append((process, here))
        yield started
    except BaseException:
        for process, _ in started:
            process.terminate()
        raise
    finally:
        for process, pipe in started:
            pipe.close()
            process.join(timeout=5.0)
            process.terminate()


def _receive(pipe: Pipe, kind: type[Any], timeout_s: float) -> Any:
    if not pipe.poll(timeout_s):
        raise RuntimeError(f"A generator says nothing for {timeout_s:.0f} s.")
    try:
        message = pipe.recv()
    except EOFError:
        raise RuntimeError("A generator has ended; why stands above.") from None
    assert isinstance(message, kind), message
    return message


# --- What the processes of a server use, as the kernel counts it ----------------------------------


class Usage(NamedTuple):
    pid: int
    cpu_s: float
    """User and system time since the process began."""
    resident_bytes: int


def usage_of(processes: Mapping[str, int]) -> dict[str, Usage]:
    """By program, for process ids by program; without those that have ended."""
    usages = {}
    for program, pid in processes.items():
        try:
            cpu_s = _cpu_s(pid)
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except OSError:
            continue
        sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
        # One that has ended and that nobody has waited for yet has none.
        if sizes:
            usages[program] = Usage(pid, cpu_s, int(sizes[0]) * 1024)
    return usages


def _cpu_s(pid: int) -> float:
    # /proc/PID/stat counts in steps of 10 ms, which is more than some loads use.
    clock = ctypes.c_int()
    if error := _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def machine_cpu_s() -> float:
    """Time that all processes of the machine have used together."""
    # user, nice, system, idle, waiting for disks, and the interrupts and other machines' share.
    ticks = [int(field) for field in Path("/proc/stat").read_text("ascii").split()[1:9]]
    return (sum(ticks[:3]) + sum(ticks[5:])) / _TICKS_PER_S


# --- Figures --------------------------------------------------------------------------------------


def _together(outcomes: list[Outcome]) -> Outcome:
    whole = Outcome()
    for outcome in outcomes:
        whole.posted += outcome.posted
        whole.acknowledged += outcome.acknowledged
        whole.delivered += outcome.delivered
        whole.reads += outcome.reads
        whole.duration_s = max(whole.duration_s, outcome.duration_s)
        whole.cpu_s += outcome.cpu_s
        whole.acknowledgement_s.extend(outcome.acknowledgement_s)
        whole.delivery_s.extend(outcome.delivery_s)
        whole.back_s.extend(outcome.back_s)
        whole.sent_late_s = max(whole.sent_late_s, outcome.sent_late_s)
        whole.verdict += outcome.verdict
    return whole


def _load_figures(workload: Workload, ready: list[Ready], outcomes: list[Outcome]) -> Run:
    """What the generators have seen, and used."""
    outcome = _together(outcomes)
    figures: dict[str, float] = {"duration_s": outcome.duration_s}
    match workload.kind:
        case "saturate" | "pace":
            figures["messages_per_s"] = outcome.acknowledged / outcome.duration_s
            figures["deliveries_per_s"] = outcome.delivered / outcome.duration_s
            figures["posted"] = outcome.posted
            figures["acknowledged"] = outcome.acknowledged
            # How much the server puts into one write, as far as reading keeps up with it.
            figures["deliveries_per_read"] = outcome.delivered / max(outcome.reads, 1)
        case "catch-up":
            figures["catch_up_s"] = outcome.duration_s
            figures["deliveries_per_s"] = outcome.delivered / outcome.duration_s
        case "log-in":
            figures["log_ins_per_s"] = workload.clients / max(each.log_in_s for each in ready)
        case "return" if outcome.back_s:
            figures["came_back"] = len(outcome.back_s)
            figures["first_back_s"] = min(outcome.back_s)
            figures["all_back_s"] = max(outcome.back_s)
        case "return" | "idle" | "start":
            pass
    for name, latencies_s in (
        ("acknowledgement", outcome.acknowledgement_s),
        ("delivery", outcome.delivery_s),
    ):
        if latencies_s:
            figures.update(_percentiles(name, latencies_s))
    if workload.kind == "pace":
        figures["sent_late_max_ms"] = outcome.sent_late_s * 1000
    if workload.kind == "log-in":
        busy = [each.log_in_cpu_s / each.log_in_s for each in ready]
    else:
        busy = [each.cpu_s / each.duration_s for each in outcomes]
    figures["generator_busy_percent"] = max(busy) * 100
    return Run(figures, outcome.verdict)


def _percentiles(name: str, latencies_s: "array[float]") -> dict[str, float]:
    ordered = sorted(latencies_s)
    percentiles = {
        f"{name}_p{percent:g}_ms": ordered[int(len(ordered) * percent / 100)] * 1000
        for percent in (50, 99, 99.9)
    }
    return {**percentiles, f"{name}_max_ms": ordered[-1] * 1000}


def add_usage(
    run: Run,
    workload: Workload,
    before: Mapping[str, Usage],
    begin: Mapping[str, Usage],
    end: Mapping[str, Usage],
) -> None:
    """What the server has used: before anyone came, when the time began, and when it ended."""
    since = before if workload.kind == "log-in" else begin
    for program, usage in sorted(end.items()):
        used_s = usage.cpu_s
        # One that was started again has used all of it since.
        if program in since and since[program].pid == usage.pid:
            used_s -= since[program].cpu_s
        run.processes[program] = {"cpu_s": used_s, "resident_mib": usage.resident_bytes / 2**20}
    run.figures["cpu_s"] = sum(row["cpu_s"] for row in run.processes.values())
    run.figures["resident_mib"] = _resident_bytes(end) / 2**20
    if (cost := _cost(workload, run.figures)) is not None:
        for row in (run.figures, *run.processes.values()):
            row[cost.name] = row["cpu_s"] * cost.factor
    if workload.kind == "idle":
        resident_bytes = _resident_bytes(before)
        grown_bytes = _resident_bytes(begin) - resident_bytes
        run.figures["resident_bytes_per_client"] = grown_bytes / workload.clients
        run.figures["resident_mib_before"] = resident_bytes / 2**20


class _Cost(NamedTuple):
    """What the processor time is of, and what it is to be multiplied by."""

    name: str
    factor: float


def _cost(workload: Workload, figures: Mapping[str, float]) -> _Cost | None:
    match workload.kind:
        case "log-in":
            return _Cost("cpu_us_per_log_in", 1e6 / workload.clients)
        case "idle":
            return _Cost("cpu_percent_of_a_core", 100 / figures["duration_s"])
        case "catch-up":
            return _Cost("cpu_us_per_message", 1e6 / workload.messages)
        case _ if messages := figures.get("acknowledged"):
            return _Cost("cpu_us_per_message", 1e6 / messages)
        case _:
            return None


def _resident_bytes(usages: Mapping[str, Usage]) -> int:
    return sum(usage.resident_bytes for usage in usages.values())
