"""scripts/bench: that its counts and its checks are right, and that every workload runs."""

import importlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from zchat.protocol.codec import encode
from zchat.protocol.messages import Done, Entry, MemberJoined, MessagePosted, PresenceChanged

SCRIPTS: Final = Path(__file__).parent.parent / "scripts"
PROGRAMS: Final = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a module of scripts/benchmarks, which is no part of the distribution, by its name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


def conversation_of(bench: Any, entries: list[Entry], *, posted: int) -> Any:
    """One member, alice, who has said `posted` messages in #room and received `entries`."""
    loop = None
    workload = bench("workloads").WORKLOADS["fan-out"]
    dialect = bench("zchat_dialect").ZchatDialect()
    area = bench("connection").ReadArea()
    markers = dialect.markers(private=False)
    alice = bench("connection").Connection(area, dialect, "alice", markers, record=True)
    conversation = bench("conversation").Conversation(loop, workload, echoes=True)
    talker = bench("connection").Talker(dialect.posts_to_room("alice", "room"))
    conversation.add_speaker(alice, talker)
    conversation.members.append(alice)
    talker.take(posted)
    talker.answered(posted)
    conversation.posted = posted
    alice.recorded = [(0.0, b"".join(map(encode, entries)))]
    return conversation


def said(bench: Any, sequence: int, number: int) -> Entry:
    text = bench("dialect").text_of("alice", number)
    return Entry("#room", sequence, 0, "alice", MessagePosted(text))


@pytest.mark.parametrize(
    ("received", "faults"),
    [
        ([(1, 0), (2, 1), (3, 2)], {}),
        ([(1, 0), (3, 2)], {"lost": 1, "out_of_order": 2}),
        ([(1, 0), (2, 1)], {"lost": 1}),
        ([(1, 0), (2, 1), (2, 1), (3, 2)], {"doubled": 1, "out_of_order": 1}),
        ([(1, 0), (2, 1), (3, 1), (4, 2)], {"doubled": 1}),
        ([(1, 0), (2, 2), (3, 1)], {"out_of_order": 2}),
    ],
)
def test_what_is_lost_doubled_or_out_of_order_is_found(
    bench: Any, received: list[tuple[int, int]], faults: dict[str, int]
) -> None:
    entries = [said(bench, sequence, number) for sequence, number in received]
    conversation = conversation_of(bench, entries, posted=3)
    dialect = bench("zchat_dialect").ZchatDialect()
    verdict = bench("verify").judge([conversation], dialect, [])
    found = {name: getattr(verdict, name) for name in ("lost", "doubled", "out_of_order")}
    assert found == {"lost": 0, "doubled": 0, "out_of_order": 0, **faults}
    assert verdict.sound is not bool(faults)


def test_a_message_is_counted_once_however_the_stream_is_cut(bench: Any) -> None:
    chance = random.Random(1)
    stream = b"".join(
        encode(message)
        for number in range(50)
        for message in (
            Done(number, "#room", number + 1),
            said(bench, number + 1, number),
            Entry("#room", 7, 0, "bob", MemberJoined()),
            PresenceChanged(["done"], ["bob"], 0, 0, 1),
        )
    )
    for longest in (1, 3, 20, 1000):
        conversation = conversation_of(bench, [], posted=0)
        [alice] = conversation.members
        alice.count_only()
        alice.conversation = conversation
        alice.talker.take(60)
        begin = 0
        while begin < len(stream):
            part = stream[begin : begin + chance.randint(1, longest)]
            alice.get_buffer(0)[: len(part)] = part
            alice.buffer_updated(len(part))
            begin += len(part)
        assert (alice.delivered, alice.talker.acknowledged, alice.refused) == (50, 50, 0)


def test_the_time_of_a_function_is_its_own_or_that_of_what_it_calls(bench: Any) -> None:
    profile = bench("profile").read_profile("main;f;g 3\nmain;f 2\nmain;f;f 1\n")
    assert profile.samples == 6
    assert profile.own == {"g": 3, "f": 3}
    assert profile.total == {"main": 6, "f": 6, "g": 3}


@pytest.mark.integration
@pytest.mark.skipif(
    shutil.which("zchat-gateway", path=PROGRAMS) is None, reason="zchat is not installed"
)
@pytest.mark.parametrize(
    "workload", ["fan-out", "rooms", "pairs", "light", "idle", "catch-up", "start"]
)
def test_every_workload_runs_and_finds_nothing_wrong(workload: str, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    command = [str(SCRIPTS / "bench"), workload, "--runs", "1", "--scale", "0.02"]
    finished = subprocess.run(
        [*command, "--seconds", "0.5", "--check-all", "--json", str(result)],
        env={**os.environ, "PATH": PROGRAMS},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    [document] = json.loads(result.read_text("utf-8"))
    [run] = document["runs"]
    assert run["troubles"] == []
    if workload != "idle":
        assert run["verdict"]["checked"] > 0
