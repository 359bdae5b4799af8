"""`zchat-client tail`: what is said from now on, or what was said since a script looked last."""

import asyncio
import os
import stat
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import click

from zchat.client.auth.access import Access
from zchat.client.cli import subcommand
from zchat.client.cli.output import OF_MESSAGES, Output
from zchat.client.cli.queries import last
from zchat.client.cli.subcommand import (
    FROM_NOW_ON,
    PATIENCE_S,
    everything_option,
    key_option,
    number_option,
    patiently,
    script,
    session,
)
from zchat.client.core.events import ConnectionLost, EntryArrived, Event, SessionBegun
from zchat.client.exit_codes import REFUSED, Failed, say
from zchat.client.model.entries import conversation_of
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.client.storage.cursor_file import SavedCursor, cursor_name
from zchat.protocol.messages import Entry, LogState, RefusalCode, inbox_log
from zchat.protocol.rules.membership import ends_following
from zchat.runtime import options

NUMBER: Final = 10
NUMBER_MAX: Final = 10_000
BATCH_MAX: Final = 500
"""Entries that are printed before the cursor is saved, which waits for the disk. Whoever is killed
in between prints up to so many once more."""
REMEMBERED_MAX: Final = 10_000
"""Entries of the inbox whose conversation is remembered, for edits of them. Of older ones the
server is asked."""
_STDOUT: Final = 1

HELP: Final = """Print the last messages of each ROOM or conversation with @USER.

With -f it goes on as they come, over broken connections and restarts of the server. With --cursor
each message comes once: it begins where it stopped, be it killed or not.

\b
Examples:
  zchat-client tail -u ann -f ops
  zchat-client tail -u bot -f --json --cursor deploys ops @ann
  zchat-client tail -u cron --cursor daily ops | mail -s news ann
"""


def run(
    access: Access,
    out: Output,
    places: tuple[str, ...],
    number: int | None,
    follow: bool,
    cursor: str | None,
    join: bool,
    key: str,
) -> int:
    saved = None if cursor is None else _saved(access, cursor)
    tail = Tail(
        Places(access.user, list(dict.fromkeys(places)), saved.positions if saved else {}),
        out,
        saved,
        # With a cursor only what is new is wanted, and the first time nothing is.
        number=(0 if saved else NUMBER) if number is None else number,
        follow=follow,
        key=key if join else None,
    )
    try:
        return session(access, tail.run, cursors=tail.places.cursors, logs=tail.places.logs)
    finally:
        if saved is not None:
            saved.let_go()


def _saved(access: Access, name: str) -> SavedCursor:
    # Late, since only a tail with a cursor needs it. The cursor is of one cluster: in another the
    # same room has other entries.
    from zchat.client.auth.clusters import identify  # noqa: PLC0415

    cluster = identify(access, needed=True)
    return SavedCursor(name, access.user, access.addresses, cluster.id)


# --- How far it has come in each place ------------------------------------------------------------


class Standing(NamedTuple):
    """What a session that has begun says of the places."""

    begun: list[str]
    """Those of which nothing was printed before; they begin with the next entry."""
    missing: list[str]
    """Those that the user is not in."""
    notes: list[str]
    """What can never be printed, in words for people."""


