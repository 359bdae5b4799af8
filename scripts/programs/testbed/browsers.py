"""People in browsers: Debian's chromium, driven by playwright, at the web door of a cluster.

What a page asks for goes through the real door under its real policy, so nothing here adds scripts
to it: it is typed into and looked at as somebody would, and its database is read from outside.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from testbed.cluster import DEADLINE_S
from testbed.people import eventually, new_name

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS: Final = (
    "--no-sandbox",  # As root there is none.
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A renderer that waits for a tab would be taken for one.
    "--disable-features=SpareRendererForSitePerProcess",
)
_BUSY_MS: Final = 300
"""A page keeps its process so busy for so long that nobody can mistake it for another one."""

_SAY_MANY: Final = """async ([texts, pause]) => {
    const field = document.querySelector(".composer textarea");
    const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
    const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    for (const text of texts) {
        write.call(field, text);
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        await rest(0);
        field.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })
        );
        while (field.value !== "") await rest(0);
        await rest(pause);
    }
}"""
"""Types and sends one after another, within the page: each through playwright would take long."""

_KEPT: Final = """async () => {
    const asked = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const kept = { entries: [], outbox: [], drafts: [] };
    for (const { name } of await indexedDB.databases()) {
        const database = await asked(indexedDB.open(name));
        for (const part of Object.keys(kept)) {
            kept[part].push(...await asked(database.transaction(part).objectStore(part).getAll()));
        }
        database.close();
    }
    return kept;
}"""

_FIRST_SEEN: Final = """() => {
    const top = document.querySelector(".scroller").getBoundingClientRect().top;
    for (const row of document.querySelectorAll(".messages > li")) {
        const place = row.lastElementChild.getBoundingClientRect().top - top;
        if (place >= 0) return [row.dataset.row, place];
    }
    return ["", 0];
}"""
_MOVED: Final = """async ([row, before]) => {
    const drawn = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await drawn();
    await drawn();
    const top = document.querySelector(".scroller").getBoundingClientRect().top;
    const found = document.querySelector(`.messages > li[data-row="${CSS.escape(row)}"]`);
    return Math.abs(found.lastElementChild.getBoundingClientRect().top - top - before);
}"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """To be had only where `CHROMIUM` is."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=DEADLINE_S * 1000
        )
        yield browser
        await browser.close()


