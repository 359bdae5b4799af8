"""What a bot's command takes, as its function says it: one word for each parameter.

A parameter after `*` takes all the rest of the text; one with a default may be left out; `int` and
`float` are numbers.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from zchat.client.bot_message import Message

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
