"""What the user has said here, from the moment it was said until it stands in its log.

Its entry and the answer to it come in either order. If the entry is first, what was said is known
by its text, which another device may have said as well; then the answer tells which was meant, and
nothing is lost: the other entry comes yet.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from zchat.client.model.conversation import Delivery, Item, Said, Unsent
from zchat.protocol.rules.names import safe_text

CLOCKS_APART_MS: Final = 10 * 60_000
"""An entry older than that, before something was said, is something else that was said alike."""


class Spoken(NamedTuple):
    key: str
    said: Said
    text: str
    reply_to: int
    at_ms: int


class Unconfirmed:
    def __init__(self) -> None:
        self._asked: dict[int, Spoken] = {}
        """By request: without an answer."""
        self._placed: dict[tuple[str, int], Spoken] = {}
        """By log and sequence: confirmed, and its entry has not come."""

    def say(self, request: int, key: str, said: Said) -> None:
        self._asked[request] = Spoken(key, said, said.text, said.reply_to, said.at_ms)

    def answered(self, request: int) -> Spoken | None:
        """None if the request has said nothing."""
        return self._asked.pop(request, None)

    def place(self, spoken: Spoken, log: str, sequence: int) -> None:
        """It is confirmed, and will stand there."""
        self._placed[log, sequence] = spoken

    def refuse_all(self) -> list[Spoken]:
        """Nothing will be answered any more."""
        asked, self._asked = list(self._asked.values()), {}
        return asked

    def key_at(self, log: str, sequence: int) -> str | None:
        """In which conversation it was said."""
        spoken = self._placed.get((log, sequence))
        return spoken.key if spoken else None

    def arrives(self, log: str, sequence: int) -> Spoken | None:
        """What was said to stand there."""
        return self._placed.pop((log, sequence), None) if self._placed else None

    def up_to(self, log: str, sequence: int) -> list[Spoken]:
        """Those whose entries will never come, since the log goes on after this sequence."""
        places = [place for place in self._placed if place[0] == log and place[1] <= sequence]
        return [self._placed.pop(place) for place in places]


def unsent_said(unsent: Unsent, me: str) -> Said:
    """What an earlier run has said."""
    said = Said(0, unsent.at_ms, me, safe_text(unsent.text), unsent.reply_to)
    said.delivery, said.kept = Delivery.UNKNOWN, unsent.number
    said.trouble = "it was not confirmed before the client ended"
    return said


def alike(unsettled: Iterable[Item], text: str, reply_to: int, at_ms: int) -> Said | None:
    """The first of them that an entry with this text may be, while no answer says which it is."""
    for said in unsettled:
        if (
            isinstance(said, Said)
            and said.delivery in (Delivery.PENDING, Delivery.UNKNOWN)
            and said.text == text
            and said.reply_to == reply_to
            and at_ms >= said.at_ms - CLOCKS_APART_MS
        ):
            return said
    return None


def stands_now(pending: Said, item: Item) -> None:
    """What was pending becomes what stands in the log, and stays the same object."""
    pending.sequence, pending.at_ms = item.sequence, item.at_ms
    pending.delivery, pending.trouble, pending.request = Delivery.DONE, "", 0
    if isinstance(item, Said):
        pending.text, pending.deleted_by = item.text, item.deleted_by
        pending.edit, pending.reactions = item.edit, item.reactions