class BrowserPerson:
    """Somebody with a browser of their own: all its tabs share cookies, and what is kept."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        """`options` are those of a browser context, as `viewport`, `color_scheme`, `has_touch`."""
        self.name = new_name()
        self._options = {"locale": "en-GB", **options}
        self.url = f"http://{address}/"
        self.troubles: list[str] = []
        """What pages have complained of: errors of scripts, and what their policy forbids."""
        self._browser = browser
        self._context: BrowserContext

    async def __aenter__(self) -> Self:
        self._context = await self._browser.new_context(**self._options)
        self._context.set_default_timeout(DEADLINE_S * 1000)
        self._context.on("weberror", lambda error: self.troubles.append(str(error.error)))
        self._context.on("console", self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        text = message.text
        if "Content Security Policy" in text or "Trusted" in text:
            self.troubles.append(text)

    async def tab(self) -> "Tab":
        """Another one; the page is at its beginning."""
        page = await self._context.new_page()
        await page.goto(self.url)
        return Tab(self, page)

    async def come_in(self, password: str = "") -> "Tab":
        """A tab in which the chat has begun; see `Tab.come_in`."""
        tab = await self.tab()
        await tab.come_in(password)
        return tab


class Tab:
    def __init__(self, person: BrowserPerson, page: Page) -> None:
        self.person = person
        self.page = page
        self.field = page.locator(".composer textarea")
        self.rows = page.locator(".messages .words")
        self._pid = 0

    # --- What somebody does ---------------------------------------------------------------------

    async def come_in(self, password: str = "") -> None:
        """By name, with a new account if there is a password; or as whoever was here before."""
        name = self.page.locator("input[name=name]")
        await name.or_(self.field).first.wait_for()
        if await name.count():
            if password:
                await self.page.get_by_role("button", name="Make an account").click()
                for field in await self.page.locator("input[type=password]").all():
                    await field.fill(password)
            await name.fill(self.person.name)
            await self.page.locator("form button[type=submit]").click()
        await self.has_begun()

    async def has_begun(self) -> None:
        await self.field.wait_for()

    async def say(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def say_many(self, texts: Sequence[str], pause_ms: int = 0) -> None:
        await self.page.evaluate(_SAY_MANY, [list(texts), pause_ms])

    async def open(self, key: str) -> None:
        await self.page.locator(f'.conversations [data-key="{key}"]').click()

    async def is_kept(self) -> None:
        """Until the page can be opened without a server."""
        await self.page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")

    async def wake(self) -> None:
        """As when somebody looks at it again, after a while."""
        await self.page.evaluate("() => { window.dispatchEvent(new Event('online')); }")

    async def reload(self) -> None:
        await self.page.reload()
        await self.has_begun()

    # --- What is seen ---------------------------------------------------------------------------

    async def texts(self) -> list[str]:
        """Of all messages that are shown, in their order."""
        return await self.rows.all_inner_texts()

    async def until_shown(self, text: str) -> None:
        await self.rows.get_by_text(text, exact=True).first.wait_for(state="attached")

    async def first_seen(self) -> list[Any]:
        """The first row whose message is wholly seen, and how far it is below the top."""
        found: list[Any] = await self.page.evaluate(_FIRST_SEEN)
        return found

    async def moved_px(self, seen: list[Any]) -> float:
        """How far such a row is from where it was, once all that has changed is drawn."""
        found: float = await self.page.evaluate(_MOVED, seen)
        return found

    async def until(self, condition: Callable[[], Awaitable[object]]) -> None:
        """Asks the page again and again: under its policy nothing in it may be evaluated later."""
        await eventually(condition)

    async def is_online(self) -> bool:
        return await self.page.locator(".status .network.online").count() > 0

    async def is_offline(self) -> bool:
        return await self.page.locator(".status .network.offline").count() > 0

    async def has_sent_all(self) -> bool:
        """Nothing waits in the outbox, whichever tab has said it."""
        return await self.is_online() and not (await self.kept())["outbox"]

    async def kept(self) -> dict[str, list[dict[str, Any]]]:
        """What the browser keeps: `entries`, `outbox`, `drafts`, as the page has written them."""
        found: dict[str, list[dict[str, Any]]] = await self.page.evaluate(_KEPT)
        return found

    async def kept_texts(self, key: str) -> list[str]:
        """Of messages of one conversation, in the order of their sequences."""
        return [
            row["entry"]["body"]["text"]
            for row in (await self.kept())["entries"]
            if row["key"] == key and "text" in row["entry"]["body"]
        ]

    # --- What befalls it ------------------------------------------------------------------------

    async def pid(self) -> int:
        """Of the process that runs the page: the one that is busy when the page is.

        It is known from then on; ask while other pages are quiet.
        """
        if self._pid:
            return self._pid
        browser = self.page.context.browser
        assert browser is not None
        session = await browser.new_browser_cdp_session()
        before = await _cpu_times(session)
        await self.page.evaluate(
            "(ms) => { const end = performance.now() + ms; while (performance.now() < end); }",
            _BUSY_MS,
        )
        after = await _cpu_times(session)
        await session.detach()
        self._pid = max(after, key=lambda pid: after[pid] - before.get(pid, 0.0))
        return self._pid

    async def kill(self) -> None:
        """By kill -9: nothing in the page can do anything any more."""
        crashed = asyncio.Event()
        self.page.on("crash", lambda _: crashed.set())
        os.kill(await self.pid(), signal.SIGKILL)
        async with asyncio.timeout(DEADLINE_S):
            await crashed.wait()


async def _cpu_times(session: Any) -> dict[int, float]:
    found = await session.send("SystemInfo.getProcessInfo")
    return {
        each["id"]: each["cpuTime"] for each in found["processInfo"] if each["type"] == "renderer"
    }
