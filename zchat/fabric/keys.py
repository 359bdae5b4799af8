"""The CURVE keys of processes where the router is tcp://, and the folder that holds them.

    NAME.secret       the key pair of one process, for the eyes of its owner only
    allowed.toml      on the router's host: the public key of every process that may connect
    router.public     the router's public key, which every other process needs

All are TOML; a `/` in a name is a `-` in its file's name. Keys are those of CURVE25519, in Z85.
"""

import contextlib
import os
import re
import stat
import struct
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import zmq
from zmq.utils import z85

from zchat.fabric.core.identities import part_of
from zchat.runtime.durable_files import write_whole

ROUTER: Final = "router"
ALLOWED_FILE: Final = "allowed.toml"
ROUTER_FILE: Final = "router.public"
_KEY_CHARS: Final = 40
_KEY_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 1024 * 1024
_INSTANCE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}")
_FINGERPRINT_CHARS: Final = 16


class KeyProblem(Exception):
    """A key is missing or cannot be trusted; the text says what to do."""


class Pair(NamedTuple):
    """A process and its keys."""

    name: str
    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"Pair({self.name!r}, {fingerprint(self.public)})"


class Proof(NamedTuple):
    """What a process needs to connect: its own keys, and that of the router it expects."""

    pair: Pair
    router: bytes


def make_pair(name: str) -> Pair:
    """New keys, from the system's randomness. Raises `KeyProblem` for no name of a process."""
    check_name(name)
    public, secret = zmq.curve_keypair()
    return Pair(name, public, secret)


def check_name(name: str) -> None:
    instance = name.partition("/")[2]
    if name != ROUTER and part_of(name) is None:
        raise KeyProblem(
            f"nothing can be called {name!r}; "
            "give router, users, rooms/N, gateway/NAME or admin/NAME"
        )
    if instance and not _INSTANCE.fullmatch(instance):
        raise KeyProblem(f"{name!r} is not a name; give up to 32 letters, digits, '.', '_' and '-'")


def fingerprint(public: bytes) -> str:
    """Short enough to be compared by eye, and no secret."""
    # It brings OpenSSL along, 3 MiB that a router without keys has no need of.
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(public).hexdigest()[:_FINGERPRINT_CHARS]


# --- Reading --------------------------------------------------------------------------------------


def secret_path(folder: Path, name: str) -> Path:
    return folder / f"{name.replace('/', '-', 1)}.secret"


def read_pair(folder: Path, name: str) -> Pair:
    check_name(name)
    path = secret_path(folder, name)
    missing = f"run: zchat-admin keys {'init' if name == ROUTER else f'make {name}'}"
    pair = pair_in(path, _read(path, missing, secret=True))
    if pair.name != name:
        raise KeyProblem(f"{path} is the key of {pair.name}, not of {name}; {missing}")
    return pair


def pair_in(path: Path, values: Mapping[str, Any]) -> Pair:
    """The keys in a file. Raises `KeyProblem`."""
    name = values.get("name")
    if not isinstance(name, str):
        raise KeyProblem(f"{path} does not say whose key it is; make it again")
    check_name(name)
    public, secret = (_key(path, values, field) for field in ("public", "secret"))
    if zmq.curve_public(secret) != public:
        raise KeyProblem(f"the two keys in {path} do not belong together; make them again")
    return Pair(name, public, secret)


def read_router_key(folder: Path) -> bytes:
    path = folder / ROUTER_FILE
    missing = "copy it from the router's host, or run there: zchat-admin keys init"
    return _key(path, _read(path, missing), "public")


def read_proof(folder: Path, name: str) -> Proof:
    """What the process of this name connects with. Raises `KeyProblem`."""
    return Proof(read_pair(folder, name), read_router_key(folder))


def read_bundle(path: Path) -> Proof:
    """What `zchat-admin keys export` wrote. Raises `KeyProblem`."""
    values = _read(path, "give the file that zchat-admin keys export wrote", secret=True)
    return Proof(pair_in(path, values), _key(path, values, "router"))


