"""Everything that reads bytes from outside its process, and what must be true of each.

Whatever says `Decoder(shape)` in zchat is found in its source, so that a new one cannot be
forgotten; what reads in another way is listed below.
"""

import ast
import importlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from testbed import ROOT
from zchat.protocol.codec import Decoder, ProtocolError, encode

from . import files as file_readers
from . import readers
from .examples import examples, from_newer_servers, golden_frames
from .garbage import Garden

ZCHAT: Final = ROOT / "zchat"
_EXAMPLES: Final = 96


class Broken(AssertionError):
    """What was promised of the decoder does not hold for some bytes."""


@dataclass(frozen=True)
class Target:
    """One way in for bytes.

    `read` may raise `ProtocolError`. What it returns is written and read again, if `write` says
    how, and must be the same then. `check` looks at the bytes in its own way, and raises `Broken`.
    """

    name: str
    read: Callable[[bytes], Any]
    garden: Garden
    write: Callable[[Any], bytes] | None = None
    check: Callable[[bytes, random.Random], None] | None = None
    is_frame: bool = True
    """Whether what it may allocate is bounded by the size of the bytes."""

    def try_one(self, frame: bytes, dice: random.Random) -> bool:
        """Whether the bytes were read. Raises what is a bug, `Broken` or any other exception."""
        try:
            value = self.read(frame)
        except ProtocolError:
            read = False
        else:
            read = True
            if self.write is not None:
                self._read_again(value)
        if self.check is not None:
            self.check(frame, dice)
        return read

    def _read_again(self, value: Any) -> None:
        assert self.write is not None
        again = self.write(value)
        try:
            same = self.read(again) == value
        except ProtocolError as error:
            raise Broken(f"{value!r} was read, but not again: {error}") from None
        if not same:
            raise Broken(f"{value!r} was read, and {self.read(again)!r} the second time")


# --- What says `Decoder(shape)` -------------------------------------------------------------------


def decoders_in(path: Path) -> Iterator[str]:
    """The shapes that the module has decoders for, as it writes them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == Decoder.__name__
        ):
            yield ast.unparse(node.args[0])


def decoded_shapes() -> dict[str, Any]:
    """All shapes that zchat has decoders for, by name."""
    shapes: dict[str, Any] = {}
    for path in sorted(ZCHAT.rglob("*.py")):
        module_name = ".".join(path.relative_to(ZCHAT.parent).with_suffix("").parts)
        for name in decoders_in(path):
            namespace = vars(importlib.import_module(module_name.removesuffix(".__init__")))
            # The module's own words, read where it stands.
            shapes[name] = eval(name, namespace)
    return shapes


def _of_shape(name: str, shape: Any) -> Target:
    frames = examples(shape, _EXAMPLES, random.Random(name))
    if name in ("ClientMessage", "ServerMessage"):
        decoder: Decoder[Any] = Decoder(shape)
        frames += [frame for frame in golden_frames() if _is_read(decoder, frame)]
    return Target(name, Decoder(shape).decode, Garden(frames), write=encode)


def _is_read(decoder: Decoder[Any], frame: bytes) -> bool:
    try:
        decoder.decode(frame)
    except ProtocolError:
        return False
    return True


def _of_files() -> list[Target]:
    """Those of people, and those that other programs of ours have written."""

    def target(name: str, read: Callable[[bytes], Any], frames: list[bytes]) -> Target:
        garden = Garden(frames, msgpack=False)
        return Target(name, read, garden, is_frame=False)

    return [
        target("export", file_readers.export, file_readers.EXPORTS),
        target("manifest of a backup", file_readers.backup, file_readers.MANIFESTS),
        target("key file", file_readers.key_file, file_readers.KEY_FILES),
        target("token", file_readers.token, file_readers.TOKENS),
        target("pinned servers", file_readers.servers, file_readers.SERVERS),
        target("certificate", file_readers.certificate, file_readers.CERTIFICATES),
    ]


# --- All of them ----------------------------------------------------------------------------------


def targets() -> dict[str, Target]:
    """By name, in the order in which they are run."""
    shapes = decoded_shapes()
    found = {name: _of_shape(name, shape) for name, shape in shapes.items()}
    clients = found["ClientMessage"].garden
    servers = found["ServerMessage"].garden
    newer = Garden([example.frame for example in servers.examples] + from_newer_servers())
    texts = Garden(readers.LINES, msgpack=False)
    files = Garden(readers.SETTINGS_FILES, msgpack=False)
    heads = Garden(readers.HEADS, msgpack=False)
    sockets = Garden(readers.SOCKETS, msgpack=False)
    others = [
        Target("stream of a client", readers.whole_stream, clients, check=readers.any_pieces),
        Target("head of a request", readers.head_of_request, heads, is_frame=False),
        Target("frames of a browser", readers.in_frames, sockets, check=readers.any_frames),
        Target("login by cookie", readers.login_by_cookie, clients),
        Target("command at its service", readers.at_the_service, clients),
        Target("server newer than its client", readers.from_server, newer, write=encode),
        Target("stream of a server", readers.client_core, servers),
        Target("message on a screen", readers.on_screen, newer),
        Target("entries of a chunk", readers.entries_of_chunk, found["Entry"].garden),
        Target("stored entry", readers.stored_entry, found["Entry"].garden),
        Target("name", readers.name, texts),
        Target("line of a person", readers.line, texts),
        Target("settings file", readers.settings_file, files, is_frame=False),
        *_of_files(),
    ]
    return found | {target.name: target for target in others}
