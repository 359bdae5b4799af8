"""What the user is writing: drafts, replies, edits; what Enter, Escape and an editor do to it."""

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from textual.app import SuspendNotSupported

from zchat.client.commands.table import is_secret
from zchat.client.model.conversation import Conversation, Kind, Said
from zchat.client.storage.cache import Cache
from zchat.client.tui.controller.controller import Controller, Outcome
from zchat.client.tui.controller.intent import Command, Written, meant, to_say
from zchat.client.tui.controller.screen import Screen
from zchat.client.tui.view import captions
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.rules.names import safe_text


@dataclass(frozen=True, slots=True)
class Begun:
    """What Enter will do in a conversation, besides sending a message."""

    reply: Said | None = None
    edited: Said | None = None
    before_edit: str = ""
    """The draft that an edit has put aside."""
    before_command: str = ""
    """The draft that a command from the palette has put aside."""


NOTHING: Final = Begun()


class Composing:
    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        cache: Cache,
        composer: Composer,
        timeline: Timeline,
        notes: Notes,
    ) -> None:
        self._screen = screen
        self._controller = controller
        self._cache = cache
        self._composer = composer
        self._timeline = timeline
        self._notes = notes
        self.conversation: Conversation | None = None
        """The one that is open, to which Enter sends."""
        self._begun = NOTHING
        self._elsewhere: dict[str, tuple[Begun, str]] = {}
        """By key of a conversation that was left: what was begun there, and the text of that."""
        self._doubted: str | None = None
        """The text that the first Escape spared, and that the second throws away."""

    # --- Drafts ---------------------------------------------------------------------------------

    def move_to(self, conversation: Conversation) -> None:
        """Leaves what was begun in the conversation before, and takes up what waits in this one."""
        begun, self._begun = self._begun, NOTHING
        text = self._composer.text
        if self.conversation is not None and begun != NOTHING:
            self._elsewhere[self.conversation.key] = begun, "" if is_secret(text) else text
        self.conversation = conversation
        # What was begun is kept until the client ends, a mere draft also for the next time.
        drafted = NOTHING, conversation.draft
        self._begun, text = self._elsewhere.pop(conversation.key, drafted)
        self._composer.load(text)

    def keep_draft(self) -> None:
        """Keeps the draft with its conversation, also for the next run of the client."""
        if self.conversation is not None:
            self._put_by(self.conversation, self._draft())

    def _draft(self) -> str:
        begun = self._begun
        # An edit or a command is no draft, but has put one aside.
        before = begun.before_edit if self._is_editing else begun.before_command
        text = before if before or self._is_editing else self._composer.text
        # No secret may ever reach the disk.
        is_kept = not (is_secret(text) or self._controller.guard.may_be_secret)
        return text if is_kept else ""

    def _put_by(self, conversation: Conversation, draft: str) -> None:
        if draft != conversation.draft:
            conversation.draft = draft
            self._cache.keep_draft(conversation.key, draft)

    def _remember(self, text: str) -> None:
        """Has Up bring it back, also in the next run of the client."""
        if not is_secret(text):
            self._cache.keep_input(text)
            self._composer.remember(text)

    def typed(self) -> None:
        """The text has changed; tells the others that the user is typing."""
        conversation, text = self.conversation, self._composer.text
        # A draft that was put there by opening its conversation is not typed, nor is an edit told.
        if conversation is None or self._is_editing or text == conversation.draft:
            return
        if text and not text.startswith(":"):
            self._controller.says_typing(conversation)

    def go_on(self, text: str = "") -> None:
        """Goes back to writing, with this text added where the cursor is."""
        self._screen.focus_on(self._composer)
        if text:
            self._composer.insert(text)

    def completions(self, before: str, first_line: bool) -> Completion:
        roster = self._controller.roster
        return roster.completions(self.conversation, before, first_line=first_line)

    def copy_or_clear(self) -> None:
        if selected := self._composer.selected_text:
            self._screen.copy_to_clipboard(selected)
        elif self._composer.text:
            self._composer.load("")
        else:
            self._screen.note([self._screen.hint("{quit} quits") or ":quit quits"])

    async def write_in_editor(self) -> None:
        """Runs the user's editor on the text, which then waits for Enter as if it was typed."""
        conversation = self.conversation
        before = self._composer.text
        if is_secret(before):
            # An editor writes files of its own, such as backups, and no secret may reach the disk.
            self._screen.note(["! a secret is not given to an editor"])
            return
        text = trouble = ""
        try:
            with self._screen.suspend():
                text = await edit_elsewhere(before, os.environ)
        except (EditorError, SuspendNotSupported) as error:
            trouble = str(error) or "there is no terminal to edit in"
        if trouble:
            self._screen.note([f"! {trouble}"])
        elif self.conversation is conversation:
            self._composer.load(text)
            self._screen.focus_on(self._composer)
        elif conversation is not None:
            # Another conversation was opened meanwhile, for which the text is not meant.
            self._put_by(conversation, text)

    # --- Replies, edits and commands that were begun --------------------------------------------

    @property
    def _is_editing(self) -> bool:
        return self._begun.edited is not None

    def reply_to(self, said: Said) -> None:
        self._begun = replace(self._begun, reply=said)
        self._screen.focus_on(self._composer)

    def edit(self, said: Said) -> None:
        before = self._begun.before_edit if self._is_editing else self._composer.text
        self._begun = Begun(self._begun.reply, edited=said, before_edit=before)
        self._composer.load(to_say(said.text))
        self._screen.focus_on(self._composer)

    def begin_command(self, text: str) -> None:
        """Puts the beginning of a command where the user writes; the draft comes back after it."""
        if not self._is_editing:
            before = self._begun.before_command or self._composer.text
            self._begun = replace(self._begun, before_command=before)
        self._composer.load(text)
        self._screen.focus_on(self._composer)

    def hint(self, cells: int, keys: FirstKeys) -> Line | None:
        """Says what Enter will do, if it does not simply send the text."""
        again = self._doubted == self._composer.text
        if self._is_editing:
            leaves = "{escape} again leaves it as it was" if again else "{escape} leaves it"
            told = hint(keys, "  editing your message", "{send} saves", leaves)
            return (Piece(told, Ink.HINT),)
        if self._begun.reply is not None:
            return captions.replying(self._begun.reply, cells, again=again, keys=keys)
        return None

    # --- Enter and Escape -----------------------------------------------------------------------

    def submit(self, text: str) -> Outcome:
        """Does what Enter means for this text; quitting is left to the caller."""
        conversation = self.conversation
        if conversation is None:
            return Outcome.MISTAKE
        self._controller.guard.handled(self._composer.pressed_at_s)
        self._cache.keep_draft(conversation.key, "")
        self._notes.hide()
        if self._begun.edited is not None:
            return self._save(conversation, self._begun.edited, text)
        if conversation.kind is Kind.NOTICES and isinstance(meant(text), Written):
            elsewhere = self._screen.hint("; {go-to} goes to a room or person")
            self._screen.note([f"! nobody can be answered here{elsewhere}"])
            return Outcome.MISTAKE
        begun, self._begun = self._begun, NOTHING
        if isinstance(meant(text), Command):
            # A command is not the reply that was begun, which is still to be written.
            self._begun = Begun(begun.reply)
        # Emptied before the command runs, which may open another conversation: the command would
        # be kept here as a draft. A mistake is put back below.
        self._composer.load(begun.before_command)
        conversation.draft = ""
        reply_to = begun.reply.sequence if begun.reply else 0
        outcome = self._controller.enter(text, conversation, reply_to)
        if outcome is Outcome.MISTAKE:
            self._begun = begun
            self._composer.load(text)
            return outcome
        self._remember(text)
        self._timeline.action_newest()
        return outcome

    def _save(self, conversation: Conversation, edited: Said, text: str) -> Outcome:
        match meant(text):
            case Command():
                self._screen.note(
                    ["! that is a command, not a message; double its first sign to say it"]
                )
                return Outcome.MISTAKE
            case Written(said):
                if said != edited.text and not self._controller.edit(conversation, edited, said):
                    return Outcome.MISTAKE
                self._remember(text)
                self._end_edit()
                return Outcome.DONE

    def leave(self) -> bool:
        """Leaves a command, an edit or a reply that was begun; False if there was none.

        Where text would be lost, only the second Escape does it.
        """
        begun, composer = self._begun, self._composer
        if begun.before_command:
            self._begun = replace(begun, before_command="")
            composer.load(begun.before_command)
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
        """Whether this is the first Escape with this text, which only warns."""
        self._doubted, doubted = text, self._doubted
        return doubted != text

    def _end_edit(self) -> None:
        begun, self._begun = self._begun, Begun(self._begun.reply)
        self._doubted = None
        self._composer.load(begun.before_edit)
        self._timeline.choose_none()


