"""A real router that is tcp://, and peers with right, wrong, withdrawn and no keys."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from testbed import ROOT
from testbed.cluster import DEADLINE_S
from zchat.fabric import keys, sockets
from zchat.fabric.core.identities import identity
from zchat.fabric.core.topics import stream_topic
from zchat.fabric.keys import Pair, Proof
from zchat.protocol.codec import encode
from zchat.protocol.internal import WorkerHeartbeat
from zchat.runtime.settings import Settings

from .peers import LOOK_AGAIN_S, Peer, refused_while, until

pytestmark = pytest.mark.integration

WEST, EAST, ROOMS, USERS = "gateway/west", "gateway/east", "rooms/0", "users"
_TOPIC: Final = stream_topic(ROOMS)


class RouterProcess:
    """It alone, with keys for four processes."""

    def __init__(self, folder: Path) -> None:
        # All of 127/8 is this host's, so that nobody else has the ports.
        host = ".".join(["127", *(str(secrets.randbelow(200) + 20) for _ in range(3))])
        self.settings = Settings(var=folder / "var", router=f"tcp://{host}:7500")
        self.keys = self.settings.keys_folder
        keys.make_folder(self.keys)
        router = keys.make_pair(keys.ROUTER)
        keys.write_pair(self.keys, router)
        self.public = router.public
        self.pairs = {name: keys.make_pair(name) for name in (WEST, EAST, ROOMS, USERS)}
        self.allow(*self.pairs.values())
        self.context = sockets.Context()
        self._peers: list[Peer] = []
        self._log = folder / "router.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from zchat.router.process import main; main()"],
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "ZCHAT_VAR": str(self.settings.var),
                    "ZCHAT_ROUTER": self.settings.router,
                },
                stderr=log,
            )
        self.wait_for_log("ready")

    def allow(self, *pairs: Pair) -> None:
        keys.write_allowed(self.keys, {pair.name: pair.public for pair in pairs})

    def log(self) -> str:
        return self._log.read_text()

    def wait_for_log(self, text: str) -> None:
        until(lambda: text in self.log(), lambda: f"no {text!r} in\n{self.log()}")

    def stop(self) -> None:
        self.context.destroy(linger=0)
        self._process.terminate()
        assert self._process.wait(DEADLINE_S) == 0, self.log()
        assert "Traceback" not in self.log()

    def by(self, pair: Pair | str | None, router: bytes | None = None) -> sockets.Context:
        """The context, for sockets that are made next, with these keys."""
        pair = self.pairs[pair] if isinstance(pair, str) else pair
        self.context.proof = Proof(pair, router or self.public) if pair else None
        return self.context

    def peer(self, socket: sockets.Socket) -> Peer:
        """Kept until the end: a socket that is collected is not closed in order."""
        self._peers.append(Peer(socket))
        return self._peers[-1]

    def asker(self, pair: Pair | str | None, name: str, router: bytes | None = None) -> Peer:
        context = self.by(pair, router)
        return self.peer(
            sockets.asker_socket(context, self.settings.endpoints, identity(name, "1"))
        )

    def worker(self, pair: Pair | str, name: str) -> Peer:
        context = self.by(pair)
        return self.peer(
            sockets.worker_socket(context, self.settings.endpoints, identity(name, "1"))
        )

    def hang_up(self) -> None:
        self._process.send_signal(signal.SIGHUP)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[RouterProcess]:
    router = RouterProcess(tmp_path)
    yield router
    router.stop()


def serve_rooms(router: RouterProcess) -> Peer:
    worker = router.worker(ROOMS, ROOMS)
    heartbeat = encode(WorkerHeartbeat(ROOMS, 1, False))
    west = router.asker(WEST, WEST)

    def told() -> bool:
        worker.say(b"", heartbeat)
        west.say(b"", b"")
        return any(b"rooms/0" in body for _, body in west.hears())

    until(told)
    return worker


def test_those_with_keys_reach_each_other(router: RouterProcess) -> None:
    worker, west = serve_rooms(router), router.asker(WEST, WEST)
    heard: list[list[bytes]] = []

    def asked() -> bool:
        west.say(ROOMS.encode(), b"please")
        heard.extend(worker.hears())
        return bool(heard)

    until(asked)
    assert heard[0] == [b"gateway/west#1", b"please"]
    worker.say(b"gateway/west#1", b"done")
    until(lambda: [ROOMS.encode(), b"done"] in west.hears())
    assert "refused" not in router.log()


def test_a_hang_up_makes_the_router_go_on_with_its_new_key(router: RouterProcess) -> None:
    west = router.asker(WEST, WEST)
    until(west.is_heard)
    renewed = keys.make_pair(keys.ROUTER)
    keys.write_pair(router.keys, renewed)
    router.hang_up()
    router.wait_for_log("the router has another key")
    again = router.asker(WEST, WEST, renewed.public)
    until(again.is_heard)


def test_a_process_goes_on_with_its_new_key_without_a_restart(router: RouterProcess) -> None:
    keys.write_router_key(router.keys, router.public)
    keys.write_pair(router.keys, router.pairs[WEST])
    with sockets.open_context(router.settings, WEST) as context:
        assert not sockets.prove_anew(context, router.settings, WEST)
        socket = sockets.asker_socket(context, router.settings.endpoints, identity(WEST, "1"))
        west = Peer(socket)
        until(west.is_heard)
        renewed = keys.make_pair(WEST)
        router.allow(renewed, router.pairs[EAST])
        router.wait_for_log("a key was withdrawn")
        until(lambda: "refused at commands-frontend" in router.log())
        keys.write_pair(router.keys, renewed)
        west.hears()
        assert sockets.prove_anew(context, router.settings, WEST)
        until(west.is_heard)


def test_events_and_queries_pass(router: RouterProcess) -> None:
    serve_rooms(router)
    endpoints = router.settings.endpoints
    subscriber = router.peer(sockets.subscriber_socket(router.by(WEST), endpoints, [_TOPIC]))
    publisher = router.peer(sockets.publisher_socket(router.by(ROOMS), endpoints))
    question = router.peer(sockets.query_socket(router.by(WEST), endpoints))
    answerer = router.peer(sockets.answer_socket(router.by(ROOMS), endpoints, ROOMS))

    def published() -> bool:
        publisher.say(_TOPIC, b"page")
        return [_TOPIC, b"page"] in subscriber.hears()

    def answered() -> bool:
        for _ in answerer.hears():
            answerer.say(b"that")
        return [b"that"] in question.hears()

    def asked_and_answered() -> bool:
        # Whoever asks anew hears no answer to what was asked before.
        question.say(ROOMS.encode(), b"what?")
        for _ in range(20):
            if answered():
                return True
            time.sleep(LOOK_AGAIN_S)
        return False

    until(published)
    until(asked_and_answered)


def test_who_has_no_right_key_is_refused(router: RouterProcess) -> None:
    unknown = keys.make_pair(WEST)
    line = f"refused at commands-frontend: an unknown key (key {keys.fingerprint(unknown.public)}"
    refused_while(router.log, router.asker(unknown, WEST), line)
    stranger = "refused at commands-frontend: somebody (no key, or not for this router)"
    refused_while(router.log, router.asker(None, WEST), stranger)
    other_router = keys.make_pair(keys.ROUTER).public
    refused_while(router.log, router.asker(WEST, WEST, other_router), stranger)
    until(router.asker(WEST, WEST).is_heard)


def test_a_gateways_key_opens_no_door_of_a_service(router: RouterProcess) -> None:
    serve_rooms(router)
    endpoints = router.settings.endpoints
    worker = router.worker(WEST, USERS)
    line = f"refused at commands-backend: {WEST}"
    refused_while(router.log, worker, line)
    router.peer(sockets.publisher_socket(router.by(WEST), endpoints))
    router.wait_for_log(f"refused at events-in: {WEST}")
    answerer = router.peer(sockets.answer_socket(router.by(WEST), endpoints, ROOMS))
    router.wait_for_log(f"refused at queries-backend/rooms/0: {WEST}")
    other = router.peer(sockets.answer_socket(router.by(USERS), endpoints, ROOMS))
    router.wait_for_log(f"refused at queries-backend/rooms/0: {USERS}")
    assert not answerer.hears()
    assert not other.hears()


def test_an_identity_and_a_topic_are_ones_own(router: RouterProcess) -> None:
    serve_rooms(router)
    endpoints = router.settings.endpoints
    false = router.asker(WEST, EAST)
    refused_while(
        router.log, false, f"refused at commands-frontend: {WEST} (not its own: b'{EAST}#1')"
    )
    worker, claim = router.worker(USERS, USERS), encode(WorkerHeartbeat(ROOMS, 9, False))

    def refused() -> bool:
        worker.say(b"", claim)
        return f"refused at commands-backend: {USERS} (not its own: b'{ROOMS}')" in router.log()

    until(refused)
    subscriber = router.peer(sockets.subscriber_socket(router.by(EAST), endpoints, [b""]))
    publisher = router.peer(sockets.publisher_socket(router.by(USERS), endpoints))
    heard: list[list[bytes]] = []

    def only_its_own() -> bool:
        publisher.say(_TOPIC, b"a lie")
        publisher.say(stream_topic(USERS), b"a page")
        heard.extend(subscriber.hears())
        return bool(heard)

    until(only_its_own)
    router.wait_for_log(f"refused at events-in: {USERS} (not its own")
    assert [topic for topic, _ in heard if topic != stream_topic(USERS)] == []


def test_a_new_key_is_let_in_by_a_router_that_runs(router: RouterProcess) -> None:
    west = router.asker(WEST, WEST)
    until(west.is_heard)
    north = keys.make_pair("gateway/north")
    late = router.asker(north, north.name)
    refused_while(router.log, late, f"an unknown key (key {keys.fingerprint(north.public)}")
    router.allow(*router.pairs.values(), north)
    until(late.is_heard)
    assert "all connections end" not in router.log()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_key_that_is_withdrawn_ends_its_connections(
    router: RouterProcess, replaced: bool
) -> None:
    worker = serve_rooms(router)
    endpoints = router.settings.endpoints
    west, east = router.asker(WEST, WEST), router.asker(EAST, EAST)
    subscriber = router.peer(sockets.subscriber_socket(router.by(EAST), endpoints, [_TOPIC]))
    publisher = router.peer(sockets.publisher_socket(router.by(ROOMS), endpoints))
    until(west.is_heard)
    until(east.is_heard)
    new = keys.make_pair(WEST)
    others = [pair for pair in router.pairs.values() if pair.name != WEST]
    router.allow(*others, *([new] if replaced else []))
    router.wait_for_log("all connections end")
    west.hears()

    former = keys.fingerprint(router.pairs[WEST].public)
    refused_while(router.log, west, f"an unknown key (key {former}")
    until(east.is_heard)

    def published() -> bool:
        publisher.say(_TOPIC, b"page")
        return [_TOPIC, b"page"] in subscriber.hears()

    until(published)

    def asked() -> bool:
        east.say(ROOMS.encode(), b"please")
        return [b"gateway/east#1", b"please"] in worker.hears()

    until(asked)
    if replaced:
        until(router.asker(new, WEST).is_heard)


def test_a_list_that_is_damaged_changes_nothing(router: RouterProcess) -> None:
    (router.keys / keys.ALLOWED_FILE).write_text("damaged")
    router.wait_for_log("the former list of keys stays in force")
    until(router.asker(WEST, WEST).is_heard)
    assert router.log().count("stays in force") == 1


@pytest.mark.parametrize(
    ("module", "name"), [("router", "router"), ("users", "users"), ("gateway", "gateway-gateway")]
)
def test_without_keys_nothing_starts_on_a_network(tmp_path: Path, module: str, name: str) -> None:
    program = f"from zchat.{module}.process import main; main()"
    environment = {"PYTHONPATH": str(ROOT), "ZCHAT_ROUTER": "tcp://127.0.0.1:7500"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if "CRITICAL" in line]
    assert f"a router that is tcp:// needs keys: there is no var/keys/{name}.secret; run:" in line
    assert "Traceback" not in ended.stderr
