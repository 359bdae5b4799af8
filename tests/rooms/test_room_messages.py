"""What may become of a message in a room, and who may do that."""

import pytest
from committed import repeated

from zchat.eventlog import edits
from zchat.protocol import limits
from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    DeleteMessage,
    Done,
    EditInfo,
    EditList,
    EditMessage,
    Entry,
    JoinRoom,
    ListPins,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PinList,
    Post,
    Posting,
    ReactionAdded,
    ReactionRemoved,
    ReadEdits,
    Redacted,
    RefusalCode,
    Refused,
    Standing,
)
from zchat.protocol.rules.costs import exhausted

from .playbook import Rooms, refused

GARDEN = "#garden"


def with_messages(rooms: Rooms) -> Rooms:
    """The garden that ann owns and mod moderates: bob's message is 5, and mod's is 6."""
    rooms.create("ann", "garden")
    rooms.join("mod", "garden")
    rooms.promote("ann", "garden", "mod")
    rooms.join("bob", "garden")
    rooms.post("bob", "garden", "roses are red")
    rooms.post("mod", "garden", "violets are blue")
    return rooms


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    return with_messages(rooms)


# --- Edits ----------------------------------------------------------------------------------------


def test_an_edited_message_says_something_else_and_an_entry_tells(garden: Rooms) -> None:
    assert garden.edit("bob", GARDEN, 5, "roses are\x1b pink") == Done(19, GARDEN, 7)

    assert garden.at(GARDEN, 5).body == MessagePosted("roses are pink")
    assert garden.at(GARDEN, 5).edited == 7
    assert garden.entries("garden")[-1] == (7, "bob", MessageEdited(5, "roses are pink"))


def test_of_an_edited_message_only_the_newest_text_is_left(garden: Rooms) -> None:
    garden.give("bob", EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="one"))
    garden.give("bob", EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="two"))
    garden.commit()
    garden.edit("bob", GARDEN, 5, "three")

    assert garden.at(GARDEN, 5).body == MessagePosted("three")
    assert [body for *_, body in garden.entries("garden")[6:]] == [
        MessageEdited(5, ""),
        MessageEdited(5, ""),
        MessageEdited(5, "three"),
    ]
    told = [entry.body for entry in garden.told if entry.log == GARDEN]
    assert told[6] == MessageEdited(5, "one"), "who was there has seen each"


def test_an_edit_keeps_what_the_message_answers_and_its_reactions(garden: Rooms) -> None:
    garden.do("bob", Post(id=1, nonce=garden.nonce(), room="garden", text="indeed", reply_to=6))
    garden.react("ann", GARDEN, 7)
    garden.edit("bob", GARDEN, 7, "no doubt")

    entry = garden.at(GARDEN, 7)
    assert entry.body == MessagePosted("no doubt", reply_to=6)
    assert entry.reactions == {"+1": ["ann"]}


def test_an_edit_that_changes_nothing_is_none(garden: Rooms) -> None:
    assert garden.edit("bob", GARDEN, 5, "roses are red") == Done(19, GARDEN, 0)
    assert len(garden.entries("garden")) == 6


def test_only_who_has_written_a_message_edits_it(garden: Rooms) -> None:
    edit = EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="mine")
    for user, standing in (("ann", Standing.ACCOUNT), ("mod", Standing.OPERATOR)):
        assert refused(garden.do(user, edit, standing)) is RefusalCode.NOT_ALLOWED


def test_who_has_the_name_of_somebody_before_has_not_written_that(garden: Rooms) -> None:
    written_ms = garden.at_ms
    garden.at_ms += 1
    for command in (
        EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="mine"),
        DeleteMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5),
    ):
        late = garden.do("bob", command, since_ms=written_ms + 1)
        assert refused(late) is RefusalCode.NOT_ALLOWED
    own = EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="mine")
    assert isinstance(garden.do("bob", own, since_ms=written_ms), Done)


def test_where_only_moderators_speak_nobody_else_edits(garden: Rooms) -> None:
    garden.configure("ann", "garden", posting=Posting.MODERATORS)

    assert refused(garden.edit("bob", GARDEN, 5, "more")) is RefusalCode.NOT_ALLOWED
    assert isinstance(garden.edit("mod", GARDEN, 6, "more"), Done)


