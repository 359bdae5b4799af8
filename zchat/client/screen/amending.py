"""What the person does to messages that stand already, said to the server; no widgets here."""

from collections.abc import Callable

from zchat.client import message_drafts
from zchat.client.conversations.book import Book
from zchat.client.conversations.model import Conversation, Kind, Said
from zchat.client.conversations.rights import Rights
from zchat.client.drafts import Request
from zchat.client.events import Answered, EntryArrived, Event
from zchat.client.screen.markup import emojied
from zchat.protocol.messages import (
    DeleteMessage,
    EditList,
    EditMessage,
    Entry,
    Message,
    MessagePinned,
    MessageUnpinned,
    PinList,
    PinMessage,
    inbox_log,
    room_log,
)
from zchat.protocol.permissions import Place


class Amending:
    def __init__(
        self,
        book: Book,
        try_to: Callable[[Callable[[], Request]], int | None],
        complain: Callable[[str], None],
    ) -> None:
        """`try_to` sends the draft that is made, or says why it cannot."""
        self._book = book
        self._try_to = try_to
        self._complain = complain
        self.pins: dict[str, list[Entry]] = {}
        """By room's key, newest pin first, as the server last said."""
        self.rights = Rights(book.me)
        self._edits: dict[int, Callable[[EditList], None]] = {}

    def hear(self, event: Event) -> None:
        self.rights.hear(event)
        match event:
            case EntryArrived(Entry(log=log, body=MessagePinned() | MessageUnpinned())):
                if log in self.pins:
                    self._try_to(lambda: message_drafts.pins(log))
            case Answered(id, answer=answer):
                show = self._edits.pop(id, None)
                match answer:
                    case PinList(room=room, pins=pins):
                        self.pins[room_log(room)] = pins
                    case EditList() if show is not None:
                        show(answer)
                    case _:
                        pass
            case _:
                pass

    def _log_of(self, conversation: Conversation) -> str:
        """The log in which its messages have their sequences."""
        return conversation.key if conversation.key[0] == "#" else inbox_log(self._book.me)

    def edit(self, conversation: Conversation, said: Said, text: str) -> bool:
        """False if it cannot say that."""
        log = self._log_of(conversation)
        draft = self._try_to(lambda: message_drafts.edit(log, said.sequence, emojied(text)))
        return draft is not None

    def refusal(self, kind: type[Message], conversation: Conversation, said: Said) -> str:
        """Why the server will not have the message changed so; empty if it may be tried."""
        key, is_own = conversation.key, self._book.is_own(said)
        if kind is EditMessage and not is_own:
            return "only your own messages can be edited"
        if kind is PinMessage and key[0] != "#":
            return "only in rooms messages can be pinned"
        if kind is DeleteMessage and not is_own:
            may = key[0] == "#" and self.rights.may_delete_of(said.author, key)
            return "" if may else "only moderators delete what others have said, of lower ones"
        if key[0] != "#" or self.rights.may(
            kind, key, conversation=conversation.kind is Kind.SEVERAL
        ):
            return ""
        if not conversation.joined:
            return "you are not in it"
        if self.rights.place(key) is Place.MUTED:
            return "you are muted here"
        return "only moderators may do that"

    def delete(self, conversation: Conversation, said: Said) -> None:
        log = self._log_of(conversation)
        self._try_to(lambda: message_drafts.delete(log, said.sequence))

    def react(self, conversation: Conversation, said: Said, emoji: str) -> None:
        """Takes it back if it is there already."""
        log = self._log_of(conversation)
        again = self._book.me in said.reactions.get(emoji, ())
        draft = message_drafts.unreact if again else message_drafts.react
        self._try_to(lambda: draft(log, said.sequence, emoji))

    def pin(self, conversation: Conversation, said: Said) -> None:
        """And the other way round."""
        draft = message_drafts.unpin if self.is_pinned(conversation, said) else message_drafts.pin
        self._try_to(lambda: draft(conversation.key, said.sequence))

    def is_pinned(self, conversation: Conversation, said: Said) -> bool:
        return any(pin.sequence == said.sequence for pin in self.pins.get(conversation.key, ()))

    def read_edits(
        self, conversation: Conversation, said: Said, show: Callable[[EditList], None]
    ) -> None:
        """`show` gets what it has said before."""
        log = self._log_of(conversation)
        request_id = self._try_to(lambda: message_drafts.edits(log, said.sequence))
        if request_id is not None:
            self._edits[request_id] = show
