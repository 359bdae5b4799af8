"""Whether a place that opens by itself takes the person along, and what may be said meanwhile.

What is typed for one place is never said in another. A room that was asked for opens once the
server has answered, and by then the person may be writing. So:

- what is written belongs to the place in which it was begun, and waits there;
- a place that opens takes along only who has touched nothing since asking for it, and has not
  waited so long that they think of something else. Others are told by which key they go there;
- what is written between asking and being there may be meant for either place. The first Enter
  says so and sends nothing, and another, once that is seen, says it where the person is.
"""

from typing import Final

GO_KEY: Final = "Alt-G"
"""As people call it; `parts.py` binds it."""
GOES_WITHIN_S: Final = 5.0
"""Whoever has waited for longer is not taken along any more."""
PAUSE_S: Final = 2.0
"""Whoever touches nothing for so long has seen what stands there."""
_NOT_BEGUN: Final = "that was not begun"
_ASKED_SECRET: Final = "a secret was asked for just now"


class Going:
    """Times are those of one steady clock, of keys and of calls alike."""

    def __init__(self) -> None:
        self._touched_s = 0.0
        """When a key came last, be it seen to or not,"""
        self._seen_to_s = 0.0
        """and when that came which was seen to last."""
        self._asked: dict[int, tuple[str, float]] = {}
        """By request: what opens, as far as it is known, and by which key it was asked for."""
        self._doubt = ""
        """What is said of the place for which the text may be meant,"""
        self._told: tuple[str, float] = "", 0.0
        """of which text it was said last, and when."""
        self.open = ""
        """The key of the place that has opened without the person."""

    # --- What the person does -------------------------------------------------------------------

    def touched(self, at_s: float) -> None:
        """A key or a click has come."""
        if self._doubt == _NOT_BEGUN and at_s - self._touched_s > PAUSE_S:
            self._doubt = ""
        self._touched_s = max(self._touched_s, at_s)

    def seen_to(self, at_s: float) -> None:
        """Its turn has come; it acts now, though others may have come since."""
        self._seen_to_s = at_s

    @property
    def moment_s(self) -> float:
        """For `is_still`: that of the key that acts now."""
        return self._seen_to_s

    def is_still(self, since_s: float, now_s: float) -> bool:
        """Whether nothing was touched since then, and it is not long ago."""
        return self._touched_s <= since_s and now_s - since_s <= GOES_WITHIN_S

    def went(self, key: str) -> None:
        """The person is there, and knows it."""
        self._doubt = ""
        if key == self.open:
            self.open = ""

    # --- What opens -----------------------------------------------------------------------------

    def ask(self, request: int, name: str) -> None:
        """`name` is what people call the place."""
        self._asked[request] = name, self._seen_to_s
        self._doubt = f"{name} is being opened"

    def opened(self, request: int, key: str, now_s: float) -> bool:
        """Whether the person goes there now."""
        name, asked_s = self._asked.pop(request)
        if self.is_still(asked_s, now_s):
            return True
        self.open = key
        if self._doubt:
            self._doubt = f"{name} is open, {GO_KEY} goes there"
        return False

    def refused(self, request: int) -> None:
        name, asked_s = self._asked.pop(request, ("", 0.0))
        if not name or not self._doubt:
            return
        typed = self._touched_s > asked_s
        self._doubt = f"{name} has not opened" if typed else ""

    def not_begun(self) -> None:
        """What is typed now may be meant for the edit or the answer that was refused."""
        self._doubt = self._doubt or _NOT_BEGUN

    def asked_secret(self) -> None:
        """Questions are over that took the keyboard."""
        self._doubt = _ASKED_SECRET

    @property
    def may_be_secret(self) -> bool:
        """What is written now may be what was asked for before."""
        return self._doubt == _ASKED_SECRET

    def doubt(self, text: str, now_s: float) -> str:
        """Why it is not clear where the text is to be said.

        Empty if it is: also if the person has seen this said of the very text, and says it again.
        """
        told, told_s = self._told
        if text == told and self._seen_to_s > told_s:
            self._doubt = ""
        self._told = text, now_s
        return self._doubt
