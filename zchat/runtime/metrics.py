"""Metrics and health checks over HTTP, for Prometheus and for supervisors.

Cores and shells count in plain numbers, without locks. They are read when somebody asks, on a
thread of the server's own, so that the main loop does nothing for it and never waits for a slow
reader.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from zchat.protocol import limits
from zchat.runtime.core.measures import BOUNDS_S, Histogram, Measure, Reading, Source
from zchat.runtime.liveness import Health
from zchat.runtime.options import Address

_BIND_RETRY_S: Final = 1.0
_UNITS: Final = ("bytes", "seconds", "ratio")

_log = logging.getLogger("zchat.runtime.metrics")


class Readings(Collector):
    """What Prometheus reads of one process."""

    def __init__(self, program: str, measures: Sequence[Measure], source: Source) -> None:
        self._program, self._measures, self._source = program, measures, source

    def describe(self) -> Iterable[Metric]:
        """Nothing, or the source would be asked while its process is still being made."""
        return []

    def collect(self) -> Iterator[Metric]:
        readings = self._source()
        for measure in self._measures:
            if (reading := readings.get(measure.name)) is not None:
                yield _family(measure, self._program, reading)


def _family(measure: Measure, program: str, reading: Reading) -> Metric:
    name = measure.full_name(program).removesuffix("_total")
    kinds: dict[str, Any] = {
        "counter": CounterMetricFamily,
        "gauge": GaugeMetricFamily,
        "histogram": HistogramMetricFamily,
    }
    family = kinds[measure.kind](name, measure.help, labels=[measure.label] * bool(measure.label))
    # A copy, since the main loop may add to it meanwhile.
    parts = dict(reading) if isinstance(reading, Mapping) else {"": reading}
    for value, part in parts.items():
        labels = [value] if measure.label else []
        if isinstance(part, Histogram):
            family.add_metric(labels, *_buckets(part))
        else:
            family.add_metric(labels, part)
    return family  # type: ignore[no-any-return]


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.sum_s


# --- The server -----------------------------------------------------------------------------------

Respond = Callable[..., Any]


def app(registry: CollectorRegistry, health: Health) -> Callable[[dict[str, Any], Respond], Any]:
    """The three pages that there are."""
    metrics = make_wsgi_app(registry)

    def page(environ: dict[str, Any], respond: Respond) -> Any:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, respond)
            case "/healthz":
                return _told(respond, health.live())
            case "/readyz":
                return _told(respond, health.ready())
            case _:
                return _text(respond, "404 Not Found", "there are /metrics, /healthz and /readyz")

    return page


def _told(respond: Respond, wrong: list[str]) -> list[bytes]:
    return _text(respond, "503 Service Unavailable" if wrong else "200 OK", *(wrong or ["ok"]))


def _text(respond: Respond, status: str, *lines: str) -> list[bytes]:
    body = "".join(f"{line}\n" for line in lines).encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    respond(status, headers)
    return [body]


class _Request(WSGIRequestHandler):
    timeout = limits.METRICS_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: whoever watches asks every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each request, and not more of them than a few."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address) -> None:
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._free = threading.BoundedSemaphore(limits.METRICS_REQUESTS_MAX)
        super().__init__((address.host, address.port), _Request)

    def server_bind(self) -> None:
        # That of `HTTPServer` asks the name service who we are, which may take its time.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked is gone, or too slow."""


@contextlib.contextmanager
def serving(
    address: Address,
    program: str,
    measures: Sequence[Measure],
    source: Source,
    health: Health,
) -> Iterator[None]:
    """Serves at the address as long as the context lasts."""
    registry = CollectorRegistry()
    registry.register(Readings(program, measures, source))
    ProcessCollector(registry=registry)
    ended = threading.Event()
    arguments = (address, app(registry, health), ended)
    threading.Thread(target=_serve, args=arguments, name="metrics", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _serve(address: Address, page: Any, ended: threading.Event) -> None:
    server = _bind(address, ended)
    if server is None:
        return
    with server:
        server.set_app(page)
        server.timeout = 0.5
        _log.info("metrics and health are at http://%s", address)
        while not ended.is_set():
            server.handle_request()


def _bind(address: Address, ended: threading.Event) -> _Server | None:
    """A standby has the same address as the one that it stands by for, and waits for that, too."""
    waiting = False
    while not ended.is_set():
        try:
            return _Server(address)
        except OSError as error:
            if not waiting:
                _log.warning("no metrics at %s yet: %s", address, error.strerror or error)
            waiting = True
            ended.wait(_BIND_RETRY_S)
    return None
