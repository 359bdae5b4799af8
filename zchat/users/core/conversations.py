"""Conversations with others: how far each is read, what is told of it, and how one begins."""

import base64
import hashlib
from collections.abc import Collection
from typing import Final, assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import MarkerMoved, OpenConversation, Typing
from zchat.protocol.messages import (
    MarkRead,
    RefusalCode,
    SayTyping,
    SetNotify,
    SoftCommand,
    Standing,
    StartConversation,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.names import canonical_name, printable
from zchat.protocol.rules.partitions import address_of_room
from zchat.service.core import refusals
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.directory import Directory
from zchat.users.core.model import DropConversation, SaveConversation, User

OPEN_CONVERSATION_KEY: Final = "open conversation "
"""Beginning of the key under which the room of a conversation is owed."""
# Longer than any client's: what the author has said to that service before may come after it.
OPEN_CONVERSATION_NONCE: Final = b"a conversation begins: "
_ROOM_PREFIX: Final = "talk-"
_ROOM_DIGITS: Final = 12


class Conversations:
    """`room_addresses` are those of all partitions, in their order."""

    def __init__(self, directory: Directory, room_addresses: Collection[str]) -> None:
        self.by_user: dict[str, dict[str, SaveConversation]] = {}
        """By user and other: only those of which the user has said anything."""
        self._directory = directory
        self._room_addresses = room_addresses
        self._new_ones = refusals.of_new_conversations()

    def restore(self, row: SaveConversation) -> None:
        """One that the store has."""
        self.by_user.setdefault(row.user, {})[row.other] = row

    # --- With one other ---------------------------------------------------------------------------

    def state(self, user: User, other: str) -> tuple[int, str]:
        """Up to where the user has read it, in the own inbox, and of what to be told aloud.

        What marks the whole inbox has read all conversations.
        """
        marker = user.marker or 0
        row = self.by_user.get(user.name, {}).get(other)
        return (max(row.marker, marker), row.notify) if row else (marker, "")

    def note(self, sender: Sender, command: SoftCommand, at_ms: int) -> Answer:
        """What concerns the user alone, or is over in a moment: no entry tells of it."""
        user = self._directory.acting(sender.user)
        log = command.log
        if log[0] != "@":
            raise Refusal(RefusalCode.UNKNOWN_LOG, f"{printable(log)} is no private conversation")
        other = canonical_name(log[1:])
        match command:
            case MarkRead(sequence=sequence, back=back):
                self._mark(user, other, sequence, at_ms, back=back)
            case SetNotify(level=level):
                self._set_notify(user, other, level, at_ms)
            case SayTyping():
                self._say_typing(user, other)
            case _:
                assert_never(command)
        return Answer(None, 0)

    def _mark(self, user: User, other: str, sequence: int, at_ms: int, *, back: bool) -> None:
        # Of somebody who is gone, too: what they have said can still be read.
        marker, notify = self.state(user, other)
        sequence = min(sequence, self._directory.timeline.heads[inbox_log(user.name)])
        if other != user.name:
            sequence = max(sequence, user.marker or 0)
            if sequence > marker or (back and sequence < marker):
                self._keep(SaveConversation(user.name, other, sequence, notify, at_ms))
                self._say_moved(user, other, back=sequence < marker)
        elif user.marker is None or sequence > user.marker:
            user.marker = sequence
            self._directory.save(user)
            self._say_moved(user, other)

    def _set_notify(self, user: User, other: str, level: str, at_ms: int) -> None:
        if other == user.name:
            reason = "your own notes are never told aloud; name somebody else"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        marker, notify = self.state(user, other)
        if level != notify:
            self._keep(SaveConversation(user.name, other, marker, level, at_ms))
            self._say_moved(user, other)

    def _keep(self, row: SaveConversation) -> None:
        kept = self.by_user.setdefault(row.user, {})
        if row.other not in kept and len(kept) >= limits.USER_CONVERSATIONS_MAX:
            oldest = min(kept.values(), key=lambda each: (each.changed_at_ms, each.other))
            self._drop(oldest)
        kept[row.other] = row
        self._directory.effects.rows.append(row)

    def _drop(self, row: SaveConversation) -> None:
        del self.by_user[row.user][row.other]
        self._directory.effects.rows.append(DropConversation(row.user, row.other))

    def _say_moved(self, user: User, other: str, *, back: bool = False) -> None:
        # The device that says it knows it.
        if len(user.sessions) > 1:
            marker, notify = self.state(user, other)
            moved = MarkerMoved(user.name, inbox_log(other), marker, notify, back)
            self._directory.effects.news.append(moved)

    def _say_typing(self, user: User, other: str) -> None:
        to = self._directory.named(other)
        if user.name in to.blocked:
            reason = f"{to.name} takes no private messages from you"
            raise Refusal(RefusalCode.BLOCKED, reason)
        if to is not user:
            self._directory.effects.news.append(Typing(inbox_log(to.name), user.name))

    def forget(self, user: User) -> None:
        """Of a deleted account nothing is kept."""
        for row in list(self.by_user.get(user.name, {}).values()):
            self._drop(row)
        self.by_user.pop(user.name, None)

    def rename(self, name: str, now: str) -> None:
        """What others have said of their conversation with `name`, who is called otherwise."""
        for rows in list(self.by_user.values()):
            if row := rows.get(name):
                self._drop(row)
                self._keep(row._replace(other=now))

    # --- With several -----------------------------------------------------------------------------

    def start(self, sender: Sender, command: StartConversation, now: float) -> Answer:
        """The room-service makes the room, and a guest who ends meanwhile leaves it after that."""
        directory = self._directory
        author = directory.acting(sender.user)
        others = {directory.named(name).name: None for name in command.users}
        others.pop(author.name, None)
        if not others:
            reason = "a conversation needs somebody besides you; name at least one other user"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        for name in others:
            if author.name in directory.users[name].blocked:
                reason = f"{name} wants to hear nothing from you; start it without {name}"
                raise Refusal(RefusalCode.BLOCKED, reason)
        if author.standing in (Standing.GUEST, Standing.ACCOUNT):
            self._new_ones.take(author.name, now)
        room = _room_name(author.name, command.nonce)
        nonce = OPEN_CONVERSATION_NONCE + command.nonce
        opening = OpenConversation(nonce, room, author.name, list(others), author.standing)
        address = address_of_room(room, len(self._room_addresses))
        directory.effects.owe(address, OPEN_CONVERSATION_KEY + room, opening)
        return Answer(room_log(room), 0)


def _room_name(author: str, nonce: bytes) -> str:
    """The same for the same command, and no other command's."""
    digest = hashlib.sha256(author.encode() + b"\0" + nonce).digest()
    return _ROOM_PREFIX + base64.b32encode(digest).decode().lower()[:_ROOM_DIGITS]
