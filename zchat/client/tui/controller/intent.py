"""What is typed: whether it is a message or a command, and for which conversation it is meant."""

import re
from dataclasses import dataclass
from typing import Final

from zchat.client.commands import table
from zchat.client.model.emoji import emoji_named

# --- A message or a command -----------------------------------------------------------------------

_EMOJI: Final = re.compile(r":([a-z0-9_+-]+):(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Written:
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    line: str


def meant(text: str) -> Written | Command:
    """What begins like a command is never sent as a message, whatever else is in the text.

    It might hold a password, or words for one person only, and everybody in the room would read it.
    """
    line = text.strip()
    if table.is_command(line) and not _is_emoji(line):
        return Command(line)
    return Written(table.said_of(text))


def to_say(text: str) -> str:
    """What the user has to enter to have exactly this text sent."""
    return text if meant(text) == Written(text) else table.escaped(text)


def _is_emoji(line: str) -> bool:
    # `:tada:` looks like the command `tada:`, and is a message.
    found = _EMOJI.match(line)
    return found is not None and emoji_named(found[1]) is not None


# --- For which conversation -----------------------------------------------------------------------

GOES_WITHIN_S: Final = 5.0
"""Who has waited for longer than this thinks of something else, and is not taken along."""
PAUSE_S: Final = 2.0
"""Who touches nothing for so long has read what the screen says."""
_NOT_BEGUN: Final = "that was not begun"
_ASKED_SECRET: Final = "a secret was asked for just now"


class InputGuard:
    """Keeps what is typed for one conversation from being sent to another.

    A room that was asked for opens once the server has answered, and by then the user may be
    typing. So:

    - a draft belongs to the conversation in which it was begun, and waits there;
    - a conversation that opens takes the user along only if nothing was touched since it was asked
      for, and not so much time has passed that they think of something else. Otherwise the last
      line tells which key goes there;
    - what is typed between asking and arriving may be meant for either conversation. The first
      Enter says so and sends nothing; a second one, once that could be read, sends it where the
      user is.

    All times are of the steady clock that key events carry. The time of a key is when it was
    pressed, not when it is handled: on a slow connection many keys wait between the two, and each
    must be judged by what the user could see when pressing it.
    """

    def __init__(self) -> None:
        self._touched_s = 0.0
        """When the newest key or click came, whether it is handled by now or not."""
        self._handled_s = 0.0
        """When the key came that was handled last."""
        self._requested: dict[int, tuple[str, float]] = {}
        """By request: the name of what will open, and when the key came that asked for it."""
        self._doubt = ""
        """Why what is typed now may be meant for somewhere else."""
        self._told: tuple[str, float] = "", 0.0
        """The text that was refused last because of the doubt, and when."""
        self.waiting = ""
        """The key of a conversation that has opened without taking the user along."""

    # --- What the user does ---------------------------------------------------------------------

    def touched(self, at_s: float) -> None:
        """A key or a click has come."""
        if self._doubt == _NOT_BEGUN and at_s - self._touched_s > PAUSE_S:
            self._doubt = ""
        self._touched_s = max(self._touched_s, at_s)

    def handled(self, at_s: float) -> None:
        """The key or click of that time takes effect now; others may have come since."""
        self._handled_s = at_s

    @property
    def handled_s(self) -> float:
        """For `is_idle_since`: when the key came that takes effect now."""
        return self._handled_s

    def is_idle_since(self, since_s: float, now_s: float) -> bool:
        """Whether nothing was touched since then, and then is not long ago."""
        return self._touched_s <= since_s and now_s - since_s <= GOES_WITHIN_S

    def arrived(self, key: str) -> None:
        """The user has gone to that conversation, and knows it."""
        self._doubt = ""
        if key == self.waiting:
            self.waiting = ""

    # --- What opens -----------------------------------------------------------------------------

    def requested(self, request: int, name: str) -> None:
        """`name` is what people call the conversation that the request will open."""
        self._requested[request] = name, self._handled_s
        self._doubt = f"{name} is being opened"

    def opened(self, request: int, key: str, now_s: float, goes: str = "") -> bool:
        """Whether the user is taken there now; `goes` says which key does it otherwise."""
        name, asked_s = self._requested.pop(request)
        if self.is_idle_since(asked_s, now_s):
            return True
        self.waiting = key
        if self._doubt:
            self._doubt = f"{name} is open{goes}"
        return False

    def refused(self, request: int) -> None:
        name, asked_s = self._requested.pop(request, ("", 0.0))
        if not name or not self._doubt:
            return
        # What was typed since then may have been meant for what has not opened.
        typed = self._touched_s > asked_s
        self._doubt = f"{name} has not opened" if typed else ""

    def not_begun(self) -> None:
        """An edit or reply was refused, and what is typed now may have been meant for it."""
        self._doubt = self._doubt or _NOT_BEGUN

    def secret_asked(self) -> None:
        """Questions had the keyboard, and what is typed now may be one more answer."""
        self._doubt = _ASKED_SECRET

    @property
    def may_be_secret(self) -> bool:
        """What is in the composer may be an answer to those questions."""
        return self._doubt == _ASKED_SECRET

    def doubt(self, text: str, now_s: float) -> str:
        """Why it is not clear where the text is meant to be sent.

        Empty if it is clear, or if the user was told this of the same text and sends it again.
        """
        told, told_s = self._told
        if text == told and self._handled_s > told_s:
            self._doubt = ""
        self._told = text, now_s
        return self._doubt
