"""Browsers at the door of a real cluster: sockets, cookies, and those who are sent away."""

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import Iterator

import pytest
import trustme

from testbed.cluster import GATEWAYS, Cluster
from testbed.people import Person, check_sequences
from testbed.web_socket import WebSocket
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    LOBBY,
    Done,
    GoingAway,
    LogIn,
    LogOut,
    Post,
    Refused,
    Register,
    room_log,
)

from .wire import HELLO, WebWire

pytestmark = pytest.mark.integration

LOG = room_log(LOBBY)


async def test_a_guest_comes_in_posts_and_hears_a_client_of_our_own(cluster: Cluster) -> None:
    async with WebWire(cluster) as page, Person(cluster.address) as ann:
        assert (await page.log_in()).name == page.name
        await page.send(Post(id=2, nonce=os.urandom(16), room=LOBBY, text="from a page"))
        sequence = (await page.receive(Done)).sequence
        await page.until_seen(LOG, sequence)
        await ann.until_seen(LOG, sequence)
        await ann.talk([LOG], 1)
        await page.until_seen(LOG, ann.said[-1].sequence)
        check_sequences(page)


async def test_the_cookie_brings_the_guest_back_at_another_gateway(cluster: Cluster) -> None:
    async with WebWire(cluster) as page:
        name = (await page.log_in()).name
        cookie = page.cookie
        gateway = await asyncio.to_thread(cluster.gateway_of, page.port)
        assert gateway in GATEWAYS
        await asyncio.to_thread(cluster.kill, gateway)
        while await page.next() is not None:
            pass
    # Without it the name is somebody else's.
    async with WebWire(cluster) as stranger:
        stranger.name = name
        with pytest.raises(AssertionError, match="name_in_use"):
            await stranger.log_in()
    async with WebWire(cluster, cookie=cookie) as again:
        again.name = name
        assert (await again.log_in()).name == name
        assert again.cookie == cookie


async def test_a_guest_who_registers_comes_back_without_a_password(cluster: Cluster) -> None:
    async with WebWire(cluster) as page:
        await page.log_in()
        password = "correct horse battery"
        await page.send(Register(id=2, nonce=os.urandom(16), password=password))
        await page.receive(Done)
    async with WebWire(cluster, cookie=page.cookie) as again:
        again.name = page.name
        assert not (await again.log_in()).guest
        await again.send(LogOut(id=9))
        await again.receive(Done)
    async with WebWire(cluster, cookie=page.cookie) as out:
        out.name = page.name
        with pytest.raises(AssertionError, match="password_required"):
            await out.log_in()


async def test_a_token_that_is_shown_counts_more_than_the_cookie(cluster: Cluster) -> None:
    token = os.urandom(32)
    async with WebWire(cluster) as page:
        await page.send(HELLO, LogIn(id=1, name=page.name, token=token))
        while not isinstance(answer := await page.next(), Refused):
            if answer is not None and type(answer).__name__ == "LoggedIn":
                break
        assert not isinstance(answer, Refused)
    async with WebWire(cluster, cookie=page.cookie) as other:
        other.name = page.name
        with pytest.raises(AssertionError, match="name_in_use"):
            await other.log_in()


async def asked(cluster: Cluster, request: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """All that is answered to this."""
    host, _, port = cluster.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
    writer.write(request)
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_another_origin_is_refused_and_the_page_is_there(shared_cluster: Cluster) -> None:
    socket = WebSocket(shared_cluster.address)
    evil = socket.handshake(Origin="http://evil.example", Connection="close, Upgrade")
    refused = await asked(shared_cluster, evil)
    assert refused.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"Set-Cookie" not in refused
    page = await asked(shared_cluster, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"<!doctype html>" in page.lower()


async def test_a_gateway_that_stops_says_so_to_its_browsers(cluster: Cluster) -> None:
    async with WebWire(cluster) as page:
        await page.log_in()
        gateway = await asyncio.to_thread(cluster.gateway_of, page.port)
        assert gateway is not None
        await asyncio.to_thread(cluster.kill, gateway, signal.SIGTERM)
        words = []
        while (word := await page.next()) is not None:
            words.append(word)
        assert isinstance(words[-1], GoingAway)
        assert page.close_code == 1000
    await asyncio.to_thread(cluster.wait_running)


async def test_with_tls_the_cookie_is_for_this_host_alone(secure: Cluster, ca: trustme.CA) -> None:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    host, _, port = secure.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    socket = WebSocket(secure.address, scheme="https")
    writer.write(socket.handshake())
    async with asyncio.timeout(60):
        while not socket.status:
            socket.received(await reader.read(4096))
        assert socket.set_cookies[0].startswith(f"__Host-zchat-0-{port}=")
        assert socket.set_cookies[0].endswith("; Secure")
        writer.write(socket.framed(encode(HELLO)))
        assert b"welcome" in socket.received(await reader.read(4096))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, ca: trustme.CA) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("a")
    leaf = ca.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    environment = {
        "ZCHAT_TLS_CERT": str(folder / "cert.pem"),
        "ZCHAT_TLS_KEY": str(folder / "key.pem"),
    }
    with Cluster(tmp_path_factory.mktemp("c"), environment=environment) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []
