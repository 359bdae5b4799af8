"""Ways in for bytes that are more than one decoder: streams, screens, lines, files, the store."""

import contextlib
import os
import random
import re
import tempfile
import zlib
from datetime import UTC, date
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click
import msgpack
from msgspec import Raw
from msgspec.structs import replace
from websockets.frames import Frame, Opcode

from testbed.web_socket import WebSocket
from zchat.client.commands.actions import (
    Mistake,
    Send,
    ShowHelp,
)
from zchat.client.commands.table import (
    is_secret,
    parse,
    shows_by_entry,
)
from zchat.client.core.credentials import Credentials
from zchat.client.core.events import Answered, EntryArrived, SessionBegun
from zchat.client.core.machine import ClientCore
from zchat.client.text import lists
from zchat.client.text.renderer import Renderer
from zchat.eventlog.core.timeline import stored_stream_page
from zchat.gateway.core.cookies import with_token
from zchat.gateway.core.fanout import _entries
from zchat.gateway.core.web import Response, Site, WebFile, answer_to
from zchat.gateway.web_connection import Unframer, handshake_for, request_in
from zchat.protocol import forward_compat, limits
from zchat.protocol.codec import (
    Decoder,
    FrameReader,
    ProtocolError,
    client_messages,
    encode,
)
from zchat.protocol.internal import Stamped, StampedRoomCommand, StampedUserCommand
from zchat.protocol.messages import (
    Entry,
    ListRooms,
    LoggedIn,
    LogIn,
    LogState,
    LogStateChanged,
    Message,
    Post,
    PresenceChanged,
    ReadHistory,
    RoomList,
    SetAway,
    SlowedDown,
    SoftCommand,
    TypingSeen,
    Welcome,
)
from zchat.protocol.rules.names import InvalidName, canonical_name, safe_text
from zchat.runtime.settings import Settings, command


class Leaked(AssertionError):
    """Something got through that must not."""


# --- Streams --------------------------------------------------------------------------------------


def whole_stream(data: bytes) -> list[bytes]:
    """The frames of a client's bytes, come all at once."""
    return FrameReader().feed(data)


def any_pieces(data: bytes, dice: random.Random) -> None:
    """Cut anywhere, they give the same frames, and the same end."""
    try:
        whole: list[bytes] | None = whole_stream(data)
    except ProtocolError:
        whole = None
    pieces: list[bytes] = []
    reader = FrameReader()
    begin, piece_bytes_max = 0, 40 + len(data) // 40
    try:
        while begin < len(data):
            end = begin + (1 if dice.random() < 0.5 else int(dice.random() * piece_bytes_max) + 1)
            pieces += reader.feed(data[begin:end])
            begin = end
    except ProtocolError:
        # What came before was handed out, since nobody could know yet.
        if whole is not None or not data.startswith(b"".join(pieces)):
            raise Leaked("the pieces make no sense, and the whole does") from None
    else:
        if pieces != whole:
            raise Leaked(f"the pieces are {pieces}, the whole is {whole}")


# --- By the web door ------------------------------------------------------------------------------

_SITE: Final = Site({"/": WebFile("text/html", {"": b"page", "br": b"short"}, "tag")})
HEADS: Final = [
    b"GET / HTTP/1.1\r\nHost: chat.example\r\nAccept-Encoding: gzip, br;q=0.5\r\n\r\n",
    b'HEAD /?a HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/"tag-br", *\r\n\r\n',
    b"DELETE /socket/3 HTTP/1.1\r\nHost: [::1]:7447\r\nOrigin: http://[::1]:7447\r\n\r\n",
    b"POST / HTTP/1.0\r\nContent-Length: 4\r\nConnection: keep-alive, close\r\n\r\n",
    WebSocket("localhost:7447", cookie="zchat-0-7447=" + "a" * 43).handshake(),
]
SOCKETS: Final = [
    frame.serialize(mask=True)
    for frame in (
        Frame(Opcode.BINARY, encode(Post(id=1, nonce=bytes(16), room="lobby", text="hello"))),
        Frame(Opcode.BINARY, bytes(300), fin=False),
        Frame(Opcode.CONT, b"rest"),
        Frame(Opcode.PING, b"are you there"),
        Frame(Opcode.TEXT, b"hello"),
        Frame(Opcode.CLOSE, b"\x03\xe8bye"),
    )
]


