"""What the design promises, checked against what was committed and what clients were told.

Written from the promises and apart from the code: nothing here asks a core how it does things.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, cast, get_args

from zchat.client.core.events import Answered, EntryArrived, Fatal, SessionBegun, State
from zchat.protocol import limits, messages
from zchat.protocol.messages import (
    LOBBY,
    REQUESTS,
    SYSTEM_AUTHOR,
    AccountChange,
    Announced,
    AuditList,
    BanList,
    BlockedList,
    ConversationList,
    DeviceList,
    Done,
    EditList,
    Entry,
    JoinRoom,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    MemberAdded,
    MemberBanned,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberList,
    MessagePosted,
    Ping,
    PinList,
    Pong,
    PrivateMessageSent,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomList,
    SearchMessages,
    SearchResults,
    UserBanList,
    UserList,
)
from zchat.rooms.core.dispatch import RoomCore
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import token_digest

from .accounts import WRONG_PASSWORD
from .cluster import Cluster
from .history import History
from .operator import Announcements
from .people import Life, Person
from .rooms import Unlawful, is_room, wrong_invitation

if TYPE_CHECKING:
    from .watchers import Watchers

_COMMON = {RefusalCode.INVALID_NAME}
_OF_ROOMS = _COMMON | {RefusalCode.UNKNOWN_ROOM, RefusalCode.NOT_A_MEMBER, RefusalCode.BANNED}
_OF_MEMBERS = _OF_ROOMS | {RefusalCode.NOT_ALLOWED, RefusalCode.UNKNOWN_USER}
_NOT_NOW = {RefusalCode.BUSY, RefusalCode.UNAVAILABLE}
_OF_OTHERS = _COMMON | {
    RefusalCode.UNKNOWN_USER,
    RefusalCode.SESSION_ENDED,
    RefusalCode.BLOCKED,
}
_OF_LOGS = _OF_OTHERS | {RefusalCode.UNKNOWN_LOG, RefusalCode.NOT_A_MEMBER, RefusalCode.BANNED}
_OF_MESSAGES = _OF_LOGS | {RefusalCode.UNKNOWN_ENTRY, RefusalCode.MUTED}
_OF_PLACES = _OF_LOGS | _NOT_NOW
_OF_PINS = _OF_ROOMS | {RefusalCode.NOT_ALLOWED, RefusalCode.MUTED}
_OF_ACCOUNTS = {RefusalCode.NOT_ALLOWED, RefusalCode.SESSION_ENDED}
_REFUSALS: dict[type, set[RefusalCode]] = {
    messages.Post: _OF_ROOMS
    | {
        RefusalCode.EMPTY_TEXT,
        RefusalCode.MUTED,
        RefusalCode.NOT_ALLOWED,
        RefusalCode.TOO_FAST,
        RefusalCode.UNKNOWN_ENTRY,
    },
    messages.SendPrivate: _OF_OTHERS | {RefusalCode.EMPTY_TEXT, RefusalCode.UNKNOWN_ENTRY},
    messages.EditMessage: _OF_MESSAGES | {RefusalCode.EMPTY_TEXT, RefusalCode.NOT_ALLOWED},
    messages.DeleteMessage: _OF_MESSAGES | {RefusalCode.NOT_ALLOWED},
    messages.AddReaction: _OF_MESSAGES | {RefusalCode.LIMIT_REACHED},
    messages.RemoveReaction: _OF_MESSAGES,
    messages.PinMessage: _OF_PINS | {RefusalCode.LIMIT_REACHED, RefusalCode.UNKNOWN_ENTRY},
    messages.UnpinMessage: _OF_PINS,
    messages.StartConversation: _OF_OTHERS
    | {RefusalCode.NOT_ALLOWED, RefusalCode.LIMIT_REACHED, RefusalCode.TOO_FAST},
    messages.SetNotify: _OF_PLACES | {RefusalCode.NOT_ALLOWED},
    messages.SayTyping: _OF_PLACES | {RefusalCode.MUTED, RefusalCode.NOT_ALLOWED},
    messages.SetAway: _NOT_NOW | {RefusalCode.SESSION_ENDED},
    messages.ListPins: _OF_ROOMS | _NOT_NOW,
    messages.ReadEdits: _OF_PLACES | {RefusalCode.UNKNOWN_ROOM, RefusalCode.UNKNOWN_ENTRY},
    messages.SearchMessages: _OF_PLACES | {RefusalCode.UNKNOWN_ROOM},
    messages.ListConversations: _NOT_NOW | {RefusalCode.SESSION_ENDED},
    messages.CreateRoom: _COMMON
    | {RefusalCode.ROOM_EXISTS, RefusalCode.LIMIT_REACHED, RefusalCode.TOO_FAST},
    messages.JoinRoom: _COMMON
    | {
        RefusalCode.UNKNOWN_ROOM,
        RefusalCode.LIMIT_REACHED,
        RefusalCode.BANNED,
        RefusalCode.WRONG_KEY,
    },
    messages.LeaveRoom: _OF_ROOMS | {RefusalCode.NOT_ALLOWED},
    messages.SetTopic: _OF_ROOMS | {RefusalCode.NOT_ALLOWED, RefusalCode.MUTED},
    # In a conversation of several everybody may invite who may speak.
    messages.InviteMember: _OF_MEMBERS | {RefusalCode.LIMIT_REACHED, RefusalCode.MUTED},
    messages.KickMember: _OF_MEMBERS,
    messages.BanMember: _OF_MEMBERS | {RefusalCode.LIMIT_REACHED},
    messages.UnbanMember: _OF_MEMBERS,
    messages.MuteMember: _OF_MEMBERS | {RefusalCode.LIMIT_REACHED},
    messages.UnmuteMember: _OF_MEMBERS,
    messages.PromoteMember: _OF_MEMBERS,
    messages.DemoteMember: _OF_MEMBERS,
    messages.TransferRoom: _OF_MEMBERS,
    messages.ConfigureRoom: _OF_ROOMS | {RefusalCode.NOT_ALLOWED},
    messages.CloseRoom: _OF_ROOMS | {RefusalCode.NOT_ALLOWED},
    messages.ReportMessage: {
        RefusalCode.UNKNOWN_LOG,
        RefusalCode.UNKNOWN_ENTRY,
        RefusalCode.NOT_A_MEMBER,
        RefusalCode.BANNED,
        RefusalCode.TOO_FAST,
    },
    messages.ListBans: _OF_ROOMS | _NOT_NOW | {RefusalCode.NOT_ALLOWED},
    messages.Register: {
        RefusalCode.ALREADY_REGISTERED,
        RefusalCode.INVALID_PASSWORD,
        RefusalCode.SESSION_ENDED,
        RefusalCode.INVITATION_REQUIRED,
        RefusalCode.INVALID_INVITATION,
    },
    messages.ReadHistory: _OF_ROOMS
    | _NOT_NOW
    | {RefusalCode.UNKNOWN_USER, RefusalCode.SESSION_ENDED},
    messages.ListRooms: _COMMON | _NOT_NOW | {RefusalCode.UNKNOWN_ROOM},
    messages.ListMembers: _OF_ROOMS | _NOT_NOW,
    messages.ListUsers: _NOT_NOW | {RefusalCode.SESSION_ENDED},
    messages.Ping: _NOT_NOW | {RefusalCode.SESSION_ENDED},
    messages.ChangePassword: _OF_ACCOUNTS | {RefusalCode.WRONG_PASSWORD, RefusalCode.TOO_FAST},
    messages.DeleteAccount: _OF_ACCOUNTS | {RefusalCode.WRONG_PASSWORD, RefusalCode.TOO_FAST},
    messages.LogOutEverywhere: _OF_ACCOUNTS,
    messages.RevokeDevice: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_DEVICE},
    messages.EnableTotp: _OF_ACCOUNTS
    | {RefusalCode.WRONG_CODE, RefusalCode.WRONG_PASSWORD, RefusalCode.TOO_FAST},
    messages.BlockUser: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER, RefusalCode.LIMIT_REACHED},
    messages.UnblockUser: _OF_ACCOUNTS,
    messages.SuspendUser: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER},
    messages.RestoreUser: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER},
    messages.DisconnectUser: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER},
    messages.BanUsers: _OF_ACCOUNTS | {RefusalCode.LIMIT_REACHED},
    messages.UnbanUsers: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER},
    messages.KickUsers: _OF_ACCOUNTS | {RefusalCode.UNKNOWN_USER, RefusalCode.LIMIT_REACHED},
    messages.ListUserBans: _OF_ACCOUNTS | _NOT_NOW,
    messages.Announce: {RefusalCode.NOT_ALLOWED},
    messages.ReadAudit: _OF_ACCOUNTS | _NOT_NOW,
    messages.ListDevices: _OF_ACCOUNTS | _NOT_NOW,
    messages.ListBlocked: _OF_ACCOUNTS | _NOT_NOW,
}
"""Why each request may be refused in the end; commands that are told "not now" are repeated."""
NEVER_ASKED: frozenset[type] = frozenset(
    {
        # Said by the client by itself, and asked by the operator, with whom nobody is compared.
        messages.MarkRead,
        messages.SetStanding,
        messages.CreateInvitation,
        # Not simulated.
        messages.RevokeInvitation,
        messages.CreateAppToken,
        messages.DisableTotp,
    }
)
"""Requests that none of the people in the simulation makes, on purpose."""
assert not (_odd := REQUESTS.keys() ^ _REFUSALS.keys() ^ NEVER_ASKED), _odd
_ANSWERS: dict[type, type] = {
    ReadHistory: messages.History,
    ListRooms: RoomList,
    ListMembers: MemberList,
    ListBans: BanList,
    ListUsers: UserList,
    Ping: Pong,
    ListDevices: DeviceList,
    ListBlocked: BlockedList,
    ListUserBans: UserBanList,
    ReadAudit: AuditList,
    ListPins: PinList,
    ReadEdits: EditList,
    ListConversations: ConversationList,
    SearchMessages: SearchResults,
}
"""What answers a query; commands are answered with `Done`."""
assert not (_odd := {*get_args(messages.Query)} ^ _ANSWERS.keys()), _odd
_STAMP = re.compile(r"((?:client|vandal)-\d+ \d+) (\d+)(?: x*)?(?: ?@\w+)?$")
_MAY_END_A_CLIENT = {
    RefusalCode.NAME_IN_USE,
    RefusalCode.PASSWORD_REQUIRED,
    RefusalCode.WRONG_PASSWORD,
    RefusalCode.LIMIT_REACHED,
    RefusalCode.TOO_FAST,
    RefusalCode.CODE_REQUIRED,
    RefusalCode.WRONG_CODE,
    RefusalCode.SUSPENDED,
    RefusalCode.BANNED,
    RefusalCode.INVITATION_REQUIRED,
    RefusalCode.INVALID_INVITATION,
}
_LOGGED_OUT = {
    RefusalCode.PASSWORD_REQUIRED,
    RefusalCode.WRONG_PASSWORD,
    RefusalCode.CODE_REQUIRED,
    RefusalCode.WRONG_CODE,
}
"""What a client is told whose token is not known any more."""
_LOGS_OUT = {
    AccountChange.PASSWORD_CHANGED,
    AccountChange.LOGGED_OUT_EVERYWHERE,
    AccountChange.DEVICE_REVOKED,
}


_ANSWERED_ANEW = {RefusalCode.OVERTAKEN}
"""What a command may be told that is repeated when its entry has been removed."""


class Broken(Exception):
    """A promise is broken; the text says which, and how."""


def check(cluster: Cluster, history: History, watchers: "Watchers") -> None:
    _check_logs(history)
    _check_rooms(history)
    lives = [life for person in cluster.people for life in person.lives]
    _check_sender_order(history)
    _check_guests_are_over(history, cluster.people)
    by_nonce = _by_nonce(history)
    for life in lives:
        _check_answers(life, history, by_nonce)
        _check_run(life, history, watchers.floors)
        _check_ends(life, history)
    _check_announcements(cluster.operator.announcements, history)
    _check_quiet_end(cluster, history)
    _check_membership(cluster, history)
    _check_presence(cluster, history)
    _check_nothing_is_left(cluster)


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


def _check_sender_order(history: History) -> None:
    """By the serial in the texts, which rises in all that one client says."""
    for log in history.logs:
        last: dict[str, int] = {}
        for committed in history.said(log):
            match committed.entry.body:
                case MessagePosted(text=text) | PrivateMessageSent(text=text):
                    stamp = _stamp(text)
                case _:
                    continue
            if stamp is None:
                continue
            sender, number = stamp
            if number <= last.get(sender, 0):
                raise Broken(f"in {log}, {number} of {sender} comes after {last[sender]}")
            last[sender] = number


def _check_guests_are_over(history: History, people: Iterable[Person]) -> None:
    """A guest's name was free before the next one had it: by then all of it was said."""
    guests = {
        f"{person.name} {number}"
        for person in people
        for number, life in enumerate(person.lives, start=1)
        if all(event.guest for event in life.events if isinstance(event, SessionBegun))
    }
    for log in history.logs:
        newest: dict[tuple[str, str], int] = {}
        for committed in history.said(log):
            text = getattr(committed.entry.body, "text", "")
            stamp = _stamp(text)
            if stamp is None or stamp[0] not in guests:
                continue
            name, life = stamp[0].split()
            # An account that was deleted may still speak for a while, but its name is nobody's.
            key = (name, committed.author)
            if int(life) < newest.get(key, 0):
                raise Broken(f"in {log}, {name} speaks as the guest that it was before: {text}")
            newest[key] = int(life)


