"""Answers that a gateway merges: who is online into lists of members, and parts into one list."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import assert_never

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode, fitting
from zchat.protocol.internal import MembersOf
from zchat.protocol.messages import (
    LOBBY,
    AuditList,
    AuditRecord,
    ListMembers,
    ListRooms,
    MemberInfo,
    MemberList,
    ReadAudit,
    Refused,
    Role,
    RoomList,
    SearchMessages,
    SearchResults,
)
from zchat.protocol.rules.search_paging import newest_found

_members_of: Decoder[MembersOf | Refused] = Decoder(MembersOf | Refused)  # type: ignore[arg-type]
_room_lists = Decoder(RoomList)
_results: Decoder[SearchResults | Refused] = Decoder(SearchResults | Refused)  # type: ignore[arg-type]
_audit_lists: Decoder[AuditList | Refused] = Decoder(AuditList | Refused)  # type: ignore[arg-type]


def members(
    query: ListMembers, answer: bytes, online: Collection[str], away: Mapping[str, str]
) -> bytes:
    """The service's `MembersOf` with those online first; in the lobby is who is online."""
    listed = _members_of.decode(answer)
    if isinstance(listed, Refused):
        return answer
    roles = listed.roles
    if listed.room == LOBBY:
        here, gone = sorted(online), []
    else:
        here = [name for name in listed.names if name in online]
        gone = [name for name in listed.names if name not in online]
    infos = chain(
        (MemberInfo(name, roles.get(name, Role.MEMBER), True, away.get(name)) for name in here),
        (MemberInfo(name, roles.get(name, Role.MEMBER), False) for name in gone),
    )
    shown = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(MemberList(query.id, listed.room, shown, len(here) + len(gone)))


def joined(query: ListRooms | ReadAudit | SearchMessages, parts: Sequence[bytes]) -> bytes:
    """One answer of what several services have said."""
    if len(parts) == 1:
        return parts[0]
    match query:
        case ListRooms():
            return _rooms(query, parts)
        case ReadAudit():
            return _audit(query, parts)
        case SearchMessages():
            return _found(query, parts)
        case _:
            assert_never(query)


def _audit(query: ReadAudit, parts: Sequence[bytes]) -> bytes:
    """One list of all services' audits, newest first."""
    records: list[AuditRecord] = []
    for part in parts:
        listed = _audit_lists.decode(part)
        if isinstance(listed, Refused):
            return part
        records += listed.records
    records.sort(key=lambda record: -record.at_ms)
    shown = fitting(records[: query.limit], limits.ANSWER_BYTES_MAX)
    return encode(AuditList(query.id, shown))


def _rooms(query: ListRooms, parts: Sequence[bytes]) -> bytes:
    """One list of all partitions' lists, by name."""
    lists = [_room_lists.decode(part) for part in parts]
    infos = sorted((info for part in lists for info in part.rooms), key=lambda info: info.room)
    shown = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(RoomList(query.id, shown, sum(part.total for part in lists)))


def _found(query: SearchMessages, parts: Sequence[bytes]) -> bytes:
    """One list of what was found anywhere, newest first."""
    results: list[SearchResults] = []
    for part in parts:
        answer = _results.decode(part)
        if isinstance(answer, Refused):
            return part
        results.append(answer)
    entries = [entry for part in results for entry in part.entries]
    ends = [part.entries[-1].at_ms for part in results if part.more and part.entries]
    # What is older may come after something that a service has not said yet.
    certain = [entry for entry in entries if entry.at_ms >= max(ends, default=0)]
    shown, cut = newest_found(certain, query.limit)
    more = cut or len(certain) < len(entries) or any(part.more for part in results)
    return encode(SearchResults(query.id, shown, more, all(part.complete for part in results)))
