"""What the person does: with a message that is chosen, and with what is written."""

import os
import time
import webbrowser
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from zchat.client.commands.table import is_secret
from zchat.client.model.conversation import Conversation, Item, Kind, Said
from zchat.client.tui.controller import editor
from zchat.client.tui.controller.controller import Outcome
from zchat.client.tui.controller.input_parser import Command, Message, meant, to_say
from zchat.client.tui.view import captions, choices
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.dialogs import Picker, Prompt, Reading
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditList,
    EditMessage,
    PinMessage,
)
from zchat.protocol.messages import Message as ProtocolMessage

if TYPE_CHECKING:
    from zchat.client.tui.app import ScreenClient


@dataclass(frozen=True, slots=True)
class Begun:
    """What is being done in a conversation, besides writing to it."""

    reply: Said | None = None
    edited: Said | None = None
    before_edit: str = ""
    """What was being written when the edit was begun,"""
    put_by: str = ""
    """and when a command was."""


NOTHING: Final = Begun()
_KINDS: Final[dict[str, type[ProtocolMessage]]] = {
    "edit": EditMessage,
    "react": AddReaction,
    "pin": PinMessage,
}
"""What a message is asked for, and the server for that."""


class Acts:
    def __init__(self, app: "ScreenClient") -> None:
        self._app = app
        self._begun = NOTHING
        self._elsewhere: dict[str, tuple[Begun, str]] = {}
        """By key of a conversation that was left: what is begun there, and the text of it."""
        self._doubted: str | None = None
        """The text with which Esc was pressed, and would have cost something."""

    # --- What is written ------------------------------------------------------------------------

    @property
    def is_editing(self) -> bool:
        return self._begun.edited is not None

    def draft(self) -> str:
        """What was written and not sent; of a secret nothing is kept."""
        begun = self._begun
        text = begun.before_edit if self.is_editing else begun.put_by or self._app.composer.text
        is_kept = not (is_secret(text) or self._app.desk.going.may_be_secret)
        return text if is_kept else ""

    def leave_place(self, conversation: Conversation | None) -> None:
        """What is begun there waits for the person to come back."""
        begun, self._begun = self._begun, NOTHING
        text = self._app.composer.text
        if conversation is not None and begun != NOTHING:
            self._elsewhere[conversation.key] = begun, "" if is_secret(text) else text

    def come_to_place(self, conversation: Conversation) -> None:
        drafted = NOTHING, conversation.draft
        self._begun, text = self._elsewhere.pop(conversation.key, drafted)
        self._app.composer.load(text)

    def begin_command(self, text: str) -> None:
        """What is being written comes back once that is done or left."""
        app = self._app
        if not self.is_editing:
            put_by = self._begun.put_by or app.composer.text
            self._begun = replace(self._begun, put_by=put_by)
        app.composer.load(text)
        app.focus_on(app.composer)

    def hint(self, cells: int) -> Line | None:
        """What Enter will do, where that is not simply to say it."""
        again = self._doubted == self._app.composer.text
        if self.is_editing:
            leaves = "Esc again leaves it as it was" if again else "Esc leaves it"
            return (Piece(f"  editing your message · Enter saves · {leaves}", Ink.HINT),)
        if self._begun.reply is not None:
            return captions.replying(self._begun.reply, cells, again=again)
        return None

    def submit(self, conversation: Conversation, text: str) -> None:
        app = self._app
        app.notes.hide()
        if self._begun.edited is not None:
            self._save(conversation, self._begun.edited, text)
            return
        if conversation.kind is Kind.NOTICES and not text.lstrip().startswith(":"):
            app.note(["! nobody can be answered here; Ctrl-K goes to a room or person"])
            return
        begun, self._begun = self._begun, NOTHING
        if isinstance(meant(text), Command):
            # The answer is still to be written.
            self._begun = Begun(begun.reply)
        app.composer.load(begun.put_by)
        conversation.draft = ""
        outcome = app.desk.enter(text, conversation, begun.reply.sequence if begun.reply else 0)
        if outcome is Outcome.MISTAKE:
            self._begun = begun
            app.composer.load(text)
            return
        app.remember(text)
        app.timeline.action_newest()
        if outcome is Outcome.QUIT:
            app.action_leave()

    def leave(self) -> bool:
        """Whether there was an edit or a reply to leave; asks where that would cost something."""
        begun, composer = self._begun, self._app.composer
        if begun.put_by:
            self._begun = replace(begun, put_by="")
            composer.load(begun.put_by)
        elif begun.edited is not None:
            if composer.text != to_say(begun.edited.text):
                if self._is_doubtful(composer.text):
                    return True
                composer.remember(composer.text)
            self._end_edit()
        elif begun.reply is not None:
            if not (composer.text and self._is_doubtful(composer.text)):
                self._begun, self._doubted = NOTHING, None
        else:
            return False
        return True

    def _is_doubtful(self, text: str) -> bool:
        """Whether Esc was pressed for the first time since the text is what it is."""
        self._doubted, doubted = text, self._doubted
        return doubted != text

    def _save(self, conversation: Conversation, edited: Said, text: str) -> None:
        app = self._app
        match meant(text):
            case Command():
                app.note(["! that is a command, and no message; doubling its first sign says it"])
            case Message(said):
                if said == edited.text or app.desk.amending.edit(conversation, edited, said):
                    app.remember(text)
                    self._end_edit()

    def _end_edit(self) -> None:
        begun, self._begun = self._begun, Begun(self._begun.reply)
        self._doubted = None
        self._app.composer.load(begun.before_edit)
        self._app.timeline.choose_none()

    async def write_in_editor(self) -> None:
        """What is being written is what comes out of it, and still waits for Enter."""
        app, conversation = self._app, self._app.conversation
        before = app.composer.text
        if is_secret(before):
            app.note(["! what is secret is given to no editor"])
            return
        text = trouble = ""
        try:
            with app.suspend():
                text = await editor.edited(before, os.environ)
        except (editor.EditorError, SuspendNotSupported) as error:
            trouble = str(error) or "there is no terminal to edit in"
        if trouble:
            app.note([f"! {trouble}"])
        elif app.conversation is conversation:
            app.composer.load(text)
            app.focus_on(app.composer)
        elif conversation is not None:
            # Meanwhile something has led elsewhere, where this is not to be said.
            app.put_by(conversation, text)

    def copy_or_clear(self) -> None:
        app = self._app
        if selected := app.composer.selected_text:
            app.copy_to_clipboard(selected)
        elif app.composer.text:
            app.composer.load("")
        else:
            app.note(["Ctrl-Q quits"])

    # --- What is done to a message --------------------------------------------------------------

    def do(self, what: str, conversation: Conversation, item: Item | None, about: str) -> None:
        app = self._app
        match what:
            case "write":
                app.timeline.action_newest()
                app.focus_on(app.composer)
            case "find":
                prompt = Prompt("Find in what is here:", text=app.timeline.found)
                app.push_screen(prompt, self._find)
            case "open":
                self._open_link(about)
            case "marked":
                if about:
                    app.copy_to_clipboard(about)
                    app.note(["copied what is marked"])
            case "nothing further":
                app.note(["nothing further has it"])
            case _ if isinstance(item, Said):
                self._do_to(what, conversation, item, about)
            case _:
                app.note(["! that can be done to messages only"])

    def _do_to(self, what: str, conversation: Conversation, said: Said, about: str) -> None:
        app = self._app
        if what == "copy":
            app.copy_to_clipboard(said.text)
            app.note(["copied"])
        elif what == "reply" and said.is_unsent:
            app.desk.retry(conversation, said)
        elif what == "delete":
            self._delete(conversation, said)
        elif said.deleted_by:
            app.note(["! that message is deleted"])
        elif not said.sequence:
            app.note(["! it is not confirmed yet; that can be done once it is"])
            app.desk.going.not_begun()
        elif what == "unread":
            app.ways.mark_unread(conversation, said)
        elif what == "reply":
            self._begun = replace(self._begun, reply=said)
            app.focus_on(app.composer)
        elif (kind := _KINDS.get(what)) and self._is_refused(kind, conversation, said):
            pass
        elif what == "edit":
            self._edit(said)
        elif what == "react":
            self._react(conversation, said, about)
        elif what == "pin":
            app.desk.amending.pin(conversation, said)
        elif what == "before" and said.edited:
            show = partial(self._show_edits, said, app.desk.going.moment_s)
            app.desk.amending.read_edits(conversation, said, show)
        elif what == "before":
            app.note(["it has never said anything else"])

    def _is_refused(
        self, kind: type[ProtocolMessage], conversation: Conversation, said: Said
    ) -> bool:
        refusal = self._app.desk.amending.refusal(kind, conversation, said)
        if refusal:
            self._app.note([f"! {refusal}"])
            self._app.desk.going.not_begun()
        return bool(refusal)

    def _edit(self, said: Said) -> None:
        app = self._app
        before = self._begun.before_edit if self.is_editing else app.composer.text
        self._begun = Begun(self._begun.reply, edited=said, before_edit=before)
        app.composer.load(to_say(said.text))
        app.focus_on(app.composer)

    def _show_edits(self, said: Said, since_s: float, edits: EditList) -> None:
        page = self._app.timeline.page
        if edits.edits and not self._app.desk.going.is_still(since_s, time.monotonic()):
            # A page that opens takes the keys, and the person is at something else.
            self._app.note(["what it said before has come; v shows it"])
        elif edits.edits:
            self._app.push_screen(Reading(partial(captions.edits, said, edits.edits, page)))
        else:
            self._app.note(["what it said before is not kept on this server"])

    def _delete(self, conversation: Conversation, said: Said) -> None:
        app, desk = self._app, self._app.desk
        if said.deleted_by:
            return
        if said.is_unsent:
            question, yes, delete = "Forget what was not sent?", "forgets it", desk.give_up
        elif not said.sequence:
            app.note(["! it is not confirmed yet; that can be done once it is"])
            return
        elif self._is_refused(DeleteMessage, conversation, said):
            return
        else:
            whose = "your message" if said.author == app.book.me else "somebody else's message"
            question, yes = f"Delete {whose}?", "deletes it for everyone"
            delete = desk.amending.delete
        app.ask(f"{question}\n\n{captions.short(said)}", yes, partial(delete, conversation, said))

    def _react(self, conversation: Conversation, said: Said, emoji: str) -> None:
        def picked(value: str | None) -> None:
            if value:
                self._app.desk.amending.react(conversation, said, value)

        if emoji:
            picked(emoji)
            return
        nothing = "any short word can be one, too"
        self._app.push_screen(Picker("an emoji by its name…", choices.reactions, nothing), picked)

    def _open_link(self, link: str) -> None:
        if not link.startswith(("http://", "https://")):
            self._app.note(["! there is no link in it"])
            return
        try:
            webbrowser.get()
        except webbrowser.Error:
            self._app.copy_to_clipboard(link)
            self._app.note(["there is no browser here; the link is copied"])
            return
        self._app.open_url(link)
        self._app.note([f"opened {link}"])

    def _find(self, text: str | None) -> None:
        if text is None:
            return
        timeline = self._app.timeline
        # Emptied, it looks for nothing any more.
        timeline.found = text
        if not text:
            return
        self._app.focus_on(timeline)
        view = timeline.view
        if view is None or not (view.find(text, -1) or view.find(text, 1)):
            self._app.note([f"{text!r} is nowhere in what is here; Ctrl-F asks the server"])
        else:
            self._app.notes.go_on()
        timeline.look_again()
