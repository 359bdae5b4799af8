"""The client of docs/clients, which was written from the page of the protocol alone."""

import asyncio
import json
import subprocess
from contextlib import AsyncExitStack
from typing import Any

import msgpack
import pytest
from needed import NODE_MAJOR_MIN, do_without, find_node

from testbed import ROOT
from testbed.cluster import DEADLINE_S, GATEWAYS, Cluster
from testbed.people import new_name
from zchat.client import MessagePosted, Scope, connect
from zchat.client.core.credentials import token_as_text
from zchat.protocol import limits

NODE = find_node()
CLIENT = ROOT / "docs/clients/node.mjs"
LINES = 300

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session", autouse=True)
def _there_is_node() -> None:
    if NODE is None:
        do_without(f"the client in Node did not run: that takes Node {NODE_MAJOR_MIN} or newer")


class NodeClient:
    def __init__(self, cluster: Cluster, *arguments: str, token: str = "") -> None:
        self._command = [str(NODE), str(CLIENT), *arguments]
        self._environment = {
            **cluster.environment,
            "ZCHAT_ADDRESS": cluster.address,
            "ZCHAT_TOKEN": token,
        }
        self.entries: list[dict[str, Any]] = []

    async def __aenter__(self) -> "NodeClient":
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def says(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def prints(self, kind: str, text: str = "") -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while line := await self._process.stdout.readline():
                self.entries.append(json.loads(line))
                body = self.entries[-1]["body"]
                if (body["kind"], body.get("text", "")) == (kind, text):
                    return
        raise AssertionError(f"it ended without {text!r}")

    async def ends(self) -> tuple[int, str]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(DEADLINE_S):
            out, error = await self._process.communicate()
        self.entries += map(json.loads, out.splitlines())
        assert self._process.returncode is not None
        return self._process.returncode, error.decode()

    def log(self, log: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry["log"] == log]


async def test_it_says_and_hears_all_once_whatever_breaks(shared_cluster: Cluster) -> None:
    cluster, bob, node, room = shared_cluster, new_name("bob"), new_name("node"), new_name("room")
    log = f"#{room}"
    async with connect(bob, cluster.address) as chat, AsyncExitStack() as stack:
        await chat.create_room(room)
        client = await stack.enter_async_context(NodeClient(cluster, node, room))
        client.says("before it is in, perhaps")
        await client.prints("member_joined")
        for begin in range(0, LINES, 100):
            client.says(*(f"line {number}" for number in range(begin, begin + 100)))
            killing = asyncio.to_thread(cluster.kill_and_wait, *GATEWAYS)
            await asyncio.gather(killing, chat.post(room, f"from bob {begin}"))
        await client.prints("message_posted", f"line {LINES - 1}")
        # Put out, and back again: what was said meanwhile is no gap.
        await chat.kick(room, node)
        await client.prints("member_kicked")
        await chat.post(room, "unheard")
        client.says("refused")
        code, error = await client.ends()
        assert (code, error) == (1, f"you are not in {room}; join it first\n")
        users = [user.name for user in (await chat.users()).users]
        assert node not in users, "it said goodbye"
        history = await chat.history(log, 200)
        entries = history.entries
        while history.more:
            history = await chat.history(log, 200, history.entries[0].sequence)
            entries = history.entries + entries
    said = [one.body for one in entries if one.author == node]
    texts = [body.text for body in said if isinstance(body, MessagePosted)]
    assert texts[-LINES:] == [f"line {number}" for number in range(LINES)]
    assert all(body.bot for body in said if isinstance(body, MessagePosted))
    sequences = [entry["sequence"] for entry in client.log(log)]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert client.log(log)[-1]["body"]["kind"] == "member_kicked"


async def test_it_comes_by_a_token_and_is_told_if_it_may_not(shared_cluster: Cluster) -> None:
    cluster, name, room = shared_cluster, new_name("ann"), new_name("room")
    async with connect(name, cluster.address) as chat:
        await chat.register("correct horse")
        await chat.create_room(room)
        await chat.post(room, "before")
        secret = await chat.create_app_token("node", list(Scope), [room])
        token = token_as_text(secret, chat.cluster)
        # Two programs of one token leave each other alone.
        async with (
            NodeClient(cluster, name, room, token=token) as other,
            NodeClient(cluster, name, room, token=token_as_text(secret)) as client,
        ):
            client.says("by a token")
            await other.prints("message_posted", "by a token")
            assert await client.ends() == (0, "")
            assert await other.ends() == (0, "")
        assert [entry["body"].get("text") for entry in client.log(f"#{room}")][-1] == "by a token"
        foreign = token_as_text(secret, "0" * (2 * limits.CLUSTER_ID_BYTES))
        for who, bad, why in (
            (new_name("typo"), token, "there is no account"),
            (name, foreign, "another cluster"),
        ):
            async with NodeClient(cluster, who, room, token=bad) as client:
                client.says("never said")
                code, error = await client.ends()
                assert (code, why in error) == (3, True)
        said = [entry.body for entry in (await chat.history(f"#{room}")).entries]
        assert not any(isinstance(body, MessagePosted) and "never" in body.text for body in said)
    async with NodeClient(cluster, name, room) as client:
        code, error = await client.ends()
        assert code == 3
        assert "registered" in error or "password" in error


VALUES: list[Any] = [
    *(None, True, False, 0, 127, 128, 255, 256, 65_535, 65_536, 2**32, 2**53 - 1),
    *("", "grüße", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "x" * 70_000),
    *(b"", b"x" * 255, b"x" * 256, b"x" * 70_000),
    *([], list(range(15)), list(range(16)), list(range(70_000))),
    *({}, {f"key {number}": number for number in range(15)}),
    {f"key {number}": [number, {"deep": b"\x00"}] for number in range(70_000)},
]


def test_it_packs_and_unpacks_what_the_protocol_has() -> None:
    program = f"""
        import {{ Decoder, encode }} from {json.dumps(CLIENT.as_uri())};
        import {{ readFileSync }} from "node:fs";
        const bytes = readFileSync(0);
        const decoder = new Decoder();
        const step = Number(process.argv.at(-1));
        for (let at = 0; at < bytes.length; at += step)
          for (const value of decoder.feed(bytes.subarray(at, at + step)))
            process.stdout.write(encode(value));
    """
    command = [str(NODE), "--input-type=module", "-e", program, "--"]
    packed = list(map(msgpack.packb, VALUES))
    # All that was read is written again; what is short comes a byte at a time.
    for step, part in (
        (1, [one for one in packed if len(one) < 300]),
        (500_000, [one for one in packed if len(one) >= 300]),
    ):
        done = subprocess.run(
            [*command, str(step)],
            input=b"".join(part),
            capture_output=True,
            check=True,
            timeout=180,
        )
        unpacker = msgpack.Unpacker(max_buffer_size=0)
        unpacker.feed(done.stdout)
        assert [msgpack.packb(value) for value in unpacker] == part