def test_who_is_muted_edits_nothing_and_deletes_its_own(garden: Rooms) -> None:
    garden.mute("mod", "garden", "bob")

    assert refused(garden.edit("bob", GARDEN, 5, "unheard")) is RefusalCode.MUTED
    assert isinstance(garden.delete("bob", GARDEN, 5), Done)


@pytest.mark.parametrize("text", [" ", "\x1b", "\u2060"])
def test_an_edit_shows_something(garden: Rooms, text: str) -> None:
    assert refused(garden.edit("bob", GARDEN, 5, text)) is RefusalCode.EMPTY_TEXT
    assert garden.at(GARDEN, 5).edited == 0


@pytest.mark.parametrize("sequence", [0, 1, 4, 7, 99])
def test_only_messages_change(garden: Rooms, sequence: int) -> None:
    """Not the room's own entries, and not what is not there."""
    for reply in (
        garden.edit("bob", GARDEN, sequence, "x"),
        garden.delete("ann", GARDEN, sequence),
        garden.react("bob", GARDEN, sequence),
        garden.unreact("bob", GARDEN, sequence),
        garden.pin("ann", "garden", sequence),
    ):
        assert refused(reply) is RefusalCode.UNKNOWN_ENTRY
    assert len(garden.entries("garden")) == 6


@pytest.mark.parametrize("log", ["#attic", "@bob", "garden", "#den"])
def test_only_messages_of_rooms_that_one_knows_change(garden: Rooms, log: str) -> None:
    garden.create("eve", "den")
    garden.configure("eve", "den", private=True)
    garden.post("eve", "den")
    for reply in (garden.edit("bob", log, 5, "x"), garden.react("bob", log, 5)):
        assert refused(reply) is RefusalCode.UNKNOWN_LOG


def test_what_an_earlier_room_of_this_name_said_is_nobodys(garden: Rooms) -> None:
    garden.close_room("ann", "garden")
    garden.create("bob", "garden")

    for reply in (
        garden.edit("bob", GARDEN, 5, "again"),
        garden.delete("bob", GARDEN, 5),
        garden.pin("bob", "garden", 5),
        garden.do("bob", Post(id=1, nonce=garden.nonce(), room="garden", text="well", reply_to=5)),
    ):
        assert refused(reply) is RefusalCode.UNKNOWN_ENTRY


def test_a_command_about_a_message_is_done_once(garden: Rooms) -> None:
    edit = EditMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=5, text="pink")
    first = garden.do("bob", edit)
    garden.edit("bob", GARDEN, 5, "mauve")

    assert first == Done(1, GARDEN, 7)
    assert garden.do("bob", edit) == repeated(first)
    assert garden.at(GARDEN, 5).body == MessagePosted("mauve")


# --- What was said before -------------------------------------------------------------------------


def said_before(rooms: Rooms, user: str, sequence: int) -> list[EditInfo]:
    answer = server_messages.decode(rooms.ask(user, ReadEdits(id=1, log=GARDEN, sequence=sequence)))
    assert isinstance(answer, EditList)
    return answer.edits


def test_what_a_message_said_is_kept_where_that_is_wanted() -> None:
    rooms = with_messages(Rooms(keeps_edits=True))
    for text in ("pink", "mauve"):
        rooms.at_ms += 1
        rooms.edit("bob", GARDEN, 5, text)

    edited = [EditInfo(1001, "roses are red"), EditInfo(1002, "pink")]
    assert said_before(rooms, "ann", 5) == edited
    assert said_before(rooms, "ann", 6) == []
    rooms.keeps_edits = False
    rooms.core = rooms.loaded()
    assert said_before(rooms, "ann", 5) == [], "as soon as it is to be kept no more"
    rooms.close()


def test_of_more_than_fits_what_was_said_last_is_told() -> None:
    rooms = with_messages(Rooms(keeps_edits=True))
    texts = [str(number) * limits.TEXT_CHARS_MAX for number in range(10)]
    for text in texts:
        rooms.edit("bob", GARDEN, 5, text)

    told = [said.text for said in said_before(rooms, "ann", 5)]
    assert 0 < len(told) < len(texts)
    assert told == texts[-1 - len(told) : -1]
    rooms.close()


