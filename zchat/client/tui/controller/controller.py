"""Carries what the user does to the server, and what the server says to the book and the files.

It knows of no widget: what it tells the screen is in `Front`.
"""

import asyncio
import enum
import time
from collections.abc import Callable, Sequence
from typing import Final

from zchat.client.commands.actions import Ask, EnrolTotp, Mistake, Send
from zchat.client.commands.executor import Executor
from zchat.client.commands.table import parse
from zchat.client.core.checks import InvalidRequest, saying
from zchat.client.core.events import Answered, EntryArrived, Event, SessionBegun, State
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Delivery, Kind, Said
from zchat.client.sdk.chat import Chat
from zchat.client.storage.cache import FLUSH_ENTRIES, Cache
from zchat.client.storage.log_files import LogFiles
from zchat.client.text.renderer import Renderer
from zchat.client.tui.controller.intent import Command, InputGuard, Written, meant
from zchat.client.tui.controller.screen import Front
from zchat.client.tui.view.captions import label
from zchat.client.tui.view.completion import Roster
from zchat.client.tui.view.markup import emojied
from zchat.protocol import limits
from zchat.protocol.messages import (
    AddReaction,
    Answer,
    CloseRoom,
    CreateRoom,
    DeleteMessage,
    Done,
    EditList,
    EditMessage,
    Entry,
    JoinRoom,
    ListConversations,
    ListMembers,
    ListPins,
    ListRooms,
    ListUsers,
    MemberAdded,
    MemberJoined,
    MemberLeft,
    MemberList,
    Message,
    MessagePinned,
    MessageUnpinned,
    Notify,
    PinList,
    PinMessage,
    Post,
    PresenceChanged,
    ReadEdits,
    ReadHistory,
    Refused,
    RemoveReaction,
    Request,
    RoomList,
    SayTyping,
    SearchMessages,
    SendPrivate,
    SetNotify,
    StartConversation,
    UnpinMessage,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.permissions import Place

SLICE_S: Final = 0.006
"""Events are folded into the book for so long, and then keys and drawing have their turn: less than
a frame at 60 Hz."""
LEAVE: Final = ":lr"
"""Leaves a room; here the room may be left out, since one is open."""
_SILENT: Final = (
    *(ListRooms, ListUsers, ListMembers, ListPins, ListConversations, ReadHistory),
    *(SearchMessages, SayTyping),
)
"""Requests that the client makes by itself: a refusal is not shown, and quitting waits for none."""
TYPING_AGAIN_S: Final = limits.TYPING_S * 0.6
"""It is told again before the others forget it, also if that is a little late."""


class Outcome(enum.Enum):
    """What came of a text that was entered."""

    DONE = enum.auto()
    MISTAKE = enum.auto()
    """Nothing was done, and the user was told why: the text stays, to be corrected."""
    QUIT = enum.auto()


class AnswerNotes:
    """Shows what commands answer as notes on the screen; the `Executor` calls it."""

    def __init__(self, render: Renderer, note: Callable[[Sequence[str]], None]) -> None:
        self._render = render
        self.show = note

    def notice(self, text: str) -> None:
        self.show([self._render.notice(text)])

    def mistaken(self, reason: str) -> None:
        self.show([self._render.problem(reason)])

    refused = mistaken

    def answered(self, answer: Answer) -> None:
        if isinstance(answer, RoomList):
            self._render.learn(answer)
        self.show(self._render.answer(answer, round(time.time() * 1000)))

    def may_leave(self) -> bool:
        return True  # The screen asks by itself, also where no command says so.


class Controller:
    """Between the chat, the book, the files, and the screen."""

    def __init__(
        self,
        chat: Chat,
        book: Book,
        cache: Cache,
        executor: Executor,
        front: Front,
        log_files: LogFiles | None = None,
    ) -> None:
        self.chat = chat
        self.book = book
        self.executor = executor
        self.roster = Roster(book)
        self.guard = InputGuard()
        self._cache = cache
        self._front = front
        self._log_files = log_files
        self.rooms: RoomList | None = None
        self.members: dict[str, MemberList] = {}
        """By key of a room."""
        self.pins: dict[str, list[Entry]] = {}
        """By key of a room: newest pin first, as the server last said."""
        self._awaited: dict[int, str] = {}
        """By request: the key of what to open once it is done; empty where the answer names it."""
        self._edits_awaited: dict[int, Callable[[EditList], None]] = {}
        """By request: who gets the earlier versions of a message."""
        self._typing_sent_s: dict[str, float] = {}
        """By key: when the others were told last that the user is typing there."""
        self._members_are_old = False
        """Somebody came or went since the members of a room were asked for."""
        self._users_are_old = False
        """Who is online may differ from what is shown, since only some changes were told."""
        self._waiting: set[int] = set()
        """The user's own requests that are not answered: whoever quits is asked because of them."""
        self._unsent = set(book.unsent)
        """The messages that the cache keeps until they are confirmed."""

    # --- What happens ---------------------------------------------------------------------------

    async def follow(self, seen: Callable[[Event], None]) -> None:
        """Folds all events into the book, a slice at a time, until the session ends.

        Raises `RefusedError` if the server ends it.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async for event in self.chat.events():
            self._apply(event, loop.time())
            seen(event)
            self._front.wake()
            # An iterator that always has an event would never give the loop a turn by itself.
            if loop.time() - begun > SLICE_S:
                await asyncio.sleep(0)
                begun = loop.time()

    def _apply(self, event: Event, now: float) -> None:
        # The book first: all others look into it.
        self.book.apply(event, now)
        self.roster.hear(event)
        if self._log_files is not None:
            self._log_files.take(event)
        self._cache.take(event)
        # Otherwise it is written once a second; in a burst that would be one long pause.
        if self._cache.waiting >= FLUSH_ENTRIES:
            self.keep()
        match event:
            case SessionBegun():
                self.look_around()
            case Answered():
                self._answered(event)
            case EntryArrived(Entry(body=MemberAdded(user=user))) if user == self.book.me:
                # The name of a new group conversation is in the list of rooms only.
                self.send(ListRooms())
            case PresenceChanged() | EntryArrived(Entry(body=MemberJoined() | MemberLeft())):
                self._members_are_old = True
                if isinstance(event, PresenceChanged) and event.came_more + event.went_more:
                    # It names only some of those who came and went.
                    self._users_are_old = True
            case EntryArrived(Entry(log=log, body=MessagePinned() | MessageUnpinned())):
                # Of a room that was never open nobody wants to know; it is asked for then.
                if log in self.pins:
                    self.try_to(lambda: ListPins(room=log))
            case _:
                pass

    @property
    def unconfirmed(self) -> int:
        """The number of the user's requests that the server has not answered."""
        return len(self._waiting)

    def _answered(self, event: Answered) -> None:
        self._waiting.discard(event.id)
        show_edits = self._edits_awaited.pop(event.id, None)
        match event.answer:
            case RoomList() as rooms:
                self.rooms = rooms
            case MemberList() as members:
                self.members[room_log(members.room)] = members
            case PinList(room=room, pins=pins):
                self.pins[room_log(room)] = pins
            case EditList() as edits if show_edits is not None:
                show_edits(edits)
            case Refused(reason=reason):
                self._awaited.pop(event.id, None)
                self.guard.refused(event.id)
                if not isinstance(event.request, (*_SILENT, Post, SendPrivate)):
                    # A message that was refused says so itself, in the timeline.
                    self.complain(reason)
            case Done(log=log) if event.id in self._awaited:
                key = self._awaited.pop(event.id)
                self._front.opens(key or log or "", event.id)
                # The topic was set before the user came, so no entry that follows tells it.
                self.send(ListRooms())
            case _:
                pass

    def keep_at_top(self, conversation: Conversation) -> None:
        """Keeps it at the top of the list, or does so no longer."""
        conversation.pinned = not conversation.pinned
        self._cache.flush([conversation])

    def keep(self) -> None:
        """Writes to disk what has come since the last time."""
        confirmed = [said for said in self._unsent if said.delivery is Delivery.DONE]
        self._unsent.difference_update(confirmed)
        # The log files first: once the cache has the cursors, the server sends none of it again.
        if self._log_files is not None and not self._log_files.flush():
            self.complain(f"{self._log_files.trouble}.")
        self._cache.flush(self.book.take_touched(), [said.kept for said in confirmed])

    def complain(self, reason: str) -> None:
        self._front.note([f"! {reason}"])

    # --- What is asked --------------------------------------------------------------------------

    def send(self, draft: Request) -> int | None:
        """The id of the request; None, and the user is told, if it cannot even be queued."""
        try:
            request_id = self.chat.send(draft)
        except (QueueFull, LoggingOut) as error:
            self.complain(f"{error}.")
            return None
        if not isinstance(draft, _SILENT):
            self._waiting.add(request_id)
        return request_id

    def try_to(self, make: Callable[[], Request]) -> int | None:
        """Sends a request which may turn out to be invalid while it is made."""
        try:
            return self.send(make())
        except InvalidRequest as error:
            self.complain(f"{error}.")
            return None

    def look_around(self) -> None:
        """Asks which rooms, people and private conversations there are."""
        for draft in (ListRooms(), ListUsers(), ListConversations()):
            self.send(draft)

    def look_into(self, conversation: Conversation) -> None:
        """Asks for what is needed to show it."""
        if self.chat.state is State.ONLINE:
            if conversation.key[0] == "#":
                self.send(ListMembers(room=conversation.key))
                self.send(ListPins(room=conversation.key))
            else:
                # The header of a private conversation says whether the other is online.
                self._users_are_old = True
        if not conversation.items:
            self.load_older(conversation)

    def look_at_members(self, conversation: Conversation) -> None:
        """Asks for its members, if they may have changed since the last time."""
        if self._members_are_old and conversation.key[0] == "#":
            self._members_are_old = False
            self.send(ListMembers(room=conversation.key))

    def look_at_people(self) -> None:
        """Asks who is online, if what is known may be wrong."""
        if self._users_are_old and self.chat.state is State.ONLINE:
            self._users_are_old = False
            self.send(ListUsers())

    def load_older(self, conversation: Conversation) -> None:
        """Loads a page from the cache, or else asks the server for it."""
        request = self.book.ask_before(conversation.key)
        if request is None:
            return
        kept = None
        if request.before is not None:
            kept = self._cache.older(conversation.key, request.before, request.limit)
        if kept is None:
            self.send(request)
        else:
            self.book.loaded(conversation.key, kept, request.before)
            self._front.wake()

    def read(self, conversation: Conversation) -> None:
        """Marks all that is in it as read, on all devices of the user."""
        mark = self.book.read(conversation.key)
        if mark is not None:
            self.chat.mark_read(*mark)

    def mark_unread(self, conversation: Conversation, sequence: int) -> bool:
        """Marks it as unread from that message on; False if it was unread already."""
        mark = self.book.mark_unread(conversation.key, sequence)
        if mark is not None:
            self.chat.mark_read(*mark, back=True)
        return mark is not None

    # --- What is said ---------------------------------------------------------------------------

    def enter(self, text: str, conversation: Conversation, reply_to: int = 0) -> Outcome:
        """Sends the text to the conversation, or runs the command."""
        match meant(text):
            case Written(said):
                if doubt := self.guard.doubt(text, time.monotonic()):
                    again = self._front.hint("; {send} again says this in ")
                    self.complain(f"{doubt}{again}{label(conversation)}" if again else doubt)
                    return Outcome.MISTAKE
                done = self.say(conversation.key, emojied(said), reply_to)
                return Outcome.DONE if done else Outcome.MISTAKE
            case Command(line):
                if line == LEAVE and conversation.key[0] == "#":
                    # Without a name it means the room that is open.
                    line = f"{LEAVE} {conversation.key[1:]}"
                return self._command(line)

    def say(self, key: str, text: str, reply_to: int = 0) -> bool:
        """Sends a message, which is shown as pending at once; False if it cannot even be queued."""
        request_id = self.try_to(lambda: saying(key, text, reply_to))
        if request_id is None:
            return False
        at_ms = round(time.time() * 1000)
        said = self.book.pending(key, text, reply_to, request_id, at_ms)
        said.kept = self._cache.keep_unsent(key, text, reply_to, at_ms)
        # Without a number the cache has failed to keep it, and there is nothing to take away later.
        if said.kept:
            self._unsent.add(said)
        # For the others a message ends the typing, so the next word is told at once.
        self._typing_sent_s.pop(key, None)
        self._front.wake()
        return True

    def _command(self, line: str) -> Outcome:
        """Runs a command, of which the screen itself does some: those that say, open or close."""
        action = parse(line, self.roster.rooms.keys() | self.chat.rooms_followed)
        match action:
            case Send(Post(room=room, text=said)):
                return self._say_there(room_log(room), said)
            case Send(SendPrivate(to=to, text=said)):
                return self._say_there(inbox_log(to), said)
            case Send(JoinRoom(room=room) | CreateRoom(room=room) as request):
                self._send_and_open(request, room_log(room))
            case Send(StartConversation() as request):
                # The server chooses the name of its room, and the answer has it.
                self._send_and_open(request, "")
            case Send(CloseRoom(room=room) as request):
                asked = f"Close #{room} for everyone? Nobody will be in it any more."
                self._front.ask(asked, "closes it", lambda: self.send(request))
            case Mistake(text):
                self.complain(text)
                return Outcome.MISTAKE
            case _ if not self.executor.perform(action):
                return Outcome.QUIT
            case _ if self.executor.is_asking:
                self._front.begin_questions()
            case Ask() | EnrolTotp():
                # It asked nothing after all, but somebody who types fast has typed the answers.
                self.guard.secret_asked()
            case _:
                pass
        return Outcome.DONE

    def _say_there(self, key: str, text: str) -> Outcome:
        if not self.say(key, text):
            return Outcome.MISTAKE
        self._front.open_to_write(key)
        return Outcome.DONE

    def join(self, room: str) -> None:
        self._send_and_open(JoinRoom(room=room), room_log(room))

    def create(self, room: str) -> None:
        self._send_and_open(CreateRoom(room=room), room_log(room))

    def _send_and_open(self, request: Request, key: str) -> None:
        """Goes there once the request is done; an empty `key` is named by the answer."""
        request_id = self.send(request)
        if request_id is not None:
            self._awaited[request_id] = key
            self.guard.requested(request_id, key or "the conversation")

    def says_typing(self, conversation: Conversation) -> None:
        """Tells the others that the user is typing, unless they were told a moment ago."""
        now = asyncio.get_running_loop().time()
        key = conversation.key
        if (
            conversation.kind is not Kind.NOTICES
            and self.chat.state is State.ONLINE
            and now - self._typing_sent_s.get(key, -TYPING_AGAIN_S) >= TYPING_AGAIN_S
        ):
            self._typing_sent_s[key] = now
            self.send(SayTyping(log=key))

    def give_up(self, conversation: Conversation, said: Said) -> None:
        """Drops a message that could not be sent."""
        self.book.give_up(conversation.key, said)
        self._front.wake()

    def retry(self, conversation: Conversation, said: Said) -> None:
        """Sends again what could not be sent."""
        request_id = self.try_to(lambda: saying(conversation.key, said.text, said.reply_to))
        if request_id is not None:
            self.book.retry(conversation.key, said, request_id, round(time.time() * 1000))
            self._front.wake()

    def mute(self, conversation: Conversation) -> None:
        """Mutes it, or has it notify again: a room of mentions, a person of everything."""
        muted = conversation.notify == Notify.NOTHING
        level = Notify.MENTIONS if conversation.key[0] == "#" else Notify.ALL
        self.try_to(
            lambda: SetNotify(log=conversation.key, level=level if muted else Notify.NOTHING)
        )

    # --- What is done to a message that was sent ------------------------------------------------

    def _log_of(self, conversation: Conversation) -> str:
        """The log that numbers its messages: private ones are all in the inbox of the user."""
        return conversation.key if conversation.key[0] == "#" else inbox_log(self.book.me)

    def edit(self, conversation: Conversation, said: Said, text: str) -> bool:
        """Sends the new text; False if a message cannot have it."""
        log = self._log_of(conversation)
        draft = self.try_to(
            lambda: EditMessage(log=log, sequence=said.sequence, text=emojied(text))
        )
        return draft is not None

    def refusal(self, kind: type[Message], conversation: Conversation, said: Said) -> str:
        """Why the server would refuse that command for this message; empty if it may be tried."""
        key, is_own = conversation.key, self.book.is_own(said)
        if kind is EditMessage and not is_own:
            return "only your own messages can be edited"
        if kind is PinMessage and key[0] != "#":
            return "messages can be pinned in rooms only"
        if kind is DeleteMessage and not is_own:
            may = key[0] == "#" and self.book.rights.may_delete_of(said.author, key)
            told = "only moderators delete what others have said, if they rank higher"
            return "" if may else told
        if key[0] != "#" or self.book.rights.may(
            kind, key, conversation=conversation.kind is Kind.SEVERAL
        ):
            return ""
        if not conversation.joined:
            return "you are not in it"
        if self.book.rights.place(key) is Place.MUTED:
            return "you are muted here"
        return "only moderators may do that"

    def delete(self, conversation: Conversation, said: Said) -> None:
        log = self._log_of(conversation)
        self.try_to(lambda: DeleteMessage(log=log, sequence=said.sequence))

    def react(self, conversation: Conversation, said: Said, emoji: str) -> None:
        """Adds the user's reaction, or takes it back if it is there already."""
        log = self._log_of(conversation)
        again = self.book.me in said.reactions.get(emoji, ())
        kind = RemoveReaction if again else AddReaction
        self.try_to(lambda: kind(log=log, sequence=said.sequence, emoji=emoji))

    def pin(self, conversation: Conversation, said: Said) -> None:
        """Pins the message, or unpins it."""
        kind = UnpinMessage if self.is_pinned(conversation, said) else PinMessage
        self.try_to(lambda: kind(room=conversation.key, sequence=said.sequence))

    def is_pinned(self, conversation: Conversation, said: Said) -> bool:
        return any(pin.sequence == said.sequence for pin in self.pins.get(conversation.key, ()))

    def read_edits(
        self, conversation: Conversation, said: Said, show: Callable[[EditList], None]
    ) -> None:
        """`show` gets the earlier versions once they come."""
        log = self._log_of(conversation)
        request_id = self.try_to(lambda: ReadEdits(log=log, sequence=said.sequence))
        if request_id is not None:
            self._edits_awaited[request_id] = show
