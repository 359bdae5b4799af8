"""The line client on a terminal where nothing is drawn: as a screen reader reads it out well.

The terminal itself echoes what is typed, and what was printed never changes.
"""

import asyncio
import contextlib
import termios
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from zchat.client.commands.questions import Question, Questions
from zchat.client.commands.table import names_command
from zchat.client.line import plain
from zchat.client.line.line_client import LineClient
from zchat.client.text.renderer import Renderer

_STDIN: Final = 0


class SpokenRenderer(Renderer):
    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        """A line for each row that needs no other: what stands above a cell is not heard."""
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
    """Its lines are for the chat, or answer questions, while those are asked."""

    def __init__(self, lines: AsyncIterator[str] | None = None) -> None:
        self._lines = lines or plain.read_lines()
        self._answer: asyncio.Future[str] | None = None
        self._typed: deque[str] = deque()
        """Ahead of who takes them."""
        self._is_over = False
        self._news = asyncio.Event()

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
                        plain.show([asked])
                elif not client.enter(self._typed.popleft()):
                    return
            # It has an error if the input could not be read.
            await reading
        finally:
            reading.cancel()

    async def _read(self) -> None:
        try:
            async for line in self._lines:
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

    def _forget_all_but_commands(self) -> bool:
        """Whether anything was forgotten: it was meant for a question, and may be a secret."""
        commands = [line for line in self._typed if names_command(line)]
        forgotten = len(commands) < len(self._typed)
        self._typed = deque(commands)
        return forgotten

    async def ask(self, questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        """One after another. None if the person left one without an answer, twice."""
        if complaint:
            self._forget_all_but_commands()
        asked, is_empty = Questions(questions, complaint), False
        while (question := asked.next) is not None:
            if asked.complaint:
                leave = "; another empty line leaves it" if is_empty else ""
                plain.show([f"! {asked.complaint}{leave}"])
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
            plain.show([question.text])
            return self._typed.popleft()
        if self._is_over:
            return ""
        with _unseen() if question.secret else contextlib.nullcontext():
            # Asked only now: whoever is quick would see the answer.
            self._answer = asyncio.get_running_loop().create_future()
            plain.show([question.text])
            return await self._answer


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """What is typed is not echoed."""
    before = termios.tcgetattr(_STDIN)
    unseen = list(before)
    unseen[3] &= ~termios.ECHO
    termios.tcsetattr(_STDIN, termios.TCSADRAIN, unseen)
    try:
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
