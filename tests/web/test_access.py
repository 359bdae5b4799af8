"""Whoever reads with ears or writes with a keyboard alone gets on as everybody else does."""

import asyncio
import os
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import ViewportSize

from testbed.browsers import Tab
from testbed.people import eventually, new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

PACKAGES: Final = Path(__file__).parents[2] / "web/node_modules"
AXE: Final = PACKAGES / "axe-core/axe.min.js"
INSTALLED: Final = PACKAGES / ".made-for"
THEMES: Final = ("dark", "light", "contrast")
PASSWORD: Final = "correct horse battery"
PHONE: Final[ViewportSize] = {"width": 390, "height": 700}

_LOOK_AT: Final = """async ([themes]) => {
    const found = [];
    const root = document.documentElement;
    const before = root.dataset.theme;
    for (const [at, theme] of themes.entries()) {
        root.dataset.theme = theme;
        // Colours are all that themes differ in.
        const options = at === 0 ? {} : { runOnly: ["color-contrast"] };
        const { violations } = await axe.run({ ...options, resultTypes: ["violations"] });
        for (const { id, nodes } of violations) {
            for (const { html, any, all, none } of nodes.slice(0, 4)) {
                const why = [...any, ...all, ...none].map((each) => each.message).join("; ");
                found.push(`${theme}: ${id}: ${html.slice(0, 160)}: ${why.slice(0, 240)}`);
            }
        }
    }
    root.dataset.theme = before;
    return found;
}"""

_FOCUSED: Final = "() => document.activeElement.dataset.row"
_HAS_FOCUS: Final = "(element) => element === document.activeElement"


@pytest.fixture
async def axe() -> str:
    """The script of axe-core. It is evaluated from outside, where no policy of the page holds."""
    if os.environ.get("CI"):
        # scripts/check installs it beside these tests, and then says so by this file.
        await eventually(lambda: asyncio.to_thread(INSTALLED.exists))
    elif not AXE.exists():
        pytest.skip("nobody looked for obstacles in the page, for want of (cd web && npm ci)")
    return AXE.read_text()


class Looker:
    """Looks for obstacles at each screen that it is shown, in all themes."""

    def __init__(self, axe: str) -> None:
        self._axe = axe
        self.found: dict[str, list[str]] = {}

    async def look(self, tab: Tab, screen: str) -> None:
        if not await tab.page.evaluate("() => 'axe' in window"):
            await tab.page.evaluate(self._axe)
        if found := await tab.page.evaluate(_LOOK_AT, [THEMES]):
            self.found[screen] = found


async def talk(saying: Tab, answering: Tab) -> str:
    """About all that a row can look like."""
    room = new_name()
    await saying.say(f":cr {room}")
    await saying.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    await answering.say(f":jr {room}")
    await answering.page.locator(f'[data-key="#{room}"][aria-current]').wait_for()
    await saying.say(f":topic {room} roses, and what grows beside them")
    await answering.say(f"@{saying.person.name} **look** at *this*: `code` https://example.org/a")
    await saying.until_shown(f"@{saying.person.name} look at this: code https://example.org/a")
    for line in (
        f":reply #{room} I do",
        f":react #{room} 👍",
        f":pin {room}",
        ":me waves",
        "```\nlines\nof code\n```",
        "one that goes",
        f":redact #{room}",
        "one that changes",
        f":edit #{room} one that has changed",
        "\n".join(["one that is long"] * 20),
    ):
        await saying.say(line)
    await answering.page.locator(".messages .fold").wait_for()
    await saying.until(saying.has_sent_all)
    return room


async def open_by(tab: Tab, opens: str) -> None:
    """By a command, a key, or a key on the last message."""
    await tab.field.click()
    if opens.startswith(":"):
        await tab.say(opens)
        return
    if len(opens) == 1:
        await tab.page.keyboard.press("ArrowUp")
    await tab.page.keyboard.press(opens)


