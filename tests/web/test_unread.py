"""What is new stands under one line, and is read by whoever has looked at it."""

from typing import Final

import pytest

from testbed.browsers import Tab
from testbed.people import new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

LOOK_AWAY: Final = "() => { document.hasFocus = () => false; dispatchEvent(new Event('blur')); }"
LOOK: Final = "() => { document.hasFocus = () => true; dispatchEvent(new Event('focus')); }"
HIDE: Final = """(state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
_UNDER_LINES: Final = """() => [...document.querySelectorAll(".messages .new-line")].map(
    (line) => line.closest("li").querySelector(".words").innerText
)"""


async def under_lines(tab: Tab) -> list[str]:
    """The message under each line "new"."""
    found: list[str] = await tab.page.evaluate(_UNDER_LINES)
    return found


async def unread(tab: Tab, key: str) -> str:
    """The count beside a conversation, empty for none."""
    counts = tab.page.locator(f'.conversations [data-key="{key}"] .count')
    return "".join(await counts.all_inner_texts())


async def is_unread(tab: Tab, key: str, count: str) -> None:
    async def says() -> bool:
        return await unread(tab, key) == count

    await tab.until(says)


async def two_in_a_room(person: MakePerson) -> tuple[Tab, Tab, str]:
    """One who talks, and one who has read it and is elsewhere."""
    saying, reading = await (await person()).come_in(), await (await person()).come_in()
    room = new_name()
    for tab, line in ((saying, f":cr {room}"), (reading, f":jr {room}")):
        await tab.say(line)
        await tab.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    await saying.say("read already")
    await reading.until_shown("read already")
    await reading.open("#lobby")
    return saying, reading, f"#{room}"


async def test_the_line_stands_where_it_stood_when_one_came(person: MakePerson) -> None:
    saying, reading, room = await two_in_a_room(person)
    for text in ("first new", "second new"):
        await saying.say(text)
    await is_unread(reading, room, "2")
    await reading.open(room)
    await reading.until_shown("second new")
    assert await under_lines(reading) == ["first new"]
    # It is read at once, and the line stays where it is, whatever is said now and by whom.
    await is_unread(reading, room, "")
    await reading.say("one's own")
    await saying.until_shown("one's own")
    await saying.say("third new")
    await reading.until_shown("third new")
    assert await under_lines(reading) == ["first new"]
    # Whoever comes anew has nothing that is new.
    await reading.open("#lobby")
    await reading.open(room)
    await reading.until_shown("third new")
    assert await under_lines(reading) == []


async def test_no_line_stands_above_what_one_has_said_oneself(person: MakePerson) -> None:
    saying, reading, room = await two_in_a_room(person)
    # In another tab, which goes there and is not looked at.
    other = await reading.person.come_in()
    await other.page.evaluate(LOOK_AWAY)
    await other.say(f":rm {room[1:]} one's own")
    await saying.until_shown("one's own")
    await saying.say("new")
    await is_unread(reading, room, "1")
    await reading.open(room)
    await reading.until_shown("new")
    assert await under_lines(reading) == ["new"]


async def test_read_is_what_somebody_sees_who_looks(person: MakePerson) -> None:
    saying, reading, room = await two_in_a_room(person)
    await reading.open(room)
    for number, (away, back) in enumerate(
        (((LOOK_AWAY, None), (LOOK, None)), ((HIDE, "hidden"), (HIDE, "visible")))
    ):
        await reading.page.evaluate(*away)
        await saying.say(f"new {number}")
        await reading.until_shown(f"new {number}")
        await is_unread(reading, room, "1")
        await reading.page.evaluate(*back)
        await is_unread(reading, room, "")
    # Nor is what somebody does not see who reads further up.
    await saying.say_many([f"line {number}" for number in range(60)])
    await reading.until_shown("line 59")
    await is_unread(reading, room, "")
    pill = reading.page.locator(".pill.below")

    async def reads_further_up() -> bool:
        # As often as it takes: what has just come may still be drawn, with the end in sight.
        await reading.page.locator(".scroller").evaluate("(each) => { each.scrollTop -= 400; }")
        return await pill.is_visible()

    await reading.until(reads_further_up)
    await saying.say("below")
    await is_unread(reading, room, "1")
    await pill.click()
    await is_unread(reading, room, "")
