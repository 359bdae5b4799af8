"""Who may have a name here, and what is kept, as the operator has settled it."""

from dataclasses import dataclass

from zchat.protocol.messages import RefusalCode
from zchat.service.core.effects import Refusal


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
