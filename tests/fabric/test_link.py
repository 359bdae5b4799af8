"""What a link promises: every command is answered, in order and once, over pipes that drop."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zchat.fabric.core.link import Answerer, Asker, Incoming, Outgoing, ReturnAddress
from zchat.protocol import limits
from zchat.protocol.internal import Down, Reply, Up

GATEWAY = b"gateway/west#1"


class Ends:
    """An asker and the worker that it asks, and what is on its way between them."""

    def __init__(self, *prelude: bytes) -> None:
        self.now = 100.0
        self.epoch = 1
        self.asker: Asker[bytes] = Asker(lambda: prelude)
        self.answerer = Answerer(self.epoch)
        self.heard: list[bytes] = []
        """What has reached the worker's application, of all its lives."""
        self.unanswered: list[tuple[ReturnAddress, bytes]] = []
        self.answers: list[tuple[bytes | None, bytes]] = []
        self.asker.worker_changed(self.epoch)

    def ask(self, *commands: bytes) -> None:
        """Each command is its own context, so that one sees what an answer belongs to."""
        for command in commands:
            self.asker.send(command, command)

    def carry_up(self, ups: list[Up] | None = None) -> None:
        for up in self.asker.envelopes() if ups is None else ups:
            for address, item in self.answerer.receive(GATEWAY, up, self.now):
                self.heard.append(item)
                self.unanswered.append((address, item))

    def answer(self) -> None:
        for address, command in self.unanswered:
            self.answerer.reply(address, b"re " + command)
        self.unanswered = []

    def carry_down(self, downs: list[Down] | None = None) -> None:
        for down in [d for _, d in self.answerer.envelopes()] if downs is None else downs:
            self.answers += self.asker.receive(down, self.now)

    def lose(self) -> None:
        """What both ends would send now is lost."""
        self.asker.envelopes()
        self.answerer.envelopes()

    def heartbeats(self) -> None:
        self.now += limits.HEARTBEAT_INTERVAL_S
        self.asker.heartbeat()
        self.answerer.heartbeat()

    def exchange(self, rounds: int = 4) -> None:
        for _ in range(rounds):
            self.heartbeats()
            self.carry_up()
            self.answer()
            self.carry_down()

    def restart_worker(self) -> None:
        self.epoch += 1
        self.answerer = Answerer(self.epoch)
        self.unanswered = []


def answered(*commands: bytes) -> list[tuple[bytes, bytes]]:
    return [(command, b"re " + command) for command in commands]


# --- While all goes well --------------------------------------------------------------------------


def test_commands_go_up_as_one_envelope_and_their_replies_come_down_as_one() -> None:
    ends = Ends()
    ends.ask(b"a", b"b", b"c")

    (up,) = ends.asker.envelopes()
    ends.carry_up([up])
    ends.answer()
    ((_, down),) = ends.answerer.envelopes()
    ends.carry_down([down])

    assert ends.heard == [b"a", b"b", b"c"]
    assert ends.answers == answered(b"a", b"b", b"c")
    assert ends.asker.unanswered == {}
    assert ends.asker.queue_bytes == 0


def test_answers_may_come_in_another_order() -> None:
    ends = Ends()
    ends.ask(b"slow", b"fast")
    ends.carry_up()
    ends.unanswered.reverse()
    ends.answer()
    ends.carry_down()

    assert ends.answers == answered(b"fast", b"slow")


def test_with_nothing_to_say_both_ends_are_silent() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.exchange()

    assert ends.asker.envelopes() == []
    assert ends.answerer.envelopes() == []


def test_a_heartbeat_says_what_is_next_even_if_there_is_nothing() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.exchange()
    ends.heartbeats()

    (up,) = ends.asker.envelopes()
    ((_, down),) = ends.answerer.envelopes()
    assert (up.first, up.items, up.replies_next) == (2, [], 2)
    assert (down.first, down.items, down.commands_next) == (2, [], 2)


