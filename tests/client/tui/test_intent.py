"""What is a message and what a command; and what is typed for one place is never said elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from zchat.client.commands.table import is_command
from zchat.client.tui.controller.intent import (
    GOES_WITHIN_S,
    Command,
    InputGuard,
    Written,
    meant,
    to_say,
)
from zchat.protocol.messages import JoinRoom, MessagePosted, RefusalCode

from ..fake_gateway import FakeGateway, until
from .people import Person, person
from .test_secrets import types_ahead

# --- A message or a command -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hello", Written("hello")),
        ("  indented", Written("  indented")),
        ("::text", Written(":text")),
        ("::text\nand more", Written(":text\nand more")),
        (":users", Command(":users")),
        # A password might follow.
        ("   :register secret words", Command(":register secret words")),
        (":password\nsecret", Command(":password\nsecret")),
        # It is for bob alone.
        ("\n:pm bob one\ntwo", Command(":pm bob one\ntwo")),
        (":rocket: we are live", Written(":rocket: we are live")),
        (":rocket:", Written(":rocket:")),
        (":nosuchemoji: x", Command(":nosuchemoji: x")),
        (":users\nare here", Command(":users\nare here")),
        ("/join garden", Command("/join garden")),
        ("/join garden\nhello", Command("/join garden\nhello")),
        ("  /MSG bob hi", Command("/MSG bob hi")),
        ("//join garden", Written("/join garden")),
        ("///join garden", Written("//join garden")),
        ("// a comment", Written("// a comment")),
        ("/etc/passwd is world readable", Written("/etc/passwd is world readable")),
        ("/tmp", Command("/tmp")),
        ("/", Written("/")),
        (":", Command(":")),
    ],
)
def test_it_is_what_people_mean(text: str, wanted: Written | Command) -> None:
    assert meant(text) == wanted


@given(st.text(st.sampled_from(":/ajoin \n"), max_size=12))
def test_nothing_is_said_that_looks_like_a_command_but_what_was_escaped(text: str) -> None:
    match meant(text):
        case Written(said) if is_command(said):
            assert text.strip().startswith((":" * 2, "/" * 2))
        case Written(said):
            assert said in (text, text.strip()[1:])


@given(st.text(st.sampled_from(":/ajoin \n"), max_size=12).map(str.strip))
def test_whatever_was_said_can_be_entered_again(said: str) -> None:
    assert meant(to_say(said)) == Written(said)


# --- For which conversation -----------------------------------------------------------------------


def asked(at_s: float) -> InputGuard:
    guard = InputGuard()
    guard.touched(at_s)
    guard.handled(at_s)
    guard.requested(1, "#garden")
    return guard


def test_whoever_has_touched_nothing_goes_along() -> None:
    guard = asked(at_s=10)
    assert guard.opened(1, "#garden", now_s=10.3)
    guard.arrived("#garden")
    assert not guard.doubt("hello", 11)
    assert not guard.waiting


def test_whoever_types_is_not_taken_along_and_is_asked_once() -> None:
    guard = asked(at_s=10)
    # Its turn is still to come.
    guard.touched(10.2)
    assert not guard.opened(1, "#garden", now_s=10.3, goes=", Alt-G goes there")
    assert guard.waiting == "#garden"
    assert guard.doubt("hello", 11) == "#garden is open, Alt-G goes there"
    # Enter that was pressed twice, and another text, are no answer to that.
    guard.handled(10.9)
    assert guard.doubt("hello", 11.1)
    guard.handled(12)
    assert guard.doubt("hello you", 12)
    guard.handled(13)
    assert not guard.doubt("hello you", 13)


def test_whoever_has_waited_for_long_is_not_taken_along() -> None:
    assert not asked(at_s=10).opened(1, "#garden", now_s=10.1 + GOES_WITHIN_S)


def test_what_is_typed_meanwhile_is_in_doubt_also_if_nothing_opens() -> None:
    guard = asked(at_s=10)
    assert guard.doubt("hello", 11) == "#garden is being opened"
    guard = asked(at_s=10)
    guard.touched(10.2)
    guard.refused(1)
    assert guard.doubt("hello", 11) == "#garden has not opened"
    guard = asked(at_s=10)
    guard.refused(1)
    assert not guard.doubt("hello", 11)


def test_what_is_typed_on_after_an_edit_that_was_refused_is_in_doubt() -> None:
    guard = InputGuard()
    guard.touched(10)
    guard.handled(10)
    guard.not_begun()
    guard.touched(10.1)
    assert guard.doubt("of no use", 10.2)
    # Whoever has paused has seen it.
    guard.touched(13)
    assert not guard.doubt("another", 13.1)


class Typing(RuleBasedStateMachine):
    """A person types words, each for the place that it sees when it begins; rooms open."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.guard = InputGuard()
        self.here, self.word = "#0", ""
        """The place that is seen, and for which the word is that is being typed."""
        self.opening: list[int] = []
        self.rooms = 0

    @rule()
    def type(self) -> None:
        self.now_s += 0.1
        self.word = self.word or self.here
        self.guard.touched(self.now_s)
        self.guard.handled(self.now_s)

    @rule()
    def ask(self) -> None:
        """By a command that is written, so that no word is any more."""
        self.type()
        self.word = ""
        self.rooms += 1
        self.opening.append(self.rooms)
        self.guard.requested(self.rooms, f"#{self.rooms}")

    @precondition(lambda self: self.opening)
    @rule(wait_s=st.sampled_from([0.0, 0.3, 60.0]))
    def open(self, wait_s: float) -> None:
        self.now_s += wait_s
        room = self.opening.pop(0)
        if self.guard.opened(room, f"#{room}", self.now_s):
            assert not self.word, "a word is taken elsewhere"
            self.here = f"#{room}"
            self.guard.arrived(self.here)

    @rule()
    def send(self) -> None:
        self.type()
        if not self.guard.doubt(self.word, self.now_s):
            assert self.word in ("", self.here)
            self.word = ""


