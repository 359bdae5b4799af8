"""Who is kept out of the server, at every way in, and whose sessions end when a ban is made."""

from typing import Any

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import AnnounceSessions, OpenSession, SessionEnded, SessionHere
from zchat.protocol.messages import (
    BanUsers,
    DeleteAccount,
    Done,
    KickUsers,
    ListUserBans,
    RefusalCode,
    Refused,
    Standing,
    SuspendUser,
    UnbanUsers,
    UserBan,
    UserBanList,
)
from zchat.users.core import moderation
from zchat.users.core.policy import Policy

from .playbook import EAST, PASSWORD, WEST, Answer, Users, durable_state, opened, refused, token

HOME, WORK, CAFE = "192.0.2.7", "198.51.100.20", "203.0.113.5"
SIX, SIX_TOO, SIX_ELSEWHERE = "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"
_lists: Decoder[UserBanList | Refused] = Decoder(UserBanList | Refused)  # type: ignore[arg-type]
_words = Decoder(SessionEnded)


@pytest.fixture(name="users")
def users_of_a_server(users: Users) -> Users:
    """Olga is an operator at home, Mona a moderator, Ann has an account; Gus and Eve have none."""
    for name in ("olga", "mona", "ann"):
        users.account(name)
    users.promote("olga", Standing.OPERATOR)
    users.promote("mona", Standing.MODERATOR)
    users.come("olga", password=PASSWORD, n=1, address=HOME)
    users.come("mona", password=PASSWORD, n=2, address=CAFE)
    users.come("ann", password=PASSWORD, n=3, address=WORK)
    users.come("gus", n=4, address=WORK)
    users.come("eve", n=5, address=SIX)
    users.ended.clear()
    return users


def ban(users: Users, who: str, by: str = "", **more: Any) -> Answer:
    return do(users, BanUsers(id=1, nonce=users.nonce(), who=who, reason="spam", **more), by)


def kick(users: Users, who: str, by: str = "", **more: Any) -> Answer:
    return do(users, KickUsers(id=1, nonce=users.nonce(), who=who, reason="spam", **more), by)


def unban(users: Users, who: str, by: str = "") -> Answer:
    return do(users, UnbanUsers(id=1, nonce=users.nonce(), who=who), by)


def do(users: Users, command: Any, by: str) -> Answer:
    return users.do(command, by) if by else users.as_admin(command)


def listed(users: Users, by: str = "", after: str = "") -> list[UserBan]:
    answer = _lists.decode(users.ask(by, ListUserBans(id=1, after=after), Standing.OPERATOR))
    assert isinstance(answer, UserBanList)
    return answer.bans


def told(users: Users, command: Any) -> dict[int, SessionEnded]:
    """What gateways were told of each session that the command ends."""
    sender = users._sender("", b"admin/root#1", 0, Standing.OPERATOR)
    users._prepare("", command)
    users.core.handle(sender, command, users.now, users.at_ms)
    words = [_words.decode(word) for _, word in users.core.effects.words]
    users.commit([])
    return {number: word for word in words for number in word.sessions}


# --- Every way in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "address", "kept_out"),
    [
        (CAFE, CAFE, True),
        (CAFE, WORK, False),
        ("203.0.113.0/24", CAFE, True),
        (SIX, SIX_TOO, True),
        (SIX, SIX_ELSEWHERE, False),
        ("2001:db8::/32", SIX_ELSEWHERE, True),
        (CAFE, f"::ffff:{CAFE}", True),
        ("new*", CAFE, True),
        ("newcomer", CAFE, True),
        ("n\u0435wcomer", CAFE, True),
        ("newcome", CAFE, False),
    ],
)
@pytest.mark.parametrize("register", [False, True])
def test_new_names_are_kept_out(
    users: Users, who: str, address: str, kept_out: bool, register: bool
) -> None:
    assert isinstance(ban(users, who), Done)
    password = PASSWORD if register else None
    answer = users.come("newcomer", n=9, address=address, register=register, password=password)
    if kept_out:
        assert refused(answer) is RefusalCode.BANNED
        assert "newcomer" not in users.core.users
    else:
        opened(answer)


