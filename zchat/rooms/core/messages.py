"""Messages of a room after they are posted: edits, deletions, reactions and pins."""

from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AddReaction,
    DeleteMessage,
    EditMessage,
    Entry,
    EntryBody,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessageUnpinned,
    PinMessage,
    ReactionAdded,
    ReactionRemoved,
    RefusalCode,
    RemoveReaction,
    UnpinMessage,
    room_log,
)
from zchat.protocol.operators import RedactMessages
from zchat.protocol.rules.names import printable
from zchat.rooms.core.mentions import forget_mentions
from zchat.rooms.core.model import Room
from zchat.rooms.core.moderation import Moderation
from zchat.rooms.core.permission import check_target, moderates
from zchat.rooms.core.state import RoomState
from zchat.service.core import amending, operators
from zchat.service.core.effects import Refusal, Sender, visible_text

MessageCommand = (
    EditMessage | DeleteMessage | AddReaction | RemoveReaction | PinMessage | UnpinMessage
)


class Messages:
    """Everything that a member can read in the history of the room, it can refer to."""

    def __init__(self, state: RoomState, moderation: Moderation, *, keeps_edits: bool) -> None:
        self._state = state
        self._moderation = moderation
        self.keeps_edits = keeps_edits
        """Whether it is still known what edited messages have said before."""

    def check_reply(self, room: Room, sequence: int) -> None:
        """Raises `Refusal` if there is no such message to answer."""
        self._message(room, sequence)

    def handle(self, sender: Sender, room: Room, command: MessageCommand, at_ms: int) -> Answer:
        match command:
            case EditMessage():
                return self._edit(sender, room, command, at_ms)
            case DeleteMessage():
                return self._delete(sender, room, command, at_ms)
            case AddReaction():
                body = self._react(sender.user, room, command)
            case RemoveReaction():
                body = self._unreact(sender.user, room, command)
            case PinMessage():
                body = self._pin(room, command.sequence)
            case UnpinMessage():
                body = self._unpin(room, command.sequence)
            case _:
                assert_never(command)
        if body is None:
            return Answer(room_log(room.name), 0)
        return self._state.append(room.name, sender.user, body, at_ms, command.nonce)

    def _message(self, room: Room, sequence: int) -> Entry:
        return amending.message(self._state.timeline, room_log(room.name), sequence, room.floor)

    def _edit(self, sender: Sender, room: Room, command: EditMessage, at_ms: int) -> Answer:
        state, entry = self._state, self._message(room, command.sequence)
        amending.check_own(entry, sender.user, sender.since_ms)
        self._moderation.check_speaking(room, sender.user)
        text = visible_text(command.text)
        if amending.says(entry, text):
            return Answer(entry.log, 0)
        if self.keeps_edits:
            state.effects.edits.append(amending.kept_edit(entry, at_ms))
        body = MessageEdited(entry.sequence, text)
        answer = state.append(room.name, sender.user, body, at_ms, command.nonce)
        amending.edit(state.timeline, entry, text, sender.user, answer.sequence)
        return answer

    def _delete(self, sender: Sender, room: Room, command: DeleteMessage, at_ms: int) -> Answer:
        state, entry = self._state, self._message(room, command.sequence)
        reason = ""
        if not amending.is_own(entry, sender.user, sender.since_ms):
            self._check_moderates(sender, room, entry, at_ms)
            reason = printable(command.reason)
            where = f"message {entry.sequence}"
            why = f"{where}: {reason}" if reason else where
            state.audit(sender, command, room, at_ms, entry.author, why)
        amending.delete(state.timeline, entry, sender.user or SYSTEM_AUTHOR)
        state.effects.edits.append(amending.forgotten(entry))
        state.unpin(room, entry.sequence)
        forget_mentions(state, room, {entry.sequence})
        body = MessageDeleted(entry.sequence, reason)
        return state.append(room.name, sender.user, body, at_ms, command.nonce)

    def redact(self, sender: Sender, command: RedactMessages, at_ms: int) -> Answer:
        """All at once; also what was said in an earlier room of the name, or in one that is closed.

        The log's head must be known.
        """
        state, log = self._state, command.log
        gone = amending.messages(state.timeline, log, command.sequences)
        room = state.rooms.get(log[1:])
        answer, nonce, reason = Answer(log, 0), command.nonce, printable(command.reason)
        for entry in gone:
            amending.delete(state.timeline, entry, SYSTEM_AUTHOR)
            state.effects.edits.append(amending.forgotten(entry))
            if room is not None:
                state.unpin(room, entry.sequence)
            body = MessageDeleted(entry.sequence, reason)
            # The last one has the nonce by which the command is known again: the answer names it.
            is_last = entry is gone[-1]
            answer = state.append(log[1:], "", body, at_ms, nonce if is_last else None)
        if room is not None:
            forget_mentions(state, room, {entry.sequence for entry in gone})
        operators.audit_redacted(state.effects, sender, log, gone, reason, at_ms)
        return answer

    def _check_moderates(self, sender: Sender, room: Room, entry: Entry, at_ms: int) -> None:
        """Raises `Refusal` unless the sender may delete what somebody else has written."""
        if not moderates(room, sender.standing, sender.user, at_ms):
            reason = "only who has written a message, or a moderator, may delete it"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        # Whoever had the sender's name before is not here, and has no place that could be higher.
        if entry.author != sender.user:
            check_target(DeleteMessage, sender.standing, sender.user, room, entry.author)

    def _react(self, user: str, room: Room, command: AddReaction) -> EntryBody | None:
        """None if it is so already; that holds of all that follow here."""
        entry, emoji = self._message(room, command.sequence), amending.clean_emoji(command.emoji)
        if not amending.react(self._state.timeline, entry, user, emoji):
            return None
        return ReactionAdded(entry.sequence, emoji)

    def _unreact(self, user: str, room: Room, command: RemoveReaction) -> EntryBody | None:
        entry, emoji = self._message(room, command.sequence), command.emoji
        if not amending.unreact(self._state.timeline, entry, user, emoji):
            return None
        return ReactionRemoved(entry.sequence, emoji)

    def _pin(self, room: Room, sequence: int) -> EntryBody | None:
        state = self._state
        self._message(room, sequence)
        if sequence in room.pins:
            return None
        there = set(state.pins(room))
        if len(there) >= limits.ROOM_PINS_MAX:
            reason = f"{room.name} has {limits.ROOM_PINS_MAX} pins, which is the most; unpin one"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        # Those that retention has removed since give up their places.
        for gone in room.pins.keys() - there:
            state.unpin(room, gone)
        # Pins are in the order of the entries that tell of them; this one's is the next.
        state.pin(room, sequence, state.head(room) + 1)
        return MessagePinned(sequence)

    def _unpin(self, room: Room, sequence: int) -> EntryBody | None:
        if sequence not in self._state.pins(room):
            return None
        self._state.unpin(room, sequence)
        return MessageUnpinned(sequence)
