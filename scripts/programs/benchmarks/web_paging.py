"""Whether the page keeps up with who leafs through a long conversation by a key that is held."""

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Page

from benchmarks import web_browser, web_people
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster

FRAME_MS: Final = 16.8
"""Of a screen of 60 Hz, by a clock that is rounded to a tenth."""
LONGEST_FRAME_MS: Final = 32.0
HEAP_MB: Final = 80.0
MESSAGES: Final = 100_000
SECONDS_MAX: Final = 90.0
"""Whoever has not come to the beginning by then is told how far it was."""
_REPEAT_S: Final = 1 / 30
"""As keyboards repeat a key."""
_NUMBER: Final = re.compile(r"message (\d+)")


def measure(cluster: ZchatCluster, _folder: Path, _times: int) -> Sequence[Figure]:
    return asyncio.run(_measure(f"{cluster.host}:{cluster.port}"))


async def _measure(address: str) -> Sequence[Figure]:
    await web_people.say(address, MESSAGES)
    async with web_browser.browser() as browser, web_browser.profile(browser) as profile:
        page = await web_browser.open_page(profile, address)
        await web_browser.enter(page, "reader", "a long password")
        await page.locator(web_browser.MESSAGES).last.wait_for()
        await page.locator(".scroller").focus()
        before = await web_browser.heap_mb(page, collect=True)
        heaps: list[float] = []
        await web_browser.watch_frames(page)
        begun = time.perf_counter()
        passed = await _leaf(page, heaps)
        took_s = time.perf_counter() - begun
        frames = await web_browser.frame_times(page)
        after = await web_browser.heap_mb(page, collect=True)
    return [
        Figure("from a frame to the next", "ms", frames, FRAME_MS, "p95"),
        Figure("the longest of each second", "ms", _longest(frames), LONGEST_FRAME_MS, "max"),
        Figure("heap, while it goes on", "MB", heaps),
        Figure("heap, of it in use at the end", "MB", [after], HEAP_MB),
        Figure("heap, in use before", "MB", [before]),
        Figure("messages passed", "", [float(passed)]),
        Figure("messages passed in a second", "", [passed / took_s]),
    ]


async def _leaf(page: Page, heaps: list[float]) -> int:
    """Returns how many messages have passed."""
    end = time.perf_counter() + SECONDS_MAX
    number = MESSAGES
    while number > 0 and time.perf_counter() < end:
        for _ in range(round(1 / _REPEAT_S)):
            next_at = time.perf_counter() + _REPEAT_S
            await page.keyboard.press("PageUp")
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
        heaps.append(await web_browser.heap_mb(page))
        found = _NUMBER.match(await page.locator(web_browser.MESSAGES).first.inner_text())
        number = int(found[1]) if found else number
    return MESSAGES - number


def _longest(frames: Sequence[float]) -> list[float]:
    longest = [0.0]
    at_ms = 0.0
    for frame in frames:
        at_ms += frame
        if at_ms >= 1000 * len(longest):
            longest.append(0.0)
        longest[-1] = max(longest[-1], frame)
    return longest
