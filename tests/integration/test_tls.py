"""TLS between clients and real gateways: who is believed, and what happens to those who are not."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from testbed.cluster import GATEWAYS, Cluster
from testbed.people import Person, check_sequences, new_name
from zchat.client import (
    CannotConnectError,
    Chat,
    Tls,
    UnknownServerError,
    UntrustedServerError,
    connect,
)
from zchat.client.core.key_pins import pin_of
from zchat.client.sdk.tls import ChangedServerError
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import LOBBY, LogIn, room_log
from zchat.runtime.process import raise_file_limit

from .lines import Program, TerminalProgram
from .wire import HELLO

pytestmark = pytest.mark.integration


class Authority:
    """A certificate authority, and what it gives to the gateways of a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    @property
    def key(self) -> Path:
        return self.folder / "key.pem"

    def issue(self, *names: str) -> str:
        """A certificate with a new key, in the place of the former one; returns its pin."""
        return self.use(self.ca.issue_cert(*names))

    def use(self, leaf: trustme.LeafCert) -> str:
        leaf.private_key_pem.write_to_path(str(self.key))
        leaf.cert_chain_pems[0].write_to_path(str(self.certificate))
        return pin_of(ssl.PEM_cert_to_DER_cert(self.certificate.read_text()))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("a"))
    authority.issue("127.0.0.1")
    return authority


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Cluster]:
    environment = {
        "ZCHAT_TLS_CERT": str(authority.certificate),
        "ZCHAT_TLS_KEY": str(authority.key),
    }
    with Cluster(tmp_path_factory.mktemp("c"), environment=environment) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def chat(cluster: Cluster, tls: Tls, timeout_s: float = 20.0) -> Chat:
    return connect(new_name(), cluster.address, tls=tls, connect_timeout_s=timeout_s)


def reload(cluster: Cluster) -> None:
    before = [cluster.log(gateway).count("certificate") for gateway in GATEWAYS]
    cluster.hang_up()

    def all_have() -> bool:
        now = [cluster.log(gateway).count("certificate") for gateway in GATEWAYS]
        return all(one > other for one, other in zip(now, before, strict=True))

    cluster.wait_for(all_have, "the gateways to read the certificate again")


async def test_a_server_that_an_authority_vouches_for_is_believed(
    secure: Cluster, authority: Authority
) -> None:
    async with chat(secure, Tls("on", authority.file)) as ann:
        assert await ann.post(LOBBY, "hello") is not None


async def test_one_of_no_authority_is_told_nothing(secure: Cluster) -> None:
    with pytest.raises(UnknownServerError, match="--tls-pin sha256:"):
        async with chat(secure, Tls("on")):
            pass