def test_a_heartbeat_is_not_answered() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.exchange()
    ends.asker.heartbeat()
    ends.carry_up()

    assert ends.answerer.envelopes() == []


def test_a_word_of_the_worker_needs_no_command() -> None:
    ends = Ends()
    ends.exchange()
    ends.answerer.tell(GATEWAY, b"session 5 has ended")
    ends.answerer.tell(b"nobody", b"is told nothing")
    ends.carry_down()

    assert ends.answers == [(None, b"session 5 has ended")]


def test_all_that_waits_goes_at_once_in_batches() -> None:
    ends = Ends()
    ends.ask(*(b"%d" % number for number in range(limits.BATCH_ITEMS_MAX + 1)))

    ups = ends.asker.envelopes()
    assert [len(up.items) for up in ups] == [limits.BATCH_ITEMS_MAX, 1]
    ends.carry_up(ups)
    ends.answer()
    downs = [down for _, down in ends.answerer.envelopes()]
    assert [len(down.items) for down in downs] == [limits.BATCH_ITEMS_MAX, 1]


def test_what_was_accepted_makes_room_in_the_window_of_both_ends() -> None:
    ends = Ends()
    full_batches = limits.LINK_WINDOW_ITEMS // limits.BATCH_ITEMS_MAX
    for _ in range(full_batches + 2):
        ends.ask(*[b"a"] * limits.BATCH_ITEMS_MAX)
        ends.exchange(1)

    assert len(ends.answers) == (full_batches + 2) * limits.BATCH_ITEMS_MAX


# --- What is lost, doubled or late ----------------------------------------------------------------


def test_a_lost_command_is_sent_again_before_later_ones_count() -> None:
    ends = Ends()
    ends.exchange()
    ends.ask(b"a")
    ends.lose()
    ends.ask(b"b")
    ends.carry_up()
    assert ends.heard == []

    ends.exchange()
    assert ends.heard == [b"a", b"b"]
    assert ends.answers == answered(b"a", b"b")


def test_a_heartbeat_betrays_that_the_last_command_was_lost() -> None:
    ends = Ends()
    ends.exchange()
    ends.ask(b"a")
    ends.lose()
    ends.exchange()

    assert ends.answers == answered(b"a")


def test_a_lost_reply_is_sent_again_without_doing_the_command_again() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ends.answer()
    ends.lose()
    ends.exchange()

    assert ends.heard == [b"a"]
    assert ends.answers == answered(b"a")


def test_what_comes_twice_counts_once() -> None:
    ends = Ends()
    ends.ask(b"a", b"b")
    ups = ends.asker.envelopes()
    ends.carry_up(ups + ups)
    ends.answer()
    downs = [down for _, down in ends.answerer.envelopes()]
    ends.carry_down(downs + downs)

    assert ends.heard == [b"a", b"b"]
    assert ends.answers == answered(b"a", b"b")


def test_a_batch_that_was_accepted_in_part_counts_for_the_rest() -> None:
    ends = Ends()
    ends.ask(b"a", b"b")
    ends.carry_up([Up(1, 1, 1, [b"a"], 1, False)])
    ends.carry_up()
    ends.answer()
    ends.carry_down()

    assert ends.heard == [b"a", b"b"]
    assert ends.answers == answered(b"a", b"b")


def test_the_same_gap_is_not_filled_twice_in_a_moment() -> None:
    ends = Ends()
    ends.exchange()
    ends.ask(b"a")
    ends.asker.envelopes()
    gap = Down(1, 1, 1, [], 1, True)

    ends.carry_down([gap])
    assert len(ends.asker.envelopes()) == 1
    ends.carry_down([gap])
    assert ends.asker.envelopes() == []
    ends.now += limits.RESEND_INTERVAL_S
    ends.carry_down([gap])
    assert len(ends.asker.envelopes()) == 1


