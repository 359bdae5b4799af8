"""First answers: what is new is not looked up, and what is not new is not done again."""

from functools import cache

import pytest
from msgspec.structs import replace

from zchat.eventlog.core.idempotency import OVERTAKEN, Answer, FirstAnswers, Key
from zchat.protocol import limits
from zchat.protocol.rules.nonces import nonce

ANN = ("ann", b"a client")
DONE = Answer("#garden", 3)
NOTHING_TO_DO = Answer("#garden", 0)


@cache
def key(number: int, *, rising: bool = True) -> Key:
    return Key("ann", nonce(b"a client", number), rising=rising)


@pytest.fixture(name="answers")
def _answers() -> FirstAnswers:
    """The store knows that ann's client has come to command 5."""
    answers = FirstAnswers()
    assert answers.unknown([key(6)]) == {ANN}
    answers.learn({ANN: key(5).nonce})
    return answers


def test_the_store_is_asked_about_a_client_once(answers: FirstAnswers) -> None:
    assert answers.unknown([key(7)]) == set()
    assert answers.unknown([Key("bob", key(7).nonce)]) == {("bob", b"a client")}


def test_a_newer_command_is_not_looked_up(answers: FirstAnswers) -> None:
    assert answers.old([key(5), key(6)]) == [key(5)]
    assert answers.of(key(6)) is None


def test_what_was_remembered_is_old_from_then_on(answers: FirstAnswers) -> None:
    answers.remember(key(9), DONE)
    assert answers.of(key(9)) == replace(DONE, again=True)
    assert answers.old([key(8), key(9), key(10)]) == [key(8), key(9)]


def test_an_old_command_that_is_found_nowhere_is_not_done_any_more(answers: FirstAnswers) -> None:
    assert answers.of(key(4)) == OVERTAKEN
    assert answers.of(key(5)) == OVERTAKEN, "the newest of all was answered, too"


def test_a_command_that_does_not_rise_is_looked_up_and_may_come_late(answers: FirstAnswers) -> None:
    late = key(4, rising=False)
    assert answers.old([late]) == [late]
    assert answers.of(late) is None

    answers.remember(late, DONE)
    assert answers.of(key(4)) == replace(DONE, again=True)
    assert answers.old([key(5), key(6)]) == [key(5)], "what came late took the newest back"


def test_of_a_command_that_does_not_rise_the_newest_nonce_is_not_asked(
    answers: FirstAnswers,
) -> None:
    late = Key("bob", key(4).nonce, rising=False)
    assert answers.unknown([late]) == set()

    answers.remember(late, DONE)
    assert answers.unknown([Key("bob", key(5).nonce)]) == {("bob", b"a client")}


def test_a_nonce_is_that_of_one_command_whatever_its_kind(answers: FirstAnswers) -> None:
    answers.remember(key(6, rising=False), DONE)
    answers.found = {}
    assert answers.old([key(6)]) == [key(6)]


def test_only_what_no_entry_tells_of_is_saved(answers: FirstAnswers) -> None:
    answers.remember(key(6), DONE)
    answers.remember(key(7), NOTHING_TO_DO)
    assert answers.take() == [(key(7), NOTHING_TO_DO)]
    assert answers.take() == []


def test_clients_that_were_not_heard_of_for_long_are_forgotten(
    answers: FirstAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NONCE_CLIENTS_MAX", 2)
    answers.learn({("bob", b"a client"): b"", ("carl", b"a client"): b""})
    answers.remember(key(6), DONE)

    assert answers.unknown([key(7), Key("carl", key(1).nonce)]) == set()
    assert answers.unknown([key(7), Key("carl", key(1).nonce)]) == set()
    assert answers.unknown([Key("bob", key(1).nonce)]) == {("bob", b"a client")}
