"""What operators have every service do: retention, redaction, imports, erasing, and searches."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from zchat.eventlog.core.changes import Policy
from zchat.eventlog.core.idempotency import Answer, Key
from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AuditRecord,
    Entry,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    RefusalCode,
    Refused,
    Standing,
    TopicChanged,
)
from zchat.protocol.operators import (
    CountExpired,
    ExpiredCounts,
    FindMessages,
    ImportEntries,
    KeptLogs,
    ListKept,
    LogKept,
    MessagesFound,
    ReplaceName,
    SetRetention,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.targets import InvalidTarget, target_of
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.retention import PROBES, count_older, keep_s

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
            return encode((yield from find(store, query)))
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


# --- Erasing a person: an entry under another name ------------------------------------------------
#
# Texts stay as they are: what others have said is theirs, also where it has the name in it.

_NAMES: Final = ("user", "to", "by")
"""The fields of bodies that are names."""
_BETWEEN: Final = ", "
"""A conversation of several has the names of all in its topic."""


def names_in(entry: Entry) -> frozenset[str]:
    names = {entry.author, *(getattr(entry.body, field, "") for field in _NAMES)}
    for users in entry.reactions.values():
        names.update(users)
    if isinstance(entry.body, TopicChanged):
        names.update(entry.body.topic.split(_BETWEEN))
    return frozenset(names)


def changed_by(entry: Entry) -> int:
    """The sequence of the message that says of itself what this entry tells; 0 for none."""
    body = entry.body
    return body.sequence if isinstance(body, ReactionAdded | MessageDeleted) else 0


def replace_name(timeline: Timeline, entry: Entry, name: str, now: str) -> None:
    """Has the entry tell of `name` as `now`. It must be among those referred to."""
    body: Any = entry.body
    changed = {field: now for field in _NAMES if getattr(body, field, "") == name}
    if isinstance(body, TopicChanged):
        changed["topic"] = topic_with(body.topic, name, now)
    reactions = {
        emoji: [now if user == name else user for user in users]
        for emoji, users in entry.reactions.items()
    }
    author = now if entry.author == name else entry.author
    renamed = replace(entry, author=author, body=replace(body, **changed), reactions=reactions)
    timeline.amend(renamed, (name, now))


def replace_names(timeline: Timeline, command: ReplaceName) -> None:
    """In all of these entries that name the user still."""
    for sequence in dict.fromkeys(command.sequences):
        entry = timeline.referred.get((command.log, sequence))
        if entry is not None and command.name in names_in(entry):
            replace_name(timeline, entry, command.name, command.pseudonym)


def topic_with(topic: str, name: str, now: str) -> str:
    return _BETWEEN.join(now if word == name else word for word in topic.split(_BETWEEN))


# --- Finding the messages of some authors: in steps, and in pages ---------------------------------
#
# Nothing is kept for this. The entries of a log are as old as their sequences say, so what is too
# old is not looked at; all else is.

_entries = Decoder(Entry)
_STEP_ENTRIES = 250
_STEP_BYTES = 64 * 1024
"""What is looked at in one step, in 1 ms."""


class _Page:
    """What one answer says, and whether there is room for more."""

    def __init__(self, query: FindMessages) -> None:
        self._query = query
        self._authors = frozenset(query.authors)
        # Names are meant as they are spelled: what only looks like one was said by somebody else.
        self._patterns = [target_of(each) for each in query.authors if set(each) & set("*?")]
        self._places: dict[str, list[int]] = {}
        self._counts: Counter[str] = Counter()
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self.looked_at = 0

    @property
    def is_full(self) -> bool:
        return (
            self.looked_at >= limits.FOUND_ENTRIES_MAX
            or self._counts.total() >= limits.FOUND_MESSAGES_MAX
            or self._frames_bytes >= limits.PAGE_BYTES_MAX
        )

    def look_at(self, entry: Entry, frame: bytes) -> None:
        self.looked_at += 1
        if self._query.named:
            if self._query.since_ms <= entry.at_ms and names_in(entry) & self._authors:
                places = self._places.setdefault(entry.log, [])
                if entry.author in self._authors and (changed := changed_by(entry)):
                    # It may be older than the name, and names who has reacted to it, or deleted it.
                    # Before what tells of that, so that who begins anew finds it again.
                    places.append(changed)
                places.append(entry.sequence)
                self._counts[entry.author] += 1
            return
        query = self._query
        if not (self._is_of(entry.author) and query.since_ms <= entry.at_ms < query.until_ms):
            return
        if isinstance(entry.body, MessagePosted | PrivateMessageSent):
            self._places.setdefault(entry.log, []).append(entry.sequence)
            self._counts[entry.author] += 1
            if query.frames:
                self._frames.append(frame)
                self._frames_bytes += len(frame)

    def _is_of(self, author: str) -> bool:
        return author in self._authors or any(each.is_for_name(author) for each in self._patterns)

    def answer(self, *, more: bool, after_log: str = "", after: int = 0) -> MessagesFound:
        frames = b"".join(self._frames)
        return MessagesFound(self._places, dict(self._counts), more, after_log, after, frames)


def find(store: Store, query: FindMessages) -> Steps[MessagesFound]:
    page, logs_left = _Page(query), limits.FOUND_LOGS_MAX
    for log, after in _logs(store, query):
        if not logs_left:
            return page.answer(more=True, after_log=log, after=after)
        logs_left -= 1
        reached = yield from _look_through(store, query, log, after, page)
        if reached is not None:
            return page.answer(more=True, after_log=log, after=reached)
    return page.answer(more=False)


def _logs(store: Store, query: FindMessages) -> Iterator[tuple[str, int]]:
    """The logs that are to be looked through, and after which of their entries."""
    log, after = query.after_log or query.log, query.after
    if log:
        yield log, after
    while not query.log and (following := store.logs_after(log, 1)):
        (log,) = following
        yield log, 0


def _look_through(
    store: Store, query: FindMessages, log: str, after: int, page: _Page
) -> Steps[int | None]:
    """How far it has come if the page is full then; None at the end of the log."""
    head = store.heads([log])[log]
    if query.since_ms:
        newest = store.read_log(log, head - 1, 1, 1)
        yield costs.of_rows(1, sum(len(row.frame) for row in newest))
        if not newest or _entries.decode(newest[0].frame).at_ms < query.since_ms:
            return None
        after = max(after, store.floors.get(log, 0) + count_older(store, log, head, query.since_ms))
        yield costs.of_rows(PROBES, PROBES * limits.FRAME_BYTES_MAX // 2)
    while after < head:
        rows = store.read_log(log, after, _STEP_ENTRIES, _STEP_BYTES)
        yield costs.of_rows(len(rows), sum(len(row.frame) for row in rows))
        for row in rows:
            after = row.sequence
            page.look_at(_entries.decode(row.frame), row.frame)
            if page.is_full:
                return after
        if not rows:
            break
    return None
