"""Bots: functions that answer what people say, also what they said while the bot was down.

    from zchat.client.bot import Bot, Message

    bot = Bot("echo", "127.0.0.1:7447")

    @bot.command("echo", "Says it again.")
    async def echo(message: Message, *, text: str) -> None:
        await message.reply(text)

    bot.run()

What is promised:

- Each entry of each followed log is handed to the functions at least once and in the order of its
  log, from where the account has read, or the cursor file says. It counts as dealt with once they
  have returned, or failed, which is logged. So a bot that is killed sees again what it was at.
- What `Message.reply` and `Message.react` do until then is done once even so, if the function does
  the same again in the same order. Whatever else a function does may happen twice.
- What the bot's own account says is not handed on, nor what other bots say, unless it is told that
  it `hears_bots`: two that answer each other would do so for ever. An edit is no command.

Give a bot an account: what a guest has read is forgotten with it.
"""

import asyncio
import contextlib
import inspect
import logging
import signal
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from zchat.client.core import checks
from zchat.client.core.machine import LoggingOut
from zchat.client.sdk.chat import (
    DEFAULT_ADDRESS,
    CannotConnectError,
    Chat,
    OtherClusterError,
    connect,
)
from zchat.client.sdk.requests import RefusedError
from zchat.client.storage.cursor_file import CursorFile
from zchat.protocol import limits
from zchat.protocol.messages import (
    AddReaction,
    Command,
    Done,
    Entry,
    EntryBody,
    MessagePosted,
    PrivateMessageSent,
    RefusalCode,
    inbox_log,
)
from zchat.protocol.rules.names import safe_text
from zchat.protocol.rules.nonces import nonce

__all__ = ["Bot", "Message", "Unable"]

SAVE_ENTRIES: Final = 100
"""So many entries that no function was called for may have to be read again."""
SOMETHING_FAILED: Final = "something went wrong here; whoever runs me can read about it in the log"

# --- An entry as a bot gets it, and what is done about it once ------------------------------------

_REPLIES_MAX: Final = 1 << 16
"""Of one entry: it has so many numbers for the nonces of what is done about it."""
C = TypeVar("C", bound=Command)


class Message:
    """An entry that came to a bot: mostly what somebody has said.

    What `reply` and `react` do while a function deals with it has a nonce that is made of the entry
    and of how many there were before. A bot that was killed and handles the entry again does the
    same again, and the server knows it: it is done once.
    """

    def __init__(self, chat: Chat, entry: Entry, label: str) -> None:
        self.chat = chat
        self.entry = entry
        self._nonces: Callable[[], bytes] = _nonces(label, entry)

    def dealt_with(self) -> None:
        """What is done about it from now on is new, and would come too late for those nonces."""
        self._nonces = bytes

    @property
    def author(self) -> str:
        return self.entry.author

    @property
    def text(self) -> str:
        """What was said; empty of what is no message."""
        body = self.entry.body
        return body.text if isinstance(body, MessagePosted | PrivateMessageSent) else ""

    @property
    def is_by_bot(self) -> bool:
        """A program has said it; of what is no message nobody knows."""
        body = self.entry.body
        return isinstance(body, MessagePosted | PrivateMessageSent) and body.bot

    @property
    def is_private(self) -> bool:
        return self.entry.log == inbox_log(self.chat.name)

    @property
    def place(self) -> str:
        """Where an answer goes: `#room`, or `@name` of who has written in private."""
        return inbox_log(self.author) if self.is_private else self.entry.log

    async def reply(self, text: str) -> Done:
        """Where it was said, to everyone there. A text that is too long is cut.

        Control characters are left out, since much of what bots say was written by others.
        """
        text = safe_text(text)[: limits.TEXT_CHARS_MAX]
        is_said = isinstance(self.entry.body, MessagePosted | PrivateMessageSent)
        reply_to = self.entry.sequence if is_said else 0
        return await self._do(checks.saying(self.place, text, reply_to))

    async def react(self, emoji: str) -> Done:
        return await self._do(
            AddReaction(log=self.entry.log, sequence=self.entry.sequence, emoji=emoji)
        )

    async def _do(self, draft: Command) -> Done:
        try:
            answer = await self.chat.submit(replace(draft, nonce=self._nonces()))
        except RefusedError as error:
            if error.code is not RefusalCode.OVERTAKEN:
                raise
            # It has been done, so long ago that only this is known of it.
            return Done(0)
        assert isinstance(answer, Done)
        return answer


