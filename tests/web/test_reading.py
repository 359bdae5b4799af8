"""What somebody sees stays where it is, is told once, and is never more than text."""

from typing import Any, Final

import pytest

from testbed.browsers import Tab
from testbed.people import new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

MESSAGES: Final = 90
MOVED_PX_MAX: Final = 1.0
PHONE: Final = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}

_SCROLL_BY: Final = """(px) => {
    document.querySelector(".scroller").scrollTop += px;
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}"""
_TO_END: Final = """() => {
    const { scrollHeight, clientHeight, scrollTop } = document.querySelector(".scroller");
    return scrollHeight - clientHeight - scrollTop;
}"""


async def settled(tab: Tab) -> None:
    """Until what has just changed is drawn."""
    await tab.page.evaluate(_SCROLL_BY, 0)


async def check_held(tab: Tab, seen: list[Any]) -> None:
    assert await tab.moved_px(seen) <= MOVED_PX_MAX, seen


async def test_what_is_seen_stays_where_it_is(person: MakePerson) -> None:
    ann, bob = await person(), await person()
    saying, reading = await ann.come_in(), await bob.come_in()
    room = new_name()
    await saying.say(f":cr {room}")
    await saying.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    await saying.say_many([f"{number} of many" for number in range(MESSAGES)])
    await saying.until(saying.has_sent_all)
    await reading.say(f":jr {room}")
    await reading.until_shown(f"{MESSAGES - 1} of many")
    # Older ones are loaded and put above.
    for _ in range(8):
        await reading.page.evaluate(_SCROLL_BY, -250)
        seen = await reading.first_seen()
        await check_held(reading, seen)
    await reading.until_shown("3 of many")
    await reading.page.evaluate(_SCROLL_BY, 700)
    seen = await reading.first_seen()
    # Somebody edits what stands above it, so that it is longer.
    for _ in range(MESSAGES - 3):
        await saying.page.keyboard.press("ArrowUp")
    await saying.page.keyboard.press("e")
    await saying.say("long " * 300)
    await reading.page.locator(".messages .edited").first.wait_for(state="attached")
    await check_held(reading, seen)
    # More is said, which is below.
    await saying.say("the newest")
    await reading.page.locator(".pill.below").wait_for()
    await check_held(reading, seen)
    for width, height in ((900, 500), (1280, 800), (500, 700), (1280, 800)):
        seen = await reading.first_seen()
        await reading.page.set_viewport_size({"width": width, "height": height})
        await check_held(reading, seen)
    # The field grows and shrinks, and the connection is another one.
    await reading.field.fill("one\ntwo\nthree\nfour")
    await check_held(reading, seen)
    await reading.field.fill("")
    await check_held(reading, seen)
    await reading.page.context.set_offline(True)
    await reading.page.context.set_offline(False)
    await reading.until(reading.is_online)
    await check_held(reading, seen)
    # And whoever goes to the end follows it.
    await reading.page.locator(".pill.below").click()
    await reading.until_shown("the newest")
    await saying.say("and one more")
    await reading.until_shown("and one more")
    await settled(reading)
    assert await reading.page.evaluate(_TO_END) <= MOVED_PX_MAX


async def test_enter_of_an_input_method_sends_nothing(person: MakePerson) -> None:
    tab = await (await person()).come_in()
    await tab.field.focus()
    session = await tab.page.context.new_cdp_session(tab.page)
    composed = {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    await session.send("Input.imeSetComposition", composed)
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await session.send("Input.dispatchKeyEvent", enter)
    assert await tab.field.input_value() == "にほん"
    await session.send("Input.insertText", {"text": "日本"})
    assert await tab.field.input_value() == "日本"
    await tab.field.press("Enter")
    await tab.until_shown("日本")


async def test_a_screen_reader_hears_what_others_newly_say_and_nothing_else(
    person: MakePerson,
) -> None:
    ann, bob = await person(), await person()
    saying = await ann.come_in()
    await saying.say("long before")
    reading = await bob.come_in()
    await reading.until_shown("long before")
    await reading.say("one's own")
    await saying.until_shown("one's own")
    await saying.say("*news* of ann")
    await reading.page.locator("[aria-live] p").first.wait_for(state="attached")
    heard = await reading.page.locator(".shell > [aria-live] p").all_inner_texts()
    assert heard == [f"{ann.name}: news of ann"]


async def test_what_is_said_is_text_and_nothing_else(person: MakePerson) -> None:
    tab = await (await person()).come_in()
    await tab.say("<img src=x onerror=alert(1)> javascript:alert(1) https://example.org/a")
    row = tab.page.locator(".messages > li").last
    await row.get_by_text("onerror").wait_for()
    assert await row.locator("img, script").count() == 0
    links = await row.locator("a").evaluate_all("(all) => all.map((each) => each.href)")
    assert links == ["https://example.org/a"]
    await tab.say("שלום")
    await tab.until_shown("שלום")
    words = tab.page.locator(".messages .words").last
    assert await words.evaluate("(each) => getComputedStyle(each).direction") == "rtl"


async def test_a_phone_has_one_column_and_letters_that_it_does_not_zoom_into(
    person: MakePerson,
) -> None:
    tab = await (await person(**PHONE)).come_in()
    await tab.say("a word that has no end: " + "a" * 300)
    await tab.page.locator(".messages .words").last.wait_for()
    assert await tab.page.evaluate("() => document.documentElement.scrollWidth") <= 320
    size = await tab.field.evaluate("(each) => parseFloat(getComputedStyle(each).fontSize)")
    assert size >= 16
    assert await tab.page.locator(".sidebar").count() == 0
    await tab.page.locator(".header .back").tap()
    await tab.page.locator(".sidebar").wait_for()
    assert await tab.page.locator(".conversation").count() == 0
    await tab.page.locator('.conversations [data-key="#lobby"]').tap()
    await tab.has_begun()
