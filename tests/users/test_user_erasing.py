"""Of an account that is erased the user-service knows nothing but that there was one."""

import pytest
from committed import contradictions

from zchat.eventlog.core.changes import Removal
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import (
    Done,
    History,
    MarkRead,
    PrivateMessageSent,
    ReadHistory,
    Redacted,
    RefusalCode,
    Refused,
    SearchMessages,
    SearchResults,
    Standing,
)
from zchat.protocol.operators import (
    EraseAccount,
    Erasure,
    FindMessages,
    ForgetName,
    MessagesFound,
    ReadErasure,
    RedactMessages,
    RemoveAccount,
    ReplaceName,
)

from .playbook import ADMIN, PASSWORD, Users, durable_state, opened, refused, token

NOW = "erased-7f3a"
_found, _histories, _results = Decoder(MessagesFound), Decoder(History), Decoder(SearchResults)
_erasures: Decoder[Erasure | Refused] = Decoder(Erasure | Refused)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of nonces has all of them at any time."""
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", 1)


@pytest.fixture
def lived(users: Users) -> Users:
    """Ann and bob have talked; bob is to be erased."""
    for name in ("ann", "bob"):
        users.account(name)
    users.come("ann", password=PASSWORD, n=1)
    users.come("bob", password=PASSWORD, n=2, address="192.0.2.7")
    users.send("bob", "ann", "from bob")
    users.send("ann", "bob", "from ann")
    users.edit("bob", 2, "from bob, edited")
    users.react("bob", 3, "+1")
    users.send("bob", "ann", "taken back")
    users.delete("bob", 6)
    users.block("ann", "bob")
    users.do(MarkRead(id=1, log="@bob", sequence=2), "ann", n=1)
    return users


def find(users: Users, *, named: bool) -> dict[str, list[int]]:
    query = FindMessages(["bob"], named=named)
    found = _found.decode(users.ask("", query, Standing.OPERATOR)).places
    found.pop("@bob", None)
    return found


def erasure(users: Users) -> Erasure | Refused:
    return _erasures.decode(users.ask("", ReadErasure("bob"), Standing.OPERATOR))


def begin(users: Users, pseudonym: str = NOW) -> None:
    command = EraseAccount(1, users.nonce(), "bob", pseudonym)
    assert users.as_admin(command) == Done(1)


def end(users: Users) -> None:
    """The gateways close the sessions, the rooms are told, and the inbox is emptied."""
    users.quit(n=2)
    users.settle_all()
    upto = users.core.timeline.heads["@bob"]
    users.store.commit([], [], [], [], removed=[Removal("@bob", upto)])


def finish(users: Users) -> None:
    finish_but_the_last(users)
    assert users.as_admin(ForgetName(1, users.nonce(), "bob", NOW)) == Done(1)


def finish_but_the_last(users: Users) -> None:
    for log, sequences in find(users, named=False).items():
        users.as_admin(RedactMessages(1, users.nonce(), log, sequences))
    for log, sequences in find(users, named=True).items():
        for each in sequences:
            thread = each == sequences[-1]
            users.as_admin(ReplaceName(1, users.nonce(), log, [each], "bob", NOW, thread))


def test_nothing_has_the_name_any_more(lived: Users) -> None:
    begin(lived)
    end(lived)
    assert isinstance(state := erasure(lived), Erasure)
    assert (state.pseudonym, state.over) == (NOW, True)
    finish(lived)
    assert find(lived, named=True) == {}
    assert isinstance(erasure(lived), Refused)
    assert "bob" not in lived.core.users
    assert lived.core.users["ann"].blocked == frozenset()
    assert lived.core.conversations.by_user["ann"].keys() == {NOW}
    assert not [pair for pair in lived.core.directory.sightings.by_pair if pair[0] == "bob"]
    connection = lived.store._connection
    names = ("users", "name"), ("entries", "author"), ("entries", "thread"), ("nonces", "author")
    places = *names, ("answers", "author"), ("sightings", "user"), ("blocks", "blocked")
    for table, column in (*places, ("conversations", "other")):
        rows = connection.exec_driver_sql(
            f'SELECT count(*) FROM {table} WHERE "{column}" = ?', ("bob",)
        )
        assert rows.scalar() == 0, table
    logs = connection.exec_driver_sql("SELECT count(*) FROM floors WHERE log = '@bob'")
    assert logs.scalar() == 0
    assert contradictions(lived.store) == []
    assert durable_state(lived.loaded()) == durable_state(lived.core)


def test_what_others_have_said_to_them_stays_in_its_conversation(lived: Users) -> None:
    begin(lived)
    end(lived)
    while lived.store.index_messages():
        pass
    finish(lived)
    while lived.store.index_messages():
        pass
    read = _histories.decode(lived.ask("ann", ReadHistory(id=1, log=f"@{NOW}", limit=50)))
    said = [(entry.author, entry.body) for entry in read.entries]
    assert said[0] == (NOW, Redacted("zchat", "ann"))
    assert said[1] == ("ann", PrivateMessageSent(NOW, "from ann", 0, 3))
    assert read.entries[1].reactions == {"+1": [NOW]}
    assert (NOW, Redacted(NOW, "ann")) in said
    for place in (None, f"@{NOW}"):
        found = _results.decode(lived.ask("ann", SearchMessages(id=1, text="from", log=place)))
        assert [entry.author for entry in found.entries] == ["ann"], place
    old = _results_or_refusal(lived)
    assert old is RefusalCode.UNKNOWN_USER
    assert contradictions(lived.store) == []


def _results_or_refusal(users: Users) -> RefusalCode:
    answer: Refused = Decoder(Refused).decode(
        users.ask("ann", ReadHistory(id=1, log="@bob", limit=50))
    )
    return answer.code


def test_it_goes_on_after_a_kill_with_the_same_pseudonym(lived: Users) -> None:
    begin(lived)
    lived.restart()
    begin(lived, "erased-0000")
    assert isinstance(state := erasure(lived), Erasure)
    assert state.pseudonym == NOW
    end_after_restart(lived)
    finish(lived)
    assert contradictions(lived.store) == []


def end_after_restart(users: Users) -> None:
    users.wait(100)
    users.settle_all()
    upto = users.core.timeline.heads["@bob"]
    users.store.commit([], [], [], [], removed=[Removal("@bob", upto)])


def test_it_is_not_over_before_all_rooms_know(lived: Users) -> None:
    begin(lived)
    assert isinstance(state := erasure(lived), Erasure)
    assert not state.over
    early = lived.as_admin(ForgetName(1, lived.nonce(), "bob", NOW))
    assert refused(early) is RefusalCode.NOT_ALLOWED
    lived.quit(n=2)
    assert isinstance(state := erasure(lived), Erasure)
    assert not state.over
    lived.restart()
    lived.settle_all()
    assert isinstance(state := erasure(lived), Erasure)
    assert state.over


def test_an_account_that_was_deleted_before_is_erased_as_well(lived: Users) -> None:
    lived.as_admin(RemoveAccount(1, lived.nonce(), "bob"))
    end(lived)
    begin(lived)
    finish(lived)
    assert contradictions(lived.store) == []


def test_the_name_is_free_and_the_pseudonym_is_not(lived: Users) -> None:
    begin(lived)
    end(lived)
    finish(lived)
    opened(lived.come("bob", client="another", n=5))
    assert lived.entries("bob") == []
    lived.send("ann", "bob", "hello, new one")
    assert [entry.sequence for entry in lived.entries("bob")] == [1]
    assert refused(lived.come(NOW, n=6, password="correct horse")) is RefusalCode.WRONG_PASSWORD
    assert contradictions(lived.store) == []
    assert lived.audited()[-1][:3] != ("admin/root", "forget_name", "bob")


def test_nobody_takes_the_pseudonym_while_it_can_be_read_already(lived: Users) -> None:
    begin(lived)
    end(lived)
    finish_but_the_last(lived)
    assert refused(lived.come(NOW, n=6)) is RefusalCode.INVALID_NAME
    assert lived.as_admin(ForgetName(1, lived.nonce(), "bob", NOW)) == Done(1)
    assert lived.core.users[NOW].deleted


def test_two_who_are_erased_in_one_beat_are_both_gone_from_what_names_both(lived: Users) -> None:
    sequence = next(entry.sequence for entry in lived.entries("ann") if entry.author == "bob")
    lived._prepare("", first := ReplaceName(1, lived.nonce(), "@ann", [sequence], "bob", NOW))
    second = ReplaceName(1, lived.nonce(), "@ann", [sequence], "ann", "erased-0000")
    for command in (first, second):
        lived.begin_another(command, "", ADMIN, 0, Standing.OPERATOR)
    lived.commit([])
    entry = next(entry for entry in lived.entries("ann") if entry.sequence == sequence)
    row = lived.store._connection.exec_driver_sql(
        "SELECT author, thread FROM entries WHERE log = '@ann' AND sequence = ?", (sequence,)
    ).one()
    assert (entry.author, *row) == (NOW, NOW, NOW)


def test_who_takes_the_name_in_the_same_beat_begins_anew(lived: Users) -> None:
    begin(lived)
    end(lived)
    finish_but_the_last(lived)
    lived.begin(OpenSession(1, "bob", token("other"), None), n=5)
    assert lived.commit([]) != [], "the name is taken still"
    lived._prepare("", opening := OpenSession(1, "bob", token("new"), None))
    lived.begin_another(ForgetName(1, lived.nonce(), "bob", NOW), "", ADMIN, 0, Standing.OPERATOR)
    lived.begin_another(opening, n=5)
    lived.commit([])
    lived.send("ann", "bob", "hello, new one")
    assert [entry.sequence for entry in lived.entries("bob")] == [1]
    assert contradictions(lived.store) == []


def test_a_pattern_that_makes_no_sense_is_refused(lived: Users) -> None:
    answer = lived.ask("", FindMessages(["b/*"]), Standing.OPERATOR)
    assert Decoder(Refused).decode(answer).code is RefusalCode.INVALID_NAME


def test_guests_and_nobody_are_not_erased(lived: Users) -> None:
    lived.come("eve", n=9)
    for name in ("eve", "nobody"):
        reply = lived.as_admin(EraseAccount(1, lived.nonce(), name, NOW))
        assert refused(reply) is RefusalCode.UNKNOWN_USER
    reply = lived.as_admin(EraseAccount(1, lived.nonce(), "bob", "ann"))
    assert refused(reply) is RefusalCode.NAME_IN_USE
    by_ann = lived.do(EraseAccount(1, lived.nonce(), "bob", NOW), "ann")
    assert refused(by_ann) is RefusalCode.NOT_ALLOWED
