"""Blocks, reports and invitations to rooms: what else a user's inbox takes in, and what not."""

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import TellInvited
from zchat.protocol.messages import (
    BlockUser,
    InvitedToRoom,
    RefusalCode,
    ReportMessage,
    UnblockUser,
    inbox_log,
)
from zchat.protocol.rules.names import canonical_name, printable
from zchat.service.core import refusals
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.directory import Directory
from zchat.users.core.model import DropBlock, SaveBlock, User


class Inboxes:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._reports = refusals.of_reports()

    def tell_invited(self, command: TellInvited, at_ms: int) -> Answer:
        """Whoever wants to hear nothing of the inviter does not hear of that, either."""
        user = self._directory.users.get(command.user)
        if user is None or not user.present or command.author in user.blocked:
            return Answer(None, 0)
        log, body = inbox_log(user.name), InvitedToRoom(command.room)
        timeline = self._directory.timeline
        return Answer(log, timeline.append(log, command.author, body, at_ms, command.nonce))

    def report(self, sender: Sender, command: ReportMessage, now: float, at_ms: int) -> Answer:
        """Goes to the audit, where those look who can do something about it; without the text."""
        user = self._directory.acting(sender.user)
        self._directory.check_inbox(user, command.log)
        log = inbox_log(user.name)
        entry = self._directory.timeline.referred.get((log, command.sequence))
        if entry is None or command.sequence <= user.inbox_floor:
            reason = f"there is no entry {command.sequence} in your inbox"
            raise Refusal(RefusalCode.UNKNOWN_ENTRY, reason)
        self._reports.take(user.name, now)
        place = f"{log} {command.sequence}"
        self._directory.audit(sender, command, at_ms, entry.author, command.reason, place)
        return Answer(None, 0)

    # --- Blocks -----------------------------------------------------------------------------------

    def block(self, sender: Sender, command: BlockUser) -> Answer:
        """Anybody but oneself, be it a guest's name: that is blocked for all who come with it."""
        user, name = self._directory.acting(sender.user), canonical_name(command.user)
        if name == user.name:
            raise Refusal(RefusalCode.NOT_ALLOWED, "nobody can block themselves")
        if name not in self._directory.users:
            reason = f"there is no user {printable(command.user)}"
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        if name not in user.blocked:
            if len(user.blocked) >= limits.USER_BLOCKED_MAX:
                reason = f"you block {limits.USER_BLOCKED_MAX} users, which is the most"
                raise Refusal(RefusalCode.LIMIT_REACHED, reason)
            user.blocked |= {name}
            self._directory.effects.rows.append(SaveBlock(user.name, name))
        return Answer(None, 0)

    def unblock(self, sender: Sender, command: UnblockUser) -> Answer:
        user, name = self._directory.acting(sender.user), canonical_name(command.user)
        if name in user.blocked:
            self._unblock(user, name)
        return Answer(None, 0)

    def forget_blocks(self, user: User) -> None:
        for name in sorted(user.blocked):
            self._unblock(user, name)

    def forget_blocks_of(self, name: str) -> None:
        """Nobody has that name any more."""
        for user in self._directory.users.values():
            if name in user.blocked:
                self._unblock(user, name)

    def _unblock(self, user: User, name: str) -> None:
        user.blocked -= {name}
        self._directory.effects.rows.append(DropBlock(user.name, name))
