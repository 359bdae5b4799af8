"""Bytes to messages and back: all of it, in any pieces, and of bad bytes nothing but an error."""

import contextlib
from itertools import pairwise

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zchat.protocol import limits
from zchat.protocol.codec import (
    Decoder,
    FrameReader,
    ProtocolError,
    client_messages,
    encode,
    server_messages,
)
from zchat.protocol.messages import (
    ClientMessage,
    Entry,
    Hello,
    LogIn,
    Message,
    MessagePosted,
    Ping,
    Post,
    Register,
    ServerMessage,
    SetTopic,
)

from .shapes import messages

HELLO = {"kind": "hello", "version": 1, "software": "test"}
POST = {"kind": "post", "id": 1, "nonce": b"n" * 16, "room": "garden", "text": "hello"}


def packed(value: object) -> bytes:
    """Bytes as any msgpack library would make them."""
    frame: bytes = msgpack.packb(value)
    return frame


# --- Messages -------------------------------------------------------------------------------------


@given(messages(ClientMessage))
def test_what_a_client_says_comes_out_as_it_went_in(message: Message) -> None:
    assert client_messages.decode(encode(message)) == message


@given(messages(ServerMessage))
def test_what_a_server_says_comes_out_as_it_went_in(message: Message) -> None:
    assert server_messages.decode(encode(message)) == message


def test_a_newer_peer_may_add_fields() -> None:
    assert client_messages.decode(packed(HELLO | {"shoe_size": [43, None]})) == Hello(1, "test")


def test_an_optional_field_may_be_left_out() -> None:
    frame = packed({"kind": "log_in", "id": 1, "name": "ann", "token": b"t" * 32})

    assert client_messages.decode(frame) == LogIn(
        id=1, name="ann", token=b"t" * 32, password=None, cursors={}
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(HELLO | {"kind": "dance"}, id="unknown kind"),
        pytest.param({"version": 1, "software": "x"}, id="no kind"),
        pytest.param(HELLO | {"kind": "done"}, id="a kind that only a server says"),
        pytest.param(HELLO | {"version": "1"}, id="a number as text"),
        pytest.param(HELLO | {"version": 1.5}, id="a fraction"),
        pytest.param(HELLO | {"version": None}, id="nothing for a number"),
        pytest.param({"kind": "hello", "version": 1}, id="a field is missing"),
        pytest.param(HELLO | {"software": "x" * 65}, id="over-long software"),
        pytest.param(POST | {"id": -1}, id="negative id"),
        pytest.param(POST | {"id": limits.INTEGER_MAX + 1}, id="id too large"),
        pytest.param(POST | {"nonce": b"n" * 15}, id="short nonce"),
        pytest.param(POST | {"nonce": b"n" * 17}, id="long nonce"),
        pytest.param(POST | {"nonce": "n" * 16}, id="text for bytes"),
        pytest.param(POST | {"room": ""}, id="empty name"),
        pytest.param(POST | {"room": "r" * 33}, id="over-long name"),
        pytest.param(POST | {"text": ""}, id="empty text"),
        pytest.param(POST | {"text": "x" * (limits.TEXT_CHARS_MAX + 1)}, id="over-long text"),
        pytest.param(
            {
                "kind": "log_in",
                "id": 1,
                "name": "ann",
                "token": b"t" * 32,
                "cursors": {f"#{n}": 0 for n in range(limits.CURSORS_MAX + 1)},
            },
            id="too many cursors",
        ),
        pytest.param(
            {"kind": "read_history", "id": 1, "log": "#garden", "limit": 0}, id="no entries"
        ),
        pytest.param({"kind": "ping", "id": 1, "target": "the moon"}, id="not one of the targets"),
        pytest.param([], id="no map"),
        pytest.param(None, id="nothing"),
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        client_messages.decode(packed(value))


def test_the_longest_of_everything_is_taken() -> None:
    text = "\U0001f600" * limits.TEXT_CHARS_MAX
    longest: list[Message] = [
        Post(
            id=limits.INTEGER_MAX,
            nonce=b"n" * limits.NONCE_BYTES,
            room="r" * limits.NAME_CHARS_MAX,
            text=text,
        ),
        SetTopic(
            id=0, nonce=b"n" * limits.NONCE_BYTES, room="r", topic="t" * limits.TOPIC_CHARS_MAX
        ),
        Register(id=0, nonce=b"n" * limits.NONCE_BYTES, password="p" * limits.PASSWORD_CHARS_MAX),
    ]

    for message in longest:
        (frame,) = FrameReader().feed(encode(message))
        assert client_messages.decode(frame) == message


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"\xc1", id="the byte that msgpack never uses"),
        pytest.param(packed(HELLO) + b"\xc0", id="more than one value"),
        pytest.param(packed(HELLO)[:-1], id="cut short"),
        pytest.param(packed(HELLO).replace(b"test", b"t\xff\xfet"), id="invalid UTF-8"),
        pytest.param(packed(HELLO).replace(b"test", b"t\xed\xa0\x80"), id="a lone surrogate"),
        pytest.param(packed(HELLO).replace(b"software", b"softw\xffre"), id="a key without sense"),
        pytest.param(b"\x81\xa1x" + b"\x91" * 100_000 + b"\xc0", id="over-deep"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="a map of 4 thousand million"),
        pytest.param(b"\xc7\x0c\xff" + b"\xff" * 12, id="a time that no calendar has"),
    ],
)
def test_bad_bytes_are_a_protocol_error(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        client_messages.decode(frame)


@given(st.binary())
def test_rubbish_is_a_protocol_error_or_a_message(rubbish: bytes) -> None:
    for decoder in (client_messages, server_messages):
        try:
            message = decoder.decode(rubbish)
        except ProtocolError:
            continue
        assert isinstance(message, msgspec.Struct)


@given(messages(ClientMessage), st.data())
def test_a_damaged_message_is_a_protocol_error_or_a_message(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(encode(message))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        assert isinstance(client_messages.decode(bytes(frame)), msgspec.Struct)


def test_an_error_says_which_field_is_wrong() -> None:
    with pytest.raises(ProtocolError, match=r"\$\.room"):
        client_messages.decode(packed(POST | {"room": 5}))


# --- Frames ---------------------------------------------------------------------------------------


def kept_by(reader: FrameReader) -> tuple[object, bytes]:
    """What the reader holds between two reads; thousands of idle connections hold it all day."""
    return reader._unpacker, reader._partial


# What a peer might put on the stream, each value with bytes that make it hard to cut.
_values = st.one_of(
    messages(ClientMessage).map(encode),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=8,
    ).map(packed),
)


@given(st.lists(_values, max_size=8), st.lists(st.integers(0, 2000), max_size=8))
def test_frames_come_out_whole_however_the_stream_is_cut(
    values: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(values)
    bounds = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    reader = FrameReader()
    frames = [f for begin, end in pairwise(bounds) for f in reader.feed(stream[begin:end])]

    assert frames == values
    assert kept_by(reader) == (None, b"")


@given(st.lists(_values, min_size=1, max_size=4))
def test_frames_come_out_whole_byte_by_byte(values: list[bytes]) -> None:
    reader = FrameReader()

    assert [f for b in b"".join(values) for f in reader.feed(bytes([b]))] == values


@given(
    st.lists(st.lists(_values, max_size=4), min_size=2, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300)), max_size=20),
)
def test_what_one_reader_waits_for_no_other_gets(
    streams: list[list[bytes]], reads: list[tuple[int, int]]
) -> None:
    """They share what walks over their bytes, in turns."""
    readers = [FrameReader() for _ in streams]
    left = [b"".join(values) for values in streams]
    frames: list[list[bytes]] = [[] for _ in streams]
    everything = [(number, 1 << 20) for number in range(len(streams))]
    for chosen, size in [*reads, *everything]:
        number = chosen % len(streams)
        piece, left[number] = left[number][:size], left[number][size:]
        frames[number] += readers[number].feed(piece)

    assert frames == streams


