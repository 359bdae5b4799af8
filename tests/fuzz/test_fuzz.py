"""Garbage does no harm to whatever reads bytes: a little of what `scripts/fuzz` does at length."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import readers
from fuzz.decoders import ZCHAT, Broken, Target, decoded_shapes, decoders_in, targets
from fuzz.examples import golden_frames
from fuzz.garbage import VALUES, Garden, spans_of
from fuzz.runs import minimised, run_block, run_long, run_one
from fuzz.services import HostileCluster
from fuzz.sessions import HostileWorld, Transport
from zchat.client import connect, exit_codes
from zchat.client.commands.actions import (
    Mistake,
)
from zchat.client.commands.table import (
    parse,
)
from zchat.client.core.checks import InvalidRequest
from zchat.gateway.process import handshakes_within, sessions_within
from zchat.protocol import forward_compat, limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import USER_SERVICE, room_partition
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    BlockedList,
    ClientMessage,
    Hello,
    LogIn,
    ServerMessage,
)

EVERY_LONG_FRAME = 16
TARGETS = targets()


@pytest.mark.parametrize("name", TARGETS)
def test_garbage_is_a_protocol_error_or_a_value(name: str) -> None:
    outcome = run_block(TARGETS[name], seed=1, block=0)
    assert outcome.failure is None, outcome.failure


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.is_frame])
def test_no_frame_costs_many_times_its_size(name: str) -> None:
    outcome = run_long(TARGETS[name], 1, EVERY_LONG_FRAME)
    assert outcome.failure is None, outcome.failure


# --- Nothing is left out --------------------------------------------------------------------------

READS_BYTES = re.compile(
    r"\bDecoder\b(?:\[.*?\])?\(|\bmsgspec[._](?:msgpack|json|convert)\b(?!\.encode)|\bUnpacker\("
)
"""All ways of turning bytes into values."""


def readers_in(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if READS_BYTES.search(line) and not line.lstrip().startswith(("#", "class ", '"')):
            yield line.strip()


OTHERWISE = {
    ZCHAT / "admin" / "commands" / "backup.py",
    ZCHAT / "admin" / "exported.py",
    ZCHAT / "client" / "core" / "checks.py",
}
"""They read files, each of which is a target of its own; the last one checks what it is to send."""


def test_every_decoder_is_fuzzed() -> None:
    for path in ZCHAT.rglob("*.py"):
        # The codec itself is what the others are made of.
        if path != ZCHAT / "protocol" / "codec.py" and path not in OTHERWISE:
            known = list(decoders_in(path))
            assert len(list(readers_in(path))) == len(known), f"{path} reads in a way of its own"
    assert decoded_shapes().keys() <= TARGETS.keys()


@pytest.mark.parametrize(
    "line",
    [
        "_ups = codec.Decoder(Up)",
        "_ups = Decoder[Up](Up)",
        "up = msgspec.msgpack.decode(body)",
        "ups = list(msgpack.Unpacker(file))",
    ],
)
def test_a_decoder_of_another_kind_is_seen(line: str, tmp_path: Path) -> None:
    path = tmp_path / "new.py"
    path.write_text(line)
    assert len(list(readers_in(path))) > len(list(decoders_in(path)))


# --- The fuzzer itself ----------------------------------------------------------------------------


def test_the_same_numbers_make_the_same_frames() -> None:
    garden = TARGETS["Up"].garden
    first, second = ([garden.frame(random.Random(seed)) for _ in range(9)] for seed in (1, 1))
    assert first == second


def test_a_garden_grows_all_kinds_of_frames() -> None:
    """Some are read, most are not, and of those a good part is well-formed msgpack."""
    target, dice = TARGETS["ClientMessage"], random.Random(1)
    frames = [target.garden.frame(dice) for _ in range(5_000)]
    reasons = []
    for frame in frames:
        try:
            target.read(frame)
        except ProtocolError as error:
            reasons.append(str(error))
    assert 0.05 < 1 - len(reasons) / len(frames) < 0.5
    wrong_shape = [reason for reason in reasons if reason.startswith(("Expected", "Object", "Inv"))]
    assert len(wrong_shape) > len(frames) / 10
    assert len(set(frames)) > len(frames) * 0.8


@pytest.mark.parametrize("frame", golden_frames())
def test_values_are_found_where_they_are(frame: bytes) -> None:
    spans = spans_of(frame)
    assert spans[0] == (0, len(frame))
    anything = Decoder[object](object)
    for begin, end in spans:
        anything.decode(frame[begin:end])


def broken_decoder(frame: bytes) -> bytes:
    if b"\xcc" in frame and b"\x07" in frame:
        raise IndexError("a bug")
    raise ProtocolError("as it should be")


def test_a_bug_is_found_and_made_small() -> None:
    broken = Target("broken", broken_decoder, Garden(golden_frames()))
    failures = [run_block(broken, 1, block).failure for block in range(3)]
    found = next(failure for failure in failures if failure)
    assert found.what == "IndexError: a bug"
    assert sorted(found.frame) == [0x07, 0xCC]
    assert run_one(broken, found.frame, 1) == found.what


def test_what_is_read_differently_the_second_time_is_found() -> None:
    times = iter(range(1_000_000))
    target = Target("fickle", lambda _: next(times), Garden([b"\x00"]), write=encode)
    with pytest.raises(Broken, match="the second time"):
        target.try_one(b"\x00", random.Random(1))


def test_what_costs_too_much_is_found() -> None:
    greedy = Target("greedy", lambda frame: [0] * 1_000_000, Garden([b"\x00"]))
    assert "bytes allocated for 1" in (run_one(greedy, b"\x00", 1) or "")


def test_minimising_leaves_what_it_takes() -> None:
    assert minimised(b"..a....b...", lambda data: b"a" in data and b"b" in data) == b"ab"


# --- Properties, where anything may happen --------------------------------------------------------

_values = st.lists(st.sampled_from([*VALUES, *golden_frames()]), max_size=12).map(b"".join)


@given(_values, st.randoms(use_true_random=False))
def test_a_stream_is_the_same_however_it_is_cut(stream: bytes, dice: random.Random) -> None:
    readers.any_pieces(stream, dice)


@given(_values)
def test_a_client_hears_anything_and_goes_on(stream: bytes) -> None:
    readers.client_core(stream)


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_line_means_something_or_is_a_mistake(line: str) -> None:
    readers.line(line.encode("utf-8", "surrogateescape" if _escaped(line) else "replace"))


def _escaped(text: str) -> bool:
    return all(not 0xD800 <= ord(char) < 0xE000 or 0xDC80 <= ord(char) < 0xDD00 for char in text)


# --- What was found -------------------------------------------------------------------------------


def test_a_server_that_lists_many_names_costs_a_client_little() -> None:
    many = encode(BlockedList(1, [""] * 131_000))
    assert run_one(TARGETS["message on a screen"], many, 0) is None


def test_who_must_wait_is_not_read_from_at_once() -> None:
    """And not only when the turn ends: until then it could send some megabytes of small frames."""
    client = Transport(HostileWorld(0))
    login = LogIn(id=1, name="ann", token=bytes(limits.TOKEN_BYTES))
    client.connection.data_received(encode(Hello(PROTOCOL_VERSION, "fuzz")))
    assert client.reading
    client.connection.data_received(encode(login))
    assert not client.reading


def test_who_is_gone_leaves_no_half_read_frame() -> None:
    """It would wait for the garbage collector, some 40 KiB each time."""
    client = Transport(HostileWorld(0))
    client.connection.data_received(b"\x82\xa4kind")
    assert client.connection._reader is not None
    client.connection.connection_lost(None)
    assert client.connection._reader is None


def test_of_a_client_that_talks_nonsense_no_more_is_read() -> None:
    client = Transport(HostileWorld(0))
    client.connection.data_received(b"\xc1")
    assert not client.reading


@pytest.mark.parametrize(
    ("files", "sessions"),
    [(64, 0), (1_024, 828), (20_000, 17_432), (sys.maxsize, limits.SESSIONS_MAX)],
)
def test_a_gateway_keeps_files_to_tell_a_client_too_many(files: int, sessions: int) -> None:
    assert sessions_within(files, partitions=1) == sessions


@pytest.mark.parametrize("files", [400, 1_024, 20_000])
def test_a_gateway_keeps_files_for_handshakes_as_well(files: int) -> None:
    handshakes = handshakes_within(files)
    sessions = sessions_within(files, 1, handshakes)
    assert 0 < handshakes <= limits.TLS_HANDSHAKES_MAX
    assert 0 < sessions <= files - files // 8 - handshakes


def test_a_settings_file_that_nests_too_deeply_is_refused() -> None:
    with pytest.raises(ProtocolError, match="is not TOML: maximum recursion depth"):
        readers.settings_file(b"listen = " + b"[" * 2_000)


@pytest.mark.parametrize("field", ["sequence", "at_ms"])
def test_an_unknown_entry_keeps_within_the_bounds_of_known_ones(field: str) -> None:
    entry = {"kind": "entry", "log": "#garden", "sequence": 7, "at_ms": 1, "author": "ann"}
    entry |= {"body": {"kind": "dance"}, field: -1}
    with pytest.raises(ProtocolError, match=field):
        forward_compat.from_server(encode(entry))


UNSENDABLE = "correct horse \udcff"
"""As the terminal and the environment give bytes that are no UTF-8."""


def test_a_password_that_cannot_be_sent_is_a_mistake() -> None:
    action = parse(f":register {UNSENDABLE}")
    assert isinstance(action, Mistake)
    assert "valid UTF-8" in action.text
    assert "correct" not in action.text
    with pytest.raises(InvalidRequest, match="valid UTF-8"):
        connect("ann", password=UNSENDABLE)
    with pytest.raises(InvalidRequest, match="at most 256 characters"):
        connect("ann", password="x" * 257)


def test_the_client_program_says_what_is_wrong_with_a_password() -> None:
    environment = os.environb | {b"ZCHAT_PASSWORD": b"correct horse \xff", b"ZCHAT_USER": b"ann"}
    code = "from zchat.client.cli.main import main; main([])"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == exit_codes.WRONG_USAGE
    assert ended.stderr == "zchat-client: a password must be valid UTF-8; this one is not\n"


def test_the_reason_of_a_refused_login_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_codes.fail(exit_codes.NOT_CONNECTED, "go\x1b[2J away\n$ rm")
    assert capsys.readouterr().err == "zchat-client: go[2J away $ rm\n"


def test_the_unions_are_those_of_the_protocol() -> None:
    shapes = decoded_shapes()
    assert shapes["ClientMessage"] == ClientMessage
    assert shapes["ServerMessage"] == ServerMessage


# --- Stories --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_a_gateway_keeps_its_bounds_among_liars(seed: int) -> None:
    HostileWorld(seed).play()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("address", [USER_SERVICE, room_partition(0)])
def test_a_service_goes_on_among_liars(address: str, seed: int) -> None:
    HostileCluster(address, seed).play()