class Allowed:
    """Who may connect: names by public key. What was read once stays as it is."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.keys = dict(keys)
        self._names = {key: name for name, key in keys.items()}

    def name_of(self, public: bytes) -> str | None:
        return self._names.get(public)

    def keeps(self, former: "Allowed") -> bool:
        """Whether everyone who was allowed still is, by the same key."""
        return former.keys.items() <= self.keys.items()


def read_allowed(folder: Path) -> Allowed:
    path = folder / ALLOWED_FILE
    values = _read(path, "run: zchat-admin keys init")
    for name in values:
        check_name(name)
    allowed = {name: _key(path, values, name) for name in values}
    if len(set(allowed.values())) != len(allowed):
        raise KeyProblem(f"{path} has the same key under two names; each process has its own")
    return Allowed(allowed)


def troubles(folder: Path) -> Iterator[str]:
    """What is wrong with the keys of this host, in sentences, each with what helps."""
    readings: list[Callable[[], object]] = [partial(read_router_key, folder)]
    if (folder / ALLOWED_FILE).exists():
        readings.append(partial(read_allowed, folder))
    readings += [partial(_read_secret, path) for path in sorted(folder.glob("*.secret"))]
    for reading in readings:
        try:
            reading()
        except KeyProblem as problem:
            yield str(problem)


def _read_secret(path: Path) -> Pair:
    return pair_in(path, _read(path, "make it again", secret=True))


def version_of_allowed(folder: Path) -> tuple[int, ...]:
    """Differs when the list has been written anew; empty if there is none."""
    with contextlib.suppress(OSError):
        found = (folder / ALLOWED_FILE).stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return ()


def _read(path: Path, missing: str, *, secret: bool = False) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if secret and stat.S_IMODE(mode) & 0o077:
                raise KeyProblem(f"others can read the secret key {path}; run: chmod 600 {path}")
            return tomllib.loads(file.read(_FILE_BYTES_MAX).decode())
    except FileNotFoundError:
        raise KeyProblem(f"there is no {path}; {missing}") from None
    except OSError as error:
        raise KeyProblem(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        # What the parser would say may quote the line, and so the key.
        raise KeyProblem(f"{path} is not TOML; {missing}") from None


def _key(path: Path, values: Mapping[str, Any], field: str) -> bytes:
    value = values.get(field)
    if isinstance(value, str) and len(value) == _KEY_CHARS:
        with contextlib.suppress(ValueError, KeyError, struct.error):
            key = value.encode("ascii")
            if len(z85.decode(key)) == _KEY_BYTES:
                return key
    raise KeyProblem(f"{path} has no key of {_KEY_CHARS} characters in Z85 for {field!r}")


# --- Writing --------------------------------------------------------------------------------------


def write_pair(folder: Path, pair: Pair) -> None:
    _write(
        secret_path(folder, pair.name),
        f"# The secret key of {pair.name}. Whoever has it is {pair.name}.",
        {"name": pair.name, "public": pair.public.decode(), "secret": pair.secret.decode()},
    )


def write_router_key(folder: Path, public: bytes) -> None:
    text = "# The router's public key, by which all other processes know it. No secret."
    _write(folder / ROUTER_FILE, text, {"public": public.decode()})


def write_allowed(folder: Path, allowed: Mapping[str, bytes]) -> None:
    text = "# The public key of each process that may connect to the router. No secret."
    names = sorted(allowed)
    _write(folder / ALLOWED_FILE, text, {name: allowed[name].decode() for name in names})


def write_bundle(path: Path, proof: Proof) -> None:
    pair = proof.pair
    values = {"name": pair.name, "public": pair.public.decode(), "secret": pair.secret.decode()}
    text = f"# SECRET: whoever has this file is {pair.name}. Delete it when it is imported."
    _write(path, text, {**values, "router": proof.router.decode()})


def make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(path: Path, comment: str, values: Mapping[str, str]) -> None:
    # Neither names nor Z85 know quotes or backslashes.
    lines = [comment, *(f'"{field}" = "{value}"' for field, value in values.items()), ""]
    write_whole(path, "\n".join(lines))
