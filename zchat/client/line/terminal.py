"""The line client on a terminal: a prompt with history and completion, output above it.

Only this module imports prompt_toolkit, which takes longer to load than all else together.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import DummyHistory, FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import clear_typeahead, get_typeahead, store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.patch_stdout import patch_stdout

from zchat.client.commands.executor import Executor
from zchat.client.commands.questions import Question, Questions
from zchat.client.commands.table import COMMANDS, is_secret, named_by_last, shows_by_entry
from zchat.client.files import state_folder
from zchat.client.line.line_client import LineClient
from zchat.programs import typed_ahead
from zchat.protocol.rules.names import printable


async def converse(client: LineClient) -> None:
    """Until the person says `:quit`, Ctrl-D, or Ctrl-C on an empty line."""
    executor = client.executor
    session: PromptSession[str] = PromptSession(
        "> ",
        input=_keys(),
        history=_history(executor.holds_back),
        completer=LineCompleter(client),
        complete_while_typing=False,
        key_bindings=_key_bindings(),
        erase_when_done=True,
    )
    # Keys that were typed while the client was loading come before those still in the terminal.
    keys: list[KeyPress] = []
    Vt100Parser(keys.append).feed(typed_ahead.take())
    store_typeahead(session.input, keys)
    # Also between two prompts, where the terminal would make a signal of Ctrl-C, which ends the
    # client: here it is a key like all others, and waits for the prompt that it was meant for.
    with session.input.raw_mode(), patch_stdout(raw=True):
        client.look_around()
        while True:
            try:
                line = await session.prompt_async()
            except EOFError:
                if client.may_leave():
                    return
                continue
            # The prompt is erased, so that of a command only the answer would be seen.
            if line.strip() and not is_secret(line) and not shows_by_entry(line):
                print("> " + printable(line))  # noqa: T201
            if not client.enter(line):
                return
            asked = executor.is_asking
            await _dialogue_over(executor, session.input)
            if (asked and executor.answers_failed) or executor.is_holding_back:
                # What was typed meanwhile may be the same secret once more.
                # A Ctrl-C among it was meant to leave what is over by now.
                _take_typed(session.input)


async def _dialogue_over(executor: Executor, keys: Input) -> None:
    """Until it is over, or left by Ctrl-C while it waits for the server and nothing is asked."""

    def read() -> None:
        typed = keys.read_keys()
        if (rest := _after_ctrl_c(typed)) is not None:
            clear_typeahead(keys)
            executor.leave_dialogue()
        store_typeahead(keys, typed if rest is None else rest)

    # The questions attach themselves in the place of this, each as long as it is put.
    with keys.attach(read):
        await executor.dialogue_over()


async def ask(questions: Sequence[Question], complaint: str = "") -> list[str] | None:
    """Asks one after another. None if the person left it with Ctrl-C or Ctrl-D."""
    asked = Questions(questions, complaint)
    while (question := asked.next) is not None:
        keys = _keys()
        if asked.complaint:
            # What was typed ahead was meant for another question, but for the wish to leave them
            # all. It goes before the complaint is seen: whoever has seen it answers the right one.
            if (rest := _after_ctrl_c(_take_typed(keys))) is not None:
                store_typeahead(keys, rest)
                return None
            print(f"! {printable(asked.complaint)}; Ctrl-C leaves it")  # noqa: T201
        # A session for each question, since a session remembers answers for the next one.
        session: PromptSession[str] = PromptSession(
            input=keys, is_password=question.secret, erase_when_done=True, history=DummyHistory()
        )
        try:
            asked.answer(await session.prompt_async(question.text))
        except (EOFError, KeyboardInterrupt):
            return None
    return asked.answers


def _take_typed(keys: Input) -> list[KeyPress]:
    """All that was typed by now, so that no prompt gets it."""
    typed = get_typeahead(keys)
    while more := keys.read_keys() + keys.flush_keys():
        typed += more
    return typed


def _after_ctrl_c(typed: list[KeyPress]) -> list[KeyPress] | None:
    """What the next line begins with: the keys before Ctrl-C were for what is left by it.

    None if it was not pressed.
    """
    pressed = [at for at, press in enumerate(typed) if press.key == Keys.ControlC]
    return typed[pressed[-1] + 1 :] if pressed else None


class _Keys(Vt100Input):
    """Keeps the terminal giving every key as it is pressed, also while a line is printed.

    While it prints, prompt_toolkit would have the terminal collect what is typed into lines, for
    programs that ask for one. Nothing here does, and the terminal would swallow a Ctrl-D.
    """

    def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def _keys() -> Input:
    given = get_app_session().input
    # Other inputs, as in tests, are not those of a terminal.
    return _Keys(given.stdin) if type(given) is Vt100Input else given


class LineCompleter(Completer):
    """Commands, and after them the rooms and people that were seen."""

    def __init__(self, client: LineClient) -> None:
        self._client = client

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        before = document.text_before_cursor
        if not before.startswith(":"):
            return
        words = before.split(" ")
        word = words[-1].lower()
        for candidate in self._candidates(words):
            if candidate.startswith(word):
                yield Completion(candidate, start_position=-len(word))

    def _candidates(self, words: list[str]) -> list[str]:
        if len(words) == 1:
            return [":" + name for name in COMMANDS]
        rooms, names = sorted(self._client.rooms), sorted(self._client.names)
        sigil = words[-1][:1]
        match named_by_last(words):
            case "command":
                return list(COMMANDS)
            case "room":
                return ["#" + room for room in rooms] if sigil == "#" else rooms
            case "user":
                return ["@" + name for name in names] if sigil == "@" else names
            case "either":
                return ["#" + room for room in rooms] + ["@" + name for name in names]
            case _:
                return []


class SecretFreeFileHistory(FileHistory):
    def __init__(self, path: str, holds_back: Callable[[str], bool]) -> None:
        super().__init__(path)
        self._holds_back = holds_back

    def append_string(self, string: str) -> None:
        if is_secret(string) or self._holds_back(string):
            return
        # The chat goes on if the history cannot be written, as on a full disk.
        with contextlib.suppress(OSError):
            super().append_string(string)


def _history(holds_back: Callable[[str], bool]) -> History:
    folder = state_folder()
    path = folder / "history"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return SecretFreeFileHistory(str(path), holds_back)


def _key_bindings() -> KeyBindings:
    bindings = KeyBindings()

    def clear_or_quit(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=EOFError)

    bindings.add("c-c")(clear_or_quit)
    return bindings
