"""How long a page takes that is opened after much was said."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import web_browser, web_people
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster
from benchmarks.web_browser import MESSAGES, Wanted

CATCH_UP_MS: Final = 1_000.0
MISSED: Final = 10_000
TIMES: Final = 5


def measure(cluster: ZchatCluster, _folder: Path, times: int) -> Sequence[Figure]:
    return asyncio.run(_measure(f"{cluster.host}:{cluster.port}", min(times, TIMES)))


async def _measure(address: str, times: int) -> Sequence[Figure]:
    first, caught_up = [], []
    async with web_browser.browser() as browser, web_browser.profile(browser) as profile:
        page = await web_browser.open_page(profile, address)
        await web_browser.enter(page, "reader", "a long password")
        await page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
        await web_people.say(address, 200)
        await page.locator(MESSAGES).last.wait_for()
        for number in range(times):
            await page.close()
            last = await web_people.say(address, MISSED, f"of {number}")
            wanted = {"first": Wanted(MESSAGES), "last": Wanted(MESSAGES, last)}
            page = await web_browser.open_page(profile, address, wanted)
            caught_up.append(await web_browser.until_shown(page, "last"))
            first.append(await web_browser.until_shown(page, "first"))
            await page.locator(".status .network.online").wait_for()
    return [
        Figure("from the start to the last of them", "ms", caught_up, CATCH_UP_MS),
        Figure("to the first message that is shown", "ms", first),
    ]
