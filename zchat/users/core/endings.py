"""What becomes of a guest at the end of its session, and of a deleted account.

Every room-service is owed an `EndGuest`, by which it ends the memberships (`Membership.end_guest`
in `zchat/rooms/core/membership.py`). A guest's name is free only when all of them have confirmed
that: otherwise the next guest of that name could find itself in the rooms of the last one. What a
gateway that was cut off meanwhile delivers later in the name of the guest is not done.
"""

from collections.abc import Callable, Collection

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.internal import EndGuest
from zchat.protocol.messages import inbox_log
from zchat.users.core.conversations import Conversations
from zchat.users.core.devices import Devices
from zchat.users.core.directory import Directory
from zchat.users.core.model import DropUser, SessionKey, User

END_GUEST_KEY = "end guest "
"""Beginning of the key under which the end of a guest is owed."""
END_ACCOUNT_KEY = "end account "
"""The same of a deleted account."""


class Endings:
    """`objection` says why somebody may not be here; `log_heads` are those of free names."""

    def __init__(
        self,
        directory: Directory,
        devices: Devices,
        conversations: Conversations,
        room_addresses: Collection[str],
        objection: Callable[[User, str, int], Answer | None],
        log_heads: Callable[[], dict[str, int]],
    ) -> None:
        self._directory = directory
        self._sessions = directory.sessions
        self._devices = devices
        self._conversations = conversations
        self._room_addresses = room_addresses
        self._objection = objection
        self._log_heads = log_heads
        self._ending: dict[str, int] = {}
        """Who is gone, by key: how many room-services do not know it yet."""

    # --- Sessions that end ------------------------------------------------------------------------

    def quit(self, key: SessionKey) -> None:
        """The client has said goodbye, so a guest is not waited for."""
        if ended := self._sessions.quit(key):
            user, digest = ended
            self._devices.goodbye(user, digest)
            if user.vanishes and not user.sessions:
                self.end(user)

    def lose(self, key: SessionKey, now: float, at_ms: int) -> None:
        """The connection is gone; a guest has its grace to come back, unless it is known not to."""
        session = self._sessions.of(key)
        self._sessions.lose(key, now)
        user = self._directory.users[session.user] if session else None
        if session is None or user is None or user.sessions or not user.vanishes:
            return
        # Gone from all gateways, so nothing of it is on its way; whoever is deleted, or may not be
        # here, cannot come back in the grace either.
        if user.deleted or self._objection(user, session.address, at_ms):
            self.end(user)

    def put_out_denied(self, at_ms: int) -> None:
        """For when the policy has changed: ends the sessions of guests that it does not allow."""
        users = self._directory.users
        for session in self._sessions.all():
            user = users[session.user]
            if user.guest and (why := self._objection(user, session.address, at_ms)):
                self._directory.put_out(user, session, why)
        # Those within their grace have no session that could be ended.
        for user in [user for user in users.values() if user.vanishes and user.guest]:
            if not user.sessions and self._objection(user, "", at_ms):
                self.end(user)

    # --- From the last session to the free name ---------------------------------------------------

    def end(self, user: User) -> None:
        """Nobody comes back as this user. Every room-service is owed the end of its memberships."""
        self._sessions.forget(user)
        user.ended = True
        self._directory.save(user)
        key = (END_ACCOUNT_KEY if user.deleted else END_GUEST_KEY) + user.name
        for address in self._room_addresses:
            self._directory.effects.owe(address, key, EndGuest(user.name, user.created_at_ms))
            self.add_owed(key)

    def add_owed(self, key: str) -> None:
        """A room-service has still to be told what `key` says."""
        if key.startswith((END_GUEST_KEY, END_ACCOUNT_KEY)):
            self._ending[key] = self._ending.get(key, 0) + 1

    def is_over(self, user: User) -> bool:
        """Every room-service knows that the account is gone."""
        return user.deleted and user.ended and END_ACCOUNT_KEY + user.name not in self._ending

    def settled(self, key: str) -> str | None:
        """A room-service has confirmed the end; returns the name that is free by that, if any."""
        if key not in self._ending:
            return None
        self._ending[key] -= 1
        if self._ending[key]:
            return None
        del self._ending[key]
        if key.startswith(END_ACCOUNT_KEY):
            return None  # Its name stays taken: who had it is still named in logs.
        user = self._directory.remove(key.removeprefix(END_GUEST_KEY))
        log, heads = inbox_log(user.name), self._directory.timeline.heads
        # The next guest of the name goes on in the same log, after the last entry of this one.
        self._log_heads()[log] = heads.pop(log)
        self._conversations.by_user.pop(user.name, None)
        self._directory.effects.rows.append(DropUser(user.name))
        return user.name