@pytest.mark.parametrize("who", [WORK, "ann", "a?n", "198.51.100.0/24"])
def test_an_account_is_kept_out_with_token_and_with_password(users: Users, who: str) -> None:
    ban(users, who)
    assert refused(users.come("ann", n=9, address=WORK)) is RefusalCode.BANNED
    again = users.come("ann", client="other", password=PASSWORD, n=9, address=WORK)
    assert refused(again) is RefusalCode.BANNED
    # A wrong password is not told about the ban, nor who has an account.
    guess = users.come("ann", client="other", password="wrong horse", n=9, address=WORK)
    assert refused(guess) is RefusalCode.WRONG_PASSWORD


@pytest.mark.parametrize("who", [WORK, "gus", "gu*"])
def test_the_token_of_a_guest_lets_nobody_in(users: Users, who: str) -> None:
    ban(users, who)
    assert refused(users.come("gus", n=9, address=WORK)) is RefusalCode.BANNED


def test_an_account_may_come_from_elsewhere(users: Users) -> None:
    ban(users, WORK)
    opened(users.come("ann", n=9, address=CAFE))


def test_of_a_ban_of_guests_accounts_do_not_notice(users: Users) -> None:
    ban(users, WORK, guests=True)
    assert users.ended == [(WEST, 4)]
    opened(users.come("ann", n=9, address=WORK))
    assert refused(users.come("new", n=8, address=WORK)) is RefusalCode.BANNED
    registering = users.come("new", n=8, address=WORK, register=True, password=PASSWORD)
    assert refused(registering) is RefusalCode.BANNED


def test_who_is_amid_a_login_is_kept_out(users: Users) -> None:
    users.begin(OpenSession(1, "ann", token("new"), PASSWORD, address=WORK), n=9)
    users.commit([])
    users.begin(OpenSession(1, "zoe", token("zoe"), PASSWORD, register=True, address=WORK), n=8)
    users.commit([])
    ban(users, WORK)
    assert refused(users.finish_job()) is RefusalCode.BANNED
    assert refused(users.finish_job()) is RefusalCode.BANNED
    assert "zoe" not in users.core.users


def test_somebody_who_waits_for_a_name_is_kept_out(users: Users) -> None:
    users.quit(n=4)
    assert users.waits("gus", n=9)
    ban(users, "gus")
    (answer,) = users.settle_all()
    assert refused(answer) is RefusalCode.BANNED


def test_a_login_that_was_refused_for_a_ban_is_no_failed_attempt(users: Users) -> None:
    ban(users, "ann")
    for _ in range(limits.LOGIN_ATTEMPTS_MAX + 1):
        answer = users.come("ann", client="other", password=PASSWORD, n=9, address=WORK)
        assert refused(answer) is RefusalCode.BANNED


# --- Who is here ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "numbers"),
    [
        (WORK, {3, 4}),
        ("198.51.0.0/16", {3, 4}),
        (SIX_TOO, {5}),
        ("gus", {4}),
        ("?us", {4}),
        ("ann", {3}),
        # Neither the operator nor the moderator, whatever it is.
        ("192.0.0.0/8", set()),
        ("203.0.113.5", set()),
        ("*o*", set()),
    ],
)
def test_sessions_that_it_hits_end_at_once(users: Users, who: str, numbers: set[int]) -> None:
    words = told(
        users, BanUsers(id=1, nonce=users.nonce(), who=who, reason="spam", for_s=120, force=True)
    )
    assert words.keys() == numbers
    for word in words.values():
        assert word.code is RefusalCode.BANNED
        assert word.retry_after_ms == 120_000
        assert "for another 2 min, until 1970-01-01 00:" in word.reason
        assert word.reason.endswith(": spam")


def test_a_guest_is_gone_when_its_gateway_has_closed_it(users: Users) -> None:
    ban(users, "gus")
    # What it has said before may be on its way still.
    assert not users.core.users["gus"].ended
    users.lose(n=4)
    assert [user.name for user in users.core.users.values() if user.ended] == ["gus"]
    assert "gus" not in users.online
    users.settle_all()
    assert "gus" not in users.core.users


def test_an_account_is_offline_at_once(users: Users) -> None:
    ban(users, WORK)
    assert "ann" not in users.online


def test_a_deleted_account_that_a_ban_hits_leaves_its_rooms_all_the_same(users: Users) -> None:
    users.do(DeleteAccount(id=3, nonce=users.nonce(), password=PASSWORD), "ann", n=3)
    ban(users, WORK)
    users.lose(n=3)
    assert users.core.users["ann"].ended
    assert users.owed != []


