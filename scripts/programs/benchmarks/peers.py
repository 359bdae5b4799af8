"""The servers that can be measured: how each is started, and the language that it speaks."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.dialect import Dialect
from benchmarks.irc_dialect import IrcDialect
from benchmarks.irc_servers import Inspircd, Ngircd
from benchmarks.servers import Server, ZchatCluster
from benchmarks.zchat_dialect import ZchatDialect


class Peer(NamedTuple):
    name: str
    make_server: Callable[[Path, int | None], Server]
    """Takes an empty folder, and how many gateways there shall be if there are any."""
    make_dialect: Callable[[], Dialect]
    find: Callable[[], object] = lambda: None
    """Raises `FileNotFoundError` with what to install, if it cannot be started here."""
    notes: tuple[str, ...] = ()
    """What a reader of its figures must know."""
    coming_in_max: int = 200
    """Clients that log in or join at a time: enough for a commit to have many."""


OURS: Final = Peer("zchat", ZchatCluster, ZchatDialect)
OURS_WITH_TLS: Final = Peer("zchat-tls", partial(ZchatCluster, tls=True), ZchatDialect)
OTHERS: Final = {
    peer.name: peer
    for peer in (
        # Why they come in differently is said in their notes.
        Peer("ngircd", Ngircd, IrcDialect, Ngircd.find, Ngircd.notes, coming_in_max=10),
        Peer("inspircd", Inspircd, IrcDialect, Inspircd.find, Inspircd.notes, coming_in_max=4_000),
    )
}
