"""Writing on the screen: nothing that is typed is lost, or said by mistake."""

from pathlib import Path

from textual.events import Key, Paste

from zchat.protocol import limits
from zchat.protocol.messages import (
    CloseRoom,
    InvitedToRoom,
    MessagePosted,
    PrivateMessageSent,
    TypingSeen,
)

from ..fake_gateway import FakeGateway, until
from .people import Person, person


async def test_what_could_not_be_done_is_still_there_to_be_mended(ann: Person) -> None:
    await ann.write(":usrs")
    await ann.sees("there is no command")
    assert ann.written == ":usrs"
    await ann.press("ctrl+c", "escape")
    text = "x" * (limits.TEXT_CHARS_MAX + 1)
    ann.app.composer.post_message(Paste(text))
    await ann.pilot.pause()
    await ann.press("enter")
    await ann.sees("! ")
    assert ann.written == text
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_a_command_of_other_clients_is_never_said_but_if_it_is_escaped(ann: Person) -> None:
    await ann.write("/join garden")
    await ann.sees(":jr does that here; //join says /join")
    await ann.press("enter", "enter")
    assert ann.written == "/join garden"
    await ann.press("home", "slash", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "/join garden")
    assert ann.gateway.server.texts("#lobby").count("/join garden") == 1


async def test_spaces_are_nothing_to_say(ann: Person) -> None:
    await ann.press("space", "space", "enter")
    assert ann.written == ""
    await ann.write("  :whoami")
    await ann.sees("you are ann")
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_tab_and_the_arrows_go_through_what_is_offered(ann: Person) -> None:
    ann.gateway.server.append("#barn", "bob", MessagePosted("hay"))
    ann.gateway.server.append("#bath", "bob", MessagePosted("water"))
    await ann.press("ctrl+k", "escape", "number_sign", "b", "a")
    await ann.sees("#bath")
    await ann.press("tab")
    assert ann.written == "#barn "
    await ann.press("tab")
    assert ann.written == "#bath "
    await ann.press("up")
    assert ann.written == "#barn "
    await ann.press("down")
    assert ann.written == "#bath "
    await ann.press("x")
    await ann.sees_no_more("#barn")


async def test_what_was_sent_comes_back_whatever_is_offered_for_it(ann: Person) -> None:
    await ann.write("first")
    await ann.write(":whoami")
    await ann.press("x", "up")
    assert ann.written == ":whoami"
    await ann.press("up")
    assert ann.written == "first"


async def test_end_goes_to_the_newest(gateway: FakeGateway, tmp_path: Path) -> None:
    for number in range(4, 80):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 79")
        await ann.press("pageup")
        await ann.sees("End goes to the newest")
        await ann.press("end")
        await ann.sees("message 79")


async def test_letters_after_d_delete_nothing(ann: Person) -> None:
    await ann.write("deploy")
    await ann.sees("deploy")
    await ann.press("up", "d", *"ay")
    assert ann.written == "ay"
    assert ann.gateway.server.texts("#lobby")[-1] == "deploy"
    assert len(ann.app.screen_stack) == 1


async def test_a_room_is_made_only_if_it_is_meant(ann: Person) -> None:
    await ann.press("ctrl+k", *"barn", "enter")
    await ann.sees("Create the room #barn?")
    await ann.press("escape")
    assert "#barn" not in ann.gateway.server.logs
    await ann.press("ctrl+k", *"barn", "enter", "enter")
    await ann.sees("you created #barn")


async def test_who_has_spoken_is_known_though_not_here(ann: Person) -> None:
    ann.gateway.say("#lobby", "carol", MessagePosted("bye"))
    await ann.sees("bye")
    await ann.press("ctrl+k", *"car")
    await ann.sees("@carol")
    await ann.press("enter")
    await ann.sees("between you and carol")


