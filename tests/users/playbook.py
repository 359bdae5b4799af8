"""Drives the rules of users, over a real store in memory, by what a beat does."""

from collections.abc import Callable
from functools import partial
from typing import Any

from zchat.eventlog import audit
from zchat.eventlog.core.idempotency import Answer as Result
from zchat.eventlog.store import Owed, Store
from zchat.fabric.core.link import ReturnAddress
from zchat.fabric.core.topics import PRESENCE_TOPIC
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import (
    AnnounceSessions,
    CloseSession,
    MarkerMoved,
    OpenSession,
    PresenceDelta,
    SessionEnded,
    SessionHere,
    SessionOpened,
    Typing,
    UserQuery,
    UsersCommand,
)
from zchat.protocol.messages import (
    AccountChanged,
    AddReaction,
    BlockUser,
    DeleteMessage,
    Done,
    EditMessage,
    Entry,
    EntryBody,
    MarkRead,
    RefusalCode,
    Refused,
    Register,
    RemoveReaction,
    SendPrivate,
    SetStanding,
    Standing,
    inbox_log,
)
from zchat.protocol.rules.costs import exhausted
from zchat.protocol.rules.nonces import nonce
from zchat.runtime.settings import parsed_change
from zchat.service.core.beat import Job, apply, commit, prepare
from zchat.service.core.effects import Sender
from zchat.users import queries
from zchat.users.core.dispatch import UserCore
from zchat.users.core.policy import Policy
from zchat.users.store import projection
from zchat.users.store.tables import USERS_SCHEMA

PASSWORD = "correct horse"
WEST, EAST, ADMIN = b"gateway-west#1", b"gateway-east#1", b"admin/root#1"
ROOM_ADDRESSES = ["rooms/0", "rooms/1"]

Answer = Done | Refused | SessionOpened
_answers: Decoder[Answer] = Decoder(Answer)  # type: ignore[arg-type]
_entries = Decoder(Entry)
_deltas = Decoder(PresenceDelta)
_words = Decoder(SessionEnded)


def token(client: str) -> bytes:
    """The token of a client that is called so."""
    return client.encode().ljust(limits.TOKEN_BYTES, b".")


