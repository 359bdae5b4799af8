"""Reading a ZeroMQ socket from a loop."""

import asyncio

import zmq

from zchat.fabric.pump import Pump


async def test_one_that_is_closed_touches_its_socket_no_more_whatever_is_scheduled() -> None:
    bugs: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, bug: bugs.append(bug))
    received: list[list[bytes]] = []
    with zmq.Context() as context, context.socket(zmq.PAIR) as near:
        near.bind("inproc://pair")
        with context.socket(zmq.PAIR) as far:
            far.connect("inproc://pair")
            pump = Pump(loop, far, received.append, 1)
            near.send(b"hello")
            pump.send([b"hi"])
            pump.check()
            pump.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (received, bugs) == ([], [])