def _nonces(label: str, entry: Entry) -> Callable[[], bytes]:
    """A nonce for each thing that is done about the entry, always the same ones.

    A server takes the nonces of one prefix in their order only, and each log is handled in order.
    """
    prefix = sha256(f"{label}\0{entry.log}".encode()).digest()[: limits.NONCE_PREFIX_BYTES]
    first = entry.sequence * _REPLIES_MAX
    number = iter(range(first, first + _REPLIES_MAX))
    return lambda: nonce(prefix, next(number))


# --- The arguments of a bot's command, as its function says them ----------------------------------
# Each parameter takes one word, and one after `*` all the rest of the text. One with a default may
# be left out; `int` and `float` are numbers.

Answer = Callable[..., Awaitable[None]]
_KINDS: Final[dict[Any, tuple[Callable[[str], Any], str]]] = {
    str: (str, "a word"),
    int: (int, "a whole number"),
    float: (float, "a number"),
}


class Unable(Exception):
    """Raised by a command that cannot be done: its text is the reply."""


class WrongArguments(Unable):
    pass


@dataclass(frozen=True, slots=True)
class BotCommand:
    name: str
    summary: str
    answer: Answer
    words: tuple[inspect.Parameter, ...]
    rest: inspect.Parameter | None

    @property
    def usage(self) -> str:
        parameters = [*self.words, *([self.rest] if self.rest else [])]
        parts = [
            f"<{one.name}>" if one.default is one.empty else f"[{one.name}]" for one in parameters
        ]
        return " ".join([self.name, *parts])

    async def call(self, message: Message, text: str) -> None:
        """Raises `WrongArguments`, and what the command raises."""
        words, named = self._arguments(text)
        await self.answer(message, *words, **named)

    def _arguments(self, text: str) -> tuple[list[Any], dict[str, str]]:
        given: list[Any] = []
        for parameter in self.words:
            word, *others = text.split(maxsplit=1) or [""]
            if not word and parameter.default is parameter.empty:
                raise WrongArguments(f"{parameter.name} is missing")
            if not word:
                return given, {}
            given.append(_converted(parameter, word))
            text = "".join(others)
        if self.rest is None and text.strip():
            raise WrongArguments(f"{text.strip()[:40]!r} is too much")
        if self.rest is None or not text.strip():
            if self.rest is not None and self.rest.default is self.rest.empty:
                raise WrongArguments(f"{self.rest.name} is missing")
            return given, {}
        return given, {self.rest.name: text.strip()}


