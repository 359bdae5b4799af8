"""What only the operator at the console says to the services, through `zchat-admin`.

No client can say any of it: it is in none of the unions of `zchat/protocol/messages/`, which are
what a gateway decodes.
"""

from typing import Annotated, Final

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages import (
    DeviceInfo,
    Digest,
    EntryBody,
    LogName,
    Message,
    Milliseconds,
    Name,
    Nonce,
    Reason,
    Refused,
    Sequence,
    Standing,
    TargetText,
)

# --- Everyone and everything that there is --------------------------------------------------------
# In pages by name; the next page is asked for with the last name of this one.

MaybeName = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]
"""A name, or nothing. In a `pattern` also one with `*` and `?`, which stand for anything."""


class ListAccounts(Message, frozen=True):
    """Users whose name fits `pattern`, from the one after `after` on: an `AccountPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""
    online: bool = False
    guests: bool = False


class ListAllRooms(Message, frozen=True):
    """Every room, also those that are not shown to others. Answered with `RoomPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""


class ListSessions(Message, frozen=True):
    """The connections of users, by the users' names. Answered with `SessionPage`."""

    after: MaybeName = ""
    pattern: MaybeName = ""


class ListSightings(Message, frozen=True):
    """Which names came from which addresses lately: of `who`, be it names or addresses.

    By name and address, from those after `after` and `after_address` on: a `SightingPage`.
    """

    who: TargetText = ""
    after: MaybeName = ""
    after_address: str = ""


class AccountInfo(Message, frozen=True):
    """`registered_ms` is None for a guest, `until_ms` for a suspension without an end."""

    name: str
    standing: Standing
    online: bool
    created_ms: int
    registered_ms: int | None
    suspended: bool = False
    until_ms: int | None = None
    reason: str = ""
    devices: int = 0
    totp: bool = False


class AccountPage(Message, frozen=True):
    """`more` says that there are others after the last one."""

    accounts: list[AccountInfo]
    more: bool


class RoomDetails(Message, frozen=True):
    """`members` is None for the lobby; `sequence` is that of the newest entry."""

    room: str
    members: int | None
    owner: str
    created_ms: int
    sequence: int
    private: bool = False
    keyed: bool = False
    topic: str = ""


class RoomPage(Message, frozen=True):
    rooms: list[RoomDetails]
    more: bool


class SessionInfo(Message, frozen=True):
    """`address` is that of the client, empty if it is not known; `device` its name, if it has one.

    `idle_ms` is the time since it last sent anything but pings.
    """

    user: str
    gateway: str
    since_ms: int
    idle_ms: int
    address: str = ""
    device: str = ""


class SessionPage(Message, frozen=True):
    """All sessions of each user in it."""

    sessions: list[SessionInfo]
    more: bool


class SightingInfo(Message, frozen=True):
    """`user` was connected from `address`, then for the first and then for the last time.

    `connected` says that it is now; then `last_ms` is when it was last active.
    """

    user: str
    address: str
    first_ms: int
    last_ms: int
    connected: bool = False


class SightingPage(Message, frozen=True):
    sightings: list[SightingInfo]
    more: bool


# --- How long entries are kept --------------------------------------------------------------------


class SetRetention(Message, frozen=True):
    """From now on the entries of `log` go when they are `keep_s` old; never if that is 0.

    `#` stands for all rooms, `@` for all inboxes that have no policy of their own; with None the
    log has none. Only for operators.
    """

    id: int
    log: str
    keep_s: Sequence | None


class CountExpired(Message, frozen=True):
    """What would go if entries of `log` were kept for `keep_s`: `ExpiredCounts`.

    `log` is as in `SetRetention`. Only the logs whose names come after `after` are looked at.
    """

    log: str
    keep_s: Sequence
    after: str = ""


class ExpiredCounts(Message, frozen=True):
    """By log how many entries would go; `next` is where the next page begins."""

    counts: dict[str, int]
    next: str | None


class ListKept(Message, frozen=True):
    """How long entries are kept. Answered with `KeptLogs`."""


class LogKept(Message, frozen=True):
    log: str
    keep_s: int


class KeptLogs(Message, frozen=True):
    """Where it was said how long entries are kept; of all others they are kept for ever."""

    logs: list[LogKept]


# --- What is removed ------------------------------------------------------------------------------


class FindMessages(Message, frozen=True):
    """Messages of any of `authors` from `since_ms` on, and before `until_ms`: `MessagesFound`.

    An author may have `*` and `?` for anything. In `log`, or in all of the service; from the one
    after the entry `after` of the log `after_log` on. With `frames` as they are now, otherwise only
    where they stand.
    """

    authors: Annotated[list[TargetText], Meta(max_length=limits.FOUND_AUTHORS_MAX)]
    since_ms: Milliseconds = 0
    until_ms: Milliseconds = limits.INTEGER_MAX
    log: str = ""
    after_log: str = ""
    after: Sequence = 0
    frames: bool = False
    named: bool = False
    """Every entry that names one of the authors, whatever it says, and whoever says it."""


class MessagesFound(Message, frozen=True):
    """By log where they stand, and by author how many they are.

    Without `more` that is all; otherwise the next ones come after `after` of `after_log`.
    """

    places: dict[str, list[int]]
    authors: dict[str, int]
    more: bool
    after_log: str = ""
    after: int = 0
    frames: bytes = b""


class RedactMessages(Message, frozen=True):
    """Removes what these messages of a log say, as `DeleteMessage` does. Only for operators.

    Those that are gone already, and what is no message, are passed over. Answered with the last
    entry that tells of it; with sequence 0 if there was nothing to remove.
    """

    id: int
    nonce: Nonce
    log: LogName
    sequences: Annotated[
        list[Sequence], Meta(min_length=1, max_length=limits.REDACTED_MESSAGES_MAX)
    ]
    reason: Reason = ""


# --- What is done to accounts ---------------------------------------------------------------------


class ResetPassword(Message, frozen=True):
    """Whoever has the code may log in with it, and a new password, once and until then.

    `digest` is that of the code; it takes the place of an earlier one. With `shut_out` all sessions
    end now, all devices are forgotten, and the old password is worth nothing. Only for operators.
    """

    id: int
    nonce: Nonce
    user: Name
    digest: Digest
    expires_ms: Milliseconds
    shut_out: bool = False


class ResetTotp(Message, frozen=True):
    """The password of the account needs no one-time code any more. Only for operators."""

    id: int
    nonce: Nonce
    user: Name


class RemoveAccount(Message, frozen=True):
    """What `DeleteAccount` does, without the password. Only for operators."""

    id: int
    nonce: Nonce
    user: Name
    reason: Reason = ""


class EraseAccount(Message, frozen=True):
    """The account ends, as by `RemoveAccount`, and is to be called `pseudonym` from now on.

    An account that was deleted before can be erased as well; for one that is being erased already
    it changes nothing. Only for operators.
    """

    id: int
    nonce: Nonce
    user: Name
    pseudonym: Name


class ReadErasure(Message, frozen=True):
    """How far the end of an account has come that is to be erased: `Erasure`, or `Refused`."""

    name: str


class Erasure(Message, frozen=True):
    """What was said from `since_ms` on is the account's.

    `over` says that nothing of it is on its way any more: all room-services know that it is gone.
    """

    name: str
    pseudonym: str
    since_ms: int
    over: bool


class ReplaceName(Message, frozen=True):
    """In these entries of a log the pseudonym stands where the name did. Only for operators.

    With `thread` the conversation that an inbox had with that user has the new name as well, in the
    same commit, with all in it that is no message. It is given with the last of its messages.
    """

    id: int
    nonce: Nonce
    log: LogName
    sequences: Annotated[list[Sequence], Meta(max_length=limits.REDACTED_MESSAGES_MAX)]
    name: Name
    pseudonym: Name
    thread: bool = False


class ForgetName(Message, frozen=True):
    """The last step: what a service keeps of the name beside its entries goes. For operators."""

    id: int
    nonce: Nonce
    name: Name
    pseudonym: Name


# --- Settings that change while the cluster runs --------------------------------------------------

SettingName = Annotated[str, Meta(max_length=limits.NAME_CHARS_MAX)]
SettingValue = Annotated[str, Meta(max_length=limits.SETTING_CHARS_MAX)]


class ChangeSetting(Message, frozen=True):
    """From now on the setting has this value in all processes, whatever they were started with.

    With None it is again what each was started with. Only for operators; the user-service keeps it.
    """

    id: int
    name: SettingName
    value: SettingValue | None


class SettingChange(Message, frozen=True):
    """What a setting was changed to, by whom and when. `by` is as in the audit."""

    name: SettingName
    value: SettingValue
    by: str
    at_ms: Milliseconds


class ChangedSettings(Message, frozen=True):
    """All settings that are changed, by their names."""

    changes: list[SettingChange]


# --- What is exported and imported ----------------------------------------------------------------


class ReadAccount(Message, frozen=True):
    """What is known of an account, but for its secrets: `AccountFacts`, or `Refused`."""

    name: str


class AccountFacts(Message, frozen=True):
    name: str
    guest: bool
    created_at_ms: int
    registered_at_ms: int | None
    marker: int | None
    devices: list[DeviceInfo]
    totp: bool


AccountAnswer = AccountFacts | Refused


class ImportedEntry(Message, frozen=True):
    """`thread` is the other party of a private message."""

    at_ms: Milliseconds
    author: str
    body: EntryBody
    thread: str | None = None


class ImportedFacts(Message, frozen=True):
    """What a room or account is made of, beside its log."""

    created_at_ms: Milliseconds
    topic: str = ""
    password_hash: str = ""


IMPORT_NONCE: Final = b"imported entry: "
"""Beginning of the nonces of imported entries: the memberships that they tell of are over."""


class ImportEntries(Message, frozen=True):
    """Adds entries of another log, each as old as it was and by whom it was, to the log `log`.

    `nonce` is that of the whole import, whose entries are numbered from `start` on. The first ones
    have `facts`, and make the room or account, whose name must be free. Only for operators.
    """

    id: int
    nonce: bytes
    start: Sequence
    log: LogName
    entries: Annotated[list[ImportedEntry], Meta(max_length=limits.IMPORTED_ENTRIES_MAX)]
    facts: ImportedFacts | None = None

    def nonce_of(self, index: int) -> bytes:
        """Of one of the entries; longer than any client's, so that it is no client's."""
        return IMPORT_NONCE + self.nonce + (self.start + index).to_bytes(8, "big")
