"""The command line of scripts/bench-search: what the index of messages costs, and searches in it.

It works on a store alone, without a cluster, and always with the same messages. Times are those of
the processor, so that what else runs on the machine counts for less.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import click

from zchat.eventlog.core.search_words import words_of
from zchat.eventlog.search import Place, Wanted
from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol.codec import encode
from zchat.protocol.messages import Entry, MessagePosted, room_log
from zchat.protocol.rules.costs import exhausted

_COMMIT_ENTRIES: Final = 500
_ROOMS: Final = 1_000
_AUTHORS: Final = 500
_WORDS: Final = 50_000
_SYLLABLES: Final = [a + b + c for a in "bdfgklmnprstvw" for b in "aeiou" for c in ("", "n", "s")]
_RESULTS: Final = 20


@click.command()
@click.option("--messages", default=100_000, show_default=True, type=click.IntRange(1_000))
def main(messages: int) -> None:
    """Prints how large the index is, and what it takes to index a message and to search."""
    chance = random.Random(1)  # noqa: S311
    words = ["".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(_WORDS)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rooms.sqlite"
        store = Store.open(path, LOG_SCHEMA)
        talk = _talk(chance, words, messages)
        while commit := list(islice(talk, _COMMIT_ENTRIES)):
            store.commit(commit, [], [], [])
        store.close()
        size_bytes = path.stat().st_size
        click.echo(f"a message without its index: {size_bytes / messages:.0f} bytes")

        store = Store.open(path, LOG_SCHEMA)
        took_s = _index(store)
        store.close()
        indexed_bytes = path.stat().st_size - size_bytes
        click.echo(
            f"its index: {indexed_bytes / messages:.0f} bytes, "
            f"{sum(took_s) / messages * 1e6:.0f} µs; "
            f"a batch at most {max(took_s) * 1e3:.0f} ms"
        )
        store = Store.open(path, LOG_SCHEMA)
        _search(store, words)
        store.close()


def _talk(chance: random.Random, words: list[str], messages: int) -> Iterator[Appended]:
    """Few rooms have most of it, and few words are most of what is said."""
    heads: dict[str, int] = {}
    for position in range(1, messages + 1):
        log = room_log(f"room{min(_ROOMS, int(chance.paretovariate(0.5)))}")
        sequence = heads[log] = heads.get(log, 0) + 1
        count = min(60, max(1, round(chance.lognormvariate(2.1, 0.8))))
        ranks = (min(_WORDS, int(chance.paretovariate(0.6))) - 1 for _ in range(count))
        text = " ".join(words[rank] for rank in ranks)
        author = f"user{chance.randrange(_AUTHORS)}"
        entry = Entry(log, sequence, 1_000 * position, author, MessagePosted(text))
        nonce = chance.randbytes(16)
        yield Appended(position, log, sequence, author, nonce, None, encode(entry))


def _index(store: Store) -> list[float]:
    """How long each batch took."""
    took_s: list[float] = []
    more = True
    while more:
        begun_at = time.process_time()
        more = store.index_messages()
        took_s.append(time.process_time() - begun_at)
    return took_s


def _search(store: Store, words: list[str]) -> None:
    one_room = [Place(room_log("room1"), 0)]
    many_rooms = [Place(room_log(f"room{number}"), 0) for number in range(1, 101)]
    searches = {
        "a common word": words[0],
        "two words": f"{words[20]} {words[30]}",
        "a rare word": words[_WORDS // 2],
        "two letters": "wa",
        "no message": "xyzzy",
    }
    for what, text in searches.items():
        wanted = Wanted(words_of(text), None, None, _RESULTS)
        for where, places in (("one room", one_room), ("100 rooms", many_rooms)):
            begun_at = time.process_time()
            found = exhausted(store.search(places, wanted))
            took_ms = (time.process_time() - begun_at) * 1e3
            more = " and more" if found.more else ""
            click.echo(f"{what} in {where}: {took_ms:.1f} ms, found {len(found.entries)}{more}")


if __name__ == "__main__":
    main(prog_name="scripts/bench-search")
