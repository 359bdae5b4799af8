"""What one can do to messages by a line, which message is meant, and what is seen of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date

import pytest

from zchat.client import connect
from zchat.client.commands.actions import Action, Among, Mistake, Send, ToMessage, Which
from zchat.client.commands.messages import MESSAGE_COMMANDS
from zchat.client.commands.table import COMMANDS, is_secret, parse
from zchat.client.line.line_client import LineClient
from zchat.client.text.renderer import Renderer
from zchat.protocol.messages import (
    AddReaction,
    ClientMessage,
    DeleteMessage,
    EditMessage,
    ListConversations,
    ListPins,
    MessagePosted,
    Notify,
    PinMessage,
    Post,
    PrivateMessageSent,
    ReadEdits,
    ReadHistory,
    RemoveReaction,
    Request,
    SearchMessages,
    SendPrivate,
    ServerMessage,
    SetAway,
    SetNotify,
    StartConversation,
    UnpinMessage,
)

from .fake_gateway import FakeGateway, until
from .server_model import ServerModel

OWN, OTHERS = Among.OWN, Among.OTHERS


@pytest.mark.parametrize(
    ("line", "log", "which", "request_of_7"),
    [
        (":reply ops yes", "#ops", Which(OTHERS), Post(room="ops", text="yes", reply_to=7)),
        (
            ":reply #ops ^3 one\ntwo",
            "#ops",
            Which(OTHERS, 3),
            Post(room="ops", text="one\ntwo", reply_to=7),
        ),
        (
            ":reply @bob ^2 yes",
            "@bob",
            Which(OTHERS, 2),
            SendPrivate(to="bob", text="yes", reply_to=7),
        ),
        (
            ":reply bob ^Eve:2 yes",
            "@bob",
            Which(OTHERS, 2, "eve"),
            SendPrivate(to="bob", text="yes", reply_to=7),
        ),
        (":reply ops ^-^ hi", "#ops", Which(OTHERS), None),
        (
            ":edit ops better",
            "#ops",
            Which(OWN),
            EditMessage(log="#ops", sequence=7, text="better"),
        ),
        (
            ":edit ops ^2 ^2 is two",
            "#ops",
            Which(OWN, 2),
            EditMessage(log="#ops", sequence=7, text="^2 is two"),
        ),
        (":redact ops", "#ops", Which(OWN), DeleteMessage(log="#ops", sequence=7)),
        (
            ":redact ops ^bob spam",
            "#ops",
            Which(OWN, 1, "bob"),
            DeleteMessage(log="#ops", sequence=7, reason="spam"),
        ),
        (":react ops 👍", "#ops", Which(OTHERS), AddReaction(log="#ops", sequence=7, emoji="👍")),
        (
            ":unreact ops ^2 👍",
            "#ops",
            Which(OTHERS, 2),
            RemoveReaction(log="#ops", sequence=7, emoji="👍"),
        ),
        (
            ":edits ops ^bob",
            "#ops",
            Which(Among.EDITED, 1, "bob"),
            ReadEdits(log="#ops", sequence=7),
        ),
        (":pin ops ^2", "#ops", Which(OTHERS, 2), PinMessage(room="ops", sequence=7)),
        (":unpin ops ^2", "#ops", Which(Among.PINNED, 2), UnpinMessage(room="ops", sequence=7)),
    ],
)
def test_a_message_is_found_by_counting_back(
    line: str, log: str, which: Which, request_of_7: Request | None
) -> None:
    action = parse(line, {"ops"})
    if request_of_7 is None:
        assert isinstance(action, Mistake)
        return
    assert isinstance(action, ToMessage)
    assert (action.log, action.which) == (log, which)
    assert action.draft(log, 7) == request_of_7


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (":pins ops", Send(ListPins(room="ops"))),
        (":search pumps on", Send(SearchMessages(text="pumps on"))),
        (
            ":search #ops from:Bob pumps",
            Send(SearchMessages(text="pumps", log="#ops", author="bob")),
        ),
        (":search from:bob @eve a b", Send(SearchMessages(text="a b", log="@eve", author="bob"))),
        (":search # of pumps", Send(SearchMessages(text="# of pumps"))),
        (":talk bob @eve", Send(StartConversation(users=["bob", "eve"]))),
        (":conversations", Send(ListConversations())),
        (
            ":notify #ops Nothing",
            Send(SetNotify(log="#ops", level=Notify.NOTHING), "#ops tells you of nothing"),
        ),
        (
            ":notify bob all",
            Send(SetNotify(log="@bob", level=Notify.ALL), "@bob tells you of all"),
        ),
        (":away", Send(SetAway(away=""), "you are away")),
        (":away at  lunch", Send(SetAway(away="at lunch"), "you are away: at lunch")),
        (":back", Send(SetAway(away=None), "you are back")),
    ],
)
def test_lines_that_are_one_request(line: str, action: Action) -> None:
    assert parse(line, {"ops"}) == action


@pytest.mark.parametrize(
    "line",
    [
        *(":reply", ":reply ops", ":reply ops ^2", ":reply ops ^0 x", ":reply ops ^201 x"),
        *(":edit ops", ":edit ops ^bob x", ":react ops", ":react ops so good", ":pin @bob"),
        *(":pin ops too much", ":edits ops too much", ":search", ":search from:bob", ":talk"),
        *(":notify ops", ":notify ops loud", ":conversations x", ":back x", ":search #! x"),
    ],
)
def test_mistakes_say_what_is_right(line: str) -> None:
    action = parse(line, {"ops"})
    assert isinstance(action, Mistake)
    assert "Usage: :" in action.text


def test_none_of_these_lines_is_kept_from_the_history_as_a_secret() -> None:
    for command in MESSAGE_COMMANDS:
        assert COMMANDS[command.name] is command
        assert not is_secret(command.usage)


# --- Against a server -----------------------------------------------------------------------------


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        gateway.server.logs["#ops"] = []
        gateway.server.followed["#ops"] = 0
        yield gateway


class Person:
    """Types one line after another, and sees what comes of each."""

    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway
        self.shown: list[str] = []

    async def types(self, *lines: str) -> list[str]:
        async with connect("ann", self._gateway.address) as chat:
            render = Renderer("ann", date(2023, 11, 14), UTC, colour=False)
            client = LineClient(chat, render, self.shown.extend)
            following = asyncio.create_task(client.follow())
            for line in lines:
                before = len(self.shown)
                client.enter(line)
                await until(lambda before=before: len(self.shown) > before)  # type: ignore[misc]
            await client.quit(10)
            await following
        return [line.removeprefix("22:13 ").removeprefix("22:14 ") for line in self.shown]


async def test_a_message_is_answered_edited_pinned_and_deleted(gateway: FakeGateway) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("are the pumps on?"))
    shown = await Person(gateway).types(
        ":reply ops yes",
        ":react ops ^2 👍",
        ":react ops 👍",
        ":edit ops yes, they are",
        ":pin ops",
        ":pins ops",
        ":edits ops",
        ":redact ops",
        ":history ops 2",
    )
    text = "\n".join(shown)
    assert "#ops ann ↳ bob (are the pumps on?): yes" in text
    assert "! there are no 2 messages of others among the newest in #ops" in text
    assert "* #ops you reacted with 👍 to bob (are the pumps on?)" in text
    assert "* #ops you edited: yes, they are" in text
    assert "* #ops you pinned bob (are the pumps on?)" in text
    assert "— pinned in #ops —" in text
    assert "until 14 Nov 22:13: as it was" in text
    assert "* #ops you deleted a message" in text
    assert gateway.server.logs["#ops"][0].reactions == {"👍": ["ann"]}


class SlowModel(ServerModel):
    """Keeps a message for a while before it stands in its log."""

    kept: Post | None = None
    histories = 0

    def handle(self, message: ClientMessage) -> list[ServerMessage]:
        match message:
            case Post() if self.kept is None:
                self.kept = message
                return []
            case ReadHistory():
                self.histories += 1
        return super().handle(message)


async def test_what_was_said_just_now_is_the_last_message() -> None:
    server = SlowModel()
    server.append("#ops", "ann", MessagePosted("an old one"))
    server.followed["#ops"] = 1
    async with FakeGateway(server) as gateway, connect("ann", gateway.address) as chat:
        render = Renderer("ann", date(2023, 11, 14), UTC, colour=False)
        client = LineClient(chat, render, lambda lines: None)
        client.enter(":rm ops oops")
        client.enter(":redact ops")
        await until(lambda: server.kept is not None)
        # Whatever was asked before would have been heard by now.
        await chat.ping()
        assert server.histories == 0
        assert server.kept is not None
        gateway.push(server.handle(server.kept))
        await until(lambda: len(server.logs["#ops"]) == 3)
        await client.quit(10)
    assert server.texts("#ops") == ["an old one"]


async def test_in_private_the_entry_is_that_of_ones_own_inbox(gateway: FakeGateway) -> None:
    gateway.server.append("@ann", "bob", PrivateMessageSent("ann", "psst"))
    gateway.server.append("@ann", "ann", PrivateMessageSent("bob", "hello"))
    shown = await Person(gateway).types(":redact @bob", ":reply @bob what?")
    assert any("you deleted a message" in line for line in shown)
    [deleted] = [
        answer for answer in gateway.server.answers.values() if getattr(answer, "sequence", 0) == 3
    ]
    assert deleted.log == "@ann"  # type: ignore[union-attr]
    assert not any(isinstance(one, DeleteMessage) for one in gateway.server.done)


async def test_a_conversation_of_several_is_called_by_who_is_in_it(gateway: FakeGateway) -> None:
    person = Person(gateway)
    shown = await person.types(":talk bob eve", ":lrs", ":rm talk hello")
    assert any("you brought eve into the conversation" in line for line in shown)
    assert any(line.endswith("(ann, bob, eve) ann: hello") for line in shown)


async def test_levels_and_away_are_confirmed_in_words(gateway: FakeGateway) -> None:
    shown = await Person(gateway).types(":notify ops mentions", ":away lunch", ":back")
    assert shown[-3:] == [
        "* #ops tells you of mentions",
        "* you are away: lunch",
        "* you are back",
    ]
    assert [type(one) for one in gateway.server.done] == [SetNotify, SetAway, SetAway]


async def test_what_is_searched_for_is_shown(gateway: FakeGateway) -> None:
    gateway.server.append("#ops", "bob", MessagePosted("are the pumps on?"))
    shown = await Person(gateway).types(":search pumps")
    assert any("14 Nov 22:13 #ops bob: are the pumps on?" in line for line in shown)
