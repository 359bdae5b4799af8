"""One run of one workload: starts a server and the generators, and takes the figures of both."""

import contextlib
import dataclasses
import multiprocessing
import os
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

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
            server = peer.make_server(folder, options.gateways)
        stack.callback(server.stop)
        if workload.kind == "start":
            run = _measure_start(peer, server)
        else:
            server.start()
            server.wait_until_open()
            uvloop.run(first_delivery(server, peer.make_dialect(), _tag()))
            run = _measure_load(peer, workload, options, server, observe)
            run.troubles = server.troubles()
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
        own = {f"generator-{number}": p.pid or 0 for number, (p, _) in enumerate(generators)}
        watching = observe({**processes, **own}, workload.seconds) if observe else None
        with watching or contextlib.nullcontext():
            for _, pipe in generators:
                _receive(pipe, Measured, workload.seconds + _OUTCOME_TIMEOUT_S)
            end, machine_end = usage_of(processes), machine_cpu_s()
        outcomes = [_receive(pipe, Outcome, _OUTCOME_TIMEOUT_S) for _, pipe in generators]
    outcome = _together(outcomes)
    messages = workload.messages if workload.kind == "return" else outcome.acknowledged
    run = Run(_figures(workload, outcome, ready), outcome.verdict)
    run.processes = _process_figures(begin, end, messages)
    if run.processes:
        _add_sums(run, messages)
    for name, each in zip(own, outcomes, strict=True):
        run.processes[name] = _process_row(each.cpu_s, messages)
    if workload.kind == "crowd" and begin:
        grown = _resident(begin) - _resident(before)
        run.figures["resident_bytes_per_client"] = grown / workload.clients
    used_s = sum(row["cpu_s"] for row in run.processes.values())
    if workload.kind == "crowd":
        busy = [each.log_in_cpu_s / each.log_in_s for each in ready]
    else:
        busy = [each.cpu_s / each.duration_s for each in outcomes]
    run.figures["generator_busy_percent"] = max(busy) * 100
    run.figures["cpu_of_others_s"] = max(0.0, machine_end - machine_begin - used_s)
    return run


@contextlib.contextmanager
def _generators(
    peer: Peer, workload: Workload, options: Options, server: Server
) -> Iterator[list[tuple[BaseProcess, Pipe]]]:
    context = multiprocessing.get_context("spawn")
    count = min(options.generators, workload.conversations)
    tag = _tag()
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
                max(1, peer.coming_in_max // count),
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
        case "return":
            figures["catch_up_s"] = outcome.duration_s
            figures["deliveries_per_s"] = outcome.delivered / outcome.duration_s
        case "crowd":
            figures["log_ins_per_s"] = clients / max(each.log_in_s for each in ready)
        case "start":
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
    begin: Mapping[str, Usage], end: Mapping[str, Usage], messages: int
) -> dict[str, dict[str, float]]:
    rows = {}
    for program in begin.keys() & end.keys():
        rows[program] = _process_row(end[program].cpu_s - begin[program].cpu_s, messages)
        rows[program]["resident_bytes"] = end[program].resident_bytes
    return dict(sorted(rows.items()))


def _add_sums(run: Run, messages: int) -> None:
    """Over all processes of the server, while `run` has no others."""
    rows = run.processes.values()
    run.figures["cpu_s"] = sum(row["cpu_s"] for row in rows)
    if messages:
        run.figures["cpu_ms_per_1000_messages"] = run.figures["cpu_s"] / messages * 1e6
    run.figures["resident_mib"] = sum(row["resident_bytes"] for row in rows) / 2**20


def _process_row(cpu_s: float, messages: int) -> dict[str, float]:
    row = {"cpu_s": cpu_s}
    if messages:
        row["cpu_s_per_1000_messages"] = cpu_s / messages * 1000
    return row


def _resident(usages: Mapping[str, Usage]) -> int:
    return sum(usage.resident_bytes for usage in usages.values())
