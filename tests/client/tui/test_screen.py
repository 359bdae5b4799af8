"""The full-screen client, as somebody at the keyboard sees it."""

from pathlib import Path

import pytest
from textual.events import Paste
from textual.geometry import Region
from textual.strip import Strip

from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol.messages import MessagePosted, PrivateMessageSent, RefusalCode, Refused

from ..fake_gateway import FakeGateway, until
from .corpus import STEERING
from .people import Person, person


async def test_what_is_written_is_said_where_one_is(ann: Person) -> None:
    await ann.write("hello *there*")
    await ann.sees("hello there")
    assert ann.gateway.server.texts("#lobby")[-1] == "hello *there*"
    assert ann.written == ""
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.write("in here")
    await until(lambda: ann.gateway.server.texts("#kitchen") == ["in here"])


async def test_enter_sends_and_other_keys_break_the_line(ann: Person) -> None:
    await ann.press("a", "shift+enter", "b", "alt+enter", "c", "ctrl+j", "d", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "a\nb\nc\nd")


async def test_a_paste_is_one_message(ann: Person) -> None:
    lines = [f"line {number}" for number in range(200)]
    ann.app.composer.post_message(Paste("\r\n".join(lines)))
    await ann.pilot.pause()
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"
    await ann.press("enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "\n".join(lines))


async def test_what_is_drawn_in_part_looks_as_if_it_was_drawn_anew(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    for number in range(4, 60):
        gateway.server.append("#lobby", f"user{number % 3}", MessagePosted(f"message {number}"))
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 59")
        for key in ("up", "k", "ctrl+u", "j", "j", "g", "ctrl+d", "k", "G", "escape", "x", "up"):
            await ann.press(key)
            seen = ann.app.export_screenshot()
            ann.app.timeline.refresh()
            await ann.pilot.pause()
            assert ann.app.export_screenshot() == seen, f"after {key}"


async def test_another_size_is_drawn_at_once(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4, 60):
        ann.gateway.say("#lobby", "bob", MessagePosted(f"message {number}"))
    await ann.sees("message 59")
    drawn: list[str] = []

    def draw(timeline: Timeline, crop: Region) -> list[Strip]:
        strips = render_lines(timeline, crop)
        drawn.append("\n".join(strip.text for strip in strips))
        return strips

    render_lines = Timeline.render_lines
    monkeypatch.setattr(Timeline, "render_lines", draw)
    await ann.press(*["ctrl+j"] * 3)
    assert drawn
    assert all("message 59" in each for each in drawn)


async def test_a_message_is_answered_edited_and_deleted(ann: Person) -> None:
    await ann.press("up", "r")
    await ann.sees("↪ to bob: message 3")
    await ann.write("yes")
    await ann.sees("↪ bob: message 3")
    await ann.press("up", "e")
    assert ann.written == "yes"
    await ann.write(", it is")
    await ann.sees("yes, it is (edited)")
    await ann.press("up", "d")
    await ann.sees("Delete your message?")
    await ann.press("enter")
    await ann.sees("message deleted")


async def test_nobody_edits_what_others_have_said(ann: Person) -> None:
    await ann.press("up", "e")
    await ann.sees("only your own messages can be edited")
    assert ann.written == ""


async def test_a_reaction_is_picked_by_its_name_and_taken_back_by_a_click(ann: Person) -> None:
    await ann.press("up", "plus", *"tada", "enter")
    await ann.sees("🎉\u00a01")
    row = next(y for y, line in enumerate(ann.screen.split("\n")) if "🎉\u00a01" in line)
    column = ann.screen.split("\n")[row].index("🎉")
    await ann.pilot.click(offset=(column, row))
    await ann.sees_no_more("🎉\u00a01")


async def test_what_is_refused_says_so_and_can_be_tried_again(ann: Person) -> None:
    await ann.write(":rm nowhere anybody here?")
    await ann.sees("! there is no room nowhere · r retries")
    ann.gateway.server.logs["#nowhere"] = []
    await ann.press("up", "r")
    await until(lambda: ann.gateway.server.texts("#nowhere") == ["anybody here?"])


async def test_ctrl_k_goes_to_rooms_and_people(ann: Person) -> None:
    ann.gateway.server.append("#kitchen", "bob", MessagePosted("is there tea?"))
    await ann.press("ctrl+k")
    await ann.sees("join · 2 in it")
    await ann.press(*"kit", "enter")
    await ann.sees("you joined")
    await ann.press("ctrl+k", *"@bob", "enter")
    await ann.sees("between you and bob")


async def test_a_search_leads_to_what_it_has_found(gateway: FakeGateway, tmp_path: Path) -> None:
    for number in range(4, 400):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
    gateway.server.followed["#lobby"] = 390
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 399")
        assert "message 2 " not in ann.screen
        await ann.press("ctrl+f", *"message", "space", "4", "2")
        await ann.sees("#lobby         bob        message 42")
        await ann.press("enter")
        await until(lambda: "bob  message 42" in ann.screen or "message 42" in ann.screen)
        chosen = ann.app.timeline.view
        assert chosen is not None
        await until(lambda: getattr(chosen.chosen, "text", "") == "message 42")


async def test_history_comes_page_by_page(gateway: FakeGateway, tmp_path: Path) -> None:
    for number in range(4, 400):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
    gateway.server.followed["#lobby"] = 390
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 399")
        for _ in range(60):
            await ann.press("pageup")
            if "message 1 " in f"{ann.screen} ".replace("\n", " "):
                break
        await ann.sees("message 1")


async def test_a_mention_is_counted_where_one_is_not(ann: Person) -> None:
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    ann.gateway.say("#lobby", "bob", MessagePosted("where is @ann?"))
    await ann.sees("@1")
    await ann.press("alt+a")
    await ann.sees("where is @ann?")
    await ann.sees_no_more("@1")


async def test_private_messages_have_a_place_of_their_own(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("○ bob")
    await until(lambda: "1" in ann.screen.split("\n")[2])
    await ann.press("alt+2")
    await ann.sees("psst")


async def test_without_the_network_all_else_goes_on(ann: Person) -> None:
    ann.gateway.stop()
    await ann.sees("○ offline")
    await ann.write("is anybody there?")
    await ann.sees("is anybody there? …")
    await ann.sees("1 to send")
    await ann.press("ctrl+k")
    await ann.press("escape")
    await ann.gateway.start()
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "is anybody there?")
    await ann.sees("● online")
    await ann.sees_no_more("there? …")


async def test_drafts_and_what_was_read_are_there_again(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        await ann.press(*"half")
    gateway.server.append("#lobby", "bob", MessagePosted("meanwhile"))
    async with person(gateway, tmp_path) as ann:
        await ann.sees("meanwhile")
        assert ann.written == "half"
        assert "message 3" in ann.screen
    assert gateway.logins[-1].cursors["#lobby"] == 3


async def test_every_key_is_listed(ann: Person) -> None:
    await ann.press("f1")
    await ann.sees("Ctrl-K")
    await ann.sees("Go to a room or person")
    await ann.press("escape")
    await ann.sees_no_more("Go to a room or person")


async def test_commands_show_their_answers_quietly(ann: Person) -> None:
    await ann.write(":whoami")
    await ann.sees("you are ann")
    await ann.write(":nosuch")
    await ann.sees("there is no command")
    await ann.press("escape")
    await ann.sees_no_more("there is no command")


async def test_words_are_completed(ann: Person) -> None:
    await ann.press("at", "b", "tab")
    assert ann.written == "@bob "
    await ann.press("ctrl+u", "colon", *"whoa", "tab")
    assert ann.written == ":whoami "


async def test_it_ends_with_a_goodbye(ann: Person) -> None:
    await ann.write(":quit")
    await until(lambda: not ann.app.is_running)


async def test_leaving_asks_while_something_is_not_confirmed(ann: Person) -> None:
    ann.gateway.mute = True
    await ann.write("hello")
    await ann.press("ctrl+q")
    await ann.sees("not confirmed by the server yet")
    await ann.press("escape")
    assert ann.app.is_running
    ann.gateway.mute = False
    ann.gateway.cut()
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "hello")


@pytest.mark.parametrize("text", STEERING)
async def test_nothing_that_is_said_reaches_the_terminal_as_control(
    gateway: FakeGateway, tmp_path: Path, text: str
) -> None:
    gateway.server.topics["lobby"] = text
    gateway.server.append("#lobby", text, MessagePosted(f"{text}seen"))
    gateway.server.append("@ann", text, PrivateMessageSent("ann", text))
    async with person(gateway, tmp_path) as ann:
        await ann.sees("seen")
        await ann.press("f2", "ctrl+k")
        for char in ann.screen:
            assert char == "\n" or char.isprintable()


async def test_it_fits_a_small_terminal_and_a_large_one(ann: Person) -> None:
    for width, height in ((60, 16), (200, 60), (40, 8), (100, 30)):
        await ann.pilot.resize_terminal(width, height)
        assert len(ann.screen.split("\n")) == height
        if width >= 78:
            await ann.sees("conversations")
        else:
            await ann.sees_no_more("conversations")
        await ann.sees("message 3")


async def test_a_session_that_is_refused_ends_it(gateway: FakeGateway, tmp_path: Path) -> None:
    async with person(gateway, tmp_path) as ann:
        gateway.refusal = Refused(0, RefusalCode.SUSPENDED, "you are suspended")
        gateway.cut()
        await until(lambda: not ann.app.is_running)
        assert str(ann.app.over) == "you are suspended"


async def test_notes_are_whole_words_and_all_of_them_can_be_read(ann: Person) -> None:
    await ann.write(":nonsense")
    await ann.sees(":help lists")
    await ann.sees("them all.")
    await ann.press("ctrl+c", "escape")
    await ann.write(":help")
    await ann.sees("Esc closes this")
    await ann.sees(":cr <room>")
    assert ":quit" not in ann.screen
    for _ in range(20):
        await ann.press("pagedown")
    await ann.sees(":quit")


async def test_the_room_that_is_seen_is_left_without_its_name(ann: Person) -> None:
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.write(":lr")
    await ann.sees(":jr kitchen joins")


async def test_the_palette_offers_everything_once(ann: Person) -> None:
    titles = [each.title for each in ann.app.get_system_commands(ann.app.screen)]
    assert len(titles) == len(set(titles))


async def test_ctrl_c_clears_what_is_being_written(ann: Person) -> None:
    await ann.press(*"oops", "ctrl+c")
    assert ann.written == ""
    await ann.press("ctrl+c")
    await ann.sees("Ctrl-Q quits")


async def test_the_list_goes_along_and_says_what_is_beyond_it(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    for number in range(50):
        gateway.server.append(f"#room-{number:02}", "bob", MessagePosted("hello"))
        gateway.server.followed[f"#room-{number:02}"] = 1
    async with person(gateway, tmp_path, size=(100, 30)) as ann:
        await ann.sees("#room-05")
        rooms = [each.key for each in ann.app.navigation.listed()]
        for at in (49, 3, 27, 50):
            ann.app.navigation.open(rooms[at])
            await ann.sees(f"▎  {rooms[at]}")


async def test_what_is_unread_beyond_the_list_is_said(gateway: FakeGateway, tmp_path: Path) -> None:
    for number in range(50):
        gateway.server.append(f"#room-{number:02}", "bob", MessagePosted("hello"))
        gateway.server.followed[f"#room-{number:02}"] = 0
    async with person(gateway, tmp_path, size=(100, 30)) as ann:
        await until(lambda: f" ↓ {50 - ann.screen.count('#room-')} unread" in ann.screen)
        ann.app.navigation.open(ann.app.navigation.listed()[50].key)
        await ann.sees(" ↑ ")
        row = next(y for y, line in enumerate(ann.screen.split("\n")) if " ↑ " in line)
        await ann.pilot.click(offset=(4, row))
        await ann.sees_no_more("▎  #room-50")
