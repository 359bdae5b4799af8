"""What an operator has every service do, whatever its logs are about."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zchat.log.answers import Answer, Key
from zchat.log.floors import Policy
from zchat.log.store import Store
from zchat.log.timeline import Timeline
from zchat.protocol import costs, limits
from zchat.protocol.codec import encode
from zchat.protocol.costs import Steps
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AuditRecord,
    Entry,
    RefusalCode,
    Refused,
    Standing,
)
from zchat.protocol.names import printable
from zchat.protocol.operators import (
    CountExpired,
    ExpiredCounts,
    FindMessages,
    ImportEntries,
    KeptLogs,
    ListKept,
    LogKept,
    SetRetention,
)
from zchat.protocol.targets import InvalidTarget
from zchat.service import finding
from zchat.service.effects import Effects, Refusal, Sender
from zchat.service.retention import PROBES, count_older, keep_s

PREFIXES = ("#", "@")
"""Of a log's name, for the policy of all logs that begin so."""
_AUTHORS_NAMED_MAX = 10
"""In one record of the audit, of those whose messages were removed."""


def require_operator(sender: Sender) -> None:
    """Raises `Refusal` unless it is `zchat-admin`, which acts for no user."""
    if sender.user or sender.standing is not Standing.OPERATOR:
        raise Refusal(RefusalCode.NOT_ALLOWED, "only zchat-admin may do that")


def set_retention(
    sender: Sender,
    command: SetRetention,
    effects: Effects[Any, Any],
    heads: Mapping[str, int],
    at_ms: int,
) -> Answer:
    """Says how long the entries of a log are kept, or of all logs."""
    require_operator(sender)
    log = command.log
    if log not in PREFIXES and log not in heads:
        raise Refusal(RefusalCode.UNKNOWN_LOG, f"there is no log {printable(log)}")
    effects.policies.append(Policy(log, command.keep_s))
    kept = "as others" if command.keep_s is None else f"{command.keep_s} s"
    record = AuditRecord(at_ms, sender.actor, "set_retention", log, "", f"kept {kept}")
    effects.audits.append(record)
    return Answer(None, 0)


def redact(
    sender: Sender,
    log: str,
    heads: dict[str, int],
    log_heads: dict[str, int],
    act: Callable[[], Answer],
) -> Answer:
    """Does `act`, which takes the head of the log to be known, also if its room or user is gone.

    Then it is one of `log_heads`, and among the others for no longer than this takes.
    """
    require_operator(sender)
    if log in heads:
        return act()
    if not log_heads.get(log):
        raise Refusal(RefusalCode.UNKNOWN_LOG, f"there is no log {printable(log)}")
    heads[log] = log_heads[log]
    try:
        return act()
    finally:
        log_heads[log] = heads.pop(log)


def audit_redacted(
    effects: Effects[Any, Any],
    sender: Sender,
    log: str,
    gone: Sequence[Entry],
    reason: str,
    at_ms: int,
) -> None:
    """Whose messages of which log are gone, and how many; not what they said."""
    if not gone:
        return
    (author, _), *others = counts = Counter(entry.author for entry in gone).most_common()
    what = f"{len(gone)} {'message' if len(gone) == 1 else 'messages'}"
    if others:
        named = ", ".join(f"{name} {count}" for name, count in counts[:_AUTHORS_NAMED_MAX])
        more = len(counts) - _AUTHORS_NAMED_MAX
        what += f" ({named}{f' and {more} others' if more > 0 else ''})"
    why = f"{what}: {printable(reason)}" if reason else what
    room = log[1:] if log[0] == "#" else log
    subject = "" if others else author
    record = AuditRecord(at_ms, sender.actor, "redact_messages", subject, room, why)
    effects.audits.append(record)


def key_of_import(command: ImportEntries) -> Key:
    """By the first of its entries it is known that the command was done."""
    author = command.entries[0].author if command.entries else SYSTEM_AUTHOR
    return Key(author, command.nonce_of(0), rising=False)


def append_imported(timeline: Timeline, log: str, command: ImportEntries) -> Answer:
    sequence = 0
    for index, entry in enumerate(command.entries):
        nonce = command.nonce_of(index)
        appended = timeline.append(log, entry.author, entry.body, entry.at_ms, nonce, entry.thread)
        sequence = sequence or appended
    return Answer(log, sequence)


def audit_import(
    effects: Effects[Any, Any], sender: Sender, at_ms: int, *, subject: str = "", room: str = ""
) -> None:
    effects.audits.append(AuditRecord(at_ms, sender.actor, "import_entries", subject, room, ""))


def answer(store: Store, query: CountExpired | FindMessages | ListKept, at_ms: int) -> Steps[bytes]:
    if isinstance(query, FindMessages):
        try:
            return encode((yield from finding.find(store, query)))
        except InvalidTarget as error:
            return encode(Refused(None, RefusalCode.INVALID_NAME, str(error)))
    if isinstance(query, ListKept):
        policies = store.policies()
        return encode(
            KeptLogs([LogKept(p.log, p.keep_s) for p in policies if p.keep_s is not None])
        )
    return encode((yield from _count_expired(store, query, at_ms)))


def _count_expired(store: Store, query: CountExpired, at_ms: int) -> Steps[ExpiredCounts]:
    """What would go if the policy of `query.log` were this one, a page of logs at a time."""
    policies = {policy.log: policy for policy in store.policies()}
    policies[query.log] = Policy(query.log, query.keep_s)
    page = store.logs_after(query.after, limits.COUNTED_LOGS_MAX)
    own = {policy.log for policy in policies.values() if policy.keep_s is not None}
    concerned = [
        log for log in page if log == query.log or (log[0] == query.log and log not in own)
    ]
    counts: dict[str, int] = {}
    for log, head in store.heads(concerned).items():
        if kept_s := keep_s(policies, log):
            counts[log] = count_older(store, log, head, at_ms - 1000 * kept_s)
            yield costs.of_rows(PROBES, PROBES * limits.FRAME_BYTES_MAX // 2)
    counts = {log: count for log, count in counts.items() if count}
    return ExpiredCounts(counts, page[-1] if len(page) == limits.COUNTED_LOGS_MAX else None)
