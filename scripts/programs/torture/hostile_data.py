"""The worst that a cluster can hold within its limits: databases that hostile clients have filled.

They are written by the real cores, beats and stores, and hold nothing that clients could not have
said; only the time is saved that it would take to say all of it over the wire.
"""

import hashlib
import itertools
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.internal import OpenSession, SessionOpened
from zchat.protocol.messages import (
    LOBBY,
    AddReaction,
    BanMember,
    BlockUser,
    CreateAppToken,
    CreateRoom,
    Done,
    EditMessage,
    InviteMember,
    JoinRoom,
    Message,
    Notify,
    PinMessage,
    Post,
    PromoteMember,
    Scope,
    SendPrivate,
    SetNotify,
    SetTopic,
    Standing,
    room_log,
)
from zchat.protocol.rules.nonces import nonce
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.password_pool import hashed

from .busy_service import BusyService, Kind, user_kind

PASSWORD: Final = "correct horse battery"
"""Of every account."""
CROWD: Final = "crowd"
"""The room with everybody in it, and as many bans, invitations, pins and reactions as may be."""
CHAIN: Final = "chain"
"""Each message answers the one before."""
HOARDER: Final = "hoarder"
"""The account with the largest inbox."""
_OWNER: Final = "owner"
ARCHIVES: Final = tuple(f"archive-{number}" for number in range(10))
"""Rooms of nothing but long messages."""
HONEST_PAIRS: Final = 10
NOWHERE: Final = "zyzzyva"
"""A word that no message has, and neither its pieces."""
SCATTERED: Final = "abcbca"
"""A word that no message has, but its pieces are in nearly all."""
LETTER: Final = "q"
"""No message has it, and for a single letter the index knows of no piece."""
_REPEATED: Final = ("abc" * limits.TEXT_CHARS_MAX)[: limits.TEXT_CHARS_MAX]
_FOUR_BYTES: Final = [chr(code) for code in range(0x20000, 0x2A000)]
_LETTERS: Final = "abcdefghijklmnoprstuvwxy"
_BATCH_ITEMS: Final = 1_000
_BATCH_BYTES: Final = 1_500_000
_AGO_S: Final = 30 * 24 * 3600.0
"""When all of it was said; accounts are twice as old."""


class Sizes(NamedTuple):
    accounts: int = 20_000
    online: int = 2_000
    """Of these accounts."""
    rooms: int = 9_700
    """The others, up to the limit, are for those who attack to make."""
    members: int = 9_800
    """Of the crowd."""
    long_messages: int = 4_000
    unindexed: int = 2_000
    """Long messages more, half of them of characters with four bytes each."""
    private: int = 8_000
    """Longest messages in one inbox."""
    authors: int = 2_000
    replies: int = 4_000
    edits: int = 300
    """Of one longest message."""

    def consistent(self) -> "Sizes":
        """With as many members and online as there are accounts that own none of the many rooms."""
        others = self.accounts - self.rooms // limits.USER_ROOMS_MAX - 1
        return self._replace(
            members=min(self.members, others),
            online=min(self.online, others),
            authors=min(self.authors, others),
        )


QUICK: Final = Sizes(400, 30, 200, 300, 100, 60, 60, 20, 50, 10)


class Needs(NamedTuple):
    """What an attack must find, beside membership in the crowd and in the archives."""

    account: str
    own_room: bool = False
    """A room of its own in which all are that are online."""
    own_messages: bool = False
    blocked: bool = False
    devices: bool = False


@dataclass
class Facts:
    """What those who attack must know of the databases."""

    sizes: Sizes
    heads: dict[str, int] = field(default_factory=dict)
    """Of rooms, by log: so nobody is sent what was said before."""
    ascii_head: int = 0
    """In the first archive: the newest of those messages that fill an answer best."""
    edited: int = 0
    """In the crowd: the message that was edited often."""
    reacted: int = 0
    """In the crowd: one with as many reactions as may be, less one, which is `emoji`."""
    emoji: str = ""
    pinned: int = 0
    """In the crowd: one of as many as may be."""
    own: dict[str, list[int]] = field(default_factory=dict)
    """In the crowd: messages of an account's own."""


