"""Private messages, each of which stands in both inboxes; and blocks, reports and invitations."""

from typing import NamedTuple, assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import TellInvited
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AddReaction,
    BlockUser,
    DeleteMessage,
    EditMessage,
    Entry,
    EntryBody,
    InvitedToRoom,
    MessageDeleted,
    MessageEdited,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    RefusalCode,
    RemoveReaction,
    ReportMessage,
    SendPrivate,
    UnblockUser,
    inbox_log,
)
from zchat.protocol.operators import RedactMessages
from zchat.protocol.rules.names import canonical_name, printable
from zchat.service.core import amending, operators, refusals
from zchat.service.core.effects import Refusal, Sender, visible_text
from zchat.users.core.directory import Directory
from zchat.users.core.model import DropBlock, SaveBlock, User


class _Copy(NamedTuple):
    """One of the two entries of a message; `thread` is the conversation, as its inbox calls it."""

    entry: Entry
    thread: str
    nonce: bytes | None
    """Of the command, with the sender's own copy only."""


class PrivateMessages:
    def __init__(self, directory: Directory, *, keeps_edits: bool) -> None:
        self._directory = directory
        self.keeps_edits = keeps_edits
        """Whether it is still known what edited messages have said before."""

    # --- Saying -----------------------------------------------------------------------------------

    def send(self, sender: Sender, command: SendPrivate, at_ms: int) -> Answer:
        directory = self._directory
        to, text = directory.named(command.to), visible_text(command.text)
        user = directory.acting(sender.user)
        author, reply_to, their_reply_to = user.name, command.reply_to, 0
        _check_not_blocked(author, to)
        if reply_to:
            their_reply_to = self._replied_to(user, to, reply_to)
        timeline, log, nonce = directory.timeline, inbox_log(author), command.nonce
        if to is user:
            note = PrivateMessageSent(author, text, reply_to, bot=sender.bot)
            return Answer(log, timeline.append(log, author, note, at_ms, nonce, thread=author))
        their_log = inbox_log(to.name)
        # Each says where the other one will stand.
        sequence, twin = timeline.heads[log] + 1, timeline.heads[their_log] + 1
        mine = PrivateMessageSent(to.name, text, reply_to, twin, sender.bot)
        theirs = PrivateMessageSent(to.name, text, their_reply_to, sequence, sender.bot)
        timeline.append(log, author, mine, at_ms, nonce, thread=to.name)
        timeline.append(their_log, author, theirs, at_ms, thread=author)
        return Answer(log, sequence)

    def _replied_to(self, user: User, to: User, sequence: int) -> int:
        """The message `sequence` of the user as it stands in the inbox of `to`; 0 if it does not.

        Raises `Refusal` if it is none of what these two have said to each other.
        """
        entry, other = self._message(user, sequence)
        if other != to.name:
            reason = f"message {sequence} is of your conversation with {other}; reply to it there"
            raise Refusal(RefusalCode.UNKNOWN_ENTRY, reason)
        twin = self._twin(entry, to)
        return twin.sequence if twin else 0

    # --- What becomes of it -----------------------------------------------------------------------

    def amend(
        self,
        sender: Sender,
        command: EditMessage | DeleteMessage | AddReaction | RemoveReaction,
        at_ms: int,
    ) -> Answer:
        """Whoever is blocked by the other may still take back what was said, but add nothing."""
        user = self._directory.acting(sender.user)
        self._directory.check_inbox(user, command.log)
        entry, name = self._message(user, command.sequence)
        other = self._directory.users.get(name)
        copies = [_Copy(entry, name, command.nonce)]
        if twin := self._twin(entry, other):
            copies.append(_Copy(twin, user.name, None))
        match command:
            case EditMessage(text=text):
                amending.check_own(entry, user.name, sender.since_ms)
                _check_not_blocked(user.name, other)
                return self._edit(copies, user.name, visible_text(text), at_ms)
            case DeleteMessage():
                amending.check_own(entry, user.name, sender.since_ms)
                return self._delete(copies, user.name, at_ms)
            case AddReaction(emoji=emoji):
                _check_not_blocked(user.name, other)
                clean = amending.clean_emoji(emoji)
                return self._react(copies, user.name, clean, at_ms, ReactionAdded)
            case RemoveReaction(emoji=emoji):
                return self._react(copies, user.name, emoji, at_ms, ReactionRemoved)
            case _:
                assert_never(command)

    def _edit(self, copies: list[_Copy], author: str, text: str, at_ms: int) -> Answer:
        timeline, answers = self._directory.timeline, list[Answer]()
        for copy in copies:
            entry = copy.entry
            if amending.says(entry, text):
                break
            if self.keeps_edits:
                self._directory.effects.edits.append(amending.kept_edit(entry, at_ms))
            said = self._say(copy, author, MessageEdited(entry.sequence, text), at_ms)
            amending.edit(timeline, entry, text, author, said.sequence)
            answers.append(said)
        return answers[0] if answers else Answer(copies[0].entry.log, 0)

    def _delete(self, copies: list[_Copy], author: str, at_ms: int) -> Answer:
        timeline, answers = self._directory.timeline, list[Answer]()
        for copy in copies:
            # They may have been kept, even if they are not any more.
            self._directory.effects.edits.append(amending.forgotten(copy.entry))
            amending.delete(timeline, copy.entry, author)
            answers.append(self._say(copy, author, MessageDeleted(copy.entry.sequence), at_ms))
        return answers[0]

    def redact(self, sender: Sender, command: RedactMessages, at_ms: int) -> Answer:
        """With each the same message in the other inbox, as far as it is there still.

        The log's head must be known.
        """
        timeline, effects = self._directory.timeline, self._directory.effects
        log = command.log
        gone = amending.messages(timeline, log, command.sequences)
        answer, nonce, reason = Answer(log, 0), command.nonce, printable(command.reason)
        for entry in gone:
            owner, body = entry.log[1:], entry.body
            # An import that was made by hand may have brought what was said in a room.
            is_private = isinstance(body, PrivateMessageSent)
            other = entry.author
            if isinstance(body, PrivateMessageSent) and other == owner:
                other = body.to
            # The command is known by the last one, which its answer names.
            copies = [_Copy(entry, other, nonce if entry is gone[-1] else None)]
            if is_private and (twin := self._twin(entry, self._directory.users.get(other))):
                copies.append(_Copy(twin, owner, None))
            for copy in copies:
                effects.edits.append(amending.forgotten(copy.entry))
                amending.delete(timeline, copy.entry, SYSTEM_AUTHOR)
                deleted = MessageDeleted(copy.entry.sequence, reason)
                said = self._say(copy, SYSTEM_AUTHOR, deleted, at_ms)
                if copy.entry is entry:
                    answer = said
        operators.audit_redacted(effects, sender, log, gone, reason, at_ms)
        return answer

    def _react(
        self,
        copies: list[_Copy],
        author: str,
        emoji: str,
        at_ms: int,
        kind: type[ReactionAdded | ReactionRemoved],
    ) -> Answer:
        """No entry tells of what is so already."""
        timeline, answers = self._directory.timeline, list[Answer]()
        change = amending.react if kind is ReactionAdded else amending.unreact
        for copy in copies:
            if not change(timeline, copy.entry, author, emoji):
                break
            answers.append(self._say(copy, author, kind(copy.entry.sequence, emoji), at_ms))
        return answers[0] if answers else Answer(copies[0].entry.log, 0)

    def _say(self, copy: _Copy, author: str, body: EntryBody, at_ms: int) -> Answer:
        log, timeline = copy.entry.log, self._directory.timeline
        return Answer(log, timeline.append(log, author, body, at_ms, copy.nonce, copy.thread))

    # --- Finding ----------------------------------------------------------------------------------

    def _message(self, user: User, sequence: int) -> tuple[Entry, str]:
        """The message in the user's inbox, and with whom the conversation is. Raises `Refusal`."""
        timeline, log = self._directory.timeline, inbox_log(user.name)
        entry = amending.message(timeline, log, sequence, user.inbox_floor)
        if not isinstance(entry.body, PrivateMessageSent):
            # Nothing but an import that was made by hand could have brought it here.
            raise Refusal(RefusalCode.UNKNOWN_ENTRY, f"{sequence} is no private message")
        return entry, entry.body.to if entry.author == user.name else entry.author

    def _twin(self, entry: Entry, other: User | None) -> Entry | None:
        """The same message in the inbox of the other, as far as that is still theirs.

        It may have been removed, and in an inbox that was imported another entry may stand there.
        """
        body = entry.body
        assert isinstance(body, PrivateMessageSent)
        if other is None or not other.present or body.twin <= other.inbox_floor:
            return None
        twin = self._directory.timeline.referred.get((inbox_log(other.name), body.twin))
        if twin is None or not isinstance(twin.body, PrivateMessageSent):
            return None
        is_same = twin.author == entry.author and twin.body.to == body.to
        return twin if is_same and twin.body.twin == entry.sequence else None