def test_what_a_message_said_is_otherwise_gone(garden: Rooms) -> None:
    garden.edit("bob", GARDEN, 5, "pink")

    assert exhausted(edits.read(garden.store, GARDEN, 5)) == []
    assert said_before(garden, "bob", 5) == []


def test_what_a_deleted_message_said_is_gone_in_any_case() -> None:
    rooms = with_messages(Rooms(keeps_edits=True))
    rooms.edit("bob", GARDEN, 5, "pink")
    rooms.keeps_edits = False
    rooms.core = rooms.loaded()
    rooms.delete("bob", GARDEN, 5)

    assert exhausted(edits.read(rooms.store, GARDEN, 5)) == []
    rooms.close()


def test_what_an_earlier_room_of_this_name_said_before_is_shown_to_nobody() -> None:
    rooms = with_messages(Rooms(keeps_edits=True))
    rooms.edit("bob", GARDEN, 5, "pink")
    rooms.close_room("ann", "garden")
    rooms.create("eve", "garden")

    assert said_before(rooms, "eve", 5) == []
    rooms.close()


# --- The end of a message -------------------------------------------------------------------------


def test_of_a_deleted_message_only_its_place_is_left(garden: Rooms) -> None:
    garden.edit("bob", GARDEN, 5, "roses are pink")
    garden.react("ann", GARDEN, 5)
    assert garden.delete("bob", GARDEN, 5, "never mind") == Done(20, GARDEN, 9)

    assert garden.at(GARDEN, 5) == Entry(GARDEN, 5, 1000, "bob", Redacted("bob"))
    assert garden.at(GARDEN, 7).body == MessageEdited(5, "")
    assert garden.entries("garden")[-1] == (9, "bob", MessageDeleted(5, "")), "no reason is told"
    assert garden.audits()[1:] == [], "it is nobody else's business"


def test_a_deleted_message_stays_so(garden: Rooms) -> None:
    garden.delete("bob", GARDEN, 5)

    for reply in (
        garden.edit("bob", GARDEN, 5, "back"),
        garden.delete("ann", GARDEN, 5),
        garden.react("bob", GARDEN, 5),
        garden.pin("ann", "garden", 5),
        garden.do("ann", Post(id=1, nonce=garden.nonce(), room="garden", text="what?", reply_to=5)),
    ):
        assert refused(reply) is RefusalCode.UNKNOWN_ENTRY
        assert isinstance(reply, Refused)
        assert "has been deleted" in reply.reason


def test_a_moderator_deletes_what_others_have_said_and_that_is_audited(garden: Rooms) -> None:
    assert garden.delete("mod", GARDEN, 5, "too\x1b loud") == Done(20, GARDEN, 7)

    assert garden.at(GARDEN, 5).body == Redacted("mod")
    assert garden.entries("garden")[-1] == (7, "mod", MessageDeleted(5, "too loud"))
    audited = ("mod", "delete_message", "bob", "garden", "message 5: too loud")
    assert garden.audits()[-1] == audited


def test_what_a_former_moderator_has_said_any_moderator_deletes(garden: Rooms) -> None:
    garden.leave("mod", "garden")
    assert refused(garden.delete("bob", GARDEN, 6)) is RefusalCode.NOT_ALLOWED

    garden.promote("ann", "garden", "bob")
    assert isinstance(garden.delete("bob", GARDEN, 6), Done)


def test_nobody_deletes_what_somebody_of_the_same_place_has_said(garden: Rooms) -> None:
    garden.promote("ann", "garden", "bob")
    garden.post("ann", "garden")

    assert refused(garden.delete("bob", GARDEN, 6)) is RefusalCode.NOT_ALLOWED
    assert refused(garden.delete("bob", GARDEN, 8)) is RefusalCode.NOT_ALLOWED
    assert isinstance(garden.delete("ann", GARDEN, 6), Done)


def test_a_moderator_who_is_muted_deletes_only_its_own(garden: Rooms) -> None:
    garden.mute("ann", "garden", "mod")

    assert refused(garden.delete("mod", GARDEN, 5)) is RefusalCode.NOT_ALLOWED
    assert isinstance(garden.delete("mod", GARDEN, 6), Done)