def _stamp(text: str) -> tuple[str, int] | None:
    """Who said it in which life, and the how manyeth it was; None for what a vandal has damaged."""
    match = _STAMP.match(text)
    return (match[1], int(match[2])) if match else None


# --- Rooms ----------------------------------------------------------------------------------------


def _check_rooms(history: History) -> None:
    """Each entry was allowed to its author, and each invitation was told of once."""
    for log in history.logs:
        if is_room(log):
            try:
                history.story(log)
            except Unlawful as unlawful:
                raise Broken(str(unlawful)) from None
    if wrong := wrong_invitation(history.logs):
        raise Broken(wrong)


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
        if not _was_removed(done, by_nonce.get((life.name, nonce or b"")), history):
            _check_kind_of_answer(life, event, history.moderators)
        if isinstance(done, messages.History):
            _check_history(life, done, history)
        if isinstance(done, SearchResults):
            _check_found(life, event, done, history)
        if isinstance(done, AuditList) and not all(one in history.audits for one in done.records):
            raise Broken(f"{life.person} reads an audit of what was never done")
        if isinstance(done, Done) and done.sequence and nonce is not None:
            place = by_nonce.get((life.name, nonce))
            if place != (done.log, done.sequence):
                raise Broken(
                    f"{life.person} was told that {type(event.request).__name__} {event.id} is "
                    f"{done.log} {done.sequence}, but it is {place or 'nowhere'}"
                )
        if isinstance(done, Refused) and nonce is not None:
            place = by_nonce.get((life.name, nonce))
            if place is not None and not _was_removed(done, place, history):
                raise Broken(
                    f"{life.person}: request {event.id} was refused ({done.code}), yet "
                    f"it stands in {place}"
                )


