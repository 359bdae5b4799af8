"""What is found in an inbox: the user's own private messages, each once."""

import pytest

from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    PrivateMessageSent,
    RefusalCode,
    Refused,
    SearchMessages,
    SearchResults,
)

from .playbook import PASSWORD, Users


@pytest.fixture(name="users")
def users_who_talk(users: Users) -> Users:
    for number, name in enumerate(("ann", "bob", "carl"), 1):
        users.account(name, n=number)
        users.come(name, password=PASSWORD, n=number)
    for author, to in (("ann", "bob"), ("bob", "ann"), ("carl", "bob"), ("carl", "ann")):
        users.now += 1
        users.send(author, to, f"beans of {author} for {to}")
    return users


def search(users: Users, user: str, log: str | None = None) -> list[str] | RefusalCode:
    answer = server_messages.decode(users.ask(user, SearchMessages(id=7, text="BEANS", log=log)))
    if isinstance(answer, Refused):
        assert answer.code is not None
        return answer.code
    assert isinstance(answer, SearchResults)
    assert (answer.id, answer.more, answer.complete) == (7, False, True)
    bodies = [entry.body for entry in answer.entries]
    return [body.text for body in bodies if isinstance(body, PrivateMessageSent)]


TO_BOB, TO_ANN = "beans of ann for bob", "beans of bob for ann"
CARL_TO_BOB, CARL_TO_ANN = "beans of carl for bob", "beans of carl for ann"


@pytest.mark.parametrize(
    ("user", "log", "found"),
    [
        ("ann", None, [CARL_TO_ANN, TO_ANN, TO_BOB]),
        ("bob", None, [CARL_TO_BOB, TO_ANN, TO_BOB]),
        ("carl", None, [CARL_TO_ANN, CARL_TO_BOB]),
        ("ann", "@Bob", [TO_ANN, TO_BOB]),
        ("ann", "@carl", [CARL_TO_ANN]),
        ("ann", "@ann", []),
        ("ann", "@nobody", RefusalCode.UNKNOWN_USER),
        ("ann", "@no name", RefusalCode.INVALID_NAME),
    ],
)
def test_only_the_users_own_messages_are_found(
    users: Users, user: str, log: str | None, found: list[str] | RefusalCode
) -> None:
    for _ in range(2):
        assert search(users, user, log) == found
        users.store.index_messages()


def test_a_guest_finds_nothing_of_who_had_the_name_before(users: Users) -> None:
    users.come("eve", n=8)
    users.send("ann", "eve", "beans for the first eve")
    assert search(users, "eve") == ["beans for the first eve"]
    users.quit(n=8)
    users.settle_all()
    assert search(users, "ann", "@eve") == ["beans for the first eve"]
    users.come("eve", client="another", n=9)
    for _ in range(2):
        assert search(users, "eve") == []
        users.store.index_messages()
