"""A client's WebSocket frames are a stream of bytes, however they and the stream are cut."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import CloseCode, Frame, Opcode

from zchat.gateway.web_connection import Unframer

PARTS = st.one_of(st.binary(max_size=300), st.integers(0, 70_000).map(bytes))


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def lengthened(data: bytes) -> bytes:
    """A message whose length is written in more bytes than it needs."""
    return b"\x82\xff" + len(data).to_bytes(8) + bytes(4) + data


def written(message: list[bytes]) -> bytes:
    """As one message in as many frames as it has parts."""
    last = len(message) - 1
    return b"".join(
        frame(Opcode.CONT if number else Opcode.BINARY, part, fin=number == last)
        for number, part in enumerate(message)
    )


MESSAGES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: (written(parts), b"".join(parts))),
    st.binary(max_size=99).map(lambda data: (lengthened(data), data)),
    st.binary(max_size=125).map(lambda data: (frame(Opcode.PING, data), b"")),
)
"""What is on the wire, and what is in it."""


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(1, 90_000)))
def test_what_is_in_the_frames_comes_out_whole(
    messages: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(wire for wire, _ in messages)
    unframer: Unframer | None = None
    got, pieces = b"", 0
    for cut in (*cuts, len(stream)):
        part, stream = stream[:cut], stream[cut:]
        if not part:
            break
        # As a connection has it, which keeps one while it is needed.
        unframer = unframer or Unframer()
        got += unframer.feed(part)
        pieces += unframer.pieces
        assert not unframer.ended
        unframer = unframer if unframer.incomplete else None
    assert got == b"".join(inside for _, inside in messages)
    assert pieces >= len(messages)


def test_pings_are_answered_once() -> None:
    unframer = Unframer()
    replies = []
    for part in (frame(Opcode.PING, b"a") + b"\x82", b"\x80" + bytes(4), frame(Opcode.PING, b"b")):
        unframer.feed(part)
        replies += unframer.replies
    assert replies == [Frame(Opcode.PONG, each).serialize(mask=False) for each in (b"a", b"b")]


def test_between_messages_nothing_is_kept() -> None:
    unframer = Unframer()
    whole = frame(Opcode.BINARY, b"x" * 200)
    begun = frame(Opcode.BINARY, b"", fin=False)
    kept = []
    for part in (whole[:-1], whole[-1:], begun, frame(Opcode.PING, b""), frame(Opcode.CONT, b"")):
        unframer.feed(part)
        assert unframer.incomplete is (unframer._protocol is not None)
        kept.append(unframer.incomplete)
    assert kept == [True, False, True, True, False]


def test_a_protocol_that_has_ended_serves_nobody_else() -> None:
    ended = Unframer()
    ended.feed(frame(Opcode.TEXT, b"hello"))
    assert (ended.ended, ended.fault) == (True, "messages here are binary")
    ended.fail(CloseCode.POLICY_VIOLATION, "too late")
    assert len(b"".join(ended.replies)) == 2 + 2 + len("messages here are binary")
    assert Unframer().feed(frame(Opcode.BINARY, b"next")) == b"next"
