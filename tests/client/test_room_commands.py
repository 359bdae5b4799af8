"""What one can do to a room by a line, and by a method."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date
from typing import Any

import pytest

from zchat.client import connect
from zchat.client.commands.actions import Action, Mistake, Send, ShowMode
from zchat.client.commands.table import parse
from zchat.client.core import checks
from zchat.client.line.line_client import LineClient
from zchat.client.sdk.requests import Asking
from zchat.client.text.renderer import Renderer
from zchat.protocol import limits
from zchat.protocol.messages import (
    Answer,
    BanList,
    BanMember,
    ClientMessage,
    CloseRoom,
    ConfigureRoom,
    DemoteMember,
    Done,
    InviteMember,
    JoinRoom,
    KickMember,
    ListBans,
    MemberBanned,
    MuteMember,
    Posting,
    PromoteMember,
    Request,
    ServerMessage,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)

from .fake_gateway import FakeGateway, until
from .server_model import ServerModel

BOB = ("ops", "bob")
OF_BOB: dict[str, Any] = {"room": "ops", "user": "bob"}


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (":jr ops open sesame", Send(JoinRoom(room="ops", key="open sesame"))),
        (":invite ops Bob", Send(InviteMember(**OF_BOB))),
        (":invite #ops @bob", Send(InviteMember(**OF_BOB))),
        (":kick ops bob", Send(KickMember(**OF_BOB))),
        (":kick ops bob too  loud", Send(KickMember(**OF_BOB, reason="too loud"))),
        (":ban ops bob", Send(BanMember(**OF_BOB))),
        (":ban ops bob spam and noise", Send(BanMember(**OF_BOB, reason="spam and noise"))),
        (":ban ops bob 30m", Send(BanMember(**OF_BOB), lasts_s=1_800)),
        (":ban ops bob 7d spam", Send(BanMember(**OF_BOB, reason="spam"), lasts_s=604_800)),
        (":ban ops bob 2H", Send(BanMember(**OF_BOB), lasts_s=7_200)),
        (":ban ops bob 2 words", Send(BanMember(**OF_BOB, reason="2 words"))),
        (":unban ops bob", Send(UnbanMember(**OF_BOB))),
        (":bans ops", Send(ListBans(room="ops"))),
        (":mute ops bob noise", Send(MuteMember(**OF_BOB, reason="noise"))),
        (":unmute ops bob", Send(UnmuteMember(**OF_BOB))),
        (":promote ops bob", Send(PromoteMember(**OF_BOB))),
        (":demote ops bob", Send(DemoteMember(**OF_BOB))),
        (":transfer ops bob", Send(TransferRoom(**OF_BOB))),
        (":close ops", Send(CloseRoom(room="ops"))),
        (":close ops the end", Send(CloseRoom(room="ops", reason="the end"))),
        (":mode #ops", ShowMode("ops")),
        (":mode ops private", Send(ConfigureRoom(room="ops", private=True))),
        (":mode ops PUBLIC nokey", Send(ConfigureRoom(room="ops", private=False, key=""))),
        (":mode ops key Sesame", Send(ConfigureRoom(room="ops", key="Sesame"))),
        (":mode ops key private", Send(ConfigureRoom(room="ops", key="private"))),
        (
            ":mode ops posting moderators slow 5m limit 50",
            Send(
                ConfigureRoom(
                    room="ops", posting=Posting.MODERATORS, slow_mode_s=300, members_max=50
                )
            ),
        ),
        (
            ":mode ops posting members slow off limit none",
            Send(ConfigureRoom(room="ops", posting=Posting.MEMBERS, slow_mode_s=0, members_max=0)),
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
    with pytest.raises(checks.InvalidRequest):
        checks.checked(JoinRoom(room="ops", key=key))


def test_a_ban_that_no_number_can_say_is_refused() -> None:
    with pytest.raises(checks.InvalidRequest):
        checks.checked(BanMember(room="ops", user="bob", until_ms=limits.INTEGER_MAX + 1))


class Asked(Asking):
    """Keeps what is asked, and answers at once."""

    rooms_followed = frozenset()

    def __init__(self) -> None:
        self.drafts: list[Request] = []

    def submit(self, draft: Request) -> Any:
        self.drafts.append(draft)

        async def answer() -> Answer:
            return BanList(1, "ops", []) if isinstance(draft, ListBans) else Done(1)

        return answer()


@pytest.mark.parametrize(
    ("ask", "draft"),
    [
        (lambda chat: chat.join("ops", "sesame"), JoinRoom(room="ops", key="sesame")),
        (lambda chat: chat.invite(*BOB), InviteMember(**OF_BOB)),
        (lambda chat: chat.kick(*BOB, "noise"), KickMember(**OF_BOB, reason="noise")),
        (lambda chat: chat.ban(*BOB, "noise", 9), BanMember(**OF_BOB, reason="noise", until_ms=9)),
        (lambda chat: chat.unban(*BOB), UnbanMember(**OF_BOB)),
        (lambda chat: chat.bans("ops"), ListBans(room="ops")),
        (lambda chat: chat.mute(*BOB, "noise"), MuteMember(**OF_BOB, reason="noise")),
        (lambda chat: chat.unmute(*BOB), UnmuteMember(**OF_BOB)),
        (lambda chat: chat.promote(*BOB), PromoteMember(**OF_BOB)),
        (lambda chat: chat.demote(*BOB), DemoteMember(**OF_BOB)),
        (lambda chat: chat.transfer(*BOB), TransferRoom(**OF_BOB)),
        (
            lambda chat: chat.configure("ops", private=True, slow_mode_s=5),
            ConfigureRoom(room="ops", private=True, slow_mode_s=5),
        ),
        (lambda chat: chat.close_room("ops", "end"), CloseRoom(room="ops", reason="end")),
    ],
)
async def test_what_a_method_asks(ask: Callable[[Asking], Awaitable[Any]], draft: Request) -> None:
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
