"""What takes more than one step, as a person sees it: codes, tokens, reports and farewells."""

import asyncio
import re
import time
from base64 import b32decode
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec
import pyotp
import pytest

from zchat.client import Chat, connect
from zchat.client.commands.accounts import ASK_TO_REGISTER
from zchat.client.commands.actions import AccountAction
from zchat.client.commands.dialogues import (
    AccountDialogues,
    AmbiguousDevice,
    NoSuchMessage,
    totp_uri,
)
from zchat.client.commands.questions import Question
from zchat.client.commands.table import parse
from zchat.client.core.credentials import token_from_text
from zchat.protocol import limits
from zchat.protocol.messages import (
    CreateAppToken,
    DeleteAccount,
    DeviceInfo,
    EnableTotp,
    LogOutEverywhere,
    MemberJoined,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
    ReportMessage,
    RevokeDevice,
    Scope,
)

from .fake_gateway import Account, FakeGateway

PASSWORD = "correct horse"


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        gateway.server.guest = False
        gateway.account = Account(PASSWORD)
        yield gateway


@dataclass
class Person:
    """`answers` are given one after another; a function makes its answer of what was said."""

    gateway: FakeGateway
    answers: list[str | Callable[[list[str]], str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    forgotten: list[bool] = field(default_factory=list)

    async def does(self, line: str, device: str = "") -> None:
        action = parse(line, {"ops"})
        async with self.connect(device) as chat:
            await self.perform(chat, action)  # type: ignore[arg-type]

    def connect(self, device: str = "") -> Chat:
        return connect("ann", self.gateway.address, PASSWORD, device=device)

    async def perform(self, chat: Chat, action: AccountAction) -> None:
        dialogues = AccountDialogues(
            chat, self.said.append, self.refused.append, self._ask, self.forgotten.append
        )
        await dialogues.perform(action)

    async def _ask(self, questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        if not self.answers:
            return None
        answers = [self.answers.pop(0) for _ in questions]
        return [answer if isinstance(answer, str) else answer(self.said) for answer in answers]


def device(number: int, name: str, *, online: bool = True) -> DeviceInfo:
    return DeviceInfo(number, name, 0, 0, online)


# --- One-time codes -------------------------------------------------------------------------------


async def test_what_is_shown_is_what_an_authenticator_needs(gateway: FakeGateway) -> None:
    def code(said: list[str]) -> str:
        made = pyotp.parse_uri(said[1])
        assert isinstance(made, pyotp.TOTP)
        gateway.server.totp_code = made.now()
        assert (made.name, made.issuer) == ("ann", "zchat")
        # People type what the phone shows.
        return f"{made.now()[:3]} {made.now()[3:]}"

    person = Person(gateway, [PASSWORD, code])
    await person.does(":totp on")
    [enabled] = gateway.server.done
    assert isinstance(enabled, EnableTotp)
    assert b32decode(person.said[2]) == enabled.secret
    recovery = person.said[-10:]
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", one) for one in recovery)
    assert [sha256(one.encode()).digest() for one in recovery] == enabled.recovery
    assert len(set(recovery)) == 10


async def test_a_wrong_code_is_asked_for_again(gateway: FakeGateway) -> None:
    person = Person(gateway, [PASSWORD, "999999", "123456"])
    await person.does(":totp on")
    assert person.refused == ["that was not the code"]
    assert isinstance(gateway.server.done[0], EnableTotp)


async def test_without_the_code_nothing_is_switched_on(gateway: FakeGateway) -> None:
    person = Person(gateway, [PASSWORD, "999999", "999999", "999999", "123456"])
    await person.does(":totp on")
    await Person(gateway).does(":totp on")
    assert gateway.server.done == []
    assert not any("-" in one for one in person.said[3:])


def test_a_name_of_any_letters_fits_in_the_link() -> None:
    uri = totp_uri("josé&co", bytes(20))
    assert pyotp.parse_uri(uri).name == "josé&co"


# --- App tokens -----------------------------------------------------------------------------------


async def test_an_app_token_is_shown_once_and_never_sent(gateway: FakeGateway) -> None:
    person = Person(gateway)
    await person.does(":apptoken weather read,post ops")
    [created] = gateway.server.done
    assert isinstance(created, CreateAppToken)
    token = token_from_text(person.said[-1])
    assert created.digest == sha256(token).digest()
    assert (created.name, created.rooms) == ("weather", ["ops"])
    assert created.scopes == [Scope.READ, Scope.POST]


# --- What a moderator removes ---------------------------------------------------------------------


async def test_all_that_somebody_said_of_late_goes_once_it_is_confirmed(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HISTORY_ENTRIES_MAX", 2)
    server = gateway.server
    for author in ("mallory", "bob", "mallory", "mallory", "eve"):
        server.append("#ops", author, MessagePosted("buy this"))
    entries = server.logs["#ops"]
    hour_ago_ms = round(time.time() * 1000) - 3_600_000
    for index, entry in enumerate(entries):
        at_ms = hour_ago_ms + (index - 1) * 600_000
        entries[index] = msgspec.structs.replace(entry, at_ms=at_ms)
    person = Person(gateway, ["no"])
    await person.does(":redact-all ops mallory 1h spam")
    assert (len(server.logs["#ops"]), person.said) == (5, ["nothing was deleted"])
    person = Person(gateway, ["yes"])
    await person.does(":redact-all ops mallory 1h spam")
    assert [entry.body for entry in server.logs["#ops"][5:]] == [
        MessageDeleted(4, "spam"),
        MessageDeleted(3, "spam"),
    ]
    assert person.said == ["2 messages of mallory in #ops, of the last 1h: deleted"]
    with pytest.raises(NoSuchMessage, match="tom has said nothing in #ops of late"):
        await Person(gateway, ["yes"]).does(":redact-all ops tom 1h")


# --- Reports --------------------------------------------------------------------------------------


async def test_a_report_is_about_what_others_said(gateway: FakeGateway) -> None:
    server = gateway.server
    for author, body in (
        ("bob", MessagePosted("first")),
        ("mallory", MessagePosted("buy this\x1b[2J" + "!" * 99)),
        ("ann", MessagePosted("stop it")),
        ("eve", MemberJoined()),
    ):
        server.append("#ops", author, body)
    person = Person(gateway)
    await person.does(":report #ops spam")
    await person.does(":report ops 2 worse")
    assert [(one.log, one.sequence) for one in server.done if isinstance(one, ReportMessage)] == [
        ("#ops", 2),
        ("#ops", 1),
    ]
    assert person.said[0].startswith("the operators will see this: mallory: buy this[2J!!!")
    assert len(person.said[0]) < 120
    with pytest.raises(NoSuchMessage, match="no 3 messages of others among the newest in #ops"):
        await person.does(":report ops 3 more")


async def test_a_private_message_is_reported_where_it_stands(gateway: FakeGateway) -> None:
    gateway.server.append("@ann", "mallory", PrivateMessageSent("ann", "psst"))
    await Person(gateway).does(":report @mallory rude")
    [reported] = gateway.server.done
    assert isinstance(reported, ReportMessage)
    assert (reported.log, reported.sequence, reported.reason) == ("@ann", 1, "rude")


# --- Farewells ------------------------------------------------------------------------------------


async def test_logging_out_forgets_this_device_and_no_other(gateway: FakeGateway) -> None:
    gateway.server.devices = [
        device(1, "phone"),
        device(2, "laptop", online=False),
        device(3, "laptop"),
    ]
    person = Person(gateway)
    async with person.connect("laptop") as chat:
        await person.perform(chat, parse(":logout"))  # type: ignore[arg-type]
        assert chat.is_over
    [revoked] = gateway.server.done
    assert isinstance(revoked, RevokeDevice)
    assert revoked.device == 3
    assert person.forgotten == [False]


async def test_of_two_devices_of_one_name_neither_is_guessed(gateway: FakeGateway) -> None:
    gateway.server.devices = [device(1, "laptop"), device(2, "laptop")]
    person = Person(gateway)
    with pytest.raises(AmbiguousDevice, match=":revoke takes the number"):
        await person.does(":logout", "laptop")
    assert gateway.server.done == []
    assert person.forgotten == []


@pytest.mark.parametrize("everywhere", ["", " everywhere"])
async def test_a_guest_logs_out_with_a_goodbye(gateway: FakeGateway, everywhere: str) -> None:
    gateway.server.guest = True
    person = Person(gateway)
    async with person.connect("laptop") as chat:
        await person.perform(chat, parse(":logout" + everywhere))  # type: ignore[arg-type]
        assert chat.is_over
    assert gateway.server.done == []
    assert gateway.goodbyes == 1


async def test_logging_out_everywhere_ends_this_session_too(gateway: FakeGateway) -> None:
    person = Person(gateway)
    async with person.connect("laptop") as chat:
        await person.perform(chat, parse(":logout everywhere"))  # type: ignore[arg-type]
        async with asyncio.timeout(90):
            assert [event async for event in chat.entries()] == []
    assert isinstance(gateway.server.done[0], LogOutEverywhere)
    assert person.forgotten == [True]


async def test_an_account_is_deleted_by_its_own_name_only(gateway: FakeGateway) -> None:
    ask = parse(":delete-account")
    assert type(ask) is type(ASK_TO_REGISTER)
    person = Person(gateway)
    async with person.connect() as chat:
        await person.perform(chat, ask.then([PASSWORD, "bob"]))  # type: ignore[arg-type]
        assert (gateway.server.done, person.forgotten) == ([], [])
        await person.perform(chat, ask.then([PASSWORD, "ann"]))  # type: ignore[arg-type]
    [deleted] = gateway.server.done
    assert isinstance(deleted, DeleteAccount)
    assert deleted.password == PASSWORD
    assert person.forgotten == [True]
