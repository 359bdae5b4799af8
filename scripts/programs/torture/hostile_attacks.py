"""What one hostile client does: for each kind of request the worst one that it may send."""

from collections.abc import Callable
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    AddReaction,
    Announce,
    BanMember,
    BanUsers,
    BlockUser,
    ChangePassword,
    CloseRoom,
    ConfigureRoom,
    CreateAppToken,
    CreateInvitation,
    CreateRoom,
    DeleteAccount,
    DeleteMessage,
    DemoteMember,
    DisableTotp,
    DisconnectUser,
    EditMessage,
    EnableTotp,
    InviteMember,
    JoinRoom,
    KickMember,
    KickUsers,
    LeaveRoom,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    LogOut,
    LogOutEverywhere,
    MarkRead,
    Message,
    MuteMember,
    Notify,
    Ping,
    PingTarget,
    PinMessage,
    Post,
    PromoteMember,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    Register,
    RemoveReaction,
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    SayTyping,
    Scope,
    SearchMessages,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    SetTopic,
    Standing,
    StartConversation,
    SuspendUser,
    TransferRoom,
    UnbanMember,
    UnbanUsers,
    UnblockUser,
    UnmuteMember,
    UnpinMessage,
    room_log,
)

from .hostile_data import (
    ARCHIVES,
    CHAIN,
    CROWD,
    HOARDER,
    LETTER,
    NOWHERE,
    PASSWORD,
    SCATTERED,
    Facts,
    Needs,
    long_ascii,
    long_text,
    own_room,
    person,
    token_of,
)

_ARCHIVE: Final = room_log(ARCHIVES[0])
_CROWD_LOG: Final = room_log(CROWD)
_REASON: Final = "r" * limits.REASON_CHARS_MAX
_TEXT: Final = long_text(1)
_ASCII: Final = long_ascii(1)


class Shot(NamedTuple):
    """One request of an attack."""

    facts: Facts
    me: str
    n: int
    """Its number, and its id."""
    nonce: bytes

    @property
    def somebody(self) -> str:
        """Another one who is online each time."""
        return person(self.n % self.facts.sizes.online)

    @property
    def half(self) -> int:
        """The same number twice, where one request undoes the other."""
        return self.n // 2

    @property
    def odd(self) -> bool:
        return bool(self.n % 2)


class Attack(NamedTuple):
    name: str
    kinds: tuple[type[Message], ...]
    """Those whose worst it shows; none if it is about behaviour."""
    request: Callable[[Shot], Message]
    account: str = ""
    """Whose it is; by default one of its own."""
    guests: int = 0
    """So many connections, each a guest of its own; 0 for one connection of the account."""
    own_room: bool = False
    own_messages: bool = False
    blocked: bool = False
    devices: bool = False
    stalled: bool = False
    """Asks, and reads no answer."""
    at_once: int = limits.SESSION_REQUESTS_MAX
    manner: str = "ask"
    """What is done with the connection: see `hostile_attackers.py`."""
    cursors: bool = True
    """Whether it says what it has got already."""

    @property
    def login(self) -> str:
        return self.account or f"h-{self.name}"[: limits.NAME_CHARS_MAX]

    @property
    def needs(self) -> Needs:
        return Needs(self.login, self.own_room, self.own_messages, self.blocked, self.devices)


def _search(text: str, **more: object) -> Callable[[Shot], Message]:
    return lambda s: SearchMessages(id=s.n, text=text, limit=limits.SEARCH_RESULTS_MAX, **more)  # type: ignore[arg-type]


def _history(log: str, limit: int = limits.HISTORY_ENTRIES_MAX) -> Callable[[Shot], Message]:
    return lambda s: ReadHistory(id=s.n, log=log, limit=limit)


def _long_history(s: Shot) -> Message:
    head = s.facts.heads[_ARCHIVE]
    return ReadHistory(id=s.n, log=_ARCHIVE, limit=limits.HISTORY_ENTRIES_MAX, before=head + 1)


def _full_answer(s: Shot) -> Message:
    """History that is as long as an answer may be, and costs a service the least to find."""
    return ReadHistory(id=s.n, log=_ARCHIVE, limit=7, before=s.facts.ascii_head + 1)