DIALOGS: Final = (
    *("Control+k", "Control+Shift+k", "Alt+d", "F1"),
    *(":help", ":help kick", ":lrs", ":users", ":devices", ":conversations", ":blocked"),
    *(":password", ":totp on", ":delete-account", ":logout", ":bans {room}"),
)
"""What opens each, for somebody with an account who owns a room."""
CLICKED: Final = (
    *(".header .where button", ".sidebar .me", ".messages [data-deed=author]"),
    *('.tool[title="Settings"]', '.tool[title^="New room"]', '.tool[title="Emoji"]'),
)
ON_MESSAGES: Final = ("a", "d")
PANELS: Final = ("F2", "F8", "Control+Shift+f")


async def test_no_screen_has_an_obstacle(person: MakePerson, axe: str) -> None:
    looker = Looker(axe)
    tab = await (await person()).tab()
    await tab.page.locator("input[name=name]").wait_for()
    await looker.look(tab, "entry")
    for name in ("I have an account", "Make an account"):
        await tab.page.get_by_role("button", name=name).click()
        await looker.look(tab, name)
    await tab.page.reload()
    await tab.come_in(PASSWORD)
    other = await (await person()).come_in()
    room = await talk(tab, other)
    await looker.look(tab, "room")
    await tab.field.press("ArrowUp")
    await looker.look(tab, "message")
    await tab.page.keyboard.press("Escape")
    for opens in PANELS:
        await tab.page.keyboard.press(opens)
        await tab.page.locator(".panel .panel-head").wait_for()
        await looker.look(tab, opens)
    dialog = tab.page.locator("dialog[open]")
    for opens in (*DIALOGS, *ON_MESSAGES, *CLICKED):
        if opens in CLICKED:
            await tab.page.locator(opens).first.click()
        else:
            await open_by(tab, opens.format(room=room))
        await dialog.wait_for()
        await looker.look(tab, opens)
        await tab.page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
    await open_by(other, "!")
    await other.page.locator("dialog[open]").wait_for()
    await looker.look(other, "report")
    await other.page.keyboard.press("Escape")
    await other.page.set_viewport_size(PHONE)
    await looker.look(other, "room on a phone")
    await other.page.locator(".header .tool").last.click()
    await other.page.locator("main.panel").wait_for()
    await looker.look(other, "members on a phone")
    await other.page.locator(".panel-head .tool").last.click()
    await other.page.locator(".header .back").click()
    await looker.look(other, "list on a phone")
    assert looker.found == {}


async def test_lists_are_walked_by_arrows(person: MakePerson) -> None:
    tab, other = await (await person()).come_in(), await (await person()).come_in()
    room = await talk(tab, other)
    keyboard = tab.page.keyboard
    # Out of the empty field into the messages, each of which is one stop.
    await tab.field.focus()
    await keyboard.press("ArrowUp")
    texts = []
    for _ in range(3):
        texts.append(await tab.page.evaluate(_FOCUSED))
        await keyboard.press("ArrowUp")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        await keyboard.press(key)
    assert len(set(texts)) == 3
    assert await tab.page.evaluate(_FOCUSED) == texts[0]
    # Past the last one is the field again.
    await keyboard.press("ArrowDown")
    assert await tab.field.evaluate(_HAS_FOCUS)
    # Of the conversations Tab reaches the open one alone.
    entries = tab.page.locator(".conversations [data-key]")
    reached = await entries.evaluate_all("(all) => all.filter((each) => each.tabIndex >= 0).length")
    assert reached == 1
    await entries.last.focus()
    for _ in range(await entries.count()):
        await keyboard.press("ArrowUp")
    assert await entries.first.evaluate(_HAS_FOCUS)
    await keyboard.press("Enter")
    await tab.page.locator("li:first-child > [data-key][aria-current]").wait_for()
    # And of the members.
    await tab.open(f"#{room}")
    await keyboard.press("F2")
    members = tab.page.locator(".panel .rows button")
    await members.nth(1).wait_for()
    await keyboard.press("F2")
    assert await members.nth(0).evaluate(_HAS_FOCUS)
    await keyboard.press("ArrowDown")
    assert await members.nth(1).evaluate(_HAS_FOCUS)
    await keyboard.press("Escape")
    assert await tab.field.evaluate(_HAS_FOCUS)