def test_the_same_gap_of_replies_is_not_filled_twice_in_a_moment() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ends.answer()
    ends.answerer.envelopes()

    def resent() -> list[Reply]:
        ends.carry_up([Up(1, 1, 2, [], 1, True)])
        return [reply for _, down in ends.answerer.envelopes() for reply in down.items]

    assert resent() == [Reply(1, b"re a")]
    assert resent() == []
    ends.now += limits.RESEND_INTERVAL_S
    assert resent() == [Reply(1, b"re a")]


def test_a_reply_is_sent_again_only_if_it_is_missed() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ends.answer()
    ends.answerer.envelopes()
    ends.ask(b"b")
    ends.carry_up()

    ((_, down),) = ends.answerer.envelopes()
    assert down.items == []


def test_a_gap_is_filled_in_the_first_moment_of_a_clock() -> None:
    outgoing: Outgoing[int] = Outgoing()
    outgoing.append(0, 1)
    outgoing.next_batch()

    outgoing.rewind(0.0)
    assert outgoing.next_batch() == (1, [0])


# --- Restarts -------------------------------------------------------------------------------------


def test_without_a_worker_commands_wait() -> None:
    asker: Asker[bytes] = Asker()
    asker.send(b"a", b"a")
    assert asker.queue_bytes == 1
    assert asker.envelopes() == []

    asker.worker_changed(3)
    (up,) = asker.envelopes()
    assert (up.epoch, up.items) == (3, [b"a"])


def test_an_address_can_be_reached_while_somebody_serves_it() -> None:
    asker: Asker[bytes] = Asker()
    seen = [asker.reachable]
    for epoch in (3, None, 4):
        asker.worker_changed(epoch)
        seen.append(asker.reachable)

    assert seen == [False, True, False, True]


def test_the_stream_counts_as_heard_while_its_worker_can_be_reached() -> None:
    ends = Ends()
    ends.asker.heard_stream(ends.epoch + 1)
    ends.carry_up()
    seen = [ends.answerer.hears_stream(GATEWAY)]
    ends.asker.heard_stream(ends.epoch)
    ends.exchange(1)
    seen.append(ends.answerer.hears_stream(GATEWAY))
    # As when the router is another one, by which nobody may have subscribed yet.
    ends.asker.worker_changed(None)
    ends.asker.worker_changed(ends.epoch)
    ends.exchange(1)
    seen.append(ends.answerer.hears_stream(GATEWAY))

    assert seen == [False, True, False]


def test_whoever_has_become_deaf_to_the_stream_is_answered_by_its_own_way() -> None:
    """As when only its connection for events is gone: nothing else tells it."""
    ends = Ends()
    ends.asker.heard_stream(ends.epoch)
    ends.ask(b"a")
    for _ in range(8):
        ends.heartbeats()
        ends.carry_up()
        ends.answer()
        own_way = not ends.answerer.hears_stream(GATEWAY)
        downs = [down for _, down in ends.answerer.envelopes()]
        ends.carry_down(downs if own_way else [])

    assert ends.answers == answered(b"a")


def test_a_stream_that_is_heard_now_and_then_is_heard() -> None:
    ends = Ends()
    seen = []
    for _ in range(3):
        ends.asker.heard_stream(ends.epoch)
        for _ in range(limits.STREAM_BEATS_MISSED_MAX):
            ends.heartbeats()
        seen.append(ends.asker.hears_stream)

    assert seen == [True, True, True]


def test_a_worker_that_was_overtaken_does_not_change_what_is_heard() -> None:
    ends = Ends()
    ends.restart_worker()
    ends.asker.worker_changed(ends.epoch)
    ends.asker.heard_stream(ends.epoch)
    ends.asker.heard_stream(ends.epoch - 1)

    assert ends.asker.hears_stream