def test_after_a_restart_those_who_were_here_are_put_out(users: Users) -> None:
    ban(users, WORK)
    users.restart()
    users.ended.clear()
    here = [
        SessionHere(number, name, token(name), 1, 1, address=address)
        for number, name, address in [(3, "ann", WORK), (4, "gus", WORK), (5, "eve", SIX)]
    ]
    users.do(AnnounceSessions(here), at=EAST)
    assert users.ended == [(EAST, 3), (EAST, 4)]
    assert users.online == {"eve"}


# --- Until when -----------------------------------------------------------------------------------


def test_a_ban_ends_by_itself(users: Users) -> None:
    ban(users, "ann", for_s=60)
    answer = users.come("ann", n=9)
    assert isinstance(answer, Refused)
    assert answer.retry_after_ms == 60_000
    users.wait(59)
    assert refused(users.come("ann", n=9)) is RefusalCode.BANNED
    users.wait(1)
    opened(users.come("ann", n=9))
    assert listed(users) == []
    users.restart()
    assert not users.core.directory.bans.by_who


def test_a_ban_is_kept_over_a_restart(users: Users) -> None:
    for who in (CAFE, "10.0.0.0/8", "mallory", "spam*", SIX):
        ban(users, who)
    ban(users, CAFE, guests=True, for_s=60)
    before = durable_state(users.core)
    users.restart()
    assert durable_state(users.core) == before
    for number, (name, address) in enumerate([("a1", CAFE), ("mallory", WORK), ("spam7", WORK)]):
        assert refused(users.come(name, n=20 + number, address=address)) is RefusalCode.BANNED


def test_the_one_that_lasts_longest_is_told(users: Users) -> None:
    ban(users, "new*", for_s=60)
    ban(users, CAFE, for_s=600)
    ban(users, "newcomer", for_s=300)
    answer = users.come("newcomer", n=9, address=CAFE)
    assert isinstance(answer, Refused)
    assert answer.retry_after_ms == 600_000
    assert answer.reason.startswith("your address is banned")


def test_a_newer_ban_takes_the_place_of_the_former(users: Users) -> None:
    ban(users, CAFE)
    ban(users, "203.0.113.5/32", for_s=60)
    (only,) = listed(users)
    assert (only.who, only.until_ms) == (CAFE, users.at_ms + 60_000)


@pytest.mark.parametrize("who", [CAFE, "mallory", "m*y", SIX, "203.0.113.0/24"])
def test_a_ban_can_be_lifted(users: Users, who: str) -> None:
    ban(users, who)
    ban(users, who, guests=True)
    assert isinstance(unban(users, who), Done)
    assert listed(users) == []
    opened(users.come("mallory", n=9, address=CAFE))
    opened(users.come("other", n=10, address=SIX))
    assert refused(unban(users, who)) is RefusalCode.UNKNOWN_USER


# --- Kicks ----------------------------------------------------------------------------------------


def test_a_guest_who_is_kicked_is_known_by_name_and_address(users: Users) -> None:
    assert isinstance(kick(users, "gus", "mona"), Done)
    assert users.ended == [(WEST, 4)]
    assert refused(users.come("gus", n=9, address=CAFE)) is RefusalCode.BANNED
    assert refused(users.come("gus2", n=9, address=WORK)) is RefusalCode.BANNED
    # Accounts there are not meant.
    opened(users.come("ann", n=9, address=WORK))
    users.wait(limits.KICK_S)
    opened(users.come("gus2", n=9, address=WORK))


def test_other_guests_at_the_address_of_a_kicked_one_go_with_it(users: Users) -> None:
    users.come("gus2", n=6, address=WORK)
    kick(users, "gus")
    assert sorted(users.ended) == [(WEST, 4), (WEST, 6)]


def test_of_an_account_that_is_kicked_only_the_name_is_kept_out(users: Users) -> None:
    kick(users, "ann", for_s=60)
    assert users.ended == [(WEST, 3)]
    assert refused(users.come("ann", n=9, address=CAFE)) is RefusalCode.BANNED
    opened(users.come("new", n=9, address=WORK))
    assert [each.who for each in listed(users)] == ["ann"]


