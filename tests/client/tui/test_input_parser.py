"""What is a message, and what is a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.commands.table import is_command
from zchat.client.tui.controller.input_parser import Command, Message, meant, to_say


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", Message("hello")),
        ("  indented", Message("  indented")),
        ("::text", Message(":text")),
        ("::text\nand more", Message(":text\nand more")),
        (":users", Command(":users")),
        # A password might follow.
        ("   :register secret words", Command(":register secret words")),
        (":password\nsecret", Command(":password\nsecret")),
        # It is for bob alone.
        ("\n:pm bob one\ntwo", Command(":pm bob one\ntwo")),
        (":rocket: we are live", Message(":rocket: we are live")),
        (":rocket:", Message(":rocket:")),
        (":nosuchemoji: x", Command(":nosuchemoji: x")),
        (":users\nare here", Command(":users\nare here")),
        ("/join garden", Command("/join garden")),
        ("/join garden\nhello", Command("/join garden\nhello")),
        ("  /MSG bob hi", Command("/MSG bob hi")),
        ("//join garden", Message("/join garden")),
        ("///join garden", Message("//join garden")),
        ("// a comment", Message("// a comment")),
        ("/etc/passwd is world readable", Message("/etc/passwd is world readable")),
        ("/tmp", Command("/tmp")),
        ("/", Message("/")),
        (":", Command(":")),
    ],
)
def test_it_is_what_people_mean(text: str, wanted: Message | Command) -> None:
    assert meant(text) == wanted


@given(st.text(st.sampled_from(":/ajoin \n"), max_size=12))
def test_nothing_is_said_that_looks_like_a_command_but_what_was_escaped(text: str) -> None:
    match meant(text):
        case Message(said) if is_command(said):
            assert text.strip().startswith((":" * 2, "/" * 2))
        case Message(said):
            assert said in (text, text.strip()[1:])


@given(st.text(st.sampled_from(":/ajoin \n"), max_size=12).map(str.strip))
def test_whatever_was_said_can_be_entered_again(said: str) -> None:
    assert meant(to_say(said)) == Message(said)
