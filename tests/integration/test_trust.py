"""Those who try doors of a real cluster: each is refused, told what to do, and stands in a log.

Elsewhere: stolen keys of the fabric in test_router_keys.py and test_second_host.py, floods in
test_limits.py, what servers TLS clients believe in test_tls.py.
"""

import asyncio
import hashlib
import os
import re
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Raw, structs

from testbed.cluster import GATEWAYS, ROOM_SERVICE, ROUTER, USER_SERVICE, Cluster
from testbed.people import new_name
from zchat.client import Tls, UnknownServerError, connect
from zchat.client.sdk.tls import ChangedServerError
from zchat.fabric import sockets
from zchat.fabric.core.identities import identity
from zchat.fabric.core.link import Asker
from zchat.protocol import limits
from zchat.protocol import messages as m
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import Down, EndGuest, RoutingTable, Stamped
from zchat.protocol.operators import SetRetention
from zchat.protocol.rules.nonces import nonce
from zchat.protocol.rules.permissions import PERMISSIONS, Place
from zchat.runtime.settings import Settings

from .peers import Peer, until
from .test_tls import Authority
from .wire import HELLO, Wire

pytestmark = pytest.mark.integration

PASSWORD: Final = "correct horse"
_tables, _downs = Decoder(RoutingTable), Decoder(Down)
_answers: Decoder[Any] = Decoder(m.Done | m.Refused)  # type: ignore[arg-type]
_ANSWERS: Final = (
    m.Done
    | m.Refused
    | m.AuditList
    | m.BanList
    | m.DeviceList
    | m.BlockedList
    | m.MemberList
    | m.RoomList
    | m.UserList
    | m.History
)
CODES_OF_NO_RIGHT: Final = {m.RefusalCode.NOT_ALLOWED, m.RefusalCode.OUT_OF_SCOPE}


class Prober(Wire):
    """Sends one request after another, and has the answer to each."""

    def __init__(self, cluster: Cluster, name: str = "") -> None:
        super().__init__(cluster)
        self.name = name or self.name
        prefix = os.urandom(limits.NONCE_PREFIX_BYTES)
        self._numbers = count(2)
        self.nonces = (nonce(prefix, number) for number in count(1))

    async def enter(self, token: bytes, **given: Any) -> Any:
        await self.send(HELLO, m.LogIn(id=1, name=self.name, token=token, **given))
        await self.receive(m.Welcome)
        return await self.receive(m.LoggedIn | m.Refused)  # type: ignore[arg-type]

    async def ask(self, kind: type[m.Message], **fields: Any) -> Any:
        if "nonce" in kind.__struct_fields__:
            fields["nonce"] = next(self.nonces)
        await self.send(kind(id=next(self._numbers), **fields))
        return await self.receive(_ANSWERS)  # type: ignore[arg-type]


def new_token() -> bytes:
    return os.urandom(limits.TOKEN_BYTES)


async def logged(cluster: Cluster, text: str, *programs: str) -> None:
    """Waits until one of them has logged it."""

    def is_there() -> bool:
        return any(text in cluster.log(program) for program in programs)

    await asyncio.to_thread(cluster.wait_for, is_there, f"{text!r} in a log")


def is_helpful(refused: m.Refused) -> bool:
    """A sentence for people, which holds nothing that could steer a terminal."""
    return len(refused.reason.split()) >= 3 and refused.reason.isprintable()


# --- Every command and query ----------------------------------------------------------------------


def fields_of(kind: type[m.Message], room: str, user: str) -> dict[str, Any]:
    """What a message of the kind needs besides id and nonce, about this room and user."""
    known: dict[str, Any] = {
        "room": room,
        "user": user,
        "who": user,
        "to": user,
        "log": f"#{room}",
        "sequence": 1,
        "text": "hello",
        "topic": "roses",
        "reason": "why not",
        "password": PASSWORD,
        "new_password": PASSWORD,
        "device": 1,
        "digest": b"d" * limits.DIGEST_BYTES,
        "name": "bot",
        "scopes": [m.Scope.READ],
        "secret": b"s" * limits.TOTP_SECRET_BYTES,
        "code": "123456",
        "expires_ms": 2**50,
        "standing": m.Standing.OPERATOR,
        "slow_mode_s": 0,
        "emoji": "👍",
        "users": [user],
        "level": m.Notify.ALL,
        "away": "at lunch",
    }
    required = {field.name for field in structs.fields(kind) if field.required}
    return {name: value for name, value in known.items() if name in required}