def test_who_has_nothing_to_say_says_so_every_other_beat() -> None:
    ends = Ends()
    ends.carry_up()
    said = []
    for _ in range(6):
        ends.asker.heartbeat()
        said.append(len(ends.asker.envelopes()))

    assert said == [1, 0] * 3


def test_who_waits_for_an_answer_says_so_with_every_beat() -> None:
    """The last command may be lost, and only what comes after it shows that."""
    ends = Ends()
    ends.exchange(2)
    ends.ask(b"a")
    said = []
    for _ in range(4):
        ends.asker.heartbeat()
        said.append(len(ends.asker.envelopes()))
    assert said == [1] * 4


def test_a_link_says_that_it_begins_even_if_there_is_nothing_to_ask() -> None:
    (up,) = Ends().asker.envelopes()

    assert (up.first, up.items) == (1, [])


def test_a_worker_that_is_named_again_is_the_same() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ends.asker.worker_changed(None)
    ends.asker.worker_changed(ends.epoch)
    ends.asker.worker_changed(ends.epoch)
    ends.exchange()

    assert ends.heard == [b"a"]
    assert ends.answers == answered(b"a")


def test_what_is_not_kept_is_asked_no_more() -> None:
    ends = Ends(b"who is here")
    ends.ask(b"a", b"b")
    ends.carry_up()
    ends.answer()
    late = [down for _, down in ends.answerer.envelopes()]
    ends.asker.clear(lambda context: context == b"b")
    ends.carry_down(late)
    assert ends.answers == []
    assert ends.asker.queue_bytes == len(b"who is here" + b"b")

    ends.exchange()
    assert ends.answers == answered(b"b")
    ends.ask(b"c")
    ends.asker.clear()
    ends.exchange()
    assert ends.heard == [*(b"who is here", b"a", b"b"), *(b"who is here", b"b"), b"who is here"]


def test_while_the_worker_is_away_nothing_is_sent_and_nothing_forgotten() -> None:
    ends = Ends()
    ends.exchange()
    ends.asker.worker_changed(None)
    ends.ask(b"a")
    assert ends.asker.envelopes() == []

    ends.asker.worker_changed(ends.epoch)
    ends.exchange()
    assert ends.answers == answered(b"a")


def test_a_new_worker_gets_what_the_old_one_has_not_answered() -> None:
    ends = Ends()
    ends.ask(b"answered", b"accepted")
    ends.carry_up()
    ends.unanswered.pop()
    ends.answer()
    ends.carry_down()
    ends.ask(b"on its way")
    ends.lose()
    ends.restart_worker()
    ends.asker.worker_changed(ends.epoch)
    ends.exchange()

    assert ends.heard == [b"answered", b"accepted", b"accepted", b"on its way"]
    assert ends.answers == answered(b"answered", b"accepted", b"on its way")


def test_a_restarted_link_begins_with_the_prelude_each_time() -> None:
    ends = Ends(b"who is here")
    ends.ask(b"a")
    ends.carry_up()
    ends.restart_worker()
    ends.asker.worker_changed(ends.epoch)
    ends.exchange()

    assert ends.heard == [b"who is here", b"a", b"who is here", b"a"]
    assert ends.answers == answered(b"a")


def test_what_has_no_context_is_not_sent_to_another_worker() -> None:
    ends = Ends()
    ends.asker.send(b"a session has gone", None)
    ends.carry_up()
    ends.restart_worker()
    ends.asker.worker_changed(ends.epoch)
    ends.exchange()

    assert ends.heard == [b"a session has gone"]
    assert ends.asker.unanswered == {}


def test_a_worker_hears_only_what_was_meant_for_it() -> None:
    ends = Ends()
    ends.ask(b"a")
    late = ends.asker.envelopes()
    ends.restart_worker()
    ends.carry_up(late)

    assert ends.heard == []
    assert ends.answerer.askers == []