def _check_not_blocked(author: str, other: User | None) -> None:
    if other is not None and author in other.blocked:
        reason = f"{other.name} takes no private messages from you"
        raise Refusal(RefusalCode.BLOCKED, reason)


# --- What else an inbox takes in, and what not ----------------------------------------------------


class Inboxes:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._reports = refusals.of_reports()

    def tell_invited(self, command: TellInvited, at_ms: int) -> Answer:
        """Whoever wants to hear nothing of the inviter does not hear of that, either."""
        user = self._directory.users.get(command.user)
        if user is None or not user.present or command.author in user.blocked:
            return Answer(None, 0)
        log, body = inbox_log(user.name), InvitedToRoom(command.room)
        timeline = self._directory.timeline
        return Answer(log, timeline.append(log, command.author, body, at_ms, command.nonce))

    def report(self, sender: Sender, command: ReportMessage, now: float, at_ms: int) -> Answer:
        """Goes to the audit, where those look who can do something about it; without the text."""
        user = self._directory.acting(sender.user)
        self._directory.check_inbox(user, command.log)
        log = inbox_log(user.name)
        entry = self._directory.timeline.referred.get((log, command.sequence))
        if entry is None or command.sequence <= user.inbox_floor:
            reason = f"there is no entry {command.sequence} in your inbox"
            raise Refusal(RefusalCode.UNKNOWN_ENTRY, reason)
        self._reports.take(user.name, now)
        place = f"{log} {command.sequence}"
        self._directory.audit(sender, command, at_ms, entry.author, command.reason, place)
        return Answer(None, 0)

    # --- Blocks -----------------------------------------------------------------------------------

    def block(self, sender: Sender, command: BlockUser) -> Answer:
        """Anybody but oneself, be it a guest's name: that is blocked for all who come with it."""
        user, name = self._directory.acting(sender.user), canonical_name(command.user)
        if name == user.name:
            raise Refusal(RefusalCode.NOT_ALLOWED, "nobody can block themselves")
        if name not in self._directory.users:
            reason = f"there is no user {printable(command.user)}"
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        if name not in user.blocked:
            if len(user.blocked) >= limits.USER_BLOCKED_MAX:
                reason = f"you block {limits.USER_BLOCKED_MAX} users, which is the most"
                raise Refusal(RefusalCode.LIMIT_REACHED, reason)
            user.blocked |= {name}
            self._directory.effects.rows.append(SaveBlock(user.name, name))
        return Answer(None, 0)

    def unblock(self, sender: Sender, command: UnblockUser) -> Answer:
        user, name = self._directory.acting(sender.user), canonical_name(command.user)
        if name in user.blocked:
            self._unblock(user, name)
        return Answer(None, 0)

    def forget_blocks(self, user: User) -> None:
        for name in sorted(user.blocked):
            self._unblock(user, name)

    def forget_blocks_of(self, name: str) -> None:
        """Nobody has that name any more."""
        for user in self._directory.users.values():
            if name in user.blocked:
                self._unblock(user, name)

    def _unblock(self, user: User, name: str) -> None:
        user.blocked -= {name}
        self._directory.effects.rows.append(DropBlock(user.name, name))
