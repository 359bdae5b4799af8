"""What an operator removes of private messages goes in both inboxes."""

from committed import contradictions

from zchat.protocol.messages import (
    Done,
    MessageDeleted,
    PrivateMessageSent,
    Redacted,
    RefusalCode,
    Refused,
)
from zchat.protocol.operators import RedactMessages

from .playbook import Users


def test_both_halves_of_a_message_go_and_both_inboxes_say_so(users: Users) -> None:
    for name in ("ann", "bob"):
        users.account(name)
    users.send("bob", "ann", "buy now")
    users.send("ann", "bob", "no")
    users.send("bob", "bob", "a note")
    command = RedactMessages(1, users.nonce(), "@ann", [2, 3], "spam")
    assert users.as_admin(command) == Done(1, "@ann", 5)
    assert users.as_admin(command) == Done(1, "@ann", 5, again=True)

    assert [body for *_, body in users.inbox("ann")[1:]] == [
        Redacted("zchat", "ann"),
        Redacted("zchat", "bob"),
        MessageDeleted(2, "spam"),
        MessageDeleted(3, "spam"),
    ]
    assert [body for *_, body in users.inbox("bob")[1:]] == [
        Redacted("zchat", "ann"),
        Redacted("zchat", "bob"),
        PrivateMessageSent("bob", "a note"),
        MessageDeleted(2, "spam"),
        MessageDeleted(3, "spam"),
    ]
    assert contradictions(users.store) == []
    actions = [each for each in users.audited() if each[1] == "redact_messages"]
    assert [each[2:] for each in actions] == [("", "2 messages (bob 1, ann 1): spam")]


def test_the_inbox_of_a_guest_who_is_gone_goes_on_behind_it(users: Users) -> None:
    users.account("ann")
    users.come("eve")
    users.send("ann", "eve", "hello")
    users.quit()
    users.settle_all()
    assert "@eve" not in users.core.timeline.heads
    assert users.as_admin(RedactMessages(1, users.nonce(), "@eve", [1])) == Done(1, "@eve", 2)
    users.come("eve")
    assert users.core.users["eve"].inbox_floor == 2


def test_nobody_else_removes_what_others_have_said(users: Users) -> None:
    users.account("ann")
    users.come("ann", password="correct horse")
    reply = users.do(RedactMessages(1, users.nonce(), "@ann", [1]), "ann")
    assert isinstance(reply, Refused)
    assert reply.code is RefusalCode.NOT_ALLOWED
