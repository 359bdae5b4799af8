"""What the user does with the selected message, or with the selected member."""

import time
import webbrowser
from functools import partial
from typing import Final

from zchat.client.model.conversation import Conversation, Item, Said
from zchat.client.tui.controller.composing import Composing
from zchat.client.tui.controller.controller import Controller
from zchat.client.tui.controller.navigation import Navigation
from zchat.client.tui.controller.screen import Screen
from zchat.client.tui.view import captions, choices
from zchat.client.tui.view.cells import drawable_line
from zchat.client.tui.widgets.dialogs import Picker, Prompt, Reading
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol.messages import (
    AddReaction,
    BanMember,
    DeleteMessage,
    DemoteMember,
    EditList,
    EditMessage,
    KickMember,
    MemberCommand,
    MemberInfo,
    Message,
    PinMessage,
    PromoteMember,
    Role,
)

# --- To a message ---------------------------------------------------------------------------------

_KINDS: Final[dict[str, type[Message]]] = {
    "edit": EditMessage,
    "react": AddReaction,
    "pin": PinMessage,
}
"""By action: the command that the server would refuse, if it is not allowed."""
_NOT_CONFIRMED: Final = "! the server has not confirmed it yet; try again once it has"


class MessageActions:
    """Reply, edit, delete, react, pin, copy, find."""

    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        composing: Composing,
        navigation: Navigation,
        timeline: Timeline,
        notes: Notes,
    ) -> None:
        self._screen = screen
        self._controller = controller
        self._composing = composing
        self._navigation = navigation
        self._timeline = timeline
        self._notes = notes

    def do(self, what: str, item: Item | None, about: str) -> None:
        """`what` is what the bindings of the timeline say, `about` what it is done with: an
        emoji…"""
        screen, conversation = self._screen, self._navigation.conversation
        match what:
            case _ if conversation is None:
                pass
            case "jump":
                self._navigation.jump(int(about))
            case "write":
                self._timeline.action_newest()
                self._composing.go_on()
            case "find":
                prompt = Prompt("Find in the loaded messages:", text=self._timeline.found)
                screen.show_dialog(prompt, self._find)
            case "open":
                self._open_link(about)
            case "marked":
                if about:
                    screen.copy_to_clipboard(about)
                    screen.note(["the selection is copied"])
            case "nothing further":
                screen.note(["no further match"])
            case _ if isinstance(item, Said):
                self._do_to(what, conversation, item, about)
            case _:
                screen.note(["! that can be done to messages only"])

    def _do_to(self, what: str, conversation: Conversation, said: Said, about: str) -> None:
        screen, controller = self._screen, self._controller
        if what == "copy":
            screen.copy_to_clipboard(said.text)
            screen.note(["copied"])
        elif what == "reply" and said.is_unsent:
            controller.retry(conversation, said)
        elif what == "delete":
            self._delete(conversation, said)
        elif said.deleted_by:
            screen.note(["! that message is deleted"])
        elif not said.sequence:
            screen.note([_NOT_CONFIRMED])
            controller.guard.not_begun()
        elif what == "unread":
            self._navigation.mark_unread(conversation, said)
        elif what == "reply":
            self._composing.reply_to(said)
        elif (kind := _KINDS.get(what)) and self._is_refused(kind, conversation, said):
            pass
        elif what == "edit":
            self._composing.edit(said)
        elif what == "react":
            self._react(conversation, said, about)
        elif what == "pin":
            controller.pin(conversation, said)
        elif what == "before" and said.edited:
            show = partial(self._show_edits, said, controller.guard.handled_s)
            controller.read_edits(conversation, said, show)
        elif what == "before":
            screen.note(["it was never edited"])

    def _is_refused(self, kind: type[Message], conversation: Conversation, said: Said) -> bool:
        refusal = self._controller.refusal(kind, conversation, said)
        if refusal:
            self._screen.note([f"! {refusal}"])
            # What is typed next is meant for an edit or a reply that has not begun.
            self._controller.guard.not_begun()
        return bool(refusal)

    def _show_edits(self, said: Said, since_s: float, edits: EditList) -> None:
        if not edits.edits:
            self._screen.note(["this server does not keep earlier versions"])
        elif self._controller.guard.is_idle_since(since_s, time.monotonic()):
            calendar = self._timeline.page.calendar
            page = Reading(partial(captions.edits, said, edits.edits, calendar))
            self._screen.show_dialog(page)
        else:
            # Not opened by itself: the page would take the keys of a user who does something else.
            self._screen.note(["the earlier versions are here; v shows them"])

    def _delete(self, conversation: Conversation, said: Said) -> None:
        controller = self._controller
        if said.deleted_by:
            return
        if said.is_unsent:
            question, yes, delete = "Forget what was not sent?", "forgets it", controller.give_up
        elif not said.sequence:
            self._screen.note([_NOT_CONFIRMED])
            return
        elif self._is_refused(DeleteMessage, conversation, said):
            return
        else:
            own = said.author == controller.book.me
            whose = "your message" if own else "somebody else's message"
            question, yes = f"Delete {whose}?", "deletes it for everyone"
            delete = controller.delete
        text = f"{question}\n\n{captions.short(said)}"
        self._screen.ask(text, yes, partial(delete, conversation, said))

    def _react(self, conversation: Conversation, said: Said, emoji: str) -> None:
        def picked(value: str | None) -> None:
            if value:
                self._controller.react(conversation, said, value)

        if emoji:
            picked(emoji)
            return
        nothing = "any short word can be a reaction, too"
        self._screen.show_dialog(Picker("an emoji by name…", choices.reactions, nothing), picked)

    def _open_link(self, link: str) -> None:
        # Somebody else has written the link, so nothing but a web page is ever opened.
        if not link.startswith(("http://", "https://")):
            self._screen.note(["! there is no link in it"])
            return
        try:
            webbrowser.get()
        except webbrowser.Error:
            # There is none on a server that is reached by SSH.
            self._screen.copy_to_clipboard(link)
            self._screen.note(["there is no browser here; the link is copied"])
            return
        self._screen.open_url(link)
        self._screen.note([f"opened {link}"])

    def _find(self, text: str | None) -> None:
        if text is None:
            return
        timeline = self._timeline
        # An empty text ends the search: n finds nothing more.
        timeline.found = text
        if not text:
            return
        self._screen.focus_on(timeline)
        view = timeline.view
        if view is None or not (view.find(text, -1) or view.find(text, 1)):
            elsewhere = self._screen.hint("; {search} searches on the server")
            self._screen.note([f"no loaded message has {text!r}{elsewhere}"])
        else:
            self._notes.go_on()
        timeline.look_again()


