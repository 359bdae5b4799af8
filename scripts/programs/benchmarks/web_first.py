"""How long it takes until a message is shown: to who was here before, and to who was not."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from benchmarks import web_browser, web_people
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster
from benchmarks.web_browser import MESSAGES, NAME, Wanted
from benchmarks.web_distance import Distance

WARM_MS: Final = 150.0
COLD_MS: Final = 800.0
ROUND_TRIP_S: Final = 0.1
_SAID: Final = 300
_SHOWN: Final = {"form": Wanted(NAME), "message": Wanted(MESSAGES)}


def measure(cluster: ZchatCluster, _folder: Path, times: int) -> Sequence[Figure]:
    return asyncio.run(_measure(cluster, times))


async def _measure(cluster: ZchatCluster, times: int) -> Sequence[Figure]:
    address = f"{cluster.host}:{cluster.port}"
    await web_people.say(address, _SAID)
    async with (
        web_browser.browser() as browser,
        Distance(cluster.host, cluster.port, ROUND_TRIP_S) as far,
    ):
        warm = await _warm(browser, address, times)
        forms, messages = [], []
        for number in range(times):
            form, message = await _cold(browser, far.address, f"new{number}")
            forms.append(form)
            messages.append(message)
    both = [form + message for form, message in zip(forms, messages, strict=True)]
    trip = f"{ROUND_TRIP_S * 1000:.0f} ms away"
    return [
        Figure("warm: the first message", "ms", warm, WARM_MS),
        Figure(f"cold, {trip}: the first message", "ms", both, COLD_MS),
        Figure("of it: until the page asks for a name", "ms", forms),
        Figure("of it: from the name to the first message", "ms", messages),
    ]


async def _warm(browser: Browser, address: str, times: int) -> list[float]:
    taken = []
    async with web_browser.profile(browser) as profile:
        page = await web_browser.open_page(profile, address)
        await web_browser.enter(page, "returns", "a long password")
        await page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
        await page.locator(MESSAGES).last.wait_for()
        for number in range(times + 1):
            await page.close()
            page = await web_browser.open_page(profile, address, _SHOWN)
            took_ms = await web_browser.until_shown(page, "message")
            # The first one reads the disk, and compiles what the next ones have compiled.
            if number:
                taken.append(took_ms)
            await page.locator(".status .network.online").wait_for()
    return taken


async def _cold(browser: Browser, address: str, name: str) -> tuple[float, float]:
    """Milliseconds until there is a form, and from when it is sent to a message."""
    async with web_browser.profile(browser) as profile:
        page = await web_browser.open_page(profile, address, _SHOWN)
        form = await web_browser.until_shown(page, "form")
        await web_browser.enter(page, name)
        message = await web_browser.until_shown(page, "message")
        return form, message - await web_browser.until_shown(page, "submitted")