def test_moderators_of_the_cluster_delete_anywhere(garden: Rooms) -> None:
    garden.post("ann", "garden", "by the owner")
    by_eve = DeleteMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=7)
    assert isinstance(garden.do("eve", by_eve, Standing.MODERATOR), Done)
    assert isinstance(garden.delete("", GARDEN, 6), Done), "so does zchat-admin"

    assert garden.at(GARDEN, 7).body == Redacted("eve")
    assert garden.at(GARDEN, 6).body == Redacted("zchat")
    assert [actor for actor, *_ in garden.audits()][-2:] == ["eve", "admin/root"]


def test_a_moderator_deletes_what_was_said_under_its_name_before(garden: Rooms) -> None:
    garden.at_ms += 1
    delete = DeleteMessage(id=1, nonce=garden.nonce(), log=GARDEN, sequence=6)

    assert isinstance(garden.do("mod", delete, since_ms=garden.at_ms), Done)
    assert garden.audits()[-1][:3] == ("mod", "delete_message", "mod")


def test_in_the_lobby_people_delete_their_own(rooms: Rooms) -> None:
    rooms.post("bob", "lobby")

    assert refused(rooms.delete("ann", "#lobby", 1)) is RefusalCode.NOT_ALLOWED
    assert isinstance(rooms.delete("bob", "#lobby", 1), Done)


# --- Reactions ------------------------------------------------------------------------------------


def test_a_reaction_stands_with_the_message_and_an_entry_tells(garden: Rooms) -> None:
    assert garden.react("ann", GARDEN, 5, "\N{ROSE}") == Done(21, GARDEN, 7)
    garden.react("bob", GARDEN, 5, "\N{ROSE}")
    garden.react("bob", GARDEN, 5, "+1")

    assert garden.at(GARDEN, 5).reactions == {"\N{ROSE}": ["ann", "bob"], "+1": ["bob"]}
    assert garden.entries("garden")[6] == (7, "ann", ReactionAdded(5, "\N{ROSE}"))


def test_who_has_reacted_so_does_not_again(garden: Rooms) -> None:
    garden.react("ann", GARDEN, 5)

    assert garden.react("ann", GARDEN, 5) == Done(21, GARDEN, 0)
    assert len(garden.entries("garden")) == 7


def test_a_reaction_is_taken_back(garden: Rooms) -> None:
    garden.react("ann", GARDEN, 5)
    assert garden.unreact("ann", GARDEN, 5) == Done(22, GARDEN, 8)
    assert garden.unreact("ann", GARDEN, 5) == Done(22, GARDEN, 0)

    assert garden.at(GARDEN, 5).reactions == {}
    assert garden.entries("garden")[7:] == [(8, "ann", ReactionRemoved(5, "+1"))]


def test_who_is_muted_reacts_to_nothing_and_takes_back(garden: Rooms) -> None:
    garden.react("bob", GARDEN, 6)
    garden.mute("ann", "garden", "bob")

    assert refused(garden.react("bob", GARDEN, 6, "-1")) is RefusalCode.MUTED
    assert isinstance(garden.unreact("bob", GARDEN, 6), Done)


@pytest.mark.parametrize(
    "emoji", [" ", "two words", "\x1b[1m", "a\u202eb", "\n", "\u200d", "\ufe0f", "\u3164"]
)
def test_a_reaction_can_be_seen_and_has_no_spaces(garden: Rooms, emoji: str) -> None:
    assert refused(garden.react("bob", GARDEN, 5, emoji)) is RefusalCode.EMPTY_TEXT
    assert garden.at(GARDEN, 5).reactions == {}


