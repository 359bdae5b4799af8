"""A client that is told to slow down, or to come back later, does so and loses nothing."""

import pytest

from zchat.client.core.events import Fatal, OpenConnection
from zchat.client.core.machine import JITTER, Reconnect
from zchat.protocol import limits
from zchat.protocol.messages import LoggedIn, Post, RefusalCode, Refused, SlowedDown

from .playbook import Playbook, closes


def too_fast(wait_ms: int) -> Refused:
    return Refused(None, RefusalCode.TOO_FAST, "try again later", wait_ms)


def opens(play: Playbook, seconds: float) -> bool:
    return any(isinstance(effect, OpenConnection) for effect in play.wait(seconds))


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_who_is_sent_away_comes_back_when_it_was_told_to_and_says_it_again(jitter: float) -> None:
    play = Playbook()
    play.log_in()
    play.submit(Post(room="lobby", text="hello"))
    (first,) = [message for message in play.sent() if isinstance(message, Post)]
    assert closes(play.receive(too_fast(60_000)))
    play.disconnect(jitter)
    assert not opens(play, 59.9)
    assert opens(play, 0.2 + 60 * JITTER)
    play.core.connected(play.now)
    log_in = play.sent()[1]
    play.receive(LoggedIn(log_in.id, "ann", True, []))  # type: ignore[union-attr]
    (again,) = [message for message in play.sent() if isinstance(message, Post)]
    assert again == first


def test_a_refusal_at_the_door_is_the_last_word_only_for_who_was_never_in() -> None:
    play = Playbook()
    play.connect()
    assert any(isinstance(effect, Fatal) for effect in play.receive(too_fast(1_000)))
    play = Playbook()
    play.log_in()
    play.disconnect()
    play.connect()
    assert closes(play.receive(too_fast(12_000)))
    play.disconnect()
    assert not opens(play, 11.9)
    assert opens(play, 0.2)


def test_nobody_is_sent_away_for_ever() -> None:
    reconnect = Reconnect()
    reconnect.wait_at_least(1e9)
    reconnect.disconnected(0.0, 0.0)
    assert reconnect.due_at == limits.CLIENT_RETRY_AFTER_S_MAX
    reconnect.disconnected(0.0, 0.0)
    assert reconnect.due_at < limits.CLIENT_RECONNECT_S_MAX


def test_a_server_that_says_how_long_it_is_silent_is_not_gone() -> None:
    play = Playbook()
    play.log_in()
    play.submit(Post(room="lobby", text="hello"))
    play.receive(SlowedDown(30_000))
    assert not closes(play.wait(30.0 + limits.CLIENT_ANSWER_SILENCE_S - 0.1))
    assert closes(play.wait(0.2))


def test_a_server_that_cannot_be_trusted_is_not_tried_again() -> None:
    play = Playbook()
    assert opens(play, 1.0)
    play.core.give_up("its key has changed")
    (fatal, _) = play.effects()
    assert isinstance(fatal, Fatal)
    assert fatal.refused.reason == "its key has changed"
    play.disconnect()
    assert play.wait(1_000.0) == []