_EVERYWHERE: Final = ("abc" * limits.SEARCH_CHARS_MAX)[: limits.SEARCH_CHARS_MAX]
_SEARCH_LETTER: Final = _search(LETTER)

WHILE_INDEXING: Final = (
    # These come first, while much of what was said is not in the index.
    Attack("search-unindexed-nowhere", (SearchMessages,), _search(NOWHERE)),
    Attack("search-unindexed-letter", (SearchMessages,), _SEARCH_LETTER),
    Attack("search-unindexed-by-guests", (SearchMessages,), _SEARCH_LETTER, guests=8),
)

SEARCHES: Final = (
    Attack("search-letter", (SearchMessages,), _SEARCH_LETTER),
    Attack("search-nowhere", (SearchMessages,), _search(NOWHERE)),
    Attack("search-scattered", (SearchMessages,), _search(SCATTERED)),
    Attack("search-many-pieces", (SearchMessages,), _search(_EVERYWHERE)),
    Attack("search-by-author", (SearchMessages,), _search(LETTER, author="owner")),
    Attack("search-one-room", (SearchMessages,), _search(LETTER, log=_ARCHIVE)),
    Attack("search-before", (SearchMessages,), _search(SCATTERED, before_ms=limits.INTEGER_MAX)),
    Attack("search-inbox", (SearchMessages,), _search(LETTER), account=HOARDER),
    Attack(
        "search-conversation",
        (SearchMessages,),
        _search(LETTER, log="@" + person(0)),
        account=HOARDER,
    ),
    Attack("search-burst", (SearchMessages,), _search(SCATTERED), at_once=200),
    Attack("search-by-guests", (SearchMessages,), _SEARCH_LETTER, guests=8),
)

QUERIES: Final = (
    Attack("list-rooms", (ListRooms,), lambda s: ListRooms(id=s.n)),
    Attack("list-rooms-by-guests", (ListRooms,), lambda s: ListRooms(id=s.n), guests=8),
    Attack("history-long", (ReadHistory,), _long_history),
    Attack("history-many", (ReadHistory,), _history(room_log(CHAIN))),
    Attack(
        "list-conversations",
        (ListConversations,),
        lambda s: ListConversations(id=s.n),
        account=HOARDER,
    ),
    Attack("list-users", (ListUsers,), lambda s: ListUsers(id=s.n)),
    Attack("list-users-by-guests", (ListUsers,), lambda s: ListUsers(id=s.n), guests=8),
    Attack("list-members", (ListMembers,), lambda s: ListMembers(id=s.n, room=CROWD)),
    Attack("history-private", (ReadHistory,), _history("@" + person(1)), account=HOARDER),
    Attack("list-bans", (ListBans,), lambda s: ListBans(id=s.n, room=CROWD)),
    Attack("list-pins", (ListPins,), lambda s: ListPins(id=s.n, room=CROWD)),
    Attack(
        "read-edits",
        (ReadEdits,),
        lambda s: ReadEdits(id=s.n, log=_CROWD_LOG, sequence=s.facts.edited),
    ),
    Attack("list-devices", (ListDevices,), lambda s: ListDevices(id=s.n), devices=True),
    Attack("list-blocked", (ListBlocked,), lambda s: ListBlocked(id=s.n), blocked=True),
    Attack("ping", (Ping,), lambda s: Ping(id=s.n, target=tuple(PingTarget)[s.n % 3])),
)


def _code(s: Shot) -> str:
    return f"{s.n % 1_000_000:06d}"


def _block_and_unblock(s: Shot) -> Message:
    """There are as many as may be, so one goes first."""
    kind = BlockUser if s.odd else UnblockUser
    return kind(id=s.n, nonce=s.nonce, user=person(s.half))


