"""What moderators and operators do to users: standing, suspensions, kicks and bans.

All of it goes to the audit. Whom a ban keeps out is found in `bans`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AccountChange,
    BanUsers,
    DisconnectUser,
    KickUsers,
    ListUserBans,
    RefusalCode,
    RestoreUser,
    SetStanding,
    Standing,
    SuspendUser,
    UnbanUsers,
    UserBan,
    UserBanList,
)
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.networks import is_of_this_machine
from zchat.protocol.rules.permissions import at_least
from zchat.protocol.rules.targets import InvalidTarget, Target, target_of
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.refusals import how_long
from zchat.users.core.bans import is_exempt, refusal_of
from zchat.users.core.directory import Directory
from zchat.users.core.model import SaveBan, Suspension, User

ModerationCommand = (
    SetStanding | DisconnectUser | SuspendUser | RestoreUser | BanUsers | UnbanUsers | KickUsers
)


class _Made(NamedTuple):
    """A ban that was made a moment ago, whose sessions are to end."""

    ban: SaveBan
    target: Target

    def hits(self, user: User, address: str) -> bool:
        if is_exempt(user) or (self.ban.guests and not user.guest):
            return False
        target = self.target
        return target.is_for_address(address) or target.is_for_name(user.name, looks=user.guest)


class Moderation:
    """A moderator acts on users of lower standing only. The operator at the console, who has no
    user but the key of the fabric, may do everything.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._bans = directory.bans

    def handle(self, sender: Sender, command: ModerationCommand, at_ms: int) -> Answer:
        match command:
            case SetStanding():
                return self._set_standing(sender, command, at_ms)
            case DisconnectUser():
                return self._disconnect(sender, command, at_ms)
            case SuspendUser():
                return self._suspend(sender, command, at_ms)
            case RestoreUser():
                return self._restore(sender, command, at_ms)
            case BanUsers():
                return self._ban(sender, command, at_ms)
            case UnbanUsers():
                return self._unban(sender, command, at_ms)
            case KickUsers():
                return self._kick(sender, command, at_ms)
            case _:
                assert_never(command)

    # --- One user, by name ------------------------------------------------------------------------

    def _set_standing(self, sender: Sender, command: SetStanding, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        if command.standing is Standing.GUEST:
            raise Refusal(RefusalCode.NOT_ALLOWED, "an account cannot become a guest")
        if user.rank is not command.standing:
            self._keep_an_operator(sender, user)
            user.rank = command.standing
            self._directory.save(user)
            change = AccountChange.STANDING_CHANGED
            self._directory.tell(user, change, user.rank, at_ms, author=SYSTEM_AUTHOR)
            # Gateways learn it as the clients log in anew.
            self._directory.break_sessions(user)
        self._directory.audit(sender, command, at_ms, user.name, command.standing)
        return Answer(None, 0)

    def _disconnect(self, sender: Sender, command: DisconnectUser, at_ms: int) -> Answer:
        user = self._directory.named(command.user)
        self._check_above(sender, user)
        self._directory.break_sessions(user)
        self._directory.audit(sender, command, at_ms, user.name, command.reason)
        return Answer(None, 0)

    def _suspend(self, sender: Sender, command: SuspendUser, at_ms: int) -> Answer:
        user = self._directory.named(command.user)
        if user.guest:
            reason = (
                f"{user.name} is a guest, and has no account to suspend; a ban keeps a guest "
                "out, by name or address: zchat-admin ban, or :server-ban"
            )
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        self._check_above(sender, user)
        self._keep_an_operator(sender, user)
        user.suspension = Suspension(command.until_ms, printable(command.reason))
        self._directory.save(user)
        self._directory.end_sessions(user, why=_suspended(user, at_ms).answer)
        self._directory.audit(sender, command, at_ms, user.name, command.reason)
        return Answer(None, 0)

    def _restore(self, sender: Sender, command: RestoreUser, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        self._check_above(sender, user)
        if user.suspension is not None:
            user.suspension = None
            self._directory.save(user)
        self._directory.audit(sender, command, at_ms, user.name)
        return Answer(None, 0)

    def _check_above(self, sender: Sender, user: User) -> None:
        """Raises `Refusal` for a moderator who would act on another one, or on an operator."""
        if not sender.user:
            return
        actor = self._directory.acting(sender.user)
        operator = actor.standing is Standing.OPERATOR
        if not operator and at_least(user.standing, actor.standing):
            reason = f"{user.name} is {_called(user.standing)}; that takes an operator"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    def _keep_an_operator(self, sender: Sender, user: User) -> None:
        """Only the operator at the console can leave the cluster without another one."""
        if not sender.user or user.standing is not Standing.OPERATOR:
            return
        operators = (
            other
            for other in self._directory.users.values()
            if other.present and other.standing is Standing.OPERATOR and other.suspension is None
        )
        if all(other is user for other in operators):
            reason = f"{user.name} is the last operator; make another one first"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    # --- Whoever an address, a name or a pattern fits ---------------------------------------------

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
            # Put out, but not kept out: see `is_exempt`.
            self._check_above(sender, named)
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


def check_not_suspended(user: User, at_ms: int) -> None:
    """Raises `Refusal`, which says why and for how long the user is kept out."""
    if user.is_suspended(at_ms):
        raise _suspended(user, at_ms)


def _suspended(user: User, at_ms: int) -> Refusal:
    until_ms, reason = user.suspension or (None, "")
    why = f": {reason}" if reason else ""
    return Refusal(
        RefusalCode.SUSPENDED,
        f"{user.name} is suspended{how_long(until_ms, at_ms)}{why}",
        0.0 if until_ms is None else max(0, until_ms - at_ms) / 1000,
    )