async def everything_forbidden(
    cluster: Cluster, asker: Prober, forbidden: list[type[m.Message]], room: str, user: str
) -> None:
    for kind in forbidden:
        answer = await asker.ask(kind, **fields_of(kind, room, user))
        assert isinstance(answer, m.Refused), f"{asker.name}: {kind.__name__}: {answer}"
        assert answer.code in CODES_OF_NO_RIGHT, f"{kind.__name__}: {answer}"
        assert is_helpful(answer), answer
        tag = kind.__struct_config__.tag
        if answer.code is m.RefusalCode.NOT_ALLOWED:
            line = f"refused {tag} by {asker.name}: not_allowed"
            await logged(cluster, line, USER_SERVICE, ROOM_SERVICE)
            continue
        told = re.compile(f"refused out_of_scope session=\\d+ user={asker.name} command={tag}")
        await asyncio.to_thread(cluster.wait_for, partial(is_told, cluster, told), f"{told}")


def is_told(cluster: Cluster, line: re.Pattern[str]) -> bool:
    return any(line.search(cluster.log(gateway)) for gateway in GATEWAYS)


def not_for(standing: m.Standing, place: Place) -> list[type[m.Message]]:
    return [kind for kind, p in PERMISSIONS.items() if not p.allows(standing, place)]


async def test_nobody_does_what_is_not_for_them_and_whoever_tries_is_logged(
    cluster: Cluster,
) -> None:
    room, owner, bot_token = new_name("room"), Prober(cluster), new_token()
    guest, account = Prober(cluster), Prober(cluster)
    async with owner, guest, account, Prober(cluster, owner.name) as bot:
        assert isinstance(
            await owner.enter(new_token(), password=PASSWORD, register=True), m.LoggedIn
        )
        await owner.ask(m.CreateRoom, room=room)
        assert (await guest.enter(new_token())).standing == m.Standing.GUEST
        entered = await account.enter(new_token(), password=PASSWORD, register=True)
        assert entered.standing == m.Standing.ACCOUNT
        for member in (guest, account):
            assert isinstance(await member.ask(m.JoinRoom, room=room), m.Done)
        digest = hashlib.sha256(bot_token).digest()
        await owner.ask(m.CreateAppToken, digest=digest, name="bot", scopes=[m.Scope.READ])
        assert isinstance(await bot.enter(bot_token), m.LoggedIn)

        for asker, standing in ((guest, m.Standing.GUEST), (account, m.Standing.ACCOUNT)):
            forbidden = not_for(standing, Place.MEMBER)
            assert m.ReadAudit in forbidden
            assert m.KickMember in forbidden
            await everything_forbidden(cluster, asker, forbidden, room, owner.name)
        not_read = [kind for kind, p in PERMISSIONS.items() if p.scope is not m.Scope.READ]
        assert m.Post in not_read
        await everything_forbidden(cluster, bot, not_read, room, guest.name)
        # Nothing of all that has been done.
        history = await owner.ask(m.ReadHistory, log=f"#{room}", limit=50)
        kinds = [type(entry.body) for entry in history.entries]
        assert kinds == [m.RoomCreated, m.MemberJoined, m.MemberJoined]


