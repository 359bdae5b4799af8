"""What a user-service knows after a restart is what it knew, but for the sessions."""

import contextlib
from typing import Any

from committed import contradictions
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zchat.protocol import limits
from zchat.protocol.internal import CloseSession, OpenSession
from zchat.protocol.messages import (
    AddReaction,
    BlockUser,
    ChangePassword,
    DeleteAccount,
    DeleteMessage,
    DisconnectUser,
    EditMessage,
    LogOutEverywhere,
    MarkRead,
    Notify,
    Register,
    RestoreUser,
    RevokeDevice,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    Standing,
    SuspendUser,
    UnblockUser,
)
from zchat.protocol.rules.nonces import nonce

from .playbook import EAST, PASSWORD, WEST, Users, durable_state, token

NAMES = st.sampled_from(["ann", "bob", "carl"])
NUMBERS = st.integers(1, 3)
GATEWAYS = st.sampled_from([WEST, EAST])
# Few, so that some come twice.
NONCES = st.integers(0, 60).map(lambda number: nonce(b"client %d" % (number % 3), number))


class AnyUsers(RuleBasedStateMachine):
    """People come with any client, register, write, quit and vanish, at any gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.users = Users()

    def teardown(self) -> None:
        assert contradictions(self.users.store) == []
        self.users.close()

    @rule(
        name=NAMES,
        client=st.sampled_from(["desk", "phone"]),
        password=st.sampled_from([None, PASSWORD, "wrong horse"]),
        device=st.sampled_from(["", "device"]),
        register=st.booleans(),
        at=GATEWAYS,
        n=NUMBERS,
    )
    def come(
        self,
        name: str,
        client: str,
        password: str | None,
        device: str,
        register: bool,
        at: bytes,
        n: int,
    ) -> None:
        # A gateway gives a number once; whoever had it is gone.
        self.users.lose(at=at, n=n)
        opening = OpenSession(1, name, token(client), password, device, register=register)
        self.users.begin(opening, at=at, n=n)
        self.users.commit([])

    @rule(
        name=NAMES,
        nonce=NONCES,
        kind=st.sampled_from([ChangePassword, DeleteAccount, LogOutEverywhere]),
        password=st.sampled_from([PASSWORD, "wrong horse"]),
        at=GATEWAYS,
        n=NUMBERS,
    )
    def change(
        self, name: str, nonce: bytes, kind: type[Any], password: str, at: bytes, n: int
    ) -> None:
        given: dict[Any, dict[str, str]] = {
            ChangePassword: {"password": password, "new_password": PASSWORD},
            DeleteAccount: {"password": password},
            LogOutEverywhere: {},
        }
        self.users.begin(kind(id=1, nonce=nonce, **given[kind]), name, at, n)
        self.users.commit([])

    @rule(name=NAMES, nonce=NONCES, device=st.integers(1, 5))
    def revoke(self, name: str, nonce: bytes, device: int) -> None:
        self.users.do(RevokeDevice(id=1, nonce=nonce, device=device), name)

    @rule(name=NAMES, other=NAMES, nonce=NONCES, kind=st.sampled_from([BlockUser, UnblockUser]))
    def block(self, name: str, other: str, nonce: bytes, kind: type[Any]) -> None:
        self.users.do(kind(id=1, nonce=nonce, user=other), name)

    @rule(
        name=NAMES,
        kind=st.sampled_from([SuspendUser, RestoreUser, DisconnectUser, SetStanding]),
    )
    def act_on(self, name: str, kind: type[Any]) -> None:
        more = {"standing": Standing.MODERATOR} if kind is SetStanding else {}
        self.users.as_admin(kind(id=1, nonce=self.users.nonce(), user=name, **more))

    @rule(name=NAMES, nonce=NONCES)
    def register(self, name: str, nonce: bytes) -> None:
        self.users.begin(Register(id=1, nonce=nonce, password=PASSWORD), name)
        self.users.commit([])

    @precondition(lambda self: self.users.jobs)
    @rule()
    def password_is_done(self) -> None:
        self.users.finish_jobs()

    @rule(name=NAMES, to=NAMES, nonce=NONCES)
    def send(self, name: str, to: str, nonce: bytes) -> None:
        self.users.do(SendPrivate(id=1, nonce=nonce, to=to, text="hello"), name)

    @rule(
        name=NAMES,
        nonce=NONCES,
        sequence=st.integers(1, 5),
        kind=st.sampled_from((EditMessage, DeleteMessage, AddReaction)),
    )
    def amend(self, name: str, nonce: bytes, sequence: int, kind: type[Any]) -> None:
        more: dict[str, str] = {}
        if kind is not DeleteMessage:
            more = {"text" if kind is EditMessage else "emoji": "hm"}
        log = f"@{name}"
        self.users.do(kind(id=1, nonce=nonce, log=log, sequence=sequence, **more), name)

    @rule(name=NAMES, of=NAMES, sequence=st.integers(0, 5))
    def mark(self, name: str, of: str, sequence: int) -> None:
        self.users.do(MarkRead(id=1, log=f"@{of}", sequence=sequence), name)

    @rule(name=NAMES, of=NAMES, level=st.sampled_from(Notify))
    def set_notify(self, name: str, of: str, level: Notify) -> None:
        self.users.do(SetNotify(id=1, log=f"@{of}", level=level), name)

    @rule(name=NAMES, away=st.sampled_from([None, "lunch"]), at=GATEWAYS, n=NUMBERS)
    def set_away(self, name: str, away: str | None, at: bytes, n: int) -> None:
        self.users.do(SetAway(id=1, away=away), name, at, n)

    @rule(at=GATEWAYS, n=NUMBERS)
    def quit(self, at: bytes, n: int) -> None:
        self.users.quit(at=at, n=n)

    @rule(at=GATEWAYS, n=NUMBERS)
    def lose(self, at: bytes, n: int) -> None:
        self.users.lose(at=at, n=n)

    @rule(at=GATEWAYS)
    def a_gateway_dies(self, at: bytes) -> None:
        self.users.core.asker_lost(at, self.users.now, self.users.at_ms)
        # Nobody waits for their outcome any more.
        self.users.jobs = [job for job in self.users.jobs if job.sender.reply_to.asker != at]

    @rule(seconds=st.sampled_from([0.5, limits.PRESENCE_GRACE_S, limits.SESSION_GRACE_S]))
    def wait(self, seconds: float) -> None:
        self.users.wait(seconds)

    @precondition(lambda self: self.users.owed)
    @rule(data=st.data())
    def a_room_service_has_done_its_part(self, data: st.DataObject) -> None:
        self.users.settle(data.draw(st.sampled_from(self.users.owed)))

    @rule()
    def restart(self) -> None:
        self.users.restart()

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        assert durable_state(self.users.loaded()) == durable_state(self.users.core)

    @invariant()
    def sessions_are_of_users_and_online(self) -> None:
        core = self.users.core
        connected = {user.name for user in core.users.values() if user.sessions}
        keys = {session.key for user in core.users.values() for session in user.sessions}
        assert connected <= core.presence.online <= core.users.keys()
        assert keys == core.sessions._by_key.keys()
        assert core.presence.away.keys() <= core.presence.online
        for name in connected:
            assert core.presence.away.get(name) == core.users[name].away
        for user in core.users.values():
            assert not (user.sessions and user.lost_at is not None)
            assert not (user.sessions and not user.since_ms)
            assert not (user.ended and user.sessions)
            waits = user.name in core.sessions._lost
            assert waits == (user.lost_at is not None)
            if user.vanishes:
                assert user.sessions or waits, "somebody that nobody would ever end"
            if user.deleted:
                assert user.password_hash is None
                assert not user.tokens
            for session in user.sessions:
                assert user.deleted or user.token(session.digest)
                assert user.deleted or not user.is_suspended(self.users.at_ms)

    @invariant()
    def whoever_ends_is_owed_its_end(self) -> None:
        users = self.users.core.users.values()
        ended = {user.name for user in users if user.ended and not user.deleted}
        deleted = {user.name for user in users if user.ended and user.deleted}
        owed = {owed.key for owed in self.users.owed}
        accounts = {key for key in owed if key.startswith("end account ")}
        assert owed - accounts == {f"end guest {name}" for name in ended}
        assert accounts <= {f"end account {name}" for name in deleted}


TestAnyUsers = AnyUsers.TestCase
TestAnyUsers.settings = settings(max_examples=60, stateful_step_count=40)


def test_several_changes_in_one_beat_are_stored_as_they_are_then() -> None:
    with contextlib.closing(Users()) as users:
        users.account("ann")
        users.come("bob", n=2)
        for client in ("desk", "phone"):
            users.begin(OpenSession(1, "ann", token(client), PASSWORD), n=3)
        users.begin(CloseSession(quit=True), n=2)
        users.begin(OpenSession(1, "carl", token("carl"), None), n=4)
        users.begin(CloseSession(quit=True), n=4)
        users.begin(MarkRead(id=1, log="@ann", sequence=1), "ann")
        users.commit([])

        assert durable_state(users.loaded()) == durable_state(users.core)
        assert users.core.users["bob"].ended
        assert users.core.users["carl"].ended
        assert users.core.users["ann"].marker == 1
