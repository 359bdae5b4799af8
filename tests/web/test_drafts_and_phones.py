"""What one has begun to write waits where it was begun; and a page on a phone is as good as any."""

from typing import Final

import pytest

from testbed.browsers import Tab
from testbed.people import new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

PASSWORD: Final = "correct horse battery"
PHONE: Final = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
SMALL_FIELDS: Final = """() =>
    [...document.querySelectorAll("input, textarea, select")]
        .filter((each) => !["checkbox", "radio", "hidden"].includes(each.type))
        .filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16)
        .map((each) => each.outerHTML)
"""
"""Phones zoom into these, and stay there."""
TOO_WIDE: Final = """() => [document.documentElement, ...document.querySelectorAll("dialog, main")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.outerHTML.slice(0, 200))
"""
_KEYBOARD: Final = """([height, offsetTop]) => {
    const seen = window.visualViewport;
    Object.defineProperty(seen, "height", { value: height, configurable: true });
    Object.defineProperty(seen, "offsetTop", { value: offsetTop, configurable: true });
    seen.dispatchEvent(new Event("resize"));
}"""
"""A keyboard comes, which covers the page: no browser without a screen has one."""
_BOTTOM: Final = "(each) => each.getBoundingClientRect().bottom"


async def has_text(tab: Tab, text: str) -> None:
    async def has() -> bool:
        return await tab.field.input_value() == text

    await tab.until(has)


async def test_each_conversation_keeps_what_is_begun_in_it(person: MakePerson) -> None:
    tab = await (await person()).come_in()
    room = new_name()
    await tab.say(f":cr {room}")
    await tab.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    begun = {f"#{room}": "begun in the room", "#lobby": "begun in the lobby"}
    for key, text in begun.items():
        await tab.open(key)
        await tab.field.fill(text)
    for key, text in begun.items():
        await tab.open(key)
        await has_text(tab, text)
    # It is kept of the other one, too, by whatever the page ends.
    await tab.reload()
    for key, text in begun.items():
        await tab.open(key)
        await has_text(tab, text)

    async def are_kept() -> bool:
        drafts: list[object] = [*(await tab.kept())["drafts"]]
        return set(begun.values()) <= set(drafts)

    await tab.until(are_kept)
    await tab.kill()
    tab = await tab.person.come_in()
    for key, text in begun.items():
        await tab.open(key)
        await has_text(tab, text)
    # What is said is no draft any more.
    await tab.field.press("Enter")
    await tab.until(tab.has_sent_all)
    await tab.reload()
    await tab.open("#lobby")
    await has_text(tab, "")


async def test_nothing_on_a_phone_is_too_small_or_too_wide(person: MakePerson) -> None:
    tab = await (await person(**PHONE)).tab()
    await tab.page.locator("input[name=name]").wait_for()

    async def check(where: str) -> None:
        assert await tab.page.evaluate(SMALL_FIELDS) == [], where
        assert await tab.page.evaluate(TOO_WIDE) == [], where

    for name in ("I have an account", "Make an account"):
        await check(f"before {name}")
        await tab.page.get_by_role("button", name=name).tap()
    await check("entry")
    await tab.page.reload()
    await tab.come_in(PASSWORD)
    await tab.say("a word that has no end: " + "a" * 300)
    await tab.page.locator(".messages .words").last.wait_for()
    await check("room")
    for panel in ("Pinned messages", "Search", "Members"):
        await tab.page.get_by_title(panel).tap()
        await tab.page.locator("main.panel").wait_for()
        await check(panel)
        await tab.page.locator(".panel-head .tool").tap()
    await tab.page.locator(".header .back").tap()
    await check("list")
    for opens in ("Settings", "New room or conversation", "Go to"):
        await tab.page.get_by_title(opens).first.tap()
        await tab.page.locator("dialog[open]").wait_for()
        await check(opens)
        await tab.page.keyboard.press("Escape")


async def test_a_keyboard_on_the_screen_covers_nothing_that_is_written(person: MakePerson) -> None:
    tab = await (await person(**PHONE)).come_in()
    shell = tab.page.locator(".shell")
    assert await shell.evaluate(_BOTTOM) == 640
    await tab.say_many([f"line {number}" for number in range(30)])
    await tab.until_shown("line 29")
    for height, offset in ((300, 0), (300, 200), (640, 0)):
        await tab.page.evaluate(_KEYBOARD, [height, offset])
        await tab.page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
        assert await shell.evaluate(_BOTTOM) == height
        assert await tab.field.evaluate(_BOTTOM) <= height
        last = tab.page.locator(".messages .words").last
        assert await last.evaluate(_BOTTOM) <= await tab.field.evaluate(
            "(each) => each.getBoundingClientRect().top"
        )
    # A window that becomes smaller is another way to the same.
    await tab.page.set_viewport_size({"width": 320, "height": 400})

    async def fits() -> bool:
        return bool(await shell.evaluate(_BOTTOM) == 400)

    await tab.page.evaluate("() => { delete window.visualViewport.height; }")
    await tab.page.evaluate("() => { window.visualViewport.dispatchEvent(new Event('resize')); }")
    await tab.until(fits)
