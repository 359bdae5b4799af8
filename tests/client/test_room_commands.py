"""What one can do to a room by a line, and by a method."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date
from typing import Any

import pytest

from zchat.client import connect
from zchat.client.commands.actions import Action, BanFor, Mistake, Send, ShowMode
from zchat.client.commands.table import parse
from zchat.client.line.line_client import LineClient
from zchat.client.sdk import drafts, room_drafts
from zchat.client.sdk.requests import Asking
from zchat.client.text.renderer import Renderer
from zchat.protocol import limits
from zchat.protocol.messages import (
    BanList,
    BanMember,
    ClientMessage,
    Done,
    ListBans,
    MemberBanned,
    Posting,
    ServerMessage,
)

from .fake_gateway import FakeGateway, until
from .server_model import ServerModel

BOB = ("ops", "bob")


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (":jr ops open sesame", Send(drafts.join("ops", "open sesame"))),
        (":invite ops Bob", Send(room_drafts.invite(*BOB))),
        (":invite #ops @bob", Send(room_drafts.invite(*BOB))),
        (":kick ops bob", Send(room_drafts.kick(*BOB))),
        (":kick ops bob too  loud", Send(room_drafts.kick(*BOB, "too loud"))),
        (":ban ops bob", Send(room_drafts.ban(*BOB))),
        (":ban ops bob spam and noise", Send(room_drafts.ban(*BOB, "spam and noise"))),
        (":ban ops bob 30m", BanFor(room_drafts.ban(*BOB), 1_800)),
        (":ban ops bob 7d spam", BanFor(room_drafts.ban(*BOB, "spam"), 604_800)),
        (":ban ops bob 2H", BanFor(room_drafts.ban(*BOB), 7_200)),
        (":ban ops bob 2 words", Send(room_drafts.ban(*BOB, "2 words"))),
        (":unban ops bob", Send(room_drafts.unban(*BOB))),
        (":bans ops", Send(room_drafts.bans("ops"))),
        (":mute ops bob noise", Send(room_drafts.mute(*BOB, "noise"))),
        (":unmute ops bob", Send(room_drafts.unmute(*BOB))),
        (":promote ops bob", Send(room_drafts.promote(*BOB))),
        (":demote ops bob", Send(room_drafts.demote(*BOB))),
        (":transfer ops bob", Send(room_drafts.transfer(*BOB))),
        (":close ops", Send(room_drafts.close("ops"))),
        (":close ops the end", Send(room_drafts.close("ops", "the end"))),
        (":mode #ops", ShowMode("ops")),
        (":mode ops private", Send(room_drafts.configure("ops", private=True))),
        (":mode ops PUBLIC nokey", Send(room_drafts.configure("ops", private=False, key=""))),
        (":mode ops key Sesame", Send(room_drafts.configure("ops", key="Sesame"))),
        (":mode ops key private", Send(room_drafts.configure("ops", key="private"))),
        (
            ":mode ops posting moderators slow 5m limit 50",
            Send(room_drafts.configure("ops", None, None, Posting.MODERATORS, 300, 50)),
        ),
        (
            ":mode ops posting members slow off limit none",
            Send(room_drafts.configure("ops", None, None, Posting.MEMBERS, 0, 0)),
        ),
    ],
)
def test_what_a_line_means(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":kick", ":kick: the room name is missing. Usage: :kick <room> <name> [reason]"),
        (":kick ops", "the user name is missing"),
        (":kick ops a/b", "'a/b' is no name"),
        (":invite ops bob carl", "'carl' is too much"),
        (":ban ops bob 0m", "at least 1s"),
        (":kick ops bob " + "x" * 301, "at most 300 characters; this one has 301"),
        (":mode ops open", "'open' is none of private, public"),
        (":mode ops key", "the key is missing"),
        (":mode ops posting", "who may speak is missing"),
        (":mode ops posting all", "'all' is neither members nor moderators"),
        (":mode ops slow soon", "'soon' is no time"),
        (":mode ops slow 7h", "0 to 21,600 seconds"),
        (":mode ops limit 0", "'0' is no number of members"),
        (":mode ops limit 99999999999999", "at most 10,000 members"),
        (":mode ops private public", "says again"),
        (":mode ops key " + "k" * 65, "at most 64 characters"),
    ],
)
def test_a_mistake_says_what_would_be_right(line: str, words: str) -> None:
    mistake = parse(line)
    assert isinstance(mistake, Mistake)
    assert words in mistake.text


def test_a_key_is_in_no_error() -> None:
    mistake = parse(":mode ops key " + "secret" * 20)
    assert isinstance(mistake, Mistake)
    assert "secret" not in mistake.text


@pytest.mark.parametrize("key", ["k" * (limits.ROOM_KEY_CHARS_MAX + 1), "\udc80"])
def test_only_keys_that_can_be_sent_are(key: str) -> None:
    with pytest.raises(drafts.InvalidRequest):
        drafts.join("ops", key)


def test_a_ban_that_no_number_can_say_is_refused() -> None:
    with pytest.raises(drafts.InvalidRequest):
        room_drafts.ban("ops", "bob", until_ms=limits.INTEGER_MAX + 1)


class Asked(Asking):
    """Keeps what is asked, and answers at once."""

    rooms_followed = frozenset()

    def __init__(self) -> None:
        self.drafts: list[drafts.Request] = []

    def submit(self, draft: drafts.Request) -> Any:
        self.drafts.append(draft)

        async def answer() -> drafts.Answer:
            return BanList(1, "ops", []) if isinstance(draft, ListBans) else Done(1)

        return answer()


@pytest.mark.parametrize(
    ("ask", "draft"),
    [
        (lambda chat: chat.join("ops", "sesame"), drafts.join("ops", "sesame")),
        (lambda chat: chat.invite(*BOB), room_drafts.invite(*BOB)),
        (lambda chat: chat.kick(*BOB, "noise"), room_drafts.kick(*BOB, "noise")),
        (lambda chat: chat.ban(*BOB, "noise", 9), room_drafts.ban(*BOB, "noise", 9)),
        (lambda chat: chat.unban(*BOB), room_drafts.unban(*BOB)),
        (lambda chat: chat.bans("ops"), room_drafts.bans("ops")),
        (lambda chat: chat.mute(*BOB, "noise"), room_drafts.mute(*BOB, "noise")),
        (lambda chat: chat.unmute(*BOB), room_drafts.unmute(*BOB)),
        (lambda chat: chat.promote(*BOB), room_drafts.promote(*BOB)),
        (lambda chat: chat.demote(*BOB), room_drafts.demote(*BOB)),
        (lambda chat: chat.transfer(*BOB), room_drafts.transfer(*BOB)),
        (
            lambda chat: chat.configure("ops", private=True, slow_mode_s=5),
            room_drafts.configure("ops", private=True, slow_mode_s=5),
        ),
        (lambda chat: chat.close_room("ops", "end"), room_drafts.close("ops", "end")),
    ],
)
async def test_what_a_method_asks(
    ask: Callable[[Asking], Awaitable[Any]], draft: drafts.Request
) -> None:
    chat = Asked()
    await ask(chat)
    assert chat.drafts == [draft]


class ModelWithBans(ServerModel):
    def handle(self, message: ClientMessage) -> list[ServerMessage]:
        match message:
            case BanMember(room=room, user=user, reason=reason, until_ms=until_ms):
                entry = self.append("#" + room, self.name, MemberBanned(user, reason, until_ms))
                return [entry, Done(message.id, entry.log, entry.sequence)]
            case _:
                return super().handle(message)


async def test_the_line_client_shows_a_rooms_settings_and_knows_when_a_ban_ends() -> None:
    shown: list[str] = []
    async with FakeGateway() as gateway:
        gateway.server = ModelWithBans()
        async with connect("ann", gateway.address) as chat:
            render = Renderer("ann", date(2023, 11, 14), UTC, colour=False)
            client = LineClient(chat, render, shown.extend)
            following = asyncio.create_task(client.follow())
            begin_ms = time.time() * 1000
            for line in (":cr ops", ":mode ops", ":ban ops bob 2h spam"):
                client.enter(line)
            await until(lambda: any("banned bob until" in line for line in shown))
            await client.quit(10)
            await following
        bodies = [entry.body for entry in gateway.server.logs["#ops"]]
    assert "#ops: public, all members speak" in shown
    [banned] = [body for body in bodies if isinstance(body, MemberBanned)]
    assert (banned.user, banned.reason) == ("bob", "spam")
    assert banned.until_ms is not None
    assert banned.until_ms >= round(begin_ms) + 7_200_000
