"""A gateway in this process: real sockets around the server model, and faults at will."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Self, cast

from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    EntryBody,
    Hello,
    LogIn,
    LogOut,
    RefusalCode,
    Refused,
    ServerMessage,
)

from .server_model import ServerModel


class FakeGateway:
    """All connections are the same user's, and share one server."""

    def __init__(self, server: ServerModel | None = None) -> None:
        self.server = server or ServerModel()
        self.refusal: Refused | None = None
        """If set, the answer to every login."""
        self.account: Account | None = None
        """If set, whose login it must be."""
        self.mute = False
        """Reads, and does nothing."""
        self.mute_once_logged_in = False
        self.delayed: list[Callable[[], None]] | None = None
        """If set, what is answered waits in it for `catch_up`."""
        self.connections: set[_Session] = set()
        self.hellos: list[Hello] = []
        """Those of the connections on which somebody has logged in, in the order of `logins`."""
        self.logins: list[LogIn] = []
        self.goodbyes = 0
        self.heard = 0
        """Messages of all clients, also those that it does nothing about."""
        self._listener: asyncio.Server | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Session(self), "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Nobody can connect any more, and nobody stays connected."""
        if self._listener is not None:
            self._listener.close()
        self.cut()

    def cut(self) -> None:
        for session in list(self.connections):
            session.transport.abort()

    def catch_up(self) -> None:
        """All is answered, and from now on at once."""
        delayed, self.delayed = self.delayed or [], None
        for write in delayed:
            write()

    def say(self, log: str, author: str, body: EntryBody) -> None:
        """Somebody else's entry."""
        self.push([self.server.append(log, author, body)])

    def push(self, messages: Sequence[ServerMessage]) -> None:
        data = b"".join(map(encode, messages))
        for session in self.connections:
            if session.logged_in:
                session.transport.write(data)


class Account:
    """Of everyone who logs in: a password, the tokens that have proved it, and perhaps a code."""

    def __init__(self, password: str | None, code: str = "", invitation: str = "") -> None:
        self.password = password
        self.code = code
        self.invitation = invitation
        self.reset_code = ""
        """An operator's, in the place of the password."""
        self.tokens: dict[bytes, str] = {}
        """The device, by token."""

    def refusal(self, log_in: LogIn) -> Refused | None:
        wrong: RefusalCode | None = None
        if log_in.token in self.tokens:
            return None
        if self.reset_code and log_in.password == self.reset_code and log_in.new_password:
            self.password, self.reset_code = log_in.new_password, ""
            self.tokens[log_in.token] = log_in.device
            return None
        if log_in.register:
            if self.invitation and log_in.invitation != self.invitation:
                wrong = RefusalCode.INVITATION_REQUIRED
            self.password = log_in.password
        elif log_in.password is None:
            wrong = RefusalCode.PASSWORD_REQUIRED
        elif self.reset_code and log_in.password == self.reset_code:
            wrong = RefusalCode.NEW_PASSWORD_REQUIRED
        elif log_in.password != self.password:
            wrong = RefusalCode.WRONG_PASSWORD
        elif self.code and log_in.code != self.code:
            wrong = RefusalCode.WRONG_CODE if log_in.code else RefusalCode.CODE_REQUIRED
        if wrong is not None:
            return Refused(0, wrong, f"No: {wrong}")
        self.tokens[log_in.token] = log_in.device
        return None


class _Session(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway
        self._reader = FrameReader()
        self.hello: Hello
        self.logged_in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._gateway.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._gateway.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        gateway = self._gateway
        for frame in self._reader.feed(data):
            message = client_messages.decode(frame)
            gateway.heard += 1
            if gateway.mute:
                continue
            replies = gateway.server.handle(message)
            if isinstance(message, Hello):
                self.hello = message
            if isinstance(message, LogIn):
                gateway.hellos.append(self.hello)
                gateway.logins.append(message)
                gateway.mute = gateway.mute_once_logged_in
                refusal = gateway.refusal
                if refusal is None and gateway.account is not None:
                    refusal = gateway.account.refusal(message)
                self.logged_in = refusal is None
                if refusal is not None:
                    replies = [Refused(message.id, refusal.code, refusal.reason)]
            data = b"".join(map(encode, replies))
            if gateway.delayed is None:
                self.transport.write(data)
            else:
                gateway.delayed.append(partial(self.transport.write, data))
            if isinstance(message, LogOut):
                gateway.goodbyes += 1
                self.transport.close()


async def until(condition: Callable[[], bool]) -> None:
    """For what happens on the other side of a socket, of which there is no event here."""
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def serve(port: int) -> None:
    """For trying the client by hand."""
    gateway = FakeGateway()
    gateway.port = port
    await gateway.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
