"""The memory of idempotency: the first answer of each command, by its client and number.

A client numbers its commands, and a service sees those numbers rise. So a command with a newer
number than any before it is certainly new, and nothing is looked up. Any other one has been sent
before, and gets its first answer again. If that is not known any more, it is refused: whatever
became of it, doing it now would put it behind what its sender said later.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.nonces import prefix_of


class Key:
    """Which command it is. One that is not `rising` is looked up, whatever came after it."""

    __slots__ = ("author_and_nonce", "client", "nonce", "rising")

    def __init__(self, author: str, nonce: bytes, *, rising: bool = True) -> None:
        self.author_and_nonce = (author, nonce)
        """No two commands have the same, whatever kind they are of."""
        self.client: Client = (author, prefix_of(nonce))
        self.nonce = nonce
        self.rising = rising


class Answer(Struct, frozen=True):
    """The entry that the command made, or nothing (sequence 0), or why it was refused."""

    log: str | None
    sequence: int
    code: RefusalCode | None = None
    reason: str = ""
    retry_after_ms: int = 0
    suspicious: bool = False
    """It belongs into the log, though the code tells its reader of no more than a mistake."""
    again: bool = False
    """It was given before, to the same command."""


Client = tuple[str, bytes]
"""An author, and the prefix of the nonces of one of its clients."""

OVERTAKEN: Final = Answer(
    None,
    0,
    RefusalCode.OVERTAKEN,
    "a command with a newer nonce has been answered already; this one is not done any more",
)


class FirstAnswers:
    """Answers, as far as the beat at hand needs them, and the newest nonce of each client.

    A beat begins with `unknown`, `learn` and `old`, by which it is told what the store knows.
    """

    def __init__(self) -> None:
        self.found: dict[tuple[str, bytes], Answer] = {}
        """By author and nonce; set from the store before each beat, and added to by `remember`."""
        self._newest: dict[Client, bytes] = {}
        """Nonces, those of clients that were heard of last at the end."""
        self._unsaved: list[tuple[Key, Answer]] = []

    def unknown(self, keys: Iterable[Key]) -> set[Client]:
        """Whose newest nonce the store must be asked for."""
        while len(self._newest) > limits.NONCE_CLIENTS_MAX:
            del self._newest[next(iter(self._newest))]
        # Not by subtracting sets, which would walk over all clients that are known.
        return {key.client for key in keys if key.rising and key.client not in self._newest}

    def learn(self, newest: Mapping[Client, bytes]) -> None:
        self._newest.update(newest)

    def old(self, keys: Iterable[Key]) -> list[Key]:
        """Those that may have been answered, and have to be looked up."""
        return [key for key in keys if not key.rising or key.nonce <= self._newest[key.client]]

    def of(self, key: Key) -> Answer | None:
        """The answer to a command that came before; None if it is to be done."""
        answer = self.found.get(key.author_and_nonce)
        if answer is not None:
            return replace(answer, again=True)
        if key.rising and key.nonce <= self._newest[key.client]:
            return OVERTAKEN
        return None

    def remember(self, key: Key, answer: Answer) -> None:
        """What the command has come to. An entry is found by its own nonce; the rest is saved."""
        self.found[key.author_and_nonce] = answer
        newest = self._newest.pop(key.client, None)
        if newest is not None:
            self._newest[key.client] = max(newest, key.nonce)
        if not answer.sequence:
            self._unsaved.append((key, answer))

    def take(self) -> Collection[tuple[Key, Answer]]:
        """Answers that no entry tells of, to be committed with the beat."""
        unsaved, self._unsaved = self._unsaved, []
        return unsaved
