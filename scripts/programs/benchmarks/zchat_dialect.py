"""The language of zchat's native door."""

import hashlib
import struct
from collections.abc import Callable
from typing import Final, TypeVar

from benchmarks.dialect import (
    NUMBER_DIGITS,
    Asker,
    Delivery,
    Frames,
    Markers,
    Refused,
    origin_of,
    text_of,
)
from zchat.protocol import messages
from zchat.protocol.codec import FrameReader, encode, server_messages

T = TypeVar("T")

_NUMBER: Final = struct.Struct(">I")
_INTEGER_32: Final = b"\xce"
"""Before an unsigned integer of four bytes in msgpack."""
_CREATED, _JOINED, _FIRST_POST = 1, 2, 3
"""Counters of a client's nonces, which only rise."""


def _kind(name: str) -> bytes:
    """The beginning of a map of this kind; a text or a name holds no such bytes."""
    return encode("kind") + encode(name)


class ZchatDialect:
    acknowledges = True
    echoes = True
    remembers = True

    def markers(self, *, private: bool) -> Markers:
        return Markers(
            delivery=_kind("private_message_sent" if private else "message_posted"),
            acknowledgement=_kind("done"),
            refusal=_kind("refused"),
        )

    def frames(self) -> Frames:
        return FrameReader()

    async def enter(
        self, connection: Asker, name: str, cursors: dict[str, int] | None = None
    ) -> None:
        # The same name comes back with the same token, which proves that it is the same client.
        token = hashlib.sha256(name.encode()).digest()
        logs = {messages.room_log(room): cursor for room, cursor in (cursors or {}).items()}
        hello = messages.Hello(messages.PROTOCOL_VERSION, "zchat-bench")
        log_in = messages.LogIn(id=0, name=name, token=token, cursors=logs)
        await connection.ask(encode(hello) + encode(log_in), _logged_in)

    async def create_room(self, connection: Asker, room: str) -> None:
        await connection.ask(
            encode(messages.CreateRoom(id=0, nonce=_nonce(_CREATED), room=room)), _done
        )

    async def join_room(self, connection: Asker, room: str) -> int:
        done = await connection.ask(
            encode(messages.JoinRoom(id=0, nonce=_nonce(_JOINED), room=room)), _done
        )
        return done.sequence

    def posts_to_room(self, sender: str, room: str) -> Callable[[int], bytes]:
        return _template(messages.Post(id=0, nonce=_nonce(0), room=room, text=text_of(sender, 0)))

    def posts_to_user(self, sender: str, to: str) -> Callable[[int], bytes]:
        return _template(
            messages.SendPrivate(id=0, nonce=_nonce(0), to=to, text=text_of(sender, 0))
        )

    def delivery(self, frame: bytes) -> Delivery | None:
        match server_messages.decode(frame):
            case messages.Entry(log=log, sequence=sequence, author=author, body=body):
                match body:
                    case messages.MessagePosted(text=text):
                        pass
                    case messages.PrivateMessageSent(text=text):
                        pass
                    case _:
                        return Delivery(log, sequence, None)
                origin = origin_of(text)
                assert origin[0] == author, f"{author} is said to have written {text!r}"
                return Delivery(log, sequence, origin)
            case _:
                return None


def _nonce(counter: int) -> bytes:
    # Names are new in every run, and nonces are the author's own: one prefix serves them all.
    return bytes(12) + _NUMBER.pack(counter)


def _template(post: messages.Post | messages.SendPrivate) -> Callable[[int], bytes]:
    """Encodes `post` once; each message then differs in its id, its nonce and its number alone.

    Its id is the counter of its nonce.
    """
    frame = encode(post)
    # The id is the only integer, so a request of id 0 is cut behind its key.
    head, tail = frame.split(b"\xa2id\x00", 1)
    before_nonce, after_nonce = tail.split(_nonce(0), 1)
    before_number, after_number = after_nonce.split(b"0" * NUMBER_DIGITS, 1)
    before_id = head + b"\xa2id" + _INTEGER_32
    before_nonce += _nonce(0)[: -_NUMBER.size]
    pack = _NUMBER.pack

    def encoded(number: int) -> bytes:
        four = pack(_FIRST_POST + number)
        digits = b"%08d" % number
        return b"".join((before_id, four, before_nonce, four, before_number, digits, after_number))

    return encoded


def _answer(frame: bytes, wanted: type[T]) -> T | None:
    match server_messages.decode(frame):
        case messages.Refused(reason=reason):
            raise Refused(reason)
        case wanted() as answer:
            return answer
        case _:
            return None


def _logged_in(frame: bytes) -> messages.LoggedIn | None:
    return _answer(frame, messages.LoggedIn)


def _done(frame: bytes) -> messages.Done | None:
    return _answer(frame, messages.Done)
