"""A browser to be measured: when something is shown in it, what keys cost, and each frame.

Whatever is asked of a page here is asked by scripts that are put into it from outside, which its
policy does not forbid.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeVar

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from testbed.browsers import ARGUMENTS, CHROMIUM

T = TypeVar("T")

TIMEOUT_S: Final = 60.0
MESSAGES: Final = ".messages .words"
FIELD: Final = ".composer textarea"
NAME: Final = "input[name=name]"
_VIEW: Final = ViewportSize(width=1280, height=800)
_LOOK_AGAIN_S: Final = 0.02
_AT_ONCE: Final = ("--disable-frame-rate-limit", "--disable-gpu-vsync")
"""Frames are drawn when there is something to draw, and wait for no screen."""

_WATCH: Final = """
const shown = (globalThis.benchShown = {});
const wanted = WANTED;
const afterFrame = (then) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(0);
});
const look = () => {
    for (const [name, selector, text] of wanted) {
        if (name in shown) continue;
        const all = document.querySelectorAll(selector);
        const last = all[all.length - 1];
        if (!last || (text && last.textContent !== text)) continue;
        shown[name] = 0;
        afterFrame(() => { shown[name] = performance.now(); });
    }
};
new MutationObserver(look).observe(document, {
    subtree: true, childList: true, characterData: true,
});
addEventListener("submit", () => { shown.submitted = performance.now(); }, true);
"""
_KEYS: Final = """() => {
    const taken = (globalThis.benchKeys = []);
    addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { taken.push(performance.now() - timeStamp); };
        channel.port2.postMessage(0);
    }), true);
}"""
_FRAMES: Final = """() => {
    const frames = (globalThis.benchFrames = []);
    let last = 0;
    const frame = (at) => {
        if (last) frames.push(at - last);
        last = at;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
}"""


class Wanted(NamedTuple):
    """The last element of that selector, with that text, or any if it is empty."""

    selector: str
    text: str = ""


@asynccontextmanager
async def browser(*, at_once: bool = False) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        arguments = [*ARGUMENTS, *(_AT_ONCE if at_once else ())]
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=arguments, timeout=TIMEOUT_S * 1000
        )
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def profile(browser: Browser) -> AsyncIterator[BrowserContext]:
    """As of somebody who has never been here."""
    context = await browser.new_context(viewport=_VIEW, locale="en-GB")
    context.set_default_timeout(TIMEOUT_S * 1000)
    try:
        yield context
    finally:
        await context.close()


async def open_page(
    profile: BrowserContext, address: str, wanted: Mapping[str, Wanted] | None = None
) -> Page:
    """Of what is wanted it is known later when it was painted; see `until_shown`."""
    page: Page = await profile.new_page()
    rows = [[name, *each] for name, each in (wanted or {}).items()]
    await page.add_init_script("{" + _WATCH.replace("WANTED", json.dumps(rows)) + "}")
    await page.goto(f"http://{address}/", wait_until="commit")
    return page


async def until_shown(page: Page, name: str) -> float:
    """The milliseconds from the start of the page until that was painted."""
    at_ms: float = await until(
        lambda: page.evaluate("(name) => globalThis.benchShown?.[name]", name)
    )
    return at_ms


async def until(found: Callable[[], Awaitable[T]]) -> T:
    """Asks again and again, until it is something."""
    async with asyncio.timeout(TIMEOUT_S):
        while not (value := await found()):  # noqa: ASYNC110 - The page tells nobody.
            await asyncio.sleep(_LOOK_AGAIN_S)
    return value


async def enter(page: Page, name: str, password: str = "") -> None:
    """With a new account, if there is a password."""
    await page.locator(NAME).wait_for()
    if password:
        await page.get_by_role("button", name="Make an account").click()
        for field in await page.locator("input[type=password]").all():
            await field.fill(password)
    await page.locator(NAME).fill(name)
    await page.locator("form button[type=submit]").click()
    await page.locator(FIELD).wait_for()


async def key_times(page: Page, keys: Sequence[str]) -> list[float]:
    """Milliseconds from each key to the end of the frame that it has changed."""
    await page.evaluate(_KEYS)
    taken: list[float] = []
    for key in keys:
        await page.keyboard.press(key)
        before = len(taken)
        async with asyncio.timeout(TIMEOUT_S):
            while len(taken) == before:
                taken = await page.evaluate("() => benchKeys")
    return taken


async def watch_frames(page: Page) -> None:
    await page.evaluate(_FRAMES)


async def frame_times(page: Page) -> list[float]:
    """Milliseconds between each two frames since `watch_frames`."""
    taken: list[float] = await page.evaluate("() => benchFrames")
    return taken


async def heap_mb(page: Page, *, collect: bool = False) -> float:
    """What scripts have in memory; with `collect`, without what they need no more."""
    session = await page.context.new_cdp_session(page)
    if collect:
        await session.send("HeapProfiler.collectGarbage")
    used: float = (await session.send("Runtime.getHeapUsage"))["usedSize"]
    await session.detach()
    return used / 1e6
