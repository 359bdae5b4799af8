"""`:me waves`: what the author does, in every client as `*ann* waves`."""

from datetime import UTC
from pathlib import Path

import pytest

from zchat.client.commands.actions import Mistake, Send
from zchat.client.commands.table import COMMANDS, escaped, parse, said_of
from zchat.client.core.events import EntryArrived
from zchat.client.storage.log_files import LogFiles
from zchat.client.tui.controller.intent import Written, meant, to_say
from zchat.protocol.messages import Entry, MemberJoined, MessagePosted, Post, PrivateMessageSent

from .test_log_files import begin, hear, text
from .test_render import renderer
from .tui.test_layout import said, shown

WAVES = MessagePosted("/me waves")
UNSEEN = MessagePosted("/me \u200b")


@pytest.mark.parametrize("line", [":me waves", " :ME   waves", "/me waves", "//me waves"])
def test_it_is_said_where_any_text_is(line: str) -> None:
    assert parse(line) == Send(Post(room="lobby", text="/me waves"))
    assert meant(line) == Written("/me waves")


def test_it_says_something() -> None:
    assert isinstance(parse(":me"), Mistake)
    assert "bob: /me \u200b" in renderer().entry(Entry("#den", 1, 0, "bob", UNSEEN))[-1]
    assert COMMANDS["me"].usage == ":me <text>"


@pytest.mark.parametrize("literal", ["/me waves", ":me waves", "/me", "me waves"])
def test_what_is_edited_says_the_same_again(literal: str) -> None:
    assert said_of(escaped(literal)) == literal
    assert meant(to_say(literal)) == Written(literal)


def test_a_line_and_a_reader_of_screens_hear_it_as_a_deed() -> None:
    in_room = renderer().entry(Entry("#den", 1, 0, "bob", WAVES))
    assert "*bob* waves" in in_room[-1]
    private = PrivateMessageSent("ann", "/me waves")
    assert "*bob* waves" in renderer().entry(Entry("@ann", 1, 0, "bob", private))[-1]
    assert "bob: waves" not in in_room[-1]
    came = renderer().entry(Entry("#den", 1, 0, "bob", MessagePosted("/me joined")))
    assert came != renderer().entry(Entry("#den", 1, 0, "bob", MemberJoined()))
    shouting = renderer().entry(Entry("#den", 1, 0, "bob", MessagePosted("/means nothing")))
    assert "bob: /means nothing" in shouting[-1]


def test_the_full_screen_shows_it_as_a_deed() -> None:
    assert shown(said("/me waves"))[-1].split() == ["22:13", "*", "bob", "waves"]
    assert shown(said("hello", 2), said("/me waves"))[0].split() == ["22:13", "bob", "hello"]


def test_it_stands_so_in_log_files(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, "ann", ["a:1"], UTC)
    begin(files, den=0)
    hear(files, "#den", 1, WAVES)
    files.take(
        EntryArrived(Entry("@ann", 1, 0, "bob", PrivateMessageSent("ann", "/me sits")), False)
    )
    files.close()
    assert text(tmp_path, "#den").endswith("*bob* waves\n")
    assert text(tmp_path, "@bob").endswith("*bob* sits\n")