async def test_a_private_room_is_not_there_for_others_whatever_they_ask(cluster: Cluster) -> None:
    room, owner, other = new_name("room"), Prober(cluster), Prober(cluster)
    async with owner, other:
        await owner.enter(new_token())
        await other.enter(new_token())
        await owner.ask(m.CreateRoom, room=room)
        await owner.ask(m.ConfigureRoom, room=room, private=True)
        about_rooms = [kind for kind, p in PERMISSIONS.items() if p.place is not None]
        for kind in about_rooms:
            fields = fields_of(kind, room, owner.name)
            answer = await other.ask(kind, **fields)
            fields = fields_of(kind, no_room := new_name("room"), owner.name)
            of_none = await other.ask(kind, **fields)
            assert isinstance(answer, m.Refused), f"{kind.__name__}: {answer}"
            assert isinstance(of_none, m.Refused)
            assert is_helpful(answer)
            told, told_of_none = answer.reason, of_none.reason.replace(no_room, room)
            assert (answer.code, told) == (of_none.code, told_of_none), kind.__name__
            tag = kind.__struct_config__.tag
            await logged(cluster, f"refused {tag} by {other.name}: unknown_", ROOM_SERVICE)
        listed = await other.ask(m.ListRooms)
        assert room not in [info.room for info in listed.rooms]


# --- Logging in -----------------------------------------------------------------------------------


async def test_a_revoked_token_opens_nothing_any_more(cluster: Cluster) -> None:
    token, ann = new_token(), Prober(cluster)
    async with ann:
        await ann.enter(new_token(), password=PASSWORD, register=True, device="desk")
        async with Prober(cluster, ann.name) as thief:
            await thief.enter(token, password=PASSWORD, device="phone")
        devices = (await ann.ask(m.ListDevices)).devices
        (phone,) = [device.device for device in devices if device.name == "phone"]
        assert isinstance(await ann.ask(m.RevokeDevice, device=phone), m.Done)
        before = refused_logins(cluster)
        async with Prober(cluster, ann.name) as thief:
            refused = await thief.enter(token)
        assert (refused.code, is_helpful(refused)) == (m.RefusalCode.PASSWORD_REQUIRED, True)
        await asyncio.to_thread(
            cluster.wait_for, lambda: refused_logins(cluster) == before + 1, "a word in the log"
        )


def refused_logins(cluster: Cluster) -> int:
    line = re.compile("log in refused session=[0-9]+ code=password_required address=127.0.0.1")
    return sum(len(line.findall(cluster.log(gateway))) for gateway in GATEWAYS)


async def test_guessing_costs_few_hashes_and_shuts_no_client_out(cluster: Cluster) -> None:
    ann, token, tries = Prober(cluster), new_token(), 60
    async with ann:
        await ann.enter(token, password=PASSWORD, register=True, device="desk")
    answers: list[m.Refused] = []
    async with Prober(cluster, ann.name) as thief:
        answers.append(await thief.enter(new_token(), password="guess 0"))
        for number in range(1, tries):
            await thief.send(
                m.LogIn(
                    id=number + 1, name=ann.name, token=new_token(), password=f"guess {number:03}"
                )
            )
            answers.append(await thief.receive(m.Refused))
            if number % 20 == 0:
                async with Prober(cluster, ann.name) as owner:
                    assert isinstance(await owner.enter(token), m.LoggedIn)
    codes = [answer.code for answer in answers]
    assert set(codes) == {m.RefusalCode.WRONG_PASSWORD, m.RefusalCode.TOO_FAST}
    # One more for each interval that it took.
    assert codes.count(m.RefusalCode.WRONG_PASSWORD) <= limits.LOGIN_ATTEMPTS_MAX + 2
    assert all(is_helpful(answer) for answer in answers)
    late = answers[-1]
    assert "try again in" in late.reason
    assert 0 < late.retry_after_ms <= limits.LOGIN_ATTEMPT_INTERVAL_S * 1000
    line = f"refused open_session by {ann.name} at 127.0.0.1: "
    log = cluster.log(USER_SERVICE)
    # What is wrong has been hashed, what is too fast has not.
    assert log.count(line + "wrong_password") == codes.count(m.RefusalCode.WRONG_PASSWORD)
    assert line + "too_fast" in log
    assert PASSWORD not in log
    assert "guess" not in log


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Cluster, Authority]]:
    authority = Authority(tmp_path_factory.mktemp("a"))
    authority.issue("127.0.0.1")
    environment = {
        "ZCHAT_TLS_CERT": str(authority.certificate),
        "ZCHAT_TLS_KEY": str(authority.key),
    }
    with Cluster(tmp_path_factory.mktemp("c"), environment=environment) as cluster:
        cluster.start()
        yield cluster, authority
    assert cluster.bugs() == []


