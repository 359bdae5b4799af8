"""Torn writes: what a power loss does to a database in the midst of writing, and what is left then.

A database is copied with its WAL while commits are on their way, and the copy is damaged: the WAL
ends early, or sectors of it hold zeros or garbage, or the database holds half of a page that the
WAL has whole. Then the real store opens it, and it must be, row by row in all tables, what it was
after the last commit before the damage; and the service must go on from there.
"""

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import click
from sqlalchemy import text

from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import (
    LOBBY,
    CreateRoom,
    Done,
    JoinRoom,
    Message,
    Post,
    SendPrivate,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.nonces import nonce

from .busy_service import BusyService, Kind, Said
from .consistency import Broken, check_whole
from .crash_copies import copy_as_after_a_crash, reading, wal_of
from .histories import Evidence, contents_of, of_a_cluster, of_services

SECTORS_BYTES: Final = (512, 4_096)
TORN_PAGES_MAX: Final = 12
SCATTERED_MAX: Final = 6
"""Sectors that are hit at once."""
SAID_AGAIN: Final = 5
"""Of what was acknowledged before the damage."""
NEWCOMER: Final = "newcomer"
PREFIX: Final = b"newcomer"
"""Of the nonces of whoever speaks after the damage."""


class Damage(StrEnum):
    CUT = "the WAL ends early"
    ZEROS = "a sector of zeros"
    GARBAGE = "a sector of garbage"
    SCATTERED = "several sectors of garbage"
    CHECKPOINT = "a checkpoint torn"


# --- The command ----------------------------------------------------------------------------------


@click.command("torn-writes")
@click.option(
    "--offsets", default=200, show_default=True, help="Of cuts; of others a quarter as many."
)
@click.option("--seed", default=1, show_default=True, help="Of histories and damages.")
def torn_writes(offsets: int, seed: int) -> None:
    """Cuts and garbles the WALs of services that were killed or stopped in the midst of writing.

    Opens each with the real store and looks whether all that was committed before the damage is
    there, and nothing half.
    """
    with tempfile.TemporaryDirectory(prefix="zchat-") as name:
        folder = Path(name)
        histories = [*of_services(folder, seed), *of_a_cluster(folder / "cluster", seed)]
        for evidence in histories:
            found = evidence.found_whole or len(evidence.acknowledged)
            click.echo(
                f"{evidence.name}: {len(evidence.commits) - 1} commits in the WAL, "
                f"{found} acknowledged"
            )
            for damage in Damage:
                try:
                    count = offsets if damage is Damage.CUT else -(-offsets // 4)
                    tally = hurt(evidence, damage, count, seed, folder)
                except Broken as broken:
                    raise click.ClickException(f"seed {seed}: {broken}") from broken
                click.echo(f"  {damage:<28} {_line(tally)}")
    click.echo("all promises were kept")


def _line(tally: Counter[str]) -> str:
    return (
        f"{tally['damages']:>4} times, {tally['commits kept']:>6} commits kept, "
        f"{tally['commits dropped']:>6} dropped, {tally['found']:>6} acknowledged found"
    )


# --- Damage, and what is left ---------------------------------------------------------------------


def hurt(evidence: Evidence, damage: Damage, count: int, seed: int, folder: Path) -> Counter[str]:
    """Damages copies of the evidence, one after another, and checks each. Raises `Broken`."""
    tally: Counter[str] = Counter()
    wal = wal_of(evidence.database).read_bytes()
    for number, offset in enumerate(_offsets(evidence, wal, count, seed)):
        dice = random.Random(f"{seed} {damage} {number}")
        with tempfile.TemporaryDirectory(dir=folder) as name:
            copy = copy_as_after_a_crash(evidence.database, Path(name))
            if damage is Damage.CHECKPOINT:
                _tear_checkpoint(copy, evidence.pages, dice)
                damaged_from = len(wal)
            else:
                damaged = _damaged(wal, damage, offset, dice)
                wal_of(copy).write_bytes(damaged)
                damaged_from = _first_difference(wal, damaged)
            try:
                tally += check(evidence, copy, damaged_from)
            except Broken as broken:
                where = f"{evidence.name}: {damage} at {offset}"
                raise Broken(f"{where}, the {number}th: {broken}") from broken
    return tally


def _offsets(evidence: Evidence, wal: bytes, count: int, seed: int) -> Iterator[int]:
    """In front of the last commit's end and, where there is anything, behind it."""
    dice = random.Random(f"{seed} {evidence.name}")
    end = evidence.commits[-1].end_bytes
    ranges = [(0, end)]
    if end < len(wal):
        ranges.append((end, len(wal)))
    for first, after_last in islice(cycle(ranges), count):
        yield dice.randrange(first, after_last)


def _damaged(wal: bytes, damage: Damage, offset: int, dice: random.Random) -> bytes:
    if damage is Damage.CUT:
        return wal[:offset]
    damaged = bytearray(wal)
    sector_bytes = dice.choice(SECTORS_BYTES)
    starts = [offset]
    if damage is Damage.SCATTERED:
        starts += [dice.randrange(offset, len(wal)) for _ in range(SCATTERED_MAX - 1)]
    for start in (start // sector_bytes * sector_bytes for start in starts):
        hit = slice(start, min(start + sector_bytes, len(wal)))
        length = hit.stop - hit.start
        damaged[hit] = bytes(length) if damage is Damage.ZEROS else dice.randbytes(length)
    return bytes(damaged)


def _first_difference(whole: bytes, damaged: bytes) -> int:
    """Zeros over zeros are no damage."""
    block = 4_096
    for start in range(0, len(damaged), block):
        one, other = whole[start : start + block], damaged[start : start + block]
        if one != other:
            equal = (a == b for a, b in zip(one, other, strict=False))
            return start + next((at for at, same in enumerate(equal) if not same), len(other))
    return len(damaged)


def _tear_checkpoint(database: Path, pages: dict[int, bytes], dice: random.Random) -> None:
    """Some of the pages that a checkpoint copies have arrived, some in part, some as garbage.

    A checkpoint begins when the WAL is safe, so that only pages that it holds can be hurt.
    """
    with database.open("r+b") as file:
        for number in dice.sample(sorted(pages), min(len(pages), dice.randint(1, TORN_PAGES_MAX))):
            page = pages[number]
            file.seek((number - 1) * len(page))
            arrived = dice.randrange(0, len(page) + 1, SECTORS_BYTES[0])
            rest = dice.randbytes(len(page) - arrived) if dice.random() < 0.5 else b""
            file.write(page[:arrived] + rest)


def check(evidence: Evidence, database: Path, damaged_from: int) -> Counter[str]:
    """What is kept is what was committed before the damage, and the service goes on from it."""
    last = evidence.last_before(damaged_from)
    said = [one.said for one in evidence.acknowledged if one.end_bytes <= last.end_bytes]
    with contextlib.closing(BusyService(evidence.kind, database)) as service:
        connection = service.store._connection
        found = contents_of(connection)
        # Where nothing had been written yet the service has begun its tables anew.
        if found != last.contents and (last.has_entries or found["entries"][0]):
            tables = [name for name in found if found[name] != last.contents.get(name)]
            raise Broken(f"{', '.join(tables)} are not as of the last commit before")
        entries = check_whole(connection)
        connection.rollback()
        places = {(one.author, one.nonce): (one.log, one.sequence) for one in entries}
        for one in said:
            if (place := places.get((one.author, one.nonce))) != (one.log, one.sequence):
                raise Broken(f"{one} was acknowledged and is {place}")
        _go_on(service, evidence.kind, [*said[-1:], *said[:: len(said) // SAID_AGAIN + 1]])
    with reading(database) as connection:
        check_whole(connection)
    kept = evidence.commits.index(last)
    return Counter(
        {
            "damages": 1,
            "commits kept": kept,
            "commits dropped": len(evidence.commits) - 1 - kept,
            "found": len(said),
        }
    )


# --- Going on -------------------------------------------------------------------------------------


def _go_on(service: BusyService, kind: Kind, said: Sequence[Said]) -> None:
    """New words follow on the old ones, and what was said before is not said anew."""
    of_rooms = kind.schema.name == "rooms"
    words = _room_words(service) if of_rooms else _private_words(service)
    heads = service.store.heads({log for _, log in words})
    answers = service.do([(NEWCOMER, command) for command, _ in words])
    for (command, log), answer in zip(words, answers, strict=True):
        heads[log] += 1
        if answer != Done(1, log, heads[log]):
            raise Broken(f"{command} is answered {answer} and should be {log} {heads[log]}")
    for one in said:
        name = one.log[1:]
        again: Message = (
            Post(id=1, nonce=one.nonce, room=name, text="0")
            if of_rooms
            else SendPrivate(id=1, nonce=one.nonce, to=name, text="0")
        )
        (answer,) = service.do([(one.author, again)])
        if answer != Done(1, one.log, one.sequence, again=True):
            raise Broken(f"{one} is said again and answered {answer}")


def _room_words(service: BusyService) -> list[tuple[Message, str]]:
    """In a room that is there already and in a new one; each with the log that it belongs to."""
    new = "after-the-damage"
    rooms = service.store._connection.scalars(text("select name from rooms order by name")).all()
    old = next((room for room in rooms if room != LOBBY), None)
    words: list[tuple[Message, str]] = [
        (CreateRoom(id=1, nonce=nonce(PREFIX, 1), room=new), room_log(new)),
        (Post(id=1, nonce=nonce(PREFIX, 2), room=new, text="2"), room_log(new)),
    ]
    if old is not None:
        words += [
            (JoinRoom(id=1, nonce=nonce(PREFIX, 3), room=old), room_log(old)),
            (Post(id=1, nonce=nonce(PREFIX, 4), room=old, text="4"), room_log(old)),
        ]
    return words


def _private_words(service: BusyService) -> list[tuple[Message, str]]:
    """To somebody who is there already, and to oneself."""
    select = text("select name from users where not ended order by name")
    old = service.store._connection.scalars(select).first()
    service.do([("", OpenSession(1, NEWCOMER, NEWCOMER.encode().ljust(limits.TOKEN_BYTES), None))])
    words: list[tuple[Message, str]] = [
        (SendPrivate(id=1, nonce=nonce(PREFIX, 1), to=NEWCOMER, text="1"), inbox_log(NEWCOMER))
    ]
    if old is not None:
        words.append(
            (SendPrivate(id=1, nonce=nonce(PREFIX, 2), to=old, text="2"), inbox_log(NEWCOMER))
        )
    return words


if __name__ == "__main__":
    torn_writes()
