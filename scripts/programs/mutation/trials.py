"""Tries mutants: tests are collected once, and a fork for each mutant runs those it concerns."""

import gc
import os
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from types import FrameType, FunctionType
from typing import Any, Final, NamedTuple

import pytest

from .mutants import Function, Mutant

PROCESSOR_S: Final = 0.5
PROCESSOR_TIMES: Final = 5
"""A test has this much of the processor, and this many times what it takes without a mutant."""
WAITING_S: Final = 30
"""A test that waits ends after this."""
MEMORY_BYTES_MAX: Final = 2 * 1024**3
"""Of addresses. Mutants like to append without end."""
_SURVIVED: Final = 0
_KILLED: Final = 1


class Outcome(StrEnum):
    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_RUN = "run by no test"
    WORDS = "words"
    OUTSIDE = "outside of functions"


class _Run(NamedTuple):
    item: pytest.Item
    took_s: float
    lines: frozenset[tuple[str, int]]


def _each(items: Sequence[pytest.Item]) -> Iterable[tuple[pytest.Item, pytest.Item | None]]:
    """Each with the one that follows, for which pytest keeps what both have in common."""
    return zip(items, [*items[1:], None], strict=True)


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)


class Trials:
    """A plugin of pytest, which runs mutants in place of tests."""

    def __init__(self, mutants: Iterable[Mutant], told: Callable[[Mutant, Outcome], None]) -> None:
        self._mutants = mutants
        self._told = told
        self._functions: dict[Function, list[FunctionType]] = {}
        self._kills: Counter[tuple[Function, str]] = Counter()
        """By function and test. What has killed one mutant is likely to kill the next."""
        self.failures: list[str] = []

    def pytest_sessionstart(self) -> None:
        # Not before pytest, which wants to be the one that loads its plugin.
        from hypothesis import Phase, settings

        # What fails is enough: nobody reads the shortest example. And runs are to be the same.
        settings.register_profile(
            "mutation",
            settings(
                settings.get_profile("on any machine"),
                phases=(Phase.explicit, Phase.generate),
                database=None,
                derandomize=True,
            ),
        )
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(f"{report.nodeid}: {report.longreprtext.splitlines()[-1]}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        paths = {mutant.path for mutant in self._mutants}
        items = session.items
        # Each test twice, but not at once: pytest then takes it for one.
        lines = [self._lines(item, following, paths) for item, following in _each(items)]
        times = [self._processor_s(item, following) for item, following in _each(items)]
        runs = [_Run(*run) for run in zip(items, times, lines, strict=True)]
        if self.failures:
            return True
        for found in gc.get_objects():
            if isinstance(found, FunctionType) and found.__code__.co_filename in paths:
                code = found.__code__
                function = Function(code.co_filename, code.co_qualname, code.co_firstlineno)
                self._functions.setdefault(function, []).append(found)
        gc.collect()
        gc.freeze()
        for mutant in self._mutants:
            self._told(mutant, self._try(mutant, runs))
        return True

    def _lines(
        self, item: pytest.Item, following: pytest.Item | None, paths: set[str]
    ) -> frozenset[tuple[str, int]]:
        lines: set[tuple[str, int]] = set()

        def trace(frame: FrameType, _event: str, _argument: Any) -> Any:
            path = frame.f_code.co_filename
            if path not in paths:
                return None
            lines.add((path, frame.f_lineno))
            return trace

        threading.settrace(trace)
        sys.settrace(trace)
        try:
            _run(item, following)
        finally:
            sys.settrace(None)
            threading.settrace(None)
        return frozenset(lines)

    def _processor_s(self, item: pytest.Item, following: pytest.Item | None) -> float:
        began = time.process_time()
        _run(item, following)
        return time.process_time() - began

    def _try(self, mutant: Mutant, runs: Sequence[_Run]) -> Outcome:
        if mutant.is_words:
            return Outcome.WORDS
        function = mutant.function
        if function is None or function not in self._functions:
            return Outcome.OUTSIDE
        touched = {(mutant.path, line) for line in mutant.lines}
        concerned = [run for run in runs if not touched.isdisjoint(run.lines)]
        if not concerned:
            return Outcome.NOT_RUN
        concerned.sort(key=lambda run: run.took_s / (1 + self._kills[function, run.item.nodeid]))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            self._run_and_exit(mutant, concerned, writing)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _KILLED:
            killer = int(os.read(reading, 20))
            self._kills[function, concerned[killer].item.nodeid] += 1
        os.close(reading)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
            return Outcome.TIMED_OUT
        return Outcome.SURVIVED if status == _SURVIVED else Outcome.KILLED

    def _run_and_exit(self, mutant: Mutant, runs: Sequence[_Run], writing: int) -> None:
        assert mutant.function is not None
        assert mutant.code is not None
        status, index = _KILLED, 0
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            for function in self._functions[mutant.function]:
                function.__code__ = mutant.code
            for item, following in _each([run.item for run in runs]):
                # Whoever takes more ends by the signal, which nothing handles.
                took_s = runs[index].took_s
                signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S + PROCESSOR_TIMES * took_s)
                _run(item, following)
                if self.failures:
                    break
                index += 1
            else:
                status = _SURVIVED
        finally:
            os.write(writing, b"%d" % index)
            os._exit(status)
