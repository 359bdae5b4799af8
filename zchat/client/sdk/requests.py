"""What a programmer can ask of a chat: every command and query as a method."""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from zchat.client.sdk import account_drafts, drafts, message_drafts, room_drafts
from zchat.client.sdk.drafts import Answer, Request
from zchat.protocol import limits
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import (
    LOBBY,
    AuditList,
    BanList,
    BlockedList,
    ConversationList,
    DeviceList,
    Done,
    EditList,
    History,
    MemberList,
    Notify,
    PingTarget,
    PinList,
    Pong,
    Posting,
    RefusalCode,
    Refused,
    RoomList,
    Scope,
    SearchResults,
    Standing,
    UserBanList,
    UserList,
)

A = TypeVar("A", bound=Answer)


def digest(secret: bytes) -> bytes:
    """What the server is told of a secret that it need not know."""
    return sha256(secret).digest()


class RefusedError(Exception):
    """The server said no: `code` for programs, `reason` for people."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.code: RefusalCode = refused.code
        self.reason = refused.reason
        self.retry_after_s = refused.retry_after_ms / 1000
        """When to try again; 0.0 if waiting does not help."""
        self.again = refused.again
        """The same command, with the same nonce, was refused before."""


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

    async def post(self, room: str, text: str, reply_to: int = 0) -> Done:
        """`Done.sequence` is that of the message in `Done.log`, by which it can be referred to."""
        return await self._ask(drafts.post(room, text, reply_to), Done)

    async def private(self, name: str, text: str, reply_to: int = 0) -> Done:
        """The same of one's own inbox, where it stands as well."""
        return await self._ask(drafts.private(name, text, reply_to), Done)

    async def tell(self, place: str, text: str, reply_to: int = 0) -> Done:
        """In `#room`, or to `@name`: wherever an answer belongs."""
        if drafts.log_name(place).startswith("#"):
            return await self.post(place, text, reply_to)
        return await self.private(place, text, reply_to)

    async def create_room(self, room: str, *, private: bool = False) -> Done:
        """Nobody hears of a room that is private from the beginning but those who are invited."""
        return await self._ask(drafts.create_room(room, private=private), Done)

    async def join(self, room: str, key: str = "") -> Done:
        return await self._ask(drafts.join(room, key), Done)

    async def leave(self, room: str) -> Done:
        return await self._ask(drafts.leave(room), Done)

    async def topic(self, room: str, text: str) -> Done:
        return await self._ask(drafts.topic(room, text), Done)

    async def register(self, password: str, invitation: str = "") -> Done:
        """Makes the guest an account, whose name nobody else can take."""
        return await self._ask(drafts.register(password, invitation), Done)

    # --- Messages -------------------------------------------------------------------------------
    # `log` is that of the entry: `#room`, or one's own inbox for what was said in private.

    async def edit(self, log: str, sequence: int, text: str) -> Done:
        return await self._ask(message_drafts.edit(log, sequence, text), Done)

    async def delete(self, log: str, sequence: int, reason: str = "") -> Done:
        """One's own message, or that of anybody in a room that one moderates."""
        return await self._ask(message_drafts.delete(log, sequence, reason), Done)

    async def react(self, log: str, sequence: int, emoji: str) -> Done:
        return await self._ask(message_drafts.react(log, sequence, emoji), Done)

    async def unreact(self, log: str, sequence: int, emoji: str) -> Done:
        return await self._ask(message_drafts.unreact(log, sequence, emoji), Done)

    async def pin(self, room: str, sequence: int) -> Done:
        return await self._ask(message_drafts.pin(room, sequence), Done)

    async def unpin(self, room: str, sequence: int) -> Done:
        return await self._ask(message_drafts.unpin(room, sequence), Done)

    async def pins(self, room: str) -> PinList:
        return await self._ask(message_drafts.pins(room), PinList)

    async def edits(self, log: str, sequence: int) -> EditList:
        """What a message has said before, if the cluster keeps that."""
        return await self._ask(message_drafts.edits(log, sequence), EditList)

    async def search(
        self,
        text: str,
        log: str | None = None,
        author: str | None = None,
        before_ms: int | None = None,
        limit: int = 20,
    ) -> SearchResults:
        """The newest messages with every word of `text`, in all that one can read or in `log`."""
        draft = message_drafts.search(text, log, author, before_ms, limit)
        return await self._ask(draft, SearchResults)

    async def start_conversation(self, *users: str) -> Done:
        """A private room with these others, who are in it at once: `Done.log`."""
        return await self._ask(message_drafts.conversation(users), Done)

    async def conversations(self) -> ConversationList:
        """With whom one has exchanged private messages, and what is unread of it."""
        return await self._ask(message_drafts.conversations(), ConversationList)

    async def notify(self, log: str, level: Notify) -> Done:
        """Of what one wants to be told aloud there, on all devices."""
        return await self._ask(message_drafts.notify(log, level), Done)

    async def away(self, text: str = "") -> Done:
        """Others see it at this name, with a word if there is one, over broken connections."""
        return await self._ask(message_drafts.away(text), Done)

    async def back(self) -> Done:
        return await self._ask(message_drafts.away(None), Done)

    async def typing(self, log: str) -> Done:
        """One writes in `#room`, or to `@name`, and will for some seconds."""
        return await self._ask(message_drafts.typing(log), Done)

    # --- Account --------------------------------------------------------------------------------

    async def change_password(self, old: str, new: str) -> Done:
        """Logs out every other client of the account."""
        return await self._ask(account_drafts.change_password(old, new), Done)

    async def log_out_everywhere(self) -> Done:
        """Forgets every device and app token of the account, and ends all sessions: also this."""
        return await self._ask(account_drafts.log_out_everywhere(), Done)

    async def delete_account(self, password: str) -> Done:
        """What was said stays, under the name, which nobody else can take. Ends the session."""
        return await self._ask(account_drafts.delete_account(password), Done)

    async def devices(self) -> DeviceList:
        """The clients and app tokens that the account remembers."""
        return await self._ask(account_drafts.devices(), DeviceList)

    async def revoke_device(self, device: int) -> Done:
        return await self._ask(account_drafts.revoke_device(device), Done)

    async def create_app_token(
        self, name: str, scopes: Sequence[Scope], rooms: Sequence[str] = ()
    ) -> bytes:
        """Returns the token, which nobody else knows and nothing can show again."""
        token = secrets.token_bytes(limits.TOKEN_BYTES)
        await self._ask(account_drafts.app_token(digest(token), name, scopes, rooms), Done)
        return token

    async def enable_totp(
        self, secret: bytes, code: str, password: str, recovery_codes: Sequence[str]
    ) -> Done:
        """`secret` is 20 random bytes, and `code` one that an authenticator made of them."""
        digests = [digest(code.encode()) for code in recovery_codes]
        return await self._ask(account_drafts.enable_totp(secret, code, password, digests), Done)

    async def disable_totp(self, password: str) -> Done:
        return await self._ask(account_drafts.disable_totp(password), Done)

    async def block(self, user: str) -> Done:
        """No private messages from `user` any more."""
        return await self._ask(account_drafts.block(user), Done)

    async def unblock(self, user: str) -> Done:
        return await self._ask(account_drafts.unblock(user), Done)

    async def blocked(self) -> BlockedList:
        return await self._ask(account_drafts.blocked(), BlockedList)

    async def report(self, log: str, sequence: int, reason: str) -> Done:
        """Tells the operators about an entry of a log that one can read."""
        return await self._ask(account_drafts.report(log, sequence, reason), Done)

    # --- For operators and moderators -----------------------------------------------------------

    async def announce(self, text: str) -> Done:
        return await self._ask(account_drafts.announce(text), Done)

    async def suspend(self, user: str, reason: str = "", until_ms: int | None = None) -> Done:
        return await self._ask(account_drafts.suspend(user, reason, until_ms), Done)

    async def restore(self, user: str) -> Done:
        return await self._ask(account_drafts.restore(user), Done)

    async def disconnect(self, user: str, reason: str = "") -> Done:
        """Ends all sessions of the user, who may connect again."""
        return await self._ask(account_drafts.disconnect(user, reason), Done)

    async def set_standing(self, user: str, standing: Standing) -> Done:
        return await self._ask(account_drafts.set_standing(user, standing), Done)

    async def create_invitation(self, code: str, expires_ms: int, note: str = "") -> Done:
        """`code` is one's own, as hard to guess as a password; it works once."""
        draft = account_drafts.create_invitation(digest(code.encode()), expires_ms, note)
        return await self._ask(draft, Done)

    async def revoke_invitation(self, code: str) -> Done:
        return await self._ask(account_drafts.revoke_invitation(digest(code.encode())), Done)

    async def server_ban(
        self, who: str, reason: str = "", for_s: int | None = None, *, guests: bool = False
    ) -> Done:
        """Keeps an address, a block of them, a name or a pattern out of the server."""
        return await self._ask(account_drafts.server_ban(who, reason, for_s, guests=guests), Done)

    async def server_unban(self, who: str) -> Done:
        return await self._ask(account_drafts.server_unban(who), Done)

    async def server_kick(self, who: str, reason: str = "", for_s: int = limits.KICK_S) -> Done:
        """Ends the sessions of whoever is meant; a guest's address is kept out as well."""
        return await self._ask(account_drafts.server_kick(who, reason, for_s), Done)

    async def server_bans(self, after: str = "") -> UserBanList:
        """Who is kept out; if there are `more`, those after the last one's `who`."""
        return await self._ask(account_drafts.server_bans(after), UserBanList)

    async def audit(self, limit: int = 50, before_ms: int | None = None) -> AuditList:
        """The newest records of what operators, moderators and owners have done."""
        return await self._ask(account_drafts.audit(limit, before_ms), AuditList)

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
            kinds = type(draft).__name__, type(answer).__name__
            raise ProtocolError(f"the server answered {kinds[0]} with {kinds[1]}")
        return answer
