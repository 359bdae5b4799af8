"""Browsers at the door of a real cluster: files, sockets, cookies, and those who are sent away."""

import asyncio
import os

import pytest

from testbed.cluster import GATEWAYS, Cluster
from testbed.people import Person
from zchat.protocol.messages import LOBBY, Done, Post, room_log

from .wire import WebWire

pytestmark = pytest.mark.integration


async def test_a_guest_comes_in_posts_and_hears_a_client_of_our_own(cluster: Cluster) -> None:
    log = room_log(LOBBY)
    async with WebWire(cluster) as page, Person(cluster.address) as ann:
        assert (await page.log_in()).name == page.name
        await page.send(Post(id=2, nonce=os.urandom(16), room=LOBBY, text="from a page"))
        sequence = (await page.receive(Done)).sequence
        await page.until_seen(log, sequence)
        await ann.until_seen(log, sequence)
        await ann.talk([log], 1)
        await page.until_seen(log, ann.said[-1].sequence)


async def test_the_cookie_brings_the_guest_back_at_another_gateway(cluster: Cluster) -> None:
    async with WebWire(cluster) as page:
        name = (await page.log_in()).name
        cookie = page.cookie
        gateway = await asyncio.to_thread(cluster.gateway_of, page.port)
        assert gateway in GATEWAYS
        await asyncio.to_thread(cluster.kill, gateway)
        assert await page.next() is None
    async with WebWire(cluster, cookie=cookie) as again:
        again.name = name
        assert (await again.log_in()).name == name
        assert again.cookie == cookie