def _of_operators(s: Shot) -> Message:
    """What others may not: all of it is refused."""
    requests: tuple[Message, ...] = (
        Announce(id=s.n, nonce=s.nonce, text=_TEXT),
        CreateInvitation(
            id=s.n,
            nonce=s.nonce,
            digest=token_of(str(s.n)),
            expires_ms=limits.INTEGER_MAX - 1,
            note=_REASON,
        ),
        RevokeInvitation(id=s.n, nonce=s.nonce, digest=token_of(str(s.n))),
        DisconnectUser(id=s.n, nonce=s.nonce, user=s.somebody, reason=_REASON),
        SuspendUser(id=s.n, nonce=s.nonce, user=s.somebody, reason=_REASON),
        RestoreUser(id=s.n, nonce=s.nonce, user=s.somebody),
        BanUsers(
            id=s.n,
            nonce=s.nonce,
            who="0.0.0.0/0",
            reason=_REASON,
            for_s=None,
            guests=False,
            force=True,
        ),
        UnbanUsers(id=s.n, nonce=s.nonce, who=s.somebody),
        KickUsers(id=s.n, nonce=s.nonce, who="*", reason=_REASON),
        ListUserBans(id=s.n),
        SetStanding(id=s.n, nonce=s.nonce, user=s.me, standing=Standing.OPERATOR),
        ReadAudit(id=s.n, limit=limits.AUDIT_RECORDS_MAX),
    )
    return requests[s.n % len(requests)]


ACCOUNT_COMMANDS: Final = (
    Attack(
        "register",
        (Register,),
        lambda s: Register(id=s.n, nonce=s.nonce, password=PASSWORD),
        guests=8,
    ),
    Attack(
        "change-password",
        (ChangePassword,),
        lambda s: ChangePassword(id=s.n, nonce=s.nonce, password=PASSWORD, new_password=PASSWORD),
    ),
    Attack(
        "log-out-everywhere",
        (LogOutEverywhere,),
        lambda s: LogOutEverywhere(id=s.n, nonce=s.nonce),
        devices=True,
        manner="return",
    ),
    Attack(
        "delete-account",
        (DeleteAccount,),
        lambda s: DeleteAccount(id=s.n, nonce=s.nonce, password=f"wrong {s.n}"),
    ),
    Attack(
        "revoke-device",
        (RevokeDevice,),
        lambda s: RevokeDevice(id=s.n, nonce=s.nonce, device=s.n + 2),
        devices=True,
    ),
    Attack(
        "create-app-token",
        (CreateAppToken,),
        lambda s: CreateAppToken(
            id=s.n,
            nonce=s.nonce,
            digest=token_of(f"{s.me} {s.n}"),
            name=_REASON[:64],
            scopes=list(Scope),
            rooms=[person(n) for n in range(50)],
        ),
    ),
    Attack(
        "enable-totp",
        (EnableTotp,),
        lambda s: EnableTotp(
            id=s.n,
            nonce=s.nonce,
            secret=b"s" * limits.TOTP_SECRET_BYTES,
            code=_code(s),
            password=PASSWORD,
            recovery=[token_of(str(n)) for n in range(limits.RECOVERY_CODES_MAX)],
        ),
    ),
    Attack(
        "disable-totp",
        (DisableTotp,),
        lambda s: DisableTotp(id=s.n, nonce=s.nonce, password=PASSWORD),
    ),
    Attack(
        "block-user", (BlockUser,), lambda s: BlockUser(id=s.n, nonce=s.nonce, user=person(s.n))
    ),
    Attack("block-and-unblock", (BlockUser, UnblockUser), _block_and_unblock, blocked=True),
    Attack(
        "private-long",
        (SendPrivate,),
        lambda s: SendPrivate(id=s.n, nonce=s.nonce, to=s.somebody, text=_TEXT),
    ),
    Attack(
        "private-short",
        (SendPrivate,),
        lambda s: SendPrivate(id=s.n, nonce=s.nonce, to=s.somebody, text="x"),
    ),
    Attack(
        "start-conversation",
        (StartConversation,),
        lambda s: StartConversation(
            id=s.n,
            nonce=s.nonce,
            users=[person((s.n * 20 + n) % s.facts.sizes.online) for n in range(20)],
        ),
    ),
    Attack(
        "of-operators",
        (
            Announce,
            CreateInvitation,
            RevokeInvitation,
            DisconnectUser,
            SuspendUser,
            RestoreUser,
            BanUsers,
            UnbanUsers,
            KickUsers,
            ListUserBans,
            SetStanding,
            ReadAudit,
        ),
        _of_operators,
    ),
    Attack("set-away", (SetAway,), lambda s: SetAway(id=s.n, away=f"{s.n} {_REASON}"[:300])),
)


def _mentions(s: Shot) -> str:
    return " ".join(f"@{person((s.n * 50 + n) % 300)}" for n in range(limits.MENTIONS_MAX))


