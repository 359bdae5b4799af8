"""Which clients an account remembers, what app tokens may do, and how they are forgotten."""

import hashlib

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import (
    CreateAppToken,
    DeviceInfo,
    DeviceList,
    Done,
    ListDevices,
    LogOutEverywhere,
    RefusalCode,
    RevokeDevice,
    Scope,
    Standing,
)

from .playbook import EAST, PASSWORD, WEST, Answer, Users, durable_state, opened, refused, token

_lists = Decoder(DeviceList)


@pytest.fixture
def ann(users: Users) -> Users:
    users.account("ann")
    return users


def come(users: Users, client: str, n: int = 1, device: str = "") -> Answer:
    return users.come("ann", client=client, password=PASSWORD, n=n, device=device)


def devices(users: Users) -> list[DeviceInfo]:
    return _lists.decode(users.ask("ann", ListDevices(id=1))).devices


def app_token(users: Users, client: str = "bot", *rooms: str) -> Answer:
    digest = hashlib.sha256(token(client)).digest()
    scopes = [Scope.READ, Scope.POST]
    return users.do(
        CreateAppToken(
            id=2,
            nonce=users.nonce(),
            digest=digest,
            name="my bot",
            scopes=scopes,
            rooms=list(rooms),
        ),
        "ann",
    )


def test_a_device_is_remembered_after_a_goodbye(ann: Users) -> None:
    come(ann, "phone", device="phone")
    ann.quit()
    ann.restart()

    assert opened(ann.come("ann", client="phone")).standing is Standing.ACCOUNT
    assert ann.changes("ann") == [("device_added", "phone")]
    assert [(d.name, d.online) for d in devices(ann)] == [("phone", True)]


def test_a_device_whose_name_shows_nothing_has_none(ann: Users) -> None:
    come(ann, "phone", device="\u200b\u3164")
    assert ann.changes("ann") == []
    assert [d.name for d in devices(ann)] == [""]


def test_a_client_can_become_a_device_later(ann: Users) -> None:
    come(ann, "phone")
    ann.lose()
    opened(ann.come("ann", client="phone", device="phone"))
    ann.quit()
    opened(ann.come("ann", client="phone"))
    assert durable_state(ann.loaded()) == durable_state(ann.core)


def test_the_device_of_a_guest_ends_with_the_guest(users: Users) -> None:
    users.come("ann", device="phone")
    users.quit()
    users.settle_all()
    assert users.loaded().users == {}


def test_a_guest_that_registers_keeps_its_device(users: Users) -> None:
    users.come("ann", device="phone")
    users.register("ann")
    users.quit()
    opened(users.come("ann"))


def test_it_is_written_once_an_hour_when_a_device_was_seen(ann: Users) -> None:
    come(ann, "phone", device="phone")
    came_ms = ann.at_ms
    for minutes, seen_ms in ((30, came_ms), (31, came_ms + 3_660_000)):
        ann.lose()
        ann.now += minutes * 60
        ann.come("ann", client="phone")
        assert [d.seen_ms for d in devices(ann)] == [seen_ms]
    assert durable_state(ann.loaded()) == durable_state(ann.core)