async def test_who_does_not_believe_the_server_says_nothing_and_the_gateway_says_so(
    secure: tuple[Cluster, Authority], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    cluster, _ = secure
    name = new_name()
    for tls, error, words in (
        (Tls("on"), UnknownServerError, "--tls-pin sha256:"),
        (Tls("on", pins=("0" * 64,)), ChangedServerError, "Nothing was sent"),
    ):
        with pytest.raises(error, match=words):
            async with connect(name, cluster.address, PASSWORD, tls=tls, register=True):
                pass
    await logged(cluster, "a handshake with 127.0.0.1 failed: ", *GATEWAYS)
    assert name not in "".join(cluster.log(gateway) for gateway in GATEWAYS)
    assert name not in cluster.log(USER_SERVICE)


async def test_who_speaks_no_tls_or_an_older_one_is_logged(
    secure: tuple[Cluster, Authority],
) -> None:
    cluster, _ = secure
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    # It may be cut off before it has read why.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", cluster.port, ssl=old)
    await logged(cluster, "failed: unsupported protocol", *GATEWAYS)


# --- Inside: over the fabric, by hand -------------------------------------------------------------


class Hand:
    """Says whatever it likes, to services of a cluster whose folder it may enter."""

    def __init__(self, context: sockets.Context, name: str) -> None:
        endpoints = Settings(var=Path("var")).endpoints
        life = os.urandom(6).hex()
        self.peer = Peer(sockets.asker_socket(context, endpoints, identity(name, life)))
        self._epochs: dict[str, int] = {}
        self._links: dict[str, Asker[int]] = {}

    def known(self) -> bool:
        self.peer.say(b"", b"")
        for address, body in self.peer.hears():
            if not address:
                self._epochs = _tables.decode(body).epochs
        return "users" in self._epochs and "rooms/0" in self._epochs

    def do(self, address: str, command: m.Message, user: str, standing: m.Standing) -> Any:
        link = self._links.setdefault(address, Asker())
        link.worker_changed(self._epochs[address])
        link.send(encode(Stamped(7, user, Raw(encode(command)), standing)), 1)
        answers: list[Any] = []

        def answered() -> bool:
            link.heartbeat()
            for up in link.envelopes():
                self.peer.say(address.encode(), encode(up))
            for frm, body in self.peer.hears():
                if frm == address.encode():
                    answers.extend(
                        _answers.decode(f) for _, f in link.receive(_downs.decode(body), 0.0)
                    )
            return bool(answers)

        until(answered)
        return answers[0]


@pytest.fixture
def hand(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Hand]]:
    """Makes one that is called so."""
    # The paths of sockets are short where they begin.
    monkeypatch.chdir(cluster.folder)
    context, hands = sockets.Context(), list[Hand]()

    def make(name: str) -> Hand:
        hands.append(Hand(context, name))
        return hands[-1]

    yield make
    for each in hands:
        each.peer.socket.close()
    context.destroy(linger=0)


async def test_nobody_but_a_gateway_speaks_for_users(
    cluster: Cluster, hand: Callable[[str], Hand]
) -> None:
    room, ann = new_name("room"), Prober(cluster)
    async with ann:
        await ann.enter(new_token())
        await ann.ask(m.CreateRoom, room=room)
        nonces = ann.nonces
        for name in ("admin/mallory", "rooms/5"):
            mallory = hand(name)
            until(mallory.known)
            for address, command in (
                ("rooms/0", m.Post(id=1, nonce=next(nonces), room=room, text="a lie")),
                ("users", m.SendPrivate(id=1, nonce=next(nonces), to=ann.name, text="a lie")),
            ):
                refused = mallory.do(address, command, ann.name, m.Standing.OPERATOR)
                assert refused.code is m.RefusalCode.NOT_ALLOWED
                assert "only a gateway may send this" in refused.reason
                line = f"refused {type(command).__name__} from '{name}'"
                await logged(cluster, line, USER_SERVICE, ROOM_SERVICE)
        history = await ann.ask(m.ReadHistory, log=f"#{room}")
        assert [type(entry.body) for entry in history.entries] == [m.RoomCreated]