def head_of_request(head: bytes) -> int:
    """The status of its answer; 101 if that is a socket."""
    request = request_in(head)
    if isinstance(request, Response):
        raise ProtocolError(str(request.status))
    fresh = bytes(limits.TOKEN_BYTES)
    answer = answer_to(request, _SITE, fresh)
    if isinstance(answer, Response):
        said = answer.serialize("now", close=True)
        if said.count(b"\r\n\r\n") != 1 or not said.startswith(b"HTTP/1.1 "):
            raise Leaked(f"{said!r} is more than one answer")
        return answer.status
    if "\r" in answer.cookie or "\n" in answer.cookie:
        raise Leaked(f"{answer.cookie!r} is more than a cookie")
    status = handshake_for(request).status_code
    if status >= 500 and status != HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
        raise Leaked(f"{head!r} is answered {status}")
    return status


def in_frames(data: bytes) -> bytes:
    unframer = Unframer()
    payload = unframer.feed(data)
    if unframer.fault is not None:
        raise ProtocolError(unframer.fault)
    return payload


def any_frames(data: bytes, dice: random.Random) -> None:
    """Cut anywhere, they hold the same, and end in the same way."""
    whole, pieces = Unframer(), Unframer()
    wanted, got = whole.feed(data), b""
    begin = 0
    while begin < len(data) and not pieces.ended:
        end = begin + int(dice.random() * 40) + 1
        got += pieces.feed(data[begin:end])
        begin = end
    if (got, pieces.ended, pieces.fault) != (wanted, whole.ended, whole.fault):
        raise Leaked(f"{got!r} {pieces.fault} in pieces, {wanted!r} {whole.fault} at once")


def login_by_cookie(data: bytes) -> bool:
    """Whether the token was put in; then there was none, and nothing else has changed."""
    token = b"c" * limits.TOKEN_BYTES
    made = with_token(data, token)
    if made == data:
        return False
    fields = msgpack.unpackb(made, strict_map_key=False)
    if fields.pop("token") != token or fields["kind"] != "log_in":
        raise Leaked(f"{made!r} is no login with that token")
    return True


def client_core(data: bytes) -> None:
    """A client that is logged in hears these bytes: it goes on or reconnects, and says so."""
    core = ClientCore("ann", Credentials(bytes(limits.TOKEN_BYTES)), bytes(8), "fuzz")
    core.tick(0.0)
    core.connected(0.0)
    _, log_in = map(client_messages.decode, FrameReader().feed(core.take_outgoing()))
    assert isinstance(log_in, LogIn)
    logs = [LogState("@ann", 0, 0), LogState("#garden", 6, 6)]
    core.received(encode(LoggedIn(log_in.id, "ann", True, logs)), 0.0)
    for draft in (Post(room="lobby", text="hello"), ListRooms(), ReadHistory(log="#garden")):
        core.submit(draft, 0.0)
    core.take_effects()
    core.received(data, 1.0)
    _show(core)
    core.tick(2.0)
    outgoing = core.take_outgoing()
    for frame in FrameReader().feed(outgoing):
        try:
            client_messages.decode(frame)
        except ProtocolError as error:
            raise Leaked(f"the client says what no gateway takes: {error}") from None


def _show(core: ClientCore) -> None:
    render = Renderer("ann", date(2026, 1, 1), UTC, colour=False)
    for effect in core.take_effects():
        match effect:
            case EntryArrived(entry):
                check_screen(render.entry(entry))
            case SessionBegun():
                check_screen(render.session(effect))
            case PresenceChanged():
                check_screen(render.presence(effect))
            case Answered():
                check_screen(render.answer(effect.answer, 0))
            case _:
                pass


# --- Between gateway and service ------------------------------------------------------------------

_rooms: Decoder[StampedRoomCommand] = Decoder(StampedRoomCommand)
_users: Decoder[StampedUserCommand] = Decoder(StampedUserCommand)


