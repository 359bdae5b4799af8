"""What two, and then several, say in private: changed, read, and begun, on all their devices."""

import asyncio
from typing import TypeVar

import pytest

from testbed.cluster import USER_SERVICE, Cluster
from testbed.people import new_name
from zchat.client import Chat, connect
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    LogStateChanged,
    MemberAdded,
    MessageEdited,
    Notify,
    PrivateMessageSent,
    ReactionAdded,
    Redacted,
    TypingSeen,
    inbox_log,
)

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"
Soft = TypeVar("Soft", LogStateChanged, TypingSeen)


async def heard(chat: Chat, kind: type[EntryBody], author: str) -> Entry:
    """The next entry of this author with such a body."""
    async for entry in chat:
        if isinstance(entry.body, kind) and entry.author == author:
            return entry
    raise AssertionError("the chat has ended")


async def seen(chat: Chat, kind: type[Soft]) -> Soft:
    """The next word of this kind that is not kept."""
    async for event in chat.events():
        if isinstance(event, kind):
            return event
    raise AssertionError("the chat has ended")


async def test_what_becomes_of_a_private_message_reaches_both(cluster: Cluster) -> None:
    ann_name, bob_name = new_name("ann"), new_name("bob")
    mine, theirs = inbox_log(ann_name), inbox_log(bob_name)
    async with (
        connect(ann_name, cluster.address) as ann,
        connect(bob_name, cluster.address) as bob,
    ):
        await bob.private(bob_name, "a note of my own")
        said = await ann.private(bob_name, "helo")
        message = await heard(bob, PrivateMessageSent, ann_name)
        await ann.edit(mine, said.sequence, "hello")
        edited = await heard(bob, MessageEdited, ann_name)
        assert edited.body == MessageEdited(message.sequence, "hello")

        await bob.react(theirs, message.sequence, "👋")
        reaction = await heard(ann, ReactionAdded, bob_name)
        assert reaction.body == ReactionAdded(said.sequence, "👋")

        await bob.private(ann_name, "hi", reply_to=message.sequence)
        reply = await heard(ann, PrivateMessageSent, bob_name)
        assert isinstance(reply.body, PrivateMessageSent)
        assert reply.body.reply_to == said.sequence

        history = await bob.history(f"@{ann_name}")
        assert history.entries[0].reactions == {"👋": [bob_name]}
        await asyncio.to_thread(cluster.kill_and_wait, USER_SERVICE)
        await ann.delete(mine, said.sequence)
        history = await bob.history(f"@{ann_name}")
        assert history.entries[0].body == Redacted(ann_name, bob_name)
        (unread,) = [c for c in (await bob.conversations()).conversations if c.name == ann_name]
        # The message is deleted, and what else came of it is none.
        assert unread.unread == 0


async def test_devices_share_what_is_read_and_hear_who_writes(cluster: Cluster) -> None:
    ann_name, bob_name = new_name("ann"), new_name("bob")
    async with (
        connect(ann_name, cluster.address, PASSWORD, register=True, device="desk") as desk,
        connect(ann_name, cluster.address, PASSWORD, device="phone") as phone,
        connect(bob_name, cluster.address) as bob,
    ):
        await desk.private(bob_name, "are you there?")
        await desk.notify(f"@{bob_name}", Notify.NOTHING)
        moved = await seen(phone, LogStateChanged)
        assert (moved.log, moved.notify) == (f"@{bob_name}", Notify.NOTHING)

        await bob.typing(f"@{ann_name}")
        assert await seen(phone, TypingSeen) == TypingSeen(f"@{bob_name}", [bob_name])


async def test_several_are_in_a_conversation_at_once(cluster: Cluster) -> None:
    names = [new_name(name) for name in ("ann", "bob", "carl")]
    async with (
        connect(names[0], cluster.address) as ann,
        connect(names[1], cluster.address) as bob,
        connect(names[2], cluster.address) as carl,
    ):
        done = await ann.start_conversation(*names[1:])
        assert done.log is not None
        for chat in (bob, carl):
            assert (await heard(chat, MemberAdded, names[0])).log == done.log
        room = done.log.removeprefix("#")
        members = await carl.members(room)
        assert sorted(info.name for info in members.members) == sorted(names)
