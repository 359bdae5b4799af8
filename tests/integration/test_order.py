"""People are put out of a real cluster and kept out of it, whatever they use."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.cluster import Cluster
from testbed.people import new_name
from zchat.protocol.messages import LOBBY, Entry, LogIn, Post, RefusalCode, Refused, Welcome

from .lines import Program
from .test_limits import bound_to
from .test_operator import admin, listed
from .test_screen import Screen
from .wire import HELLO, Wire

pytestmark = pytest.mark.integration

AWAY = "127.0.0.7"
WHY = "your name is banned from this server for another 60 min, until .* UTC: spam"
NO_REMAINDER = "--no-remember"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("c")) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


async def test_who_is_kicked_reads_why_in_every_client_and_is_kept_out(
    cluster: Cluster, tmp_path: Path
) -> None:
    mine = new_name("spam")
    line, plain, tail, screen = (f"{mine}-{kind}" for kind in ("line", "plain", "tail", "screen"))
    with contextlib.ExitStack() as stack:
        full = None
        if shutil.which("tmux"):
            full = stack.enter_context(Screen(screen, cluster, tmp_path, size="140x30"))
            await asyncio.to_thread(full.sees, "F1 all keys")
        await _are_kicked(cluster, mine, (line, plain, tail))
        if full is not None:
            await asyncio.to_thread(full.sees, "is banned from this server for another 60 min")
            await asyncio.to_thread(full.sees, "left with 3")

    # It is kept over a restart of everything.
    cluster.restart_all()
    async with Program(cluster, line) as again:
        assert await again.exit_code() == 3, again.output
    (kept,) = await listed(cluster, "bans")
    assert (kept["who"], kept["reason"]) == (f"{mine}*", "spam")
    await admin(cluster, "unban", f"{mine}*")
    async with Program(cluster, line) as again:
        await again.shows("you are ")


async def _are_kicked(cluster: Cluster, mine: str, names: tuple[str, str, str]) -> None:
    line, plain, tail = names
    async with (
        Program(cluster, line) as lines,
        Program(cluster, plain, "--plain") as plainly,
        Program(cluster, "tail", "-f", LOBBY, "-u", tail, NO_REMAINDER) as script,
        Program(cluster, new_name("ann")) as other,
    ):
        for person in (lines, plainly, other):
            await person.shows("you are ")
        await other.say(":users", tail)
        await admin(cluster, "kick", f"{mine}*", "--for", "1h", "--reason", "spam")
        for person in (lines, plainly, script):
            assert await person.exit_code() == 3, person.output
            await person.shows(f"^zchat-client: {WHY}")
        assert "connected again" not in lines.output
        await other.say(f":pm {line} hi", "there is no user")
    sending = ("send", LOBBY, "buy now", "-u", tail, NO_REMAINDER)
    for arguments in ((line,), sending):
        async with Program(cluster, *arguments) as again:
            assert await again.exit_code() == 3, again.output
            await again.shows(f"^zchat-client: {WHY}")


async def test_an_address_is_put_out_in_the_middle_of_a_word(cluster: Cluster) -> None:
    async with Wire(cluster, bound_to(AWAY)) as flood, Wire(cluster) as other:
        await flood.log_in()
        await other.log_in()
        (seen,) = await listed(cluster, "seen", AWAY)
        assert (seen["user"], seen["connected"]) == (flood.name, True)
        await flood.send(
            *(Post(id=n, nonce=b"%016d" % n, room=LOBBY, text=f"{n}") for n in range(2, 60))
        )
        assert "--force" in await admin(cluster, "ban", AWAY, fails=1)
        await admin(cluster, "ban", AWAY, "--force", "--for", "2h", "--reason", "spam")
        while not isinstance(refused := await flood.next(), Refused):
            pass
        assert (refused.id, refused.code) == (None, RefusalCode.BANNED)
        assert 7_000_000 < refused.retry_after_ms <= 7_200_000
        await other.send(Post(id=2, nonce=b"%016d" % 2, room=LOBBY, text="it is quiet again"))
        await other.receive(Entry)
    async with Wire(cluster, bound_to(AWAY)) as again:
        await again.send(HELLO, LogIn(id=1, name=again.name, token=b"t" * 32))
        await again.receive(Welcome)
        refused = await again.receive(Refused)
        assert (refused.id, refused.code) == (1, RefusalCode.BANNED)
    await admin(cluster, "unban", AWAY)


async def test_where_guests_are_denied_none_is_in_after_a_restart(cluster: Cluster) -> None:
    async with Program(cluster, new_name("gus")) as guest:
        await guest.shows("you are ")
        cluster.environment["ZCHAT_GUESTS"] = "deny"
        cluster.restart_all()
        assert await guest.exit_code() == 3, guest.output
        await guest.shows("^zchat-client: guests need an account here")
    assert await listed(cluster, "sessions") == []
