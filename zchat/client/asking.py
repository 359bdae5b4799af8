"""What a programmer can ask of a chat: every command and query as a method."""

import asyncio
from abc import ABC, abstractmethod
from typing import TypeVar

from zchat.client import drafts
from zchat.client.drafts import Answer, Request
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import (
    LOBBY,
    Done,
    History,
    MemberList,
    PingTarget,
    Pong,
    RefusalCode,
    Refused,
    RoomList,
    UserList,
)

A = TypeVar("A", bound=Answer)


class RefusedError(Exception):
    """The server said no: `code` for programs, `reason` for people."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.code: RefusalCode = refused.code
        self.reason = refused.reason
        self.retry_after_s = refused.retry_after_ms / 1000
        """When to try again; 0.0 if waiting does not help."""


class Asking(ABC):
    @property
    @abstractmethod
    def rooms_followed(self) -> frozenset[str]:
        """The rooms whose entries come here."""

    @abstractmethod
    def submit(self, draft: Request) -> asyncio.Future[Answer]:
        """Sends without waiting."""

    # --- Commands -------------------------------------------------------------------------------
    # They return once the server has committed them, and raise `RefusedError` if it refuses,
    # `InvalidRequest` if there is nothing to ask it, and `QueueFull`. They wait for broken
    # connections to heal.

    async def say(self, text: str) -> Done:
        """Posts to the lobby, where everyone is."""
        return await self.post(LOBBY, text)

    async def post(self, room: str, text: str) -> Done:
        return await self._ask(drafts.post(room, text), Done)

    async def private(self, name: str, text: str) -> Done:
        return await self._ask(drafts.private(name, text), Done)

    async def create_room(self, room: str) -> Done:
        return await self._ask(drafts.create_room(room), Done)

    async def join(self, room: str) -> Done:
        return await self._ask(drafts.join(room), Done)

    async def leave(self, room: str) -> Done:
        return await self._ask(drafts.leave(room), Done)

    async def topic(self, room: str, text: str) -> Done:
        return await self._ask(drafts.topic(room, text), Done)

    async def register(self, password: str) -> Done:
        """Makes the guest an account, whose name nobody else can take."""
        return await self._ask(drafts.register(password), Done)

    # --- Queries --------------------------------------------------------------------------------

    async def history(
        self, log_or_name: str = "#" + LOBBY, limit: int = 20, before: int | None = None
    ) -> History:
        """The last `limit` entries, or those before the sequence `before`, oldest first.

        Of `#room`, of the conversation with `@name`, or of a bare word: a room that one is in, or
        else a name.
        """
        log = drafts.log_of(log_or_name, self.rooms_followed)
        return await self._ask(drafts.history(log, limit, before), History)

    async def rooms(self) -> RoomList:
        return await self._ask(drafts.rooms(), RoomList)

    async def members(self, room: str) -> MemberList:
        return await self._ask(drafts.members(room), MemberList)

    async def users(self) -> UserList:
        return await self._ask(drafts.users(), UserList)

    async def ping(self, target: PingTarget = PingTarget.GATEWAY) -> float:
        """The seconds to `target` and back."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await self._ask(drafts.ping(target), Pong)
        return loop.time() - begin

    async def _ask(self, draft: Request, shape: type[A]) -> A:
        answer = await self.submit(draft)
        if not isinstance(answer, shape):
            raise ProtocolError(f"the server answered {draft!r} with {answer!r}")
        return answer