def person(number: int) -> str:
    """The longest name."""
    return f"person-{number:05d}-".ljust(limits.NAME_CHARS_MAX, "x")


def honest(number: int) -> str:
    return f"honest-{number:02d}"


def pair_room(number: int) -> str:
    return f"pair-{number // 2:02d}"


def own_room(account: str) -> str:
    return f"own-{account}"[: limits.NAME_CHARS_MAX]


def token_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def long_text(number: int) -> str:
    """As many bytes as one message may have, and no three characters of it twice."""
    start = number * 7_919 % len(_FOUR_BYTES)
    row = _FOUR_BYTES[start:] + _FOUR_BYTES[:start]
    return "".join(row[: limits.TEXT_CHARS_MAX])


def long_ascii(number: int) -> str:
    dice = random.Random(number)
    words = ("".join(dice.choices(_LETTERS, k=9)) for _ in range(limits.TEXT_CHARS_MAX // 10))
    return " ".join(words)


# --- Saying it ------------------------------------------------------------------------------------


class _Service(BusyService):
    """Has commands done in large beats."""

    def __init__(self, kind: Kind, database: Path, ago_s: float) -> None:
        super().__init__(kind, database, now=time.time() - ago_s, password_hash=hashed(PASSWORD))
        self._counts = itertools.count(1)
        self._prefix = b"prepare!"
        self._said = 0

    def session_of(self, user: str, command: Message) -> int:
        return next(self._counts)

    def nonce(self) -> bytes:
        self._said += 1
        return nonce(self._prefix, self._said)

    def run(
        self, commands: Iterable[tuple[str, Message]], items_max: int = _BATCH_ITEMS
    ) -> list[int]:
        """The sequences of what the commands have made. All of them must be done."""
        sequences: list[int] = []
        batch: list[tuple[str, Message]] = []
        size_bytes = 0
        for user, command in itertools.chain(commands, [("", None)]):
            if batch and (command is None or len(batch) == items_max or size_bytes > _BATCH_BYTES):
                for answer in self.do(batch):
                    assert isinstance(answer, Done | SessionOpened), answer
                    sequences.append(answer.sequence if isinstance(answer, Done) else 0)
                batch, size_bytes = [], 0
            if command is not None:
                batch.append((user, command))
                size_bytes += 4 * len(getattr(command, "text", ""))
        return sequences

    def index(self) -> None:
        while self.store.index_messages():
            pass


# --- Users ----------------------------------------------------------------------------------------


def write_users(database: Path, sizes: Sizes, needs: Collection[Needs]) -> None:
    service = _Service(user_kind(), database, 2 * _AGO_S)
    hostile = sorted({one.account for one in needs} | {HOARDER})
    names = [person(number) for number in range(sizes.accounts)]
    names += [*hostile, *(honest(number) for number in range(2 * HONEST_PAIRS + 1))]
    # No more passwords may wait to be hashed at a time.
    service.run(
        (("", OpenSession(1, name, token_of(name), PASSWORD, register=True)) for name in names),
        limits.PASSWORD_JOBS_MAX,
    )
    for one in needs:
        if one.blocked:
            blocked = range(limits.USER_BLOCKED_MAX - 1)
            service.run(
                (
                    one.account,
                    BlockUser(id=1, nonce=service.nonce(), user=person(n % sizes.accounts)),
                )
                for n in blocked
            )
        if one.devices:
            service.run(_devices(service, one.account), 1)
    texts = itertools.cycle([_REPEATED, long_ascii(1), long_ascii(2)])
    service.run(
        (
            person(n % sizes.authors),
            SendPrivate(id=1, nonce=service.nonce(), to=HOARDER, text=next(texts)),
        )
        for n in range(sizes.private)
    )
    service.run(
        (HOARDER, SetNotify(id=1, log="@" + person(n), level=Notify.MENTIONS))
        for n in range(min(sizes.authors, limits.USER_CONVERSATIONS_MAX))
    )
    service.close()


def _devices(service: _Service, account: str) -> Iterator[tuple[str, Message]]:
    for number in range(1, limits.USER_TOKENS_MAX):
        device = f"device {number}".ljust(limits.DEVICE_NAME_CHARS_MAX, ".")
        token = token_of(f"{account} {number}")
        yield "", OpenSession(1, account, token, PASSWORD, device)
    rooms = [person(number) for number in range(limits.APP_TOKEN_ROOMS_MAX)]
    for number in range(limits.USER_TOKENS_MAX):
        name = f"bot {number}".ljust(limits.DEVICE_NAME_CHARS_MAX, ".")
        digest = token_of(f"{account} bot {number}")
        yield (
            account,
            CreateAppToken(
                id=1,
                nonce=service.nonce(),
                digest=digest,
                name=name,
                scopes=list(Scope),
                rooms=rooms,
            ),
        )


# --- Rooms ----------------------------------------------------------------------------------------


def write_rooms(database: Path, sizes: Sizes, needs: Collection[Needs]) -> Facts:
    kind = Kind(RoomService(0, 1, keeps_edits=True), ROOMS_SCHEMA, ["users", "rooms/0"])
    service = _Service(kind, database, _AGO_S)
    # Who keeps order in the cluster makes rooms as fast as it likes.
    service.standing = Standing.MODERATOR
    facts = Facts(sizes)
    hostile = sorted({one.account for one in needs} | {HOARDER})
    _write_pairs(service)
    _write_crowd(service, facts, hostile)
    for one in needs:
        if one.own_room:
            service.run(_room_of(service, one.account, own_room(one.account), sizes.online))
        if one.own_messages:
            posts = (
                Post(id=1, nonce=service.nonce(), room=CROWD, text=f"{n} of my own")
                for n in range(300)
            )
            facts.own[one.account] = service.run((one.account, post) for post in posts)
    service.run(
        (_OWNER, CreateRoom(id=1, nonce=service.nonce(), room=room)) for room in (*ARCHIVES, CHAIN)
    )
    service.run(
        (name, JoinRoom(id=1, nonce=service.nonce(), room=room))
        for room in (*ARCHIVES, CHAIN)
        for name in hostile
    )
    answered = 0
    for _ in range(sizes.replies):
        text = f"in reply to {answered}"
        (answered,) = service.run(
            [(_OWNER, Post(id=1, nonce=service.nonce(), room=CHAIN, text=text, reply_to=answered))]
        )
    _write_many_rooms(service, sizes)
    service.run(_archived(service, sizes.long_messages, lambda _: _REPEATED))
    service.index()
    half = sizes.unindexed // 2
    service.run(_archived(service, sizes.unindexed - half, long_ascii))
    first = room_log(ARCHIVES[0])
    facts.ascii_head = service.store.heads([first])[first]
    service.run(_archived(service, half, long_text))
    rooms = [LOBBY, CROWD, CHAIN, *ARCHIVES]
    rooms += [own_room(one.account) for one in needs if one.own_room]
    facts.heads = service.store.heads(map(room_log, rooms))
    service.close()
    return facts


def _write_pairs(service: _Service) -> None:
    for number in range(2 * HONEST_PAIRS):
        room = pair_room(number)
        enter = JoinRoom if number % 2 else CreateRoom
        service.run([(honest(number), enter(id=1, nonce=service.nonce(), room=room))])


def _room_of(
    service: _Service, owner: str, room: str, members: int
) -> Iterator[tuple[str, Message]]:
    yield owner, CreateRoom(id=1, nonce=service.nonce(), room=room, private=False)
    for number in range(members):
        yield person(number), JoinRoom(id=1, nonce=service.nonce(), room=room)


def _write_crowd(service: _Service, facts: Facts, hostile: Collection[str]) -> None:
    sizes, log = facts.sizes, room_log(CROWD)
    service.run(_room_of(service, _OWNER, CROWD, sizes.members))
    service.run((name, JoinRoom(id=1, nonce=service.nonce(), room=CROWD)) for name in hostile)
    service.run(
        (_OWNER, PromoteMember(id=1, nonce=service.nonce(), room=CROWD, user=name))
        for name in hostile
    )
    reason = "r" * limits.REASON_CHARS_MAX
    outside = [person(n) for n in range(sizes.members, sizes.accounts)]
    bans = outside[: limits.ROOM_BANS_MAX]
    service.run(
        (_OWNER, BanMember(id=1, nonce=service.nonce(), room=CROWD, user=name, reason=reason))
        for name in bans
    )
    invited = outside[limits.ROOM_BANS_MAX : 2 * limits.ROOM_BANS_MAX - 100]
    service.run(
        (_OWNER, InviteMember(id=1, nonce=service.nonce(), room=CROWD, user=name))
        for name in invited
    )
    posts = (
        Post(id=1, nonce=service.nonce(), room=CROWD, text=long_text(n))
        for n in range(limits.ROOM_PINS_MAX)
    )
    pinned = service.run((_OWNER, post) for post in posts)
    service.run(
        (_OWNER, PinMessage(id=1, nonce=service.nonce(), room=CROWD, sequence=sequence))
        for sequence in pinned
    )
    facts.pinned = pinned[0]
    (facts.reacted,) = service.run(
        [(_OWNER, Post(id=1, nonce=service.nonce(), room=CROWD, text="react!"))]
    )
    emojis = [f"emoji-{number:02d}".ljust(limits.EMOJI_CHARS_MAX, "e") for number in range(20)]
    facts.emoji = emojis[-1]
    names = [person(n) for n in range(limits.REACTIONS_MAX // len(emojis))]
    reactions = [(name, emoji) for emoji in emojis for name in names][:-1]
    service.run(
        (
            name,
            AddReaction(id=1, nonce=service.nonce(), log=log, sequence=facts.reacted, emoji=emoji),
        )
        for name, emoji in reactions
    )
    (facts.edited,) = service.run(
        [(_OWNER, Post(id=1, nonce=service.nonce(), room=CROWD, text=long_text(0)))]
    )
    service.run(
        (
            _OWNER,
            EditMessage(
                id=1, nonce=service.nonce(), log=log, sequence=facts.edited, text=long_text(n + 1)
            ),
        )
        for n in range(sizes.edits)
    )


def _write_many_rooms(service: _Service, sizes: Sizes) -> None:
    """By people who are never online, as many as one may have each; some of them are private."""
    owners = [person(sizes.accounts - 1 - n // limits.USER_ROOMS_MAX) for n in range(sizes.rooms)]
    rooms = [
        f"room-{number:05d}-".ljust(limits.NAME_CHARS_MAX, "x") for number in range(sizes.rooms)
    ]
    topic = "t" * limits.TOPIC_CHARS_MAX
    for step in range(0, sizes.rooms, _BATCH_ITEMS // 2):
        some = list(enumerate(zip(owners, rooms, strict=True)))[step : step + _BATCH_ITEMS // 2]
        service.run(
            (owner, CreateRoom(id=1, nonce=service.nonce(), room=room, private=number % 10 == 0))
            for number, (owner, room) in some
        )
        service.run(
            (owner, SetTopic(id=1, nonce=service.nonce(), room=room, topic=topic))
            for _, (owner, room) in some
        )


def _archived(
    service: _Service, count: int, text_of: Callable[[int], str]
) -> Iterator[tuple[str, Message]]:
    for number in range(count):
        room = ARCHIVES[number % len(ARCHIVES)]
        yield _OWNER, Post(id=1, nonce=service.nonce(), room=room, text=text_of(number))
