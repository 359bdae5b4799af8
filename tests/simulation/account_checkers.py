"""What is promised of accounts: what was used up or taken away lets nobody in again."""

from zchat.client.core import State
from zchat.client.events import SessionBegun
from zchat.protocol.messages import AccountChange

from .checkers import Broken
from .cluster import Cluster
from .history import History
from .people import Life


def check_accounts(cluster: Cluster, history: History) -> None:
    _check_codes(cluster)
    for person in cluster.people:
        if person.core is not None and person.core.state is State.ONLINE:
            _check_not_revoked(person.life_now, history)


def _check_codes(cluster: Cluster) -> None:
    """Each life has a token of its own, so what let it in was its password, with its code."""
    used = set(cluster.people[0].accounts.used_codes)
    for person in cluster.people:
        for life in person.lives:
            shown = (life.name, life.first.code)
            begun = any(isinstance(event, SessionBegun) for event in life.events)
            if not life.first.code or not begun:
                continue
            if shown in used:
                raise Broken(f"{life.person} came in with a one-time code that was used before")
            used.add(shown)


def _check_not_revoked(life: Life, history: History) -> None:
    device = life.first.device
    changes = [change.change for change in history.changes(life.name) if change.about == device]
    if device and changes and changes[-1] == AccountChange.DEVICE_REVOKED:
        raise Broken(f"{life.person} is here as a device that was revoked")
