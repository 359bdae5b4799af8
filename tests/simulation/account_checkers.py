"""What is promised of accounts: what was used up or taken away lets nobody in again."""

from collections import Counter
from typing import Final

from zchat.client.events import SessionBegun
from zchat.client.state import State
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AccountChange,
    Announced,
    MemberBanned,
    MemberDemoted,
    MemberKicked,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    RoomClosed,
    RoomConfigured,
    RoomTransferred,
)

from .checkers import Broken
from .cluster import Cluster
from .history import History
from .people import Life

_AUDITED: Final[dict[type, str]] = {
    MemberKicked: "kick_member",
    MemberBanned: "ban_member",
    MemberUnbanned: "unban_member",
    MemberMuted: "mute_member",
    MemberUnmuted: "unmute_member",
    MemberPromoted: "promote_member",
    MemberDemoted: "demote_member",
    RoomTransferred: "transfer_room",
    RoomConfigured: "configure_room",
    RoomClosed: "close_room",
    Announced: "announce",
}
"""What an entry is called in the audit, which has one record of each."""


def check_accounts(cluster: Cluster, history: History) -> None:
    _check_codes(cluster)
    _check_audit(history)
    for person in cluster.people:
        if person.core is not None and person.core.state is State.ONLINE:
            _check_not_revoked(person.life_now, history)
            if person.core.name in history.suspended:
                raise Broken(f"{person.name} is here as {person.core.name}, who is suspended")


def _check_audit(history: History) -> None:
    """What was done to rooms and their members is in it, once for each time."""
    done = Counter(
        (committed.author, action, getattr(body, "user", ""), log[1:])
        for log, entries in history.logs.items()
        for committed in entries
        # What a room does by itself, or as it is created, or the operator does, is no command.
        if committed.author != SYSTEM_AUTHOR
        and committed.nonce is not None
        and (action := _AUDITED.get(type(body := committed.entry.body)))
    )
    told = Counter(
        (one.actor, one.action, one.subject, one.room)
        for one in history.audits
        if one.action in _AUDITED.values() and not one.actor.startswith("admin/")
    )
    if done != told:
        wrong = next(iter((done - told) + (told - done)))
        raise Broken(f"of {wrong} the audit has {told[wrong]} records, and the logs {done[wrong]}")
    for user in history.suspended:
        if not history.done_to(user, "suspend_user"):
            raise Broken(f"{user} is suspended, and the audit does not say by whom")


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