def test_an_answer_of_an_earlier_life_says_nothing() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ends.answer()
    late = [down for _, down in ends.answerer.envelopes()]
    ends.restart_worker()
    ends.asker.worker_changed(ends.epoch)
    ends.carry_down(late)

    assert ends.answers == []
    assert list(ends.asker.unanswered) == [1]


def test_an_answer_on_an_earlier_link_says_nothing() -> None:
    ends = Ends()
    ends.ask(b"a", b"b")
    ends.carry_up()
    ends.answer()
    late = [down for _, down in ends.answerer.envelopes()]
    ends.answerer.forget(GATEWAY)
    ends.carry_down()
    ends.carry_down(late)
    assert ends.answers == []

    ends.exchange()
    assert ends.answers == answered(b"a", b"b")


def test_a_late_batch_of_an_earlier_link_is_not_taken_for_one_of_the_new_link() -> None:
    ends = Ends()
    ends.ask(b"a", b"b")
    late = Up(1, 1, 1, [b"a", b"b", b"c"], 1, False)
    ends.carry_up()
    ends.answerer.forget(GATEWAY)
    ends.carry_down()
    ends.carry_up()
    ends.carry_up([late])

    assert ends.heard == [b"a", b"b", b"a", b"b"]


def test_a_link_whose_beginning_was_missed_must_restart() -> None:
    answerer = Answerer(1)

    assert answerer.receive(GATEWAY, Up(1, 4, 5, [b"e"], 3, False), 0.0) == []
    assert answerer.askers == []
    assert answerer.envelopes() == [(GATEWAY, Down(1, 4, 1, [], 0, False))]


def test_a_forgotten_asker_starts_anew_and_loses_nothing() -> None:
    ends = Ends()
    ends.ask(b"a", b"b")
    ends.carry_up()
    ends.answerer.forget(GATEWAY)
    ends.answer()
    ends.carry_down()
    ends.exchange()

    assert ends.heard == [b"a", b"b", b"a", b"b"]
    assert ends.answers == answered(b"a", b"b")


def test_a_silent_asker_is_forgotten_after_its_time() -> None:
    ends = Ends()
    ends.exchange(1)
    assert ends.answerer.expire(ends.now + limits.PEER_EXPIRY_S) == []
    assert ends.answerer.expire(ends.now + limits.PEER_EXPIRY_S + 0.1) == [GATEWAY]
    assert ends.answerer.askers == []
    assert ends.answerer.expire(ends.now + limits.PEER_EXPIRY_S + 0.2) == []

    ends.ask(b"a")
    ends.exchange()
    assert ends.answers == answered(b"a")


def test_an_asker_that_dies_after_its_link_was_forgotten_is_missed_once() -> None:
    ends = Ends()
    ends.exchange()
    ends.answerer.forget(GATEWAY)

    ends.now += limits.PEER_EXPIRY_S + 0.1
    assert ends.answerer.expire(ends.now) == [GATEWAY]
    assert ends.answerer.expire(ends.now) == []


def test_a_late_copy_does_not_open_a_link_again_that_was_forgotten() -> None:
    ends = Ends()
    ends.ask(b"a")
    ups = ends.asker.envelopes()
    ends.carry_up(ups)
    ends.answerer.forget(GATEWAY)
    ends.carry_up(ups)

    assert ends.heard == [b"a"]
    ends.exchange()
    assert ends.answers == answered(b"a")


def test_a_reply_to_a_link_that_has_restarted_goes_nowhere() -> None:
    ends = Ends()
    ends.ask(b"a")
    ends.carry_up()
    ((address, _),) = ends.unanswered
    ends.answerer.forget(GATEWAY)
    ends.carry_down()
    ends.carry_up()
    ends.answerer.reply(address, b"to whom?")
    ends.carry_down()

    assert ends.answers == []


# --- Bounds ---------------------------------------------------------------------------------------


