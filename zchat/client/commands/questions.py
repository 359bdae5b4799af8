"""What a person is asked, one after another, and again where an answer will not do.

Whoever asks holds on to the keyboard until all of it is over: an answer that is given where
nothing asks would be said to everyone.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from zchat.client.core import checks
from zchat.client.core.checks import InvalidRequest
from zchat.protocol import limits


def _any_will_do(answers: Sequence[str]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is typed for a secret is not shown.

    `refuse` says of all answers up to its own why they will not do; empty if they will. Of those
    that will not, the last `again` are asked for anew.
    """

    text: str
    secret: bool = True
    refuse: Callable[[Sequence[str]], str] = _any_will_do
    again: int = 1


class AskQuestions(Protocol):
    def __call__(
        self, questions: Sequence[Question], complaint: str = ""
    ) -> Coroutine[None, None, list[str] | None]:
        """Gives an answer to each question; None if the person thought better of it.

        `complaint` is why they are put once more.
        """


class Questions:
    """`complaint` says why the next question is put again; empty if it is not."""

    def __init__(self, questions: Sequence[Question], complaint: str = "") -> None:
        self._questions = questions
        self.complaint = complaint
        self.answers: list[str] = []

    @property
    def next(self) -> Question | None:
        """None once all are answered."""
        at = len(self.answers)
        return self._questions[at] if at < len(self._questions) else None

    def answer(self, text: str) -> None:
        """To the next one."""
        question = self.next
        assert question is not None
        if not text:
            # Enter that was pressed twice is no wish to be asked nothing more.
            self.complaint = "nothing was given"
            return
        self.answers.append(text)
        self.complaint = question.refuse(self.answers)
        if self.complaint:
            del self.answers[-question.again :]


def _too_short(answers: Sequence[str]) -> str:
    try:
        checks.new_password(answers[-1])
    except InvalidRequest as error:
        return str(error)
    return ""


def _differ(answers: Sequence[str]) -> str:
    return "" if answers[-1] == answers[-2] else "the passwords differ; once more from the first"


NEW_PASSWORD: Final = (
    Question(f"New password, {limits.PASSWORD_CHARS_MIN} or more characters: ", refuse=_too_short),
    Question("Once more: ", refuse=_differ, again=2),
)
