"""Which cluster an address leads to, so that no token is sent to another one.

Tokens, cursors and what was seen belong to a cluster, whatever addresses lead to it. A cluster says
itself which it is, and anybody may say so: a token is shown at an address that is new only if that
leads to the same place as one that is known.
"""

import asyncio
import json
import socket
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from zchat.client.auth.access import Access, is_accepted, say_if_slow
from zchat.client.exit_codes import NOT_CONNECTED, WRONG_USAGE, Failed
from zchat.client.files import config_folder, locked
from zchat.client.sdk.chat import CannotConnectError, OtherClusterError, connect
from zchat.client.sdk.connection import split_address
from zchat.client.sdk.requests import RefusedError
from zchat.client.sdk.tls import UnknownServerError, UntrustedServerError
from zchat.runtime import options
from zchat.runtime.durable_files import write_whole

NOBODY: Final = "?"
"""No cluster is called so: whoever means it hears who is there, and says no more than hello."""


class Cluster(NamedTuple):
    id: str
    """Empty if it is not known, or does not say so."""
    vouched: bool
    """What is kept for it may be shown at these addresses."""


UNKNOWN: Final = Cluster("", vouched=True)


def identify(access: Access, *, needed: bool, timeout_s: float = 10.0) -> Cluster:
    """Asks the server if it must be, which is once for each address. Raises `Failed`.

    If it is not `needed`, it is not asked where nothing is kept that could be shown.
    """
    try:
        clusters = Clusters()
        known = "" if access.new_cluster else clusters.of(access.addresses)
        if known:
            clusters.note(access.addresses, known)
            return Cluster(known, vouched=True)
        if not needed and not access.new_cluster and clusters.is_empty:
            return UNKNOWN
        found = _ask(access, timeout_s)
        if not found:
            return UNKNOWN
        vouched = access.new_cluster or clusters.vouch_for(access.addresses, found)
        if vouched:
            clusters.note(access.addresses, found)
    except (OSError, DamagedClusters) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Failed(WRONG_USAGE, f"cannot tell which cluster this is: {why}") from None
    return Cluster(found, vouched)


def _ask(access: Access, timeout_s: float) -> str:
    async def ask() -> str:
        chat = connect(
            access.user,
            access.addresses,
            tls=access.tls,
            cluster=NOBODY,
            connect_timeout_s=timeout_s,
        )
        waiting = say_if_slow(access)
        try:
            async with chat:
                waiting.cancel()
                return chat.cluster
        except OtherClusterError as error:
            return error.found

    while True:
        try:
            return asyncio.run(ask())
        except UnknownServerError as error:
            if not is_accepted(error):
                raise Failed(NOT_CONNECTED, str(error)) from None
        except (CannotConnectError, UntrustedServerError) as error:
            raise Failed(NOT_CONNECTED, str(error)) from None
        except RefusedError as error:
            raise Failed(NOT_CONNECTED, error.reason) from None


# --- What is known by former visits ---------------------------------------------------------------

_VERSION: Final = 1
"""Of the file, so that a newer client can change its form."""
KEPT_MAX: Final = 1_000
"""Addresses, and tokens, that are remembered: the newest."""


class DamagedClusters(ValueError):
    """The text says which file it is, and what to do."""


class Clusters:
    """The file of what cluster is behind which address. Raises `OSError` and `DamagedClusters`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_folder() / "clusters"

    def of(self, addresses: Sequence[str]) -> str:
        """That of any of these; empty if none is known."""
        known = self._read()["addresses"]
        return next((known[one] for one in map(str.lower, addresses) if one in known), "")

    def of_token(self, token: bytes) -> str:
        """Where the token was used first; empty if it was not."""
        return self._read()["tokens"].get(_digest(token), "")

    @property
    def is_empty(self) -> bool:
        return not self._read()["addresses"]

    def note(self, addresses: Sequence[str], cluster: str) -> None:
        """All of these lead there."""
        self._write("addresses", dict.fromkeys(map(str.lower, addresses), cluster))

    def bind(self, token: bytes, cluster: str) -> None:
        self._write("tokens", {_digest(token): cluster})

    def vouch_for(self, addresses: Sequence[str], cluster: str) -> bool:
        """Whether one of these leads where a known address of the cluster does.

        The first one of all is believed: there is nothing yet that could be shown.
        """
        known = [at for at, there in self._read()["addresses"].items() if there == cluster]
        places = {place for address in known for place in _places(address)}
        return not known or any(not places.isdisjoint(_places(each)) for each in addresses)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return {"addresses": {}, "tokens": {}}
        try:
            return _checked(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            what = "remove it to have it made anew"
            raise DamagedClusters(f"{self._path} is damaged: {what}") from None

    def _write(self, part: str, news: dict[str, str]) -> None:
        if news.items() <= self._read()[part].items():
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._path):
            kept = self._read()
            former = {key: value for key, value in kept[part].items() if key not in news}
            kept[part] = dict([*former.items(), *news.items()][-KEPT_MAX:])
            write_whole(self._path, json.dumps({"version": _VERSION, **kept}, indent=1))


def _checked(saved: Any) -> dict[str, dict[str, str]]:
    """Raises one of these four for what was not written here."""
    if saved["version"] != _VERSION:
        raise ValueError("not what zchat-client has written")
    return {
        part: {str(key): str(value) for key, value in saved[part].items()}
        for part in ("addresses", "tokens")
    }


def _digest(token: bytes) -> str:
    """The token cannot be read from the file."""
    return sha256(b"cluster of " + token).hexdigest()[:32]


def _places(address: str) -> set[tuple[str, int]]:
    """Where the address leads now; all spellings of this machine are one."""
    try:
        host, port = split_address(address)
        if options.is_loopback(host):
            return {("this machine", port)}
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError, UnicodeError):
        return set()
    return {(str(there[0]), port) for *_, there in found}
