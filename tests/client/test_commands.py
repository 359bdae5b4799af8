"""The command table, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.commands.accounts import ASK_TO_REGISTER
from zchat.client.commands.actions import (
    Action,
    MeasurePing,
    Mistake,
    Nothing,
    Quit,
    Send,
    ShowHelp,
    ShowTopic,
    ShowWhoAmI,
)
from zchat.client.commands.table import COMMANDS, is_secret, parse
from zchat.client.commands.usage import KINDS, commands
from zchat.protocol import limits
from zchat.protocol.messages import (
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    ListUsers,
    Post,
    ReadHistory,
    Register,
    Request,
    SendPrivate,
    SetTopic,
)


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("hello all", Send(Post(room="lobby", text="hello all"))),
        ("::quit is a command", Send(Post(room="lobby", text=":quit is a command"))),
        ("two\nlines", Send(Post(room="lobby", text="two\nlines"))),
        ("", Nothing()),
        ("   ", Nothing()),
        (":pm Bob hi  there", Send(SendPrivate(to="bob", text="hi  there"))),
        (":pm @bob hi", Send(SendPrivate(to="bob", text="hi"))),
        (":PM bob hi", Send(SendPrivate(to="bob", text="hi"))),
        (":users", Send(ListUsers())),
        (":cr Ops", Send(CreateRoom(room="ops"))),
        (":cr ops private", Send(CreateRoom(room="ops", private=True))),
        (":jr #ops", Send(JoinRoom(room="ops"))),
        (":lr ops", Send(LeaveRoom(room="ops"))),
        (":lrs", Send(ListRooms())),
        (":lru ops", Send(ListMembers(room="ops"))),
        (":rm ops  : not a command", Send(Post(room="ops", text=": not a command"))),
        (":rm ops one\ntwo", Send(Post(room="ops", text="one\ntwo"))),
        (":topic ops", ShowTopic("ops")),
        (":topic ops  Pumps  and\tvalves ", Send(SetTopic(room="ops", topic="Pumps and valves"))),
        (":history", Send(ReadHistory(log="#lobby", limit=20))),
        (":history 50", Send(ReadHistory(log="#lobby", limit=50))),
        (":history #50", Send(ReadHistory(log="#50", limit=20))),
        (":history ops", Send(ReadHistory(log="#ops", limit=20))),
        (":history bob 5", Send(ReadHistory(log="@bob", limit=5))),
        (":history @ops 5", Send(ReadHistory(log="@ops", limit=5))),
        (":ping", MeasurePing()),
        (":whoami", ShowWhoAmI()),
        (":register", ASK_TO_REGISTER),
        (":register correct horse", Send(Register(password="correct horse"))),
        (":quit", Quit()),
    ],
)
def test_what_a_line_means(line: str, action: Action) -> None:
    assert parse(line, rooms={"ops"}) == action


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":pm", ":pm: the user name is missing. Usage: :pm <name> <message>"),
        (":pm bob", ":pm: the message is missing. Usage: :pm <name> <message>"),
        (":rm ops", ":rm: the message is missing. Usage: :rm <room> <message>"),
        (":cr", ":cr: the room name is missing. Usage: :cr <room> [private]"),
        (":cr two\nwords", "'words' is neither. Usage: :cr <room> [private]"),
        (":cr a/b", "'a/b' is no name"),
        (":cr " + "a" * 33, "at most 32 characters"),
        (":cr " + "a" * 9_000, "at most 32 characters"),
        (":" + "a" * 9_000, "…"),
        (":users\x00", "there is no command"),
        (":jr zchat", "what the server calls itself"),
        (":users all", ":users: takes no arguments. Usage: :users"),
        (":topic ops " + "x" * 301, "at most 300 characters; this one has 301"),
        (":history 201", "1 to 200 entries"),
        (":history ops many", "'many' is not a number"),
        (":history ops 5 6", "'6' is too much"),
        (":history 99999999999999999999", "1 to 200 entries"),
        (":register short", "8 to 256 characters"),
        (":rm ops " + "x" * 16_001, "at most 16,000 characters; this one has 16,001"),
        ("x" * 16_001, "at most 16,000 characters"),
        (":whoamI?", "did you mean :whoami?"),
        (":histroy", "did you mean :history [#room or @name] [n]?"),
        # As other programs call it.
        (":join ops", "did you mean :jr <room> [key]?"),
        (":xyzzy", "there is no command ':xyzzy'. :help lists them all."),
        (":", ":help"),
        (": hello", ":help"),
        (":help xyzzy", "there is no command ':xyzzy'"),
        (":\x1b[31mred", "there is no command ':[31mred'"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_would_be_right(line: str, words: str) -> None:
    mistake = parse(line)
    assert isinstance(mistake, Mistake)
    assert words in mistake.text
    assert len(mistake.text) < 200
    assert "\n" not in mistake.text
    assert "\x1b" not in mistake.text


def test_help_lists_every_command() -> None:
    shown = parse(":help")
    assert isinstance(shown, ShowHelp)
    for command in COMMANDS.values():
        assert any(line.startswith(command.usage) for line in shown.lines)
        one = parse(f":help :{command.name}")
        assert one == ShowHelp((command.usage, command.summary))


def test_what_is_a_message_has_its_fields_as_arguments() -> None:
    for command in COMMANDS.values():
        if isinstance(command.does, type) and issubclass(command.does, Request):
            assert {kind.name for kind in command.kinds} <= set(command.does.__struct_fields__)


def test_an_argument_of_no_kind_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="empty"):
        commands(KINDS, ("jr <romm>", JoinRoom, "Join a room."))


@given(st.text())
def test_any_line_has_a_meaning(line: str) -> None:
    action = parse(line)
    if isinstance(action, Send) and isinstance(action.request, Post):
        assert 1 <= len(action.request.text) <= limits.TEXT_CHARS_MAX
        action.request.text.encode()


@given(st.text())
def test_no_line_with_a_password_is_kept(password: str) -> None:
    for line in (f":register {password}", f"  :REGISTER {password}", f":regsiter {password}"):
        assert is_secret(line)
        action = parse(line)
        assert not (isinstance(action, Send) and not isinstance(action.request, Register))
