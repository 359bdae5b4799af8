"""Sockets that connect."""

from pathlib import Path

import zmq

from zchat.fabric.sockets import Context, connections_of, receive_waiting

DEADLINE_MS = 90_000


def test_each_connection_is_told_of_also_of_a_router_that_was_started_anew(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path / 'router'}"
    context = Context()
    try:
        near = context.socket(zmq.DEALER)
        connections = connections_of(near)
        near.connect(endpoint)
        assert list(receive_waiting(connections)) == []
        for _ in range(2):
            with context.socket(zmq.ROUTER) as router:
                router.bind(endpoint)
                assert connections.poll(DEADLINE_MS), "no word of a connection"
                assert len(list(receive_waiting(connections))) == 1
    finally:
        context.destroy(linger=0)
