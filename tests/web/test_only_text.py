"""Whatever people write, and whatever they call rooms and themselves, is shown as text."""

from typing import Final

import pytest

from testbed.browsers import Tab
from testbed.people import new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

MARKUP: Final = (
    "<img src=x onerror=alert(1)>",
    "<script>document.title='owned'</script>",
    "<svg/onload=alert(1)><a href='javascript:alert(1)'>here</a>",
    "</p></li></ol><h1>out of it</h1><style>*{display:none}</style>",
    '"><iframe srcdoc="<script>parent.document.title=1</script>">',
    "&lt;b&gt; &amp;lt; &#60;i&#62;",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "`<b>` **<b>** ***<i>*** ```<u>```",
)
LINKS: Final = (
    "javascript://example.org/%0aalert(1) JavaScript://%0aalert(1)",
    "javascript:alert(1) JaVaScRiPt:alert(1) java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script> vbscript:x file:///etc/passwd",
    "blob:https://example.org/x //example.org/x www.example.org",
    "[here](javascript:alert(1)) <javascript:alert(1)>",
    "https://example.org/a?q=<b>&x=\"y\" http://example.org/'onclick='alert(1)",
    "https://user:secret@example.org/ https://example.org/(a) https://пример.рф/я",
)
HARD: Final = (
    "a" * 3_000,
    "ﷺ" * 400 + "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢" * 50,
    "שלום (abc) 12:30 ← נכון? 100%",
    "👩‍👩‍👧‍👦🏳️‍🌈" * 100,
    "\n".join("line" for _ in range(200)),
    "0\u200b1\u200c2\u200d3\ufeff4",
)
TURNED: Final = "\u202egnp.exe"
ISOLATED: Final = """(all) => all.map((each) => getComputedStyle(each).unicodeBidi)"""
OWN: Final = """() => {
    const foreign = "img, script, iframe, style, object, embed, base, h1 h1, [onerror], [onload]";
    const found = [...document.querySelectorAll(`#app :is(${foreign})`)];
    const links = [...document.querySelectorAll(".messages a")];
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    return {
        foreign: found.map((each) => each.outerHTML),
        schemes: [...new Set(links.map((each) => each.protocol))].sort(),
        openers: links.filter((each) => !each.relList.contains("noopener")).length,
        directions: [...document.querySelectorAll(".messages .words")].filter(
            (each) => each.dir !== "auto"
        ).length,
        wide,
    };
}"""


async def check_is_own(tab: Tab) -> None:
    """Nothing is on the page that was made by what people wrote."""
    found = await tab.page.evaluate(OWN)
    assert found["foreign"] == []
    assert set(found["schemes"]) <= {"http:", "https:"}
    assert (found["openers"], found["directions"], found["wide"]) == (0, 0, 0)


async def test_the_worst_that_is_written_is_shown_letter_by_letter(person: MakePerson) -> None:
    writing, reading = await (await person()).come_in(), await (await person()).come_in()
    room = new_name()
    for tab, line in ((writing, f":cr {room}"), (reading, f":jr {room}")):
        await tab.say(line)
        await tab.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    asked: list[str] = []
    reading.page.on("dialog", lambda dialog: asked.append(dialog.message))
    own = (reading.person.url, f"blob:{reading.person.url}")
    reading.page.on(
        "request", lambda made: None if made.url.startswith(own) else asked.append(made.url)
    )
    reading.page.on("popup", lambda page: asked.append(page.url))
    await writing.say_many([*MARKUP, *LINKS, *HARD])
    await writing.say("that was all")
    await reading.until_shown("that was all")
    # What turns the letters after it around is not sent at all, and is still there to be mended.
    await writing.say(TURNED)
    await writing.page.locator(".status .hint").get_by_text("202E").wait_for()
    assert await writing.field.input_value() == TURNED
    rows = reading.page.locator(".messages li.said")
    assert await rows.count() == len(MARKUP) + len(LINKS) + len(HARD) + 1
    texts = [await row.locator(".text").inner_text() for row in await rows.all()]
    for text, shown in zip(MARKUP[:-1], texts, strict=False):
        assert shown == text
    assert asked == []
    await check_is_own(reading)
    await reading.page.set_viewport_size({"width": 320, "height": 640})
    await check_is_own(reading)
    # Nor by topics, words of who is away, quotations, panels and dialogs.
    await reading.page.set_viewport_size({"width": 1280, "height": 800})
    for line in (f":topic {room} {MARKUP[0]}", f":away {MARKUP[1]}"):
        await writing.say(line)
    await reading.page.locator(".topic").get_by_text(MARKUP[0]).wait_for()
    await reading.say(f":reply #{room} ^{writing.person.name}:8 {MARKUP[3]}")
    await reading.page.locator(".messages .quoted").wait_for()
    await writing.until_shown(MARKUP[3])
    await writing.page.locator(".messages .quoted").wait_for()
    await writing.say(f":pin {room}")
    for key in ("F2", "F8"):
        await reading.page.keyboard.press(key)
        await reading.page.locator(".panel li").first.wait_for()
        await check_is_own(reading)
    await reading.page.locator(".header .where button").click()
    await reading.page.locator("dialog[open]").wait_for()
    await check_is_own(reading)
    assert asked == []
    # What is written from right to left turns nothing but itself around.
    kinds = await reading.page.locator(".messages .words").evaluate_all(ISOLATED)
    assert set(kinds) <= {"isolate", "plaintext", "isolate-override"}