async def test_one_of_another_authority_is_not_believed_whatever_its_key(
    secure: Cluster, tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    with pytest.raises(UntrustedServerError, match=r"of no authority in .*ca\.pem"):
        async with chat(secure, Tls("on", other.file, trust_new=True)):
            pass


async def test_a_certificate_for_another_host_is_not_believed(
    secure: Cluster, authority: Authority
) -> None:
    authority.issue("chat.example")
    reload(secure)
    try:
        with pytest.raises(UntrustedServerError, match="for other names"):
            async with chat(secure, Tls("on", authority.file)):
                pass
    finally:
        authority.issue("127.0.0.1")
        reload(secure)


async def test_an_accepted_key_is_known_again_and_a_changed_one_stops_the_client(
    secure: Cluster, authority: Authority, tmp_path: Path
) -> None:
    pin = authority.issue("127.0.0.1")
    reload(secure)
    async with chat(secure, Tls("on", trust_new=True)):
        pass
    servers = tmp_path / "zchat" / "servers"
    assert f"{secure.address} {pin}\n" in servers.read_text()
    assert servers.stat().st_mode & 0o077 == 0
    async with chat(secure, Tls("on")), chat(secure, Tls("on", pins=(pin,))):
        pass
    found = authority.issue("127.0.0.1")
    reload(secure)
    for tls in (Tls("on"), Tls("on", trust_new=True), Tls("on", pins=(pin,))):
        with pytest.raises(ChangedServerError, match="HAS CHANGED") as caught:
            async with chat(secure, tls):
                pass
        assert found in str(caught.value)


async def test_a_client_that_comes_back_looks_at_the_key_again(
    secure: Cluster, authority: Authority
) -> None:
    pin = authority.issue("127.0.0.1")
    reload(secure)
    async with chat(secure, Tls("on", pins=(pin,))) as ann:
        authority.issue("127.0.0.1")
        reload(secure)
        wire = ann._connection._wire
        assert wire is not None
        wire.transport.abort()
        with pytest.raises(UntrustedServerError, match="HAS CHANGED"):
            await asyncio.wait_for(until_it_ends(ann), 90)


async def until_it_ends(chat: Chat) -> None:
    async for _ in chat.events():
        pass


async def test_a_new_certificate_is_served_and_nobody_is_disconnected(
    secure: Cluster, authority: Authority
) -> None:
    tls = Tls("on", authority.file)
    async with chat(secure, tls) as ann:
        await ann.post(LOBBY, "before")
        former = served(secure)
        pin = authority.issue("127.0.0.1")
        reload(secure)
        assert (former, served(secure)) == (former, pin)
        assert former != pin
        await ann.post(LOBBY, "after")
        # A broken file changes nothing.
        authority.key.write_text("nonsense")
        reload(secure)
        assert "stays as it was" in secure.log("gateway-0")
        assert served(secure) == pin
        await ann.post(LOBBY, "still")
        assert ann._core._reconnect.attempt == 0
    authority.issue("127.0.0.1")
    reload(secure)


def served(cluster: Cluster) -> str:
    """The pin of the key that new connections get."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", cluster.port)) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return pin_of(connection.getpeercert(binary_form=True) or b"")


def test_older_tls_is_refused(secure: Cluster) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", secure.port)) as plain, pytest.raises(OSError):  # noqa: PT011
        context.wrap_socket(plain)


async def test_who_never_shakes_hands_keeps_nobody_out_and_is_cut_off(
    secure: Cluster, authority: Authority
) -> None:
    silent = [socket.create_connection(("127.0.0.1", secure.port)) for _ in range(50)]
    try:
        async with chat(secure, Tls("on", authority.file)) as ann:
            await ann.post(LOBBY, "hello")
        silent[0].settimeout(3 * limits.TLS_SILENCE_TIMEOUT_S)
        assert await asyncio.to_thread(is_cut_off, silent[0])
    finally:
        for connection in silent:
            connection.close()


async def test_crowds_that_never_shake_hands_push_out_each_other_and_nobody_else(
    secure: Cluster, authority: Authority
) -> None:
    raise_file_limit()
    hello = client_hello()
    words = (b"", hello[: len(hello) // 2])
    connected = asyncio.Queue[None]()
    async with asyncio.TaskGroup() as crowds:
        holding = [
            crowds.create_task(hold(f"127.0.0.{number}", secure.port, word, connected))
            for number in range(20, 32)
            for word in words * (limits.TLS_HANDSHAKES_PER_ADDRESS_MAX // len(words))
        ]
        for _ in holding:
            await connected.get()
        # It has the patience that clients have unless they are told otherwise.
        async with connect(new_name(), secure.address, tls=Tls("on", authority.file)) as ann:
            await ann.post(LOBBY, "hello")
        assert not any(task.done() for task in holding)
        for task in holding:
            task.cancel()
    told = "ended to make room"
    await asyncio.to_thread(
        secure.wait_for, lambda: told in secure.log("gateway-0"), "a word in the log"
    )


async def hold(host: str, port: int, word: bytes, connected: asyncio.Queue[None]) -> None:
    """A connection that says no more than that, and is made again whenever it is cut off."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            connection.bind((host, 0))
            await loop.sock_connect(connection, ("127.0.0.1", port))
            connected.put_nowait(None)
            await loop.sock_sendall(connection, word)
            await loop.sock_recv(connection, 1)
        await asyncio.sleep(0.1)


def client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


def is_cut_off(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


async def test_a_client_without_tls_is_told_what_may_be_wrong(secure: Cluster) -> None:
    with pytest.raises(CannotConnectError, match="perhaps it wants TLS: --tls on"):
        async with chat(secure, Tls("off"), 2.0):
            pass


async def test_a_client_with_tls_is_told_that_the_server_has_none(shared_cluster: Cluster) -> None:
    with pytest.raises(UntrustedServerError, match=r"does not speak TLS 1\.3 .*--tls off"):
        async with chat(shared_cluster, Tls("on")):
            pass


async def test_the_program_asks_stops_and_says_why(secure: Cluster, authority: Authority) -> None:
    pin = authority.issue("127.0.0.1")
    reload(secure)
    async with Program(secure, new_name(), "--tls", "on") as piped:
        assert await piped.exit_code() == 3
        assert f"--tls-pin {pin}" in piped.output
    async with TerminalProgram(secure, new_name(), "--tls", "on") as asked:
        await asked.shows(pin, "Trust it from now on")
        await asked.say("y", "you are")
        await asked.say(":quit")
        assert await asked.exit_code() == 0
    authority.issue("127.0.0.1")
    reload(secure)
    async with Program(secure, new_name(), "--tls", "on", "--trust-new") as stopped:
        assert await stopped.exit_code() == 3
        assert "HAS CHANGED" in stopped.output


def test_plain_connections_off_loopback_are_refused_at_the_start(secure: Cluster) -> None:
    program = str(secure.folder / "bin" / "zchat-gateway")
    environment = {**secure.environment, "ZCHAT_LISTEN": "0.0.0.0:1"}
    del environment["ZCHAT_TLS_CERT"], environment["ZCHAT_TLS_KEY"]
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--plain anywhere" in done.stderr


async def test_a_slow_reader_with_tls_costs_no_memory_and_misses_nothing(
    secure: Cluster, authority: Authority
) -> None:
    context = ssl.create_default_context(cafile=authority.file)
    receiver = socket.socket()
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    receiver.setblocking(False)
    await asyncio.get_running_loop().sock_connect(receiver, ("127.0.0.1", secure.port))
    reader, writer = await asyncio.open_connection(
        sock=receiver, ssl=context, server_hostname="127.0.0.1", limit=4096
    )
    writer.write(
        encode(HELLO) + encode(LogIn(id=1, name=new_name(), token=b"t" * limits.TOKEN_BYTES))
    )
    assert await reader.read(1)
    gateway = await asyncio.to_thread(secure.gateway_of, writer.get_extra_info("sockname")[1])
    assert gateway is not None
    async with contextlib.AsyncExitStack() as stack:
        people = [Person(secure.address, tls=Tls("on", authority.file)) for _ in range(4)]
        for person in people:
            await stack.enter_async_context(person)
            await person.talk([room_log(LOBBY)], 50)
        before_bytes = secure.memory_bytes(gateway)
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(person.talk([room_log(LOBBY)], 2500, 64, "x" * 1000))
        grown_bytes = secure.memory_bytes(gateway) - before_bytes
        assert grown_bytes < 6 * 1024 * 1024
        for person in people:
            check_sequences(person)
    last = max(one.sequence for person in people for one in person.said)
    seen = b""
    wanted = b"\xa8sequence" + _packed(last)
    async with asyncio.timeout(60):
        while wanted not in seen:
            data = await reader.read(1 << 16)
            assert data
            seen = seen[-64:] + data
    writer.transport.abort()


def _packed(number: int) -> bytes:
    return encode(number)
