"""Where a client begins: at the cursors of an earlier one, away, and perhaps without a server."""

import pytest

from zchat.client.core.events import (
    ConnectionFailed,
    ConnectionLost,
    EntryArrived,
    SessionBegun,
)
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    Done,
    LoggedIn,
    LogState,
    MarkRead,
    Ping,
    PingTarget,
    Pong,
    Post,
    RefusalCode,
    Refused,
    SetAway,
    Standing,
)

from .playbook import Playbook, closes, entry


def marks(play: Playbook) -> list[tuple[str, int]]:
    return [(mark.log, mark.sequence) for mark in play.sent() if isinstance(mark, MarkRead)]


class TestCursors:
    def test_what_an_earlier_client_has_is_not_asked_for(self) -> None:
        play = Playbook(cursors={"#ops": 4, "@ann": 2})
        assert play.core.followed == {"#ops", "@ann"}
        assert play.connect().cursors == {"#ops": 4, "@ann": 2}

    def test_the_server_has_the_last_word(self) -> None:
        play = Playbook(cursors={"#ops": 4, "#left": 9})
        play.log_in(ops=(6, 7))
        assert play.core.followed == {"#ops"}
        assert [effect.entry.sequence for effect in play.receive(entry("#ops", 7))] == [7]  # type: ignore[union-attr]

    def test_what_is_before_a_given_cursor_is_a_double(self) -> None:
        play = Playbook(cursors={"#ops": 4})
        play.log_in(ops=(4, 5))
        assert play.receive(entry("#ops", 4)) == []
        fifth = entry("#ops", 5)
        assert play.receive(fifth) == [EntryArrived(fifth, missed=True)]

    def test_where_the_server_agrees_nothing_counts_as_read(self) -> None:
        play = Playbook(cursors={"#ops": 4})
        play.log_in(ops=(4, 4))
        play.wait(2.0)
        assert marks(play) == []

    def test_an_older_history_than_ours_is_not_marked(self) -> None:
        # Nobody has read what a log says that begins anew.
        play = Playbook(cursors={"#ops": 40})
        play.log_in(ops=(3, 3))
        play.wait(2.0)
        assert marks(play) == []

    def test_a_log_without_a_cursor_is_marked_where_it_begins(self) -> None:
        play = Playbook()
        play.log_in(ops=(3, 5))
        play.wait(2.0)
        assert marks(play) == [("#ops", 3)]