@given(st.lists(st.binary(max_size=64), max_size=8))
@example([b"\xc6\xff\xff\xff\xff"])
@example([b"\xdb\xff\xff\xff\xff", b"x"])
@example([b"\xdd\xff\xff\xff\xff\xc0"])
@example([b"\xdf\xff\xff\xff\xff\xc0"])
@example([b"\xc9\xff\xff\xff\xff\x01"])
@example([b"\x91" * 64, b"\x91" * 2000])
def test_of_rubbish_come_frames_or_a_protocol_error(pieces: list[bytes]) -> None:
    reader = FrameReader(frame_bytes_max=1000)
    read = b""
    for piece in pieces:
        try:
            read += b"".join(reader.feed(piece))
        except ProtocolError:
            break
    assert b"".join(pieces).startswith(read)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"\xc1", id="the byte that msgpack never uses"),
        pytest.param(b"\x91" * 2000, id="over-deep"),
        pytest.param(packed(b"x" * 1000), id="over-long"),
        pytest.param(packed(b"x" * 1500)[:1001], id="over-long before it is whole"),
    ],
)
def test_what_is_no_frame_is_a_protocol_error(bad: bytes) -> None:
    with pytest.raises(ProtocolError):
        FrameReader(frame_bytes_max=1000).feed(packed(1) + bad)


def test_a_declared_length_costs_nothing_until_its_bytes_come() -> None:
    reader = FrameReader(frame_bytes_max=1000)

    assert reader.feed(b"\xc6\xff\xff\xff\xff") == []
    with pytest.raises(ProtocolError, match="1000 bytes"):
        reader.feed(b"x" * 1000)


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    longest = packed(b"x" * 997)
    reader = FrameReader(frame_bytes_max=1000)

    assert reader.feed(longest + longest[:500]) == [longest]
    assert reader.feed(longest[500:]) == [longest]


def test_many_small_frames_at_once_are_not_one_long_one() -> None:
    frames = [encode(Ping(id=number)) for number in range(200)]

    assert FrameReader(frame_bytes_max=64).feed(b"".join(frames)) == frames


# --- Any shape ------------------------------------------------------------------------------------


def test_a_decoder_takes_bytes_that_stand_inside_another_value() -> None:
    entry = Entry("#garden", 1, 2, "ann", MessagePosted("hello"))
    (raw,) = Decoder(list[msgspec.Raw]).decode(encode([entry]))

    assert Decoder(Entry).decode(raw) == entry
