"""`zchat-admin redact`: removes what somebody has said, wherever it stands."""

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import click
from msgspec.structs import replace

from zchat.admin import times
from zchat.admin.commands.moderation import sightings_of, target
from zchat.admin.commands.rooms import room_of
from zchat.admin.output import (
    admin_command,
    as_json_option,
    counted,
    name,
    option,
    reason_option,
    show,
)
from zchat.admin.rpc import REQUEST, Queries, ask_one, done_or_end, open_commands, open_queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Refused, room_log
from zchat.protocol.operators import FindMessages, MessagesFound, RedactMessages
from zchat.protocol.rules.nonces import nonce
from zchat.protocol.rules.partitions import address_of_room, room_addresses
from zchat.protocol.rules.targets import target_of
from zchat.runtime.settings import Settings

_pages: Decoder[MessagesFound | Refused] = Decoder(MessagesFound | Refused)  # type: ignore[arg-type]

_AUTHORS_SHOWN: Final = 20


@dataclass
class Found:
    """By address and log the messages that are to go, and how many each author has said."""

    places: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    authors: Counter[str] = field(default_factory=Counter)

    @property
    def counts(self) -> dict[str, int]:
        of_logs = (logs for logs in self.places.values())
        return {log: len(each) for logs in of_logs for log, each in sorted(logs.items())}


class Numbered:
    """The nonces of commands that are sent one after another."""

    def __init__(self) -> None:
        self._prefix, self._numbers = os.urandom(limits.NONCE_PREFIX_BYTES), itertools.count(1)

    def next(self) -> bytes:
        return nonce(self._prefix, next(self._numbers))


def pages_of(asking: Queries, address: str, query: FindMessages) -> Iterator[MessagesFound]:
    """All that a service finds. Ends the program at a refusal. Raises `NoAnswer`."""
    while True:
        page = ask_one(asking, address, query, _pages)
        yield page
        if not page.more:
            return
        query = replace(query, after_log=page.after_log, after=page.after)


def authors_of(settings: Settings, by: Iterable[str]) -> list[str]:
    """Names and patterns as they are given; of an address the names that came from there lately."""
    authors: dict[str, None] = {}
    for each in by:
        meant = target_of(each)
        if meant.block is None:
            authors[meant.name or meant.pattern] = None
        else:
            authors |= dict.fromkeys(seen.user for seen in sightings_of(settings, each))
    return list(authors)


def find(
    settings: Settings, addresses: list[str], query: FindMessages, authors: list[str]
) -> Found:
    """What any of the authors has said, otherwise as in `query`."""
    found = Found()
    with open_queries(settings) as asking:
        for address in addresses:
            logs: dict[str, set[int]] = {}
            counts: Counter[str] = Counter()
            for begin in range(0, len(authors), limits.FOUND_AUTHORS_MAX):
                some = authors[begin : begin + limits.FOUND_AUTHORS_MAX]
                of_some: Counter[str] = Counter()
                for page in pages_of(asking, address, replace(query, authors=some)):
                    of_some.update(page.authors)
                    for log, sequences in page.places.items():
                        logs.setdefault(log, set()).update(sequences)
                # Whom a pattern of one part fits and another part names is found twice, each time
                # with all of its messages: the larger count is the whole one.
                counts |= of_some
            found.authors.update(counts)
            found.places[address] = {log: sorted(ones) for log, ones in logs.items()}
    return found


def remove(settings: Settings, found: Found, reason: str, *, as_json: bool = False) -> None:
    """Some at a time, so that nobody waits for it. Ends the program at a refusal."""
    numbered = Numbered()
    with open_commands(settings) as commands:
        for address, logs in found.places.items():
            for log, sequences in logs.items():
                for begin in range(0, len(sequences), limits.REDACTED_MESSAGES_MAX):
                    some = sequences[begin : begin + limits.REDACTED_MESSAGES_MAX]
                    command = RedactMessages(REQUEST, numbered.next(), log, some, reason)
                    done_or_end(commands.send(address, command), as_json=as_json)


def _redact(
    settings: Settings,
    by: tuple[str, ...],
    since: int,
    until: int | None,
    room: str | None,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    until_ms = limits.INTEGER_MAX if until is None else until
    if until_ms <= since:
        raise click.UsageError("--until is not after --since; give a later time")
    log = "" if room is None else room_log(room)
    partitions = settings.partitions
    addresses = [address_of_room(room, partitions)] if room else room_addresses(partitions)
    if room:
        # A typing error would else look like a room in which nobody has said anything.
        with open_queries(settings) as asking:
            room_of(asking, addresses[0], room, as_json=as_json)
    authors = authors_of(settings, by)
    found = find(settings, addresses, FindMessages([], since, until_ms, log), authors)
    total = found.authors.total()
    if not as_json:
        of_users = counted(len(found.authors), "user")
        click.echo(f"{counted(total, 'message')} of {of_users} {'go' if yes else 'would go'}")
    if yes:
        # Before anything else is said: who reads only the first line wants it done, too.
        remove(settings, found, reason, as_json=as_json)
    if not as_json:
        for each, count in found.counts.items():
            click.echo(f"  {each}: {count:,}")
        for each, count in found.authors.most_common(_AUTHORS_SHOWN):
            click.echo(f"  by {each}: {count:,}")
        if (more := len(found.authors) - _AUTHORS_SHOWN) > 0:
            click.echo(f"  by {counted(more, 'other')}; --json has all")
    done = "done" if yes else "nothing was changed; with --yes they go"
    value = {"done": yes, "messages": total, "rooms": found.counts, "authors": found.authors}
    show(value, [done] if total or yes else [], as_json=as_json)


REDACT = admin_command(
    "redact",
    _redact,
    "Remove what somebody has said in rooms. Without --yes it only says what would go.",
    option(
        "--by",
        "WHO",
        "A user, also one who is gone, a pattern with * and ?, an address, or a block of them as "
        "in 192.0.2.0/24. May be given more than once.",
        target,
        required=True,
        many=True,
    ),
    option(
        "--since",
        "TIME",
        "From then on: 1h for that long ago, or 2026-05-04T10:00, in UTC.",
        times.since_ms,
        required=True,
    ),
    option("--until", "TIME", "And before then.", times.since_ms),
    option("--room", "ROOM", "Only in this room.", name),
    reason_option(),
    click.Option(["--yes"], is_flag=True, help="Remove it. It cannot be brought back."),
    as_json_option(),
)