class Places:
    """A place is `#room`, or `@name` for the conversation with that name, in the own inbox."""

    def __init__(self, me: str, places: Sequence[str], positions: Mapping[str, int]) -> None:
        self._inbox: Final = inbox_log(me)
        self._me: Final = me
        self._logs = {place: place if place[0] == "#" else self._inbox for place in places}
        self._heads: dict[str, int] = {}
        self.positions = {place: positions[place] for place in places if place in positions}
        """The sequence of the last entry that was taken, by place."""

    def __bool__(self) -> bool:
        """Whether any place is left to follow."""
        return bool(self._logs)

    @property
    def cursors(self) -> dict[str, int]:
        """For the login: of each log, after which entry the server goes on.

        All private conversations are in one log, so the one that is furthest behind decides.
        """
        cursors: dict[str, int] = {}
        for place, log in self._logs.items():
            position = self.positions.get(place, FROM_NOW_ON)
            cursors[log] = min(position, cursors.get(log, FROM_NOW_ON))
        return cursors

    @property
    def logs(self) -> list[str]:
        """Those that the server has to send."""
        return sorted(set(self._logs.values()))

    @property
    def caught_up(self) -> bool:
        """Whether everything is taken that was there when the session began."""
        return all(self.positions[place] >= self._heads[place] for place in self._logs)

    def session_begun(self, logs: Sequence[LogState]) -> Standing:
        standing = Standing([], [], [])
        states = {state.log: state for state in logs}
        for place, log in self._logs.items():
            state = states.get(log)
            if state is None:
                standing.missing.append(place)
                continue
            position = self.positions.get(place)
            if position is None:
                standing.begun.append(place)
                self.positions[place] = state.head
            elif position > state.head:
                # As after the restore of a backup that is older than what was printed.
                standing.notes.append(
                    f"{place} is not what it was: it ends before what was printed of it; "
                    "going on at its end"
                )
                self.positions[place] = state.head
            elif position < state.cursor:
                gone = state.cursor - position
                entries = "1 entry" if gone == 1 else f"{gone:,} entries"
                standing.notes.append(
                    f"{entries} of {place} cannot be read any more: removed, or written while "
                    f"{self._me} was not there"
                )
                self.positions[place] = state.cursor
            self._heads[place] = max(state.head, self._heads.get(place, 0))
        return standing

    def joined(self, place: str, sequence: int) -> None:
        """The user has joined it by the entry `sequence`, the first one that can be read."""
        self.positions[place] = max(sequence - 1, self.positions.get(place, 0))
        self._heads[place] = sequence - 1

    def take(self, entry: Entry) -> list[str]:
        """The places that the entry may belong to, except where it was taken before.

        An entry of the inbox may belong to any of the private conversations.
        """
        places = [
            place
            for place, log in self._logs.items()
            if log == entry.log and entry.sequence > self.positions.get(place, FROM_NOW_ON)
        ]
        for place in places:
            self.positions[place] = entry.sequence
        return places

    def is_end_of(self, entry: Entry) -> bool:
        """Whether it is the last entry that comes of its log, for now."""
        return ends_following(entry, self._me)

    def drop(self, place: str) -> None:
        self._logs.pop(place, None)


# --- What it prints -------------------------------------------------------------------------------