def batches(outgoing: Outgoing[int]) -> list[list[int]]:
    """All that goes out before the other end accepts something."""
    sent: list[list[int]] = []
    while items := outgoing.next_batch()[1]:
        sent.append(items)
    return sent


def test_a_batch_has_a_largest_number_of_items() -> None:
    outgoing: Outgoing[int] = Outgoing()
    for number in range(limits.BATCH_ITEMS_MAX + 1):
        outgoing.append(number, 1)

    assert [len(batch) for batch in batches(outgoing)] == [limits.BATCH_ITEMS_MAX, 1]


def test_a_batch_has_a_largest_size_but_takes_one_item_of_any() -> None:
    outgoing: Outgoing[int] = Outgoing()
    for number, size_bytes in enumerate([1, limits.BATCH_BYTES_MAX - 1, 1, 1_000_000, 1]):
        outgoing.append(number, size_bytes)

    assert batches(outgoing) == [[0, 1], [2], [3], [4]]


def test_no_more_items_are_on_their_way_than_the_window_holds() -> None:
    outgoing: Outgoing[int] = Outgoing()
    for number in range(limits.LINK_WINDOW_ITEMS + 10):
        outgoing.append(number, 1)

    assert sum(map(len, batches(outgoing))) == limits.LINK_WINDOW_ITEMS
    outgoing.accept(4)
    assert batches(outgoing) == [[limits.LINK_WINDOW_ITEMS + n for n in range(3)]]


def test_no_more_bytes_are_on_their_way_than_the_window_holds() -> None:
    outgoing: Outgoing[int] = Outgoing()
    quarter = limits.LINK_WINDOW_BYTES // 4
    for number in range(6):
        outgoing.append(number, quarter)

    assert batches(outgoing) == [[0], [1], [2], [3]]
    outgoing.accept(2)
    assert batches(outgoing) == [[4]]
    outgoing.rewind(1.0)
    assert batches(outgoing) == [[1], [2], [3], [4]]
    outgoing.accept(6)
    assert batches(outgoing) == [[5]]
    outgoing.accept(7)
    assert len(outgoing) == 0


def test_what_was_accepted_before_it_was_sent_again_makes_no_more_room() -> None:
    outgoing: Outgoing[int] = Outgoing()
    half = limits.LINK_WINDOW_BYTES // 2
    for number in range(5):
        outgoing.append(number, half)
    assert batches(outgoing) == [[0], [1]]

    outgoing.rewind(1.0)
    outgoing.accept(3)
    assert batches(outgoing) == [[2], [3]]


def test_what_was_accepted_after_all_is_not_sent_again() -> None:
    outgoing: Outgoing[int] = Outgoing()
    for number in range(4):
        outgoing.append(number, 1)
    assert batches(outgoing) == [[0, 1, 2, 3]]

    outgoing.rewind(1.0)
    outgoing.accept(4)
    assert outgoing.next_batch() == (4, [3])


def test_an_asker_knows_how_much_waits() -> None:
    ends = Ends()
    ends.ask(b"12345", b"678")
    assert ends.asker.queue_bytes == 8

    ends.exchange()
    assert ends.asker.queue_bytes == 0


def test_an_asker_that_confirms_no_replies_is_forgotten() -> None:
    ends = Ends()
    ends.exchange()
    for _ in range(limits.LINK_REPLIES_MAX):
        ends.answerer.tell(GATEWAY, b"x")
    assert ends.answerer.askers == [GATEWAY]

    ends.answerer.tell(GATEWAY, b"one too many")
    assert ends.answerer.askers == []
    ends.ask(b"a")
    ends.exchange()
    assert ends.answers[-1:] == answered(b"a")


