"""The line client where nothing is drawn: in a pipe, and on a terminal as a screen reader reads it.

Lines in, lines out, with no prompt and no colour. A terminal itself echoes what is typed, and what
was printed never changes.
"""

import asyncio
import codecs
import contextlib
import errno
import os
import sys
import termios
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from zchat.client.commands.questions import Question, Questions
from zchat.client.commands.table import names_command
from zchat.client.exit_codes import WRONG_USAGE, Failed
from zchat.client.line.line_client import LineClient
from zchat.client.text.renderer import Renderer
from zchat.protocol import limits

# --- Input and output -----------------------------------------------------------------------------

LINE_CHARS_MAX: Final = 2 * limits.TEXT_CHARS_MAX
"""A longer line is cut there, so that input without line ends does not fill the memory. It is still
too long for a message, and refused."""
CHUNK_BYTES: Final = 64 * 1024
CHUNKS_WAITING_MAX: Final = 4
"""So much is read ahead; then whoever writes to us has to wait."""
UNANSWERED_MAX: Final = 1_000
"""Requests under way; further lines are read as fast as the server confirms these. It is far below
`CLIENT_QUEUE_MAX`, past which a line would be refused."""


def show(lines: list[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


async def read_lines() -> AsyncIterator[str]:
    """The lines of standard input, be it a pipe, a file or a terminal.

    Raises `Failed` if it cannot be read.
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    chunks: asyncio.Queue[bytes] = asyncio.Queue(CHUNKS_WAITING_MAX)

    def read() -> None:
        # Plain reads, since a thread in `sys.stdin` would hold its lock while Python exits.
        chunk = b"more"
        while chunk:
            try:
                chunk = os.read(0, CHUNK_BYTES)
            except OSError as error:
                failures.append(error)
                chunk = b""
            try:
                asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
            except (RuntimeError, asyncio.CancelledError):
                return  # The loop is over.

    # In a thread, since a file cannot be awaited. A daemon, since a read that never returns must
    # not keep the process alive.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    # What is no UTF-8 is kept as it is, for the checks to refuse the line and not to end the input.
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    partial, cut = "", False
    while True:
        chunk = await chunks.get()
        partial += decoder.decode(chunk, final=not chunk)
        *lines, partial = partial.split("\n")
        if lines and cut:
            # The rest of a line that has been refused is no line of its own.
            del lines[0]
            cut = False
        if cut:
            partial = ""
        elif len(partial) > LINE_CHARS_MAX:
            lines.append(partial[:LINE_CHARS_MAX])
            partial, cut = "", True
        if not chunk and partial:
            lines.append(partial)
        for line in lines:
            yield line.removesuffix("\r")
        if not chunk:
            # A terminal that is gone is an end like any other.
            if failures and failures[0].errno != errno.EIO:
                raise Failed(WRONG_USAGE, f"cannot read the input: {failures[0].strerror}")
            return


async def converse(client: LineClient) -> None:
    """Until the input ends or says `:quit`."""
    async for line in read_lines():
        if not client.enter(line):
            return
        await client.wait_for_capacity(UNANSWERED_MAX)


# --- On a terminal, for a screen reader -----------------------------------------------------------

_STDIN: Final = 0
TYPED_LINES_MAX: Final = 200
"""Lines that are read ahead of who takes them; then a paste has to wait, as a pipe has."""


class SpokenRenderer(Renderer):
    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        """Repeats the title of its column in each cell: who listens does not hear the row above."""
        titles = [title.strip() for title in head]
        return [
            ", ".join(
                f"{title} {cell.strip()}" if title else cell.strip()
                for title, cell in zip(titles, row, strict=True)
                if cell.strip()
            )
            for row in rows
        ]


class Keyboard:
    """What a person types: lines for the chat, or answers while a command asks something."""

    def __init__(self, lines: AsyncIterator[str] | None = None) -> None:
        self._lines = lines or read_lines()
        self._answer: asyncio.Future[str] | None = None
        self._typed: deque[str] = deque()
        """Lines that nobody has taken yet."""
        self._is_over = False
        self._news = asyncio.Event()
        self._wanted = asyncio.Event()
        """Set when lines were taken, or one is wanted for an answer."""

    async def converse(self, client: LineClient) -> None:
        """Until the person says `:quit`, or Ctrl-D on an empty line."""
        reading = asyncio.create_task(self._read())
        try:
            while not self._is_over or self._typed:
                if not self._typed:
                    self._news.clear()
                    await self._news.wait()
                elif client.executor.is_asking:
                    await client.executor.dialogue_over()
                    if self._forget_all_but_commands():
                        asked = "! not said, since it was typed while something was asked"
                        show([asked])
                elif not client.enter(self._take()):
                    return
                else:
                    await client.wait_for_capacity(UNANSWERED_MAX)
            # Raises `Failed` if the input could not be read.
            await reading
        finally:
            reading.cancel()

    async def _read(self) -> None:
        try:
            async for line in self._lines:
                # An answer is wanted also where what is waiting is for later: commands, all of it.
                while len(self._typed) >= TYPED_LINES_MAX and self._answer is None:
                    self._wanted.clear()
                    await self._wanted.wait()
                if self._answer is not None:
                    self._answer.set_result(line)
                    self._answer = None
                else:
                    self._typed.append(line)
                    self._news.set()
        finally:
            self._is_over = True
            self._news.set()
            if self._answer is not None:
                self._answer.set_result("")

    def _take(self) -> str:
        self._wanted.set()
        return self._typed.popleft()

    def _forget_all_but_commands(self) -> bool:
        """Drops lines that were meant for a question, and may be secrets; whether it had to."""
        commands = [line for line in self._typed if names_command(line)]
        forgotten = len(commands) < len(self._typed)
        self._typed = deque(commands)
        self._wanted.set()
        return forgotten

    async def ask(self, questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        """One after another. None if the person left one without an answer, twice."""
        if complaint:
            self._forget_all_but_commands()
        asked, is_empty = Questions(questions, complaint), False
        while (question := asked.next) is not None:
            if asked.complaint:
                leave = "; another empty line leaves it" if is_empty else ""
                show([f"! {asked.complaint}{leave}"])
            answer = await self._answer_to(question)
            if not answer and (is_empty or self._is_over):
                return None
            is_empty = not answer
            asked.answer(answer)
            if asked.complaint:
                # What was typed ahead was meant for another question.
                self._forget_all_but_commands()
        return asked.answers

    async def _answer_to(self, question: Question) -> str:
        if self._typed and not names_command(self._typed[0]):
            show([question.text])
            return self._take()
        if self._is_over:
            return ""
        with _unseen() if question.secret else contextlib.nullcontext():
            # Asked once the echo is off: a quick answer would be seen on the screen otherwise.
            self._answer = asyncio.get_running_loop().create_future()
            self._wanted.set()
            show([question.text])
            return await self._answer


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """What is typed is not echoed."""
    before = termios.tcgetattr(_STDIN)
    unseen = list(before)
    unseen[3] &= ~termios.ECHO  # The local modes, as termios numbers them.
    termios.tcsetattr(_STDIN, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
