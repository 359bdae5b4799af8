"""The cookie that lets a browser in again, in a real one: whom it lets in, and whom not."""

import asyncio
import base64

import pytest
from playwright.async_api import expect

from testbed.browsers import BrowserPerson, Tab
from testbed.cluster import Cluster

from .conftest import MakePerson

pytestmark = pytest.mark.integration

PASSWORD = "correct horse battery"


async def token_of(tab: Tab) -> str:
    """Of the first account of the browser."""
    [cookie] = [
        each for each in await tab.page.context.cookies() if each["name"].startswith("zchat-0")
    ]
    return cookie["value"]


async def log_out(tab: Tab) -> None:
    await tab.say(":logout")
    await tab.page.get_by_role("button", name="Log out", exact=True).click()
    await tab.page.locator("input[name=name]").wait_for()


async def try_by_name_alone(person: BrowserPerson, tab: Tab) -> None:
    await tab.page.locator("input[name=name]").fill(person.name)
    await tab.page.locator("form button[type=submit]").click()


async def test_who_logs_out_while_there_is_no_server_is_not_let_in_by_name_alone(
    cluster: Cluster, person: MakePerson
) -> None:
    ann = await person()
    tab = await ann.come_in(PASSWORD)
    await tab.is_kept()
    await asyncio.to_thread(cluster.stop)
    await tab.until(tab.is_offline)
    await log_out(tab)
    await asyncio.to_thread(cluster.start)
    await try_by_name_alone(ann, tab)
    await expect(tab.page.locator("input[type=password]").first).to_be_visible()


async def test_nobody_logs_in_with_a_token_that_somebody_else_has_put_there(
    person: MakePerson,
) -> None:
    ann = await person()
    tab = await ann.tab()
    planted = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
    port = ann.url.rstrip("/").rpartition(":")[2]
    await tab.page.context.add_cookies(
        [{"name": f"zchat-0-{port}", "value": planted, "url": ann.url, "httpOnly": True}]
    )
    await tab.come_in(PASSWORD)
    first = await token_of(tab)
    assert first != planted
    await tab.reload()
    await tab.until(tab.is_online)
    assert await token_of(tab) == first
