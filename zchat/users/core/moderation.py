"""Kicks and bans from the server, by moderators and operators. All of it goes to the audit."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import (
    BanUsers,
    KickUsers,
    ListUserBans,
    RefusalCode,
    Standing,
    UnbanUsers,
    UserBan,
    UserBanList,
)
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.networks import is_of_this_machine
from zchat.protocol.rules.targets import InvalidTarget, Target, target_of
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.bans import is_exempt, refusal_of
from zchat.users.core.directory import Directory
from zchat.users.core.model import SaveBan, User
from zchat.users.core.operators import Operators


class _Made(NamedTuple):
    """A ban that was made a moment ago, whose sessions are to end."""

    ban: SaveBan
    target: Target

    def hits(self, user: User, address: str) -> bool:
        if is_exempt(user) or (self.ban.guests and not user.guest):
            return False
        target = self.target
        return target.is_for_address(address) or target.is_for_name(user.name, looks=user.guest)


class Order:
    def __init__(self, directory: Directory, operators: Operators) -> None:
        self._directory = directory
        self._operators = operators
        self._bans = directory.bans

    # --- Commands ---------------------------------------------------------------------------------

    def handle(
        self, sender: Sender, command: BanUsers | UnbanUsers | KickUsers, at_ms: int
    ) -> Answer:
        match command:
            case BanUsers():
                return self._ban(sender, command, at_ms)
            case UnbanUsers():
                return self._unban(sender, command, at_ms)
            case KickUsers():
                return self._kick(sender, command, at_ms)

    def _ban(self, sender: Sender, command: BanUsers, at_ms: int) -> Answer:
        target = _read(command.who)
        named = self._named(target)
        if named is not None and is_exempt(named):
            reason = (
                f"{named.name} is {_called(named.standing)}, whom no ban keeps out; suspend it, or "
                "make it a plain account first"
            )
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        self._check_meant(sender, target, force=command.force)
        until_ms = None if command.for_s is None else at_ms + command.for_s * 1000
        made = _made(sender, target, command.reason, at_ms, until_ms, guests=command.guests)
        self._bans.put(made.ban, target, at_ms)
        self._put_out(made, {}, at_ms)
        self._directory.audit(sender, command, at_ms, target.text, command.reason)
        return Answer(None, 0)

    def _unban(self, sender: Sender, command: UnbanUsers, at_ms: int) -> Answer:
        target = _read(command.who)
        if not self._bans.lift(target.text, at_ms):
            reason = f"{printable(target.text)} is not banned from the server; the list has all"
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        self._directory.audit(sender, command, at_ms, target.text)
        return Answer(None, 0)

    def _kick(self, sender: Sender, command: KickUsers, at_ms: int) -> Answer:
        """A guest is known by name and address, and loses both; an account is known by its name."""
        target = _read(command.who)
        named = self._named(target)
        if target.name and named is None:
            reason = f"there is no user {printable(target.name)}; a ban keeps out who is gone, too"
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        if named is not None and is_exempt(named):
            # Put out, but not kept out.
            self._operators.check_above(sender, named)
            why = Refusal(RefusalCode.SESSION_ENDED, _word_of(command.reason)).answer
            self._directory.break_sessions(named, why)
            self._directory.audit(sender, command, at_ms, target.text, command.reason)
            return Answer(None, 0)
        self._check_meant(sender, target, force=command.force)
        until_ms = at_ms + command.for_s * 1000
        first = _made(sender, target, command.reason, at_ms, until_ms)
        self._bans.prolong(first.ban, target, at_ms)
        addresses: dict[str, _Made] = {}
        if not command.names_only and target.block is None:
            for address in self._addresses_of(first, named, at_ms):
                other = _made(sender, _read(address), command.reason, at_ms, until_ms, guests=True)
                try:
                    self._bans.prolong(other.ban, other.target, at_ms)
                except Refusal:
                    break  # There is no place for more addresses; the names are kept out.
                addresses[address] = other
        self._put_out(first, addresses, at_ms)
        self._directory.audit(sender, command, at_ms, target.text, command.reason)
        return Answer(None, 0)

    def _addresses_of(self, made: _Made, named: User | None, at_ms: int) -> Sequence[str]:
        """Where the guests are that are meant; where one was a moment ago who is not connected.

        An address of this machine is a proxy's, behind which everyone may be.
        """
        users = self._directory.users
        addresses = {
            _read(session.address).text
            for session in self._directory.sessions.all()
            if session.address and not is_of_this_machine(session.address)
            if users[session.user].guest and made.hits(users[session.user], session.address)
        }
        if named is not None and named.guest and not named.sessions:
            since_ms = max(named.created_at_ms, at_ms - limits.KICK_SEEN_S * 1000)
            seen = self._directory.sightings.addresses_of(named.name, since_ms)
            addresses |= {_read(each).text for each in seen if not is_of_this_machine(each)}
        return sorted(addresses)

    # --- Whom it hits -----------------------------------------------------------------------------

    def _named(self, target: Target) -> User | None:
        user = self._directory.users.get(target.name)
        return user if user is not None and user.present else None

    def _check_meant(self, sender: Sender, target: Target, *, force: bool) -> None:
        """Raises `Refusal` for what nobody does on purpose, unless it is forced."""
        if force:
            actor = self._directory.acting(sender.user) if sender.user else None
            if actor is not None and actor.standing is not Standing.OPERATOR:
                raise Refusal(RefusalCode.NOT_ALLOWED, "only operators of the cluster may force it")
            return
        if target.is_vast:
            what = f"{printable(target.text)} means a good part of everybody"
        elif target.has_this_machine:
            what = (
                f"{printable(target.text)} is an address of the server's own machine: of its "
                "operators, and of everybody who comes through a proxy on it"
            )
        elif sender.user and self._is_own(self._directory.acting(sender.user), target):
            what = f"{printable(target.text)} means you as well, or others at your address"
        else:
            return
        reason = f"{what}; an operator may do it with zchat-admin and --force"
        raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    @staticmethod
    def _is_own(user: User, target: Target) -> bool:
        return target.is_for_name(user.name) or any(
            target.is_for_address(session.address) for session in user.sessions
        )

    def _put_out(self, first: _Made, addresses: Mapping[str, _Made], at_ms: int) -> None:
        """Whom the first ban hits, or one of those of an address.

        In a wave there are thousands of both sessions and addresses, so these are looked up.
        """
        users = self._directory.users
        for session in self._directory.sessions.all():
            user, made = users[session.user], first
            if not first.hits(user, session.address):
                other = addresses.get(_read(session.address).text) if session.address else None
                if other is None or not other.hits(user, session.address):
                    continue
                made = other
            why = Refusal(*refusal_of(made.ban, at_ms)).answer
            self._directory.put_out(user, session, why)

    # --- The list ---------------------------------------------------------------------------------

    def listed(self, query: ListUserBans, at_ms: int) -> UserBanList:
        bans = sorted(
            ban
            for ban in self._bans.by_who.values()
            if ban.who > query.after and (ban.until_ms is None or ban.until_ms > at_ms)
        )
        fit = fitting(map(_info, bans[: limits.LIST_PAGE_MAX]), limits.ANSWER_BYTES_MAX)
        # Both bans of one target are in one page, since the next one begins after it.
        while fit and len(fit) < len(bans) and fit[-1].who == bans[len(fit)].who:
            fit.pop()
        return UserBanList(query.id, fit, len(fit) < len(bans))


def _read(who: str) -> Target:
    try:
        return target_of(who)
    except InvalidTarget as error:
        raise Refusal(RefusalCode.INVALID_NAME, str(error)) from None


def _made(
    sender: Sender,
    target: Target,
    reason: str,
    at_ms: int,
    until_ms: int | None,
    *,
    guests: bool = False,
) -> _Made:
    ban = SaveBan(target.text, guests, printable(reason), sender.actor, at_ms, until_ms)
    return _Made(ban, target)


def _info(ban: SaveBan) -> UserBan:
    return UserBan(ban.who, ban.reason, ban.made_by, ban.made_ms, ban.until_ms, ban.guests)


def _word_of(reason: str) -> str:
    ended = "your session was ended by who keeps order here"
    return f"{ended}: {printable(reason)}" if reason else ended


def _called(standing: Standing) -> str:
    return "an operator" if standing is Standing.OPERATOR else f"a {standing}"
