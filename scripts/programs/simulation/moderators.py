"""What the cluster's moderators do, in any room and to anybody, as clients like all others."""

import random
from typing import Final

from zchat.client.sdk import drafts, room_drafts
from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    Announce,
    BanUsers,
    DisconnectUser,
    EntryBody,
    KickUsers,
    ReadAudit,
    RestoreUser,
    Standing,
    SuspendUser,
    UnbanUsers,
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
}
IN_A_ROOM: Final = (
    room_drafts.kick,
    room_drafts.ban,
    room_drafts.unban,
    room_drafts.mute,
    room_drafts.unmute,
)
DEEDS: Final = (Announce, BanUsers, DisconnectUser, KickUsers, RestoreUser, SuspendUser)
BANS_S: Final = (1, 2, 5, None, None)
SUSPENSIONS_MS: Final = (1, 500, 3_000, None, None)


def draft(chat: random.Random, room: str, other: str, text: str, at_ms: int) -> drafts.Request:
    number, nonce = drafts.UNNUMBERED, drafts.NO_NONCE
    match chat.choices(list(KINDS), list(KINDS.values()))[0]:
        case "in a room":
            return chat.choice(IN_A_ROOM)(room, other)
        case "close":
            return room_drafts.close(room, "too loud")
        case "suspend":
            length_ms = chat.choice(SUSPENSIONS_MS)
            until_ms = None if length_ms is None else at_ms + length_ms
            return SuspendUser(
                id=number, nonce=nonce, user=other, reason="noise", until_ms=until_ms
            )
        case "restore":
            return RestoreUser(id=number, nonce=nonce, user=other)
        case "disconnect":
            return DisconnectUser(id=number, nonce=nonce, user=other, reason="noise")
        case "server ban":
            for_s = chat.choice(BANS_S)
            return BanUsers(
                id=number,
                nonce=nonce,
                who=other,
                reason="noise",
                for_s=for_s,
                guests=chat.random() < 0.2,
            )
        case "server unban":
            return UnbanUsers(id=number, nonce=nonce, who=other)
        case "server kick":
            return KickUsers(
                id=number,
                nonce=nonce,
                who=other,
                reason="noise",
                for_s=2,
                names_only=chat.random() < 0.5,
            )
        case "announce":
            return Announce(id=number, nonce=nonce, text=f"{text[:40]} is what moderators say")
        case _:
            return ReadAudit(id=number, limit=chat.randint(1, 30))


def standing_in(body: EntryBody) -> Standing | None:
    """What the entry of an inbox says that its user has become."""
    match body:
        case AccountChanged(change=AccountChange.STANDING_CHANGED, about=about):
            return Standing(about)
        case _:
            return None
