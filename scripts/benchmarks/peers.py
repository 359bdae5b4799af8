"""The servers that can be measured: how each is started, and the language that it speaks."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.dialect import Dialect
from benchmarks.servers import Server, ZchatCluster
from benchmarks.zchat_dialect import ZchatDialect


class Peer(NamedTuple):
    name: str
    make_server: Callable[[Path, int | None], Server]
    """Takes an empty folder, and how many gateways there shall be if there are any."""
    make_dialect: Callable[[], Dialect]


PEERS: Final = {peer.name: peer for peer in (Peer("zchat", ZchatCluster, ZchatDialect),)}
