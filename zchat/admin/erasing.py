"""`zchat-admin account erase`: an account goes, what it has said, and its name.

Each step changes nothing where it has been done, and says by what it finds how much is left. So
whatever is killed meanwhile, the same command goes on from there.
"""

import secrets
import time
from typing import Final

from zchat.admin.accounts import confirm, yes_option
from zchat.admin.answers import (
    REQUEST,
    admin_command,
    argument,
    as_json_option,
    counted,
    do,
    done_or_end,
    fresh_nonce,
    refuse,
    show,
)
from zchat.admin.asking import Enquiry, enquiry, orders
from zchat.admin.pages import ask_one, entries_of
from zchat.admin.redaction import Found, Numbered, find, remove
from zchat.protocol import limits
from zchat.protocol.cluster import USER_SERVICE
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Refused, inbox_log
from zchat.protocol.names import ERASED_PREFIX
from zchat.protocol.operators import (
    EraseAccount,
    Erasure,
    FindMessages,
    ForgetName,
    ReadErasure,
    ReplaceName,
)
from zchat.protocol.partitions import room_addresses, service_addresses
from zchat.settings import Settings

_erasures: Decoder[Erasure | Refused] = Decoder(Erasure | Refused)  # type: ignore[arg-type]

_PSEUDONYM_BYTES: Final = 4
_LOOK_AGAIN_S: Final = 0.5


def _erase(settings: Settings, name: str, yes: bool, as_json: bool) -> None:
    question = f"{name} and all that it has said cannot be brought back. Go on?"
    confirm(question, yes=yes)
    pseudonym = f"{ERASED_PREFIX}{secrets.token_hex(_PSEUDONYM_BYTES)}"
    begin = EraseAccount(REQUEST, fresh_nonce(), name, pseudonym)
    do(settings, USER_SERVICE, begin, as_json=as_json)
    with enquiry(settings) as asking:
        erasure = _ended(asking, name)
        _until_empty(asking, inbox_log(name))
    said = _without_inbox(find(settings, _services(settings), _query(erasure), [name]), name)
    remove(settings, said, "")
    named = _rename(settings, erasure)
    _forget(settings, erasure)
    messages, entries = said.authors.total(), named.authors.total()
    lines = [
        f"removed: {counted(messages, 'message')}",
        f"under the name {erasure.pseudonym} now: {counted(entries, 'entry', 'entries')}",
        f"{name} stands in the audit still, and all of it in older backups",
    ]
    value = {"done": True, "messages": messages, "entries": entries, "as": erasure.pseudonym}
    show(value, lines, as_json=as_json)


def _services(settings: Settings) -> list[str]:
    return service_addresses(settings.partitions)


def _query(erasure: Erasure) -> FindMessages:
    """What was said under the name before was said by somebody else."""
    return FindMessages([], erasure.since_ms)


def _ended(asking: Enquiry, name: str) -> Erasure:
    """Once all room-services know that the account is gone."""
    deadline = time.monotonic() + limits.SESSION_GRACE_S + limits.COMMAND_TIMEOUT_S
    while True:
        erasure = ask_one(asking, USER_SERVICE, ReadErasure(name), _erasures)
        if erasure.over:
            return erasure
        if time.monotonic() > deadline:
            refuse(f"{name} is still in rooms; is every service there? Say it again to go on")
        time.sleep(_LOOK_AGAIN_S)


def _until_empty(asking: Enquiry, log: str) -> None:
    """The inbox of a deleted account is emptied by and by."""
    while next(entries_of(asking, USER_SERVICE, log), None) is not None:
        time.sleep(_LOOK_AGAIN_S)


def _without_inbox(found: Found, name: str) -> Found:
    """The account's own has been emptied."""
    found.places.get(USER_SERVICE, {}).pop(inbox_log(name), None)
    return found


def _rename(settings: Settings, erasure: Erasure) -> Found:
    name, pseudonym = erasure.name, erasure.pseudonym
    query = FindMessages([], erasure.since_ms, named=True)
    found = _without_inbox(find(settings, _services(settings), query, [name]), name)
    numbered = Numbered()
    with orders(settings) as ordering:
        for address, logs in found.places.items():
            for log, sequences in logs.items():
                ends = range(0, len(sequences), limits.REDACTED_MESSAGES_MAX)
                batches = [sequences[at : at + limits.REDACTED_MESSAGES_MAX] for at in ends]
                for some in batches:
                    # A conversation is found by its messages, so it goes along with the last ones.
                    thread = address == USER_SERVICE and some is batches[-1]
                    command = ReplaceName(
                        *(REQUEST, numbered.next(), log, some, name, pseudonym), thread
                    )
                    done_or_end(ordering.give(address, command))
    return found


def _forget(settings: Settings, erasure: Erasure) -> None:
    """Last of all the user-service: as long as it knows the name, all of this can go on."""
    numbered = Numbered()
    with orders(settings) as ordering:
        for address in [*room_addresses(settings.partitions), USER_SERVICE]:
            command = ForgetName(REQUEST, numbered.next(), erasure.name, erasure.pseudonym)
            done_or_end(ordering.give(address, command))


ERASE = admin_command(
    "erase",
    _erase,
    "End the account NAME, remove all that it has said, and its name from what is left.",
    argument("name"),
    yes_option(),
    as_json_option(),
)
