"""Who may have a name here: the policy that operators have set, and invitations to an account."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import AuditRecord, CreateInvitation, RefusalCode, RevokeInvitation
from zchat.protocol.operators import ChangedSettings, ChangeSetting, SettingChange
from zchat.protocol.rules.names import printable
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.operators import require_operator
from zchat.users.core.directory import Directory
from zchat.users.core.model import (
    DropInvitation,
    DropSetting,
    SaveInvitation,
    SaveSetting,
    code_digest,
)


@dataclass(slots=True)
class Policy:
    """The settings `registration`, `guests` and `edits`; the first two may change meanwhile.

    Closed means closed to everyone: an invitation works only where one is asked for.
    """

    registration: str = "open"
    guests: str = "allow"
    edits: str = "discard"

    def check_guest(self) -> None:
        """Raises `Refusal` if nobody may be here without an account."""
        if self.guests == "allow":
            return
        how = {
            "open": "log in with register to make one",
            "invite": "log in with register and an invitation to make one",
        }.get(self.registration, "only those who have one may come in")
        raise Refusal(RefusalCode.GUESTS_NOT_ALLOWED, f"guests need an account here: {how}")

    def check_registration(self) -> None:
        """Raises `Refusal` if nobody may make an account."""
        if self.registration == "closed":
            raise Refusal(
                RefusalCode.REGISTRATION_CLOSED, "no accounts are made here; ask the operator"
            )

    @property
    def keeps_edits(self) -> bool:
        """Whether what an edited message said before can still be read."""
        return self.edits == "keep"

    @property
    def invited_only(self) -> bool:
        return self.registration == "invite"


class ChangeablePolicy:
    """The settings that were changed while the cluster runs: kept here, and told to all from here.

    What was changed goes before what this process was given; that is `given`. `check` raises
    `ValueError`, which says for people what is wrong, for what is no value of a setting: they are
    those of all processes, and not the users' own.
    """

    def __init__(
        self, effects: Effects[Any, Any], given: Policy, check: Callable[[str, str], object]
    ) -> None:
        self._effects = effects
        self._given = given
        self._check = check
        self._by_name: dict[str, SaveSetting] = {}
        self.policy = Policy(given.registration, given.guests, given.edits)
        """As it is now; those who ask it share this one."""
        self.told = b""
        """What all processes are to be told: `ChangedSettings`."""
        self._tell()

    def restore(self, saved: SaveSetting) -> None:
        """As it was committed."""
        self._by_name[saved.name] = saved
        self._tell()

    def give(self, given: Policy) -> None:
        """This process was given another policy."""
        self._given = given
        self._tell()

    def change(self, sender: Sender, command: ChangeSetting, at_ms: int) -> Answer:
        require_operator(sender)
        name, value = command.name, command.value
        former = self._by_name.get(name)
        if value is None:
            if former is None:
                reason = f"{name} is not set here: each process goes by what it was started with"
                raise Refusal(RefusalCode.OTHER, reason)
            del self._by_name[name]
            self._effects.rows.append(DropSetting(name))
        else:
            try:
                self._check(name, value)
            except ValueError as error:
                raise Refusal(RefusalCode.OTHER, str(error)) from None
            saved = self._by_name[name] = SaveSetting(name, value, sender.actor, at_ms)
            self._effects.rows.append(saved)
        before = f" (was {former.value})" if former else ""
        said = "as each process was started" if value is None else value
        record = AuditRecord(at_ms, sender.actor, "change_setting", name, "", said + before)
        self._effects.audits.append(record)
        self._tell()
        return Answer(None, 0)

    def _tell(self) -> None:
        changes = [SettingChange(*saved) for _, saved in sorted(self._by_name.items())]
        self.told = encode(ChangedSettings(changes))
        # `edits` is not among them: it counts from the start of a process.
        for name in ("registration", "guests"):
            saved = self._by_name.get(name)
            setattr(self.policy, name, saved.value if saved else getattr(self._given, name))


class Invitations:
    """To make an account: each works once, until it is out of date or revoked.

    Only digests of the codes are known here, so that whoever reads the database is not invited.
    """

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
        """Once more, when the password is hashed: somebody else may have been quicker.

        After this the code does not work again.
        """
        self.check(code, at_ms)
        if self._policy.invited_only:
            self._drop(code_digest(code))

    # --- Commands ---------------------------------------------------------------------------------

    def create(self, sender: Sender, command: CreateInvitation, at_ms: int) -> Answer:
        if command.expires_ms <= at_ms:
            raise Refusal(RefusalCode.INVALID_INVITATION, "it would be out of date already")
        # Only here it matters how many there are, so only here those that are out of date go.
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
        self._directory.audit(sender, command, at_ms, _called_in_audit(command.digest), note)
        return Answer(None, 0)

    def revoke(self, sender: Sender, command: RevokeInvitation, at_ms: int) -> Answer:
        if command.digest not in self.by_digest:
            reason = "there is no such invitation; it may have been used"
            raise Refusal(RefusalCode.INVALID_INVITATION, reason)
        self._drop(command.digest)
        self._directory.audit(sender, command, at_ms, _called_in_audit(command.digest))
        return Answer(None, 0)

    def _drop(self, digest: bytes) -> None:
        del self.by_digest[digest]
        self._directory.effects.rows.append(DropInvitation(digest))


def _called_in_audit(digest: bytes) -> str:
    """Enough to tell invitations apart, for the audit."""
    return digest.hex()[:12]
