"""Nothing that is said in a browser is lost, doubled or reordered, whatever dies."""

import asyncio
import os
import signal
from typing import Final

import pytest

from testbed.browsers import Tab
from testbed.cluster import GATEWAYS, ROOM_SERVICE, Cluster
from testbed.people import new_name
from zchat.client import connect
from zchat.protocol.messages import Entry, MessagePosted

from .conftest import MakePerson

pytestmark = pytest.mark.integration

LOBBY: Final = "#lobby"
MESSAGES: Final = 1_000


async def said_by(cluster: Cluster, author: str) -> list[str]:
    """What stands in the lobby of them, as a client of our own reads it."""
    entries: list[Entry] = []
    async with connect(new_name(), cluster.address) as reader:
        more = True
        while more:
            before = entries[0].sequence if entries else None
            page = await reader.history(LOBBY, 200, before)
            entries, more = page.entries + entries, page.more
    sequences = [entry.sequence for entry in entries]
    assert sequences == list(range(1, len(sequences) + 1))
    return [
        entry.body.text
        for entry in entries
        if isinstance(entry.body, MessagePosted) and entry.author == author
    ]


async def has_draft(tab: Tab, text: str) -> bool:
    drafts: list[object] = [*(await tab.kept())["drafts"]]
    return text in drafts


async def check_once_and_in_order(cluster: Cluster, texts: list[str], *tabs: Tab) -> None:
    author = tabs[0].person.name
    assert await said_by(cluster, author) == texts
    for tab in tabs:
        await tab.until_shown(texts[-1])
        assert [text for text in await tab.kept_texts(LOBBY) if text in set(texts)] == texts
        shown = [text for text in await tab.texts() if text in set(texts)]
        assert shown == texts[len(texts) - len(shown) :]
        assert shown


async def test_a_thousand_messages_while_gateways_and_the_leading_tab_are_killed(
    cluster: Cluster, person: MakePerson
) -> None:
    ann, bob = await person(), await person()
    leading = await ann.come_in()
    await leading.pid()
    writing = await ann.come_in()
    reading = await bob.come_in()
    texts = [f"{ann.name} says {number}" for number in range(MESSAGES)]
    saying = asyncio.create_task(writing.say_many(texts, pause_ms=5))
    await reading.until_shown(texts[150])
    await asyncio.to_thread(cluster.kill, GATEWAYS[0])
    await reading.until_shown(texts[400])
    await leading.kill()
    await reading.until_shown(texts[650])
    await asyncio.to_thread(cluster.kill, GATEWAYS[1])
    await saying
    await writing.until(writing.has_sent_all)
    await check_once_and_in_order(cluster, texts, writing, reading)


async def test_what_a_killed_page_had_not_sent_is_sent_by_the_next_one(
    cluster: Cluster, person: MakePerson
) -> None:
    ann = await person()
    tab = await ann.come_in()
    texts = [f"{ann.name} waits {number}" for number in range(20)]
    # Who would answer sleeps; the gateways do not.
    asleep = cluster.pid(ROOM_SERVICE)
    cluster.signal(asleep, signal.SIGSTOP)
    try:
        await tab.say_many(texts)
        assert len((await tab.kept())["outbox"]) == len(texts)
        await tab.kill()
        tab = await ann.tab()
        await tab.has_begun()
        await tab.until_shown(texts[-1])
    finally:
        cluster.signal(asleep, signal.SIGCONT)
    await tab.until(tab.has_sent_all)
    await check_once_and_in_order(cluster, texts, tab)


async def test_a_page_without_a_server_shows_what_it_has_and_sends_later_what_is_said(
    cluster: Cluster, person: MakePerson
) -> None:
    ann = await person()
    tab = await ann.come_in(password="a long password")
    texts = [f"{ann.name} is offline {number}" for number in range(6)]
    await tab.say(texts[0])
    await tab.until(tab.has_sent_all)
    await tab.is_kept()
    await asyncio.to_thread(cluster.stop)
    try:
        for number in range(1, len(texts)):
            await tab.reload()
            await tab.until_shown(texts[number - 1])
            await tab.until(tab.is_offline)
            await tab.say(texts[number])
            await tab.until_shown(texts[number])
    finally:
        await asyncio.to_thread(cluster.start)
    await tab.until(tab.has_sent_all)
    await check_once_and_in_order(cluster, texts, tab)


