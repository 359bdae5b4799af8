"""Which new names are refused, of users and rooms alike; whoever has one already keeps it."""

from collections.abc import Collection

from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.lookalikes import looks_like_one_of
from zchat.service.core.effects import Refusal


def check_reserved(name: str, reserved: Collection[str]) -> None:
    """Raises `Refusal` for what is kept for the cluster, and for what looks like it."""
    kept = looks_like_one_of(name, reserved)
    if kept is None:
        return
    what = f"{name} is" if name == kept else f"{name} can be mistaken for {kept}, which is"
    raise Refusal(RefusalCode.INVALID_NAME, f"{what} kept for the system; choose another name")