class Users:
    """`now` and `at_ms` go on together; a session is the gateway and the number there."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.now = 1000.0
        self.policy = policy or Policy()
        self.store = Store.open(None, USERS_SCHEMA)
        self.core = self.loaded()
        self.jobs: list[Job] = []
        """Passwords that wait to be checked or hashed."""
        self.ended: list[tuple[bytes, int]] = []
        """Sessions that gateways were told to end."""
        self.owed: list[Owed] = []
        self.deltas: list[PresenceDelta] = []
        self.news: list[Typing | MarkerMoved] = []
        """What sessions were told that is not kept."""
        self._nonces = 0

    @property
    def at_ms(self) -> int:
        return int(self.now * 1000)

    def close(self) -> None:
        self.store.close()

    def loaded(self) -> UserCore:
        """What a restarted service would begin with."""
        return projection.load(
            self.store, ROOM_ADDRESSES, self.policy, parsed_change, self.now, self.at_ms
        )

    def restart(self) -> None:
        self.core = self.loaded()
        self.jobs = []

    def wait(self, seconds: float) -> None:
        """Time passes, and then a heartbeat comes."""
        self.now += seconds
        self.core.tick(self.now, self.at_ms)
        self.commit([])

    def commit(self, settled: list[int]) -> list[Answer]:
        effects = self.core.effects
        statements, policies = projection.statements, effects.policies
        self.owed += commit(self.core, self.store, statements, settled, policies).owed
        self.news += effects.news
        self.jobs += effects.jobs
        self.ended += [(to, n) for to, word in effects.words for n in _words.decode(word).sessions]
        self.deltas += [
            _deltas.decode(b) for topic, b in effects.broadcasts if topic == PRESENCE_TOPIC
        ]
        answers = [_answers.decode(frame) for _, frame in effects.replies]
        effects.clear()
        return answers

    def _prepare(self, user: str, command: UsersCommand) -> None:
        sender = self._sender(user, WEST, 1, Standing.ACCOUNT)
        prepare(self.core, self.store, [(sender, command)])

    def _sender(self, user: str, at: bytes, n: int, standing: Standing) -> Sender:
        """As a gateway stamps it."""
        known = self.core.users.get(user)
        since_ms = known.created_at_ms if known else 0
        return Sender(ReturnAddress(at, 1, 1), n, user, standing, since_ms)

    def do(
        self,
        command: UsersCommand,
        user: str = "",
        at: bytes = WEST,
        n: int = 1,
        standing: Standing = Standing.ACCOUNT,
    ) -> Answer:
        """A beat with this command alone; passwords are hashed and checked at once."""
        self.begin(command, user, at, n, standing)
        answers = self.commit([])
        while not answers:
            answers = self.finish_jobs()
        (answer,) = answers
        return answer

    def begin(
        self,
        command: UsersCommand,
        user: str = "",
        at: bytes = WEST,
        n: int = 1,
        standing: Standing = Standing.ACCOUNT,
    ) -> None:
        """Gives the command to a new beat, which `commit` ends."""
        self._prepare(user, command)
        self.begin_another(command, user, at, n, standing)

    def begin_another(
        self,
        command: UsersCommand,
        user: str = "",
        at: bytes = WEST,
        n: int = 1,
        standing: Standing = Standing.ACCOUNT,
    ) -> None:
        """Gives one more command to the beat that has begun."""
        sender = self._sender(user, at, n, standing)
        act = partial(self.core.handle, sender, command, self.now, self.at_ms)
        self._apply(sender, command, act)

    def _apply(self, sender: Sender, command: Any, act: Callable[[], Result | None]) -> None:
        key = self.core.key_of(sender.user, command)
        apply(self.core, sender, command, key, act)

    def finish_job(self) -> Answer:
        """The oldest password is done, and that is answered."""
        (answer,) = self.finish_jobs()
        return answer

    def finish_jobs(self) -> list[Answer]:
        """The same; no answers if that was not all. A hash is the password after a dollar sign."""
        job = self.jobs.pop(0)
        outcome: bool | str = "$" + job.password
        if job.password_hash is not None:
            outcome = outcome == job.password_hash
        self._prepare(job.sender.user, job.command)
        if self.core.job_ended(job):
            act = partial(self.core.job_done, job, outcome, self.now, self.at_ms)
            self._apply(job.sender, job.command, act)
        return self.commit([])

    def settle(self, owed: Owed) -> list[Answer]:
        """A room-service has done what it was owed; returns what that lets be answered."""
        self.owed.remove(owed)
        self.core.settled(owed.key, self.now, self.at_ms)
        return self.commit([owed.id])

    def settle_all(self) -> list[Answer]:
        return [answer for owed in list(self.owed) for answer in self.settle(owed)]

    def ask(self, user: str, query: UserQuery, standing: Standing = Standing.ACCOUNT) -> bytes:
        steps = queries.answer(self.core, self.store, user, query, self.at_ms, standing)
        return exhausted(steps)

    # --- Commands in few words ----------------------------------------------------------------

    def come(
        self,
        name: str,
        *,
        client: str | None = None,
        password: str | None = None,
        at: bytes = WEST,
        n: int = 1,
        **opening: Any,
    ) -> Answer:
        """A client connects; each has a token of its own, which is the user's name if not said."""
        command = OpenSession(1, name, token(client or name), password, **opening)
        return self.do(command, at=at, n=n)

    def waits(self, name: str, *, client: str | None = None, n: int = 1) -> bool:
        """Whether a client that comes gets no answer yet."""
        self.begin(OpenSession(1, name, token(client or name), None), n=n)
        return self.commit([]) == [] and not self.jobs

    def quit(self, at: bytes = WEST, n: int = 1) -> Answer:
        return self.do(CloseSession(quit=True), at=at, n=n)

    def lose(self, at: bytes = WEST, n: int = 1) -> Answer:
        return self.do(CloseSession(quit=False), at=at, n=n)

    def announce(self, *here: tuple[str, int, int], at: bytes = WEST) -> Answer:
        """A gateway says who is there: user, number, and since when in ms."""
        sessions = [SessionHere(n, user, token(user), since, since) for user, n, since in here]
        return self.do(AnnounceSessions(sessions), at=at)

    def register(self, user: str, password: str = PASSWORD) -> Answer:
        return self.do(Register(id=2, nonce=self.nonce(), password=password), user)

    def as_admin(self, command: UsersCommand) -> Answer:
        """From the console, where the key of the fabric says who it is."""
        return self.do(command, "", ADMIN, 0, Standing.OPERATOR)

    def promote(self, user: str, standing: Standing) -> Answer:
        return self.as_admin(SetStanding(id=5, nonce=self.nonce(), user=user, standing=standing))

    def audited(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, subject and reason of all that is in the audit, oldest first."""
        records = reversed(exhausted(audit.read(self.store, 10_000, None)))
        return [(r.actor, r.action, r.subject, r.reason) for r in records]

    def changes(self, user: str) -> list[tuple[str, str]]:
        """What the user was told of changes of the account, and what they were about."""
        bodies = [body for _, _, body in self.inbox(user)]
        return [(b.change, b.about) for b in bodies if isinstance(b, AccountChanged)]

    def send(self, user: str, to: str, text: str = "psst", reply_to: int = 0) -> Answer:
        return self.do(
            SendPrivate(id=3, nonce=self.nonce(), to=to, text=text, reply_to=reply_to), user
        )

    def edit(self, user: str, sequence: int, text: str) -> Answer:
        return self.do(
            EditMessage(
                id=6, nonce=self.nonce(), log=inbox_log(user), sequence=sequence, text=text
            ),
            user,
        )

    def delete(self, user: str, sequence: int) -> Answer:
        return self.do(
            DeleteMessage(id=6, nonce=self.nonce(), log=inbox_log(user), sequence=sequence), user
        )

    def react(self, user: str, sequence: int, emoji: str) -> Answer:
        return self.do(
            AddReaction(
                id=6, nonce=self.nonce(), log=inbox_log(user), sequence=sequence, emoji=emoji
            ),
            user,
        )

    def unreact(self, user: str, sequence: int, emoji: str) -> Answer:
        return self.do(
            RemoveReaction(
                id=6, nonce=self.nonce(), log=inbox_log(user), sequence=sequence, emoji=emoji
            ),
            user,
        )

    def block(self, user: str, other: str) -> Answer:
        return self.do(BlockUser(id=7, nonce=self.nonce(), user=other), user)

    def mark(self, user: str, log: str, sequence: int, *, back: bool = False) -> Answer:
        return self.do(MarkRead(id=4, log=log, sequence=sequence, back=back), user)

    def account(self, name: str, *, n: int = 1) -> None:
        """Someone comes, registers and goes."""
        self.come(name, n=n)
        self.register(name)
        self.quit(n=n)

    def nonce(self) -> bytes:
        self._nonces += 1
        return nonce(b"playbook", self._nonces)

    # --- What has come of it ------------------------------------------------------------------

    @property
    def online(self) -> set[str]:
        return self.core.presence.online

    def entries(self, user: str) -> list[Entry]:
        """All that is committed of the inbox, as it has become."""
        stored = self.store.read_log(inbox_log(user), 0, 10_000, 1 << 30)
        return [_entries.decode(entry.frame) for entry in stored]

    def inbox(self, user: str) -> list[tuple[int, str, EntryBody]]:
        """Sequence, author and body of the same."""
        return [(entry.sequence, entry.author, entry.body) for entry in self.entries(user)]


def durable_state(core: UserCore) -> dict[str, Any]:
    """Everything that a core knows and must still know after a restart; sessions are soft."""
    return {
        "users": {
            user.name: (user.row(), user.tokens, user.blocked) for user in core.users.values()
        },
        "heads": core.timeline.heads,
        "position": core.timeline.position,
        "ending": core.endings._ending,
        "invitations": core.invitations.by_digest,
        "bans": core.directory.bans.by_who,
        "conversations": {name: rows for name, rows in core.conversations.by_user.items() if rows},
    }


def refused(answer: Answer) -> RefusalCode:
    """The code of a refusal, whose reason must be a sentence that says something."""
    assert isinstance(answer, Refused), answer
    assert len(answer.reason) > 10
    return answer.code


def opened(answer: Answer) -> SessionOpened:
    assert isinstance(answer, SessionOpened), answer
    return answer
