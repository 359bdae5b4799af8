"""The beat of a service: all that waits is done, committed at once, and told if that did not fail.

A beat applies all commands that wait, commits them as one, and only then lets replies and events
out. If the store cannot commit, nothing has happened: the core is loaded anew from what is
committed, all links are forgotten, and the askers resend what is unanswered.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from zchat.eventlog import audit, edits
from zchat.eventlog.core.changes import Policy, Removal
from zchat.eventlog.core.idempotency import Answer, FirstAnswers, Key
from zchat.eventlog.core.timeline import Appended, Timeline
from zchat.eventlog.forgetting import policy_statements
from zchat.eventlog.store import Owed, Store, StoreUnavailable, Write
from zchat.fabric.core.identities import alias
from zchat.fabric.core.link import Answerer, Asker, ReturnAddress
from zchat.fabric.core.pulse import Pulse
from zchat.fabric.core.topics import ephemeral_topic, stream_topic
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import Down, Publication, RoutingTable, SoftNews, StreamPage, Up
from zchat.protocol.messages import RefusalCode, Refused
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.names import InvalidName
from zchat.service.core.command_origin import objection, standing_of
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.operation_log import OperationLog
from zchat.service.core.referenced_entries import referred_entries
from zchat.service.core.retention import Retention
from zchat.service.core.scheduling import CommandQueue, QuerySteps

_ups = Decoder(Up)
_downs = Decoder(Down)
_tables = Decoder(RoutingTable)
_batches = Decoder(list[bytes])


class Job(NamedTuple):
    """Work for the thread pool, with the command that waits for it."""

    sender: Sender
    command: Any
    password: str
    password_hash: str | None
    """What the password is checked against; None to make a hash of it."""
    proved: str | None = None
    """The hash that an earlier job of the same command has found its password to fit."""


class Core(Protocol):
    """A service's rules: commands in, effects out."""

    timeline: Timeline
    effects: Effects[Any, Job]
    answers: FirstAnswers
    """What has been done already. Told before each beat what the store knows."""
    log_heads: dict[str, int]
    """Newest sequences of the logs that `logs_of` named. Filled before each beat."""

    def take_over(self, former: Any, now: float) -> None:
        """Goes on with what no database knows, of the core that failed to commit."""

    def logs_of(self, command: Any) -> Collection[str]:
        """The logs whose heads the core must know before it handles the command."""

    def key_of(self, user: str, command: Any) -> Key | None:
        """None for a command that may be repeated as it is."""

    def handle(self, sender: Sender, command: Any, now: float, at_ms: int) -> Answer | None:
        """Does what is asked for, and says what came of it; None if that is said later.

        Raises `Refusal` and `InvalidName`.
        """

    def job_ended(self, job: Job) -> bool:
        """Whether somebody waits for it still: its asker may be gone, or the core loaded anew."""

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> Answer | None:
        """Goes on with the command that the job was for, as `handle` would."""

    def settled(self, key: str, now: float, at_ms: int) -> None:
        """Another service has done what was owed under this key."""

    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None: ...
    def tick(self, now: float, at_ms: int) -> None: ...
    def heartbeats(self) -> list[tuple[bytes, bytes]]:
        """The (topic, body) pairs by which followers see that they have missed something."""


class Service(Protocol):
    """What one kind of service brings to the beat."""

    address: str
    commands: Decoder[Any]

    def load(self, store: Store, now: float, at_ms: int) -> Core: ...
    def go_by(self, core: Any, given: Any, settings: Any, at_ms: int) -> None:
        """From now on, and when the core is loaded anew, these settings count.

        `given` are those of this process alone, without what was changed for all.
        """

    def changed_settings(self, core: Any) -> bytes:
        """What all processes are to go by; nothing of a service that keeps no settings."""

    def statements(self, rows: Sequence[Any]) -> list[Write]: ...
    def answer(self, core: Any, store: Store, query: bytes, at_ms: int) -> Steps[bytes]: ...