TestTyping = Typing.TestCase


# --- On the screen --------------------------------------------------------------------------------


async def test_a_join_that_takes_long_splits_no_word(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.server.append("#garden", "bob", MessagePosted("roses"))
    async with person(gateway, tmp_path) as ann:
        gateway.delayed = []
        await ann.write(":jr garden")
        await ann.press(*"hel")
        gateway.catch_up()
        await ann.sees("#garden is open, Alt-G goes there")
        await ann.press(*"lo")
        assert ann.written == "hello"
        await ann.press("enter")
        await ann.sees("Enter again says this in #lobby")
        assert "hello" not in gateway.server.texts("#lobby") + gateway.server.texts("#garden")
        await ann.press("enter")
        await until(lambda: gateway.server.texts("#lobby")[-1] == "hello")
        await ann.press(*"half", "alt+g")
        await ann.sees_no_more("is open, Alt-G")
        assert ann.written == ""
        await ann.write("in here")
        await until(lambda: gateway.server.texts("#garden") == ["roses", "in here"])
        await ann.press("alt+1")
        assert ann.written == "half"


async def test_a_join_takes_along_who_waits_for_it(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.server.append("#garden", "bob", MessagePosted("roses"))
    async with person(gateway, tmp_path) as ann:
        gateway.delayed = []
        await ann.write(":jr garden")
        gateway.catch_up()
        await ann.sees("you joined")
        await ann.write("hello")
        await until(lambda: gateway.server.texts("#garden")[-1] == "hello")


async def test_what_is_typed_ahead_of_a_join_is_not_said_at_once(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.server.append("#garden", "bob", MessagePosted("roses"))
    async with person(gateway, tmp_path) as ann:
        types_ahead(ann, ":jr garden", "hello")
        await ann.sees("Enter again says this in #lobby")
        await until(lambda: "#garden" in gateway.server.followed)
        assert ann.written == "hello"
        gateway.server.refusals[JoinRoom] = RefusalCode.BANNED
        gateway.server.append("#barn", "bob", MessagePosted("hay"))
        await ann.press("ctrl+c")
        types_ahead(ann, ":jr barn", "psst")
        await ann.sees("! No: banned")
        assert ann.written == "psst"
        assert gateway.server.texts("#lobby")[-1] == "message 3"


async def test_an_edit_and_an_answer_wait_where_they_were_begun(ann: Person) -> None:
    await ann.write("mine")
    await ann.sees("mine")
    await ann.press("up", "up", "r", *"yes")
    ann.app.open_to_write("@bob")
    assert ann.written == ""
    await ann.sees_no_more("↪ to bob")
    await ann.press("alt+1")
    await ann.sees("↪ to bob: message 3")
    assert ann.written == "yes"
    # An Esc too many costs neither.
    await ann.press("escape")
    await ann.sees("Esc again leaves it")
    await ann.press("enter")
    body = ann.gateway.server.logs["#lobby"][-1].body
    assert isinstance(body, MessagePosted)
    assert (body.text, body.reply_to) == ("yes", 3)


async def test_an_edit_waits_where_it_was_begun(ann: Person) -> None:
    await ann.write("mine")
    await ann.sees("mine")
    await ann.press(*"half")
    ann.app.focus_on(ann.app.timeline)
    await ann.press("e", *" own")
    ann.app.open_to_write("@bob")
    await ann.press("alt+1", "escape")
    await ann.sees("Esc again leaves it as it was")
    assert ann.written == "mine own"
    await ann.press("escape")
    assert ann.written == "half"
    # Nothing is lost by that, either.
    await ann.press("ctrl+u", "escape", "x", "up")
    assert ann.written == "mine own"
