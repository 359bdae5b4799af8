"""Nobody new is called what could be mistaken for somebody else, or for the system."""

import pytest

from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import DeleteAccount, PrivateMessageSent, RefusalCode, Refused
from zchat.protocol.operators import ImportedEntry, ImportedFacts, ImportEntries
from zchat.protocol.rules.names import RESERVED_USERS

from .playbook import PASSWORD, Answer, Users, opened, refused, token

OWNER = "\u043ewner"
"""With a Cyrillic letter."""
ADDRESS = "192.0.2.7"


def reason(answer: Answer) -> str:
    assert isinstance(answer, Refused)
    return answer.reason


@pytest.mark.parametrize("name", sorted(RESERVED_USERS - {"zchat"}))
@pytest.mark.parametrize("register", [False, True])
def test_nobody_new_has_a_name_of_the_system(users: Users, name: str, register: bool) -> None:
    password = PASSWORD if register else None
    answer = users.come(name, password=password, register=register)
    assert refused(answer) is RefusalCode.INVALID_NAME
    assert users.core.users == {}
    assert users.jobs == []


def test_nobody_new_has_a_name_that_looks_like_the_systems_own(users: Users) -> None:
    answer = users.come("z\u0441hat")
    assert refused(answer) is RefusalCode.INVALID_NAME
    assert "mistaken for zchat" in reason(answer)


def test_who_has_a_name_of_the_system_from_before_keeps_it(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zchat.users.core.directory.RESERVED_USERS", frozenset())
    users.come("root")
    users.account("admin", n=2)
    monkeypatch.undo()

    opened(users.come("root", n=3))
    opened(users.come("admin", client="new", password=PASSWORD, n=4))


@pytest.mark.parametrize("register", [False, True])
def test_a_new_name_is_not_mistaken_for_another(users: Users, register: bool) -> None:
    users.come("owner")
    password = PASSWORD if register else None
    answer = users.come(OWNER, client="x", password=password, register=register, n=2)
    assert refused(answer) is RefusalCode.NAME_IN_USE
    assert "mistaken for owner" in reason(answer)
    assert users.online == {"owner"}
    assert users.jobs == []


def test_nor_ascii_for_what_is_beyond_it(users: Users) -> None:
    users.come(OWNER)
    assert refused(users.come("owner", n=2)) is RefusalCode.NAME_IN_USE
    opened(users.come("owner1", n=3))
    opened(users.come("ownerl", n=4))


def test_of_two_who_register_at_once_the_slower_is_refused(users: Users) -> None:
    names = ("owner", OWNER)
    users.begin(OpenSession(1, names[0], token("a"), PASSWORD, register=True), n=1)
    users.begin_another(OpenSession(2, names[1], token("b"), PASSWORD, register=True), n=2)
    assert users.commit([]) == []
    opened(users.finish_job())
    assert refused(users.finish_job()) is RefusalCode.NAME_IN_USE
    assert users.core.users.keys() == {"owner"}


def test_a_deleted_account_is_not_replaced_by_a_lookalike(users: Users) -> None:
    users.account("owner")
    users.come("owner", client="x", password=PASSWORD)
    users.do(DeleteAccount(id=1, nonce=users.nonce(), password=PASSWORD), "owner")
    users.quit()
    users.settle_all()
    assert refused(users.come(OWNER, n=2)) is RefusalCode.NAME_IN_USE


def test_a_name_is_free_again_when_the_guest_is_gone(users: Users) -> None:
    users.come("owner")
    users.quit()
    assert refused(users.come(OWNER, n=2)) is RefusalCode.NAME_IN_USE
    users.settle_all()
    opened(users.come(OWNER, n=2))
    assert refused(users.come("owner", n=3)) is RefusalCode.NAME_IN_USE


def test_it_is_known_after_a_restart(users: Users) -> None:
    users.account("owner")
    users.core = users.loaded()
    assert refused(users.come(OWNER)) is RefusalCode.NAME_IN_USE


def test_accounts_come_from_elsewhere_as_they_are_called(users: Users) -> None:
    users.account("owner")
    for name in (OWNER, "root"):
        entry = ImportedEntry(5, "bob", PrivateMessageSent(name, "psst"), "bob")
        facts = ImportedFacts(3, password_hash="hash")
        users.as_admin(
            ImportEntries(1, b"a file of @" + name.encode(), 0, f"@{name}", [entry], facts)
        )
        assert name in users.core.users
    assert refused(users.come("\u03bfwner", n=2)) is RefusalCode.NAME_IN_USE


def test_what_is_refused_for_its_name_is_no_newcomer(users: Users) -> None:
    users.come("owner", address=ADDRESS)
    for _ in range(200):
        assert refused(users.come(OWNER, n=2, address=ADDRESS)) is RefusalCode.NAME_IN_USE
    opened(users.come("bob", n=3, address=ADDRESS))
