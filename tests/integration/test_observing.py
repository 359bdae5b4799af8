"""What an operator sees of a real cluster: numbers, health, and logs without a private word."""

import asyncio
import base64
import configparser
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from testbed.cluster import GATEWAYS, ROOM_SERVICE, ROUTER, SERVICES, USER_SERVICE, Cluster
from testbed.people import Person, crowd, gather_in, new_name
from zchat.client import RefusedError
from zchat.protocol.codec import encode
from zchat.protocol.messages import Hello, LogIn, Post, Welcome, inbox_log, room_log
from zchat.runtime.liveness import file_of, look_at

from .wire import HELLO, Wire

pytestmark = pytest.mark.integration

OFFSETS = {ROUTER: 0, USER_SERVICE: 1, ROOM_SERVICE: 2, "gateway-0": 66, "gateway-1": 67}
TEXT, PASSWORD, TOPIC = "the cake is a lie", "pass-word-of-mine", "a-topic-of-ours"
WRONG_PASSWORD, PRIVATE, MALFORMED = "guessed-password", "whispered-words", "bytes-of-nonsense"
TOKEN = b"a token of thirty-two bytes, yes"
NONCE = b"nonce-16-bytes--"


def free_row() -> int:
    """The first of enough free ports in a row."""
    for first in range(24_000, 60_000, 100):
        try:
            for offset in OFFSETS.values():
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", first + offset))
        except OSError:
            continue
        return first
    raise AssertionError("no free ports")


