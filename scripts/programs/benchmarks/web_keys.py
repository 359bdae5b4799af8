"""What a key costs with much to show: from it to the end of the frame that it has changed."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Locator

from benchmarks import web_browser, web_people
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster
from benchmarks.web_browser import FIELD
from zchat.client import connect
from zchat.protocol.limits import GUEST_ROOMS_MAX

KEY_MS: Final = 16.0
KEYS: Final = 200
MESSAGES: Final = 10_000
CONVERSATIONS: Final = 500
ROOMS: Final = 90
"""Of them; a user can be in few more. The others are private ones."""
_USER: Final = "reader"
_PASSWORD: Final = "a long password"
_LETTERS: Final = "the quick brown fox jumps over the lazy dog "


def measure(cluster: ZchatCluster, _folder: Path, _times: int) -> Sequence[Figure]:
    return asyncio.run(_measure(f"{cluster.host}:{cluster.port}"))


async def _measure(address: str) -> Sequence[Figure]:
    async with (
        # A screen shows a frame each 16.7 ms: the wait for it would be all that is seen.
        web_browser.browser(at_once=True) as browser,
        web_browser.profile(browser) as profile,
    ):
        page = await web_browser.open_page(profile, address)
        await web_browser.enter(page, _USER, _PASSWORD)
        async with connect(_USER, address, _PASSWORD) as chat:
            await web_people.make_rooms(address, chat, ROOMS, GUEST_ROOMS_MAX)
        await web_people.write_privately(address, _USER, CONVERSATIONS - ROOMS)
        last = await web_people.say(address, MESSAGES)
        await page.reload()
        listed = page.locator(".conversations [data-key]")
        # The lobby is one of them, too.
        await web_browser.until(lambda: _is_count(listed, CONVERSATIONS))
        await page.locator(web_browser.MESSAGES).get_by_text(last, exact=True).wait_for()
        taken = {}
        await page.locator(FIELD).focus()
        letters = [_LETTERS[at % len(_LETTERS)] for at in range(KEYS)]
        keys = ["Space" if letter == " " else letter for letter in letters]
        taken["a letter"] = await web_browser.key_times(page, keys)
        await page.locator(FIELD).fill("")
        await page.locator(".scroller").focus()
        taken["a message up"] = await web_browser.key_times(page, ["ArrowUp"] * KEYS)
        await page.locator(".sidebar .filter input, input.filter").first.focus()
        found = [key for _ in range(KEYS // 8) for key in (*"guest1", *["Backspace"] * 6)]
        taken["a letter that filters the list"] = await web_browser.key_times(page, found[:KEYS])
    return [
        Figure(f"key to frame, {name}", "ms", values, KEY_MS, "p95")
        for name, values in taken.items()
    ]


async def _is_count(listed: Locator, least: int) -> bool:
    return await listed.count() >= least
