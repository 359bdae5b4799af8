"""Where the person goes: to another conversation, to a message far away, back, and out."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from zchat.client.model.conversation import Conversation, Kind, Said
from zchat.client.storage.cache import Cache
from zchat.client.tui.view import captions, choices, listing
from zchat.client.tui.widgets.dialogs import Confirm, Picker
from zchat.protocol.messages import LOBBY, room_log

if TYPE_CHECKING:
    from zchat.client.tui.app import ScreenClient

SEARCH_DELAY_S: Final = 0.25
"""A search goes out once nothing was typed for so long."""
SEARCHED: Final = "every word of it is looked for"
NO_PINS: Final = "nothing is pinned here; p pins the message that is chosen"
LEFT_AT: Final = "left-at"
LOBBY_KEY: Final = room_log(LOBBY)


class Ways:
    def __init__(self, app: "ScreenClient", cache: Cache) -> None:
        self._app = app
        self._cache = cache
        self._search_timer: asyncio.TimerHandle | None = None
        self._jump_to = 0
        self._to_first_unread = False
        """Once what comes before it is here."""
        self._left_unread = ""
        """The key of the conversation that is open, and unread until somebody comes back to it."""
        self._leaving: Confirm | None = None

    def keep_up(self) -> None:
        """Marks as read what is seen, and asks for what will be."""
        app = self._app
        conversation, view = app.conversation, app.timeline.view
        if conversation is None or view is None:
            return
        is_read = app.looked_at and app.looked_at != self._left_unread
        if is_read and len(app.screen_stack) == 1:
            app.desk.read(conversation)
        if not self.jump_on() and not self._go_on_to_first_unread() and app.timeline.wants_older:
            app.desk.load_older(conversation)

    def back(self) -> bool:
        """Leaves one of the things that are open or begun; whether there was any."""
        app = self._app
        if app.around is not None and app.around.leave_choices():
            pass
        elif app.notes.display:
            app.notes.hide()
        elif app.acts.leave():
            pass
        elif app.timeline.view is not None and not app.timeline.view.at_end:
            app.timeline.action_newest()
        else:
            return False
        return True

    def out(self) -> None:
        """Quits; first asks whether something is to be lost by it, but not twice."""
        app = self._app
        again = self._leaving is not None and app.screen is self._leaving
        # A conversation that was begun with others is nobody's to keep.
        rooms = {each.key for each in self.listed() if each.kind is Kind.ROOM}
        owned = [log for log in app.desk.amending.rights.owned if log in rooms]
        lost = captions.lost(app.chat, app.desk.unconfirmed, self.listed(), owned)
        if app.chat.is_over or again or not lost:
            app.leave_at_once()
            return
        self._leaving = Confirm(lost, "quits all the same", app.go_on_writing)
        app.push_screen(self._leaving, self._out)

    def _out(self, yes: bool | None) -> None:
        if yes:
            self._app.leave_at_once()

    # --- To a conversation ----------------------------------------------------------------------

    def left_at(self) -> str:
        """Where the person was the last time."""
        book = self._app.book
        key = book.looking_at or self._cache.settings().get(LEFT_AT, "")
        return key if key in book.conversations else LOBBY_KEY

    def arrive(self, key: str) -> None:
        """Wherever it was to go, it is another conversation now."""
        self._jump_to = 0
        self._to_first_unread = False
        self._left_unread = ""
        self._cache.keep_setting(LEFT_AT, key)

    def listed(self) -> list[Conversation]:
        """As they stand in the list."""
        return listing.ordered(self._app.book.ordered(), self._app.conversation)

    def nth(self, number: int) -> None:
        listed = self.listed()
        if number <= len(listed):
            self._app.open_key(listed[number - 1].key)

    def neighbour(self, by: int) -> None:
        listed = self.listed()
        if self._app.conversation in listed:
            at = listed.index(self._app.conversation)
            self._app.open_key(listed[(at + by) % len(listed)].key)

    def next_unread(self) -> None:
        app = self._app
        waiting = [
            each
            for each in self.listed()
            if each is not app.conversation and listing.wants_reading(each)
        ]
        if waiting:
            app.open_key(max(waiting, key=lambda each: each.mentions).key)
        else:
            muted = any(each.unread for each in app.ways.listed() if each is not app.conversation)
            app.note(["nothing more is unread" + (", but what is muted" if muted else "")])

    def go_to(self) -> None:
        app = self._app
        app.desk.look_around()
        picker = Picker(
            "a room or a person…",
            lambda query: choices.places(query, app.desk, self.listed()),
            "nothing like that; a new name is one word",
        )
        app.push_screen(picker, self._go)

    def _go(self, value: str | None) -> None:
        if value is None:
            return
        what, _, name = value.partition(":")
        if what == choices.JOIN:
            self._app.desk.join(name)
        elif what == choices.CREATE:
            self._make(name)
        else:
            self._app.open_to_write(name)

    def _make(self, room: str) -> None:
        told = f"Everybody is told of it; :cr {room} private tells nobody."
        create = partial(self._app.desk.create, room)
        self._app.ask(f"Make the room #{room}?\n\n{told}", "makes it", create)

    # --- To a message ---------------------------------------------------------------------------

    def search(self) -> None:
        app = self._app
        app.desk.search.forget()
        picker = Picker(
            "search in all that you can read…",
            lambda query: choices.found(query, app.desk),
            SEARCHED,
            typed=self._search_soon,
            at_last=app.desk.search.go_on,
        )
        app.push_screen(picker, self._go_to_found)

    def _search_soon(self, text: str) -> None:
        if self._search_timer is not None:
            self._search_timer.cancel()
        self._app.desk.search.forget()
        loop = asyncio.get_running_loop()
        self._search_timer = loop.call_later(SEARCH_DELAY_S, self._search, text)

    def _search(self, text: str) -> None:
        self._search_timer = None
        if text.strip():
            self._app.desk.search.begin(text.strip())
            self.show_found()
        elif isinstance(self._app.screen, Picker):
            self._app.screen.show_again(SEARCHED)

    def show_found(self) -> None:
        """What a search has found, as soon as it has."""
        screen = self._app.screen
        if isinstance(screen, Picker) and screen.is_search and self._search_timer is None:
            desk = self._app.desk
            screen.show_again(choices.search_state(desk), choices.search_hint(desk))

    def pins(self) -> None:
        """What is pinned in the room that is open."""
        app, conversation = self._app, self._app.conversation
        if conversation is None or conversation.key[0] != "#":
            app.note(["! only rooms have pinned messages"])
            return
        key = conversation.key
        picker = Picker(
            "pinned here…",
            lambda query: choices.pinned(query, app.desk, key),
            "nothing like that is pinned" if app.desk.amending.pins.get(key) else NO_PINS,
        )
        app.push_screen(picker, self._go_to_found)

    def _go_to_found(self, value: str | None) -> None:
        if value is not None:
            sequence, _, key = value.partition(":")
            self._app.open_key(key)
            self.jump(int(sequence))
            self._app.focus_on(self._app.timeline)

    def jump(self, sequence: int) -> None:
        """To the message of the open conversation, which may have to be loaded first."""
        self._jump_to = sequence
        self.jump_on()

    def jump_on(self) -> bool:
        """Goes on with a jump that waits for pages; whether there is one."""
        conversation, view = self._app.conversation, self._app.timeline.view
        if not self._jump_to or conversation is None or view is None:
            return False
        if view.index_of(self._jump_to) is not None:
            sequence, self._jump_to = self._jump_to, 0
            self._app.timeline.jump(sequence)
        elif not conversation.more_before or not _begins_after(conversation, self._jump_to):
            self._jump_to = 0
            self._app.note(["! that message is not there any more"])
        else:
            self._app.desk.load_older(conversation)
        return True

    # --- What is unread -------------------------------------------------------------------------

    def mark_unread(self, conversation: Conversation, said: Said) -> None:
        """From that message on, for all devices, until somebody comes here again."""
        app, view = self._app, self._app.timeline.view
        if view is None or not app.desk.mark_unread(conversation, said.sequence):
            app.note(["it is unread already"])
            return
        self.leave_unread(conversation.key)
        view.begin_new_at(said.sequence)
        app.timeline.look_again()
        app.note(["unread from here on, until you come here again"])

    def leave_unread(self, key: str) -> None:
        """Also as another device has said: that it is seen here does not make it read again."""
        if self._app.conversation is not None and self._app.conversation.key == key:
            self._left_unread = key

    def first_unread(self) -> None:
        """Where the line stands that says what is new; older messages are loaded for it."""
        view = self._app.timeline.view
        if view is None or not view.new_after:
            self._app.note(["nothing here is new"])
            return
        self._to_first_unread = True
        self._go_on_to_first_unread()

    def _go_on_to_first_unread(self) -> bool:
        """Whether it waits for pages."""
        app = self._app
        conversation, view = app.conversation, app.timeline.view
        if not self._to_first_unread or conversation is None or view is None:
            return False
        items = conversation.items
        if conversation.more_before and (not items or items[0].sequence > view.new_after):
            app.desk.load_older(conversation)
            return True
        self._to_first_unread = False
        app.focus_on(app.timeline)
        app.timeline.show(view.first_new())
        return False


def _begins_after(conversation: Conversation, sequence: int) -> bool:
    """Whether what is known of it begins after that message."""
    first = conversation.items[0].sequence if conversation.items else 0
    return first == 0 or first > sequence