async def test_nobody_but_an_operator_and_services_do_what_is_theirs(
    cluster: Cluster, hand: Callable[[str], Hand]
) -> None:
    ann = Prober(cluster)
    async with ann:
        await ann.enter(new_token(), password=PASSWORD, register=True)
        gateway, service = hand("gateway/mallory"), hand("rooms/5")
        until(gateway.known)
        until(service.known)
        make = m.SetStanding(
            id=1, nonce=next(ann.nonces), user=ann.name, standing=m.Standing.OPERATOR
        )
        for asker, address, command, user in (
            (gateway, "users", make, ""),
            (gateway, "rooms/0", EndGuest(ann.name), ""),
            (gateway, "rooms/0", SetRetention(1, "#", 1), ""),
            (service, "users", make, ""),
            # The user-service goes by what it knows, whatever a gateway says.
            (gateway, "users", make, ann.name),
        ):
            refused = asker.do(address, command, user, m.Standing.OPERATOR)
            assert refused.code is m.RefusalCode.NOT_ALLOWED
            assert is_helpful(refused)
        for line in ("SetStanding from 'gateway/mallory'", "EndGuest from 'gateway/mallory'"):
            await logged(cluster, "refused " + line, USER_SERVICE, ROOM_SERVICE)
        await logged(cluster, "SetStanding from 'rooms/5'", USER_SERVICE)
        await logged(cluster, f"refused set_standing by {ann.name}: not_allowed", USER_SERVICE)


async def test_nobody_is_called_what_nobody_can_be_called(
    cluster: Cluster, hand: Callable[[str], Hand]
) -> None:
    mallory = hand("mallory")

    def told() -> bool:
        assert not mallory.known()
        return "refused at commands-frontend: somebody" in cluster.log(ROUTER)

    until(told, lambda: cluster.log(ROUTER)[-2000:])


async def test_a_suspended_account_is_kept_out_and_both_stand_in_the_books(
    cluster: Cluster, hand: Callable[[str], Hand]
) -> None:
    root, ann, token = Prober(cluster), Prober(cluster), new_token()
    console = hand("admin/console")
    until(console.known)
    async with ann, root:
        await ann.enter(token, password=PASSWORD, register=True)
        await root.enter(new_token(), password=PASSWORD, register=True)
        make = m.SetStanding(
            id=1, nonce=next(root.nonces), user=root.name, standing=m.Standing.MODERATOR
        )
        assert isinstance(console.do("users", make, "", m.Standing.ACCOUNT), m.Done)
        # Whoever becomes something else logs in anew.
        ended = await root.receive(m.Refused)
        assert ended.code is m.RefusalCode.SESSION_ENDED
        async with Prober(cluster, root.name) as moderator:
            entered = await moderator.enter(new_token(), password=PASSWORD)
            assert entered.standing == m.Standing.MODERATOR
            await moderator.ask(m.SuspendUser, user=ann.name, reason="spam")
            word = await ann.receive(m.Refused)
            assert (word.id, word.code) == (None, m.RefusalCode.SUSPENDED)
            assert word.reason == f"{ann.name} is suspended: spam"
            for given in ({}, {"password": PASSWORD}):
                async with Prober(cluster, ann.name) as again:
                    refused = await again.enter(token, **given)
                    assert refused.code is m.RefusalCode.SUSPENDED
                    assert refused.reason.endswith("spam")
            await logged(cluster, f"{ann.name} at 127.0.0.1: suspended", USER_SERVICE)
            records = (await moderator.ask(m.ReadAudit, limit=20)).records
        told = [(r.actor, r.action, r.subject, r.reason) for r in records]
        assert (root.name, "suspend_user", ann.name, "spam") in told
        assert ("admin/console", "set_standing", root.name, "moderator") in told