def test_a_message_has_only_so_many_reactions(
    garden: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REACTIONS_MAX", 3)
    monkeypatch.setattr(limits, "REACTION_KINDS_MAX", 2)
    garden.react("ann", GARDEN, 5, "a")
    garden.react("ann", GARDEN, 5, "b")

    assert refused(garden.react("ann", GARDEN, 5, "c")) is RefusalCode.LIMIT_REACHED
    assert isinstance(garden.react("bob", GARDEN, 5, "a"), Done)
    assert refused(garden.react("bob", GARDEN, 5, "b")) is RefusalCode.LIMIT_REACHED


# --- Replies --------------------------------------------------------------------------------------


def test_a_message_answers_another_one(garden: Rooms) -> None:
    reply = Post(id=1, nonce=garden.nonce(), room="garden", text="indeed", reply_to=5)

    assert garden.do("ann", reply) == Done(1, GARDEN, 7)
    assert garden.entries("garden")[-1] == (7, "ann", MessagePosted("indeed", reply_to=5))


@pytest.mark.parametrize("sequence", [1, 7, 99])
def test_only_messages_are_answered(garden: Rooms, sequence: int) -> None:
    reply = Post(id=1, nonce=garden.nonce(), room="garden", text="indeed", reply_to=sequence)

    assert refused(garden.do("ann", reply)) is RefusalCode.UNKNOWN_ENTRY


def test_who_has_come_late_answers_what_it_reads_in_the_history(garden: Rooms) -> None:
    garden.do("carl", JoinRoom(id=1, nonce=garden.nonce(), room="garden"))
    reply = Post(id=1, nonce=garden.nonce(), room="garden", text="indeed", reply_to=5)

    assert isinstance(garden.do("carl", reply), Done)


# --- Pins -----------------------------------------------------------------------------------------


def pinned(rooms: Rooms, user: str = "bob", room: str = "garden") -> list[Entry]:
    answer = server_messages.decode(rooms.ask(user, ListPins(id=1, room=room)))
    assert isinstance(answer, PinList)
    return answer.pins


def test_pinned_messages_are_listed_as_they_have_become_newest_pin_first(garden: Rooms) -> None:
    assert garden.pin("mod", "garden", 6) == Done(23, GARDEN, 7)
    garden.pin("ann", "garden", 5)
    garden.edit("bob", GARDEN, 5, "pink")

    assert garden.entries("garden")[6] == (7, "mod", MessagePinned(6))
    assert garden.core.rooms["garden"].pins == {6: 7, 5: 8}
    assert pinned(garden) == [garden.at(GARDEN, 5), garden.at(GARDEN, 6)]
    assert len(pinned(garden)) == 2
    garden.core = garden.loaded()
    assert [entry.sequence for entry in pinned(garden)] == [5, 6]


def test_what_is_pinned_is_pinned_once_and_unpinned_once(garden: Rooms) -> None:
    garden.pin("ann", "garden", 5)
    assert garden.pin("mod", "garden", 5) == Done(23, GARDEN, 0)
    assert garden.unpin("mod", "garden", 5) == Done(24, GARDEN, 8)
    assert garden.unpin("mod", "garden", 5) == Done(24, GARDEN, 0)

    assert garden.entries("garden")[7:] == [(8, "mod", MessageUnpinned(5))]
    assert pinned(garden) == []


def test_a_deleted_message_is_pinned_no_more(garden: Rooms) -> None:
    garden.pin("ann", "garden", 5)
    garden.delete("bob", GARDEN, 5)

    assert pinned(garden) == []
    assert garden.loaded().rooms["garden"].pins == {}


def test_a_room_has_only_so_many_pins_of_what_is_there(
    garden: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOM_PINS_MAX", 1)
    garden.pin("ann", "garden", 5)
    assert refused(garden.pin("ann", "garden", 6)) is RefusalCode.LIMIT_REACHED

    garden.remove("garden", 5)
    assert pinned(garden) == []
    assert isinstance(garden.pin("ann", "garden", 6), Done)
    assert garden.loaded().rooms["garden"].pins.keys() == {6}


def test_an_answer_with_pins_fits(garden: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    for sequence in (5, 6):
        garden.pin("ann", "garden", sequence)
    monkeypatch.setattr(limits, "ANSWER_BYTES_MAX", 80)

    assert [entry.sequence for entry in pinned(garden)] == [6]


def test_a_room_that_is_created_anew_has_no_pins(garden: Rooms) -> None:
    garden.pin("ann", "garden", 5)
    garden.close_room("ann", "garden")
    garden.create("bob", "garden")

    assert pinned(garden) == []
    assert garden.loaded().rooms == garden.core.rooms
