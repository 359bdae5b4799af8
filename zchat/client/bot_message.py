"""An entry as a bot gets it, and what the bot can do about it once, however often it is asked."""

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from msgspec.structs import replace

from zchat.client import drafts, message_drafts
from zchat.client.asking import RefusedError
from zchat.client.chat import Chat
from zchat.client.drafts import Command
from zchat.protocol import limits
from zchat.protocol.messages import (
    Done,
    Entry,
    MessagePosted,
    PrivateMessageSent,
    RefusalCode,
    inbox_log,
)
from zchat.protocol.names import safe_text
from zchat.protocol.nonces import nonce

_REPLIES_MAX = 1 << 16
C = TypeVar("C", bound=Command)


class Message:
    """An entry that came to a bot: mostly what somebody has said.

    What `reply` and `react` do while a function deals with it has a nonce that is made of the entry
    and of how many there were before. A bot that was killed and handles the entry again does the
    same again, and the server knows it: it is done once.
    """

    def __init__(self, chat: Chat, entry: Entry, label: str) -> None:
        self.chat = chat
        self.entry = entry
        self._nonces: Callable[[], bytes] = _nonces(label, entry)

    def dealt_with(self) -> None:
        """What is done about it from now on is new, and would come too late for those nonces."""
        self._nonces = bytes

    @property
    def author(self) -> str:
        return self.entry.author

    @property
    def text(self) -> str:
        """What was said; empty of what is no message."""
        body = self.entry.body
        return body.text if isinstance(body, MessagePosted | PrivateMessageSent) else ""

    @property
    def is_by_bot(self) -> bool:
        """A program has said it; of what is no message nobody knows."""
        body = self.entry.body
        return isinstance(body, MessagePosted | PrivateMessageSent) and body.bot

    @property
    def is_private(self) -> bool:
        return self.entry.log == inbox_log(self.chat.name)

    @property
    def place(self) -> str:
        """Where an answer goes: `#room`, or `@name` of who has written in private."""
        return inbox_log(self.author) if self.is_private else self.entry.log

    async def reply(self, text: str) -> Done:
        """Where it was said, to everyone there. A text that is too long is cut.

        Control characters are left out, since much of what bots say was written by others.
        """
        text = safe_text(text)[: limits.TEXT_CHARS_MAX]
        is_said = isinstance(self.entry.body, MessagePosted | PrivateMessageSent)
        reply_to = self.entry.sequence if is_said else 0
        if self.is_private:
            return await self._do(drafts.private(self.author, text, reply_to))
        return await self._do(drafts.post(self.place, text, reply_to))

    async def react(self, emoji: str) -> Done:
        return await self._do(message_drafts.react(self.entry.log, self.entry.sequence, emoji))

    async def _do(self, draft: Command) -> Done:
        try:
            answer = await self.chat.submit(replace(draft, nonce=self._nonces()))
        except RefusedError as error:
            if error.code is not RefusalCode.OVERTAKEN:
                raise
            # It has been done, so long ago that only this is known of it.
            return Done(drafts.UNNUMBERED)
        assert isinstance(answer, Done)
        return answer


def _nonces(label: str, entry: Entry) -> Callable[[], bytes]:
    """A nonce for each thing that is done about the entry, always the same ones.

    A server takes the nonces of one prefix in their order only, and each log is handled in order.
    """
    prefix = sha256(f"{label}\0{entry.log}".encode()).digest()[: limits.NONCE_PREFIX_BYTES]
    first = entry.sequence * _REPLIES_MAX
    number = iter(range(first, first + _REPLIES_MAX))
    return lambda: nonce(prefix, next(number))
