"""What is a message, and what is a command."""

import pytest

from zchat.client.screen.entering import Command, Doubtful, Message, meant


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", Message("hello")),
        ("  indented", Message("  indented")),
        ("::text", Message(":text")),
        (":users", Command(":users")),
        # A password might follow.
        ("   :register secret words", Command(":register secret words")),
        (":rocket: we are live", Message(":rocket: we are live")),
        (":rocket:", Message(":rocket:")),
        (":nosuchemoji: x", Command(":nosuchemoji: x")),
        (":users\nare here", Message(":users\nare here")),
        ("/join garden", Doubtful("/join", ":jr")),
        ("  /MSG bob hi", Doubtful("/MSG", ":pm")),
        ("/etc/passwd is world readable", Message("/etc/passwd is world readable")),
        ("/tmp", Doubtful("/tmp", ":tmp")),
        ("/", Message("/")),
        (":", Command(":")),
    ],
)
def test_it_is_what_people_mean(text: str, wanted: Message | Command | Doubtful) -> None:
    assert meant(text) == wanted
