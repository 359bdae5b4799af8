"""Whatever order things come in, the book says what a naive reading of the logs says."""

import random
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.client.core.events import Answered, EntryArrived, Event, SessionBegun
from zchat.client.model import book
from zchat.client.model.book import Book
from zchat.client.model.conversation import Delivery, Said
from zchat.protocol.messages import (
    Done,
    EntryBody,
    LogState,
    MessageDeleted,
    MessageEdited,
    Post,
    ReactionAdded,
    ReactionRemoved,
    ReadHistory,
    RefusalCode,
    Refused,
    Request,
    SendPrivate,
)

from .book_server import INBOX, ME, ROOM, BookServer, readable, seen, shown

T = TypeVar("T")
KEYS = (ROOM, "@bob", "@cat")
TEXTS = ("yes", "no", "hello @ann", "what?")


class Play:
    """One client, one server, and all that is on the way between them."""

    def __init__(self, choices: bytes) -> None:
        self.choices = deque(choices)
        """Each byte decides one thing: drawn at once, since single draws take most of the time."""
        self.server = BookServer()
        self.book = Book(ME)
        self.cursors = {ROOM: 0, INBOX: 0}
        self.first = {ROOM: 1, INBOX: 1}
        """Where the session began: what was before comes as pages only."""
        self.answers: list[Answered] = []
        self.unsent: list[tuple[int, str, str]] = []
        self.request = 0

    def hear(self, event: Event) -> None:
        self.book.apply(event, 0.0)

    def number(self, low: int, high: int) -> int:
        return low + (self.choices.popleft() if self.choices else 0) % (high - low + 1)

    def one_of(self, *values: T) -> T:
        return values[self.number(0, len(values) - 1)]

    # --- What may happen ------------------------------------------------------------------------

    def somebody_speaks(self) -> None:
        key = self.one_of(*KEYS)
        author = self.one_of(ME, "bob" if key == ROOM else key[1:])
        self.server.say(key, author, self.one_of(*TEXTS))

    def a_message_changes(self) -> None:
        log = self.one_of(ROOM, INBOX)
        if not self.server.head(log):
            return
        sequence = self.number(1, self.server.head(log))
        other = "bob" if log == ROOM else self.server.threads[sequence - 1]
        bodies: list[EntryBody] = [
            MessageEdited(sequence, self.one_of(*TEXTS)),
            MessageDeleted(sequence),
            ReactionAdded(sequence, "+1"),
            ReactionRemoved(sequence, "+1"),
        ]
        self.server.amend(log, sequence, self.one_of(ME, other), self.one_of(*bodies))

    def entries_come(self) -> None:
        log = self.one_of(ROOM, INBOX)
        # They come as they were published, or as they are read later.
        source = self.one_of(self.server.written, self.server.stored)
        for _ in range(self.number(1, 4)):
            if self.cursors[log] == self.server.head(log):
                break
            entry = source[log][self.cursors[log]]
            self.cursors[log] += 1
            self.hear(EntryArrived(entry, False))

    def entries_come_again(self) -> None:
        log = self.one_of(ROOM, INBOX)
        if self.cursors[log] >= self.first[log]:
            sequence = self.number(self.first[log], self.cursors[log])
            self.hear(EntryArrived(self.server.stored[log][sequence - 1], True))

    def a_page_is_asked_for(self) -> None:
        key = self.one_of(*KEYS)
        limit = self.number(1, 3)
        asked = self.one_of(True, False)
        request = self.book.ask_before(key, limit) if asked else ReadHistory(log=key, limit=limit)
        if request is not None:
            page = self.server.history(key, limit, request.before)
            self.answers.append(Answered(self.next_request(), request, page))

    def i_speak(self) -> None:
        key, text = self.one_of(*KEYS), self.one_of(*TEXTS)
        request = self.next_request()
        self.book.pending(key, text, 0, request, 0)
        self.unsent.append((request, key, text))

    def the_server_hears(self) -> None:
        if self.unsent:
            request, key, text = self.unsent.pop(0)
            draft: Request = (
                Post(room=key, text=text) if key[0] == "#" else SendPrivate(to=key, text=text)
            )
            if self.number(0, 4) == 0:
                refused = Refused(request, RefusalCode.MUTED, "you are muted")
                self.answers.append(Answered(request, draft, refused))
                return
            sequence = self.server.say(key, ME, text)
            log = ROOM if key[0] == "#" else INBOX
            self.answers.append(Answered(request, draft, Done(request, log, sequence)))

    def an_answer_comes(self) -> None:
        if self.answers:
            self.hear(self.answers.pop(self.number(0, len(self.answers) - 1)))

    def i_read(self) -> None:
        key = self.one_of(*KEYS)
        if key in self.book.conversations:
            self.book.read(key)

    def the_session_resumes(self) -> None:
        states = [
            LogState(log, cursor, self.server.head(log)) for log, cursor in self.cursors.items()
        ]
        self.hear(SessionBegun(ME, False, states, True))
        # What was asked for on the lost connection is asked for again.
        for answered in list(self.answers):
            if isinstance(request := answered.request, ReadHistory):
                self.answers.remove(answered)
                page = self.server.history(request.log, request.limit, request.before)
                self.answers.append(Answered(answered.id, request, page))

    def the_log_goes_on_later(self) -> None:
        """Too much was missed: the server goes on where it likes."""
        log = self.one_of(ROOM, INBOX)
        self.cursors[log] = self.number(self.cursors[log], self.server.head(log))
        self.first[log] = self.cursors[log] + 1
        self.the_session_resumes()

    def step(self) -> None:
        self.one_of(*self.possible())()

    def possible(self) -> list[Callable[[], None]]:
        return [
            self.somebody_speaks,
            self.a_message_changes,
            self.entries_come,
            self.entries_come,
            self.entries_come_again,
            self.a_page_is_asked_for,
            self.i_speak,
            self.the_server_hears,
            self.an_answer_comes,
            self.an_answer_comes,
            self.i_read,
            self.the_session_resumes,
            self.the_log_goes_on_later,
        ]

    def next_request(self) -> int:
        self.request += 1
        return self.request

    def run(self) -> None:
        for _ in range(self.number(0, 12)):
            self.somebody_speaks()
        for log in self.cursors:
            self.cursors[log] = self.number(0, self.server.head(log))
            self.first[log] = self.cursors[log] + 1
        self.the_session_resumes()
        while self.choices:
            self.step()
            self.check()
        self.finish()
        self.check_the_end()

    # --- What must be so ------------------------------------------------------------------------

    def check(self) -> None:
        for key, conversation in self.book.conversations.items():
            said = [item for item in conversation.items if isinstance(item, Said)]
            assert len(said) == len(conversation.items)
            settled = [item for item in said if item.sequence]
            assert said[: len(settled)] == settled, "what is pending stands last"
            sequences = [item.sequence for item in settled]
            assert sequences == sorted(set(sequences)), "a double, or out of order"
            cursor = self.cursors[ROOM if key[0] == "#" else INBOX]
            if sequences:
                expected = [
                    entry.sequence
                    for entry in self.server.of(key)
                    if sequences[0] <= entry.sequence <= cursor and readable(entry)
                ]
                assert sequences == expected, "a gap"
            unread = [
                item
                for item in settled
                if item.sequence > conversation.marker and item.author != ME and not item.deleted_by
            ]
            # Of what is not loaded somebody else has counted.
            loaded = conversation.unread == len(unread)
            assert loaded or (conversation.more_before and conversation.unread > len(unread))
            if loaded:
                assert conversation.mentions == sum(item.mentions_me for item in unread)

    def finish(self) -> None:
        """Everything arrives in the end, and all of history is read."""
        while self.unsent:
            self.the_server_hears()
        for log in self.cursors:
            while self.cursors[log] < self.server.head(log):
                entry = self.server.written[log][self.cursors[log]]
                self.cursors[log] += 1
                self.hear(EntryArrived(entry, False))
        while self.answers:
            self.an_answer_comes()
        for key in KEYS:
            while (request := self.book.ask_before(key)) is not None:
                page = self.server.history(key, request.limit, request.before)
                self.hear(Answered(self.next_request(), request, page))

    def check_the_end(self) -> None:
        self.check()
        for key in KEYS:
            items = self.book.open(key).items
            settled = [item for item in items if item.sequence]
            expected = [seen(entry) for entry in self.server.of(key) if readable(entry)]
            assert [shown(item) for item in settled] == expected
            for item in items[len(settled) :]:
                assert isinstance(item, Said)
                assert item.delivery is Delivery.FAILED, "whatever was said has come, or failed"


@pytest.fixture(params=[3, 2_000], autouse=True)
def _few_are_kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "IDLE_ITEMS_MAX", request.param)


# Short ones, which are easily read when they fail, and long ones, which reach further.
CHOICES = st.binary(max_size=100) | st.integers(0, 2**32).map(
    lambda seed: random.Random(seed).randbytes(400)
)


@settings(max_examples=200, deadline=None)
@given(CHOICES)
def test_items_are_those_of_the_logs_in_whatever_order_things_come(choices: bytes) -> None:
    Play(choices).run()