def _create_and_close(s: Shot) -> Message:
    room = f"{s.me}-{s.half}"[-limits.NAME_CHARS_MAX :]
    return (
        CloseRoom(id=s.n, nonce=s.nonce, room=room)
        if s.odd
        else CreateRoom(id=s.n, nonce=s.nonce, room=room)
    )


def _come_and_go(s: Shot) -> Message:
    return (
        JoinRoom(id=s.n, nonce=s.nonce, room=CROWD)
        if s.odd
        else LeaveRoom(id=s.n, nonce=s.nonce, room=CROWD)
    )


def _ban_and_unban(s: Shot) -> Message:
    room, name = own_room(s.me), person(s.half % s.facts.sizes.online)
    if s.odd:
        return UnbanMember(id=s.n, nonce=s.nonce, room=room, user=name)
    return BanMember(id=s.n, nonce=s.nonce, room=room, user=name, reason=_REASON)


def _mute_and_unmute(s: Shot) -> Message:
    name = person(s.half % s.facts.sizes.online)
    if s.odd:
        return UnmuteMember(id=s.n, nonce=s.nonce, room=CROWD, user=name)
    return MuteMember(id=s.n, nonce=s.nonce, room=CROWD, user=name, reason=_REASON)


def _promote_and_demote(s: Shot) -> Message:
    kind = DemoteMember if s.odd else PromoteMember
    user = person(s.half % s.facts.sizes.online)
    return kind(id=s.n, nonce=s.nonce, room=own_room(s.me), user=user)


def _pin_and_unpin(s: Shot) -> Message:
    """There are as many as may be, so one goes first."""
    kind = PinMessage if s.odd else UnpinMessage
    return kind(id=s.n, nonce=s.nonce, room=CROWD, sequence=s.facts.pinned)


ROOM_COMMANDS: Final = (
    Attack("post-long", (Post,), lambda s: Post(id=s.n, nonce=s.nonce, room=CROWD, text=_TEXT)),
    Attack("post-short", (Post,), lambda s: Post(id=s.n, nonce=s.nonce, room=CROWD, text="x")),
    Attack(
        "post-mentions",
        (Post,),
        lambda s: Post(id=s.n, nonce=s.nonce, room=CROWD, text=_mentions(s)),
    ),
    Attack(
        "post-reply",
        (Post,),
        lambda s: Post(
            id=s.n, nonce=s.nonce, room=CHAIN, text=_ASCII, reply_to=s.facts.heads[room_log(CHAIN)]
        ),
    ),
    Attack(
        "post-lobby-by-guests",
        (Post,),
        lambda s: Post(id=s.n, nonce=s.nonce, room=LOBBY, text=_ASCII),
        guests=8,
    ),
    Attack("create-and-close", (CreateRoom, CloseRoom), _create_and_close),
    Attack("join-and-leave", (JoinRoom, LeaveRoom), _come_and_go),
    Attack(
        "set-topic",
        (SetTopic,),
        lambda s: SetTopic(id=s.n, nonce=s.nonce, room=CROWD, topic=f"{s.n} {_REASON}"[:300]),
    ),
    Attack(
        "invite-member",
        (InviteMember,),
        lambda s: InviteMember(
            id=s.n,
            nonce=s.nonce,
            room=own_room(s.me),
            user=person(s.facts.sizes.accounts - 1 - s.n),
        ),
        own_room=True,
    ),
    Attack(
        "kick-member",
        (KickMember,),
        lambda s: KickMember(
            id=s.n, nonce=s.nonce, room=own_room(s.me), user=s.somebody, reason=_REASON
        ),
        own_room=True,
    ),
    Attack("ban-and-unban", (BanMember, UnbanMember), _ban_and_unban, own_room=True),
    Attack(
        "unban-member",
        (UnbanMember,),
        lambda s: UnbanMember(
            id=s.n, nonce=s.nonce, room=CROWD, user=person(s.facts.sizes.members + s.n)
        ),
    ),
    Attack("mute-and-unmute", (MuteMember, UnmuteMember), _mute_and_unmute),
    Attack("promote-and-demote", (PromoteMember, DemoteMember), _promote_and_demote, own_room=True),
    Attack(
        "transfer-room",
        (TransferRoom,),
        lambda s: TransferRoom(id=s.n, nonce=s.nonce, room=own_room(s.me), user=s.somebody),
        own_room=True,
    ),
    Attack(
        "configure-room",
        (ConfigureRoom,),
        lambda s: ConfigureRoom(
            id=s.n,
            nonce=s.nonce,
            room=own_room(s.me),
            private=s.odd,
            key=_REASON[:60],
            members_max=s.n % 2,
        ),
        own_room=True,
    ),
    Attack(
        "close-crowded-room",
        (CloseRoom,),
        lambda s: CloseRoom(id=s.n, nonce=s.nonce, room=own_room(s.me), reason=_REASON),
        own_room=True,
    ),
    Attack("pin-and-unpin", (PinMessage, UnpinMessage), _pin_and_unpin),
)