def _was_removed(answer: object, place: tuple[str, int] | None, history: History) -> bool:
    """Whether it was not known any more what became of a command, since its entry is gone."""
    if not isinstance(answer, Refused) or answer.code not in _ANSWERED_ANEW or not place:
        return False
    log, sequence = place
    return sequence <= max(history.removed.get(log, {0}))


def _check_kind_of_answer(life: Life, event: Answered, moderators: Collection[str]) -> None:
    request, answer = event.request, event.answer
    if isinstance(answer, Refused) and life.name in moderators and isinstance(request, JoinRoom):
        # From them a private room is not hidden, and is closed to them all the same.
        stated = answer.code in _REFUSALS[JoinRoom] | {RefusalCode.NOT_ALLOWED}
    elif isinstance(answer, Refused):
        stated = answer.code in _REFUSALS[type(request)]
    else:
        stated = isinstance(answer, _ANSWERS.get(type(request), Done))
    if not stated:
        what = getattr(answer, "code", type(answer).__name__)
        raise Broken(f"{life.person}: {type(request).__name__} was answered with {what}")


def _check_history(life: Life, answer: messages.History, history: History) -> None:
    """What is read again is what was committed, oldest first, and without holes in a room."""
    if answer.log.startswith("#"):
        read = [entry.sequence for entry in answer.entries]
        if read and read != list(range(read[0], read[0] + len(read))):
            raise Broken(f"{life.person} reads a history of {answer.log} with holes")
    for entry in answer.entries:
        if isinstance(entry.body, RoomClosed):
            raise Broken(f"{life.person} reads in {answer.log} of an earlier room of its name")
        entries = history.logs.get(entry.log, [])
        if entry.sequence > len(entries) or not history.was(entry):
            raise Broken(f"{life.person} reads {entry.log} {entry.sequence}, never committed so")


