"""The rules of the client core, each as a playbook: what happens, and what comes of it."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from zchat.client.core.events import (
    Answered,
    ConnectionFailed,
    ConnectionLost,
    Delayed,
    EntryArrived,
    Fatal,
    LoggedOut,
    OpenConnection,
    SessionBegun,
)
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.protocol import limits
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Done,
    EntryBody,
    GoingAway,
    Hello,
    ListRooms,
    ListUsers,
    LogIn,
    LogOut,
    MarkRead,
    MemberBanned,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberMuted,
    Ping,
    Pong,
    Post,
    RefusalCode,
    Refused,
    Register,
    RoomClosed,
    RoomList,
    SendPrivate,
)

from .playbook import PREFIX, TOKEN, Playbook, closes, entry


def texts(messages: Iterable[object]) -> list[str]:
    return [message.text for message in messages if isinstance(message, Post)]


class TestLogin:
    def test_hello_and_login_go_out_together(self) -> None:
        play = Playbook(password="swordfish")
        assert play.wait(0) == [OpenConnection(0)]
        play.core.connected(0.0)
        hello, log_in = play.sent()
        assert hello == Hello(PROTOCOL_VERSION, "test", PREFIX)
        assert log_in == LogIn(id=1, name="ann", token=b"t" * 32, password="swordfish", cursors={})

    def test_requests_wait_for_the_login(self) -> None:
        play = Playbook()
        play.submit(Post(room="ops", text="early"))
        play.connect()
        assert play.sent() == []
        play = Playbook()
        play.submit(Post(room="ops", text="early"))
        [begun] = play.log_in(ops=(3, 5))
        assert isinstance(begun, SessionBegun)
        assert (begun.name, begun.missed, begun.resumed) == ("ann", 2, False)
        assert "early" in texts(play.sent())

    def test_a_login_for_which_there_is_no_place_now_is_tried_again(self) -> None:
        play = Playbook()
        refused = Refused(play.connect().id, RefusalCode.LIMIT_REACHED, "50 times.", 1_000)
        effects = play.receive(refused)
        assert not any(isinstance(effect, Fatal) for effect in effects)
        assert ConnectionFailed("50 times.", 1.0) in play.disconnect()
        assert play.connect().token == TOKEN

    @pytest.mark.parametrize(
        "code",
        [
            RefusalCode.LIMIT_REACHED,
            RefusalCode.NAME_IN_USE,
            RefusalCode.WRONG_PASSWORD,
            RefusalCode.PASSWORD_REQUIRED,
            RefusalCode.INVALID_NAME,
            RefusalCode.UNSUPPORTED_VERSION,
            RefusalCode.BANNED,
            RefusalCode.SUSPENDED,
            RefusalCode.GUESTS_NOT_ALLOWED,
        ],
    )
    def test_a_refused_login_is_the_end(self, code: RefusalCode) -> None:
        play = Playbook()
        refused = Refused(play.connect().id, code, "No.")
        effects = play.receive(refused)
        assert Fatal(refused) in effects
        assert closes(effects)
        play.disconnect()
        assert play.core.next_call_at() is None

    @pytest.mark.parametrize(
        "code", [RefusalCode.BUSY, RefusalCode.UNAVAILABLE, RefusalCode.SESSION_ENDED]
    )
    def test_a_server_that_cannot_answer_now_is_asked_again(self, code: RefusalCode) -> None:
        play = Playbook()
        assert closes(play.receive(Refused(play.connect().id, code, "Later.")))
        play.disconnect()
        play.log_in()

    def test_a_session_that_was_taken_for_an_older_one_is_begun_again(self) -> None:
        play = Playbook()
        play.log_in()
        assert closes(play.receive(Refused(None, RefusalCode.SESSION_ENDED, "Again.")))
        play.disconnect()
        [begun] = play.log_in()
        assert isinstance(begun, SessionBegun)
        assert begun.resumed

    @pytest.mark.parametrize("resuming", [False, True])
    @pytest.mark.parametrize(
        "code", [RefusalCode.BANNED, RefusalCode.SUSPENDED, RefusalCode.GUESTS_NOT_ALLOWED]
    )
    def test_whoever_is_put_out_reads_why_and_does_not_come_back(
        self, code: RefusalCode, resuming: bool
    ) -> None:
        play = Playbook()
        play.log_in()
        refused = Refused(None, code, "your name is banned for another 2 min: spam", 120_000)
        if resuming:
            play.disconnect()
            refused = replace(refused, id=play.connect().id)
        effects = play.receive(refused)
        assert Fatal(refused) in effects
        assert closes(effects)
        play.disconnect()
        assert play.core.next_call_at() is None

    def test_a_resuming_client_waits_for_its_own_name(self) -> None:
        play = Playbook()
        play.log_in()
        play.disconnect()
        effects = play.receive(Refused(play.connect().id, RefusalCode.NAME_IN_USE, "Taken."))
        assert closes(effects)
        assert not any(isinstance(effect, Fatal) for effect in effects)

    def test_a_registered_guest_comes_back_with_its_password(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(Register(password="correct horse"))
        play.receive(Done(request))
        play.disconnect()
        assert play.connect().password == "correct horse"


class TestEntries:
    def test_doubles_are_dropped_and_counted(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 1))
        first, second = entry("#ops", 1), entry("#ops", 2)
        effects = play.receive(first, first, second)
        assert effects == [EntryArrived(first, missed=True), EntryArrived(second, missed=False)]
        assert play.core.doubles_total == 1

    def test_a_gap_costs_the_connection_and_is_healed_by_the_cursors(self) -> None:
        play = Playbook()
        play.log_in(ops=(4, 4))
        effects = play.receive(entry("#ops", 6), entry("#ops", 7))
        assert closes(effects)
        assert not any(isinstance(effect, EntryArrived) for effect in effects)
        assert play.core.gaps_total == 1
        play.disconnect()
        assert play.connect().cursors == {"#ops": 4}

    def test_the_first_entry_of_a_log_begins_to_follow_it(self) -> None:
        play = Playbook()
        play.log_in()
        play.receive(entry("#ops", 17, MemberJoined(), author="ann"), entry("#ops", 18))
        assert play.core.followed == {"#ops"}
        play.disconnect()
        assert play.connect().cursors == {"#ops": 18}

    def test_ones_own_leaving_ends_following(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        effects = play.receive(
            entry("#ops", 1, MemberLeft()), entry("#ops", 2, MemberLeft(), "ann")
        )
        assert len(effects) == 2
        assert play.core.followed == frozenset()

    @pytest.mark.parametrize(
        "body",
        [MemberKicked("ann", ""), MemberBanned("ann", "spam", None), RoomClosed("winter")],
        ids=lambda body: type(body).__name__,
    )
    def test_who_is_put_out_follows_no_more(self, body: EntryBody) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0), dev=(0, 0))
        play.core.mark_read("#ops", 0)
        assert len(play.receive(entry("#ops", 1), entry("#ops", 2, body))) == 2
        assert play.core.followed == {"#dev"}
        play.disconnect()
        assert "#ops" not in play.connect().cursors

    def test_who_comes_back_to_a_room_follows_it_from_there(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        play.receive(entry("#ops", 1, MemberKicked("ann", "")))
        assert len(play.receive(entry("#ops", 5, MemberJoined(), "ann"))) == 1
        assert play.core.followed == {"#ops"}
        assert play.core.gaps_total == 0

    @pytest.mark.parametrize(
        ("log", "body"),
        [
            ("#ops", MemberKicked("bob", "")),
            ("#ops", MemberBanned("bob", "", None)),
            ("#ops", MemberMuted("ann", "")),
            ("#lobby", MemberBanned("ann", "", None)),
        ],
    )
    def test_nothing_else_ends_it(self, log: str, body: EntryBody) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0), lobby=(0, 0))
        play.receive(entry(log, 1, body, "ann"))
        assert play.core.followed == {"#ops", "#lobby"}

    def test_the_servers_cursor_wins(self) -> None:
        play = Playbook()
        play.log_in(ops=(5, 5), dev=(1, 1))
        play.disconnect()
        play.log_in(ops=(9, 9))
        assert play.core.followed == {"#ops"}
        assert len(play.receive(entry("#ops", 10))) == 1

    def test_skipped_entries_are_read_later(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        play.receive(entry("#ops", 1))
        play.core.skip_entries()
        request = play.submit(ListRooms())
        answered = play.receive(entry("#ops", 2), RoomList(request, [], 0))
        assert [type(effect) for effect in answered] == [Answered]
        play.core.stop_skipping_entries()
        assert closes(play.effects())
        play.disconnect()
        assert play.connect().cursors == {"#ops": 1}


class TestRequests:
    def test_an_answer_settles_its_request(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(Post(room="ops", text="hi"))
        sent = Post(
            id=request, nonce=b"prefix--" + request.to_bytes(8, "big"), room="ops", text="hi"
        )
        assert play.sent() == [sent]
        done = Done(request, "#ops", 1)
        assert play.receive(done, done) == [Answered(request, sent, done)]
        assert play.core.unanswered == 0

    def test_unanswered_requests_are_repeated_in_order_before_newer_ones(self) -> None:
        play = Playbook()
        play.log_in()
        first = [play.submit(Post(room="ops", text=text)) for text in "abc"]
        before = play.sent()
        play.receive(Done(first[1]))
        assert play.disconnect() == [ConnectionLost("It broke.")]
        play.submit(Post(room="ops", text="d"))
        play.log_in()
        after = play.sent()
        assert texts(after) == ["a", "c", "d"]
        assert after[:2] == [before[0], before[2]]

    def test_only_so_many_are_on_their_way(self) -> None:
        play = Playbook()
        play.log_in()
        ids = [play.submit(Post(room="ops", text="hi")) for _ in range(100)]
        assert len(play.sent()) == limits.SESSION_REQUESTS_MAX
        play.receive(Done(ids[0]), Done(ids[1]))
        assert len(play.sent()) == 2

    def test_the_queue_is_bounded(self) -> None:
        play = Playbook()
        for _ in range(limits.CLIENT_QUEUE_MAX):
            play.submit(ListUsers())
        with pytest.raises(QueueFull, match="10,000"):
            play.submit(ListUsers())

    def test_an_unavailable_command_is_kept_and_told_once(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(Post(room="ops", text="hi"))
        [sent] = play.sent()
        assert isinstance(sent, Post)
        refused = Refused(request, RefusalCode.UNAVAILABLE, "No answer yet.")
        assert play.receive(refused) == [Delayed(request, sent, "No answer yet.")]
        play.wait(limits.CLIENT_RETRY_S)
        assert play.sent() == [sent]
        assert play.receive(refused) == []
        assert play.receive(Done(request)) == [Answered(request, sent, Done(request))]
        play.wait(limits.CLIENT_RETRY_S)
        assert play.sent() == []

    def test_an_unavailable_command_holds_nobody_up(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(SendPrivate(to="bob", text="hi"))
        play.receive(Refused(request, RefusalCode.UNAVAILABLE, "Later."))
        play.sent()
        play.submit(Post(room="ops", text="meanwhile"))
        assert texts(play.sent()) == ["meanwhile"]

    def test_nothing_overtakes_a_busy_command(self) -> None:
        play = Playbook()
        play.log_in()
        ids = [play.submit(Post(room="ops", text=text)) for text in "abc"]
        play.sent()
        play.receive(Done(ids[0]), Refused(ids[1], RefusalCode.BUSY, "Later."))
        play.submit(Post(room="ops", text="d"))
        assert play.sent() == []
        play.wait(limits.CLIENT_RETRY_S)
        assert texts(play.sent()) == ["b", "c", "d"]

    @pytest.mark.parametrize("code", [RefusalCode.BUSY, RefusalCode.UNAVAILABLE])
    def test_a_query_that_cannot_be_answered_has_failed(self, code: RefusalCode) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(ListRooms())
        [answered] = play.receive(Refused(request, code, "Later."))
        assert isinstance(answered, Answered)

    def test_queries_are_repeated_on_the_next_connection(self) -> None:
        play = Playbook()
        play.log_in()
        play.submit(ListRooms())
        before = play.sent()
        play.disconnect()
        play.log_in()
        assert play.sent() == before


class TestReadMarkers:
    def test_they_are_collected(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        play.wait(2)
        play.sent()
        for sequence in (1, 2, 3):
            play.receive(entry("#ops", sequence))
            play.core.mark_read("#ops", sequence)
        play.wait(2)
        marks = [sent for sent in play.sent() if isinstance(sent, MarkRead)]
        assert marks[-1].sequence == 3
        assert len(marks) <= 2

    def test_the_cursor_of_the_server_is_confirmed_once(self) -> None:
        play = Playbook()
        play.log_in(ops=(7, 9))
        assert next(sent for sent in play.sent() if isinstance(sent, MarkRead)).sequence == 7
        play.disconnect()
        play.log_in(ops=(7, 9))
        play.wait(2)
        assert len([sent for sent in play.sent() if isinstance(sent, MarkRead)]) == 1

    def test_the_beginning_of_an_empty_log_is_confirmed_too(self) -> None:
        """Else what is said there while the client is away would not be known as missed."""
        play = Playbook()
        play.log_in(ops=(0, 0))
        assert next(sent for sent in play.sent() if isinstance(sent, MarkRead)).sequence == 0

    def test_an_unanswered_one_is_repeated(self) -> None:
        play = Playbook()
        play.log_in(ops=(7, 7))
        [mark] = play.sent()
        assert isinstance(mark, MarkRead)
        play.receive(Done(mark.id))
        play.disconnect()
        play.log_in(ops=(7, 7))
        assert play.sent() == []


class TestConnection:
    def test_waits_double_up_to_a_bound(self) -> None:
        play = Playbook()
        waits = []
        for _ in range(10):
            play.wait(limits.CLIENT_RECONNECT_S_MAX)
            play.disconnect()
            at = play.core.next_call_at()
            assert at is not None
            waits.append(at - play.now)
        assert waits[:3] == pytest.approx([0.1, 0.2, 0.4])
        assert waits[-1] == limits.CLIENT_RECONNECT_S_MAX

    def test_each_attempt_takes_the_next_address(self) -> None:
        play = Playbook()
        assert play.wait(0) == [OpenConnection(0)]
        play.disconnect()
        assert play.wait(1) == [OpenConnection(1)]

    def test_jitter_shortens_the_wait(self) -> None:
        play = Playbook()
        play.wait(0)
        play.disconnect(jitter=1.0)
        assert play.core.next_call_at() == limits.CLIENT_RECONNECT_S / 2

    def test_a_leaving_gateway_is_left_at_once(self) -> None:
        play = Playbook()
        play.log_in()
        effects = play.receive(GoingAway("The gateway stops."))
        assert ConnectionLost("The gateway stops.") in effects
        play.disconnect()
        assert play.core.next_call_at() == play.now

    def test_a_quiet_client_pings(self) -> None:
        play = Playbook()
        play.log_in()
        play.wait(limits.CLIENT_PING_INTERVAL_S)
        [ping] = play.sent()
        assert isinstance(ping, Ping)
        assert play.receive(Pong(ping.id)) == []

    def test_a_silent_server_is_left(self) -> None:
        play = Playbook()
        play.log_in()
        assert not closes(play.wait(limits.CLIENT_SILENCE_S - 0.1))
        assert closes(play.wait(0.1))

    def test_a_server_that_owes_an_answer_is_left_sooner(self) -> None:
        play = Playbook()
        play.log_in()
        play.wait(limits.CLIENT_PING_INTERVAL_S - 0.1)
        play.submit(Post(room="garden", text="hello"))
        assert not closes(play.wait(limits.CLIENT_ANSWER_SILENCE_S - 0.1))
        assert closes(play.wait(0.1))

    def test_a_slow_answer_is_waited_for_while_others_come(self) -> None:
        play = Playbook()
        play.log_in()
        play.submit(Post(room="garden", text="hello"))
        for _ in range(3):
            assert not closes(play.wait(limits.CLIENT_ANSWER_SILENCE_S - 0.1))
            play.receive(Pong(99))

    def test_a_server_that_lets_nobody_in_is_left(self) -> None:
        play = Playbook()
        play.connect()
        assert not closes(play.wait(limits.CLIENT_ANSWER_SILENCE_S - 0.1))
        assert closes(play.wait(0.1))

    def test_whoever_does_not_read_hears_no_silence(self) -> None:
        play = Playbook()
        play.log_in()
        play.core.reading_paused()
        assert play.wait(10 * limits.CLIENT_SILENCE_S) == []
        play.core.reading_resumed(play.now)
        assert not closes(play.wait(limits.CLIENT_SILENCE_S - 0.1))
        assert closes(play.wait(0.1))

    def test_rubbish_costs_the_connection(self) -> None:
        play = Playbook()
        play.log_in()
        play.core.received(b"\xc1", play.now)
        assert closes(play.effects())
        play.disconnect()
        play.log_in()

    def test_a_refusal_of_the_connection_that_would_recur_is_the_end(self) -> None:
        play = Playbook()
        play.log_in()
        refused = Refused(None, RefusalCode.MALFORMED, "Not a message.")
        assert Fatal(refused) in play.receive(refused)


class TestLogOut:
    def test_it_waits_for_every_answer_and_marks_first(self) -> None:
        play = Playbook()
        play.log_in(ops=(0, 0))
        play.wait(2)
        request = play.submit(Post(room="ops", text="bye"))
        play.receive(entry("#ops", 1))
        play.sent()
        play.core.log_out(play.now)
        assert not any(isinstance(sent, LogOut) for sent in play.sent())
        with pytest.raises(LoggingOut):
            play.submit(ListRooms())
        play.core.mark_read("#ops", 1)
        play.receive(Done(request))
        mark, log_out = play.sent()
        assert isinstance(mark, MarkRead)
        assert isinstance(log_out, LogOut)
        effects = play.receive(Done(log_out.id))
        assert LoggedOut() in effects
        assert closes(effects)

    def test_what_is_unanswered_outlives_the_connection(self) -> None:
        play = Playbook()
        play.log_in()
        request = play.submit(Post(room="ops", text="bye"))
        play.core.log_out(play.now)
        assert LoggedOut() not in play.disconnect()
        play.log_in()
        play.receive(Done(request))
        assert isinstance(play.sent()[-1], LogOut)
        assert LoggedOut() in play.disconnect()

    def test_without_a_connection_and_without_a_question_it_is_over_at_once(self) -> None:
        play = Playbook()
        play.core.log_out(play.now)
        assert LoggedOut() in play.effects()
