"""Secrets on the screen: they reach who has asked for them, or nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.events import Key

from zchat.protocol.messages import ChangePassword, RefusalCode, Register

from ..fake_gateway import FakeGateway, until
from .people import Person, person


def types_ahead(ann: Person, *lines: str) -> None:
    """All of it before anything of it has been seen to."""
    for line in lines:
        for char in line:
            ann.app.post_message(Key(char, char))
        ann.app.post_message(Key("enter", "\r"))


@pytest.fixture
async def account(gateway: FakeGateway, tmp_path: Path) -> AsyncIterator[Person]:
    gateway.server.guest = False
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        yield ann


async def test_answers_that_are_typed_ahead_reach_their_questions(account: Person) -> None:
    ann = account
    types_ahead(ann, ":password", "old-horse", "correct-horse", "correct-horse")
    await until(lambda: bool(ann.gateway.server.done))
    (changed,) = ann.gateway.server.done
    assert isinstance(changed, ChangePassword)
    assert (changed.password, changed.new_password) == ("old-horse", "correct-horse")
    await until(lambda: len(ann.app.screen_stack) == 1)
    assert ann.written == ""
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_passwords_that_differ_are_asked_for_again_and_nothing_is_said(ann: Person) -> None:
    types_ahead(ann, ":register", "correct-horse", "correct-house", "correct-horse")
    await ann.sees("the passwords differ")
    assert len(ann.app.screen_stack) == 2
    types_ahead(ann, "correct-horse", "correct-horse")
    await until(lambda: not ann.gateway.server.guest)
    await until(lambda: len(ann.app.screen_stack) == 1)
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_a_wrong_password_is_asked_for_again(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.server.guest = False
    gateway.server.refusals[ChangePassword] = RefusalCode.WRONG_PASSWORD
    async with person(gateway, tmp_path) as ann:
        types_ahead(ann, ":password", "old-house", "correct-horse", "correct-horse", "old-horse")
        await ann.sees("! No: wrong_password")
        await ann.sees("Old password:")
        assert "old-horse" not in gateway.server.texts("#lobby")
        del gateway.server.refusals[ChangePassword]
        types_ahead(ann, "old-horse", "correct-horse", "correct-horse")
        await ann.sees("the password is changed")
        await until(lambda: len(ann.app.screen_stack) == 1)
        # Whatever was typed meanwhile would have been sent by the next Enter.
        await ann.write("hello")
        await ann.sees("hello")


async def test_what_follows_questions_that_led_to_nothing_is_not_sent_by_accident(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.server.refusals[Register] = RefusalCode.REGISTRATION_CLOSED
    async with person(gateway, tmp_path) as ann:
        types_ahead(ann, ":register", "correct-horse", "correct-horse")
        await ann.sees("! No: registration_closed")
        await until(lambda: len(ann.app.screen_stack) == 1)
        await ann.write("correct-horse")
        await ann.sees("a secret was asked for just now; Enter again says this in #lobby")
        assert gateway.server.texts("#lobby")[-1] == "message 3"
        assert ann.written == "correct-horse"


async def test_enter_that_was_pressed_twice_leaves_no_question(account: Person) -> None:
    ann = account
    types_ahead(ann, ":password", "")
    await ann.sees("nothing was given")
    await ann.press("escape")
    await until(lambda: len(ann.app.screen_stack) == 1)


@pytest.mark.parametrize(
    "text",
    [":password\nold", ":register\nmy horse\nmy horse", ":pm bob psst\nyou"],
)
async def test_no_text_that_begins_with_a_command_is_said(ann: Person, text: str) -> None:
    ann.app.composer.load(text)
    await ann.press("enter", "enter")
    await ann.pilot.pause()
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"
    assert ann.gateway.server.guest


async def test_a_command_is_no_edit(ann: Person) -> None:
    await ann.write("hello")
    await ann.sees("hello")
    await ann.press("up", "e", "ctrl+u")
    await ann.write(":register secret-horse")
    await ann.sees("that is a command, not a message")
    assert ann.written == ":register secret-horse"
    assert ann.gateway.server.texts("#lobby")[-1] == "hello"
    assert ann.gateway.server.guest


async def test_answers_to_what_a_guest_is_not_asked_are_not_said(ann: Person) -> None:
    types_ahead(ann, ":password", "old-horse", "new-horse", "new-horse")
    await ann.sees("a secret was asked for just now")
    await ann.pilot.pause()
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_what_was_typed_before_a_dialog_is_not_for_it(ann: Person) -> None:
    types_ahead(ann, "hello")
    ann.app.post_message(Key("ctrl+k", None))
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "hello")
    await ann.sees("a room or a person…")
