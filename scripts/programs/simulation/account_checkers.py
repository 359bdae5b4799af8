"""What is promised of accounts: what was used up or taken away lets nobody in again."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from zchat.client.core.events import Answered, SessionBegun, State
from zchat.protocol import limits
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AccountChange,
    AccountChanged,
    Announced,
    Done,
    MemberBanned,
    MemberDemoted,
    MemberKicked,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    MessageDeleted,
    MessageEdited,
    Register,
    RoomClosed,
    RoomConfigured,
    RoomTransferred,
    Standing,
    inbox_log,
)

from .beginning import ACCOUNTS
from .checkers import Broken
from .cluster import Cluster
from .history import History
from .people import Life, Person
from .rooms import is_room
from .world import BEGIN_MS

HOUR_MS: Final = 3_600_000
"""Clocks are not set back so far."""

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
    _check_namesakes(cluster, history)
    if cluster.invites:
        _check_invitations(cluster, history)
    for person in cluster.people:
        if person.core is not None and person.core.state is State.ONLINE:
            token = person.life_now.first.token
            lives = [life for each in cluster.people for life in each.lives]
            prefixes = tuple(life.prefix for life in lives if life.first.token == token)
            _check_not_logged_out(person.life_now, history, prefixes)
            if len(prefixes) == 1:
                # What was revoked another program may have proved again by a password.
                _check_not_revoked(person.life_now, history)
            if person.core.name in history.suspended:
                raise Broken(f"{person.name} is here as {person.core.name}, who is suspended")
            if person.core.name in history.banned and not _keeps_order(person):
                raise Broken(f"{person.name} is here as {person.core.name}, who is banned")


def _keeps_order(person: Person) -> bool:
    """Whom no ban keeps out."""
    begun = [event for event in person.life_now.events if isinstance(event, SessionBegun)]
    return begun[-1].standing in (Standing.MODERATOR, Standing.OPERATOR)


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
    for user in history.banned:
        if not history.done_to(user, "ban_users"):
            raise Broken(f"{user} is banned, and the audit does not say by whom")


def _check_codes(cluster: Cluster) -> None:
    """Whose token is its own was let in by its password, with its code."""
    used = set(cluster.people[0].accounts.used_codes)
    for person in cluster.people:
        for life in person.lives:
            shown = (life.name, life.first.code)
            begun = any(isinstance(event, SessionBegun) for event in life.events)
            if not life.first.code or not begun or life.shares:
                continue
            if shown in used:
                raise Broken(f"{life.person} came in with a one-time code that was used before")
            used.add(shown)


def _check_not_revoked(life: Life, history: History) -> None:
    device = life.first.device
    changes = [change.change for change in history.changes(life.name) if change.about == device]
    if device and changes and changes[-1] == AccountChange.DEVICE_REVOKED:
        raise Broken(f"{life.person} is here as a device that was revoked")


def _check_not_logged_out(life: Life, history: History, prefixes: tuple[bytes, ...]) -> None:
    """No session goes on that is older than what has ended all of them, or all others.

    `prefixes` are of the nonces of all programs that have its token.
    """
    log = inbox_log(life.name)
    begun = [event for event in life.events if isinstance(event, SessionBegun)][-1]
    head = next((state.head for state in begun.logs if state.log == log), None)
    if head is None:
        return  # It does not want to see the inbox.
    for committed in history.logs.get(log, [])[head:]:
        body = committed.entry.body
        if not isinstance(body, AccountChanged):
            continue
        own = (committed.nonce or b"").startswith(prefixes)
        if body.change is AccountChange.LOGGED_OUT_EVERYWHERE or (
            body.change is AccountChange.PASSWORD_CHANGED and not own
        ):
            raise Broken(f"{life.person} is here, and {log} {committed.sequence} has ended that")


def _check_namesakes(cluster: Cluster, history: History) -> None:
    """What a guest has said nobody changes who comes later under its name, and is a guest."""
    if any(host.was_set for host in cluster.world.hosts):
        return  # Who was first is known by the clocks of two services.
    guests = {
        life.prefix: life for person in cluster.people for life in person.lives if life.was_guest
    }
    for log in history.logs:
        for committed in history.said(log):
            life = guests.get((committed.nonce or b"")[: limits.NONCE_PREFIX_BYTES])
            body = committed.entry.body
            if life is None or not isinstance(body, MessageEdited | MessageDeleted):
                continue
            message = history.logs[log][body.sequence - 1]
            if message.author != life.name or (message.nonce or b"").startswith(life.prefix):
                continue
            rank = history.story(log).deleted_own.get(committed.sequence, 0) if is_room(log) else 0
            if isinstance(body, MessageEdited) or rank < 2:
                raise Broken(
                    f"{log} {committed.sequence}: {life.person} changes what an earlier "
                    f"{life.name} has said"
                )


def _check_invitations(cluster: Cluster, history: History) -> None:
    """Each makes one account, and no account is made without."""
    accounts = cluster.people[0].accounts
    used: dict[str, str] = {}
    for person in cluster.people:
        for life in person.lives:
            for code in _invited_by(life):
                if code not in accounts.invitations:
                    raise Broken(f"{life.person} has an account, and its invitation is {code!r}")
                if used.setdefault(code, life.name) != life.name:
                    raise Broken(f"{life.name} has an account by the invitation of {used[code]}")
    begun = () if cluster.beginning is None else ACCOUNTS
    made = [name for name, at_ms in history.registered.items() if at_ms >= BEGIN_MS - HOUR_MS]
    made = [name for name in made if name not in begun]
    if len(made) > len(accounts.invitations):
        raise Broken(f"{made} are accounts, by {len(accounts.invitations)} invitations")


def _invited_by(life: Life) -> Iterator[str]:
    """With which codes accounts were made, as far as anybody was told."""
    begun = next((event for event in life.events if isinstance(event, SessionBegun)), None)
    if begun is not None and life.first.register and not begun.guest and not life.shares:
        yield life.first.invitation
    for event in life.events:
        match event:
            case Answered(request=Register(invitation=code), answer=Done()):
                yield code
            case _:
                pass
