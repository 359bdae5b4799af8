"""Where the user is: the open conversation, searches and jumps to messages, and the way out."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from zchat.client.core.checks import InvalidRequest
from zchat.client.core.events import Answered, Event, SessionBegun
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.client.model.conversation import Conversation, Kind, Said
from zchat.client.storage.cache import Cache
from zchat.client.text.entries import rooms_lost
from zchat.client.tui.controller.composing import Composing
from zchat.client.tui.controller.controller import Controller
from zchat.client.tui.controller.screen import Screen
from zchat.client.tui.notifications import Notifications
from zchat.client.tui.view import captions, choices
from zchat.client.tui.view.layout import Calendar
from zchat.client.tui.view.status import GOES
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.dialogs import Confirm, Picker
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol.messages import (
    LOBBY,
    LogStateChanged,
    Refused,
    Request,
    SearchMessages,
    SearchResults,
    room_log,
)
from zchat.protocol.rules.search_paging import Found

SEARCH_DELAY_S: Final = 0.25
"""A search is sent once nothing was typed for so long: not one for each letter, since a search is
among what costs the server most."""
SEARCHED: Final = "searches for messages that have all of these words"
NO_PINS: Final = "nothing is pinned here; p pins the selected message"
LEFT_AT: Final = "left-at"
LOBBY_KEY: Final = room_log(LOBBY)


class Navigation:
    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        composing: Composing,
        notifications: Notifications,
        cache: Cache,
        calendar: Calendar,
        composer: Composer,
        timeline: Timeline,
        notes: Notes,
    ) -> None:
        self._screen = screen
        self._controller = controller
        self._book = controller.book
        self._composing = composing
        self._notifications = notifications
        self._cache = cache
        self._calendar = calendar
        self._composer = composer
        self._timeline = timeline
        self._notes = notes
        self._search = Search(controller.chat.send)
        self._search_picker: Picker | None = None
        self._search_timer: asyncio.TimerHandle | None = None
        self._jump_to = 0
        """The message to go to once it is loaded; 0 for none."""
        self._to_first_unread = False
        """Whether to go to the first unread message, once all that is unread is loaded."""
        self._left_unread = ""
        """The key of the open conversation, if it is to stay unread until the user comes back."""
        self._leaving: Confirm | None = None

    @property
    def conversation(self) -> Conversation | None:
        return self._composing.conversation

    @property
    def looked_at(self) -> str:
        """The key of the conversation whose newest messages the user sees; empty for none."""
        view = self._timeline.view
        sees_newest = self._screen.has_attention and view is not None and view.at_end
        return self._book.looking_at if sees_newest else ""

    def hear(self, event: Event) -> None:
        """What an event changes here, once the book has it."""
        if isinstance(event, SessionBegun) and self.conversation is not None:
            self._controller.look_into(self.conversation)
        if isinstance(event, LogStateChanged) and event.back:
            self._leave_unread(event.log)
        if isinstance(event, Answered):
            self._search.answered(event)
        self._show_found()

    def keep_up(self) -> None:
        """Marks as read what is seen, and loads what will be seen soon."""
        conversation, view = self.conversation, self._timeline.view
        if conversation is None or view is None:
            return
        is_read = self.looked_at and self.looked_at != self._left_unread
        if is_read and self._screen.is_uncovered:
            self._controller.read(conversation)
        if self._jump_on() or self._go_on_to_first_unread():
            return
        if self._timeline.wants_older:
            self._controller.load_older(conversation)

    def back(self) -> bool:
        """Leaves what is open or begun, one thing with each Escape; False if there was nothing."""
        if self._notes.display:
            self._notes.hide()
        elif self._composing.leave():
            pass
        elif self._timeline.view is not None and not self._timeline.view.at_end:
            self._timeline.action_newest()
        else:
            return False
        return True

    def quit(self) -> None:
        """Quits, and asks first if something would be lost; quitting once more is an answer,
        too."""
        controller = self._controller
        again = self._leaving is not None and self._leaving.is_current
        # A group conversation counts as nobody's own, whoever has begun it.
        rooms = {each.key for each in self.listed() if each.kind is Kind.ROOM}
        owned = [log for log in controller.book.rights.owned if log in rooms]
        lost = captions.lost(
            controller.unconfirmed, self.listed(), rooms_lost(owned), guest=controller.chat.guest
        )
        if controller.chat.is_over or again or not lost:
            self._screen.leave_at_once()
            return
        self._leaving = Confirm(lost, "quits all the same", self._composing.go_on)
        self._screen.show_dialog(self._leaving, self._quit_if)

    def _quit_if(self, yes: bool | None) -> None:
        if yes:
            self._screen.leave_at_once()

    # --- To a conversation ----------------------------------------------------------------------

    def open(self, key: str) -> None:
        self._composing.keep_draft()
        conversation = self._book.open(key)
        self._book.looking_at = key
        self._notifications.forget(key)
        self._controller.guard.arrived(key)
        self._notes.go_on()
        # A jump that still waits for pages was in the conversation before.
        self._jump_to = 0
        self._to_first_unread = False
        self._left_unread = ""
        self._cache.keep_setting(LEFT_AT, key)
        self._timeline.open(conversation)
        self._composing.move_to(conversation)
        self._controller.look_into(conversation)
        self.keep_up()
        self._screen.show_around()

    def open_to_write(self, key: str) -> None:
        self.open(key)
        self._screen.focus_on(self._composer)

    def open_last(self) -> None:
        """Opens what was open the last time, or the lobby."""
        key = self._book.looking_at or self._cache.settings().get(LEFT_AT, "")
        self.open_to_write(key if key in self._book.conversations else LOBBY_KEY)

    def opens(self, key: str, request: int) -> None:
        """The server has opened a conversation for that request."""
        key_for_it = self._screen.hint(GOES)
        goes = self._controller.guard.opened(request, key, time.monotonic(), key_for_it)
        if goes and self._screen.is_uncovered:
            self.open_to_write(key)
        else:
            self._controller.guard.waiting = key

    def go_to_opened(self) -> None:
        if key := self._controller.guard.waiting:
            self.open_to_write(key)
        else:
            self._screen.note(["no conversation has opened that you have not been to"])

    def listed(self) -> list[Conversation]:
        """In the order of the list."""
        return captions.ordered(self._book.ordered(), self.conversation)

    def nth(self, number: int) -> None:
        listed = self.listed()
        if number <= len(listed):
            self.open(listed[number - 1].key)

    def neighbour(self, by: int) -> None:
        listed = self.listed()
        if self.conversation in listed:
            at = listed.index(self.conversation)
            self.open(listed[(at + by) % len(listed)].key)

    def next_unread(self) -> None:
        others = [each for each in self.listed() if each is not self.conversation]
        waiting = [each for each in others if captions.wants_reading(each)]
        if waiting:
            self.open(max(waiting, key=lambda each: each.mentions).key)
        else:
            muted = any(each.unread for each in others)
            self._screen.note(
                ["nothing else is unread" + (", except what is muted" if muted else "")]
            )

    def go_to(self) -> None:
        """Asks for a room or person."""
        self._controller.look_around()
        picker = Picker(
            "a room or a person…", self._places, "nothing like that; a new name is one word"
        )
        self._screen.show_dialog(picker, self._go)

    def _places(self, query: str) -> list[choices.Option]:
        rooms = self._controller.rooms
        return choices.places(
            query,
            self.listed(),
            () if rooms is None else rooms.rooms,
            self._controller.roster.people(),
            self._book.presence.here,
        )

    def _go(self, value: str | None) -> None:
        if value is None:
            return
        what, _, name = value.partition(":")
        if what == choices.JOIN:
            self._controller.join(name)
        elif what == choices.CREATE:
            told = f"Everybody is told about it; :cr {name} private tells nobody."
            create = partial(self._controller.create, name)
            self._screen.ask(f"Create the room #{name}?\n\n{told}", "creates it", create)
        else:
            self.open_to_write(name)

    # --- To a message ---------------------------------------------------------------------------

    def search(self) -> None:
        self._search.forget()
        self._search_picker = Picker(
            "search in all that you can read…",
            self._found,
            SEARCHED,
            typed=self._search_soon,
            at_last=self._search.go_on,
        )
        self._screen.show_dialog(self._search_picker, self._go_to_found)

    def _found(self, query: str) -> list[choices.Option]:
        entries = self._search.found.entries
        return choices.found(query, entries, self._book.me, self._calendar)

    def _search_soon(self, text: str) -> None:
        if self._search_timer is not None:
            self._search_timer.cancel()
        self._search.forget()
        loop = asyncio.get_running_loop()
        self._search_timer = loop.call_later(SEARCH_DELAY_S, self._begin_search, text)

    def _begin_search(self, text: str) -> None:
        self._search_timer = None
        if text.strip():
            self._search.begin(text.strip())
            self._show_found()
        elif self._search_picker is not None and self._search_picker.is_current:
            self._search_picker.show_again(SEARCHED)

    def _show_found(self) -> None:
        """Shows what a search has found by now, if the user looks at it."""
        picker, search = self._search_picker, self._search
        if picker is not None and picker.is_current and self._search_timer is None:
            state = choices.search_state(search.found, search.trouble, has_answer=search.has_answer)
            picker.show_again(state, choices.search_hint(search.found))

    def pins(self) -> None:
        """Asks for one of the messages that are pinned in the room that is open."""
        conversation = self.conversation
        if conversation is None or conversation.key[0] != "#":
            self._screen.note(["! only rooms have pinned messages"])
            return
        pins, key, me = self._controller.pins, conversation.key, self._book.me
        picker = Picker(
            "pinned here…",
            lambda query: choices.pinned(query, pins.get(key, ()), me, self._calendar),
            "no pinned message has these words" if pins.get(key) else NO_PINS,
        )
        self._screen.show_dialog(picker, self._go_to_found)

    def _go_to_found(self, value: str | None) -> None:
        if value is not None:
            sequence, _, key = value.partition(":")
            self.open(key)
            self.jump(int(sequence))
            self._screen.focus_on(self._timeline)

    def jump(self, sequence: int) -> None:
        """Goes to a message of the open conversation, which may have to be loaded first."""
        self._jump_to = sequence
        self._jump_on()

    def _jump_on(self) -> bool:
        """Goes on with a jump that waits for pages; False if there is none."""
        conversation, view = self.conversation, self._timeline.view
        if not self._jump_to or conversation is None or view is None:
            return False
        if view.index_of(self._jump_to) is not None:
            sequence, self._jump_to = self._jump_to, 0
            self._timeline.jump(sequence)
        elif not conversation.more_before or not _begins_after(conversation, self._jump_to):
            self._jump_to = 0
            self._screen.note(["! that message is not there any more"])
        else:
            self._controller.load_older(conversation)
        return True

    # --- What is unread -------------------------------------------------------------------------

    def mark_unread(self, conversation: Conversation, said: Said) -> None:
        """Marks as unread from that message on, on all devices, until the user comes here again."""
        view = self._timeline.view
        if view is None or not self._controller.mark_unread(conversation, said.sequence):
            self._screen.note(["it is unread already"])
            return
        self._leave_unread(conversation.key)
        view.begin_new_at(said.sequence)
        self._timeline.look_again()
        self._screen.note(["unread from here on, until you come here again"])

    def _leave_unread(self, key: str) -> None:
        """Keeps it unread though it is seen; another of the user's devices may have asked for
        that."""
        if self.conversation is not None and self.conversation.key == key:
            self._left_unread = key

    def first_unread(self) -> None:
        """Goes to the first message below the line "new", and loads older ones if it must."""
        view = self._timeline.view
        if view is None or not view.new_after:
            self._screen.note(["nothing here is new"])
            return
        self._to_first_unread = True
        self._go_on_to_first_unread()

    def _go_on_to_first_unread(self) -> bool:
        """Goes to the first unread message; whether that still waits for pages."""
        conversation, view = self.conversation, self._timeline.view
        if not self._to_first_unread or conversation is None or view is None:
            return False
        items = conversation.items
        if conversation.more_before and (not items or items[0].sequence > view.new_after):
            self._controller.load_older(conversation)
            return True
        self._to_first_unread = False
        self._screen.focus_on(self._timeline)
        self._timeline.show(view.first_new())
        return False


def _begins_after(conversation: Conversation, sequence: int) -> bool:
    """Whether the oldest message that is loaded is newer than that one."""
    first = conversation.items[0].sequence if conversation.items else 0
    return first == 0 or first > sequence


# --- A search on the server, page by page ---------------------------------------------------------

PAGE: Final = 50
"""Results that are asked for at once: more than a list on the screen shows."""


class Search:
    def __init__(self, send: Callable[[Request], int]) -> None:
        """`send` raises `QueueFull` and `LoggingOut`."""
        self._send = send
        self._text = ""
        self._request = 0
        """The request that is awaited; 0 for none."""
        self.found = Found()
        self.has_answer = False
        self.trouble = ""

    def forget(self) -> None:
        self.found = Found()
        self._request, self.has_answer, self.trouble = 0, False, ""

    def begin(self, text: str) -> None:
        """Searches for messages with all of these words."""
        self.forget()
        self._text = text
        self._ask()

    def go_on(self) -> None:
        """Asks for older results, if there are any."""
        if self.found.has_more and not self._request:
            self._ask()

    def _ask(self) -> None:
        try:
            draft = SearchMessages(text=self._text, before_ms=self.found.before_ms, limit=PAGE)
            self._request = self._send(draft)
        except (InvalidRequest, QueueFull, LoggingOut) as error:
            self.trouble = f"{error}."

    def answered(self, event: Answered) -> None:
        if not self._request or event.id != self._request:
            # What answers an older search is not what the user looks for now.
            return
        self._request = 0
        match event.answer:
            case SearchResults() as page:
                self.has_answer = True
                self.found.take(page)
            case Refused(reason=reason):
                self.trouble = reason
            case _:
                pass
