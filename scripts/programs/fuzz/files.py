"""Ways in for bytes that are files: what was exported or backed up, keys, tokens, certificates."""

import os
import ssl
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import trustme
import zmq

from zchat.admin import exported
from zchat.admin.commands.backup import MANIFEST, BadBackup, read_manifest, wrong_sums
from zchat.admin.exported import BadExport
from zchat.client.core import credentials, key_pins
from zchat.fabric import keys
from zchat.fabric.keys import KeyProblem
from zchat.protocol import limits
from zchat.protocol.codec import ProtocolError

from .readers import Leaked, check_screen


@contextmanager
def _file(data: bytes, name: str) -> Iterator[Path]:
    """In a folder of this process's own, as only its owner can read it."""
    folder = Path(tempfile.gettempdir()) / f"zchat-fuzz-{os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink()
        folder.rmdir()


def _problem(error: Exception) -> ProtocolError:
    """A file is taken, or refused with a sentence for people."""
    if not str(error):
        raise Leaked("a file is refused without a word")
    return ProtocolError(str(error))


# --- Of the operator ------------------------------------------------------------------------------

_HEADER: Final = (
    b'{"zchat_export":1,"kind":"room","name":"garden","exported_at":"2026-01-01T00:00:00Z",'
    b'"software":"zchat 1","topic":"roses","created_at_ms":1700000000000}\n'
)
_LINES: Final = (
    b'{"sequence":1,"at_ms":1,"author":"ann","body":{"kind":"room_created"}}\n',
    b'{"sequence":2,"at_ms":2,"author":"bob","body":{"kind":"member_joined"}}\n',
    b'{"sequence":4,"at_ms":9,"author":"bob","body":{"kind":"message_posted","text":"hi"}}\n',
    b'{"sequence":5,"at_ms":9,"author":"ann","body":{"kind":"member_kicked","user":"bob"}}\n',
)
_DEEP: Final = b'{"x":' * 20_000
EXPORTS: Final = [_DEEP, _HEADER + _DEEP, _HEADER, _HEADER + _LINES[0], _HEADER + b"".join(_LINES)]


def export(data: bytes) -> None:
    """Whatever is let in, clients are told, and so could have been said."""
    with _file(data, "room.jsonl") as path:
        try:
            exported.read_header(path, "room")
            for line in exported.read_lines(path):
                if not line.sequence > 0 or not 0 <= line.at_ms <= limits.INTEGER_MAX:
                    raise Leaked(f"{line!r} has no place in a log")
            exported.still_in(exported.read_lines(path))
        except BadExport as error:
            raise _problem(error) from None


_MANIFEST: Final = (
    b'{"format":1,"version":"1","made_at":"2026-01-01T00:00:00Z","made_at_ms":17000000,'
    b'"one_moment":true,"files":{"users.sqlite":{"sha256":"00","bytes":7,"position":1,"logs":1}}}'
)
MANIFESTS: Final = [_MANIFEST, _DEEP]


def backup(data: bytes) -> None:
    with _file(data, MANIFEST) as path:
        try:
            list(wrong_sums(path.parent, read_manifest(path.parent)))
        except BadBackup as error:
            raise _problem(error) from None


_PUBLIC, _SECRET = zmq.curve_keypair()
_PAIR: Final = b'name = "gateway/west"\npublic = "%s"\nsecret = "%s"\n' % (_PUBLIC, _SECRET)
KEY_FILES: Final = [
    _PAIR,
    _PAIR + b'router = "%s"\n' % _PUBLIC,
    b'"gateway/west" = "%s"\n"users" = "%s"\n' % (_PUBLIC, _SECRET),
]


def _named(data: bytes) -> bool:
    """Whether the secret stands where the name should."""
    return _SECRET.decode() in str(tomllib.loads(data.decode()).get("name"))


def key_file(data: bytes) -> None:
    """The secret in it is in no sentence."""
    ways: list[tuple[str, Callable[[Path], Any]]] = [
        (keys.ALLOWED_FILE, lambda path: keys.read_allowed(path.parent)),
        ("west.bundle", keys.read_bundle),
        ("gateway-west.secret", lambda path: keys.read_pair(path.parent, "gateway/west")),
    ]
    taken = 0
    for name, read in ways:
        with _file(data, name) as path:
            try:
                read(path)
                taken += 1
            except KeyProblem as error:
                problem = _problem(error)
                # A name is shown, whatever somebody has written there.
                if (
                    name != keys.ALLOWED_FILE
                    and _SECRET.decode() in str(problem)
                    and not _named(data)
                ):
                    raise Leaked("a secret key is shown") from None
    if not taken:
        raise ProtocolError("no key file of any kind")


# --- Of the client --------------------------------------------------------------------------------

_TOKEN: Final = bytes(range(limits.TOKEN_BYTES))
TOKENS: Final = [
    credentials.token_as_text(_TOKEN).encode(),
    _TOKEN.hex().encode(),
    credentials.KeptToken("desk", _TOKEN).as_text("ann at 127.0.0.1").encode(),
]


def token(data: bytes) -> None:
    text = data.decode(errors="replace")
    taken = 0
    for read in (credentials.token_from_text, credentials.KeptToken.from_text):
        try:
            found: Any = read(text)
            taken += 1
        except ValueError as error:
            problem = _problem(error)
            if len(text) > len("token") and text in str(problem):
                raise Leaked("a token is shown") from None
            continue
        secret = found if isinstance(found, bytes) else found.token
        if (
            len(secret) != limits.TOKEN_BYTES
            or credentials.token_from_text(credentials.token_as_text(secret)) != secret
        ):
            raise Leaked(f"{text!r} is another token when it is written")
    if not taken:
        raise ProtocolError("no token")


SERVERS: Final = [
    b"# Servers\n127.0.0.1:7447 sha256:%s\n" % (b"ab" * 32),
    b"[::1]:7447 %s  # home\n" % b":".join([b"0F"] * 32),
]


def servers(data: bytes) -> None:
    """What is written is read as the same."""
    try:
        known = key_pins.parse_servers(data.decode(errors="replace"))
    except ValueError as error:
        check_screen([str(error)])
        raise _problem(error) from None
    if key_pins.parse_servers(key_pins.written(known)) != known:
        raise Leaked(f"{known} is written as something else")


def certificate(data: bytes) -> None:
    """Of anything that a server may show."""
    try:
        key_pins.parse_pin(key_pins.pin_of(data))
    except ValueError as error:
        raise _problem(error) from None


def _certificate() -> bytes:
    pem = trustme.CA().issue_cert("127.0.0.1").cert_chain_pems[0].bytes()
    return ssl.PEM_cert_to_DER_cert(pem.decode())


CERTIFICATES: Final = [_certificate()]
