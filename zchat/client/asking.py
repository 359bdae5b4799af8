"""What a programmer can ask of a chat: every command and query as a method."""

import asyncio
from abc import ABC, abstractmethod
from typing import TypeVar

from zchat.client import drafts, room_drafts
from zchat.client.drafts import Answer, Request
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import (
    LOBBY,
    BanList,
    Done,
    History,
    MemberList,
    PingTarget,
    Pong,
    Posting,
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

    async def join(self, room: str, key: str = "") -> Done:
        return await self._ask(drafts.join(room, key), Done)

    async def leave(self, room: str) -> Done:
        return await self._ask(drafts.leave(room), Done)

    async def topic(self, room: str, text: str) -> Done:
        return await self._ask(drafts.topic(room, text), Done)

    async def register(self, password: str) -> Done:
        """Makes the guest an account, whose name nobody else can take."""
        return await self._ask(drafts.register(password), Done)

    # --- Rooms ----------------------------------------------------------------------------------

    async def invite(self, room: str, user: str) -> Done:
        """The user may join, whatever the room's kind and key."""
        return await self._ask(room_drafts.invite(room, user), Done)

    async def kick(self, room: str, user: str, reason: str = "") -> Done:
        return await self._ask(room_drafts.kick(room, user, reason), Done)

    async def ban(
        self, room: str, user: str, reason: str = "", until_ms: int | None = None
    ) -> Done:
        """Kicks, and keeps out until then, in milliseconds since 1970, or for ever."""
        return await self._ask(room_drafts.ban(room, user, reason, until_ms), Done)

    async def unban(self, room: str, user: str) -> Done:
        return await self._ask(room_drafts.unban(room, user), Done)

    async def bans(self, room: str) -> BanList:
        return await self._ask(room_drafts.bans(room), BanList)

    async def mute(self, room: str, user: str, reason: str = "") -> Done:
        """The user reads on, but may not speak."""
        return await self._ask(room_drafts.mute(room, user, reason), Done)

    async def unmute(self, room: str, user: str) -> Done:
        return await self._ask(room_drafts.unmute(room, user), Done)

    async def promote(self, room: str, user: str) -> Done:
        """Makes a member a moderator."""
        return await self._ask(room_drafts.promote(room, user), Done)

    async def demote(self, room: str, user: str) -> Done:
        return await self._ask(room_drafts.demote(room, user), Done)

    async def transfer(self, room: str, user: str) -> Done:
        """Makes a member the owner, and the owner a moderator."""
        return await self._ask(room_drafts.transfer(room, user), Done)

    async def configure(
        self,
        room: str,
        *,
        private: bool | None = None,
        key: str | None = None,
        posting: Posting | None = None,
        slow_mode_s: int | None = None,
        members_max: int | None = None,
    ) -> Done:
        """Changes what is given; an empty key, and 0, take away."""
        draft = room_drafts.configure(room, private, key, posting, slow_mode_s, members_max)
        return await self._ask(draft, Done)

    async def close_room(self, room: str, reason: str = "") -> Done:
        """Everyone is out of it, and its name is free."""
        return await self._ask(room_drafts.close(room, reason), Done)

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
