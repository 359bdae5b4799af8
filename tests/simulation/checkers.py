"""What the design promises, checked against what was committed and what clients were told.

Written from the promises and apart from the code: nothing here asks a core how it does things.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from zchat.client.core import State
from zchat.client.events import Answered, EntryArrived, Fatal, SessionBegun
from zchat.protocol.messages import (
    CreateRoom,
    Done,
    JoinRoom,
    LeaveRoom,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    Post,
    PrivateMessageSent,
    RefusalCode,
    Refused,
    RoomCreated,
)
from zchat.users.core import UserCore

from .cluster import Cluster
from .history import History
from .people import Life, Person

_MAY_END_A_CLIENT = {
    RefusalCode.NAME_IN_USE,
    RefusalCode.PASSWORD_REQUIRED,
    RefusalCode.WRONG_PASSWORD,
    RefusalCode.LIMIT_REACHED,
}


STALE_COPIES_ARE_BUGS = False
"""KNOWN: only what was done is remembered by its nonce, not what was refused. So a command that was
refused through one gateway, and still waits in the link of another one that the sender has left, is
done there when the reason for the refusal is gone."""


class Broken(Exception):
    """A promise is broken; the text says which, and how."""


def check(cluster: Cluster, history: History, floors: dict[str, set[int]]) -> None:
    """`floors` are the beginnings of all the inboxes that a name has had."""
    _check_logs(history)
    lives = [life for person in cluster.people for life in person.lives]
    _check_sender_order(history, lives)
    by_nonce = _by_nonce(history)
    for life in lives:
        _check_answers(life, history, by_nonce)
        _check_run(life, history, floors)
    _check_quiet_end(cluster, history)
    _check_membership(cluster, history)
    _check_presence(cluster, history)


# --- Logs -----------------------------------------------------------------------------------------


def _check_logs(history: History) -> None:
    for service, positions in history.positions.items():
        if positions != list(range(1, len(positions) + 1)):
            raise Broken(f"the stream of {service} has a gap")
    for log, entries in history.logs.items():
        for expected, committed in enumerate(entries, start=1):
            if committed.sequence != expected or committed.entry.sequence != expected:
                raise Broken(f"{log} has {committed.sequence} where {expected} should be")


def _by_nonce(history: History) -> dict[tuple[str, bytes], tuple[str, int]]:
    found: dict[tuple[str, bytes], tuple[str, int]] = {}
    for log, entries in history.logs.items():
        for committed in entries:
            if committed.nonce is None:
                continue
            key = (committed.author, committed.nonce)
            if key in found:
                raise Broken(f"{committed.author}'s command stands twice: {found[key]} and {log}")
            found[key] = (log, committed.sequence)
    return found


def _check_sender_order(history: History, lives: Iterable[Life]) -> None:
    """By the serial in the texts, where nothing could have been refused in between."""
    periods: dict[tuple[str, int], int] = {}
    for life in lives:
        changes: dict[str, int] = {}
        for request in life.submitted.values():
            match request:
                case JoinRoom(room=room) | LeaveRoom(room=room) | CreateRoom(room=room):
                    changes[room] = changes.get(room, 0) + 1
                case Post(room=room, text=text):
                    periods[_stamp(text)] = changes.get(room, 0)
                case _:
                    pass
    for log, entries in history.logs.items():
        last: dict[tuple[str, int], int] = {}
        for committed in entries:
            match committed.entry.body:
                case MessagePosted(text=text):
                    sender, number = _stamp(text)
                    # KNOWN: a post that was refused for want of membership, and is sent again
                    # before the refusal was heard, is done after the join that followed it.
                    period = periods[sender, number]
                case PrivateMessageSent(text=text, to=to) if to == committed.author:
                    (sender, number), period = _stamp(text), 0
                case _:
                    continue
            if number <= last.get((sender, period), 0):
                raise Broken(f"in {log}, {number} of {sender} comes after {last[sender, period]}")
            last[sender, period] = number


def _stamp(text: str) -> tuple[str, int]:
    person, life, serial, *_ = text.split()
    return f"{person} {life}", int(serial)


# --- Answers --------------------------------------------------------------------------------------


def _check_answers(
    life: Life, history: History, by_nonce: dict[tuple[str, bytes], tuple[str, int]]
) -> None:
    answered: set[int] = set()
    for event in life.events:
        if not isinstance(event, Answered):
            continue
        if event.id in answered:
            raise Broken(f"{life.person}: request {event.id} was answered twice")
        answered.add(event.id)
        nonce = getattr(event.request, "nonce", None)
        done = event.answer
        if isinstance(done, Done) and done.sequence and nonce is not None:
            place = by_nonce.get((life.name, nonce))
            if place != (done.log, done.sequence):
                raise Broken(
                    f"{life.person} was told that {type(event.request).__name__} {event.id} is "
                    f"{done.log} {done.sequence}, but it is {place or 'nowhere'}"
                )
        if STALE_COPIES_ARE_BUGS and isinstance(done, Refused) and nonce is not None:
            place = by_nonce.get((life.name, nonce))
            if place is not None:
                raise Broken(
                    f"{life.person}: request {event.id} was refused ({done.code}), yet "
                    f"it stands in {place}"
                )


# --- What clients see -----------------------------------------------------------------------------


def _check_run(life: Life, history: History, floors: dict[str, set[int]]) -> None:
    """Each log from where it began, in order, once, and with the committed words."""
    at: dict[str, int] = {}
    left: set[str] = set()
    """Where another device may join again: then this one begins at the read marker."""
    for event in life.events:
        match event:
            case SessionBegun(logs=logs):
                for state in logs:
                    if state.log not in left:
                        _check_begin(life, history, at, state.log, state.cursor, floors)
                    left.discard(state.log)
                    at[state.log] = state.cursor
            case EntryArrived(entry=entry):
                log = entry.log
                entries = history.logs.get(log, [])
                if entry.sequence > len(entries) or entries[entry.sequence - 1].entry != entry:
                    raise Broken(f"{life.person} saw {log} {entry.sequence}, never committed so")
                joins = isinstance(entry.body, MemberJoined | RoomCreated)
                own_join = joins and entry.author == life.name
                if entry.sequence != at.get(log, -1) + 1 and not (
                    own_join and entry.sequence > at.get(log, 0)
                ):
                    raise Broken(
                        f"{life.person} saw {log} {entry.sequence} after {at.get(log, 'nothing')}"
                    )
                at[log] = entry.sequence
                if isinstance(entry.body, MemberLeft) and entry.author == life.name:
                    left.add(log)


def _check_begin(
    life: Life,
    history: History,
    at: dict[str, int],
    log: str,
    cursor: int,
    floors: dict[str, set[int]],
) -> None:
    known = at.get(log)
    if known is None or cursor == known:
        return
    if cursor < known:
        raise Broken(f"{life.person} goes back in {log} from {known} to {cursor}")
    if log.startswith("@"):
        allowed = cursor in floors.get(log[1:], set())
    else:
        entries = history.logs[log]
        joined = entries[cursor].entry if cursor < len(entries) else None
        allowed = (
            joined is not None
            and joined.author == life.name
            and isinstance(joined.body, MemberJoined | RoomCreated)
        )
    if not allowed:
        raise Broken(f"{life.person} goes on in {log} at {cursor} after {known}")


def _living(people: Iterable[Person]) -> Iterator[Person]:
    return (person for person in people if person.core is not None)


def _check_quiet_end(cluster: Cluster, history: History) -> None:
    for person in _living(cluster.people):
        core, life = person.core, person.lives[-1]
        assert core is not None
        if core.state is not State.ONLINE and _name_is_lost(person, cluster.people):
            continue
        if core.state is not State.ONLINE:
            raise Broken(f"{person.name} is {core.state} after the quiet")
        if core.unanswered:
            raise Broken(f"{person.name} waits for {core.unanswered} answers after the quiet")
        expected = {"#lobby", f"@{core.name}"}
        expected |= {
            log for log in history.logs if log[0] == "#" and core.name in history.members(log)
        }
        if core.followed != expected:
            raise Broken(
                f"{person.name} follows {sorted(core.followed)} instead of {sorted(expected)}"
            )
        at: dict[str, int] = {}
        for event in life.events:
            if isinstance(event, SessionBegun):
                at |= {state.log: state.cursor for state in event.logs}
            elif isinstance(event, EntryArrived):
                at[event.entry.log] = event.entry.sequence
        for log in expected:
            head = len(history.logs.get(log, []))
            if at.get(log, 0) != head:
                raise Broken(f"{person.name} is at {at.get(log)} of {log}, whose head is {head}")
    for person in cluster.people:
        for life in person.lives:
            _check_last_word(life)


def _name_is_lost(person: Person, people: Iterable[Person]) -> bool:
    """A guest that was away for longer than its grace waits for whoever has its name by now."""
    begun = [event for event in person.lives[-1].events if isinstance(event, SessionBegun)]
    return (
        bool(begun)
        and begun[-1].guest
        and any(
            other.core is not None
            and other is not person
            and other.core.state is State.ONLINE
            and other.core.name == person.user
            for other in people
        )
    )


def _check_last_word(life: Life) -> None:
    for event in life.events:
        if isinstance(event, Fatal) and (
            event.refused.code not in _MAY_END_A_CLIENT or _was_in(life, event)
        ):
            raise Broken(f"{life.person} was ended: {event.refused.code}, {event.refused.reason}")


def _was_in(life: Life, fatal: Fatal) -> bool:
    """A guest that was away for longer than its grace may find its name taken; nobody else may."""
    begun = [event for event in life.events if isinstance(event, SessionBegun)]
    lost_name = fatal.refused.code in (RefusalCode.NAME_IN_USE, RefusalCode.PASSWORD_REQUIRED)
    return bool(begun) and not (begun[-1].guest and lost_name)


# --- Services -------------------------------------------------------------------------------------


def _check_membership(cluster: Cluster, history: History) -> None:
    if history.owed:
        raise Broken(f"after the quiet {history.owed[0]}")
    for room, members in history.rows_of_members.items():
        folded = history.members(f"#{room}")
        if members != folded:
            raise Broken(f"{room} has {sorted(members)}, its log says {sorted(folded)}")
        gone = members - set(history.users)
        if gone:
            raise Broken(f"{room} has members who are gone: {sorted(gone)}")
    for name in history.users:
        for service in cluster.services[1:]:
            assert service.turns is not None
            core = service.turns.beat.core
            rooms = getattr(core, "rooms_of", {}).get(name, set())
            folded = {
                log[1:]
                for log in history.logs
                if log[0] == "#"
                and log[1:] in getattr(core, "rooms", {})
                and name in history.members(log)
            }
            if rooms != folded:
                raise Broken(f"{service.name} has {name} in {sorted(rooms)}, not {sorted(folded)}")


def _check_presence(cluster: Cluster, history: History) -> None:
    here = {person.core.name for person in _living(cluster.people) if person.core}
    users = cluster.services[0].turns
    assert users is not None
    online = cast(UserCore, users.beat.core).presence.online
    if online != here:
        raise Broken(f"the user-service has {sorted(online)} online, here are {sorted(here)}")
    for gateway in cluster.gateways:
        told = gateway.turns.core.presence.online
        if told != here:
            raise Broken(f"{gateway.name} has {sorted(told)} online, here are {sorted(here)}")
    for name, guest in history.users.items():
        if guest and name not in here:
            raise Broken(f"the guest {name} is gone, and its name is not free")