class Outbound(NamedTuple):
    """What a beat lets out, when all of it is durable."""

    downs: list[tuple[bytes, bytes]]
    """(asker, body)"""
    ups: list[tuple[str, bytes]]
    """(address, body)"""
    events: list[tuple[bytes, bytes]]
    """(topic, body)"""
    jobs: list[Job]


# --- A command is done once, however often it comes -----------------------------------------------


def look_up(keys: Sequence[Key], answers: FirstAnswers, store: Store) -> None:
    """Tells `answers` what the store knows of these commands."""
    if unknown := answers.unknown(keys):
        answers.learn(store.newest_nonces(unknown))
    old = answers.old(keys)
    answers.found = store.first_answers(old) if old else {}


def answer_once(
    key: Key | None, answers: FirstAnswers, act: Callable[[], Answer | None]
) -> Answer | None:
    """The first answer, if there has been one; otherwise what `act` comes to, which is kept.

    None if the command is answered in another way, or later.
    """
    answer = answers.of(key) if key else None
    if answer is None:
        answer = _outcome(act)
        # Whoever is told "not now" is to try again.
        if key and answer and answer.code is not RefusalCode.BUSY:
            answers.remember(key, answer)
    return answer


def _outcome(act: Callable[[], Answer | None]) -> Answer | None:
    try:
        return act()
    except Refusal as refusal:
        return refusal.answer
    except InvalidName as error:
        return Answer(None, 0, RefusalCode.INVALID_NAME, str(error))


# --- The steps of a beat --------------------------------------------------------------------------


def prepare(core: Core, store: Store, commands: Sequence[tuple[Sender, Any]]) -> list[Key | None]:
    """Reads at once all that the core must know about these commands; returns their keys."""
    keys = [core.key_of(sender.user, command) for sender, command in commands]
    look_up([key for key in keys if key], core.answers, store)
    logs = {log for _, command in commands for log in core.logs_of(command)}
    core.log_heads = store.heads(logs) if logs else {}
    core.timeline.referred = referred_entries(store, commands)
    return keys


def apply(
    core: Core, sender: Sender, command: Any, key: Key | None, act: Callable[[], Answer | None]
) -> Answer | None:
    """Does the command once, however often it comes, and answers it; None if that is for later."""
    answer = answer_once(key, core.answers, act)
    if answer is not None:
        core.effects.answer(sender.reply_to, getattr(command, "id", 0), answer)
    return answer


class Committed(NamedTuple):
    appended: Sequence[Appended]
    page: StreamPage | None
    """For those who follow the stream."""
    owed: list[Owed]


def commit(
    core: Core,
    store: Store,
    statements: Callable[[Sequence[Any]], list[Write]],
    settled: Sequence[int] = (),
    policies: Sequence[Policy] = (),
    removed: Collection[Removal] = (),
) -> Committed:
    """Makes all durable that was applied, or nothing. What is to be said waits in the effects."""
    effects = core.effects
    appended, page = core.timeline.take()
    amended = core.timeline.take_amended()
    answered = core.answers.take()
    writes = statements(effects.rows) + audit.statements(effects.audits)
    writes += policy_statements(policies)
    writes += edits.statements(effects.edits)
    owed = store.commit(
        appended,
        writes,
        effects.owed,
        settled,
        answered,
        removed,
        amended,
        effects.forgotten,
    )
    return Committed(appended, page, owed)