async def test_what_the_cluster_says_is_seen_wherever_one_is(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", InvitedToRoom("barn"))
    await ann.sees("barn")


async def test_who_has_just_spoken_types_no_more(ann: Person) -> None:
    ann.gateway.push([TypingSeen("#lobby", ["carol"])])
    await ann.sees("carol is typing")
    ann.gateway.say("#lobby", "carol", MessagePosted("there"))
    ann.gateway.push([TypingSeen("#lobby", ["carol"]), TypingSeen("#lobby", ["dan"])])
    await ann.sees("dan is typing")


async def test_on_a_small_screen_it_is_said_what_is_unread_elsewhere(ann: Person) -> None:
    await ann.pilot.resize_terminal(60, 16)
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("@1 of 1 unread · Alt-A")
    await ann.press("alt+a")
    await ann.sees("psst")


async def test_nobody_stays_in_the_list_to_whom_nothing_was_said(ann: Person) -> None:
    await ann.press("ctrl+k", *"@ghost", "enter")
    await ann.sees("between you and ghost")
    await ann.press("alt+1")
    await ann.sees_no_more("ghost")


async def test_the_palette_finds_commands_and_what_is_done_to_messages(ann: Person) -> None:
    await ann.press("ctrl+p", *"delete")
    await ann.pilot.pause()
    titles = [each.title for each in ann.app.get_system_commands(ann.app.screen)]
    assert "Delete" in titles
    assert any(title.startswith(":away ") for title in titles)


async def test_keys_that_come_too_fast_for_a_dialog_end_it_once(ann: Person) -> None:
    await ann.press("up")
    for key in ("d", *"no thanks"):
        ann.app.post_message(Key(key if key != " " else "space", key))
    await ann.pilot.pause()
    await ann.sees_no_more("Delete somebody")
    assert ann.app.is_running
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"


async def test_a_word_typed_at_once_after_up_is_written(ann: Person) -> None:
    for key in ("up", *"sowhat"):
        ann.app.post_message(Key(key, key if len(key) == 1 else None))
    await until(lambda: ann.written == "sowhat")


async def test_a_name_and_enter_at_once_go_there(ann: Person) -> None:
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    await ann.press("ctrl+k")
    await ann.sees("#garden")
    for key in (*"garden", "enter"):
        ann.app.post_message(Key(key, key if len(key) == 1 else None))
    await ann.sees("you joined")


async def test_a_command_from_the_palette_leaves_what_is_being_written(ann: Person) -> None:
    await ann.press(*"half")
    ann.app.composing.begin_command(":whoami ")
    await ann.press("enter")
    await ann.sees("you are ann")
    assert ann.written == "half"
    ann.app.composing.begin_command(":away ")
    await ann.press("escape", "escape")
    assert ann.written == "half"


async def test_nothing_is_offered_for_nothing(ann: Person) -> None:
    await ann.press("colon", "j", "r")
    await ann.sees("Join a room")
    await ann.press("ctrl+u")
    await ann.sees_no_more("Join a room")


async def test_names_are_completed_without_their_sign(ann: Person) -> None:
    await ann.press(*"bo", "tab")
    assert ann.written == "@bob "


async def test_ctrl_u_clears_all_of_a_long_line(ann: Person) -> None:
    ann.app.composer.load("x" * 300)
    await ann.press("ctrl+u")
    assert ann.written == ""


async def test_ctrl_q_twice_quits(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("○ bob")
    await ann.press("ctrl+q")
    await ann.sees("You are a guest")
    await ann.press("ctrl+q")
    await until(lambda: not ann.app.is_running)


async def test_what_is_muted_and_mentions_one_is_found(ann: Person) -> None:
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.press("f5")
    await ann.sees("(muted)")
    await ann.press("alt+1")
    ann.gateway.say("#kitchen", "bob", MessagePosted("hello"))
    await ann.press("alt+a")
    await ann.sees("nothing else is unread, except what is muted")
    ann.gateway.say("#kitchen", "bob", MessagePosted("hello @ann"))
    await ann.sees("@1")
    await ann.press("alt+a")
    await ann.sees("hello @ann")


async def test_a_room_is_ended_only_if_it_is_meant(ann: Person) -> None:
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.write(":close kitchen")
    await ann.sees("Close #kitchen for everyone?")
    await ann.press("escape")
    assert not any(isinstance(each, CloseRoom) for each in ann.gateway.server.done)
    await ann.write(":close kitchen")
    await ann.press("enter")
    await until(lambda: any(isinstance(each, CloseRoom) for each in ann.gateway.server.done))


async def test_no_secret_is_kept_as_a_draft(gateway: FakeGateway, tmp_path: Path) -> None:
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        ann.app.composer.load(":register correct horse")
        ann.app.composing.keep_draft()
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        assert ann.written == ""


async def test_a_bare_word_is_a_room_though_one_is_not_in_it(ann: Person) -> None:
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    await ann.press("ctrl+k")
    await ann.sees("#garden")
    await ann.press("escape")
    await ann.write(":history garden")
    await ann.sees("the last 1 in #garden")


async def test_an_answer_that_looks_like_a_command_is_still_one(ann: Person) -> None:
    await ann.press("up", "r")
    await ann.write("/tmp is full")
    await ann.sees("//tmp says /tmp")
    await ann.press("home", "slash", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "/tmp is full")
    body = ann.gateway.server.logs["#lobby"][-1].body
    assert isinstance(body, MessagePosted)
    assert body.reply_to == 3


async def test_a_word_that_says_no_is_written_whole(ann: Person) -> None:
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.write(":close kitchen")
    await ann.sees("Close #kitchen for everyone?")
    await ann.press(*"hello")
    await ann.sees_no_more("Close #kitchen")
    assert ann.written == "hello"
    await ann.press("ctrl+c", "ctrl+q")
    await ann.sees("You own #kitchen")
    await ann.press("w", "a", "i", "t")
    assert ann.written == "wait"
    assert ann.app.is_running


def in_haste(ann: Person, *keys: str) -> None:
    """All of them before anything of it has been seen to."""
    for key in keys:
        ann.app.post_message(Key(key, key if len(key) == 1 else None))


async def test_an_edit_that_is_typed_in_haste_is_one(ann: Person) -> None:
    await ann.write("deploy")
    in_haste(ann, "up", "e", *"ed", "enter", *"next", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "next")
    await ann.sees("deployed")
    assert ann.written == ""


async def test_an_answer_that_is_typed_in_haste_is_one(ann: Person) -> None:
    in_haste(ann, "up", "k", "r", *"yes", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-1] == "yes")
    await ann.sees("↪ bob: message 2")


async def test_lines_that_are_typed_in_haste_out_of_the_conversation_stay_lines(
    ann: Person,
) -> None:
    await ann.press("up")
    in_haste(ann, *"so", "enter", *"be", "ctrl+j", *"it", "enter")
    await until(lambda: ann.gateway.server.texts("#lobby")[-2:] == ["so", "be\nit"])


async def test_what_is_typed_in_haste_stays_in_its_place(ann: Person) -> None:
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    await ann.press("ctrl+k", *"garden", "enter")
    await ann.sees("roses")
    in_haste(ann, *"abc", "enter", "alt+1", *"def", "enter", "ctrl+c", "alt+2", *"ghi", "enter")
    await until(lambda: ann.gateway.server.texts("#garden")[-1] == "ghi")
    assert ann.gateway.server.texts("#garden")[-2:] == ["abc", "ghi"]
    assert ann.gateway.server.texts("#lobby")[-1] == "def"


async def test_a_dialog_gets_what_is_typed_ahead_of_it(ann: Person) -> None:
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    in_haste(ann, *"bye", "enter", "ctrl+k", *"garden", "enter")
    await ann.sees("roses")
    assert ann.gateway.server.texts("#lobby")[-1] == "bye"


async def test_an_edit_that_is_refused_is_not_said(ann: Person) -> None:
    in_haste(ann, "up", "e", *"XY", "enter")
    await ann.sees("Enter again says this in #lobby")
    assert ann.gateway.server.texts("#lobby")[-1] == "message 3"
