"""Records what goes into a client core and what comes out, as JSON for its port in the browser.

A plugin for pytest: whatever tests the core is a scenario, and is recorded as it runs.

    pytest -p tests.client.traces --traces FILE tests/client/test_core.py
"""

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from zchat.client.core import machine
from zchat.client.core.checks import checked
from zchat.client.core.credentials import Credentials
from zchat.client.core.events import Effect, SessionBegun
from zchat.protocol.codec import FrameReader, ProtocolError
from zchat.protocol.messages import ClientMessage, Request

TRACES_OF_TEST_MAX: Final = 150
"""A test of properties makes hundreds of cores."""

_Core = machine.ClientCore
_traces: list[dict[str, Any]] = []
_of_test: Counter[str] = Counter()
_current_test = ""


class RecordingCore(_Core):
    """Each step says what was called, with what, and how the core stands afterwards."""

    def __init__(
        self,
        name: str,
        credentials: Credentials,
        nonce_prefix: bytes,
        software: str,
        **options: Any,
    ) -> None:
        self.steps: list[dict[str, Any]] = []
        self._frames = FrameReader()
        begins = {
            "name": name,
            "credentials": _fields(credentials),
            "noncePrefix": nonce_prefix,
            "software": software,
            "cursors": options.get("cursors"),
            "away": options.get("away"),
        }
        # A page has these for all of its user's logs, and is no bot.
        known_there = not (
            options.get("from_head") or options.get("bot") or options.get("logs") is not None
        )
        _of_test[_current_test] += 1
        if known_there and _of_test[_current_test] <= TRACES_OF_TEST_MAX:
            _traces.append({"test": _current_test, "begins": _plain(begins), "steps": self.steps})
        super().__init__(name, credentials, nonce_prefix, software, **options)

    def _record(self, call: str, *arguments: Any, raised: str = "") -> None:
        step: dict[str, Any] = {"call": call, "arguments": _plain(list(arguments))}
        if raised:
            step["raised"] = raised
        step["then"] = {
            "state": self.state.name.lower(),
            "name": self.name,
            "cluster": self.cluster,
            "awayWord": self.away_word,
            "latencyS": self.latency_s,
            "unanswered": self.unanswered,
            "unconfirmed": self.unconfirmed,
            "followed": sorted(self.followed),
            "nextCallAt": _time(self.next_call_at()),
            "doublesTotal": self.doubles_total,
            "gapsTotal": self.gaps_total,
        }
        self.steps.append(step)

    def submit(self, draft: Request, now: float) -> int:
        # Names and texts are in their one spelling by then: that is no part of the core there.
        request = checked(draft)
        try:
            given = super().submit(draft, now)
        except Exception as error:
            self._record("submit", request, now, raised=type(error).__name__)
            raise
        self._record("submit", request, now)
        return given

    def mark_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        super().mark_read(log, sequence, back=back)
        self._record("markRead", log, sequence, back)

    def log_out(self, now: float) -> None:
        super().log_out(now)
        self._record("logOut", now)

    def connected(self, now: float) -> None:
        self._frames = FrameReader()
        super().connected(now)
        self._record("connected", now)

    def received(self, data: bytes, now: float) -> None:
        """A WebSocket hands on whole messages: of half ones it says nothing."""
        try:
            whole = b"".join(self._frames.feed(data))
        except ProtocolError:
            whole = data
        super().received(data, now)
        self._record("received", whole, now)

    def disconnected(self, now: float, jitter: float, why: str = "the connection broke") -> None:
        super().disconnected(now, jitter, why)
        self._record("disconnected", now, jitter, why)

    def give_up(self, reason: str) -> None:
        super().give_up(reason)
        self._record("giveUp", reason)

    def reading_paused(self) -> None:
        super().reading_paused()
        self._record("readingPaused")

    def reading_resumed(self, now: float) -> None:
        super().reading_resumed(now)
        self._record("readingResumed", now)

    def skip_entries(self) -> None:
        super().skip_entries()
        self._record("skipEntries")

    def stop_skipping_entries(self) -> None:
        super().stop_skipping_entries()
        self._record("stopSkippingEntries")

    def tick(self, now: float) -> None:
        super().tick(now)
        self._record("tick", now)

    def take_outgoing(self) -> bytes:
        outgoing = super().take_outgoing()
        frames = map(msgspec.msgpack.decode, FrameReader().feed(outgoing))
        self.steps.append({"call": "takeOutgoing", "gives": _plain(list(frames))})
        return outgoing

    def take_effects(self) -> list[Effect]:
        effects = super().take_effects()
        self.steps.append({"call": "takeEffects", "gives": _plain(effects)})
        return effects


# --- As the browser has it ------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """As JSON can say it: a message of a server whole, one of a client as it is on the wire."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case msgspec.Struct() if isinstance(value, ClientMessage):
            return _plain(msgspec.to_builtins(value, builtin_types=(bytes,)))
        case msgspec.Struct():
            fields = {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
            return {"kind": value.__struct_config__.tag, **fields}
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple() | frozenset():
            return [_plain(each) for each in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            return {"kind": _snake(type(value).__name__), **_plain(_fields(value))}


def _fields(dataclass: Any) -> dict[str, Any]:
    fields = {_camel(name): getattr(dataclass, name) for name in dataclass.__dataclass_fields__}
    if isinstance(dataclass, SessionBegun):
        fields["missed"] = dataclass.missed
    # There a field that says nothing is left out.
    return {name: value for name, value in fields.items() if value is not None}


def _time(at: float | None) -> float | str | None:
    return str(at) if at is not None and math.isinf(at) else at


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


# --- The plugin -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--traces", type=Path, help="where what the cores did is written")


def pytest_configure() -> None:
    # Before any test imports it.
    machine.ClientCore = RecordingCore  # type: ignore[misc]


def pytest_runtest_logstart(nodeid: str) -> None:
    global _current_test  # noqa: PLW0603
    _current_test = nodeid.rpartition("/")[2]


def pytest_sessionfinish(session: pytest.Session) -> None:
    path: Path = session.config.getoption("--traces")
    path.write_text("".join(json.dumps(trace) + "\n" for trace in _traces), "utf-8")
