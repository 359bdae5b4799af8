"""Accounts that are imported: as they were, once, with a new password."""

import pytest
from msgspec.structs import replace

from zchat.fabric.core.link import ReturnAddress
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import UserLog
from zchat.protocol.messages import (
    Done,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
    RefusalCode,
    Refused,
    Standing,
)
from zchat.protocol.operators import (
    AccountAnswer,
    AccountFacts,
    ImportedEntry,
    ImportedFacts,
    ImportEntries,
    ReadAccount,
    RedactMessages,
)
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.model import token_digest

from .playbook import PASSWORD, Users, opened, token

_accounts: Decoder[AccountAnswer] = Decoder(AccountAnswer)  # type: ignore[arg-type]

OPERATOR = Sender(ReturnAddress(b"admin/root#1", 1, 1), 0, "", Standing.OPERATOR)
COMMAND = ImportEntries(
    1,
    b"a file's digest..",
    0,
    "@ann",
    [
        ImportedEntry(5, "bob", PrivateMessageSent("ann", "psst"), "bob"),
        ImportedEntry(6, "ann", PrivateMessageSent("bob", "what?"), "bob"),
    ],
    ImportedFacts(3, password_hash="$secret"),
)


def imported(users: Users, sender: Sender = OPERATOR, command: ImportEntries = COMMAND) -> None:
    users.core.log_heads = users.store.heads(users.core.logs_of(command))
    users.core.handle(sender, command, users.now, users.at_ms)
    users.commit([])


def test_an_account_has_its_inbox_and_its_new_password(users: Users) -> None:
    imported(users)
    assert [(n, author) for n, author, _ in users.inbox("ann")] == [(1, "bob"), (2, "ann")]
    facts = _accounts.decode(users.ask("", ReadAccount("ann")))
    assert facts == AccountFacts("ann", False, 3, 3, 2, [], totp=False)
    assert users.core.users["ann"].password_hash == "$secret"
    users.restart()
    assert users.core.users["ann"].password_hash == "$secret"
    logs = opened(users.come("ann", password="secret")).logs.logs
    assert logs == [UserLog("@ann", 0, 2, 2)]


def test_what_was_said_in_a_room_and_imported_by_hand_can_be_removed(users: Users) -> None:
    entry = ImportedEntry(5, "bob", MessagePosted("buy now"), "bob")
    imported(users, command=replace(COMMAND, entries=[entry]))
    assert users.as_admin(RedactMessages(1, users.nonce(), "@ann", [1])) == Done(1, "@ann", 2)
    assert [body for *_, body in users.inbox("ann")] == [Redacted("zchat"), MessageDeleted(1)]


def test_a_name_that_is_taken_stays_as_it_is(users: Users) -> None:
    users.account("ann")
    with pytest.raises(Refusal, match="there is a user ann already"):
        imported(users)


def test_only_operators_may_import(users: Users) -> None:
    stranger = Sender(ReturnAddress(b"gateway/1#1", 1, 1), 1, "ann", Standing.OPERATOR)
    with pytest.raises(Refusal, match="only zchat-admin"):
        imported(users, stranger)


def test_of_nobody_there_are_no_facts(users: Users) -> None:
    refused = _accounts.decode(users.ask("", ReadAccount("nobody")))
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.UNKNOWN_USER


def test_the_facts_of_an_account_list_its_devices_without_their_secrets(users: Users) -> None:
    users.account("ann")
    users.come("ann", client="phone", password=PASSWORD, device="phone")
    body = users.ask("", ReadAccount("ann"))
    facts = _accounts.decode(body)
    assert isinstance(facts, AccountFacts)
    assert [(device.name, device.online) for device in facts.devices][-1] == ("phone", True)
    assert token_digest(token("phone")) not in body
    assert not facts.totp
