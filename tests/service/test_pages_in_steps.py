"""Pages of a stream that are made in steps, while more is committed."""

from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.store import Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import ReadStream, StreamPage
from zchat.protocol.messages import MessagePosted
from zchat.protocol.rules.costs import exhausted
from zchat.service.core.queries import read_stream

_pages = Decoder(StreamPage)


def test_a_page_ends_before_what_is_committed_between_two_steps() -> None:
    store, timeline = Store.open(None, LOG_SCHEMA), Timeline(0, {"#garden": 0})
    _say(store, timeline, "one")
    steps = read_stream(store, ReadStream(0))
    next(steps)
    _say(store, timeline, "two")

    page = _pages.decode(exhausted(steps))

    assert page.last == 1
    assert [(chunk.first, chunk.last) for chunk in page.chunks] == [(1, 1)]
    store.close()


def _say(store: Store, timeline: Timeline, text: str) -> None:
    timeline.append("#garden", "ann", MessagePosted(text), 0)
    appended, _ = timeline.take()
    store.commit(appended, [], [], [])
