"""When a server that says nothing counts as gone: sooner if it owes an answer."""

from zchat.protocol import limits


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