def _mine(s: Shot) -> int:
    own = s.facts.own[s.me]
    return own[s.n % len(own)]


def _react_and_not(s: Shot) -> Message:
    """It has as many but one as may be."""
    kind = RemoveReaction if s.odd else AddReaction
    facts = s.facts
    return kind(id=s.n, nonce=s.nonce, log=_CROWD_LOG, sequence=facts.reacted, emoji=facts.emoji)


MESSAGE_COMMANDS: Final = (
    Attack(
        "edit-long",
        (EditMessage,),
        lambda s: EditMessage(
            id=s.n, nonce=s.nonce, log=_CROWD_LOG, sequence=_mine(s), text=f"{s.n}{_TEXT}"[:16_000]
        ),
        own_messages=True,
    ),
    Attack(
        "edit-short",
        (EditMessage,),
        lambda s: EditMessage(
            id=s.n, nonce=s.nonce, log=_CROWD_LOG, sequence=_mine(s), text=f"{s.n}"
        ),
        own_messages=True,
    ),
    Attack(
        "delete-message",
        (DeleteMessage,),
        lambda s: DeleteMessage(id=s.n, nonce=s.nonce, log=_CROWD_LOG, sequence=_mine(s)),
        own_messages=True,
    ),
    Attack("react-and-not", (AddReaction, RemoveReaction), _react_and_not),
    Attack(
        "report-message",
        (ReportMessage,),
        lambda s: ReportMessage(
            id=s.n, nonce=s.nonce, log=_CROWD_LOG, sequence=s.facts.edited, reason=_REASON
        ),
    ),
    Attack("mark-read", (MarkRead,), lambda s: MarkRead(id=s.n, log=_CROWD_LOG, sequence=s.n)),
    Attack(
        "set-notify",
        (SetNotify,),
        lambda s: SetNotify(id=s.n, log="@" + s.somebody, level=tuple(Notify)[s.n % 3]),
    ),
    Attack("say-typing", (SayTyping,), lambda s: SayTyping(id=s.n, log="@" + s.somebody)),
)

_PINGS: Final = Attack("", (), lambda s: Ping(id=s.n))

BEHAVIOUR: Final = (
    _PINGS._replace(name="half-frames", guests=80, manner="half"),
    _PINGS._replace(name="dripping-frames", guests=80, manner="drip"),
    _PINGS._replace(name="stalled-history", request=_full_answer, guests=80, stalled=True),
    _PINGS._replace(
        name="stalled-room-list", request=lambda s: ListRooms(id=s.n), guests=80, stalled=True
    ),
    _PINGS._replace(name="in-and-out", request=lambda s: LogOut(id=s.n), manner="return"),
    _PINGS._replace(name="in-far-behind", manner="return", cursors=False),
    _PINGS._replace(name="wrong-passwords", manner="guess"),
    _PINGS._replace(name="unknown-fields", manner="padded"),
    _PINGS._replace(name="unknown-fields-by-guests", guests=8, manner="padded"),
    _PINGS._replace(name="ping-burst", at_once=200),
)

ATTACKS: Final = (
    *WHILE_INDEXING,
    # Then those that are about memory: later a gateway has some that it can use again.
    *BEHAVIOUR,
    *SEARCHES,
    *QUERIES,
    *ACCOUNT_COMMANDS,
    *ROOM_COMMANDS,
    *MESSAGE_COMMANDS,
)
NAMES: Final = tuple(attack.name for attack in ATTACKS)
