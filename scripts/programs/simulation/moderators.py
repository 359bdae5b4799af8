"""What the cluster's moderators do, in any room and to anybody, as clients like all others."""

import random
from typing import Final

from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    Announce,
    BanMember,
    BanUsers,
    CloseRoom,
    DisconnectUser,
    EntryBody,
    KickMember,
    KickUsers,
    ListUserBans,
    MuteMember,
    ReadAudit,
    Request,
    RestoreUser,
    Standing,
    SuspendUser,
    UnbanMember,
    UnbanUsers,
    UnmuteMember,
)

KINDS: Final = {
    "in a room": 6,
    "close": 1,
    "suspend": 3,
    "restore": 1,
    "disconnect": 3,
    "server ban": 3,
    "server unban": 1,
    "server kick": 2,
    "announce": 2,
    "audit": 2,
    "server bans": 1,
}
IN_A_ROOM: Final = (
    KickMember,
    BanMember,
    UnbanMember,
    MuteMember,
    UnmuteMember,
)
DEEDS: Final = (Announce, BanUsers, DisconnectUser, KickUsers, RestoreUser, SuspendUser)
BANS_S: Final = (1, 2, 5, None, None)
SUSPENSIONS_MS: Final = (1, 500, 3_000, None, None)


def draft(chat: random.Random, room: str, other: str, text: str, at_ms: int) -> Request:
    match chat.choices(list(KINDS), list(KINDS.values()))[0]:
        case "in a room":
            return chat.choice(IN_A_ROOM)(room=room, user=other)
        case "close":
            return CloseRoom(room=room, reason="too loud")
        case "suspend":
            length_ms = chat.choice(SUSPENSIONS_MS)
            until_ms = None if length_ms is None else at_ms + length_ms
            return SuspendUser(user=other, reason="noise", until_ms=until_ms)
        case "restore":
            return RestoreUser(user=other)
        case "disconnect":
            return DisconnectUser(user=other, reason="noise")
        case "server ban":
            for_s = chat.choice(BANS_S)
            return BanUsers(
                who=other,
                reason="noise",
                for_s=for_s,
                guests=chat.random() < 0.2,
            )
        case "server unban":
            return UnbanUsers(who=other)
        case "server kick":
            return KickUsers(
                who=other,
                reason="noise",
                for_s=2,
                names_only=chat.random() < 0.5,
            )
        case "announce":
            return Announce(text=f"{text[:40]} is what moderators say")
        case "server bans":
            return ListUserBans()
        case _:
            return ReadAudit(limit=chat.randint(1, 30))


def standing_in(body: EntryBody) -> Standing | None:
    """What the entry of an inbox says that its user has become."""
    match body:
        case AccountChanged(change=AccountChange.STANDING_CHANGED, about=about):
            return Standing(about)
        case _:
            return None