class TestMarks:
    def test_a_conversation_has_a_marker_without_being_a_log(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        play.wait(2.0)
        play.sent()
        play.core.mark_read("@bob", 7)
        play.wait(2.0)
        assert marks(play) == [("@bob", 7)]

    def test_it_survives_a_connection_and_a_room_that_was_left_does_not(self) -> None:
        play = Playbook(cursors={"#ops": 1})
        play.core.mark_read("@bob", 7)
        play.core.mark_read("#ops", 1)
        play.log_in()
        play.wait(2.0)
        assert marks(play) == [("@bob", 7)]
        play.disconnect()
        play.log_in()
        play.wait(2.0)
        assert marks(play) == [("@bob", 7)]

    def test_no_more_than_a_session_may_ask_are_on_their_way(self) -> None:
        play = Playbook()
        play.log_in()
        play.wait(2.0)
        for number in range(limits.SESSION_REQUESTS_MAX + 5):
            play.core.mark_read(f"@bob{number}", 1)
        play.wait(2.0)
        first = [mark for mark in play.sent() if isinstance(mark, MarkRead)]
        assert len(first) == limits.SESSION_REQUESTS_MAX
        play.receive(*(Done(mark.id) for mark in first))
        play.wait(2.0)
        assert len(marks(play)) == 5


class TestAway:
    def test_who_goes_away_is_so_in_every_login(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(SetAway(away="lunch"))
        assert SetAway(id=request, away="lunch") in play.sent()
        play.receive(Done(request))
        play.disconnect()
        assert play.connect().away == "lunch"

    def test_who_is_back_is_so_as_well(self) -> None:
        play = Playbook(away="night")
        assert play.connect().away == "night"
        play.submit(SetAway(away=None))
        play.disconnect()
        assert play.connect().away is None


class TestWithoutAServer:
    def test_a_failed_attempt_is_told_with_what_comes_next(self) -> None:
        play = Playbook()
        play.wait(0.0)
        first = play.disconnect(why="127.0.0.1:7447: Connection refused")
        expected = ConnectionFailed("127.0.0.1:7447: Connection refused", limits.CLIENT_RECONNECT_S)
        assert first == [expected]
        play.wait(1.0)
        [second] = play.disconnect()
        assert isinstance(second, ConnectionFailed)
        assert second.retry_in_s == pytest.approx(2 * limits.CLIENT_RECONNECT_S)

    def test_a_login_that_is_put_off_says_why(self) -> None:
        play = Playbook()
        play.receive(Refused(play.connect().id, RefusalCode.BUSY, "Too many at once."))
        [failed] = play.disconnect()
        assert isinstance(failed, ConnectionFailed)
        assert failed.reason == "Too many at once."

    def test_the_end_of_a_session_is_no_failed_attempt(self) -> None:
        play = Playbook()
        play.log_in()
        assert play.disconnect(why="Cut.") == [ConnectionLost("Cut.")]

    def test_what_is_submitted_before_goes_out_after_the_login(self) -> None:
        play = Playbook(cursors={"#ops": 3})
        play.submit(Post(room="ops", text="early"))
        play.wait(0.0)
        play.disconnect()
        play.log_in(ops=(3, 3))
        assert [type(message).__name__ for message in play.sent()] == ["Post"]


class TestSession:
    def test_it_says_since_when_the_name_is_ones_own(self) -> None:
        play = Playbook()
        request = play.connect()
        state = LogState("#ops", 3, 5, 2, "all")
        answer = LoggedIn(request.id, "Ann", False, [state], Standing.MODERATOR, 1_234)
        [begun] = play.receive(answer)
        assert begun == SessionBegun("Ann", False, [state], False, 1_234, "moderator")

    def test_latency_is_that_of_the_last_ping_to_the_gateway(self) -> None:
        play = Playbook()
        play.log_in()
        latencies = [play.core.latency_s]
        play.wait(limits.CLIENT_PING_INTERVAL_S)
        [ping] = [message for message in play.sent() if isinstance(message, Ping)]
        play.now += 0.25
        play.receive(Pong(ping.id))
        assert play.core.latency_s == 0.25
        other = play.submit(Ping(target=PingTarget.USER_SERVICE))
        play.now += 1.0
        play.receive(Pong(other))
        assert play.core.latency_s == 0.25
        play.disconnect()
        latencies.append(play.core.latency_s)
        assert latencies == [None, None]

    def test_no_second_login_is_believed(self) -> None:
        play = Playbook()
        request = play.connect()
        answer = encode(LoggedIn(request.id, "ann", True, []))
        play.core.received(answer + answer, play.now)
        assert any(isinstance(effect, ConnectionLost) for effect in play.effects())


class TestWantedLogs:
    def test_they_are_asked_for_in_every_login(self) -> None:
        play = Playbook(logs=["#ops", "#dev"], from_head=True)
        first = play.connect()
        assert (first.logs, first.from_head) == (["#dev", "#ops"], True)
        play.receive(LoggedIn(first.id, "ann", True, [LogState("#ops", 5, 5)]))
        play.receive(entry("#ops", 6))
        play.disconnect()
        again = play.connect()
        # What was said since in a room that somebody has joined for us is not passed over.
        assert (again.logs, again.from_head) == (["#dev", "#ops"], False)
        assert again.cursors == {"#ops": 6}

    def test_what_an_older_gateway_sends_besides_is_not_handed_on(self) -> None:
        play = Playbook(logs=["#ops"])
        [begun] = play.log_in(ops=(3, 5), dev=(0, 900))
        assert isinstance(begun, SessionBegun)
        assert ([state.log for state in begun.logs], begun.missed) == (["#ops"], 2)
        effects = play.receive(entry("#dev", 1), entry("#ops", 4), entry("#dev", 3))
        arrived = [effect.entry for effect in effects if isinstance(effect, EntryArrived)]
        assert arrived == [entry("#ops", 4)]
        assert not closes(effects)
        play.disconnect()
        assert play.connect().cursors == {"#ops": 4}

    def test_with_none_of_them_nothing_is_handed_on(self) -> None:
        play = Playbook(logs=[])
        request = play.connect()
        assert request.logs == []
        [begun] = play.receive(LoggedIn(request.id, "ann", True, []))
        assert isinstance(begun, SessionBegun)
        assert play.receive(entry("#ops", 1)) == []
