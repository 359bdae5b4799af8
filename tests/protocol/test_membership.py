"""Who follows a log, as services tell it and clients understand it."""

import pytest

from zchat.protocol.messages import (
    Entry,
    EntryBody,
    MemberAdded,
    MemberBanned,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MessagePosted,
    RoomClosed,
    RoomCreated,
)
from zchat.protocol.rules.membership import EVERYONE, Change, change_by, ends_following


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (RoomCreated(), Change("bob", joined=True)),
        (MemberJoined(), Change("bob", joined=True)),
        (MemberAdded("ann"), Change("ann", joined=True)),
        (MemberLeft(), Change("bob", joined=False)),
        (MemberKicked("ann", ""), Change("ann", joined=False)),
        (MemberBanned("ann", "", None), Change("ann", joined=False)),
        (RoomClosed(""), Change(EVERYONE, joined=False)),
        (MessagePosted("bye"), None),
    ],
)
def test_what_an_entry_of_bobs_says_of_who_follows(
    body: EntryBody, expected: Change | None
) -> None:
    assert change_by("#den", "bob", body) == expected
    last_of = {
        name for name in ("ann", "bob") if ends_following(Entry("#den", 1, 0, "bob", body), name)
    }
    assert last_of == (
        set()
        if expected is None or expected.joined
        else {"ann", "bob"}
        if expected.user == EVERYONE
        else {expected.user}
    )


def test_nobody_is_put_out_of_the_lobby() -> None:
    banned = Entry("#lobby", 1, 0, "bob", MemberBanned("ann", "", None))
    assert not ends_following(banned, "ann")
