"""What hangs is killed and started again, while people talk; nothing is lost by it."""

import asyncio
import signal

import pytest

from testbed.cluster import REVIVER, ROOM_SERVICE, ROUTER, USER_SERVICE, Cluster
from zchat.protocol import limits

from .test_kills import talking

pytestmark = pytest.mark.integration

TICKS_S = 15.0
"""What supervisord's ticks may add to the time until a process is killed."""


@pytest.mark.parametrize(
    "victims", [(ROUTER,), (USER_SERVICE, ROOM_SERVICE, "gateway-0")], ids=" and ".join
)
async def test_what_hangs_is_replaced_and_everybody_goes_on(
    cluster: Cluster, victims: tuple[str, ...]
) -> None:
    async with talking(cluster) as company:
        pids = {victim: cluster.kill(victim, signal.SIGSTOP) for victim in victims}
        async with asyncio.timeout(limits.HANG_KILL_S + TICKS_S):
            for victim, pid in pids.items():
                while cluster.running_pid(victim) in (None, pid):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        await asyncio.to_thread(cluster.wait_running)
        await company.more_is_said()
        await company.check(*victims)
    for victim, pid in pids.items():
        assert f"{victim}, process {pid}: its main loop has stopped" in cluster.log(REVIVER)
    # And nobody else was.
    assert cluster.log(REVIVER).count(f"killing {victims[0]}:") == 1
