"""When the client connects again, and after which refusals it does not."""

import math
from typing import Final

from msgspec.structs import replace

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, Refused

JITTER: Final = 0.5
"""Up to this share of a wait is left to chance, so that a crowd does not come back as one."""

TOKEN_REVOKED: Final = "this client has been logged out: the server knows its token no more"

_TRY_AGAIN: Final = frozenset(
    {
        RefusalCode.BUSY,
        RefusalCode.UNAVAILABLE,
        RefusalCode.TIMED_OUT,
        # A client has one connection at a time, so what was taken for a newer one is a login of its
        # own that was delayed on its way through another gateway.
        RefusalCode.SESSION_ENDED,
    }
)
_TRY_AGAIN_TO_RESUME: Final = _TRY_AGAIN | {
    RefusalCode.NAME_IN_USE,
    RefusalCode.LIMIT_REACHED,
    RefusalCode.TOO_FAST,
}
"""Our own former session may still hold the name or the place, or is why we must wait."""
_CONNECTION_OVER: Final = frozenset(
    {
        RefusalCode.MALFORMED,
        RefusalCode.UNSUPPORTED_VERSION,
        RefusalCode.NOT_LOGGED_IN,
        # Whoever is put out is not let in again: the person has to read why, and until when.
        RefusalCode.BANNED,
        RefusalCode.SUSPENDED,
        RefusalCode.GUESTS_NOT_ALLOWED,
    }
)
"""Repeating what led to these would lead to them again."""


def ends_client(refused: Refused, *, logging_in: bool, resuming: bool) -> bool:
    """Whether the refusal of a login, or of a whole connection, is the server's last word."""
    code = refused.code
    if not logging_in:
        return code in _CONNECTION_OVER
    if code is RefusalCode.LIMIT_REACHED and refused.retry_after_ms:
        # Other programs of the account have all the places, and one of them is free again soon.
        return False
    return code not in (_TRY_AGAIN_TO_RESUME if resuming else _TRY_AGAIN)


def last_word(refused: Refused, *, resuming: bool) -> Refused:
    """The same in words that fit a client that was logged in a moment ago."""
    if resuming and refused.code is RefusalCode.PASSWORD_REQUIRED:
        return replace(refused, reason=TOKEN_REVOKED)
    return refused


class Reconnect:
    """The waits between attempts: doubling up to a bound, begun anew after each login."""

    def __init__(self) -> None:
        self.attempt = 0
        self.due_at = -math.inf
        self._wait_s = limits.CLIENT_RECONNECT_S
        self._at_once = False
        self._least_s = 0.0

    def logged_in(self) -> None:
        self._wait_s = limits.CLIENT_RECONNECT_S

    def want_at_once(self) -> None:
        """The next wait is left out: nothing is wrong with the server."""
        self._at_once = True

    def wait_at_least(self, seconds: float) -> None:
        """The server has said how long the next wait is."""
        self._least_s = min(seconds, limits.CLIENT_RETRY_AFTER_S_MAX)

    def disconnected(self, now: float, jitter: float) -> None:
        self.attempt += 1
        if self._at_once:
            self._at_once = False
            self.due_at = now
        else:
            self.due_at = now + self._wait_s * (1 - JITTER * jitter)
            self._wait_s = min(2 * self._wait_s, limits.CLIENT_RECONNECT_S_MAX)
        if self._least_s:
            # Later than that by chance, as the others that were told so.
            later_s = min(self._least_s * JITTER, limits.CLIENT_RECONNECT_S_MAX) * jitter
            self.due_at = max(self.due_at, now + self._least_s + later_s)
            self._least_s = 0.0


# --- When a server that says nothing counts as gone: sooner if it owes an answer.


class Silence:
    """A broken connection may look like a quiet one for ever; only the clock tells them apart."""

    def __init__(self) -> None:
        self._heard_at = 0.0
        self._owed_since: float | None = None
        """Since when, at least, something is unanswered and nothing was heard."""
        self._deaf = False
        self._excused_until = 0.0

    def heard(self, now: float) -> None:
        """The server has said something, or the connection has just been made."""
        self._heard_at = now
        if self._owed_since is not None:
            self._owed_since = now

    def owes(self, now: float, *, owing: bool) -> None:
        """Whether the server owes an answer."""
        if not owing:
            self._owed_since = None
        elif self._owed_since is None:
            self._owed_since = now

    def excuse(self, until: float) -> None:
        """The server has said that it answers nothing before then."""
        self._excused_until = min(until, self._heard_at + limits.CLIENT_RETRY_AFTER_S_MAX)

    def stop_listening(self) -> None:
        """We read no more for a while: silence says nothing about the server now."""
        self._deaf = True

    def listen(self, now: float) -> None:
        self._deaf = False
        self._excused_until = 0.0
        self.heard(now)

    @property
    def gone_at(self) -> float | None:
        """When the server is gone if nothing is heard until then; None if we do not listen."""
        if self._deaf:
            return None
        quiet_until = max(self._heard_at, self._excused_until) + limits.CLIENT_SILENCE_S
        if self._owed_since is None:
            return quiet_until
        owed_since = max(self._owed_since, self._excused_until)
        return min(quiet_until, owed_since + limits.CLIENT_ANSWER_SILENCE_S)
