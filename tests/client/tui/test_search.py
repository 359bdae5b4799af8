"""What a search on the server has found, page by page."""

import pytest

from zchat.client.core.checks import checked
from zchat.client.core.events import Answered
from zchat.client.core.outbox import QueueFull
from zchat.client.tui.controller.navigation import Search
from zchat.protocol.messages import (
    Entry,
    MessagePosted,
    RefusalCode,
    Refused,
    Request,
    SearchMessages,
    SearchResults,
)


class Server:
    """Hears what is asked; `answer` answers it."""

    def __init__(self) -> None:
        self.asked: list[SearchMessages] = []
        self.search = Search(self.send)

    def send(self, request: Request) -> int:
        assert isinstance(request, SearchMessages)
        self.asked.append(checked(request))
        return len(self.asked)

    def answer(self, *entries: Entry, more: bool = False, complete: bool = True) -> None:
        self.answer_with(SearchResults(len(self.asked), list(entries), more, complete))

    def answer_with(self, answer: SearchResults | Refused) -> None:
        self.search.answered(Answered(len(self.asked), self.asked[-1], answer))


def said(sequence: int, at_ms: int, log: str = "#garden") -> Entry:
    return Entry(log, sequence, at_ms, "bob", MessagePosted("roses"))


@pytest.fixture
def server() -> Server:
    server = Server()
    server.search.begin("roses")
    return server


def test_each_page_goes_on_where_the_last_one_ended(server: Server) -> None:
    server.answer(said(9, 900), said(8, 800), more=True)
    server.search.go_on()
    # Another of that very millisecond may not have been on the page.
    assert server.asked[-1].before_ms == 801
    server.answer(said(8, 800), said(5, 800, "#lobby"), said(7, 700))
    assert [entry.sequence for entry in server.search.found.entries] == [9, 8, 5, 7]
    assert not server.search.found.has_more


def test_a_page_of_what_is_known_is_not_asked_for_for_ever(server: Server) -> None:
    server.answer(said(9, 900), more=True)
    server.search.go_on()
    server.answer(said(9, 900), more=True)
    server.search.go_on()
    assert server.asked[-1].before_ms == 900


def test_nothing_is_asked_twice_at_once_or_past_the_end(server: Server) -> None:
    server.search.go_on()
    assert len(server.asked) == 1
    server.answer(said(9, 900))
    server.search.go_on()
    assert len(server.asked) == 1


def test_an_answer_to_what_was_looked_for_before_does_not_count(server: Server) -> None:
    server.search.begin("tulips")
    late = Answered(1, server.asked[0], SearchResults(1, [said(1, 100)], False))
    server.search.answered(late)
    assert not server.search.has_answer
    assert server.search.found.entries == []


def test_what_goes_wrong_is_said(server: Server) -> None:
    server.answer_with(Refused(1, RefusalCode.TOO_FAST, "too fast"))
    assert server.search.trouble == "too fast"
    server.search.begin(" ")
    assert server.search.trouble == "there is nothing to search for."

    def full(request: Request) -> int:
        raise QueueFull("too much waits")

    search = Search(full)
    search.begin("roses")
    assert search.trouble == "too much waits."


def test_it_says_if_the_server_has_not_read_everything(server: Server) -> None:
    server.answer(said(9, 900), more=True, complete=False)
    server.search.go_on()
    server.answer(said(8, 800))
    assert not server.search.found.complete
    server.search.begin("roses")
    assert server.search.found.complete
