"""An operator takes away what somebody has said, and lets in who has lost a password."""

import asyncio
import json
from collections import Counter

import pytest

from testbed.cluster import ROOM_SERVICE, Cluster
from testbed.people import Person, new_name
from zchat.client import connect
from zchat.client.sdk.requests import RefusedError
from zchat.protocol.messages import (
    LOBBY,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
    RefusalCode,
    room_log,
)

from .test_data import admin, done, entries_of

pytestmark = pytest.mark.integration

PASSWORD, NEW_PASSWORD = "correct horse", "battery staple"
SPAM = 2_000
LOBBY_LOG = room_log(LOBBY)


async def test_what_spammers_have_said_is_removed_whatever_is_killed_meanwhile(
    cluster: Cluster,
) -> None:
    room = new_name("room")
    async with (
        Person(cluster.address, new_name("ann")) as ann,
        Person(cluster.address, new_name("spam")) as spammer,
    ):
        await ann.chat.create_room(room)
        await spammer.chat.join(room)
        await ann.chat.post(LOBBY, "before the storm")
        await spammer.talk([LOBBY_LOG] * 9 + [room_log(room)], SPAM)
        await spammer.chat.private(ann.name, "psst")
        last = await ann.chat.post(LOBBY, "after the storm")
        await ann.until_seen(LOBBY_LOG, last.sequence)

        words = ("redact", "--by", f"{spammer.name[:6]}*", "--since", "1h", "--reason", "spam")
        would = json.loads(await done(cluster, *words, "--json"))
        assert (would["done"], would["messages"]) == (False, SPAM)
        assert would["rooms"] == {LOBBY_LOG: SPAM * 9 // 10, room_log(room): SPAM // 10}
        removing = asyncio.create_task(done(cluster, *words, "--yes"))
        await ann.until(lambda: _deleted(ann))
        await asyncio.to_thread(cluster.kill_and_wait, ROOM_SERVICE)
        assert f"{SPAM:,} messages of 1 user go" in await removing
        assert "0 messages of 0 users go" in await done(cluster, *words, "--yes")

        said = await ann.chat.post(LOBBY, "and calm")
        await ann.until_seen(LOBBY_LOG, said.sequence)
        deleted = Counter(_deleted(ann))
        assert (len(deleted), max(deleted.values())) == (SPAM * 9 // 10, 1), "each once"
        history = await ann.chat.history(LOBBY_LOG, 200, before=last.sequence)
        texts = [e.body.text for e in history.entries if isinstance(e.body, MessagePosted)]
        assert set(texts) <= {"before the storm"}
        assert any(isinstance(entry.body, Redacted) for entry in history.entries)
        async with Person(cluster.address, new_name("bob")) as late:
            assert (await late.chat.search(spammer.name)).entries == []
    assert "nothing is wrong" in await done(cluster, "verify")


def _deleted(person: Person) -> list[int]:
    bodies = person.bodies(LOBBY_LOG)
    return [body.sequence for _, body in bodies if isinstance(body, MessageDeleted)]


async def test_a_code_of_the_operator_and_a_new_password_let_in(cluster: Cluster) -> None:
    name = new_name("ann")
    async with connect(name, cluster.address, PASSWORD, register=True):
        pass
    made = json.loads(await done(cluster, "account", "reset-password", name, "--json"))
    code = made["code"]
    with pytest.raises(RefusedError) as refused:
        async with connect(name, cluster.address, code):
            pass
    assert refused.value.code is RefusalCode.NEW_PASSWORD_REQUIRED
    async with connect(name, cluster.address, code, new_password=NEW_PASSWORD) as chat:
        assert (chat.name, chat.guest) == (name, False)
    for password in (PASSWORD, code):
        with pytest.raises(RefusedError) as refused:
            async with connect(name, cluster.address, password):
                pass
        assert refused.value.code is RefusalCode.WRONG_PASSWORD
    async with connect(name, cluster.address, NEW_PASSWORD):
        pass
    await done(cluster, "account", "delete", name, "--yes")
    with pytest.raises(RefusedError) as refused:
        async with connect(name, cluster.address, NEW_PASSWORD):
            pass
    assert refused.value.code is RefusalCode.WRONG_PASSWORD
    assert "nothing is wrong" in await done(cluster, "verify")


async def test_of_a_person_who_is_erased_only_a_pseudonym_is_left(cluster: Cluster) -> None:
    name, room = new_name("bob"), new_name("room")
    async with Person(cluster.address, new_name("ann")) as ann:
        await ann.chat.create_room(room)
        async with connect(name, cluster.address, PASSWORD, register=True) as bob:
            await bob.join(room)
            await bob.post(room, f"hello, I am {name}")
            mine = await bob.private(ann.name, "a secret")
            await ann.chat.private(name, "and mine")
            await bob.react(f"@{name}", mine.sequence, "+1")
            made = await done(cluster, "account", "erase", name, "--yes", "--json")
        value = json.loads(made)
        assert (value["done"], value["messages"]) == (True, 2)
        pseudonym = value["as"]
        history = await ann.chat.history(f"#{room}")
        assert {entry.author for entry in history.entries} == {ann.name, pseudonym, "zchat"}
        (log,) = (e for e in history.entries if isinstance(e.body, Redacted))
        assert log.author == pseudonym
        private = await ann.chat.history(f"@{pseudonym}")
        texts = [e.body.text for e in private.entries if isinstance(e.body, PrivateMessageSent)]
        assert texts == ["and mine"]
        again = await admin(cluster, "account", "erase", name, "--yes")
        assert (again.returncode, "there is no account" in again.stderr) == (1, True)
    assert "nothing is wrong" in await done(cluster, "verify")
    for database in (cluster.folder / "var" / "data").glob("*.sqlite"):
        left = [entry for entry in entries_of(database) if name.encode() in entry[-1]]
        assert left == [], database