# --- The user's own editor ------------------------------------------------------------------------

EDITORS: Final = ("sensible-editor", "nano", "vi")
"""Tried in this order where neither VISUAL nor EDITOR is set; the first is Debian's choice."""
FILE_BYTES_MAX: Final = 4 * limits.TEXT_CHARS_MAX
"""Of the file that the editor leaves: a character has up to four bytes. No more of it is read."""


class EditorError(Exception):
    """There is no text to take back; says why, in a sentence without its full stop."""


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """The command, to which the file's path is added. Raises `EditorError`."""
    for name in ("VISUAL", "EDITOR"):
        if command := environment.get(name, "").strip():
            try:
                return shlex.split(command)
            except ValueError as error:
                raise EditorError(f"{name} is no command: {error}") from None
    for program in EDITORS:
        if shutil.which(program):
            return [program]
    raise EditorError("no editor is known here; VISUAL or EDITOR names yours")


async def edit_elsewhere(text: str, environment: Mapping[str, str]) -> str:
    """The text as the editor leaves it; it has the terminal meanwhile. Raises `EditorError`."""
    command = editor_command(environment)
    try:
        # In a folder that only this user may read, since editors put backups and swap files beside
        # the file.
        with tempfile.TemporaryDirectory(prefix="zchat-") as folder:
            path = Path(folder) / "message.txt"
            _write_file(path, text)
            await _run_editor([*command, str(path)])
            return _read_file(path)
    except OSError as error:
        raise EditorError(f"that cannot be edited: {error.strerror}") from None


async def _run_editor(command: list[str]) -> None:
    with _deaf_to_ctrl_c():
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            raise EditorError(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            # The client ends. The editor would go on reading the terminal, along with the shell.
            process.terminate()
            raise
    if code:
        raise EditorError(f"{command[0]} ended with {code}; the text is as it was")


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignores Ctrl-C, which the terminal sends to all its programs and which the editor needs."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write_file(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(f"{text}\n" if text else "", "utf-8")


def _read_file(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise EditorError(
            f"that is too long; a message has up to {limits.TEXT_CHARS_MAX:,} characters"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise EditorError("what the editor has written is not UTF-8") from None
    return safe_text(text.replace("\r\n", "\n")).rstrip("\n")
