"""Effects: what a service's core wants done, collected while a beat applies its commands."""

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

from zchat.eventlog.core.changes import Edit, ForgetEdits, ForgottenName, Policy, ThreadRenamed
from zchat.eventlog.core.idempotency import Answer
from zchat.fabric.core.identities import name_of
from zchat.fabric.core.link import ReturnAddress
from zchat.protocol.codec import encode
from zchat.protocol.internal import MarkerMoved, Stamped, Typing
from zchat.protocol.messages import (
    AuditRecord,
    Done,
    Message,
    RefusalCode,
    Refused,
    Standing,
)
from zchat.protocol.rules.names import is_visible, safe_text

Row = TypeVar("Row")
Job = TypeVar("Job")


class Sender(Struct, frozen=True):
    """Who sent a command: `user` as a gateway stamped it, empty for the cluster's own.

    The name is the user's since `since_ms`. A `bot` is a program that acts for it.
    """

    reply_to: ReturnAddress
    session: int
    user: str
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False

    @property
    def actor(self) -> str:
        """Who did it, for the audit: a user, or the process whose own command it is."""
        return self.user or name_of(self.reply_to.asker)


class Refusal(Exception):
    """The command changes nothing, because of this."""

    def __init__(
        self,
        code: RefusalCode,
        reason: str,
        retry_after_s: float = 0.0,
        *,
        suspicious: bool = False,
    ) -> None:
        super().__init__(reason)
        wait_ms = math.ceil(retry_after_s * 1000)
        self.answer = Answer(None, 0, code, reason, wait_ms, suspicious)


@dataclass(slots=True)
class Effects(Generic[Row, Job]):
    """Lists by kind, in order. All but `jobs` happen only when the beat has been committed."""

    replies: list[tuple[ReturnAddress, bytes]] = field(default_factory=list)
    words: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(asker, frame): what a gateway is told without having asked."""
    rows: list[Row] = field(default_factory=list)
    """Changes of the service's own tables, in order."""
    owed: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(address, key, command): what another service must do, until it has."""
    broadcasts: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(topic, body) of soft state."""
    news: list[Typing | MarkerMoved] = field(default_factory=list)
    """Soft state, too: what the beat has of it leaves as one."""
    edits: list[Edit | ForgetEdits] = field(default_factory=list)
    """What edited messages said before, where that is kept."""
    audits: list[AuditRecord] = field(default_factory=list)
    refused: list[tuple[str, Message, Answer]] = field(default_factory=list)
    """(user, query, answer): queries that were refused, which happens between beats."""
    policies: list[Policy] = field(default_factory=list)
    """How long entries are kept from now on, and which logs are to be emptied."""
    forgotten: list[ForgottenName | ThreadRenamed] = field(default_factory=list)
    """Names under which nobody is known any more."""
    jobs: list[Job] = field(default_factory=list)
    """Slow work for the thread pool; its results come back as inputs."""

    def clear(self) -> None:
        for each in (
            self.replies,
            self.words,
            self.rows,
            self.owed,
            self.broadcasts,
            self.news,
            self.edits,
            self.audits,
            self.refused,
            self.policies,
            self.forgotten,
            self.jobs,
        ):
            each.clear()

    def owe(self, address: str, key: str, command: Message) -> None:
        """Has another service do this, at least once; `settled` comes with `key` when it has."""
        self.owed.append((address, key, encode(Stamped(0, "", Raw(encode(command))))))

    def purge(self, log: str, upto: int) -> None:
        """Has the entries of the log up to `upto` removed, a few with each heartbeat."""
        if upto:
            self.policies.append(Policy(log, purge=upto))

    def reply(self, to: ReturnAddress, message: Message) -> None:
        self.replies.append((to, encode(message)))

    def answer(self, to: ReturnAddress, request: int, answer: Answer) -> None:
        if answer.code is None:
            self.reply(to, Done(request, answer.log, answer.sequence, answer.again))
        else:
            self.reply(
                to,
                Refused(request, answer.code, answer.reason, answer.retry_after_ms, answer.again),
            )


def visible_text(text: str) -> str:
    """`text` without control characters. Raises `Refusal` if nothing is left to see."""
    clean = safe_text(text)
    if not is_visible(clean):
        raise Refusal(RefusalCode.EMPTY_TEXT, "there is nothing in this message to show")
    return clean


def runs_of_latest(
    rows: Iterable[Row], key_of: Callable[[Row], Hashable]
) -> list[tuple[Any, list[Row]]]:
    """Runs of rows of one type, in order; of several changes to one row only the last is there."""
    latest: dict[Hashable, Row] = {}
    for row in rows:
        # In the place of the last change, so that what is dropped before that stays dropped.
        latest.pop(key_of(row), None)
        latest[key_of(row)] = row
    return [(kind, list(group)) for kind, group in groupby(latest.values(), type)]
