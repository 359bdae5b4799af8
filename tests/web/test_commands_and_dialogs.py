"""What people do in the page besides reading and writing: commands, dialogs, and being told."""

from typing import Final

import pytest

from testbed.browsers import Tab
from testbed.people import new_name

from .conftest import MakePerson

pytestmark = pytest.mark.integration

SECRET: Final = "correct horse battery"
DIALOGS: Final = (
    *("Control+k", "Control+Shift+k", "Alt+d", "F1"),
    *(":help", ":lrs", ":users", ":password", ":totp on", ":devices", ":delete-account", ":logout"),
)
"""Keys and commands that open one, for somebody with an account."""
OVERFLOWS: Final = """() => {
    const wide = (element) => element.scrollWidth > element.clientWidth + 1;
    return wide(document.documentElement) || [...document.querySelectorAll("dialog")].some(wide);
}"""
HEAR_NOTIFICATIONS: Final = """
    window.told = [];
    window.Notification = class {
        static permission = "granted";
        static async requestPermission() { return "granted"; }
        constructor(title, { body }) { window.told.push([title, body]); window.last = this; }
        close() {}
    };
"""
"""Instead of the system's, which nobody could look at here."""
LOOK_AWAY: Final = "() => { document.hasFocus = () => false; dispatchEvent(new Event('blur')); }"
LOOK: Final = "() => { document.hasFocus = () => true; dispatchEvent(new Event('focus')); }"


async def hint(tab: Tab, text: str) -> None:
    """Until the last line says it."""
    await tab.page.locator(".status .hint").get_by_text(text).wait_for()


async def test_a_command_does_in_the_page_what_it_does_in_the_terminal(person: MakePerson) -> None:
    ann, bob = await person(), await person()
    hers, his = await ann.come_in(), await bob.come_in()
    room = new_name()
    await hers.say(f":cr {room}")
    await hers.page.locator("h1.where").get_by_text(room).wait_for()
    await hers.say(f":topic {room} roses")
    await hers.page.locator(".topic").get_by_text("roses").wait_for()
    await his.say(f":jr {room}")
    await his.page.locator("h1.where").get_by_text(room).wait_for()
    await his.say("they are :tada:")
    await hers.until_shown("they are 🎉")
    await hers.say(f":kick {room} {bob.name} too many roses")
    await his.page.get_by_text("too many roses").first.wait_for()


async def test_what_cannot_be_done_stays_in_the_field_and_is_said_to_nobody(
    person: MakePerson,
) -> None:
    tab = await (await person()).come_in()
    for line, why in (
        (":kik garden bob", "did you mean :kick"),
        ("/join garden", ":jr does that here"),
        (":ban garden", "Usage: :ban"),
    ):
        await tab.say(line)
        await hint(tab, why)
        assert await tab.field.input_value() == line
        assert line not in await tab.texts()


async def test_a_line_with_a_secret_is_never_kept(person: MakePerson) -> None:
    tab = await (await person()).come_in()
    await tab.field.fill(f":register {SECRET}")
    await tab.reload()
    assert await tab.field.input_value() == ""
    await tab.say(f":regster {SECRET}")
    await hint(tab, "did you mean :register")
    await tab.field.fill("")
    await tab.field.press("ArrowUp")
    assert await tab.field.input_value() == ""
    assert SECRET not in repr(await tab.kept())


async def test_what_is_typed_after_a_click_is_a_message_and_does_nothing(
    person: MakePerson,
) -> None:
    tab = await (await person()).come_in()
    await tab.say("the roses are out")
    await tab.until_shown("the roses are out")
    await tab.page.get_by_text("the roses are out").click()
    await tab.page.keyboard.type("Good day")
    assert await tab.field.input_value() == "Good day"
    assert "the roses are out" in await tab.texts()


async def test_another_key_than_enter_spares_a_message_and_begins_one(person: MakePerson) -> None:
    tab = await (await person()).come_in()
    await tab.say("the roses are out")
    await tab.until_shown("the roses are out")
    # What is on its way cannot be deleted yet.
    await tab.until(tab.has_sent_all)
    await tab.field.press("ArrowUp")
    await tab.page.keyboard.press("d")
    dialog = tab.page.locator("dialog[open]")
    await dialog.wait_for()
    await tab.page.keyboard.press("o")
    await dialog.wait_for(state="detached")
    await tab.page.wait_for_function("() => document.querySelector('textarea').value === 'o'")
    assert "the roses are out" in await tab.texts()