# --- To a member ----------------------------------------------------------------------------------


class MemberActions:
    """Talk, mention, kick, ban, promote."""

    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        composing: Composing,
        navigation: Navigation,
    ) -> None:
        self._screen = screen
        self._controller = controller
        self._composing = composing
        self._navigation = navigation

    def do(self, what: str, name: str) -> None:
        """`what` is what the bindings of the list of members say; an empty `name` is nobody."""
        conversation = self._navigation.conversation
        if conversation is None:
            return
        if what == "write" or not name:
            self._composing.go_on()
        elif what == "talk":
            self._navigation.open_to_write(f"@{name}")
        elif what == "mention":
            self._composing.go_on(f"@{name} ")
        elif what == "info":
            self._screen.note([self._about(name, conversation)])
        else:
            self._moderate(what, name, conversation)

    def _member(self, name: str, conversation: Conversation) -> MemberInfo | None:
        listed = self._controller.members.get(conversation.key)
        known = listed.members if listed is not None else ()
        return next((each for each in known if each.name == name), None)

    def _about(self, name: str, conversation: Conversation) -> str:
        member, here = self._member(name, conversation), self._controller.book.presence.here
        about = [drawable_line(name)]
        if member is not None and member.role != Role.MEMBER:
            about.append("muted" if member.role == Role.MUTED else f"{member.role} here")
        if name not in here:
            about.append("offline")
        else:
            word = here[name]
            away = f"away: {drawable_line(word)}" if word else "away"
            about.append("online" if word is None else away)
        return " · ".join(about)

    def _moderate(self, what: str, name: str, conversation: Conversation) -> None:
        room = conversation.key[1:]
        if conversation.key[0] != "#":
            self._screen.note(["! that can be done in rooms only"])
            return
        rights, whom = self._controller.book.rights, drawable_line(name)
        kind: type[MemberCommand]
        match what:
            case "kick":
                kind = KickMember
                question, yes = f"Kick {whom} out of #{room}?", "kicks them out"
            case "ban":
                kind = BanMember
                question = f"Ban {whom} from #{room}, until somebody unbans them?"
                yes = "bans them"
            case _ if rights.leads(name, conversation.key):
                kind = DemoteMember
                question, yes = f"Demote {whom} from moderator of #{room}?", "demotes them"
            case _:
                kind = PromoteMember
                question, yes = f"Make {whom} a moderator of #{room}?", "makes them one"
        if not rights.may_do_to(name, kind, conversation.key):
            self._screen.note([f"! you may not do that to {whom} here"])
        else:
            request = kind(room=room, user=name)
            self._screen.ask(question, yes, lambda: self._controller.try_to(lambda: request))
