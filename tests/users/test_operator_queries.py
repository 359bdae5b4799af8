"""What operators are told of users and their sessions."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import AnnounceSessions, SessionHere, UserQuery
from zchat.protocol.messages import RefusalCode, Refused, Standing
from zchat.protocol.operators import (
    AccountPage,
    ListAccounts,
    ListSessions,
    SessionInfo,
    SessionPage,
)
from zchat.users.core.model import User

from .playbook import PASSWORD, Users, token

Answer = AccountPage | SessionPage | Refused
_answers: Decoder[Answer] = Decoder(Answer)  # type: ignore[arg-type]


def ask(users: Users, query: UserQuery, user: str = "") -> Answer:
    return _answers.decode(users.ask(user, query))


def add(users: Users, name: str, *, guest: bool = False) -> User:
    secret = (None, None) if guest else ("a hash", 500)
    user = User(name, 400, 0, *secret)
    users.core.add_user(user, users.now)
    return user


@pytest.fixture(name="users")
def users_who_are_known(users: Users) -> Users:
    """ann and bob have accounts, eve is a guest; ann is here twice, and eve."""
    for number, user in enumerate([add(users, "ann"), add(users, "eve", guest=True)]):
        users.core.sessions.open(user, (b"gateway/west#1", number), b"x", users.at_ms - 1000)
    users.core.sessions.open(users.core.users["ann"], (b"gateway/east#1", 7), b"y", users.at_ms)
    add(users, "bob")
    return users


def test_a_session_says_from_where_it_is_and_on_which_device(users: Users) -> None:
    users.account("zoe", n=8)
    users.come("zoe", client="phone", password=PASSWORD, n=8, device="phone", address="192.0.2.7")
    answer = ask(users, ListSessions(pattern="zoe"))
    assert isinstance(answer, SessionPage)
    assert [(each.address, each.device) for each in answer.sessions] == [("192.0.2.7", "phone")]

    users.restart()
    here = SessionHere(8, "zoe", token("phone"), users.at_ms, users.at_ms, address="192.0.2.7")
    users.do(AnnounceSessions([here]))
    again = ask(users, ListSessions(pattern="zoe"))
    assert isinstance(again, SessionPage)
    assert [(each.address, each.device) for each in again.sessions] == [("192.0.2.7", "phone")]


def names(answer: Answer) -> list[str]:
    assert isinstance(answer, AccountPage)
    return [info.name for info in answer.accounts]


def test_all_users_are_listed_by_name(users: Users) -> None:
    answer = ask(users, ListAccounts())
    assert isinstance(answer, AccountPage)

    assert [(i.name, i.standing, i.online, i.registered_ms) for i in answer.accounts] == [
        ("ann", Standing.ACCOUNT, True, 500),
        ("bob", Standing.ACCOUNT, False, 500),
        ("eve", Standing.GUEST, True, None),
    ]
    assert {info.created_ms for info in answer.accounts} == {400}
    assert not answer.more


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ListAccounts(pattern="bob"), ["bob"]),
        (ListAccounts(pattern="?[vn]*"), ["ann", "eve"]),
        (ListAccounts(online=True), ["ann", "eve"]),
        (ListAccounts(guests=True), ["eve"]),
        (ListAccounts(after="ann"), ["bob", "eve"]),
        (ListAccounts(pattern="nobody"), []),
    ],
)
def test_only_those_who_are_asked_for_are_listed(
    users: Users, query: ListAccounts, found: list[str]
) -> None:
    assert names(ask(users, query)) == found


def test_a_page_ends_somewhere_and_the_next_one_goes_on(users: Users) -> None:
    many = [f"u{number:04}" for number in range(limits.LIST_PAGE_MAX + 10)]
    for name in reversed(many):
        add(users, name)
    first = ask(users, ListAccounts(pattern="u*"))
    second = ask(users, ListAccounts(names(first)[-1], "u*"))

    assert names(first) + names(second) == many
    assert isinstance(first, AccountPage)
    assert isinstance(second, AccountPage)
    assert (first.more, second.more) == (True, False)


def test_the_sessions_of_those_who_are_here_are_listed(users: Users) -> None:
    since_ms = users.at_ms - 1000

    assert ask(users, ListSessions()) == SessionPage(
        [
            SessionInfo("ann", "gateway/west", since_ms, 1000),
            SessionInfo("ann", "gateway/east", users.at_ms, 0),
            SessionInfo("eve", "gateway/west", since_ms, 1000),
        ],
        more=False,
    )
    assert ask(users, ListSessions(after="ann", pattern="*n*")) == SessionPage([], more=False)


def test_a_page_of_sessions_holds_all_of_a_user(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIST_PAGE_MAX", 1)
    page = ask(users, ListSessions())
    assert isinstance(page, SessionPage)

    assert [info.user for info in page.sessions] == ["ann", "ann"]
    assert page.more


@pytest.mark.parametrize("query", [ListAccounts(), ListSessions()])
def test_users_are_told_nothing(users: Users, query: UserQuery) -> None:
    answer = ask(users, query, "ann")

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.NOT_ALLOWED
