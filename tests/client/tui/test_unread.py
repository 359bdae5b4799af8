"""What is unread, gone to and marked so again."""

from pathlib import Path

from zchat.protocol.messages import LogStateChanged, MessagePosted

from ..fake_gateway import FakeGateway, until
from .people import Person, person


def marker(ann: Person) -> int:
    return ann.app.book.open("#lobby").marker


async def test_from_a_message_on_it_is_unread_until_one_comes_again(ann: Person) -> None:
    await until(lambda: marker(ann) == 3)
    await ann.press("up", "k", "u")
    await ann.sees("unread from here on")
    assert marker(ann) == 1
    await ann.sees("─ new ─")
    await until(lambda: ("#lobby", 1) in ann.gateway.server.marks)
    ann.gateway.say("#lobby", "bob", MessagePosted("message 4"))
    await ann.sees("message 4")
    assert ann.app.book.open("#lobby").unread == 3
    await ann.press("escape", "ctrl+k", *"@bob", "enter")
    await ann.sees("between you and bob")
    assert ann.app.book.open("#lobby").unread == 3
    await ann.press("alt+a")
    await until(lambda: marker(ann) == 4)


async def test_what_another_device_made_unread_stays_so_where_it_is_open(ann: Person) -> None:
    await until(lambda: marker(ann) == 3)
    ann.gateway.push([LogStateChanged("#lobby", 1, back=True)])
    await until(lambda: marker(ann) == 1)
    ann.gateway.say("#lobby", "bob", MessagePosted("message 4"))
    await ann.sees("message 4")
    assert marker(ann) == 1


async def test_a_key_goes_to_the_first_unread_however_far_it_is(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    for number in range(4, 400):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
    gateway.server.followed["#lobby"] = 390
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 399")
        view = ann.app.timeline.view
        assert view is not None
        view.begin_new_at(200)
        await ann.press("alt+u")
        await until(lambda: view.chosen is not None and view.chosen.sequence == 200)
        await ann.sees("─ new ─")


async def test_where_nothing_is_new_that_is_said(ann: Person) -> None:
    await ann.press("alt+u")
    await ann.sees("nothing here is new")
