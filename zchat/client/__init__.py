"""Write a bot in ten lines:

    import asyncio
    from zchat.client import MessagePosted, connect

    async def main():
        async with connect("echo", "127.0.0.1:7447") as chat:
            async for entry in chat:
                match entry.body:
                    case MessagePosted(text) if entry.author != chat.name:
                        await chat.post(entry.log, f"{entry.author} says: {text}")

    asyncio.run(main())

Every entry comes once and in order, and every post is made once, whatever connections break.
What is to be done once whatever becomes of the process, too, is a bot: `zchat.client.bot`.
"""

from zchat.client.asking import RefusedError
from zchat.client.chat import (
    CannotConnectError,
    Chat,
    UnconfirmedError,
    connect,
)
from zchat.client.core import LoggingOut
from zchat.client.drafts import InvalidRequest
from zchat.client.events import (
    Answered,
    ConnectionFailed,
    ConnectionLost,
    Delayed,
    EntryArrived,
    Event,
    SessionBegun,
)
from zchat.client.outbox import QueueFull
from zchat.client.state import State
from zchat.client.tls import Tls, UnknownServerError, UntrustedServerError
from zchat.protocol.messages import (
    Entry,
    MessagePosted,
    PingTarget,
    PresenceChanged,
    PrivateMessageSent,
    RefusalCode,
    Scope,
    Standing,
)

__all__ = [
    "Answered",
    "CannotConnectError",
    "Chat",
    "ConnectionFailed",
    "ConnectionLost",
    "Delayed",
    "Entry",
    "EntryArrived",
    "Event",
    "InvalidRequest",
    "LoggingOut",
    "MessagePosted",
    "PingTarget",
    "PresenceChanged",
    "PrivateMessageSent",
    "QueueFull",
    "RefusalCode",
    "RefusedError",
    "Scope",
    "SessionBegun",
    "Standing",
    "State",
    "Tls",
    "UnconfirmedError",
    "UnknownServerError",
    "UntrustedServerError",
    "connect",
]
