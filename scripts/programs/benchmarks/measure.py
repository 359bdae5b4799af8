"""One run of one workload: starts a server and the generators, and takes the figures of both."""

import contextlib
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
from benchmarks.crowd import Share
from benchmarks.first import first_delivery
from benchmarks.generator import Measured, Outcome, Ready, Schedule
from benchmarks.peers import Peer
from benchmarks.servers import RunningServer, Server, file_system_of, fresh_folder
from benchmarks.usage import Usage, machine_cpu_s, usage_of
from benchmarks.verify import Verdict
from benchmarks.workloads import Workload

_READY_TIMEOUT_S: Final = 120.0
_OUTCOME_TIMEOUT_S: Final = 120.0
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
    gateways: int | None = None
    generators: int = 1
    record_all: bool = False


@dataclasses.dataclass(slots=True)
class Run:
    figures: dict[str, float]
    verdict: Verdict
    processes: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    """By program, the generators among them."""
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
            server = peer.make_server(folder, options.gateways or workload.gateways)
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
    before = usage_of(server.processes())
    with _generators(peer, workload, options, server) as generators:
        ready = [_receive(pipe, Ready, _READY_TIMEOUT_S) for _, pipe in generators]
        begin_at = time.monotonic() + _BEGIN_DELAY_S + workload.warm_up_s
        schedule = Schedule(begin_at, begin_at + workload.seconds)
        for _, pipe in generators:
            pipe.send(schedule)
        time.sleep(max(0.0, begin_at - time.monotonic()))
        processes = server.processes()
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
            end, machine_end = usage_of(processes), machine_cpu_s()
        outcomes = [_receive(pipe, Outcome, _OUTCOME_TIMEOUT_S) for _, pipe in generators]
    outcome = _together(outcomes)
    messages = workload.messages if workload.kind == "catch-up" else outcome.acknowledged
    run = Run(_figures(workload, outcome, ready), outcome.verdict)
    if begin:
        since = before if workload.kind == "log-in" else begin
        run.processes = _process_figures(since, end)
        run.figures["cpu_s"] = sum(row["cpu_s"] for row in run.processes.values())
        run.figures["resident_mib"] = _resident(end) / 2**20
        if (cost := _cost(workload, messages, outcome.duration_s)) is not None:
            for row in (run.figures, *run.processes.values()):
                row[cost.name] = row["cpu_s"] * cost.factor
    if workload.kind == "idle" and begin:
        grown = _resident(begin) - _resident(before)
        run.figures["resident_bytes_per_client"] = grown / workload.clients
        run.figures["resident_mib_before"] = _resident(before) / 2**20
    for name, each in zip(own, outcomes, strict=True):
        run.processes[name] = {"cpu_s": each.cpu_s}
    used_s = sum(row["cpu_s"] for row in run.processes.values())
    if workload.kind == "log-in":
        busy = [each.log_in_cpu_s / each.log_in_s for each in ready]
    else:
        busy = [each.cpu_s / each.duration_s for each in outcomes]
    run.figures["generator_busy_percent"] = max(busy) * 100
    if workload.kind != "log-in":
        others_s = max(0.0, machine_end - machine_begin - used_s)
        run.figures["others_busy_percent"] = others_s / outcome.duration_s * 100
    return run


@contextlib.contextmanager
def _generators(
    peer: Peer, workload: Workload, options: Options, server: Server
) -> Iterator[list[tuple[BaseProcess, Pipe]]]:
    context = multiprocessing.get_context("spawn")
    count = min(options.generators, workload.conversations)
    tag = _tag()
    coming_in = workload.window if workload.kind == "log-in" else peer.coming_in_max
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


def _figures(workload: Workload, outcome: Outcome, ready: list[Ready]) -> dict[str, float]:
    figures: dict[str, float] = {}
    clients = sum(each.clients for each in ready)
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
            figures["log_ins_per_s"] = clients / max(each.log_in_s for each in ready)
        case "return" if outcome.back_s:
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
    return figures


def _percentiles(name: str, latencies_s: "array[float]") -> dict[str, float]:
    ordered = sorted(latencies_s)
    percentiles = {
        f"{name}_p{percent:g}_ms": ordered[int(len(ordered) * percent / 100)] * 1000
        for percent in (50, 99, 99.9)
    }
    return {**percentiles, f"{name}_max_ms": ordered[-1] * 1000}


def _process_figures(
    begin: Mapping[str, Usage], end: Mapping[str, Usage]
) -> dict[str, dict[str, float]]:
    rows = {}
    for program, usage in end.items():
        used_s = usage.cpu_s
        # One that was started again has used all of it since.
        if program in begin and begin[program].pid == usage.pid:
            used_s -= begin[program].cpu_s
        rows[program] = {"cpu_s": used_s, "resident_mib": usage.resident_bytes / 2**20}
    return dict(sorted(rows.items()))


class _Cost(NamedTuple):
    """What the processor time is of, and what it is to be multiplied by."""

    name: str
    factor: float


def _cost(workload: Workload, messages: int, duration_s: float) -> _Cost | None:
    match workload.kind:
        case "log-in":
            return _Cost("cpu_us_per_log_in", 1e6 / workload.clients)
        case "idle":
            return _Cost("cpu_percent_of_a_core", 100 / duration_s)
        case _:
            return _Cost("cpu_us_per_message", 1e6 / messages) if messages else None


def _resident(usages: Mapping[str, Usage]) -> int:
    return sum(usage.resident_bytes for usage in usages.values())
