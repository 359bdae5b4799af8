"""What a programmer can ask of a chat: every command and query as a method."""

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from zchat.client.core.checks import log_of, saying
from zchat.protocol import limits, messages
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import (
    LOBBY,
    Answer,
    Done,
    Notify,
    PingTarget,
    Posting,
    RefusalCode,
    Refused,
    Request,
    Scope,
    Standing,
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
    def submit(self, request: Request) -> asyncio.Future[Answer]:
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
        return await self._do(messages.Post(room=room, text=text, reply_to=reply_to))

    async def private(self, name: str, text: str, reply_to: int = 0) -> Done:
        """The same of one's own inbox, where it stands as well."""
        return await self._do(messages.SendPrivate(to=name, text=text, reply_to=reply_to))

    async def tell(self, place: str, text: str, reply_to: int = 0) -> Done:
        """In `#room`, or to `@name`: wherever an answer belongs."""
        return await self._do(saying(place, text, reply_to))

    async def create_room(self, room: str, *, private: bool = False) -> Done:
        """Nobody hears of a room that is private from the beginning but those who are invited."""
        return await self._do(messages.CreateRoom(room=room, private=private))

    async def join(self, room: str, key: str = "") -> Done:
        return await self._do(messages.JoinRoom(room=room, key=key))

    async def leave(self, room: str) -> Done:
        return await self._do(messages.LeaveRoom(room=room))

    async def topic(self, room: str, text: str) -> Done:
        return await self._do(messages.SetTopic(room=room, topic=text))

    async def register(self, password: str, invitation: str = "") -> Done:
        """Makes the guest an account, whose name nobody else can take."""
        return await self._do(messages.Register(password=password, invitation=invitation))

    # --- Messages -------------------------------------------------------------------------------
    # `log` is that of the entry: `#room`, or one's own inbox for what was said in private.

    async def edit(self, log: str, sequence: int, text: str) -> Done:
        return await self._do(messages.EditMessage(log=log, sequence=sequence, text=text))

    async def delete(self, log: str, sequence: int, reason: str = "") -> Done:
        """One's own message, or that of anybody in a room that one moderates."""
        return await self._do(messages.DeleteMessage(log=log, sequence=sequence, reason=reason))

    async def react(self, log: str, sequence: int, emoji: str) -> Done:
        return await self._do(messages.AddReaction(log=log, sequence=sequence, emoji=emoji))

    async def unreact(self, log: str, sequence: int, emoji: str) -> Done:
        return await self._do(messages.RemoveReaction(log=log, sequence=sequence, emoji=emoji))

    async def pin(self, room: str, sequence: int) -> Done:
        return await self._do(messages.PinMessage(room=room, sequence=sequence))

    async def unpin(self, room: str, sequence: int) -> Done:
        return await self._do(messages.UnpinMessage(room=room, sequence=sequence))

    async def pins(self, room: str) -> messages.PinList:
        return await self._ask(messages.ListPins(room=room), messages.PinList)

    async def edits(self, log: str, sequence: int) -> messages.EditList:
        """What a message has said before, if the cluster keeps that."""
        return await self._ask(messages.ReadEdits(log=log, sequence=sequence), messages.EditList)

    async def search(
        self,
        text: str,
        log: str | None = None,
        author: str | None = None,
        before_ms: int | None = None,
        limit: int = 20,
    ) -> messages.SearchResults:
        """The newest messages with every word of `text`, in all that one can read or in `log`."""
        search = messages.SearchMessages(
            text=text, log=log, author=author, before_ms=before_ms, limit=limit
        )
        return await self._ask(search, messages.SearchResults)

    async def start_conversation(self, *users: str) -> Done:
        """A private room with these others, who are in it at once: `Done.log`."""
        return await self._do(messages.StartConversation(users=list(users)))

    async def conversations(self) -> messages.ConversationList:
        """With whom one has exchanged private messages, and what is unread of it."""
        return await self._ask(messages.ListConversations(), messages.ConversationList)

    async def notify(self, log: str, level: Notify) -> Done:
        """For what one is notified there, on all devices."""
        return await self._do(messages.SetNotify(log=log, level=level))

    async def away(self, text: str = "") -> Done:
        """Others see it at this name, with a word if there is one, over broken connections."""
        return await self._do(messages.SetAway(away=text))

    async def back(self) -> Done:
        return await self._do(messages.SetAway(away=None))

    async def typing(self, log: str) -> Done:
        """One writes in `#room`, or to `@name`, and will for some seconds."""
        return await self._do(messages.SayTyping(log=log))

    # --- Account --------------------------------------------------------------------------------

    async def change_password(self, old: str, new: str) -> Done:
        """Logs out every other client of the account."""
        return await self._do(messages.ChangePassword(password=old, new_password=new))

    async def log_out_everywhere(self) -> Done:
        """Forgets every device and app token of the account, and ends all sessions: also this."""
        return await self._do(messages.LogOutEverywhere())

    async def delete_account(self, password: str) -> Done:
        """What was said stays, under the name, which nobody else can take. Ends the session."""
        return await self._do(messages.DeleteAccount(password=password))

    async def devices(self) -> messages.DeviceList:
        """The clients and app tokens that the account remembers."""
        return await self._ask(messages.ListDevices(), messages.DeviceList)

    async def revoke_device(self, device: int) -> Done:
        return await self._do(messages.RevokeDevice(device=device))

    async def create_app_token(
        self, name: str, scopes: Sequence[Scope], rooms: Sequence[str] = ()
    ) -> bytes:
        """Returns the token, which nobody else knows and nothing can show again."""
        token = secrets.token_bytes(limits.TOKEN_BYTES)
        await self._do(
            messages.CreateAppToken(
                digest=digest(token), name=name, scopes=list(scopes), rooms=list(rooms)
            )
        )
        return token

    async def enable_totp(
        self, secret: bytes, code: str, password: str, recovery_codes: Sequence[str]
    ) -> Done:
        """`secret` is 20 random bytes, and `code` one that an authenticator made of them."""
        recovery = [digest(code.encode()) for code in recovery_codes]
        return await self._do(
            messages.EnableTotp(secret=secret, code=code, password=password, recovery=recovery)
        )

    async def disable_totp(self, password: str) -> Done:
        return await self._do(messages.DisableTotp(password=password))

    async def block(self, user: str) -> Done:
        """No private messages from `user` any more."""
        return await self._do(messages.BlockUser(user=user))

    async def unblock(self, user: str) -> Done:
        return await self._do(messages.UnblockUser(user=user))

    async def blocked(self) -> messages.BlockedList:
        return await self._ask(messages.ListBlocked(), messages.BlockedList)

    async def report(self, log: str, sequence: int, reason: str) -> Done:
        """Tells the operators about an entry of a log that one can read."""
        return await self._do(messages.ReportMessage(log=log, sequence=sequence, reason=reason))

    # --- For operators and moderators -----------------------------------------------------------

    async def announce(self, text: str) -> Done:
        return await self._do(messages.Announce(text=text))

    async def suspend(self, user: str, reason: str = "", until_ms: int | None = None) -> Done:
        return await self._do(messages.SuspendUser(user=user, reason=reason, until_ms=until_ms))

    async def restore(self, user: str) -> Done:
        return await self._do(messages.RestoreUser(user=user))

    async def disconnect(self, user: str, reason: str = "") -> Done:
        """Ends all sessions of the user, who may connect again."""
        return await self._do(messages.DisconnectUser(user=user, reason=reason))

    async def set_standing(self, user: str, standing: Standing) -> Done:
        return await self._do(messages.SetStanding(user=user, standing=standing))

    async def create_invitation(self, code: str, expires_ms: int, note: str = "") -> Done:
        """`code` is one's own, as hard to guess as a password; it works once."""
        its_digest = digest(code.encode())
        return await self._do(
            messages.CreateInvitation(digest=its_digest, expires_ms=expires_ms, note=note)
        )

    async def revoke_invitation(self, code: str) -> Done:
        return await self._do(messages.RevokeInvitation(digest=digest(code.encode())))

    async def server_ban(
        self, who: str, reason: str = "", for_s: int | None = None, *, guests: bool = False
    ) -> Done:
        """Keeps an address, a block of them, a name or a pattern out of the server."""
        return await self._do(messages.BanUsers(who=who, reason=reason, for_s=for_s, guests=guests))

    async def server_unban(self, who: str) -> Done:
        return await self._do(messages.UnbanUsers(who=who))

    async def server_kick(self, who: str, reason: str = "", for_s: int = limits.KICK_S) -> Done:
        """Ends the sessions of whoever is meant; a guest's address is kept out as well."""
        return await self._do(messages.KickUsers(who=who, reason=reason, for_s=for_s))

    async def server_bans(self, after: str = "") -> messages.UserBanList:
        """Who is kept out. If there are `more`, ask again with the last `who` as `after`."""
        return await self._ask(messages.ListUserBans(after=after), messages.UserBanList)

    async def audit(self, limit: int = 50, before_ms: int | None = None) -> messages.AuditList:
        """The newest records of what operators, moderators and owners have done."""
        return await self._ask(
            messages.ReadAudit(limit=limit, before_ms=before_ms), messages.AuditList
        )

    # --- Rooms ----------------------------------------------------------------------------------

    async def invite(self, room: str, user: str) -> Done:
        """The user may join, whatever the room's kind and key."""
        return await self._do(messages.InviteMember(room=room, user=user))

    async def kick(self, room: str, user: str, reason: str = "") -> Done:
        return await self._do(messages.KickMember(room=room, user=user, reason=reason))

    async def ban(
        self, room: str, user: str, reason: str = "", until_ms: int | None = None
    ) -> Done:
        """Kicks, and keeps out until then, in milliseconds since 1970, or for ever."""
        return await self._do(
            messages.BanMember(room=room, user=user, reason=reason, until_ms=until_ms)
        )

    async def unban(self, room: str, user: str) -> Done:
        return await self._do(messages.UnbanMember(room=room, user=user))

    async def bans(self, room: str) -> messages.BanList:
        return await self._ask(messages.ListBans(room=room), messages.BanList)

    async def mute(self, room: str, user: str, reason: str = "") -> Done:
        """The user reads on, but may not speak."""
        return await self._do(messages.MuteMember(room=room, user=user, reason=reason))

    async def unmute(self, room: str, user: str) -> Done:
        return await self._do(messages.UnmuteMember(room=room, user=user))

    async def promote(self, room: str, user: str) -> Done:
        """Makes a member a moderator."""
        return await self._do(messages.PromoteMember(room=room, user=user))

    async def demote(self, room: str, user: str) -> Done:
        return await self._do(messages.DemoteMember(room=room, user=user))

    async def transfer(self, room: str, user: str) -> Done:
        """Makes a member the owner, and the owner a moderator."""
        return await self._do(messages.TransferRoom(room=room, user=user))

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
        return await self._do(
            messages.ConfigureRoom(
                room=room,
                private=private,
                key=key,
                posting=posting,
                slow_mode_s=slow_mode_s,
                members_max=members_max,
            )
        )

    async def close_room(self, room: str, reason: str = "") -> Done:
        """Everyone is out of it, and its name is free."""
        return await self._do(messages.CloseRoom(room=room, reason=reason))

    # --- Queries --------------------------------------------------------------------------------

    async def history(
        self, log_or_name: str = "#" + LOBBY, limit: int = 20, before: int | None = None
    ) -> messages.History:
        """The last `limit` entries, or those before the sequence `before`, oldest first.

        Of `#room`, of the conversation with `@name`, or of a bare word: a room that one is in, or
        else a name.
        """
        log = log_of(log_or_name, self.rooms_followed)
        return await self._ask(
            messages.ReadHistory(log=log, limit=limit, before=before), messages.History
        )

    async def rooms(self) -> messages.RoomList:
        return await self._ask(messages.ListRooms(), messages.RoomList)

    async def members(self, room: str) -> messages.MemberList:
        return await self._ask(messages.ListMembers(room=room), messages.MemberList)

    async def users(self) -> messages.UserList:
        return await self._ask(messages.ListUsers(), messages.UserList)

    async def ping(self, target: PingTarget = PingTarget.GATEWAY) -> float:
        """The seconds to `target` and back."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await self._ask(messages.Ping(target=target), messages.Pong)
        return loop.time() - begin

    async def _do(self, request: Request) -> Done:
        return await self._ask(request, Done)

    async def _ask(self, request: Request, shape: type[A]) -> A:
        answer = await self.submit(request)
        if not isinstance(answer, shape):
            kinds = type(request).__name__, type(answer).__name__
            raise ProtocolError(f"the server answered {kinds[0]} with {kinds[1]}")
        return answer
