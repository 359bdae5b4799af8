"""The clients that a user has proved itself from: which are remembered, and what they may do."""

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.messages import (
    AccountChange,
    CreateAppToken,
    DeviceInfo,
    LogOutEverywhere,
    RefusalCode,
    RevokeDevice,
)
from zchat.protocol.rules.names import canonical_name, is_visible, printable
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.directory import Directory
from zchat.users.core.model import Token, User


class Devices:
    """A user has at most `USER_TOKENS_MAX` tokens of each kind: those that end with a goodbye,
    remembered devices, and app tokens. When a client is one too many, the one of its kind that was
    not seen for longest, and is not connected, is forgotten. If all are connected it has to wait,
    or two clients would go on to put each other out. One app token too many is refused.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def check_place(self, user: User, digest: bytes, instance: bytes, device: str) -> None:
        """Raises `Refusal` if too many other programs of the user are connected."""
        kind = (False, bool(_shown(device)))
        if user.token(digest) is None and not self._has_room(user, kind):
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"{user.name} is connected with {limits.USER_TOKENS_MAX} logins, which is the most",
                limits.SESSION_PLACE_WAIT_S,
            )
        # One that comes back replaces its own session, and is not one more.
        others = sum(not session.is_of(digest, instance) for session in user.sessions)
        if others >= limits.USER_SESSIONS_MAX:
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"{user.name} is connected {limits.USER_SESSIONS_MAX} times, which is the most",
                limits.SESSION_PLACE_WAIT_S,
            )

    def seen(self, user: User, token: Token, device: str, at_ms: int) -> None:
        """A client has come back with its token."""
        name = _shown(device)
        if name and not token.remembered and self._has_room(user, (False, True)):
            self._make_room(user, (False, True))
            token.remembered, token.name = True, name
        elif at_ms - token.seen_at_ms < limits.TOKEN_SEEN_INTERVAL_S * 1000:
            return
        token.seen_at_ms = at_ms
        self._directory.effects.rows.append(token.row(user.name))

    def add(self, user: User, digest: bytes, device: str, at_ms: int) -> Token:
        """A client has come for the first time. With a name it is remembered."""
        name = _shown(device)
        self._make_room(user, (False, bool(name)))
        return self._add(user, Token(digest, 0, name, bool(name), at_ms, at_ms))

    def _add(self, user: User, token: Token) -> Token:
        user.devices_made += 1
        token.device = user.devices_made
        user.tokens.append(token)
        self._directory.save(user)
        self._directory.effects.rows.append(token.row(user.name))
        return token

    def _has_room(self, user: User, kind: tuple[bool, bool]) -> bool:
        alike = _alike(user, kind)
        return len(alike) < limits.USER_TOKENS_MAX or bool(_away(user, alike))

    def _make_room(self, user: User, kind: tuple[bool, bool]) -> None:
        alike = _alike(user, kind)
        if len(alike) >= limits.USER_TOKENS_MAX:
            away = _away(user, alike)
            self._directory.forget(user, min(away, key=lambda one: (one.seen_at_ms, one.device)))

    def goodbye(self, user: User, digest: bytes) -> None:
        """The client has said goodbye: whoever has its token then needs the password again."""
        if any(session.digest == digest for session in user.sessions):
            return  # Another program has it, too, and may have to come back with it.
        token = user.token(digest)
        if token is not None and (user.guest or not token.remembered):
            self._directory.forget(user, token)

    # --- Commands ---------------------------------------------------------------------------------

    def revoke(self, sender: Sender, command: RevokeDevice, at_ms: int) -> Answer:
        user = self._directory.acting(sender.user)
        token = next((token for token in user.tokens if token.device == command.device), None)
        if token is None:
            reason = f"there is no device {command.device}; list them to see their numbers"
            raise Refusal(RefusalCode.UNKNOWN_DEVICE, reason)
        self._directory.end_sessions(user, token.digest)
        self._directory.forget(user, token)
        change, about = AccountChange.DEVICE_REVOKED, token.name
        return self._directory.tell(user, change, about, at_ms, nonce=command.nonce)

    def log_out_everywhere(self, sender: Sender, command: LogOutEverywhere, at_ms: int) -> Answer:
        """The session that says so ends, too; its `Done` goes out before."""
        user = self._directory.acting(sender.user)
        self._directory.forget_all(user)
        change = AccountChange.LOGGED_OUT_EVERYWHERE
        return self._directory.tell(user, change, "", at_ms, nonce=command.nonce)

    def create_app_token(self, sender: Sender, command: CreateAppToken, at_ms: int) -> Answer:
        user = self._directory.acting(sender.user)
        if user.token(command.digest) is not None:
            reason = "this token is known already; make another one"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        if sum(bool(token.scopes) for token in user.tokens) >= limits.USER_TOKENS_MAX:
            reason = f"you have {limits.USER_TOKENS_MAX} app tokens; revoke one first"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        name = _shown(command.name)
        scopes = tuple(sorted(set(command.scopes)))
        rooms = tuple(sorted({canonical_name(room) for room in command.rooms}))
        self._add(user, Token(command.digest, 0, name, True, at_ms, at_ms, scopes, rooms))
        change = AccountChange.APP_TOKEN_CREATED
        return self._directory.tell(user, change, name, at_ms, nonce=command.nonce)


def _alike(user: User, kind: tuple[bool, bool]) -> list[Token]:
    return [token for token in user.tokens if token.kind == kind]


def _away(user: User, tokens: list[Token]) -> list[Token]:
    """Those that nobody is connected with."""
    connected = {session.digest for session in user.sessions}
    return [token for token in tokens if token.digest not in connected]


def device_infos(user: User) -> list[DeviceInfo]:
    """All tokens; those that end with a goodbye have no name."""
    connected = {session.digest for session in user.sessions}
    return [
        DeviceInfo(
            token.device,
            token.name,
            token.created_at_ms,
            token.seen_at_ms,
            token.digest in connected,
            list(token.scopes),
            list(token.rooms),
        )
        for token in user.tokens
    ]


def _shown(name: str) -> str:
    """What a device is listed as; empty if there is nothing to see in it."""
    clean = printable(name).strip()
    return clean if is_visible(clean) else ""