def at_the_service(frame: bytes) -> None:
    """What a gateway takes for a command its service reads as the same, and as no other.

    The gateway looks at the command and passes on the client's own bytes; two readers of the same
    bytes must not see two things in them.
    """
    message = client_messages.decode(frame)
    stamped = encode(Stamped(1, "ann", Raw(frame)))
    read: list[Any] = []
    for decoder in (_rooms, _users):
        with contextlib.suppress(ProtocolError):
            read.append(decoder.decode(stamped).body)
    for body in read:
        if body != message:
            raise Leaked(f"the gateway sees {message!r}, the service {body!r}")
    is_command = hasattr(message, "nonce") or isinstance(message, SoftCommand | SetAway)
    if is_command and not read:
        raise Leaked(f"no service reads {message!r}")
    if not is_command and read:
        raise Leaked(f"a service takes {message!r} for a command")


def entries_of_chunk(frames: bytes) -> None:
    """What a service has joined is cut again."""
    at = 0
    for _, frame in _entries(1, frames):
        if not frames.startswith(frame, at):
            raise Leaked("the entries are not what they were cut from")
        at += len(frame)


def stored_entry(frame: bytes) -> None:
    stored_stream_page([(1, "#garden", 1, frame, False)], 1, 1)


# --- A client and its person ----------------------------------------------------------------------

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def check_screen(lines: list[str]) -> None:
    """None of the lines can steer a terminal, nor begin another one."""
    for line in lines:
        if found := _UNSAFE.search(line):
            raise Leaked(f"{found[0]!r} reaches the screen in {line!r}")
        if "\n" in line:
            raise Leaked(f"two lines in one: {line!r}")


def from_server(frame: bytes) -> Any:
    message = forward_compat.from_server(frame)
    if message is None:
        raise ProtocolError("passed over")
    return message


def on_screen(frame: bytes) -> None:
    """Whatever a server says can be shown."""
    message = from_server(frame)
    render = Renderer("ann", date(2026, 1, 1), UTC, colour=False)
    match message:
        case Entry():
            check_screen(render.entry(message))
        case PresenceChanged():
            check_screen(render.presence(message))
        case LoggedIn():
            check_screen(render.session(SessionBegun(message.name, True, message.logs, False)))
        case Welcome() | SlowedDown() | TypingSeen() | LogStateChanged():
            pass
        case _ if hasattr(message, "id"):
            check_screen(render.answer(message, 0))
            if isinstance(message, RoomList):
                check_screen([*lists.topics(message), *lists.modes(message)])
        case _:
            check_screen([render.notice(message.reason)])


LINES: Final = [
    *(b"hello, everyone", b"::text", b":help", b":help history", b":pm bob psst", b":rm garden hi"),
    *(b":history #garden 50", b":history @bob", b":history 7", b":topic garden roses are red"),
    *(b":cr garden", b":jr garden", b":lr garden", b":members garden", b":rooms", b":users"),
    *(
        b":register correct horse battery",
        b":ping",
        b":whoami",
        b":quit",
        "grüße, ａｌｉｃｅ".encode(),
    ),
    *(b":jr garden sesame", b":invite garden bob", b":kick garden bob too loud"),
    *(b":ban garden bob 30m too loud", b":unban garden bob", b":bans garden", b":close garden"),
    *(b":mute garden bob", b":unmute garden bob", b":promote garden bob", b":demote garden bob"),
    *(b":transfer garden bob", b":mode garden private key sesame slow 10s limit 20", b":devices"),
    *(
        b":mode garden public nokey posting moderators slow off limit none",
        b":revoke 2",
        b":totp on",
    ),
    *(b":apptoken robot read,post garden attic", b":block bob", b":unblock bob", b":blocked"),
    *(b":report @bob 2 noise", b":announce tea", b":suspend bob 7d noise", b":restore bob"),
    *(b":disconnect bob noise", b":standing bob moderator", b":audit 20", b":logout everywhere"),
    *(b":reply garden ^2 yes", b":edit #garden roses are white", b":redact @bob ^3 noise"),
    *(b":react garden ^bob:2 +1", b":unreact garden +1", b":pin garden", b":unpin garden ^2"),
    *(b":pins garden", b":edits garden ^bob", b":talk bob @eve"),
    *(b":search #garden from:bob red roses", b":search @bob thorns"),
    *(b":conversations", b":notify @bob mentions", b":away at lunch", b":back"),
    *(b"garden", b"a.b-c_d", b"ALICE", "Διογένης".encode(), "बस".encode(), "שלום".encode()),
]
_UNNUMBERED: Final = 1