def test_of_too_many_devices_the_one_seen_least_recently_is_forgotten(
    ann: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_TOKENS_MAX", 2)
    come(ann, "stays", n=1)
    for n, client in enumerate(["desk", "phone", "tablet"], start=2):
        come(ann, client, n=n, device=client)
        ann.quit(n=n)
        ann.now += 60

    assert [d.name for d in devices(ann)] == ["", "phone", "tablet"]
    assert [d.device for d in devices(ann)] == [2, 4, 5], "numbers are not used again"


def test_a_device_that_is_connected_is_not_put_out_by_another_one(
    ann: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_TOKENS_MAX", 1)
    come(ann, "desk", n=1, device="desk")
    phone = ann.come("ann", client="phone", n=2, password=PASSWORD, device="phone")
    assert refused(phone) is RefusalCode.LIMIT_REACHED
    assert (ann.ended, [d.name for d in devices(ann)]) == ([], ["desk"])

    ann.quit(n=1)
    come(ann, "phone", n=2, device="phone")
    assert [d.name for d in devices(ann)] == ["phone"]


# --- Revoking -------------------------------------------------------------------------------------


def test_a_device_that_is_revoked_is_out_at_once(ann: Users) -> None:
    come(ann, "desk", n=1, device="desk")
    come(ann, "phone", n=2, device="phone")
    desk, phone = devices(ann)

    revoke = RevokeDevice(id=3, nonce=ann.nonce(), device=phone.device)
    assert ann.do(revoke, "ann") == Done(3, "@ann", 4)
    assert ann.do(revoke, "ann") == Done(3, "@ann", 4, again=True)
    assert ann.ended == [(WEST, 2)]
    assert refused(ann.come("ann", client="phone")) is RefusalCode.PASSWORD_REQUIRED
    assert [d.name for d in devices(ann)] == [desk.name]
    assert ann.changes("ann")[-1] == ("device_revoked", "phone")
    assert durable_state(ann.loaded()) == durable_state(ann.core)


def test_nobody_revokes_what_is_not_there(ann: Users) -> None:
    come(ann, "desk")
    revoke = RevokeDevice(id=3, nonce=ann.nonce(), device=99)
    assert refused(ann.do(revoke, "ann")) is RefusalCode.UNKNOWN_DEVICE


def test_logging_out_everywhere_ends_all_sessions_and_tokens(ann: Users) -> None:
    come(ann, "desk", n=1, device="desk")
    come(ann, "phone", n=2)
    app_token(ann)
    opened(ann.come("ann", client="bot", at=EAST, n=3))

    answer = ann.do(LogOutEverywhere(id=4, nonce=ann.nonce()), "ann")
    assert isinstance(answer, Done)
    assert set(ann.ended) == {(WEST, 1), (WEST, 2), (EAST, 3)}
    assert ann.online == set()
    for client in ("desk", "phone", "bot"):
        assert refused(ann.come("ann", client=client)) is RefusalCode.PASSWORD_REQUIRED
    assert ann.changes("ann")[-1] == ("logged_out_everywhere", "")
    assert ann.loaded().users["ann"].tokens == []


# --- App tokens -----------------------------------------------------------------------------------


def test_an_app_token_opens_a_session_with_its_scopes(ann: Users) -> None:
    ann.promote("ann", Standing.OPERATOR)
    come(ann, "desk")
    app_token(ann, "bot", "Garden", "attic")
    bot = opened(ann.come("ann", client="bot", n=2))

    assert (bot.scopes, bot.rooms) == ((Scope.POST, Scope.READ), ("attic", "garden"))
    assert bot.standing is Standing.ACCOUNT, "a bot is no operator"
    assert ann.changes("ann")[-1] == ("app_token_created", "my bot")
    ann.quit(n=2)
    ann.restart()
    assert opened(ann.come("ann", client="bot", n=3)).rooms == ("attic", "garden")


def test_it_is_known_when_an_app_token_was_used(ann: Users) -> None:
    come(ann, "desk")
    app_token(ann)
    ann.now += 7200
    opened(ann.come("ann", client="bot", n=2, device="another name"))
    bot = devices(ann)[-1]
    assert (bot.name, bot.seen_ms, bot.online) == ("my bot", ann.at_ms, True)


def test_the_token_of_a_session_does_not_become_an_app_token(ann: Users) -> None:
    come(ann, "desk")
    assert refused(app_token(ann, "desk")) is RefusalCode.NOT_ALLOWED
    assert opened(ann.come("ann", client="desk")).scopes == ()


def test_there_are_only_so_many_app_tokens(ann: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USER_TOKENS_MAX", 1)
    come(ann, "desk")
    assert isinstance(app_token(ann), Done)
    assert refused(app_token(ann, "other bot")) is RefusalCode.LIMIT_REACHED