class Observed(Cluster):
    first_port: int

    def get(self, program: str, path: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{self.first_port + OFFSETS[program]}{path}"
        try:
            with urllib.request.urlopen(url, timeout=90) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def value(self, program: str, series: str) -> float:
        lines = self.get(program, "/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    def wait_ready(self) -> None:
        self.wait_for(
            lambda: all(self.get(program, "/readyz")[0] == 200 for program in OFFSETS),
            "all to be ready",
        )

    def wait_until_told(self, program: str, answer: tuple[int, str]) -> None:
        self.wait_for(lambda: self.get(program, "/readyz") == answer, f"{program} to say {answer}")

    def lines(self, program: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log(program).splitlines()]


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    first = free_row()
    environment = {
        "ZCHAT_METRICS": f"127.0.0.1:{first}",
        "ZCHAT_LOG_LEVEL": "debug",
        "ZCHAT_LOG_FORMAT": "json",
    }
    with Observed(tmp_path_factory.mktemp("o"), environment=environment) as cluster:
        cluster.first_port = first
        cluster.start()
        cluster.wait_ready()
        yield cluster
    assert cluster.bugs() == []


async def test_what_is_said_is_counted_everywhere(observed: Observed) -> None:
    series = {
        "gateway-0": "zchat_gateway_client_in_frames_total",
        "gateway-1": "zchat_gateway_round_trip_seconds_count",
        ROUTER: 'zchat_router_envelopes_total{direction="commands"}',
        ROOM_SERVICE: "zchat_room_service_entries_total",
    }
    before = {program: observed.value(program, name) for program, name in series.items()}
    async with crowd(observed, 4) as places:
        people = [person for place in places.values() for person in place]
        for person in people:
            await person.talk([room_log("lobby")], 10)
        sessions = sum(observed.value(gateway, "zchat_gateway_sessions ") for gateway in GATEWAYS)
        assert sessions == len(people)
    for program, name in series.items():
        assert observed.value(program, name) > before[program], program
    commits = observed.value(ROOM_SERVICE, "zchat_room_service_commit_seconds_count")
    assert commits >= observed.value(ROOM_SERVICE, "zchat_room_service_position_entries") / 100 > 0


async def test_who_misses_whom_is_said(observed: Observed) -> None:
    await asyncio.to_thread(observed.control, "stop", ROOM_SERVICE)
    for gateway in GATEWAYS:
        answer = (503, "nobody serves rooms/0\n")
        await asyncio.to_thread(observed.wait_until_told, gateway, answer)
        # It is well nevertheless, and nobody must restart it.
        assert observed.get(gateway, "/healthz") == (200, "ok\n")
    await asyncio.to_thread(observed.control, "start", ROOM_SERVICE)
    await asyncio.to_thread(observed.wait_ready)
    await asyncio.to_thread(observed.control, "stop", ROUTER)
    for program in (*GATEWAYS, *SERVICES):
        answer = (503, "the router is not heard\n")
        await asyncio.to_thread(observed.wait_until_told, program, answer)
    await asyncio.to_thread(observed.control, "start", ROUTER)
    await asyncio.to_thread(observed.wait_ready)


async def confide(cluster: Cluster) -> None:
    """All kinds of things that nobody else is to read, and attempts that fail."""
    name, room = new_name(), room_log(new_name("room"))
    async with Person(cluster.address, name) as person, Person(cluster.address) as other:
        await gather_in(room, [person, other])
        await person.chat.register(PASSWORD)
        await person.chat.say(TEXT)
        await person.chat.post(room, TEXT)
        await person.chat.private(other.name, PRIVATE)
        await person.chat.topic(room, TOPIC)
        await other.until_seen(inbox_log(other.name), 1)
        with pytest.raises(RefusedError):
            await person.chat.post(room_log(new_name("none")), TEXT)
    with pytest.raises(RefusedError):
        async with Person(cluster.address, name, WRONG_PASSWORD):
            pass
    async with Wire(cluster) as wire:
        await wire.send(
            HELLO,
            LogIn(id=1, name=wire.name, token=TOKEN),
            Post(id=7, nonce=NONCE, room="lobby", text=TEXT),
        )
        await wire.send_bytes(msgpack.packb({"kind": MALFORMED, "id": MALFORMED, MALFORMED: 1}))
        while await wire.next() is not None:
            pass
    async with Wire(cluster) as wire:
        await wire.send_bytes(encode(Hello(1, MALFORMED)))
        await wire.receive(Welcome)
        await wire.send_bytes(MALFORMED.encode())
        while await wire.next() is not None:
            pass


async def test_no_log_has_a_word_of_what_is_said_or_what_one_enters_with(
    observed: Observed,
) -> None:
    await confide(observed)
    written = "".join(path.read_text() for path in (observed.folder / "var").glob("*.log*"))
    assert '"command": "post"' in written
    assert '"outcome": "wrong_password"' in written
    for secret in (TEXT, PRIVATE, TOPIC, PASSWORD, WRONG_PASSWORD, MALFORMED):
        assert secret not in written
    for token in (TOKEN, NONCE):
        forms = (token.decode(), token.hex(), base64.b64encode(token).decode())
        assert not any(form in written for form in forms)


async def test_one_request_is_followed_from_the_gateway_to_the_service(observed: Observed) -> None:
    async with Person(observed.address) as person:
        await person.chat.say("hello")
        gateway = await asyncio.to_thread(observed.gateway_of, person.port)
    assert gateway is not None
    received = [
        line
        for line in observed.lines(gateway)
        if line["message"] == "received"
        and (line["user"], line["command"]) == (person.name, "post")
    ]
    assert len(received) == 1
    request = received[0]["request"]
    assert request.startswith(f"gateway/{gateway}#")
    answered, applied = (
        [line for line in observed.lines(program) if line.get("request") == request]
        for program in (gateway, ROOM_SERVICE)
    )
    assert [line["message"] for line in answered] == ["received", "answered"]
    assert [(line["command"], line["outcome"]) for line in applied] == [("post", "done")]
    assert (answered[1]["service"], answered[1]["outcome"]) == ("rooms/0", "done")
    assert answered[1]["ms"] > 0
    # The router knows no more than who and where to.
    identity = request.partition(":")[0]
    assert any(
        (line.get("from"), line.get("to")) == (identity, "rooms/0")
        for line in observed.lines(ROUTER)
    )


async def test_logins_and_what_the_gateway_ends_are_told_without_debug(observed: Observed) -> None:
    async with Person(observed.address) as person:
        gateway = await asyncio.to_thread(observed.gateway_of, person.port)
    assert gateway is not None
    told = [line for line in observed.lines(gateway) if line["message"] == "logged in"]
    assert told[-1]["level"] == "info"
    assert told[-1]["user"] == person.name


async def test_a_refused_login_is_told_without_the_name(observed: Observed) -> None:
    name = new_name()
    async with Person(observed.address, name) as person:
        await person.chat.register(PASSWORD)
    with pytest.raises(RefusedError):
        async with Person(observed.address, name, WRONG_PASSWORD):
            pass
    told = [
        line
        for gateway in GATEWAYS
        for line in observed.lines(gateway)
        if line["message"] == "log in refused"
    ]
    assert any(line["code"] == "wrong_password" for line in told)
    assert not any(name in line.values() for line in told)


def test_a_standby_lives_as_long_as_it_waits(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its main loop turns, so that it is not taken for one that hangs."""

    def doubled(conf: str) -> str:
        parser = configparser.RawConfigParser()
        parser.read_string(conf)
        section = parser["program:user-service"]
        section["process_name"] = "user-service-%(process_num)d"
        section["numprocs"] = "2"
        section["stdout_logfile"] = "%(here)s/../var/user-service-%(process_num)d.log"
        lines = (
            f"[{name}]\n" + "\n".join(map("=".join, part.items())) for name, part in parser.items()
        )
        return "\n".join(lines).replace("[DEFAULT]\n", "")

    with Cluster(tmp_path_factory.mktemp("s"), edit_conf=doubled) as cluster:
        cluster.start()
        names = ("user-service-0", "user-service-1")
        cluster.wait_for(
            lambda: any("waiting: another process" in cluster.log(name) for name in names),
            "one of them to wait",
        )
        for name in names:
            wait_until_touched(cluster, name)


def wait_until_touched(cluster: Cluster, name: str) -> None:
    """Twice, by the process that supervisord has started."""
    path = file_of(cluster.folder / "var" / "run", name)
    cluster.wait_for(lambda: look_at(path), "a sign of life")
    first = look_at(path)
    assert first is not None
    assert first.pid == cluster.pid(name)
    cluster.wait_for(lambda: look_at(path) not in (None, first), "another one")
    # And not by the next life of one that was killed for its silence.
    assert cluster.pid(name) == first.pid