def _check_found(life: Life, event: Answered, answer: SearchResults, history: History) -> None:
    """What is found was said so, holds every word, and is for who has looked for it."""
    search = event.request
    assert isinstance(search, SearchMessages)
    times = [entry.at_ms for entry in answer.entries]
    if len(times) > search.limit and len(set(times)) > 1:
        raise Broken(f"{life.person} has found more than it wanted")
    for entry in answer.entries:
        place = f"{entry.log} {entry.sequence}"
        text = getattr(entry.body, "text", "")
        if not history.was(entry) or not all(word in text for word in search.text.split()):
            raise Broken(f"{life.person} finds {place} as {entry}, for {search.text!r}")
        if entry.log[0] == "@" and entry.log[1:] != life.name:
            raise Broken(f"{life.person} finds {place}, which is another's")
        if entry.log[0] == "@" and entry.sequence <= _inbox_begin(life, event.id, history):
            raise Broken(f"{life.person} finds {place}, which an earlier {life.name} was told")
        if is_room(entry.log):
            _check_found_in_room(life, event.id, entry, history)


def _inbox_begin(life: Life, request: int, history: History) -> int:
    """Up to where the inbox certainly is that of an earlier user of the name."""
    begun = [event for event in life.events if isinstance(event, SessionBegun)]
    asked_after = life.events[: life.asked_after[request]]
    # A guest may have gone and come back, and made an account, since this was asked.
    asking = [event for event in asked_after if isinstance(event, SessionBegun)] or begun
    if not asking[-1].guest:
        # Nobody else ever has the name of an account.
        return history.floors.get(life.name, 0)
    if not life.was_guest or life.from_head:
        # Where it began to follow says nothing of what was said before: that may have been to it.
        return 0
    # Nobody has read anything yet for the guest, so it begins where its inbox does.
    inbox = f"@{life.name}"
    return min((state.cursor for state in begun[0].logs if state.log == inbox), default=0)


