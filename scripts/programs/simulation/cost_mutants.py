"""Bugs of what requests cost: of what waits for its turn, is done in steps, is owed, or is searched
for while the index is behind.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final
from unittest.mock import patch

from zchat.eventlog import search, search_index
from zchat.eventlog.core import search_words
from zchat.eventlog.search import Search
from zchat.eventlog.search_index import SearchIndex
from zchat.eventlog.store import Store, Thread
from zchat.gateway.core import dispatch as gateway_core
from zchat.gateway.core import flow_control, queries
from zchat.gateway.core.allowance import Allowance
from zchat.gateway.core.flow_control import Intake
from zchat.gateway.core.queries import Queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import Stamped
from zchat.protocol.rules.costs import Steps
from zchat.rooms import queries as room_queries
from zchat.runtime.core.rate_limit import Rate
from zchat.service.core import queries as shared_queries
from zchat.service.core import scheduling
from zchat.service.core.beat import Beat
from zchat.service.core.loop import ServiceLoop
from zchat.service.core.scheduling import CommandQueue, QuerySteps
from zchat.users import queries as user_queries

from .more_mutants import Plant

_stamped = Decoder(Stamped)
_NEVER: Final = b"never"
"""No answer is this."""

# --- Commands that wait ---------------------------------------------------------------------------


def _what_waits_is_overtaken() -> Plant:
    covers = scheduling._Shares.covers

    def mutant(self: Any, user: str, cost_us: int) -> bool:
        self._held.clear()
        return covers(self, user, cost_us)

    return scheduling._Shares, "covers", mutant


def _one_user_has_the_beat() -> Plant:
    return scheduling._Shares, "covers", lambda self, user, cost_us: True


def _what_waits_is_forgotten() -> Plant:
    take = CommandQueue.take

    def mutant(self: Any) -> Any:
        taken = take(self)
        self.clear()
        return taken

    return CommandQueue, "take", mutant


def _what_waits_survives_the_store() -> Plant:
    forget = Beat._forget_uncommitted

    def mutant(self: Any, now: float, at_ms: int) -> None:
        with patch.object(CommandQueue, "clear", lambda self: None):
            forget(self, now, at_ms)

    return Beat, "_forget_uncommitted", mutant


def _commands_of_the_gone_wait() -> Plant:
    return CommandQueue, "drop", lambda self, asker: None


def _full_service_takes_in_all() -> Plant:
    """What waits is not looked at before more is taken in: then it is done before that."""
    drain = ServiceLoop._drain

    def mutant(self: Any, now: float) -> bool:
        older, self.beat.waiting = self.beat.waiting, CommandQueue()
        drained = drain(self, now)
        newer, self.beat.waiting = self.beat.waiting, older
        commands = [*newer._commands, *older._commands]
        costs_us = [*newer._costs_us, *older._costs_us]
        older.clear()
        for sent, cost_us in zip(commands, costs_us, strict=True):
            older.add(*sent, cost_us)
        return drained

    return ServiceLoop, "_drain", mutant


# --- Queries in steps -----------------------------------------------------------------------------


def _unfinished_is_not_asked_again() -> Plant:
    return queries, "UNFINISHED", _NEVER


def _unfinished_is_an_answer() -> Plant:
    return gateway_core, "UNFINISHED", _NEVER


def _not_begun_is_forgotten() -> Plant:
    put_back = Queries._put_back

    def mutant(self: Any, questions: Any) -> None:
        begun = [question for question in questions if question.begun]
        self._count -= len(questions) - len(begun)
        put_back(self, begun)

    return Queries, "_put_back", mutant


def _steps_of_another_go_on() -> Plant:
    """A query is known by what is asked, whoever asks."""
    answer = QuerySteps.answer

    def mutant(self: Any, query: bytes) -> bytes:
        begun = {bytes(_stamped.decode(one).body): one for one in self._begun}
        return answer(self, begun.get(bytes(_stamped.decode(query).body), query))

    return QuerySteps, "answer", mutant


def _turn_of_queries_stays_over() -> Plant:
    return QuerySteps, "begin_turn", lambda self: None


def _abandoned_queries_are_kept() -> Plant:
    return QuerySteps, "forget_abandoned", lambda self: None


def _steps_outlive_their_core() -> Plant:
    return QuerySteps, "forget", lambda self: None


def _closed_session_is_counted() -> Plant:
    forget = Queries.forget

    def mutant(self: Any, reader: Any) -> None:
        count = self._count
        forget(self, reader)
        self._count = count

    return Queries, "forget", mutant


def _envelope_is_not_bounded(limit: str) -> Callable[[], Plant]:
    def plant() -> Plant:
        take_turns = Queries._take_turns

        def mutant(self: Any, now: float) -> Any:
            with patch.object(limits, limit, 1_000):
                return take_turns(self, now)

        return Queries, "_take_turns", mutant

    return plant


# --- Lists in steps -------------------------------------------------------------------------------


def _names_are_lost_between_steps(owner: Any) -> Callable[[], Plant]:
    """The first one of each step but the first."""

    def plant() -> Plant:
        first_names = shared_queries.first_names

        def mutant(
            names: Iterable[str], is_listed: Callable[[str], bool], names_max: int
        ) -> Steps[tuple[list[str], int]]:
            asked = list(names)
            lost = set(islice(asked, limits.LIST_STEP_ITEMS, None, limits.LIST_STEP_ITEMS))
            return first_names([name for name in asked if name not in lost], is_listed, names_max)

        return owner, "first_names", mutant

    return plant


def _conversation_is_lost_between_pages() -> Plant:
    threads_after = Store.threads_after

    def mutant(store: Any, log: str, after: str, threads_max: int) -> list[Thread]:
        if not after:
            return threads_after(store, log, after, threads_max)
        return threads_after(store, log, after, threads_max + 1)[1:]

    return Store, "threads_after", mutant


# --- What is owed ---------------------------------------------------------------------------------


def _debt_is_never_paid_off() -> Plant:
    buckets = flow_control._buckets

    def mutant(rate: Rate | None, *others: float) -> Any:
        is_work = rate is not None and rate.burst >= 1_000
        return buckets(Rate(rate.burst, 1e-9) if rate and is_work else rate, *others)

    return flow_control, "_buckets", mutant


def _who_owes_is_never_taken_up_again() -> Plant:
    return Intake, "tick", lambda self, now, now_ms: self.go_on(now, now_ms)


def _who_owes_is_read_from() -> Plant:
    return Allowance, "owes", lambda self, now: False


def _who_does_not_read_asks_on() -> Plant:
    take_released = Intake.take_released

    def mutant(self: Any) -> Any:
        blocked = [session for session in self._released if session.blocked]
        for session in blocked:
            session.blocked = False
        released = take_released(self)
        for session in blocked:
            session.blocked = True
        return released

    return Intake, "take_released", mutant


def _early_frames_are_taken_twice() -> Plant:
    """What had waited for something else is not taken out of what waits."""
    go_on = Intake.go_on

    def mutant(self: Any, now: float, now_ms: int) -> None:
        take = self.take_released

        def released() -> Any:
            return [(session, [*frames, *frames[:1]]) for session, frames in take()]

        with patch.object(self, "take_released", released):
            go_on(self, now, now_ms)

    return Intake, "go_on", mutant


# --- Searches, and their index --------------------------------------------------------------------


def _index_forgets_deletions() -> Plant:
    add_due = SearchIndex._add_due

    def mutant(self: Any, due: Any) -> None:
        add_due(self, [one for one in due if not one.removes])

    return SearchIndex, "_add_due", mutant


def _removed_entries_stay_in_the_index() -> Plant:
    return SearchIndex, "forget", lambda self, log, upto: None


def _due_is_not_looked_at() -> Plant:
    return search, "_FIND_DUE", search._FIND_DUE.replace("WHERE", "WHERE 0 AND")


def _unindexed_is_not_looked_at() -> Plant:
    def mutant(self: Any) -> Steps[bool]:
        yield 0
        return True

    return Search, "_look_at_unindexed", mutant


def _long_text_enters_in_part() -> Plant:
    return search_index, "next_part", lambda words, begin: None


def _search_misses_the_first_of_a_block() -> Plant:
    return search, "block_piece", lambda position: search_words.block_piece(max(0, position - 1))


def _search_loses_one_between_steps() -> Plant:
    look = Search._look_at_window

    def mutant(self: Any, expression: Any, first: int, last: int, step: Any) -> int:
        reached = look(self, expression, first, last, step)
        return reached - 1 if reached >= first else reached

    return Search, "_look_at_window", mutant


def _search_reads_some_spans() -> Plant:
    return search, "_SPANS", search._SPANS.replace("LIMIT ?", "LIMIT ? - 1")


COST_MUTANTS: Final[dict[str, Callable[[], Plant]]] = {
    "what a beat puts off is overtaken": _what_waits_is_overtaken,
    "what a beat puts off is forgotten": _what_waits_is_forgotten,
    "one user has a whole beat": _one_user_has_the_beat,
    "commands that wait survive a failed commit": _what_waits_survives_the_store,
    "commands of a gateway that is gone wait": _commands_of_the_gone_wait,
    "what comes in is done before what waits": _full_service_takes_in_all,
    "an unfinished query is not asked again": _unfinished_is_not_asked_again,
    "an unfinished query is answered": _unfinished_is_an_answer,
    "a query that was not begun is forgotten": _not_begun_is_forgotten,
    "a query goes on where somebody else's was": _steps_of_another_go_on,
    "the turn of queries stays over": _turn_of_queries_stays_over,
    "queries that nobody asks again are kept": _abandoned_queries_are_kept,
    "a query goes on with a core that is gone": _steps_outlive_their_core,
    "what a closed session has asked is counted": _closed_session_is_counted,
    "one user fills an envelope of queries": _envelope_is_not_bounded("QUERIES_SHARE_MAX"),
    "any number of queries is begun": _envelope_is_not_bounded("QUERIES_BEGUN_MAX"),
    "a list of rooms loses some between two steps": _names_are_lost_between_steps(room_queries),
    "a list of users loses some between two steps": _names_are_lost_between_steps(user_queries),
    "a conversation is lost between two pages": _conversation_is_lost_between_pages,
    "a debt is never paid off": _debt_is_never_paid_off,
    "who owes is never taken up again": _who_owes_is_never_taken_up_again,
    "who owes is read from": _who_owes_is_read_from,
    "who does not read may ask on": _who_does_not_read_asks_on,
    "what had to wait is taken twice": _early_frames_are_taken_twice,
    "the index forgets a deletion": _index_forgets_deletions,
    "the index keeps what was removed": _removed_entries_stay_in_the_index,
    "a search does not look at what is due": _due_is_not_looked_at,
    "a search does not look at what is not indexed": _unindexed_is_not_looked_at,
    "a long text enters the index with its beginning": _long_text_enters_in_part,
    "a search misses the first of a block": _search_misses_the_first_of_a_block,
    "a search loses one between two steps": _search_loses_one_between_steps,
    "a search reads only some of many spans": _search_reads_some_spans,
}