async def test_what_is_written_and_not_sent_outlives_the_page(person: MakePerson) -> None:
    ann = await person()
    tab = await ann.come_in()
    # What was typed a moment ago, with no time to keep it.
    await tab.field.fill("half a th")
    await tab.reload()
    await tab.until(tab.field.input_value)
    assert await tab.field.input_value() == "half a th"

    await tab.field.fill("half a thought")

    await tab.until(lambda: has_draft(tab, "half a thought"))
    await tab.kill()
    tab = await ann.come_in()
    await tab.until(tab.field.input_value)
    assert await tab.field.input_value() == "half a thought"


async def test_another_tab_leads_when_the_leading_one_sleeps(
    cluster: Cluster, person: MakePerson
) -> None:
    ann = await person()
    leading = await ann.come_in()
    asleep = await leading.pid()
    other = await ann.come_in()
    await other.until(other.is_online)
    os.kill(asleep, signal.SIGSTOP)
    texts = [f"{ann.name} is awake {number}" for number in range(3)]
    try:
        await other.wake()
        for text in texts:
            await other.say(text)
        await other.until(other.has_sent_all)
    finally:
        os.kill(asleep, signal.SIGCONT)
    await leading.say(f"{ann.name} slept")
    texts.append(f"{ann.name} slept")
    await other.until(other.has_sent_all)
    await check_once_and_in_order(cluster, texts, other, leading)


async def test_a_page_whose_files_are_gone_loads_itself_again_with_what_is_typed(
    person: MakePerson,
) -> None:
    ann = await person()
    tab = await ann.come_in()
    await tab.is_kept()
    await tab.field.fill("half a thought")
    # As when another tab has the worker of a newer build take over.
    async with tab.page.expect_navigation():
        await tab.page.evaluate(
            "() => { navigator.serviceWorker.dispatchEvent(new Event('controllerchange')); }"
        )
    await tab.has_begun()
    await tab.until(tab.field.input_value)
    assert await tab.field.input_value() == "half a thought"


CLAIM = """async () => {
    const [{ name }] = await indexedDB.databases();
    const opened = indexedDB.open(name);
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const session = opened.result.transaction("session", "readwrite").objectStore("session");
    const term = session.get("term");
    term.onsuccess = () => session.put(term.result + 1, "term");
    await new Promise((resolve) => (session.transaction.oncomplete = resolve));
    opened.result.close();
}"""
"""As a tab does that is about to lead."""


async def test_a_tab_leads_again_whose_place_was_claimed_and_not_taken(
    cluster: Cluster, person: MakePerson
) -> None:
    ann = await person()
    tab = await ann.come_in()
    await tab.until(tab.has_sent_all)
    # Somebody tried to log in anew beside it, and mistook the password.
    await tab.page.evaluate(CLAIM)
    texts = [f"{ann.name} is still here {number}" for number in range(3)]
    for text in texts:
        await tab.say(text)
    await tab.until(tab.has_sent_all)
    await check_once_and_in_order(cluster, texts, tab)


async def test_where_nothing_can_be_kept_it_is_said_all_the_same(
    cluster: Cluster, person: MakePerson
) -> None:
    ann, bob = await person(), await person()
    tab, reading = await ann.come_in(), await bob.come_in()
    session = await tab.page.context.new_cdp_session(tab.page)
    # As by whoever clears the data of all pages.
    cleared = {"origin": ann.url.rstrip("/"), "storageTypes": "indexeddb"}
    await session.send("Storage.clearDataForOrigin", cleared)
    texts = [f"{ann.name} keeps nothing {number}" for number in range(3)]
    for text in texts:
        await tab.say(text)
        await reading.until_shown(text)
        await tab.until_shown(text)
    assert await said_by(cluster, ann.name) == texts
    # Nor is the page lost to whoever has to lead then.
    other = await ann.come_in()
    await session.send("Storage.clearDataForOrigin", cleared)
    await tab.kill()
    await other.until(other.is_online)
    texts.append(f"{ann.name} goes on")
    await other.say(texts[-1])
    await reading.until_shown(texts[-1])
    assert await said_by(cluster, ann.name) == texts