def command_of(name: str, summary: str, answer: Answer) -> BotCommand:
    """Raises `TypeError` for a function that can be no command."""
    _, *parameters = inspect.signature(answer, eval_str=True).parameters.values()
    words = [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    rest = [one for one in parameters if one.kind is one.KEYWORD_ONLY]
    kinds = {one.annotation for one in words} - _KINDS.keys() - {inspect.Parameter.empty}
    if len(words) + len(rest) < len(parameters) or len(rest) > 1 or kinds:
        raise TypeError(
            f"{name}: a command takes the message, then str, int or float, then one text after *"
        )
    return BotCommand(name.lower(), summary, answer, tuple(words), rest[0] if rest else None)


def _converted(parameter: inspect.Parameter, word: str) -> Any:
    convert, what = _KINDS.get(parameter.annotation, _KINDS[str])
    try:
        return convert(word)
    except ValueError:
        raise WrongArguments(f"{parameter.name} is {what}, and {word[:40]!r} is not") from None


# --- The bot --------------------------------------------------------------------------------------

Reaction = TypeVar("Reaction", bound=Callable[[Message], Awaitable[None]])
Task = TypeVar("Task", bound=Callable[[Chat], Awaitable[None]])
AnswerT = TypeVar("AnswerT", bound=Answer)

_log = logging.getLogger(__name__)


class Bot:
    """`login` is what `connect` takes besides: a `token` or `password`, `tls`, and so on. A bot for
    few rooms of many names them in `logs`, and one that answers only what is new says `from_head`.

    The bot joins `rooms` when it comes. Commands begin with `prefix`, or with the bot's name, as in
    `@echo echo hello`; in private they need neither. With a `cursor_file`, how far the bot has come
    stands there, and the account's read markers are left to the person who shares it; several bots
    of one account need files of different names.
    """

    def __init__(
        self,
        name: str,
        address: str | Sequence[str] = DEFAULT_ADDRESS,
        *,
        rooms: Sequence[str] = (),
        prefix: str = "!",
        cursor_file: Path | str | None = None,
        hears_bots: bool = False,
        **login: Any,
    ) -> None:
        self._name = checks.user_name(name)
        self._address = address
        self._rooms = [checks.room_name(room) for room in rooms]
        self._prefix = prefix
        self._hears_bots = hears_bots
        self._file = None if cursor_file is None else CursorFile(Path(cursor_file))
        self._label = f"{self._name}\0{Path(cursor_file).name if cursor_file else ''}"
        self._login = login
        self._commands: dict[str, BotCommand] = {}
        self._reactions: dict[type, list[Callable[[Message], Awaitable[None]]]] = defaultdict(list)
        self._background: list[Callable[[Chat], Awaitable[None]]] = []
        self._cursors: dict[str, int] = {}
        self._unsaved = 0
        self.command("help", "What I can do.")(self._help)

    # --- What it does ---------------------------------------------------------------------------

    def command(self, name: str, help: str = "") -> Callable[[AnswerT], AnswerT]:  # noqa: A002
        """The function is called with the message and the words after the name."""

        def add(answer: AnswerT) -> AnswerT:
            self._commands[name.lower()] = command_of(name, help, answer)
            return answer

        return add

    def on(self, *kinds: type[EntryBody]) -> Callable[[Reaction], Reaction]:
        """The function is called for all entries with such a body, commands among them."""

        def add(reaction: Reaction) -> Reaction:
            for kind in kinds:
                self._reactions[kind].append(reaction)
            return reaction

        return add

    def background(self, task: Task) -> Task:
        """The function runs beside the others while the bot is logged in."""
        self._background.append(task)
        return task

    # --- Running --------------------------------------------------------------------------------

    def run(self) -> None:
        """Until SIGINT or SIGTERM. Exits with the reason if no server is there, or will have it."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        try:
            asyncio.run(self._until_told())
        except KeyboardInterrupt:
            pass
        except (RefusedError, CannotConnectError, OtherClusterError) as error:
            sys.exit(f"{self._name}: {error}")

    async def serve(self) -> None:
        """Until the session ends, or the task is cancelled. Raises what `connect` does."""
        self._cursors = self._file.read() if self._file else {}
        login = {"bot": True, **self._login, "cursors": self._cursors, "mark_read": False}
        async with connect(self._name, self._address, **login) as chat:
            beside = [asyncio.create_task(self._beside(task, chat)) for task in self._background]
            try:
                await self._join_rooms(chat)
                await self._follow(chat)
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                self._save()

    async def _follow(self, chat: Chat) -> None:
        async for entry in chat:
            message = Message(chat, entry, self._label)
            try:
                await self._take(message)
            except LoggingOut:
                break  # The session ended in the middle: the next one begins with this entry.
            message.dealt_with()
            self._dealt_with(chat, entry)
        async for _ in chat:
            pass  # The end of it says why.

    async def _until_told(self) -> None:
        serving = asyncio.ensure_future(self.serve())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    async def _beside(self, task: Callable[[Chat], Awaitable[None]], chat: Chat) -> None:
        try:
            await task(chat)
        except Exception:  # noqa: BLE001 - What fails there must not end what works here.
            _log.exception("what runs beside has failed, and runs no more")

    async def _join_rooms(self, chat: Chat) -> None:
        for room in self._rooms:
            if room not in chat.rooms_followed:
                try:
                    await chat.join(room)
                except RefusedError as error:
                    _log.error("cannot join #%s: %s", room, error.reason)

    # --- An entry -------------------------------------------------------------------------------

    async def _take(self, message: Message) -> None:
        """Raises `LoggingOut` if the session has ended, and it is not dealt with."""
        if message.author == message.chat.name or (message.is_by_bot and not self._hears_bots):
            return
        body = message.entry.body
        for reaction in self._reactions.get(type(body), ()):
            await self._call(message, reaction(message))
        if isinstance(body, MessagePosted | PrivateMessageSent) and (found := self._find(message)):
            await self._call(message, self._answer(message, *found))

    def _find(self, message: Message) -> tuple[str, str] | None:
        """The name of the command and what follows; None if it is no command for this bot."""
        text, me = message.text.strip(), message.chat.name
        first, *rest = text.split(maxsplit=1) or [""]
        called = first.lower() in (f"@{me}", f"@{me}:", f"@{me},", f"{me}:", f"{me},")
        if called:
            text = "".join(rest)
        begun = text.startswith(self._prefix)
        name, *rest = text.removeprefix(self._prefix).split(maxsplit=1) or [""]
        # What begins with the prefix alone may be for another bot.
        if called or message.is_private or (begun and name.lower() in self._commands):
            return name.lower(), "".join(rest)
        return None

    async def _answer(self, message: Message, name: str, text: str) -> None:
        command = self._commands.get(name)
        if command is None:
            await message.reply(f"I do not know {name[:40]!r}; {self._prefix}help says what I do")
            return
        try:
            await command.call(message, text)
        except WrongArguments as error:
            await message.reply(f"{error}. Usage: {self._prefix}{command.usage}")
        except Unable as error:
            await message.reply(str(error))

    async def _call(self, message: Message, work: Awaitable[None]) -> None:
        """What fails is logged. Raises `LoggingOut` if it failed since the session has ended."""
        self._unsaved = SAVE_ENTRIES
        try:
            await work
        except LoggingOut:
            raise
        except Exception as error:
            if message.chat.is_over:
                raise LoggingOut("the session ended in the middle") from error
            entry = message.entry
            _log.exception("number %d of %s could not be handled", entry.sequence, entry.log)
            if not isinstance(error, RefusedError) and self._find(message) is not None:
                await self._apologise(message)

    async def _apologise(self, message: Message) -> None:
        try:
            await message.reply(SOMETHING_FAILED)
        except RefusedError as error:
            _log.warning("that could not be said: %s", error.reason)

    def _dealt_with(self, chat: Chat, entry: Entry) -> None:
        self._cursors[entry.log] = entry.sequence
        self._unsaved += 1
        if self._file is None:
            chat.mark_read(entry.log, entry.sequence)
        elif self._unsaved >= SAVE_ENTRIES:
            self._save()

    def _save(self) -> None:
        if self._file is not None and self._unsaved:
            self._file.write(self._cursors)
            self._unsaved = 0

    async def _help(self, message: Message, command: str = "") -> None:
        known = self._commands.get(command.lower().removeprefix(self._prefix))
        if command and known is None:
            raise Unable(f"I do not know {command[:40]!r}")
        shown = [known] if known else list(self._commands.values())
        await message.reply(
            "\n".join(f"{self._prefix}{one.usage}  {one.summary}".rstrip() for one in shown)
        )