def _check_found_in_room(life: Life, request: int, entry: Entry, history: History) -> None:
    """It is of a room that the asker was in, and which was not over before it asked."""
    place, story = f"{entry.log} {entry.sequence}", history.story(entry.log)
    first, last = history.room_of(entry.log, entry.sequence)
    if not story.was_in_between(life.name, first, last):
        raise Broken(f"{life.person} finds {place}, and was never in it")
    for event in life.events[: life.asked_after[request]]:
        if not isinstance(event, EntryArrived) or event.entry.log != entry.log:
            continue
        if isinstance(event.entry.body, RoomClosed) and event.entry.sequence == last:
            raise Broken(f"{life.person} finds {place}, of a room that was closed before")


def _check_announcements(announcements: Announcements, history: History) -> None:
    places: dict[str, int] = {}
    for committed in history.logs.get("#lobby", []):
        if isinstance(committed.entry.body, Announced):
            text = committed.entry.body.text
            if text in places or committed.author not in {SYSTEM_AUTHOR, *history.moderators}:
                raise Broken(f"{text} stands twice, or is by {committed.author}")
            places[text] = committed.sequence
    for text, answer in announcements.answers.items():
        if not isinstance(answer, Done) or places.get(text) != answer.sequence:
            raise Broken(f"the operator was told {answer} of {text}, which is {places.get(text)}")


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
                    at[state.log] = state.cursor
                left = at.keys() - {state.log for state in logs}
            case EntryArrived(entry=entry):
                log = entry.log
                entries = history.logs.get(log, [])
                if entry.sequence > len(entries) or not history.was(entry):
                    raise Broken(f"{life.person} saw {log} {entry.sequence}, never committed so")
                own_join = _brings_in(entry, life.name)
                if entry.sequence != at.get(log, -1) + 1 and not (
                    own_join and entry.sequence > at.get(log, 0)
                ):
                    raise Broken(
                        f"{life.person} saw {log} {entry.sequence} after {at.get(log, 'nothing')}"
                    )
                at[log] = entry.sequence
                if own_join:
                    left.discard(log)
                if log in left:
                    raise Broken(f"{life.person} saw {log} {entry.sequence} after it was put out")
                if is_room(log) and not history.story(log).may_see(life.name, entry.sequence):
                    raise Broken(f"{life.person} saw {log} {entry.sequence}, and was not in it")
                if _puts_out(entry, life.name):
                    left.add(log)


