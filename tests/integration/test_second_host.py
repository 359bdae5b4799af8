"""A gateway on another host, which is a network namespace: it chats, and nobody else gets in."""

import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from testbed.cluster import DEADLINE_S, ROUTER, Cluster
from zchat.fabric import keys, sockets
from zchat.fabric.core.identities import identity
from zchat.fabric.keys import Proof
from zchat.protocol.codec import encode
from zchat.protocol.internal import WorkerHeartbeat
from zchat.runtime.settings import Settings

from .lines import Program
from .peers import Peer, refused_while, until

pytestmark = pytest.mark.integration

WEST: Final = "gateway/west"
_CLIENTS: Final = "127.0.0.1:7447"
"""Where the gateway there listens, for clients on its own host."""


class OtherHost:
    """A namespace with one cable to this host, and a folder for what runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        number = secrets.randbelow(2**16)
        self.name = f"zchat-{number:04x}"
        self._here, there = f"zh{number:04x}", f"zt{number:04x}"
        network = f"10.{200 + number % 50}.{number // 256}"
        self.address_here = f"{network}.1"
        _ip("netns", "add", self.name)
        _ip("link", "add", self._here, "type", "veth", "peer", "name", there, "netns", self.name)
        _ip("address", "add", f"{network}.1/24", "dev", self._here)
        _ip("link", "set", self._here, "up")
        _ip("-n", self.name, "address", "add", f"{network}.2/24", "dev", there)
        _ip("-n", self.name, "link", "set", there, "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def remove(self) -> None:
        _ip("netns", "delete", self.name)

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def why_there_is_no_namespace() -> str:
    """Empty where one can be made."""
    name = f"zchat-try-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "delete", name)
    except FileNotFoundError:
        return "needs `ip` (package iproute2)"
    except subprocess.CalledProcessError as error:
        return f"needs network namespaces: {error.stderr.decode().strip()}"
    return ""


class FarProgram(Program):
    """A `zchat-client` on the other host."""

    def __init__(self, cluster: Cluster, host: OtherHost, name: str) -> None:
        super().__init__(cluster, name, environment={"ZCHAT_ADDRESS": _CLIENTS})
        self._command = host.command(*self._command)


class Hosts:
    """A cluster that is tcp:// with its keys, and beside it a host for gateways only."""

    def __init__(self, cluster: Cluster, other: OtherHost) -> None:
        self.cluster, self.other = cluster, other
        self.router = cluster.environment["ZCHAT_ROUTER"]
        self._log = other.folder / "gateway.log"
        self.context = sockets.Context()

    def admin(self, *words: str, var: Path | None = None) -> str:
        """What `zchat-admin` says, here or with another folder."""
        environment = {**self.cluster.environment, **({"ZCHAT_VAR": str(var)} if var else {})}
        return subprocess.run(
            ["zchat-admin", *words],
            cwd=self.cluster.folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def carry_over(self) -> None:
        """The key of the gateway there."""
        file = self.cluster.folder / "gateway-west.key"
        self.admin("keys", "export", WEST)
        self.admin("keys", "import", str(file), var=self.other.folder / "var")
        file.unlink()

    @contextlib.contextmanager
    def gateway(self, name: str = "west", var: str = "var") -> Iterator[subprocess.Popen[bytes]]:
        """One that runs there."""
        environment = {
            **self.cluster.environment,
            "ZCHAT_LISTEN": _CLIENTS,
            "ZCHAT_VAR": str(self.other.folder / var),
        }
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                self.other.command("zchat-gateway", "--name", name), env=environment, stderr=log
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)

    def config_there(self) -> str:
        asked = self.other.command("zchat-gateway", "--name", "west", "--show-config")
        environment = {**self.cluster.environment, "ZCHAT_VAR": str(self.other.folder / "var")}
        return subprocess.run(
            asked, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def log_there(self) -> str:
        return self._log.read_text()

    def router_log(self) -> str:
        return self.cluster.log(ROUTER)

    def wait_for_router(self, text: str) -> None:
        until(lambda: text in self.router_log(), self.router_log)

    @property
    def settings(self) -> Settings:
        return Settings(var=self.cluster.folder / "var", router=self.router)

    def proof(self, name: str) -> Proof:
        return keys.read_proof(self.settings.keys_folder, name)


@pytest.fixture
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if why := why_there_is_no_namespace():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("c")
    other = OtherHost(folder / "there")
    (folder / "here").mkdir()
    router = f"tcp://{other.address_here}:7500"
    try:
        with Cluster(folder / "here", environment={"ZCHAT_ROUTER": router}) as cluster:
            hosts = Hosts(cluster, other)
            hosts.admin("keys", "init")
            hosts.admin("keys", "make", WEST)
            cluster.start()
            yield hosts
            hosts.context.destroy(linger=0)
        assert cluster.bugs() == []
    finally:
        other.remove()


async def meet(here: Program, there: Program) -> None:
    await here.shows("you are ann")
    await there.shows("you are bob")
    await talk(here, there)


async def talk(here: Program, there: Program) -> None:
    """Something new, both ways."""
    words = [secrets.token_hex(4) for _ in range(2)]
    here.write(f"{words[0]}\n")
    await there.shows(f"ann: {words[0]}$")
    there.write(f"{words[1]}\n")
    await here.shows(f"bob: {words[1]}$")


async def test_people_on_two_hosts_chat(hosts: Hosts) -> None:
    hosts.carry_over()
    here = Program(hosts.cluster, "ann")
    with hosts.gateway():
        until(lambda: "ready" in hosts.log_there(), hosts.log_there)
        async with here, FarProgram(hosts.cluster, hosts.other, "bob") as there:
            await meet(here, there)
            await there.say(":cr garden", "you opened the room #garden")
            await here.say(":jr garden", "you joined #garden")
            await here.say(":rm garden roses")
            await there.shows("#garden ann: roses")
            await there.say(":pm ann psst")
            await here.shows(r"\[bob -> you\] psst")
        hosts.admin("set", "message_rate", "7/70")
        until(lambda: "message_rate is 7/70 now" in hosts.log_there(), hosts.log_there)
        shown = hosts.config_there()
        assert "7/70" in shown
        assert "set by admin/" in shown
    with hosts.gateway():
        # One that comes later knows it as well.
        until(lambda: "message_rate is 7/70 now" in hosts.log_there(), hosts.log_there)
    assert "announced" in hosts.admin("announce", "it works")
    assert "refused" not in hosts.router_log()


async def test_a_gateway_goes_on_with_a_new_key_and_nobody_is_cut_off(hosts: Hosts) -> None:
    hosts.carry_over()
    with hosts.gateway() as process:
        until(lambda: "ready" in hosts.log_there(), hosts.log_there)
        here = Program(hosts.cluster, "ann")
        async with here, FarProgram(hosts.cluster, hosts.other, "bob") as there:
            await meet(here, there)
            hosts.admin("keys", "rotate", WEST)
            hosts.carry_over()
            process.send_signal(signal.SIGHUP)
            until(lambda: "the keys were read again" in hosts.log_there(), hosts.log_there)
            await talk(here, there)
    assert "connected again" not in there.output


async def test_a_gateway_without_a_right_key_stays_outside(hosts: Hosts) -> None:
    with hosts.gateway() as process:
        assert process.wait(DEADLINE_S) == 2
    assert "run: zchat-admin keys make gateway/west" in hosts.log_there()

    # Somebody makes a cluster's keys of their own, and knows the router's public key.
    hosts.admin("keys", "init", var=hosts.other.folder / "var")
    hosts.admin("keys", "make", WEST, var=hosts.other.folder / "var")
    router = keys.read_router_key(hosts.settings.keys_folder)
    keys.write_router_key(hosts.other.folder / "var" / "keys", router)
    with hosts.gateway():
        hosts.wait_for_router("refused at commands-frontend: an unknown key")
        hosts.wait_for_router("refused at events-out: an unknown key")
        hosts.wait_for_router("refused at queries-frontend: an unknown key")
        async with Program(hosts.cluster, "ann") as here:
            await here.shows("you are ann")
            await here.say("hello", "ann: hello$")


async def test_a_stolen_gateway_key_is_no_services(hosts: Hosts) -> None:
    context, endpoints = hosts.context, hosts.settings.endpoints
    context.proof = hosts.proof(WEST)
    async with Program(hosts.cluster, "ann") as ann, Program(hosts.cluster, "bob") as bob:
        await meet(ann, bob)
        false = Peer(sockets.asker_socket(context, endpoints, identity("gateway/gateway-0", "1")))
        refused_while(hosts.router_log, false, f"{WEST} (not its own: b'gateway/gateway-0#1')")
        workers = []
        for address in ("users", "rooms/0"):
            worker = Peer(sockets.worker_socket(context, endpoints, identity(address, "1")))
            workers.append(worker)
            worker.say(b"", encode(WorkerHeartbeat(address, 2**40, False)))
            refused_while(hosts.router_log, worker, f"refused at commands-backend: {WEST}")
            workers.append(Peer(sockets.answer_socket(context, endpoints, address)))
            hosts.wait_for_router(f"refused at queries-backend/{address}: {WEST}")
        await talk(ann, bob)
        assert all(not worker.hears() for worker in workers)
        for peer in (false, *workers):
            peer.socket.close()


async def test_a_key_is_replaced_and_withdrawn_while_people_chat(hosts: Hosts) -> None:
    hosts.carry_over()
    ann, carol = Program(hosts.cluster, "ann"), Program(hosts.cluster, "carol")
    async with ann, carol, contextlib.AsyncExitStack() as stack:
        await carol.shows("you are carol")
        with hosts.gateway():
            bob = await stack.enter_async_context(FarProgram(hosts.cluster, hosts.other, "bob"))
            await meet(ann, bob)
            hosts.admin("keys", "rotate", WEST)
            hosts.wait_for_router("all connections end")
            hosts.wait_for_router("refused at commands-frontend: an unknown key")
            await ann.say("who hears me?", "ann: who hears me")
            await carol.shows("ann: who hears me")
        hosts.carry_over()
        with hosts.gateway():
            await bob.shows("connected again")
            await talk(ann, bob)
            hosts.admin("keys", "revoke", WEST)
            until(lambda: hosts.router_log().count("all connections end") == 2, hosts.router_log)
            await ann.say("and now?", "ann: and now")
            await carol.shows("ann: and now")
            assert "and now" not in bob.output
        assert "connection lost" not in ann.output + carol.output
