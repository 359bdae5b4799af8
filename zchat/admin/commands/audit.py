"""`zchat-admin audit`: what operators, moderators and owners have done, of all services."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from zchat.admin import times
from zchat.admin.output import admin_command, as_json_option, name, option, show_list
from zchat.admin.rpc import REQUEST, Queries, ask_one, open_queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import AuditList, AuditRecord, ReadAudit, Refused
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime.options import whole
from zchat.runtime.settings import Settings

_lists: Decoder[AuditList | Refused] = Decoder(AuditList | Refused)  # type: ignore[arg-type]
_NUMBER: Final = 50
_NUMBER_MAX: Final = 100_000

Ask = Callable[[ReadAudit], list[AuditRecord]]
"""The page that a service answers with: newest first."""


def records_of(ask: Ask, since_ms: int = 0) -> Iterator[AuditRecord]:
    """All records of a service from then on, newest first, page by page.

    A page may end among records of one millisecond. The next one begins with that millisecond
    again, and those of it that were seen are left out.
    """
    before_ms: int | None = None
    seen: Counter[AuditRecord] = Counter()
    while True:
        page = ask(ReadAudit(id=REQUEST, limit=limits.AUDIT_RECORDS_MAX, before_ms=before_ms))
        new = list((Counter(page) - seen).elements())
        yield from (record for record in new if record.at_ms >= since_ms)
        # Not the time of the last one: the clock may have been set back between two starts.
        last_ms = min((record.at_ms for record in page), default=0)
        if not page or last_ms < since_ms:
            return
        if page[0].at_ms == last_ms:
            # One millisecond has more records than a page, and pages are asked for by time: the
            # rest of these cannot be had.
            before_ms, seen = last_ms, Counter()
        else:
            before_ms = last_ms + 1
            seen = Counter(record for record in page if record.at_ms == last_ms)


def _asker(asking: Queries, address: str) -> Ask:
    return lambda query: ask_one(asking, address, query, _lists).records


def _audit(
    settings: Settings,
    number: int,
    actor: str | None,
    action: str | None,
    user: str | None,
    room: str | None,
    since: int | None,
    as_json: bool,
) -> None:
    def wanted(record: AuditRecord) -> bool:
        return all(
            asked is None or asked == given
            for asked, given in (
                (actor, record.actor),
                (action, record.action),
                (user, record.subject),
                (room, record.room),
            )
        )

    with open_queries(settings) as asking:
        of_services = [
            records_of(_asker(asking, address), since or 0)
            for address in service_addresses(settings.partitions)
        ]
        merged = heapq.merge(*of_services, key=lambda record: -record.at_ms)
        records: list[AuditRecord] = []
        for record in merged:
            if len(records) >= number:
                break
            if wanted(record):
                records.append(record)
    head = ("when", "who", "what", "whom", "where", "why")
    show_list(records, head, _row, as_json=as_json)


def _row(record: AuditRecord) -> tuple[str, ...]:
    room = f"#{record.room}" if record.room else ""
    when = times.utc(record.at_ms)
    return (when, record.actor, record.action, record.subject, room, record.reason)


def _action(text: str) -> str:
    return text.lower().replace("-", "_")


AUDIT = admin_command(
    "audit",
    _audit,
    "List what operators, moderators and owners have done, newest first.",
    option("-n number", "N", "How many.", whole(1, _NUMBER_MAX), _NUMBER),
    option("--actor", "ACTOR", "Who did it: a name, or admin/NAME."),
    option("--action", "ACTION", "What was done: kick_member, suspend_user, …", _action),
    option("--user", "USER", "To whom.", name),
    option("--room", "ROOM", "Where.", name),
    option(
        "--since", "TIME", "Not before then: 2026-05-04, or 7d for that long ago.", times.since_ms
    ),
    as_json_option(),
)
