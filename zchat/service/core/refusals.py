"""Refusals that rooms and users share: reserved names, what is done too often, and for how long."""

import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.lookalikes import looks_like_one_of
from zchat.runtime.core.rate_limit import Buckets, Rate
from zchat.service.core.effects import Refusal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_reserved(name: str, reserved: Collection[str]) -> None:
    """Raises `Refusal` for what is kept for the cluster, and for what looks like it."""
    kept = looks_like_one_of(name, reserved)
    if kept is None:
        return
    what = f"{name} is" if name == kept else f"{name} can be mistaken for {kept}, which is"
    raise Refusal(RefusalCode.INVALID_NAME, f"{what} kept for the system; choose another name")


class Pace:
    """How often one user does what takes everybody's room, such as in the audit or a list.

    It is not stored, so a restart forgets it. `too_much` is what somebody is told who goes
    faster.
    """

    def __init__(self, at_once: int, interval_s: float, too_much: str) -> None:
        self._by_user = Buckets(Rate(at_once, 1 / interval_s), limits.LIMITED_NAMES_MAX)
        self._too_much = too_much

    def take(self, user: str, now: float) -> None:
        """The user does it once. Raises `Refusal` if that is too often."""
        if wait_s := self._by_user.of(user, now).take_or_wait_s(1, now):
            reason = f"{self._too_much}; try again in {math.ceil(wait_s)} s"
            raise Refusal(RefusalCode.TOO_FAST, reason, wait_s)


def of_reports() -> Pace:
    """Whoever could report without end could bury what others have done."""
    interval_s = limits.USER_REPORT_INTERVAL_S
    return Pace(limits.USER_REPORTS_MAX, interval_s, "you report too much at once")


def of_new_rooms() -> Pace:
    """Who leaves a room owns it no more, but it stays: a bound on owned ones is not enough."""
    interval_s = limits.NEW_ROOM_INTERVAL_S
    return Pace(limits.NEW_ROOMS_MAX, interval_s, "you have made many rooms of late")


def of_new_conversations() -> Pace:
    """A conversation of several is a room, too."""
    interval_s = limits.NEW_ROOM_INTERVAL_S
    return Pace(limits.NEW_ROOMS_MAX, interval_s, "you have begun many conversations of late")


# --- How long somebody is kept out ----------------------------------------------------------------


def how_long(until_ms: int | None, at_ms: int) -> str:
    """` for another 2 h, until 2026-05-04 10:00 UTC`; nothing for what has no end.

    The time is given besides, as what is said may be read much later; in UTC, as no service knows
    where its reader is.
    """
    if until_ms is None:
        return ""
    # The minute is the next whole one, so that whoever comes back then is let in.
    minutes = -(-until_ms // 60_000)
    try:
        until = f", until {_EPOCH + timedelta(minutes=minutes):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        # Later than the calendar goes: whoever said so meant "for good".
        until = ""
    return f" for another {duration(until_ms - at_ms)}{until}"


def duration(ms: int) -> str:
    """Rounded up, so that whoever comes back then is let in."""
    minutes = -(-ms // 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours < 48 else f"{-(-hours // 24)} days"