async def test_an_invitation_leads_into_the_room(person: MakePerson) -> None:
    ann, bob = await person(), await person()
    hers, his = await ann.come_in(), await bob.come_in()
    room = new_name()
    await hers.say(f":cr {room} private")
    await hers.page.locator("h1.where").get_by_text(room).wait_for()
    await hers.say(f":invite {room} {bob.name}")
    await his.page.locator("nav li").get_by_text("zchat", exact=True).click()
    await his.page.get_by_role("button", name=f"Go to #{room}").click()
    await his.page.locator("h1.where").get_by_text(room).wait_for()
    await his.say("here I am")
    await hers.until_shown("here I am")


@pytest.mark.parametrize("size", [(1280, 800), (320, 568)], ids=["desk", "phone"])
async def test_dialogs_open_and_close_by_the_keyboard_and_give_the_focus_back(
    person: MakePerson, size: tuple[int, int]
) -> None:
    tab = await (await person()).come_in(SECRET)
    await tab.page.set_viewport_size({"width": size[0], "height": size[1]})
    dialog = tab.page.locator("dialog[open]")
    for opens in DIALOGS:
        await tab.field.click()
        if opens.startswith(":"):
            await tab.say(opens)
        else:
            await tab.page.keyboard.press(opens)
        await dialog.wait_for()
        assert await tab.page.evaluate("() => document.activeElement.closest('dialog') !== null")
        assert not await tab.page.evaluate(OVERFLOWS), opens
        await tab.page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
        assert await tab.field.evaluate("(field) => field === document.activeElement"), opens
        # A field may have the focus, and its cursor be lost with the dialog.
        await tab.page.keyboard.type("x")
        assert await tab.field.input_value() == "x", opens
        await tab.field.fill("")


async def test_a_message_is_told_once_in_a_browser_and_not_where_somebody_looks(
    person: MakePerson,
) -> None:
    ann, bob = await person(), await person()
    tabs = [await ann.tab(), await ann.tab()]
    for tab in tabs:
        await tab.page.add_init_script(HEAR_NOTIFICATIONS)
        await tab.page.reload()
        await tab.come_in()
        await tab.page.evaluate(LOOK_AWAY)
    other = await bob.come_in()

    async def told() -> list[list[str]]:
        return [each for tab in tabs for each in await tab.page.evaluate("() => window.told")]

    async def counted() -> bool:
        title: str = await tabs[0].page.title()
        return title.startswith("(1)")

    await other.say(f":pm {ann.name} psst")
    await tabs[0].until(told)
    assert await told() == [[bob.name, "psst"]]
    await tabs[0].until(counted)
    # Somebody who looks at any tab of the browser sees for themselves that there is more.
    await tabs[1].page.evaluate(LOOK)
    await other.say(f":pm {ann.name} again")
    row = tabs[1].page.locator(f'.conversations [data-key="@{bob.name}"]')
    await row.locator(".count").get_by_text("2", exact=True).wait_for()
    assert len(await told()) == 1
    # A click leads there.
    leading = tabs[0] if await tabs[0].page.evaluate("() => window.told.length") else tabs[1]
    await leading.page.evaluate("() => window.last.onclick()")
    await leading.until_shown("psst")


TYPE_AND_GO = """(text) => {
    const field = document.querySelector(".composer textarea");
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    window.dispatchEvent(new Event("pagehide"));
}"""


async def test_whoever_logs_out_leaves_nothing_behind(person: MakePerson) -> None:
    ann = await person()
    tab = await ann.come_in(SECRET)
    await tab.say("roses")
    await tab.until(tab.has_sent_all)
    # A tab that goes while somebody types leaves that to the next one.
    other = await ann.come_in()
    await other.page.evaluate(TYPE_AND_GO, "violets")
    await other.page.goto("about:blank")
    await tab.say(":logout")
    await tab.page.locator("dialog .harms").click()
    await tab.page.locator(".enter input[name=name]").wait_for()
    assert "violets" not in await tab.page.evaluate("() => JSON.stringify(localStorage)")
    assert await tab.page.locator(".enter input[name=name]").input_value() == ""
    assert (await tab.kept())["entries"] == []


async def test_whoever_logs_out_is_no_device_of_the_account_any_more(person: MakePerson) -> None:
    ann, other = await person(), await person()
    tab = await ann.come_in(SECRET)
    await tab.say("roses")
    await tab.say(":logout")
    await tab.page.locator("dialog .harms").click()
    await tab.page.locator(".enter input[name=name]").wait_for()
    elsewhere = await other.tab()
    await elsewhere.page.get_by_role("button", name="I have an account").click()
    await elsewhere.page.locator("input[name=name]").fill(ann.name)
    await elsewhere.page.locator("input[type=password]").fill(SECRET)
    await elsewhere.page.locator("form button[type=submit]").click()
    await elsewhere.has_begun()
    await elsewhere.say(":devices")
    listed = elsewhere.page.get_by_text(" on Linux (")
    await listed.first.wait_for()
    assert await listed.count() == 1
