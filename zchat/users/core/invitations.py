"""Invitations to make an account: each works once, until it is out of date or revoked."""

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.messages import CreateInvitation, RefusalCode, RevokeInvitation
from zchat.protocol.rules.names import printable
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.directory import Directory
from zchat.users.core.model import DropInvitation, SaveInvitation, code_digest
from zchat.users.core.policy import Policy


class Invitations:
    def __init__(self, directory: Directory, policy: Policy) -> None:
        self._directory = directory
        self._policy = policy
        self.by_digest: dict[bytes, SaveInvitation] = {}

    # --- Using them -------------------------------------------------------------------------------

    def check(self, code: str, at_ms: int) -> None:
        """Raises `Refusal` unless an account may be made now, with this code."""
        self._policy.check_registration()
        if not self._policy.invited_only:
            return
        if not code:
            raise Refusal(
                RefusalCode.INVITATION_REQUIRED, "an account needs an invitation here; ask for one"
            )
        invitation = self.by_digest.get(code_digest(code))
        if invitation is None or invitation.expires_ms <= at_ms:
            raise Refusal(
                RefusalCode.INVALID_INVITATION,
                "this invitation is not known, was used before or is out of date",
            )

    def use(self, code: str, at_ms: int) -> None:
        """The same, and it does not work again."""
        self.check(code, at_ms)
        if self._policy.invited_only:
            self._drop(code_digest(code))

    # --- Commands ---------------------------------------------------------------------------------

    def create(self, sender: Sender, command: CreateInvitation, at_ms: int) -> Answer:
        if command.expires_ms <= at_ms:
            raise Refusal(RefusalCode.INVALID_INVITATION, "it would be out of date already")
        for digest, old in list(self.by_digest.items()):
            if old.expires_ms <= at_ms:
                self._drop(digest)
        if command.digest in self.by_digest:
            raise Refusal(RefusalCode.INVALID_INVITATION, "there is such an invitation already")
        if len(self.by_digest) >= limits.INVITATIONS_MAX:
            reason = f"{limits.INVITATIONS_MAX} invitations wait to be used; revoke some first"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        note = printable(command.note)
        invitation = SaveInvitation(command.digest, at_ms, command.expires_ms, note)
        self.by_digest[command.digest] = invitation
        self._directory.effects.rows.append(invitation)
        self._directory.audit(sender, command, at_ms, _called(command.digest), note)
        return Answer(None, 0)

    def revoke(self, sender: Sender, command: RevokeInvitation, at_ms: int) -> Answer:
        if command.digest not in self.by_digest:
            reason = "there is no such invitation; it may have been used"
            raise Refusal(RefusalCode.INVALID_INVITATION, reason)
        self._drop(command.digest)
        self._directory.audit(sender, command, at_ms, _called(command.digest))
        return Answer(None, 0)

    def _drop(self, digest: bytes) -> None:
        del self.by_digest[digest]
        self._directory.effects.rows.append(DropInvitation(digest))


def _called(digest: bytes) -> str:
    """Enough to tell invitations apart, for the audit."""
    return digest.hex()[:12]