def _brings_in(entry: Entry, name: str) -> bool:
    """Whether it is the first entry that is for `name`."""
    match entry.body:
        case MemberJoined() | RoomCreated():
            return entry.author == name
        case MemberAdded(user=user):
            return user == name
        case _:
            return False


def _puts_out(entry: Entry, name: str) -> bool:
    """Whether it is the last entry that is for `name`."""
    match entry.body:
        case MemberLeft():
            return entry.author == name
        case MemberKicked(user=user) | MemberBanned(user=user):
            return user == name
        case RoomClosed():
            return True
        case _:
            return False


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
    if cursor > known and cursor in history.removed.get(log, ()):
        return  # What it missed has been removed.
    if cursor < known:
        raise Broken(f"{life.person} goes back in {log} from {known} to {cursor}")
    if log.startswith("@"):
        allowed = cursor in floors.get(log[1:], set())
    else:
        entries = history.logs[log]
        joined = entries[cursor].entry if cursor < len(entries) else None
        allowed = joined is not None and _brings_in(joined, life.name)
    if not allowed:
        raise Broken(f"{life.person} goes on in {log} at {cursor} after {known}")


def _living(people: Iterable[Person]) -> Iterator[Person]:
    return (person for person in people if person.core is not None)


def _check_quiet_end(cluster: Cluster, history: History) -> None:
    for person in _living(cluster.people):
        core, life = person.core, person.lives[-1]
        assert core is not None
        if core.state is not State.ONLINE and _place_is_lost(person, cluster.people, history):
            continue
        if core.state is not State.ONLINE:
            raise Broken(f"{person.name} is {core.state} after the quiet")
        if core._leaving:
            # It would be here while the first questions are asked, and not while the last are.
            raise Broken(f"{person.name} has quit and is still here after the quiet")
        answered = {event.id for event in life.events if isinstance(event, Answered)}
        if core.unanswered or answered != life.submitted.keys():
            raise Broken(f"{person.name} waits for {core.unanswered} answers after the quiet")
        if not core._cursors.marks.are_known:
            # What is asked next would be answered from before they come.
            raise Broken(f"{person.name} has read what the server does not know of")
        expected = {"#lobby", f"@{core.name}"}
        expected |= {f"#{room}" for room in history.rooms_of(core.name)}
        if life.logs is not None:
            expected &= life.logs
        if core.unwanted_total:
            raise Broken(f"{person.name} was sent {core.unwanted_total} entries against its wish")
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


def _place_is_lost(person: Person, people: Iterable[Person], history: History) -> bool:
    """Who was here waits for as long as others have its place.

    They have it if a guest was away for longer than its grace, or if no more programs may be here.
    Nobody else may still wait: it would come in while the last questions are answered.
    """
    life = person.lives[-1]
    others = [
        other
        for other in people
        if other.core is not None
        and other is not person
        and other.core.state is State.ONLINE
        and other.core.name == person.user
    ]
    # Who has the same token is the same guest.
    strangers = [other for other in others if other.lives[-1].first.token != life.first.token]
    begun = [event for event in life.events if isinstance(event, SessionBegun)]
    if len(others) >= limits.USER_SESSIONS_MAX or (begun and begun[-1].guest and strangers):
        return True
    kinds = {digest: kind for (user, digest), kind in history.tokens.items() if user == person.user}
    here = {token_digest(other.lives[-1].first.token) for other in others}
    alike = sum(kinds.get(digest) is bool(life.first.device) for digest in here)
    return token_digest(life.first.token) not in kinds and alike >= limits.USER_TOKENS_MAX


def _check_ends(life: Life, history: History) -> None:
    if life.first.password == WRONG_PASSWORD and _session_begun(life) and not life.shares:
        raise Broken(f"{life.person} came in with a wrong password")
    for event in life.events:
        if isinstance(event, Fatal) and (
            event.refused.code not in _MAY_END_A_CLIENT or _was_in(life, event, history)
        ):
            raise Broken(f"{life.person} was ended: {event.refused.code}, {event.refused.reason}")


def _session_begun(life: Life) -> bool:
    return any(isinstance(event, SessionBegun) for event in life.events)