@pytest.mark.parametrize(
    ("who", "more", "kept"),
    [
        ("g*", {}, [("198.51.100.20", True), ("g*", False)]),
        ("*u*", {}, [("*u*", False), ("198.51.100.20", True)]),
        (WORK, {}, [(WORK, False)]),
        ("eve", {}, [("2001:db8::/64", True), ("eve", False)]),
        ("eve", {"names_only": True}, [("eve", False)]),
    ],
)
def test_what_a_kick_keeps_out(
    users: Users, who: str, more: dict[str, Any], kept: list[tuple[str, bool]]
) -> None:
    kick(users, who, force=True, **more)
    assert [(each.who, each.guests) for each in listed(users)] == kept


def test_the_address_of_a_proxy_here_is_not_kept_out(users: Users) -> None:
    users.come("tor", n=6, address="127.0.0.1")
    kick(users, "tor")
    assert [each.who for each in listed(users)] == ["tor"]


def test_a_guest_who_has_just_lost_its_connection_is_known_by_where_it_was(users: Users) -> None:
    users.lose(n=4)
    kick(users, "gus")
    assert [each.who for each in listed(users)] == [WORK, "gus"]


def test_a_kick_does_not_shorten_a_ban(users: Users) -> None:
    ban(users, "gus")
    ban(users, WORK, for_s=86_400)
    kick(users, "gus")
    ends = {each.who: each.until_ms for each in listed(users)}
    assert ends == {"gus": None, WORK: users.at_ms + 86_400_000}


def test_a_moderator_is_put_out_by_an_operator_and_may_come_back(users: Users) -> None:
    assert refused(kick(users, "olga", "mona")) is RefusalCode.NOT_ALLOWED
    assert isinstance(kick(users, "mona", "olga"), Done)
    assert users.ended == [(WEST, 2)]
    assert listed(users) == []


def test_nobody_can_be_kicked_who_is_not_there(users: Users) -> None:
    assert refused(kick(users, "nobody")) is RefusalCode.UNKNOWN_USER


# --- What is not done by mistake ------------------------------------------------------------------


@pytest.mark.parametrize("command", [BanUsers, KickUsers])
@pytest.mark.parametrize(
    "who", ["0.0.0.0/0", "::/0", "*", "a*", "127.0.0.1", "::1", "127.0.0.0/8", HOME, "192.0.2.0/24"]
)
def test_whoever_would_hit_themselves_or_everybody_is_asked(
    users: Users, command: Any, who: str
) -> None:
    given = command(id=1, nonce=users.nonce(), who=who)
    assert refused(users.do(given, "olga")) is RefusalCode.NOT_ALLOWED
    assert listed(users) == []
    forced = command(id=1, nonce=users.nonce(), who=who, force=True)
    assert isinstance(users.do(forced, "olga"), Done)
    # And even then those who keep order can come, to undo it.
    opened(users.come("olga", n=9, address=HOME))
    opened(users.come("mona", client="new", password=PASSWORD, n=8, address=HOME))


def test_only_operators_force_it(users: Users) -> None:
    assert refused(ban(users, "203.0.0.0/7", "mona", force=True)) is RefusalCode.NOT_ALLOWED
    assert refused(ban(users, CAFE, "mona")) is RefusalCode.NOT_ALLOWED


@pytest.mark.parametrize("who", ["olga", "mona"])
def test_whoever_keeps_order_is_not_banned_by_name(users: Users, who: str) -> None:
    assert refused(ban(users, who, "olga")) is RefusalCode.NOT_ALLOWED
    assert refused(ban(users, who)) is RefusalCode.NOT_ALLOWED


@pytest.mark.parametrize("who", ["1.2.3.4/33", "x/y", "-", "a b*"])
def test_what_means_nobody_is_refused(users: Users, who: str) -> None:
    for command in (BanUsers, KickUsers, UnbanUsers):
        given = command(id=1, nonce=users.nonce(), who=who)
        assert refused(users.as_admin(given)) is RefusalCode.INVALID_NAME


