"""The operator's hands on the data of a cluster that people talk in meanwhile."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from testbed.cluster import Cluster
from testbed.people import Person, eventually, gather_in, new_name
from zchat.protocol.messages import (
    Done,
    History,
    JoinRoom,
    MessagePosted,
    Post,
    ReadHistory,
    Redacted,
    Register,
    SendPrivate,
)

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


async def admin(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs zchat-admin in the folder of the cluster."""
    program = "from zchat.admin.cli import main; main()"
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, *words],
        cwd=cluster.folder,
        env=cluster.environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def done(cluster: Cluster, *words: str) -> str:
    result = await admin(cluster, *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def entries_of(database: Path) -> list[tuple[Any, ...]]:
    """Everything that a service has written, as it is stored."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(
            "SELECT position, log, sequence, author, nonce, frame FROM entries ORDER BY position"
        ).fetchall()


async def test_a_backup_under_load_becomes_a_cluster_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    original, other = (Cluster(tmp_path_factory.mktemp(name)) for name in ("c", "d"))
    backups = tmp_path_factory.mktemp("b")
    with original, other:
        await asyncio.to_thread(original.start)
        enough = asyncio.Event()
        async with Person(original.address) as ann, Person(original.address) as bob:
            await gather_in("garden", [ann, bob])
            await ann.chat.submit(Register(password=PASSWORD))
            talk = asyncio.gather(
                ann.talk_until(enough, ["#garden", f"@{bob.name}"]),
                bob.talk_until(enough, ["#garden", "#lobby"]),
            )
            seen: list[int] = []
            for _ in range(3):
                seen.append(ann.head("#garden"))
                await done(original, "backup", str(backups), "--json")
                # Its name has the second in which it was made.
                await asyncio.sleep(1.1)
            enough.set()
            await talk
            name = ann.name
        made = sorted(backups.iterdir())
        assert len(made) == 3
        folder = made[1]
        assert json.loads((folder / "manifest.json").read_text())["one_moment"]
        for each in made:
            assert "nothing is wrong" in await done(original, "verify", str(each))
        assert (await admin(original, "restore", str(folder))).returncode == 1

        await done(other, "restore", str(folder))
        restored = other.folder / "var" / "data"
        for path in (restored / "users.sqlite", restored / "rooms-0.sqlite"):
            whole = entries_of(original.folder / "var" / "data" / path.name)
            copied = entries_of(path)
            assert 0 < len(copied) < len(whole)
            assert copied == whole[: len(copied)]
        # What was seen before a backup began is in it.
        assert 0 < seen[0] < seen[1]
        rows = entries_of(restored / "rooms-0.sqlite")
        assert max(sequence for _, log, sequence, *_ in rows if log == "#garden") >= seen[1]

        await asyncio.to_thread(other.start)
        async with Person(other.address, name, PASSWORD) as back:
            await back.chat.submit(Post(room="garden", text="we are back"))
            await eventually(lambda: _has_said(back, "we are back"))
        assert "nothing is wrong" in await done(other, "verify")
        assert other.bugs() == []
        assert original.bugs() == []


async def _has_said(person: Person, text: str) -> bool:
    return text in person.texts("#garden")


async def test_what_is_exported_is_what_is_imported(shared_cluster: Cluster) -> None:
    room, copy = new_name("room"), new_name("copy")
    async with Person(shared_cluster.address) as ann, Person(shared_cluster.address) as bob:
        await gather_in(room, [ann, bob])
        said = [ann.chat.submit(Post(room=room, text=f"text {number}")) for number in range(450)]
        await asyncio.gather(*said)
        await bob.chat.submit(Post(room=room, text="snow ❄"))
        file, again = shared_cluster.folder / f"{room}.jsonl", shared_cluster.folder / "again.jsonl"
        await done(shared_cluster, "export", "room", room, "-o", str(file))
        assert file.stat().st_mode & 0o777 == 0o600
        assert (await admin(shared_cluster, "import", "room", str(file))).returncode == 1
        for _ in range(2):
            await done(shared_cluster, "import", "room", str(file), "--as", copy)
        await done(shared_cluster, "export", "room", copy, "-o", str(again))

        exported, imported = (path.read_text().splitlines()[1:] for path in (file, again))
        assert imported[: len(exported)] == exported
        left = [json.loads(line) for line in imported[len(exported) :]]
        assert {line["author"] for line in left} == {ann.name, bob.name}
        assert {line["body"]["kind"] for line in left} == {"member_left"}

        await bob.chat.submit(JoinRoom(room=copy))
        read = await bob.chat.submit(ReadHistory(log=f"#{copy}", limit=5))
        assert isinstance(read, History)
        assert MessagePosted("snow ❄") in [entry.body for entry in read.entries]
    assert "nothing is wrong" in await done(shared_cluster, "verify")


async def test_an_account_is_exported_and_imported(shared_cluster: Cluster) -> None:
    ann, copy = new_name("ann"), new_name("copy")
    folder = shared_cluster.folder
    async with Person(shared_cluster.address, ann) as one, Person(shared_cluster.address) as bob:
        await one.chat.submit(Register(password=PASSWORD))
        await bob.chat.submit(SendPrivate(to=ann, text="psst"))
        slip = await bob.chat.submit(SendPrivate(to=ann, text="my password is swordfish"))
        assert isinstance(slip, Done)
        await one.chat.say("of ann")
        await bob.chat.say("of bob")
        await bob.chat.delete(f"@{bob.name}", slip.sequence)
        await done(shared_cluster, "export", "account", ann, "-o", f"{ann}.jsonl")
        assert (await admin(shared_cluster, "export", "account", bob.name)).returncode == 1
    (folder / "password").write_text("another horse\n")
    words = ("import", "account", f"{ann}.jsonl", "--password-file", "password")
    assert (await admin(shared_cluster, *words)).returncode == 1
    for _ in range(2):
        await done(shared_cluster, *words, "--as", copy)
    async with Person(shared_cluster.address, copy, "another horse") as again:
        read = await again.chat.submit(ReadHistory(log=f"@{bob.name}"))
        assert isinstance(read, History)
        assert [entry.author for entry in read.entries] == [bob.name] * 2
        assert read.entries[1].body == Redacted(bob.name, copy)
        assert again.entries.get(f"@{copy}", []) == []  # All that was imported counts as read.
    text = (folder / f"{ann}.jsonl").read_text()
    assert "argon2" not in text
    header, *lines = map(json.loads, text.splitlines())
    assert header["addresses"][0]["address"] == "127.0.0.1"
    said = [(line["log"], line["body"]["text"]) for line in lines if "log" in line]
    assert said == [("#lobby", "of ann")]
    assert "nothing is wrong" in await done(shared_cluster, "verify")


async def test_old_entries_go_and_members_go_on(shared_cluster: Cluster) -> None:
    """Entries that are old enough come from an import."""
    room = new_name("old")
    header = {
        "zchat_export": 1,
        "kind": "room",
        "name": room,
        "exported_at": "",
        "software": "",
    }
    lines = [header] + [
        {
            "sequence": number,
            "at_ms": number,
            "author": "ann",
            "body": {"kind": "message_posted", "text": f"text {number}"},
        }
        for number in range(1, 1_201)
    ]
    file = shared_cluster.folder / f"{room}.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    await done(shared_cluster, "import", "room", str(file))
    async with Person(shared_cluster.address) as bob:
        await bob.chat.submit(JoinRoom(room=room))
        dry = await done(shared_cluster, "retention", "set", room, "1", "--dry-run")
        assert "1,200 entries would go now" in dry
        read = await bob.chat.submit(ReadHistory(log=f"#{room}", limit=200))
        assert isinstance(read, History)
        assert len(read.entries) == 200

        await done(shared_cluster, "retention", "set", room, "1", "--yes")
        await eventually(lambda: _is_forgotten(bob, room))
        await bob.chat.submit(Post(room=room, text="still here"))
        await eventually(lambda: _has_heard(bob, room))
    shown = json.loads(await done(shared_cluster, "retention", "show", "--json"))
    assert shown["rooms"][f"#{room}"] == 1
    assert "nothing is wrong" in await done(shared_cluster, "verify")


async def _is_forgotten(person: Person, room: str) -> bool:
    read = await person.chat.submit(ReadHistory(log=f"#{room}", limit=200))
    assert isinstance(read, History)
    return len(read.entries) == 1


async def _has_heard(person: Person, room: str) -> bool:
    return "still here" in person.texts(f"#{room}")


@pytest.mark.parametrize(
    "words",
    [
        ("retention", "show"),
        ("retention", "set", "--default", "9", "--yes"),
    ],
)
async def test_without_a_cluster_nobody_answers(tmp_path: Path, words: tuple[str, ...]) -> None:
    cluster = Cluster(tmp_path)
    result = await admin(cluster, *words)
    assert (result.returncode, "no answer from" in result.stderr) == (3, True)