def line(data: bytes) -> None:
    """A line means something or is a mistake; what it sends a gateway will take."""
    for text in (data.decode(errors="replace"), data.decode(errors="surrogateescape")):
        for one in text.split("\n"):
            _one_line(one)


def _one_line(text: str) -> None:
    shows_by_entry(text)
    is_secret(text)
    action = parse(text, {"garden"})
    render = Renderer("ann", date(2026, 1, 1), UTC, colour=False)
    match action:
        case Send(request):
            numbered: Message = replace(request, id=_UNNUMBERED)
            if hasattr(request, "nonce"):
                numbered = replace(numbered, nonce=bytes(limits.NONCE_BYTES))
            try:
                frame = encode(numbered)
                if client_messages.decode(frame) != numbered:
                    raise Leaked(f"{numbered!r} is sent as something else")
            except (ProtocolError, UnicodeEncodeError) as error:
                raise Leaked(f"{numbered!r} would end the connection: {error}") from None
        case Mistake(reason):
            check_screen([render.problem(reason)])
        case ShowHelp(lines):
            check_screen(list(lines))
        case _:
            pass


def name(data: bytes) -> None:
    """A name is refused with a reason, or has one spelling that stays what it is."""
    for text in (data.decode(errors="replace"), data.decode(errors="surrogateescape")):
        if safe_text(safe_text(text)) != safe_text(text):
            raise Leaked(f"{text!r} is safe only when it was cleaned twice")
        # What is longer no message can hold.
        given = text[: limits.NAME_CHARS_MAX]
        try:
            canonical = canonical_name(given)
        except InvalidName as error:
            check_screen([str(error)])
            continue
        check_screen([canonical])
        if canonical_name(canonical) != canonical:
            raise Leaked(f"{given!r} has two spellings, {canonical!r} and another")


# --- The operator's file --------------------------------------------------------------------------

SETTINGS_FILES: Final = [
    b'var = "var"\nlisten = "127.0.0.1:7447,[::1]:7447"\nname = "gateway-0"\n',
    b'router = "tcp://127.0.0.1:7500"\npartitions = 4\nlog_level = "debug"\ndrain_s = 2.5\n',
    b'# Comment\nlisten = ["127.0.0.1:7447", "0.0.0.0:7448"]\nrouter = "ipc://{var}/run/router"\n',
    b"partition = 3\npartitions = 8\npassword_threads = 2\n",
    b'[gateway]\nname = "x"\n\n[[listen]]\na = {b = 1979-05-27T07:32:00Z, c = [1, 2.0, "three"]}\n',
    b"name = '''gateway'''\ndrain_s = inf\npartitions = 0xff\n",
    b"",
]


def _start(settings: Settings) -> None:
    """A program would begin now, and needs to know this much."""
    if not settings.endpoints.commands_frontend:
        raise Leaked("a program would start without a router")


_PROGRAMS: Final = [command("gateway", _start), command("room-service", _start)]


def settings_file(data: bytes) -> None:
    """A file is taken, or refused in one line for people."""
    path = Path(tempfile.gettempdir()) / f"zchat-fuzz-{os.getpid()}.toml"
    path.write_bytes(data)
    # A program at a time, always the same for the same file: reading options takes its time.
    program = _PROGRAMS[zlib.crc32(data) % len(_PROGRAMS)]
    try:
        program.main(["--config", str(path)], standalone_mode=False)
    except click.ClickException as error:
        if error.exit_code != 2 or not error.message:
            raise Leaked(f"exit code {error.exit_code}, {error.message!r}") from None
        raise ProtocolError(error.message) from None
    finally:
        path.unlink()