def _was_in(life: Life, fatal: Fatal, history: History) -> bool:
    """A guest that was away for longer than its grace may find its name taken, and a client of an
    account may have been logged out; nobody else loses what they had.
    """
    begun = [event for event in life.events if isinstance(event, SessionBegun)]
    code = fatal.refused.code
    if code is RefusalCode.SUSPENDED:
        return not history.done_to(life.name, "suspend_user")
    if code is RefusalCode.BANNED:
        # A guest may share the address of one that was put out.
        return not any(one.action in ("ban_users", "kick_users") for one in history.audits)
    if begun and begun[-1].guest and code in (RefusalCode.NAME_IN_USE, *_LOGGED_OUT):
        return False
    if code in _LOGGED_OUT and _may_be_logged_out(life, history):
        return False
    return bool(begun)


def _may_be_logged_out(life: Life, history: History) -> bool:
    """Somebody has seen to it, or there are more devices than an account may have."""
    changes = {change.change for change in history.changes(life.name)}
    crowded = limits.USER_TOKENS_MAX < 5
    return crowded or life.name not in history.users or not changes.isdisjoint(_LOGS_OUT)


# --- Services -------------------------------------------------------------------------------------


def _check_membership(cluster: Cluster, history: History) -> None:
    if history.owed:
        raise Broken(f"after the quiet {history.owed[0]}")
    if history.open_rooms != history.rows_of_members.keys():
        rows, rooms = sorted(history.rows_of_members), sorted(history.open_rooms)
        raise Broken(f"there are rows of {rows}, and open are {rooms}")
    for room, members in history.rows_of_members.items():
        folded = history.members(f"#{room}")
        if members != folded:
            raise Broken(f"{room} has {sorted(members)}, its log says {sorted(folded)}")
        gone = members - set(history.users)
        if gone:
            raise Broken(f"{room} has members who are gone: {sorted(gone)}")
    for database in cluster.rooms:
        assert database.serving.turns is not None
        _check_room_state(cast(RoomCore, database.serving.turns.beat.core), history)
    for database in cluster.rooms:
        assert database.serving.turns is not None
        core = cast(RoomCore, database.serving.turns.beat.core)
        for name in history.users:
            has = core.rooms_of.get(name, set())
            told = history.rooms_of(name) & core.rooms.keys()
            if has != told:
                raise Broken(f"{database.name} has {name} in {sorted(has)}, not {sorted(told)}")


def _check_room_state(core: RoomCore, history: History) -> None:
    """What the service knows of its rooms is what their logs say."""
    for name, room in core.rooms.items():
        if name == LOBBY:
            continue
        story = history.story(f"#{name}")
        roles = {user: member.role for user, member in room.members.items()}
        if roles and list(roles.values()).count(Role.OWNER) != 1:
            raise Broken(f"{name} has not one owner: {roles}")
        if roles != story.roles:
            raise Broken(f"{name} has {roles}, its log says {story.roles}")
        key = bool(room.key)
        settings = (room.private, key, room.posting, room.slow_mode_s, room.members_max)
        if RoomConfigured(*settings) != story.settings:
            raise Broken(f"{name} is {settings}, its log says {story.settings}")
        if not story.muted <= room.muted.keys() or not room.invited.keys() <= story.invited:
            raise Broken(f"{name} has other mutes or invitations than its log says")
        for_ever = {user for user, until_ms in story.bans.items() if until_ms is None}
        if not for_ever <= room.bans.keys():
            raise Broken(f"{name} has forgotten the bans of {sorted(for_ever - room.bans.keys())}")
        if not room.bans.keys() <= story.bans.keys():
            raise Broken(f"{name} has bans of which its log knows nothing: {sorted(room.bans)}")


def _check_presence(cluster: Cluster, history: History) -> None:
    here = {person.core.name for person in _living(cluster.people) if person.core}
    users = cluster.users.serving.turns
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


def _check_nothing_is_left(cluster: Cluster) -> None:
    """Whoever is gone has left nothing behind."""
    for gateway in cluster.gateways:
        core = gateway.turns.core
        there = [
            person
            for person in _living(cluster.people)
            if person.wire is not None and person.wire.gateway is gateway
        ]
        if len(core.sessions) != len(there):
            raise Broken(
                f"{gateway.name} has {len(core.sessions)} sessions for {len(there)} people"
            )
        if core.requests.departing or core.fan_out._fetches:
            raise Broken(f"{gateway.name} still waits for something of those who are gone")
        followed = {log for person in there if person.core for log in person.core.followed}
        if left := core.fan_out._logs.keys() - followed:
            raise Broken(f"{gateway.name} follows {sorted(left)} for nobody")