async def test_that_nothing_can_be_kept_is_told_once(person: MakePerson) -> None:
    ann = await person()
    tab = await ann.come_in()
    session = await tab.page.context.new_cdp_session(tab.page)
    cleared = {"origin": ann.url.rstrip("/"), "storageTypes": "indexeddb"}
    await session.send("Storage.clearDataForOrigin", cleared)
    for number in range(3):
        await tab.say(f"{ann.name} keeps nothing {number}")
        await tab.until_shown(f"{ann.name} keeps nothing {number}")
    told = tab.page.locator(".notices").get_by_text("cannot be kept in this browser")
    assert await told.count() == 1


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_gateway_that_sleeps_is_left_as_soon_as_somebody_looks(
    cluster: Cluster, person: MakePerson, gateway: str
) -> None:
    ann = await person()
    tab = await ann.come_in()
    texts = [f"{ann.name} at {gateway} {number}" for number in range(5)]
    await tab.say(texts[0])
    await tab.until(tab.has_sent_all)
    # Its sockets stay open, and nothing comes of them.
    asleep = cluster.pid(gateway)
    cluster.signal(asleep, signal.SIGSTOP)
    try:
        for text in texts[1:]:
            await tab.say(text)
        await tab.wake()
        await tab.until(tab.has_sent_all)
    finally:
        cluster.signal(asleep, signal.SIGCONT)
    await check_once_and_in_order(cluster, texts, tab)


SEE_SOCKETS: Final = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(...given) { super(...given); window.sockets.push(this); }
    };
"""
LOSE_THE_LINE: Final = """() => {
    const none = () => undefined;
    Object.assign(window.sockets.at(-1), { send: none, onmessage: none, onclose: none });
}"""
"""The socket says OPEN from now on, and nothing comes or goes: as where the network has changed."""
WAKING: Final = {
    "online": "() => { dispatchEvent(new Event('online')); }",
    "visible": "() => { document.dispatchEvent(new Event('visibilitychange')); }",
    "focus": "() => { dispatchEvent(new Event('focus')); }",
}


async def test_a_socket_that_says_it_is_open_and_is_dead_is_left(
    cluster: Cluster, person: MakePerson
) -> None:
    ann, bob = await person(), await person()
    tab = await ann.tab()
    await tab.page.add_init_script(SEE_SOCKETS)
    await tab.page.reload()
    await tab.come_in()
    other = await bob.come_in()
    texts = [f"{bob.name} {number}" for number in range(50)]
    await other.say_many(texts)
    await tab.until_shown(texts[-1])
    # Somebody reads further up.
    await tab.page.locator(".scroller").evaluate("(each) => { each.scrollTop -= 300; }")
    await tab.page.locator(".pill.below").wait_for()
    seen = await tab.first_seen()
    for wakes, event in WAKING.items():
        sockets = await tab.page.evaluate("() => window.sockets.length")
        await tab.page.evaluate(LOSE_THE_LINE)
        more = [f"{bob.name} at {wakes} {number}" for number in range(10)]
        await other.say_many(more)
        await other.until(other.has_sent_all)
        await tab.page.evaluate(event)
        await tab.until_shown(more[-1])
        assert await tab.page.evaluate("() => window.sockets.length") == sockets + 1
        # Nothing is missing, nothing is there twice, and what was read is where it was.
        texts += more
        assert [text for text in await tab.texts() if text in texts] == texts
        assert await tab.moved_px(seen) <= 1
    await check_once_and_in_order(cluster, texts, other)


async def test_a_page_that_was_frozen_goes_on_where_it_was(
    cluster: Cluster, person: MakePerson
) -> None:
    ann, bob = await person(), await person()
    tab = await ann.come_in()
    # Browsers freeze only pages that are hidden, which none is that has no screen.
    frozen = await tab.pid()
    other = await bob.come_in()
    await tab.field.fill("half a thought")
    texts = [f"{bob.name} while it froze {number}" for number in range(20)]
    os.kill(frozen, signal.SIGSTOP)
    try:
        await other.say_many(texts)
        await other.until(other.has_sent_all)
    finally:
        os.kill(frozen, signal.SIGCONT)
    await tab.until_shown(texts[-1])
    assert [text for text in await tab.texts() if text in texts] == texts
    assert await tab.field.input_value() == "half a thought"
    texts = [f"{ann.name} has thawed"]
    await tab.say(texts[0])
    await tab.until(tab.has_sent_all)
    await check_once_and_in_order(cluster, texts, tab, other)