class Tail:
    """Prints what comes; with a `key`, which may be empty, it joins rooms to follow them."""

    def __init__(
        self,
        places: Places,
        out: Output,
        saved: SavedCursor | None,
        *,
        number: int,
        follow: bool,
        key: str | None,
    ) -> None:
        self.places = places
        self._out = out
        self._saved = saved
        self._number = number
        self._follow = follow
        self._key = key
        self._patience_s = None if follow else PATIENCE_S
        self._chat: Chat
        self._conversations: OrderedDict[int, str] = OrderedDict()
        self._nobody_reads = False

    async def run(self, chat: Chat) -> int:
        """Raises `Failed` once there is no place left to follow, and `BrokenPipeError`."""
        try:
            return await self._run(chat)
        except asyncio.CancelledError:
            # `gone` below can stop this task only by cancelling it.
            if self._nobody_reads:
                raise BrokenPipeError from None
            raise

    async def _run(self, chat: Chat) -> int:
        self._chat = chat
        self._watch_the_reader()
        async for events in batches(chat.events()):
            printed: list[str] = []
            for event in events:
                match event:
                    case SessionBegun():
                        printed += await self._session_begun(event)
                    case EntryArrived(entry):
                        printed += await self._entry(entry)
                    case ConnectionLost(reason) if self._follow:
                        say(f"connection lost: {reason}; reconnecting…")
            self._print(printed)
            if not self.places:
                raise Failed(REFUSED, "there is nothing left to follow")
            if not self._follow and self.places.caught_up:
                return 0
        return 0

    def _print(self, lines: list[str]) -> None:
        # In this order: whoever is killed between the two prints these lines twice, and loses none.
        self._out.write("".join(lines))
        if self._saved is not None:
            self._saved.save(self.places.positions)

    async def _session_begun(self, event: SessionBegun) -> list[str]:
        standing = self.places.session_begun(event.logs)
        for note in standing.notes:
            say(note)
        for missing in standing.missing:
            await self._missing(missing, resumed=event.resumed)
        latest: list[tuple[Entry, str]] = []
        for begun in standing.begun:
            before = self.places.positions[begun] + 1
            found = await last(
                self._chat, begun, self._number, self._out.shows, before, self._patience_s
            )
            latest += [(entry, begun) for entry in found]
        latest.sort(key=lambda one: (one[0].at_ms, one[0].log, one[0].sequence))
        return [self._out.entry(entry, conversation) for entry, conversation in latest]

    async def _missing(self, missing: str, *, resumed: bool) -> None:
        room = missing[1:]
        if self._key is not None and missing[0] == "#":
            done = await self._chat.join(room, self._key)
            self.places.joined(missing, done.sequence)
        elif resumed:
            say(f"{self._out.me} is not in {missing} any more")
            self.places.drop(missing)
        elif missing[0] == "@":
            raise Failed(REFUSED, "this login may not read private messages")
        else:
            raise Failed(
                REFUSED,
                f"{self._out.me} is not in {missing}: join it by zchat-client join {room}, or "
                "give --join",
            )

    async def _entry(self, entry: Entry) -> list[str]:
        places = self.places.take(entry)
        if places and self.places.is_end_of(entry):
            say(f"{self._out.me} is not in {entry.log} any more")
            self.places.drop(entry.log)
        if not places or not self._out.shows(entry):
            return []
        conversation: str | None = entry.log
        if entry.log[0] == "@":
            conversation = await self._conversation_of(entry, places)
        if conversation not in places:
            return []
        return [self._out.entry(entry, conversation)]

    async def _conversation_of(self, entry: Entry, places: list[str]) -> str | None:
        """The conversation of an entry of the inbox, if it is one of `places`."""
        known = conversation_of(entry, self._out.me)
        if known is None and isinstance(entry.body, OF_MESSAGES):
            # An edit or a reaction belongs to the conversation of its message, and does not name
            # it.
            known = self._conversations.get(getattr(entry.body, "sequence", 0))
            known = known or await self._look_up(entry, places)
        if known is not None:
            self._conversations[entry.sequence] = known
            if len(self._conversations) > REMEMBERED_MAX:
                self._conversations.popitem(last=False)
        return known

    async def _look_up(self, entry: Entry, places: list[str]) -> str | None:
        """Asks the server in which of the conversations the entry is."""
        for candidate in places:
            ask = partial(self._chat.history, candidate, 1, entry.sequence + 1)
            try:
                history = await patiently(ask, self._patience_s)
            except RefusedError as error:
                if error.code is RefusalCode.UNKNOWN_USER:
                    # There is no such user, who so has said nothing.
                    continue
                raise
            if history.entries and history.entries[-1].sequence == entry.sequence:
                return candidate
        return None

    def _watch_the_reader(self) -> None:
        """`tail -f | head -1` ends with the line, and not with the one after it."""
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def gone() -> None:
            self._nobody_reads = True
            loop.remove_reader(_STDOUT)
            if task is not None:
                task.cancel()

        # A pipe to which we write becomes readable once nobody reads its other end. A terminal or a
        # socket may be readable for other reasons.
        if stat.S_ISFIFO(os.fstat(_STDOUT).st_mode):
            loop.add_reader(_STDOUT, gone)


async def batches(events: AsyncIterator[Event]) -> AsyncIterator[list[Event]]:
    """All events that are there at a time, up to `BATCH_MAX`: one write, and one cursor, for them.

    A generator cannot be asked whether it has more. So the next event is awaited by a task, which
    has it after one turn of the loop if it was there already.
    """

    async def following() -> Event | None:
        return await anext(events, None)

    coming = asyncio.create_task(following())
    try:
        while (event := await coming) is not None:
            batch = [event]
            coming = asyncio.create_task(following())
            await asyncio.sleep(0)
            while len(batch) < BATCH_MAX and coming.done() and coming.exception() is None:
                event = coming.result()
                if event is None:
                    break
                batch.append(event)
                coming = asyncio.create_task(following())
                await asyncio.sleep(0)
            yield batch
    finally:
        coming.cancel()


# --- How it is called -----------------------------------------------------------------------------

COMMANDS: Final = {
    "tail": script(
        "tail",
        run,
        [
            click.Argument(
                ["places"],
                nargs=-1,
                required=True,
                type=options.value_of(subcommand.place),
                metavar="ROOM|@USER...",
            ),
            number_option(
                None,
                NUMBER_MAX,
                f"How many to begin with; else {NUMBER}, or with --cursor none.",
            ),
            click.Option(
                ["-f", "--follow"], is_flag=True, help="Go on with what is said from now on."
            ),
            click.Option(
                ["--cursor"],
                type=options.value_of(cursor_name),
                help="Begin after what was printed last under this name, and remember it.",
                metavar="NAME",
            ),
            click.Option(["--join"], is_flag=True, help="Join the rooms that you are not in."),
            key_option(),
            everything_option(),
        ],
        HELP,
    )
}
