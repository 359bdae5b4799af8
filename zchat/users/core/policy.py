"""Policy: who may have a name here, and what is kept, as operators have set it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.codec import encode
from zchat.protocol.messages import AuditRecord, RefusalCode
from zchat.protocol.operators import ChangedSettings, ChangeSetting, SettingChange
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.operators import require_operator
from zchat.users.core.model import DropSetting, SaveSetting


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
        for name in ("registration", "guests"):
            saved = self._by_name.get(name)
            setattr(self.policy, name, saved.value if saved else getattr(self._given, name))
