"""Which cluster the addresses lead to, before anything is shown that is for one cluster."""

import asyncio
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from zchat.client.access import NOT_CONNECTED, WRONG_USAGE, Access, Failed, say_if_slow
from zchat.client.clusters import Clusters, DamagedClusters
from zchat.client.trust import is_accepted

if TYPE_CHECKING:
    from zchat.client.chat import OtherClusterError

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
    from zchat.client.asking import RefusedError  # noqa: PLC0415
    from zchat.client.chat import CannotConnectError, OtherClusterError, connect  # noqa: PLC0415
    from zchat.client.tls import UnknownServerError, UntrustedServerError  # noqa: PLC0415

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
            if not (sys.stdin.isatty() and is_accepted(error)):
                raise Failed(NOT_CONNECTED, str(error)) from None
        except (CannotConnectError, UntrustedServerError) as error:
            raise Failed(NOT_CONNECTED, str(error)) from None
        except RefusedError as error:
            raise Failed(NOT_CONNECTED, error.reason) from None


def explained(access: Access, error: "OtherClusterError", *, of_token: bool) -> str:
    """Why nothing was sent, and what can be done."""
    where = ", ".join(access.addresses)
    if not error.found:
        return f"{where}: {error}"
    if of_token:
        return (
            f"{where} is another cluster than the one that this token is for: it was not sent there"
        )
    return (
        f"{where} is another cluster now than it was before, and nothing of yours was sent there. "
        "If it was set up anew, run the same once more with --new-cluster; what is kept of the "
        "former one stays aside"
    )