def test_a_worker_has_a_largest_number_of_askers() -> None:
    answerer = Answerer(1)
    for number in range(limits.PEERS_MAX + 1):
        answerer.receive(b"gateway/west#%d" % number, Up(1, 1, 1, [], 1, False), 0.0)
    assert len(answerer.askers) == limits.PEERS_MAX

    # One that is in already may restart its link.
    answerer.receive(b"gateway/west#0", Up(1, 2, 1, [], 1, False), 0.0)
    refused = [asker for asker, down in answerer.envelopes() if down.commands_next == 0]
    assert refused == [b"gateway/west#%d" % limits.PEERS_MAX]


def test_what_a_worker_remembers_of_the_forgotten_is_bounded() -> None:
    answerer = Answerer(1)
    for number in range(3 * limits.PEERS_MAX):
        asker = b"gateway/west#%d" % number
        answerer.receive(asker, Up(1, 1, 1, [], 1, False), 0.0)
        answerer.forget(asker)
        answerer.envelopes()

    assert len(answerer._forgotten) == limits.PEERS_MAX


def test_who_was_forgotten_last_is_remembered_longest() -> None:
    answerer = Answerer(1)

    def forget(number: int, link: int) -> None:
        answerer.receive(b"gateway/west#%d" % number, Up(1, link, 1, [], 1, False), 0.0)
        answerer.forget(b"gateway/west#%d" % number)

    for number in range(limits.PEERS_MAX):
        forget(number, 1)
    forget(0, 2)
    forget(limits.PEERS_MAX, 1)

    late = Up(1, 2, 1, [b"a"], 1, False)
    assert answerer.receive(b"gateway/west#0", late, 0.0) == []


def test_a_receiver_accepts_the_next_number_only() -> None:
    incoming = Incoming()

    assert incoming.accept(1, 3) == 0
    assert incoming.accept(2, 2) == 2
    assert incoming.accept(3, 3) == 1
    assert not incoming.take_gap()
    assert incoming.accept(8, 2) == 2
    assert incoming.take_gap()
    assert not incoming.take_gap()
    assert incoming.next_wanted == 6


# --- Whatever happens -----------------------------------------------------------------------------


