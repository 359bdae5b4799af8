"""Who may not do something is told why, in words that are true there."""

import pytest

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.messages import (
    BanMember,
    CloseRoom,
    KickMember,
    Message,
    Post,
    RefusalCode,
    Role,
    Standing,
)
from zchat.protocol.rules.permissions import Place
from zchat.rooms.core.model import Ban, Member, Room
from zchat.rooms.core.permission import check, check_target, moderates, place_of
from zchat.service.core.effects import Refusal

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def garden() -> Room:
    room = Room("garden", "", 0)
    for user, role in (("ann", Role.OWNER), ("mod", Role.MODERATOR), ("bob", Role.MEMBER)):
        room.members[user] = Member(role, 0)
    return room


def reason(kind: type[Message], user: str, room: Room | None) -> str:
    with pytest.raises(Refusal) as refused:
        check(kind, Standing.ACCOUNT, user, room, 0)
    return refused.value.answer.reason


def test_one_hears_whose_right_it_is(garden: Room) -> None:
    assert reason(KickMember, "bob", garden) == "only a moderator of garden may do that"
    assert reason(CloseRoom, "mod", garden) == "only the owner of garden may do that"
    assert reason(KickMember, "carl", garden) == "you are not in garden; join it first"


def test_one_hears_who_lets_one_speak_again(garden: Room) -> None:
    garden.muted["bob"] = None
    lobby = Room("lobby", "", 0, muted={"bob": None})

    assert reason(Post, "bob", garden) == (
        "you are muted in garden until its moderators let you speak again"
    )
    assert reason(Post, "bob", lobby) == (
        "you are muted in lobby until the cluster's moderators let you speak again"
    )


def test_who_is_banned_from_the_lobby_hears_of_that_only_on_speaking() -> None:
    lobby = Room("lobby", "", 0, bans={"bob": Ban("spam", "eve", None)})

    assert reason(Post, "bob", lobby) == "you are banned from lobby: spam"
    assert reason(KickMember, "bob", lobby) == (
        "in the lobby only moderators of the cluster may do that"
    )


def test_a_ban_from_the_lobby_ends_by_itself() -> None:
    lobby = Room("lobby", "", 0, bans={"bob": Ban("spam", "eve", MINUTE_MS)})

    assert place_of(lobby, "bob", MINUTE_MS - 1) is Place.MUTED
    assert place_of(lobby, "bob", MINUTE_MS) is Place.MEMBER


def test_who_is_banned_for_a_while_keeps_no_order(garden: Room) -> None:
    garden.bans["carl"] = Ban("", "mod", MINUTE_MS)

    assert not moderates(garden, Standing.ACCOUNT, "carl", 0)
    assert moderates(garden, Standing.MODERATOR, "carl", 0)


@pytest.mark.parametrize(
    ("left_ms", "for_another"),
    [
        *((1, "1 min"), (MINUTE_MS, "1 min"), (MINUTE_MS + 1, "2 min")),
        *((119 * MINUTE_MS, "119 min"), (119 * MINUTE_MS + 1, "2 h"), (2 * HOUR_MS, "2 h")),
        *((2 * HOUR_MS + 1, "3 h"), (47 * HOUR_MS, "47 h"), (47 * HOUR_MS + 1, "2 days")),
        *((48 * HOUR_MS, "2 days"), (48 * HOUR_MS + 1, "3 days"), (240 * HOUR_MS, "10 days")),
    ],
)
def test_a_ban_is_told_as_no_shorter_than_it_is(
    garden: Room, left_ms: int, for_another: str
) -> None:
    garden.bans["carl"] = Ban("", "mod", left_ms)

    assert reason(Post, "carl", garden) == f"you are banned from garden for another {for_another}"


@pytest.mark.parametrize(
    ("user", "target", "why"),
    [
        ("mod", "mod", "nobody can do that to themselves"),
        ("mod", "ann", "ann is the owner of garden; that takes somebody of a higher place"),
    ],
)
def test_one_hears_why_somebody_is_out_of_reach(
    garden: Room, user: str, target: str, why: str
) -> None:
    with pytest.raises(Refusal) as refused:
        check_target(BanMember, Standing.ACCOUNT, user, garden, target)

    assert refused.value.answer == Answer(None, 0, RefusalCode.NOT_ALLOWED, why)


def test_a_moderator_is_out_of_reach_of_another(garden: Room) -> None:
    garden.members["max"] = Member(Role.MODERATOR, 0)
    with pytest.raises(Refusal, match="max is a moderator of garden"):
        check_target(BanMember, Standing.ACCOUNT, "mod", garden, "max")