def test_there_is_an_end_to_them(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BANS_MAX", 3)
    monkeypatch.setattr(limits, "BAN_PATTERNS_MAX", 1)
    ban(users, "spam*", for_s=60)
    assert refused(ban(users, "eggs*")) is RefusalCode.LIMIT_REACHED
    ban(users, CAFE)
    ban(users, "mallory")
    assert refused(ban(users, "bob")) is RefusalCode.LIMIT_REACHED
    assert isinstance(ban(users, CAFE, for_s=60), Done)
    users.wait(60)
    assert isinstance(ban(users, "eggs*"), Done)


def test_the_list_says_who_until_when_and_why_in_pages(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    ban(users, "bob", "mona", for_s=60)
    ban(users, CAFE, guests=True)
    ban(users, CAFE)
    at_ms = users.at_ms
    everyone, guests, bob = listed(users, "mona")
    assert bob == UserBan("bob", "spam", "mona", at_ms, at_ms + 60_000)
    assert everyone == UserBan(CAFE, "spam", "admin/root", at_ms)
    assert guests == UserBan(CAFE, "spam", "admin/root", at_ms, guests=True)
    monkeypatch.setattr(limits, "LIST_PAGE_MAX", 2)
    assert listed(users) == [everyone, guests]
    assert listed(users, after=CAFE) == [bob]


def test_all_of_it_is_in_the_audit(users: Users) -> None:
    ban(users, "Bob", "mona")
    kick(users, "gus", "mona")
    unban(users, "bob")
    assert users.audited()[-3:] == [
        ("mona", "ban_users", "bob", "spam"),
        ("mona", "kick_users", "gus", "spam"),
        ("admin/root", "unban_users", "bob", ""),
    ]


def test_that_a_guest_cannot_be_suspended_is_said_with_what_can(users: Users) -> None:
    answer = users.as_admin(SuspendUser(id=1, nonce=users.nonce(), user="gus", reason="spam"))
    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.UNKNOWN_USER
    assert "zchat-admin ban" in answer.reason


def test_somebody_who_is_suspended_is_told_why_and_until_when(users: Users) -> None:
    until_ms = users.at_ms + 3_600_000
    words = told(
        users, SuspendUser(id=1, nonce=users.nonce(), user="ann", reason="spam", until_ms=until_ms)
    )
    assert words.keys() == {3}
    assert words[3].code is RefusalCode.SUSPENDED
    assert words[3].retry_after_ms == 3_600_000
    assert "ann is suspended for another 60 min, until 1970-01-01 01:" in words[3].reason


# --- Nobody as a guest ----------------------------------------------------------------------------


def test_where_guests_are_denied_none_comes_back_with_a_token(users: Users) -> None:
    users.policy = Policy(guests="deny")
    users.restart()
    assert refused(users.come("gus", n=9, address=WORK)) is RefusalCode.GUESTS_NOT_ALLOWED
    opened(users.come("ann", n=9, address=WORK))


def test_where_guests_are_denied_those_who_were_here_are_put_out(users: Users) -> None:
    users.policy = Policy(guests="deny")
    users.restart()
    users.ended.clear()
    users.announce(("gus", 4, 1), ("ann", 3, 1))
    assert users.ended == [(WEST, 4)]
    assert users.online == {"ann"}
    users.wait(limits.SESSION_GRACE_S)
    assert users.core.users["gus"].ended


def test_guests_are_put_out_when_the_policy_is_changed(users: Users) -> None:
    users.lose(n=5)
    users.core.arrivals._policy = Policy(guests="deny")
    users.core.endings.put_out_denied(users.at_ms)
    users.commit([])
    assert users.ended == [(WEST, 4)]
    # Nothing of this one can be on its way any more.
    assert users.core.users["eve"].ended
    users.lose(n=4)
    assert users.core.users["gus"].ended
    assert "ann" in users.online


def test_a_wave_from_many_addresses_ends_without_a_look_at_each_ban_for_each_session(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(40):
        users.come(f"spam{n}", n=100 + n, address=f"198.18.0.{n}")
        users.come(f"guest{n}", n=200 + n, address=f"198.18.1.{n}")
    looked_at = 0
    hits = moderation._Made.hits

    def counted(self: Any, *whom: Any) -> bool:
        nonlocal looked_at
        looked_at += 1
        return hits(self, *whom)

    monkeypatch.setattr(moderation._Made, "hits", counted)
    words = told(users, KickUsers(id=1, nonce=users.nonce(), who="spam*"))
    assert words.keys() == set(range(100, 140))
    # Once to find the addresses, once for the pattern, and once where an address is banned.
    assert looked_at <= 3 * len(users.core.sessions.all())