class AnyWeather(RuleBasedStateMachine):
    """Both pipes lose, repeat and reorder; both ends forget each other; the worker restarts.

    On top stands an application that knows by their nonces which commands it has done, and keeps
    that over its restarts: what a service with a store is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.epoch = 1
        self.asker: Asker[int] = Asker(lambda: [b"prelude"])
        self.answerer = Answerer(self.epoch)
        self.ups: list[Up] = []
        self.downs: list[Down] = []
        self.sent = 0
        self.heard: dict[tuple[int, int], list[bytes]] = {}
        """By epoch and link: what has reached the application."""
        self.done: list[int] = []
        """What the application has made durable, in order."""
        self.owes: list[tuple[ReturnAddress, bytes]] = []
        self.answers: dict[int, bytes] = {}
        self.table: int | None = None

    # --- The two ends -------------------------------------------------------------------------

    @rule()
    def ask(self) -> None:
        self.asker.send(b"%d" % self.sent, self.sent)
        self.sent += 1

    @rule()
    def asker_speaks(self) -> None:
        self.ups += self.asker.envelopes()

    @rule()
    def worker_speaks(self) -> None:
        self.downs += [down for _, down in self.answerer.envelopes()]

    @rule()
    def heartbeats(self) -> None:
        self.now += limits.HEARTBEAT_INTERVAL_S
        self.asker.heartbeat()
        self.answerer.heartbeat()

    @precondition(lambda self: self.ups)
    @rule()
    def worker_hears(self) -> None:
        up = self.ups.pop(0)
        for address, item in self.answerer.receive(GATEWAY, up, self.now):
            body = item
            self.heard.setdefault((self.epoch, address.link), []).append(body)
            if body != b"prelude" and int(body) not in self.done:
                self.done.append(int(body))
            self.owes.append((address, body))

    @precondition(lambda self: self.owes)
    @rule(data=st.data())
    def worker_answers(self, data: st.DataObject) -> None:
        # In any order: some answers wait for a password to be hashed.
        address, body = self.owes.pop(data.draw(st.integers(0, len(self.owes) - 1)))
        self.answerer.reply(address, b"re " + body)

    @precondition(lambda self: self.downs)
    @rule()
    def asker_hears(self) -> None:
        for context, frame in self.asker.receive(self.downs.pop(0), self.now):
            assert context is not None, "the prelude was answered to somebody"
            assert context not in self.answers, "answered twice"
            assert frame == b"re %d" % context
            self.answers[context] = frame

    # --- The weather --------------------------------------------------------------------------

    def _a_pipe(self, data: st.DataObject) -> list[Any]:
        return self.ups if data.draw(st.booleans()) else self.downs

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        pipe = self._a_pipe(data)
        if pipe:
            pipe.pop(data.draw(st.integers(0, len(pipe) - 1)))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        pipe = self._a_pipe(data)
        if pipe:
            pipe.append(pipe[data.draw(st.integers(0, len(pipe) - 1))])

    @rule(data=st.data())
    def reorder(self, data: st.DataObject) -> None:
        pipe = self._a_pipe(data)
        if pipe:
            pipe.append(pipe.pop(data.draw(st.integers(0, len(pipe) - 1))))

    @rule()
    def worker_forgets(self) -> None:
        self.answerer.forget(GATEWAY)

    @rule()
    def silence(self) -> None:
        self.now += limits.PEER_EXPIRY_S + 1
        self.answerer.expire(self.now)

    @rule()
    def worker_restarts(self) -> None:
        self.epoch += 1
        self.answerer = Answerer(self.epoch)
        self.owes = []

    @rule(away=st.booleans())
    def router_says_who_serves(self, away: bool) -> None:
        self.asker.worker_changed(None if away else self.epoch)

    # --- What holds ---------------------------------------------------------------------------

    @invariant()
    def each_life_hears_each_link_once_and_in_order(self) -> None:
        for heard in self.heard.values():
            numbers = [int(body) for body in heard if body != b"prelude"]
            assert numbers == sorted(set(numbers))
            assert heard[0] == b"prelude"
            assert heard.count(b"prelude") == 1

    @invariant()
    def everything_is_done_once_and_in_order(self) -> None:
        assert self.done == list(range(len(self.done)))

    @invariant()
    def no_more_is_answered_than_was_done(self) -> None:
        assert self.answers.keys() <= set(self.done)

    def teardown(self) -> None:
        """The sky clears; whatever has happened, a few heartbeats later all is answered."""
        self.asker.worker_changed(self.epoch)
        for _ in range(10):
            self.heartbeats()
            self.asker_speaks()
            while self.ups:
                self.worker_hears()
            for address, body in self.owes:
                self.answerer.reply(address, b"re " + body)
            self.owes = []
            self.worker_speaks()
            while self.downs:
                self.asker_hears()
        assert self.answers.keys() == set(range(self.sent))
        assert self.done == list(range(self.sent))
        assert self.asker.unanswered == {}


TestAnyWeather = AnyWeather.TestCase
TestAnyWeather.settings = settings(max_examples=100, stateful_step_count=60)


def test_a_word_is_lost_only_with_its_link() -> None:
    ends = Ends()
    ends.exchange()
    ends.answerer.tell(GATEWAY, b"word")
    ends.lose()
    ends.exchange()

    assert ends.answers == [(None, b"word")]


def test_replies_to_a_stranger_are_harmless() -> None:
    answerer = Answerer(1)

    answerer.reply(ReturnAddress(b"stranger", 1, 1), b"hello?")
    answerer.forget(b"stranger")
    assert answerer.envelopes() == []


def test_an_answer_to_a_command_that_was_never_sent_is_dropped() -> None:
    ends = Ends()

    ends.carry_down([Down(1, 1, 1, [Reply(99, b"surprise")], 1, False)])
    assert ends.answers == []
