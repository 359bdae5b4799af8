"""Who is kept out of the server, by address, name or pattern, until when and why.

Moderators make and lift bans in `moderation`; logins and announcements ask here.
"""

import math
from collections.abc import Iterator

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, Standing
from zchat.protocol.rules.lookalikes import skeleton
from zchat.protocol.rules.networks import Block, bits_of, prefix_of
from zchat.protocol.rules.targets import Target, target_of
from zchat.service.core.effects import Refusal
from zchat.service.core.refusals import how_long
from zchat.users.core.model import DropBan, SaveBan, User, UserRow

_EXEMPT = (Standing.MODERATOR, Standing.OPERATOR)


class Bans:
    """Every login is looked up in them, however many there are, so they are indexed.

    Blocks of addresses are found by their length, names by what they look like. Only patterns are
    compared one by one, and of these there are few.
    """

    def __init__(self, rows: list[UserRow]) -> None:
        self._rows = rows
        """Of the beat: what is to be written."""
        self.by_who: dict[tuple[str, bool], SaveBan] = {}
        """By target, and whether it is for guests alone."""
        self._blocks: dict[tuple[int, int], dict[int, str]] = {}
        """By version and length of the prefix, and then by prefix."""
        self._names: dict[str, dict[str, Target]] = {}
        """By what they look like."""
        self._patterns: dict[str, Target] = {}
        self._expires_ms: float = math.inf
        """When the next one ends, at the earliest; until then no heartbeat looks at all of them."""

    # --- Who is kept out --------------------------------------------------------------------------

    def check(self, name: str, address: str, user: User | None, at_ms: int) -> None:
        """Raises `Refusal` if whoever comes so is kept out; `user` is None for who is new."""
        if user is not None and is_exempt(user):
            return
        guest = user is None or user.guest
        if ban := self._find(name, address, guest=guest, at_ms=at_ms):
            raise Refusal(*refusal_of(ban, at_ms))

    def _find(self, name: str, address: str, *, guest: bool, at_ms: int) -> SaveBan | None:
        """The one that lasts longest of those that hold now."""
        if not self.by_who:
            return None
        # One for guests alone does not concern accounts.
        scopes = (False, True) if guest else (False,)
        found = [
            ban
            for who in self._fitting(name, address, guest=guest)
            for scope in scopes
            if (ban := self.by_who.get((who, scope))) and _end_ms(ban) > at_ms
        ]
        return max(found, key=_end_ms, default=None)

    def _fitting(self, name: str, address: str, *, guest: bool) -> Iterator[str]:
        if self._blocks and (bits := bits_of(address)):
            for (version, length), blocks in self._blocks.items():
                if version == bits.version and (who := blocks.get(bits.prefix(length))):
                    yield who
        if self._names:
            for who, target in self._names.get(skeleton(name), {}).items():
                if target.is_for_name(name, looks=guest):
                    yield who
        for who, target in self._patterns.items():
            if target.is_for_name(name, looks=guest):
                yield who

    # --- What changes them ------------------------------------------------------------------------

    def restore(self, ban: SaveBan) -> None:
        """One from the store."""
        self._enter(ban, target_of(ban.who))

    def put(self, ban: SaveBan, target: Target, at_ms: int) -> None:
        """Makes it, in the place of the one of the same target. Raises `Refusal` if it is full."""
        self.expire(at_ms)
        if (ban.who, ban.guests) not in self.by_who:
            self._check_place(target)
        self._enter(ban, target)
        self._rows.append(ban)

    def prolong(self, ban: SaveBan, target: Target, at_ms: int) -> None:
        """The same, unless one that is there keeps as many out for as long."""
        # One that keeps everybody out keeps guests out as well.
        for scope in {False, ban.guests}:
            former = self.by_who.get((ban.who, scope))
            if former is not None and _end_ms(former) >= _end_ms(ban):
                return
        self.put(ban, target, at_ms)

    def lift(self, who: str, at_ms: int) -> bool:
        """Whether there was one that held."""
        lifted = [self.by_who[key] for key in ((who, False), (who, True)) if key in self.by_who]
        for ban in lifted:
            self._drop(ban)
        return any(_end_ms(ban) > at_ms for ban in lifted)

    def expire(self, at_ms: int) -> None:
        """Forgets those that are over."""
        if at_ms < self._expires_ms:
            return
        for ban in [ban for ban in self.by_who.values() if _end_ms(ban) <= at_ms]:
            self._drop(ban)
        self._expires_ms = min(map(_end_ms, self.by_who.values()), default=math.inf)

    def _check_place(self, target: Target) -> None:
        if len(self.by_who) >= limits.BANS_MAX:
            reason = f"{limits.BANS_MAX:,} bans hold already; lift some first, or ban whole blocks"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        if (
            target.pattern
            and target.text not in self._patterns
            and len(self._patterns) >= limits.BAN_PATTERNS_MAX
        ):
            reason = f"{limits.BAN_PATTERNS_MAX} patterns are banned already; lift some first"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)

    def _enter(self, ban: SaveBan, target: Target) -> None:
        self.by_who[ban.who, ban.guests] = ban
        self._expires_ms = min(self._expires_ms, _end_ms(ban))
        if target.block is not None:
            self._blocks.setdefault(_length_of(target.block), {})[prefix_of(target.block)] = ban.who
        elif target.name:
            self._names.setdefault(skeleton(target.name), {})[ban.who] = target
        else:
            self._patterns[ban.who] = target

    def _drop(self, ban: SaveBan) -> None:
        del self.by_who[ban.who, ban.guests]
        self._rows.append(DropBan(ban.who, ban.guests))
        if (ban.who, not ban.guests) in self.by_who:
            return  # The index is by target, and the other ban of this one needs it still.
        target = target_of(ban.who)
        if target.block is not None:
            blocks = self._blocks[_length_of(target.block)]
            del blocks[prefix_of(target.block)]
            if not blocks:
                del self._blocks[_length_of(target.block)]
        elif target.name:
            alike = self._names[skeleton(target.name)]
            del alike[ban.who]
            if not alike:
                del self._names[skeleton(target.name)]
        else:
            del self._patterns[ban.who]


def is_exempt(user: User) -> bool:
    """Whoever keeps order is kept out by no ban, or a mistyped one would leave nobody to lift it.

    They are suspended, or made plain accounts.
    """
    return user.standing in _EXEMPT


def refusal_of(ban: SaveBan, at_ms: int) -> tuple[RefusalCode, str, float]:
    """What whoever is kept out by it is told."""
    block = target_of(ban.who).block is not None
    whose = "your address" if block else "your name"
    if ban.guests:
        who = f"guests and new accounts from {whose} are" if block else f"guests of {whose} are"
    else:
        who = f"{whose} is"
    why = f": {ban.reason}" if ban.reason else ""
    reason = f"{who} banned from this server{how_long(ban.until_ms, at_ms)}{why}"
    wait_s = 0.0 if ban.until_ms is None else (ban.until_ms - at_ms) / 1000
    return RefusalCode.BANNED, reason, wait_s


def _length_of(block: Block) -> tuple[int, int]:
    return block.version, block.prefixlen


def _end_ms(ban: SaveBan) -> float:
    return math.inf if ban.until_ms is None else ban.until_ms
