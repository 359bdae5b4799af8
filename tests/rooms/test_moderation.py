"""The rules by which a room is kept in order, and those by which it is owned."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import USER_SERVICE, MembersOf, OpenRoom, Stamped, TellInvited
from zchat.protocol.messages import (
    AuditList,
    AuditRecord,
    BanInfo,
    BanList,
    BanMember,
    CloseRoom,
    ConfigureRoom,
    Done,
    History,
    JoinRoom,
    KickMember,
    ListBans,
    ListMembers,
    ListRooms,
    MemberBanned,
    MemberInvited,
    MemberKicked,
    MemberLeft,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    Posting,
    ReadAudit,
    ReadHistory,
    RefusalCode,
    Refused,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomInfo,
    RoomList,
    RoomTransferred,
    SetTopic,
    Standing,
)

from .playbook import Rooms, refused

MINUTE_MS = 60_000


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """With a room of ann, where mod is a moderator and bob a member: entries 1 to 4."""
    rooms.create("ann", "garden")
    rooms.join("mod", "garden")
    rooms.promote("ann", "garden", "mod")
    rooms.join("bob", "garden")
    return rooms


def last(rooms: Rooms, room: str = "garden") -> object:
    """Author and body of the newest entry."""
    _, author, body = rooms.entries(room)[-1]
    return author, body


# --- Kicks and bans -------------------------------------------------------------------------------


def test_who_is_kicked_is_out_and_may_come_back(garden: Rooms) -> None:
    assert garden.kick("mod", "garden", "BOB", "noise") == Done(8, "#garden", 5)

    assert last(garden) == ("mod", MemberKicked("bob", "noise"))
    assert garden.members("garden") == {"ann": "owner", "mod": "moderator"}
    assert "bob" not in garden.core.rooms_of
    assert refused(garden.kick("mod", "garden", "bob")) is RefusalCode.UNKNOWN_USER
    assert isinstance(garden.join("bob", "garden"), Done)


def test_who_is_banned_is_out_until_unbanned(garden: Rooms) -> None:
    garden.ban("mod", "garden", "bob", "noise")

    assert last(garden) == ("mod", MemberBanned("bob", "noise", None))
    reply = garden.join("bob", "garden")
    assert reply == Refused(2, RefusalCode.BANNED, "you are banned from garden: noise")
    garden.unban("mod", "garden", "bob")
    assert last(garden) == ("mod", MemberUnbanned("bob"))
    assert isinstance(garden.join("bob", "garden"), Done)
    assert refused(garden.unban("mod", "garden", "bob")) is RefusalCode.UNKNOWN_USER


def test_who_is_no_member_can_be_banned(garden: Rooms) -> None:
    assert garden.ban("mod", "garden", "carl") == Done(9, "#garden", 5)
    assert refused(garden.join("carl", "garden")) is RefusalCode.BANNED


def test_a_ban_ends_by_itself(garden: Rooms) -> None:
    garden.ban("mod", "garden", "bob", until_ms=garden.at_ms + 90 * MINUTE_MS)
    garden.at_ms += 30 * MINUTE_MS

    reply = garden.join("bob", "garden")
    assert isinstance(reply, Refused)
    assert reply.reason == "you are banned from garden for another 60 min"
    garden.at_ms += 60 * MINUTE_MS
    assert isinstance(garden.join("bob", "garden"), Done)
    assert refused(garden.unban("mod", "garden", "bob")) is RefusalCode.UNKNOWN_USER


def test_a_ban_cannot_be_over_already(garden: Rooms) -> None:
    reply = garden.ban("mod", "garden", "bob", until_ms=garden.at_ms)
    assert refused(reply) is RefusalCode.NOT_ALLOWED
    assert "bob" in garden.members("garden")


def test_a_ban_takes_the_place_of_an_earlier_one(garden: Rooms) -> None:
    garden.ban("mod", "garden", "bob", until_ms=garden.at_ms + MINUTE_MS)
    garden.ban("mod", "garden", "bob", "for good")
    garden.at_ms += 2 * MINUTE_MS

    assert refused(garden.join("bob", "garden")) is RefusalCode.BANNED


def test_a_room_has_only_so_many_bans_but_those_that_are_over_do_not_count(
    garden: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOM_BANS_MAX", 2)
    garden.ban("mod", "garden", "bob", until_ms=garden.at_ms + MINUTE_MS)
    garden.ban("mod", "garden", "carl")
    assert refused(garden.ban("mod", "garden", "dora")) is RefusalCode.LIMIT_REACHED
    assert isinstance(garden.ban("mod", "garden", "carl", "again"), Done)

    garden.at_ms += 2 * MINUTE_MS
    assert isinstance(garden.ban("mod", "garden", "dora"), Done)
    assert garden.core.rooms["garden"].bans.keys() == {"carl", "dora"}
    assert garden.loaded().rooms == garden.core.rooms


@pytest.mark.parametrize("by", ["mod", "ann"])
@pytest.mark.parametrize("target", ["mod", "ann"])
def test_one_acts_only_on_those_of_a_lower_place(garden: Rooms, by: str, target: str) -> None:
    allowed = (by, target) == ("ann", "mod")
    for reply in (
        garden.mute(by, "garden", target),
        garden.kick(by, "garden", target),
        garden.ban(by, "garden", target),
    ):
        if allowed:
            assert isinstance(reply, Done)
            garden.unmute(by, "garden", target)
            garden.unban(by, "garden", target)
            garden.join(target, "garden")
            garden.promote(by, "garden", target)
        else:
            assert refused(reply) is RefusalCode.NOT_ALLOWED


def test_a_moderator_that_the_owner_has_muted_is_not_let_speak_by_another(garden: Rooms) -> None:
    garden.promote("ann", "garden", "bob")
    garden.mute("ann", "garden", "mod")

    assert refused(garden.kick("mod", "garden", "bob")) is RefusalCode.NOT_ALLOWED
    assert refused(garden.unmute("bob", "garden", "mod")) is RefusalCode.NOT_ALLOWED
    garden.unmute("ann", "garden", "mod")
    assert garden.members("garden")["mod"] == "moderator"


def test_the_clusters_moderators_act_on_everyone_in_every_room(garden: Rooms) -> None:
    kick = KickMember(id=1, nonce=garden.nonce(), room="garden", user="ann", reason="spam")
    assert isinstance(garden.do("eve", kick, Standing.MODERATOR), Done)

    entries = garden.entries("garden")
    assert entries[-2:] == [
        (5, "eve", MemberKicked("ann", "spam")),
        (6, "zchat", RoomTransferred("mod")),
    ]
    assert garden.members("garden") == {"mod": "owner", "bob": "member"}


def test_the_operator_without_a_name_is_the_system_in_the_room(garden: Rooms) -> None:
    ban = BanMember(id=1, nonce=garden.nonce(), room="garden", user="bob", reason="spam")
    assert isinstance(garden.do("", ban, Standing.OPERATOR), Done)

    assert last(garden) == ("zchat", MemberBanned("bob", "spam", None))
    assert garden.audits()[-1] == ("admin/root", "ban_member", "bob", "garden", "spam")


# --- Mutes ----------------------------------------------------------------------------------------


def test_who_is_muted_reads_and_says_nothing(garden: Rooms) -> None:
    garden.mute("mod", "garden", "bob")
    assert last(garden) == ("mod", MemberMuted("bob", ""))

    assert refused(garden.post("bob", "garden")) is RefusalCode.MUTED
    assert refused(garden.set_topic("bob", "garden", "x")) is RefusalCode.MUTED
    assert isinstance(garden.mark("bob", "#garden", 4), Done)
    assert garden.mute("mod", "garden", "bob") == Done(11, "#garden", 0)

    garden.unmute("mod", "garden", "bob")
    assert last(garden) == ("mod", MemberUnmuted("bob"))
    assert isinstance(garden.post("bob", "garden"), Done)
    assert refused(garden.unmute("mod", "garden", "bob")) is RefusalCode.UNKNOWN_USER


def test_nobody_gets_rid_of_a_mute_by_leaving(garden: Rooms) -> None:
    garden.mute("mod", "garden", "bob")
    garden.leave("bob", "garden")
    garden.core = garden.loaded()
    garden.join("bob", "garden")

    assert refused(garden.post("bob", "garden")) is RefusalCode.MUTED


def test_the_next_guest_of_a_name_is_not_muted_and_not_invited_but_banned(garden: Rooms) -> None:
    garden.mute("mod", "garden", "bob")
    garden.create("ann", "attic")
    garden.invite("ann", "attic", "bob")
    garden.create("ann", "barn")
    garden.ban("ann", "barn", "bob")
    garden.end_guest("bob")

    assert garden.core.state.noted_in == {}
    assert garden.loaded().rooms == garden.core.rooms
    garden.join("bob", "garden")
    assert isinstance(garden.post("bob", "garden"), Done)
    assert refused(garden.join("bob", "barn")) is RefusalCode.BANNED


# --- The lobby ------------------------------------------------------------------------------------


def test_in_the_lobby_only_the_clusters_moderators_keep_order(rooms: Rooms) -> None:
    reply = rooms.mute("ann", "lobby", "bob")
    assert isinstance(reply, Refused)
    assert reply.code is RefusalCode.NOT_ALLOWED
    assert reply.reason == "in the lobby only moderators of the cluster may do that"

    rooms.do(
        "eve",
        BanMember(id=1, nonce=rooms.nonce(), room="lobby", user="bob", reason="spam"),
        Standing.MODERATOR,
    )
    assert rooms.post("bob", "lobby") == Refused(
        4, RefusalCode.BANNED, "you are banned from lobby: spam"
    )
    assert isinstance(rooms.mark("bob", "#lobby", 1), Done)
    history = server_messages.decode(rooms.ask("bob", ReadHistory(id=1, log="#lobby")))
    assert isinstance(history, History), "who is banned there reads on"
    assert isinstance(rooms.post("ann", "lobby"), Done)


def test_nobody_is_put_out_of_the_lobby_and_it_is_nobodys(rooms: Rooms) -> None:
    for command in (
        KickMember(id=1, nonce=rooms.nonce(), room="lobby", user="bob"),
        ConfigureRoom(id=1, nonce=rooms.nonce(), room="lobby", private=True),
        CloseRoom(id=1, nonce=rooms.nonce(), room="lobby"),
    ):
        reply = rooms.do("eve", command, Standing.OPERATOR)
        assert refused(reply) is RefusalCode.NOT_ALLOWED
    assert rooms.audits() == []


def test_who_is_muted_in_the_lobby_has_no_read_marker_by_that(rooms: Rooms) -> None:
    rooms.post("ann", "lobby")
    rooms.core.state.mute(rooms.core.rooms["lobby"], "bob")
    rooms.commit()

    assert refused(rooms.post("bob", "lobby")) is RefusalCode.MUTED
    assert rooms.core.rooms["lobby"].members == {}
    assert rooms.loaded().rooms == rooms.core.rooms


# --- Who may come in ------------------------------------------------------------------------------


def test_a_private_room_is_joined_by_invitation_only(garden: Rooms) -> None:
    garden.configure("ann", "garden", private=True)
    assert refused(garden.join("carl", "garden")) is RefusalCode.UNKNOWN_ROOM

    assert garden.invite("mod", "garden", "Carl") == Done(7, "#garden", 6)
    assert last(garden) == ("mod", MemberInvited("carl"))
    assert isinstance(garden.join("carl", "garden"), Done)
    garden.leave("carl", "garden")
    assert refused(garden.join("carl", "garden")) is RefusalCode.UNKNOWN_ROOM, "used once"


def test_of_a_private_room_outsiders_are_told_nothing(garden: Rooms) -> None:
    garden.configure("ann", "garden", private=True)
    for reply in (
        garden.join("carl", "garden"),
        garden.leave("carl", "garden"),
        garden.post("carl", "garden"),
        garden.kick("carl", "garden", "bob"),
        garden.close_room("carl", "garden"),
    ):
        assert refused(reply) is RefusalCode.UNKNOWN_ROOM
    assert refused(garden.mark("carl", "#garden", 1)) is RefusalCode.UNKNOWN_LOG
    assert refused(garden.report("carl", "#garden", 1)) is RefusalCode.UNKNOWN_LOG
    for query in (
        ReadHistory(id=1, log="#garden"),
        ListMembers(id=1, room="garden"),
        ListBans(id=1, room="garden"),
        ListRooms(id=1, room="garden"),
    ):
        told = server_messages.decode(garden.ask("carl", query))
        assert isinstance(told, Refused)
        assert told.code is RefusalCode.UNKNOWN_ROOM
    assert refused(garden.create("carl", "garden")) is RefusalCode.ROOM_EXISTS


@pytest.mark.parametrize(
    ("user", "standing", "listed"),
    [
        ("carl", Standing.ACCOUNT, False),
        ("bob", Standing.ACCOUNT, True),
        ("dora", Standing.ACCOUNT, True),
        ("eve", Standing.MODERATOR, True),
        ("", Standing.OPERATOR, True),
    ],
)
def test_a_private_room_is_listed_for_those_who_may_know_it(
    garden: Rooms, user: str, standing: Standing, listed: bool
) -> None:
    garden.configure("ann", "garden", private=True)
    garden.invite("ann", "garden", "dora")

    told = server_messages.decode(garden.ask(user, ListRooms(id=1), standing))
    assert isinstance(told, RoomList)
    assert told.total == len(told.rooms)
    assert ("garden" in [info.room for info in told.rooms]) is listed


def test_a_key_opens_a_room_and_so_does_an_invitation(garden: Rooms) -> None:
    garden.configure("ann", "garden", key="sesame")
    assert last(garden) == ("ann", RoomConfigured(False, True, Posting.MEMBERS, 0, 0))

    assert refused(garden.join("carl", "garden")) is RefusalCode.WRONG_KEY
    assert refused(garden.join("carl", "garden", "sésame")) is RefusalCode.WRONG_KEY
    assert isinstance(garden.join("carl", "garden", "sesame"), Done)
    garden.invite("ann", "garden", "dora")
    assert isinstance(garden.join("dora", "garden"), Done)
    garden.configure("ann", "garden", key="")
    assert isinstance(garden.join("eve", "garden"), Done)


def test_an_operator_comes_in_everywhere_and_that_is_audited(garden: Rooms) -> None:
    garden.configure("ann", "garden", private=True, key="sesame")
    garden.ban("ann", "garden", "root")
    before = len(garden.audits())
    join = JoinRoom(id=1, nonce=garden.nonce(), room="garden")

    assert isinstance(garden.do("root", join, Standing.OPERATOR), Done)
    actor, action, subject, room, _ = garden.audits()[before]
    assert (actor, action, subject, room) == ("root", "join_room", "root", "garden")
    moderator = JoinRoom(id=1, nonce=garden.nonce(), room="garden")
    assert refused(garden.do("eve", moderator, Standing.MODERATOR)) is RefusalCode.NOT_ALLOWED


def test_who_is_invited_is_told_by_the_user_service(garden: Rooms) -> None:
    told: list[TellInvited] = []
    for _ in range(2):
        garden.invite("mod", "garden", "carl")
        [(address, key, body)] = garden.owed
        assert address == USER_SERVICE
        assert "carl" in key
        told.append(Decoder(TellInvited).decode(Decoder(Stamped).decode(body).body))
        garden.join("carl", "garden")
        garden.leave("carl", "garden")

    assert [(t.room, t.user, t.author) for t in told] == [("garden", "carl", "mod")] * 2
    assert len({t.nonce for t in told}) == 2
    assert all(len(t.nonce) > limits.NONCE_BYTES for t in told), "no client has such a nonce"


def test_who_is_in_or_invited_is_not_invited_again(garden: Rooms) -> None:
    garden.invite("mod", "garden", "carl")
    assert garden.invite("mod", "garden", "carl") == Done(7, "#garden", 0)
    assert garden.invite("mod", "garden", "bob") == Done(7, "#garden", 0)
    assert garden.owed == []


def test_who_is_banned_is_not_invited(garden: Rooms) -> None:
    garden.invite("mod", "garden", "carl")
    garden.ban("mod", "garden", "carl")

    assert garden.core.rooms["garden"].invited == {}
    assert refused(garden.invite("mod", "garden", "carl")) is RefusalCode.BANNED


def test_a_room_may_be_smaller_than_the_clusters_bound(garden: Rooms) -> None:
    garden.configure("ann", "garden", members_max=3)
    assert refused(garden.join("carl", "garden")) is RefusalCode.LIMIT_REACHED
    garden.configure("ann", "garden", members_max=0)
    assert isinstance(garden.join("carl", "garden"), Done)


# --- Who may speak --------------------------------------------------------------------------------


def test_in_a_room_for_announcements_only_moderators_speak(garden: Rooms) -> None:
    garden.configure("ann", "garden", posting=Posting.MODERATORS)

    assert refused(garden.post("bob", "garden")) is RefusalCode.NOT_ALLOWED
    assert isinstance(garden.post("mod", "garden"), Done)
    assert isinstance(garden.post("ann", "garden"), Done)


def test_slow_mode_lets_a_member_speak_now_and_then(garden: Rooms) -> None:
    garden.configure("ann", "garden", slow_mode_s=10)
    assert isinstance(garden.post("bob", "garden"), Done)
    garden.now += 4
    reply = garden.post("bob", "garden")
    assert isinstance(reply, Refused)
    assert (reply.code, reply.retry_after_ms) == (RefusalCode.TOO_FAST, 6_000)
    for _ in range(2):
        assert isinstance(garden.post("mod", "garden"), Done)
    garden.now += 6
    assert isinstance(garden.post("bob", "garden"), Done)

    garden.leave("bob", "garden")
    assert garden.core.rooms["garden"].posted_at.keys() <= {"mod"}
    garden.configure("ann", "garden", slow_mode_s=0)
    assert garden.core.rooms["garden"].posted_at == {}


def test_what_was_refused_does_not_make_one_wait(garden: Rooms) -> None:
    garden.configure("ann", "garden", slow_mode_s=10)
    assert refused(garden.post("bob", "garden", " ")) is RefusalCode.EMPTY_TEXT
    assert isinstance(garden.post("bob", "garden"), Done)


def test_what_is_so_already_is_not_told_again(garden: Rooms) -> None:
    assert garden.configure("ann", "garden") == Done(16, "#garden", 0)
    assert garden.configure("ann", "garden", private=False) == Done(16, "#garden", 0)
    garden.configure("ann", "garden", private=True, slow_mode_s=5)
    assert last(garden) == ("ann", RoomConfigured(True, False, Posting.MEMBERS, 5, 0))


# --- Owning ---------------------------------------------------------------------------------------


def test_moderators_come_and_go_by_the_owners_word(garden: Rooms) -> None:
    garden.promote("ann", "garden", "bob")
    assert last(garden) == ("ann", MemberPromoted("bob"))
    assert garden.promote("ann", "garden", "bob") == Done(13, "#garden", 0)
    garden.demote("ann", "garden", "bob")
    assert garden.members("garden")["bob"] == "member"
    assert garden.demote("ann", "garden", "bob") == Done(14, "#garden", 0)

    assert refused(garden.promote("mod", "garden", "bob")) is RefusalCode.NOT_ALLOWED
    assert refused(garden.promote("ann", "garden", "carl")) is RefusalCode.UNKNOWN_USER
    assert refused(garden.demote("ann", "garden", "ann")) is RefusalCode.NOT_ALLOWED


def test_who_is_muted_is_not_promoted(garden: Rooms) -> None:
    garden.mute("ann", "garden", "bob")
    assert refused(garden.promote("ann", "garden", "bob")) is RefusalCode.NOT_ALLOWED
    assert refused(garden.transfer("ann", "garden", "bob")) is RefusalCode.NOT_ALLOWED


def test_a_room_is_given_to_another_member(garden: Rooms) -> None:
    garden.transfer("ann", "garden", "bob")

    assert last(garden) == ("ann", RoomTransferred("bob"))
    assert garden.members("garden") == {"ann": "moderator", "mod": "moderator", "bob": "owner"}
    assert refused(garden.transfer("ann", "garden", "ann")) is RefusalCode.NOT_ALLOWED
    assert garden.transfer("bob", "garden", "bob") == Done(15, "#garden", 0)


def test_when_the_owner_leaves_the_oldest_moderator_and_then_the_oldest_member_owns_the_room(
    garden: Rooms,
) -> None:
    garden.join("carl", "garden")
    garden.leave("ann", "garden")
    assert garden.entries("garden")[-2:] == [
        (6, "ann", MemberLeft()),
        (7, "zchat", RoomTransferred("mod")),
    ]
    garden.end_guest("mod")
    assert garden.members("garden") == {"bob": "owner", "carl": "member"}
    assert garden.loaded().rooms == garden.core.rooms


def test_who_is_muted_owns_a_room_only_if_nobody_else_is_left(garden: Rooms) -> None:
    garden.join("carl", "garden")
    for user in ("mod", "bob"):
        garden.mute("ann", "garden", user)
    garden.leave("ann", "garden")
    assert garden.members("garden")["carl"] == "owner"
    garden.leave("carl", "garden")
    assert garden.members("garden")["mod"] == "owner"
    assert isinstance(garden.post("mod", "garden"), Done), "an owner is not muted"


# --- The end of a room ----------------------------------------------------------------------------


def test_a_closed_room_is_gone_and_its_name_is_free(garden: Rooms) -> None:
    garden.ban("ann", "garden", "carl")
    assert garden.close_room("ann", "garden", "winter") == Done(17, "#garden", 6)

    assert last(garden) == ("ann", RoomClosed("winter"))
    assert garden.core.rooms_of == {}
    assert refused(garden.post("ann", "garden")) is RefusalCode.UNKNOWN_ROOM
    assert garden.create("carl", "garden") == Done(1, "#garden", 7)
    assert garden.core.rooms["garden"].members["carl"].floor == 6
    assert garden.core.rooms["garden"].bans == {}


@pytest.mark.parametrize("restarted", [False, True])
def test_the_log_of_a_room_of_the_same_name_goes_on_and_shows_nothing_of_before(
    garden: Rooms, restarted: bool
) -> None:
    garden.post("bob", "garden", "secret")
    garden.close_room("ann", "garden")
    if restarted:
        garden.core = garden.loaded()
    garden.core.tick(garden.now, garden.at_ms)
    assert "#garden" not in garden.core.timeline.heads

    garden.create("carl", "garden")
    [(_, _, body)] = garden.owed
    opening = Decoder(OpenRoom).decode(Decoder(Stamped).decode(body).body)
    assert isinstance(garden.do("", opening), Done)
    garden.post("carl", "garden", "new")
    history = server_messages.decode(garden.ask("carl", ReadHistory(id=1, log="#garden")))
    assert isinstance(history, History)
    assert [entry.sequence for entry in history.entries] == [7, 8]
    assert not history.more
    assert refused(garden.report("carl", "#garden", 5)) is RefusalCode.UNKNOWN_ENTRY
    assert garden.loaded().rooms == garden.core.rooms


def test_a_private_room_that_all_have_left_is_closed_unless_somebody_is_invited(
    rooms: Rooms,
) -> None:
    rooms.create("ann", "garden")
    rooms.configure("ann", "garden", private=True)
    rooms.invite("ann", "garden", "bob")
    rooms.leave("ann", "garden")
    assert "garden" in rooms.core.rooms
    rooms.join("bob", "garden")
    assert rooms.members("garden") == {"bob": "owner"}
    rooms.leave("bob", "garden")
    assert last(rooms) == ("zchat", RoomClosed("everyone has left this private room"))
    assert "garden" not in rooms.core.rooms
    assert rooms.loaded().rooms == rooms.core.rooms


def test_an_invitation_of_a_guest_that_ends_keeps_no_empty_room_open(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    rooms.configure("ann", "garden", private=True)
    rooms.invite("ann", "garden", "bob")
    rooms.leave("ann", "garden")
    rooms.end_guest("bob")
    assert "garden" not in rooms.core.rooms


# --- Lists, reports and the audit -----------------------------------------------------------------


def test_bans_are_listed_for_moderators(garden: Rooms) -> None:
    until_ms = garden.at_ms + MINUTE_MS
    garden.ban("mod", "garden", "dora", "noise", until_ms)
    garden.ban("ann", "garden", "carl")

    told = server_messages.decode(garden.ask("mod", ListBans(id=3, room="garden")))
    bans = [BanInfo("carl", "", "ann"), BanInfo("dora", "noise", "mod", until_ms)]
    assert told == BanList(3, "garden", bans)
    garden.at_ms = until_ms
    told = server_messages.decode(garden.ask("mod", ListBans(id=3, room="garden")))
    assert told == BanList(3, "garden", bans[:1])


def test_roles_and_settings_are_told(garden: Rooms) -> None:
    garden.mute("ann", "garden", "bob")
    garden.configure("ann", "garden", key="sesame", slow_mode_s=5, members_max=9)
    garden.invite("ann", "garden", "carl")

    listed = Decoder(MembersOf).decode(garden.ask("ann", ListMembers(id=1, room="garden")))
    assert listed.names == ["ann", "bob", "mod"]
    assert listed.roles == {"ann": Role.OWNER, "bob": Role.MUTED, "mod": Role.MODERATOR}
    rooms = server_messages.decode(garden.ask("carl", ListRooms(id=1, room="garden")))
    assert isinstance(rooms, RoomList)
    [info] = rooms.rooms
    assert info == RoomInfo("garden", "", 3, False, 0, True, False, True, Posting.MEMBERS, 5, 9)


def test_nobody_buries_the_audit_in_reports(garden: Rooms) -> None:
    before = len(garden.audits())
    for _ in range(limits.USER_REPORTS_MAX):
        assert isinstance(garden.report("bob", "#garden", 2, "spam"), Done)
    assert refused(garden.report("bob", "#garden", 2, "spam")) is RefusalCode.TOO_FAST
    assert len(garden.audits()) - before == limits.USER_REPORTS_MAX
    garden.now += limits.USER_REPORT_INTERVAL_S
    assert isinstance(garden.report("bob", "#garden", 2, "spam"), Done)


def test_a_report_goes_to_the_audit(garden: Rooms) -> None:
    assert garden.report("bob", "#Garden", 2, "spam") == Done(18, "#garden", 0)
    assert garden.audits()[-1] == ("bob", "report_message", "#garden 2", "garden", "spam")
    for sequence in (0, 5):
        reply = garden.report("bob", "#garden", sequence)
        assert refused(reply) is RefusalCode.UNKNOWN_ENTRY


def test_what_was_done_is_audited_once_and_what_was_refused_is_not(garden: Rooms) -> None:
    before = len(garden.audits())
    kick = KickMember(id=1, nonce=garden.nonce(), room="garden", user="bob", reason="noise")
    garden.do("mod", kick)
    garden.do("mod", kick)
    garden.kick("mod", "garden", "ann")
    garden.configure("ann", "garden", key="sesame", private=True)
    garden.set_topic("ann", "garden", "roses")
    garden.do(
        "root",
        SetTopic(id=1, nonce=garden.nonce(), room="garden", topic="weeds"),
        Standing.OPERATOR,
    )

    assert garden.audits()[before:] == [
        ("mod", "kick_member", "bob", "garden", "noise"),
        ("ann", "configure_room", "", "garden", "private True, a key"),
        ("root", "set_topic", "", "garden", ""),
    ]


def test_the_audit_is_read_by_moderators_of_the_cluster(garden: Rooms) -> None:
    garden.kick("mod", "garden", "bob", "noise")

    told = server_messages.decode(garden.ask("eve", ReadAudit(id=1, limit=1), Standing.MODERATOR))
    record = AuditRecord(garden.at_ms, "mod", "kick_member", "bob", "garden", "noise")
    assert told == AuditList(1, [record])
    refusal = server_messages.decode(garden.ask("ann", ReadAudit(id=1)))
    assert isinstance(refusal, Refused)
    assert refusal.code is RefusalCode.NOT_ALLOWED