class Beat:
    """Inputs are collected by the `receive_…` methods, and `step` does all that follows."""

    def __init__(
        self, service: Service, store: Store, operations: OperationLog, now: float, at_ms: int
    ) -> None:
        self._service = service
        self._store = store
        self._at_ms = at_ms
        self._answerer = Answerer(store.epoch)
        self._askers: dict[str, Asker[Owed]] = {}
        self.waiting = CommandQueue()
        self._outcomes: list[tuple[Job, bool | str]] = []
        self._settled: list[Owed] = []
        self._epochs: dict[str, int] = {}
        self.settings = b""
        """What the router says of changed settings."""
        self._store_failed_at: float | None = None
        self._stale = False
        """The core knows what was not committed, and could not be loaded anew yet."""
        self.protocol_errors = 0
        self.operations = operations
        self._retention = Retention(store)
        self._pulse = Pulse()
        self._beat_due = False
        """Whether the next step is the first one of a beat of the clock."""
        self._heartbeat_due = False
        """Whether it is to speak to all even if there is nothing to say."""
        self._forget_at = now
        self.queries = QuerySteps(
            lambda query: service.answer(self.core, store, query, self._at_ms)
        )
        self.core = service.load(store, now, at_ms)
        self._send_owed(store.owed())

    @property
    def store_failed(self) -> bool:
        return self._store_failed_at is not None or self._stale

    @property
    def changed_settings(self) -> bytes:
        """As committed, between two steps of a store that is not out of order."""
        return self._service.changed_settings(self.core)

    @property
    def asker_count(self) -> int:
        return len(self._answerer.askers)

    @property
    def owed(self) -> int:
        """Commands that other services have not answered yet."""
        return sum(len(asker.unanswered) for asker in self._askers.values())

    def go_by(self, given: Any, settings: Any) -> None:
        """The settings of this process are others."""
        self.operations.look_at_level()
        self._service.go_by(self.core, given, settings, self._at_ms)

    # --- Inputs -----------------------------------------------------------------------------------

    def receive_up(self, asker: bytes, body: bytes, now: float) -> None:
        """Commands of one asker. While the store is out of order they stay with the asker."""
        if self._store_failed_at is not None:
            # Not accepted, so the asker's link sends it again.
            return
        try:
            up = _ups.decode(body)
        except ProtocolError:
            self.protocol_errors += 1
            return
        for address, item in self._answerer.receive(asker, up, now):
            self._receive_command(address, item, now)

    def _receive_command(self, address: ReturnAddress, item: bytes, now: float) -> None:
        try:
            stamped = self._service.commands.decode(item)
        except ProtocolError as error:
            self.protocol_errors += 1
            refusal = Refused(None, RefusalCode.MALFORMED, str(error))
            self._answerer.reply(address, encode(refusal))
            return
        if why := objection(address.asker, stamped.user, stamped.body):
            self.operations.disobeyed(address.asker, stamped.body, now)
            refused = Refused(getattr(stamped.body, "id", 0), RefusalCode.NOT_ALLOWED, why)
            self._answerer.reply(address, encode(refused))
            return
        standing = standing_of(address.asker, stamped.standing)
        user, since_ms = stamped.user, stamped.since_ms
        sender = Sender(address, stamped.session, user, standing, since_ms, stamped.bot)
        cost_us = costs.of_command(type(stamped.body), len(item))
        self.waiting.add(sender, stamped.body, cost_us)

    def receive_table(self, body: bytes) -> None:
        try:
            table = _tables.decode(body)
        except ProtocolError:
            self.protocol_errors += 1
            return
        self._epochs, self.settings = table.epochs, table.settings
        for address, asker in self._askers.items():
            asker.worker_changed(self._epochs.get(address))

    def receive_down(self, address: str, body: bytes, now: float) -> None:
        asker = self._askers.get(address)
        if asker is None:
            return
        try:
            down = _downs.decode(body)
        except ProtocolError:
            self.protocol_errors += 1
            return
        for owed, _ in asker.receive(down, now):
            if owed is not None:
                self._settled.append(owed)

    def receive_outcome(self, job: Job, outcome: bool | str) -> None:
        """A job's result: whether a password is right, or the hash of a new one."""
        self._outcomes.append((job, outcome))

    def answer(self, body: bytes, now_ms: int) -> bytes:
        """Answers a batch of queries from what is committed, as far as it is their turn.

        Raises `Fenced`.
        """
        try:
            queries = _batches.decode(body)
        except ProtocolError:
            self.protocol_errors += 1
            return encode([])
        if self._stale or not self._lease_is_known():
            return encode([b""] * len(queries))
        at_ms = self._clock(now_ms)
        answers: list[bytes] = []
        for query in queries:
            try:
                answers.append(self.queries.answer(query))
            except ProtocolError:
                self.protocol_errors += 1
                answers.append(b"")
            except StoreUnavailable as error:
                self.operations.not_read(error)
                answers.append(b"")
        self.operations.queries_refused(self.core.effects.refused, at_ms)
        self.core.effects.refused.clear()
        return encode(answers)

    def _lease_is_known(self) -> bool:
        """Raises `Fenced` if it is lost: whoever was overtaken knows only what was true before."""
        try:
            self._store.check_lease()
        except StoreUnavailable as error:
            self.operations.not_read(error)
            return False
        return True

    # --- The beat ---------------------------------------------------------------------------------

    def step(self, now: float, now_ms: int) -> Outbound:
        """Applies what came in, commits it, and returns what may be said now."""
        at_ms = self._clock(now_ms)
        if self._store_failed_at is not None:
            if now - self._store_failed_at < limits.BUSY_RETRY_INTERVAL_S:
                return self._heartbeat_alone()
            self._store_failed_at = None
        try:
            if self._stale:
                self._reload(now, at_ms)
            return self._step(now, at_ms)
        except StoreUnavailable as error:
            self.operations.not_committed(error)
            self._forget_uncommitted(now, at_ms)
            return self._heartbeat_alone()

    def _heartbeat_alone(self) -> Outbound:
        """Of a store that can be read still: what was published last may have been missed."""
        if not self._heartbeat_due:
            return Outbound([], [], [], [])
        self._heartbeat_due = False
        return Outbound([], [], self._publications(None, []), [])

    def heartbeat(self, now: float, now_ms: int) -> bool:
        """To be called every `HEARTBEAT_INTERVAL_S`, before a step.

        Returns whether that step speaks to all peers and followers, so that they know of this life.
        """
        at_ms = self._clock(now_ms)
        for lost in self._answerer.expire(now):
            self.waiting.drop(lost)
            self.core.asker_lost(lost, now, at_ms)
        self.core.tick(now, at_ms)
        if now >= self._forget_at:
            # Whoever waits for a query asks again much sooner, so nobody waits for these.
            self._forget_at = now + limits.PEER_EXPIRY_S
            self.queries.forget_abandoned()
        for asker in self._askers.values():
            asker.heartbeat()
        self._beat_due = True
        self._heartbeat_due = self._pulse.beat()
        if self._heartbeat_due:
            self._answerer.heartbeat()
        return self._heartbeat_due

    def _step(self, now: float, at_ms: int) -> Outbound:
        core = self.core
        commands = self.waiting.take()
        outcomes = [one for one in self._outcomes if core.job_ended(one[0])]
        self._outcomes = []
        settled, self._settled = self._settled, []
        applied = len(commands) + len(outcomes)
        self.operations.counts.commands += applied
        self.operations.counts.beats += bool(applied or settled)
        begun = [(job.sender, job.command) for job, _ in outcomes]
        # At once and before any of them is done, since a core does not read.
        keys = prepare(core, self._store, commands + begun)
        for (sender, command), key in zip(commands, keys, strict=False):
            act = partial(core.handle, sender, command, now, at_ms)
            answer = apply(core, sender, command, key, act)
            self.operations.answered(sender, command, answer, now)
        for (job, outcome), key in zip(outcomes, keys[len(commands) :], strict=True):
            act = partial(core.job_done, job, outcome, now, at_ms)
            answer = apply(core, job.sender, job.command, key, act)
            self.operations.answered(job.sender, job.command, answer, now)
        for owed in settled:
            core.settled(owed.key, now, at_ms)
        return self._commit([owed.id for owed in settled])

    def _commit(self, settled: Sequence[int]) -> Outbound:
        effects = self.core.effects
        policies = self._retention.merged(effects.policies)
        if self._beat_due and not policies:
            policies = self._retention.ended_purges()
        removed = self._retention.due(self._at_ms) if self._beat_due else []
        statements = self._service.statements
        appended, page, owed = commit(
            self.core, self._store, statements, settled, policies, removed
        )
        # From here on it is durable, and only now may anybody hear of it.
        due, self._heartbeat_due, self._beat_due = self._heartbeat_due, False, False
        self.operations.counts.entries += len(appended)
        self._retention.committed(policies)
        self._retention.forget(effects.forgotten)
        self._send_owed(owed)
        said = page or effects.replies or effects.words or effects.news or effects.broadcasts
        if said:
            self._pulse.stir()
        events = list(effects.broadcasts)
        if due:
            events += self.core.heartbeats()
        if effects.news:
            topic = ephemeral_topic(self._service.address)
            events.append((topic, encode(SoftNews(list(effects.news)))))
        for address, frame in effects.replies:
            self._answerer.reply(address, frame)
        for asker, frame in effects.words:
            self._answerer.tell(asker, frame)
        jobs = list(effects.jobs)
        effects.clear()
        downs, published = self._downs()
        if page is not None or published or due:
            events += self._publications(page, published)
        return Outbound(
            downs,
            [
                (address, encode(up))
                for address, asker in self._askers.items()
                for up in asker.envelopes()
            ],
            events,
            jobs,
        )

    def _downs(self) -> tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]]:
        """The envelopes of all links: those that go their own way, and those with the stream."""
        own_way: list[tuple[bytes, bytes]] = []
        published: list[tuple[bytes, bytes]] = []
        for asker, down in self._answerer.envelopes():
            way = published if self._answerer.hears_stream(asker) else own_way
            way.append((asker, encode(down)))
        return own_way, published

    def _publications(
        self, page: StreamPage | None, downs: Sequence[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """The page and these envelopes, in as many parts as it takes for none to be too large.

        The windows of many gateways are more than a connection of the fabric bears: it would end,
        each time that this is sent again.
        """
        head = self._store.position
        heartbeat = StreamPage(head + 1, head, [])
        parts: list[dict[bytes, list[bytes]]] = [{}]
        part_bytes = 0
        for asker, down in downs:
            if part_bytes and part_bytes + len(down) > limits.PUBLISHED_REPLIES_BYTES_MAX:
                parts.append({})
                part_bytes = 0
            parts[-1].setdefault(alias(asker), []).append(down)
            part_bytes += len(down)
        topic, epoch = stream_topic(self._service.address), self._store.epoch
        pages = [page or heartbeat, *[heartbeat] * (len(parts) - 1)]
        return [
            (topic, encode(Publication(epoch, *part))) for part in zip(pages, parts, strict=True)
        ]

    def _send_owed(self, owed: Sequence[Owed]) -> None:
        for item in owed:
            asker = self._askers.get(item.address)
            if asker is None:
                asker = self._askers[item.address] = Asker()
                asker.worker_changed(self._epochs.get(item.address))
            asker.send(item.body, item)

    def _forget_uncommitted(self, now: float, at_ms: int) -> None:
        """What happens when a commit fails: all that this beat has done has not happened.

        The core is loaded anew from what is committed. All links are forgotten in both directions,
        so that they restart: the askers send again what has no answer, and what is owed to other
        services is read from the outbox. One path for a full disk and for a crash.
        """
        self._store_failed_at = now
        self._settled = []
        self.waiting.clear()
        for asker in self._askers.values():
            asker.clear()
        for gateway in self._answerer.askers:
            self._answerer.forget(gateway)
        # Until it is loaded nothing is answered: the core knows of things that were not committed.
        self._stale = True
        try:
            self._reload(now, at_ms)
        except StoreUnavailable as error:
            self.operations.not_loaded(error)

    def _reload(self, now: float, at_ms: int) -> None:
        """Forgets what was not committed."""
        # Presence tells the lives of a core apart by their times, and ours stands still for as long
        # as the wall clock has been set back.
        self._at_ms = max(self._at_ms, at_ms) + 1
        former = self.core
        self.queries.forget()
        self._retention = Retention(self._store)
        self.core = self._service.load(self._store, now, self._at_ms)
        self.core.take_over(former, now)
        self._send_owed(self._store.owed())
        self._stale = False

    def _clock(self, now_ms: int) -> int:
        """Wall-clock time that never goes back while this process lives."""
        self._at_ms = max(self._at_ms, now_ms)
        return self._at_ms
