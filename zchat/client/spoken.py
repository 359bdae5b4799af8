"""The line client on a terminal where nothing is drawn: as a screen reader reads it out well.

The terminal itself echoes what is typed, and what was printed never changes.
"""

import asyncio
import contextlib
import termios
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from zchat.client import plain
from zchat.client.line import LineClient
from zchat.client.questions import Question, Questions
from zchat.client.render import Renderer

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

    def __init__(self) -> None:
        self._lines: AsyncIterator[str] = plain.read_lines()
        self._answer: asyncio.Future[str] | None = None
        self._early: list[str] = []
        """Answers to what is still to be asked."""

    async def converse(self, client: LineClient) -> None:
        """Until the person says `:quit`, or Ctrl-D on an empty line."""
        async for line in self._lines:
            if self._answer is not None:
                self._answer.set_result(line)
                self._answer = None
            elif client.is_asking:
                self._early.append(line)
            else:
                if self._early:
                    plain.show(["! not said, since it was typed while something was asked"])
                    self._early.clear()
                if not client.enter(line):
                    return

    async def ask(self, questions: Sequence[Question], complaint: str = "") -> list[str] | None:
        """One after another. None if the person left one without an answer, twice."""
        if complaint:
            self._early.clear()
        asked, is_empty = Questions(questions, complaint), False
        while (question := asked.next) is not None:
            if asked.complaint:
                leave = "; another empty line leaves it" if is_empty else ""
                plain.show([f"! {asked.complaint}{leave}"])
            answer = await self._answer_to(question)
            if not answer and is_empty:
                return None
            is_empty = not answer
            asked.answer(answer)
            if asked.complaint:
                # What was typed ahead was meant for another question.
                self._early.clear()
        return asked.answers

    async def _answer_to(self, question: Question) -> str:
        if self._early:
            plain.show([question.text])
            return self._early.pop(0)
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
