"""What a person has written into the client's file of settings: read once, and never in the way.

Whatever is wrong in it is a sentence with the line, and all else of it is as it says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from zchat.client.files import config_folder, state_folder

FILE_NAME: Final = "client.toml"
FILE_BYTES_MAX: Final = 256 * 1024
TROUBLES_MAX: Final = 10
"""More of them are not told at once."""
WORDS_MAX: Final = 50
WORD_CHARS_MAX: Final = 64

Value: TypeAlias = object


@dataclass(slots=True)
class Config:
    fold_moves: bool = True
    """People who come and go, one after another, are one line."""
    highlight: tuple[str, ...] = ()
    """Words that call the person as their name does."""
    log_folder: Path | None = None
    """Where all that is said is written to files as well; None for nowhere."""
    theme: str = ""
    """The one to begin with where none was chosen with a key."""
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By action; an action without keys has none any more."""
    themes: dict[str, dict[str, Value]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    source: str = ""
    """The text of the file."""

    def complain(self, word: str, trouble: str, table: str = "") -> None:
        """`word` stands in the line that is meant, in that table if it may stand in several."""
        if len(self.troubles) < TROUBLES_MAX:
            self.troubles.append(f"{FILE_NAME}, {line_of(self.source, word, table)}: {trouble}")


def read(folder: Path | None = None) -> Config:
    """Where there is no file, everything is as it is usual."""
    path = (folder or config_folder()) / FILE_NAME
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return Config()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return Config(troubles=[f"{path} cannot be read: {reason}"])
    if len(content) > FILE_BYTES_MAX:
        return Config(troubles=[f"{path} is too long: at most {FILE_BYTES_MAX:,} bytes are read"])
    try:
        source = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Config(troubles=[f"{FILE_NAME}, line {line}: what stands there is not UTF-8"])
    return parse(source)


def parse(source: str) -> Config:
    # Here and not above: who has no such file need not wait for it.
    import tomllib  # noqa: PLC0415

    config = Config(source=source)
    try:
        found = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        config.troubles.append(_syntax(str(error)))
        return config
    for name, value in found.items():
        _take(config, name, value)
    return config


def line_of(source: str, word: str, table: str = "") -> str:
    """The first line with that word before a value or in the name of a table."""
    header = re.search(rf"^[ \t]*\[.*{re.escape(table)}", source, re.MULTILINE) if table else None
    begin = header.start() if header is not None else 0
    quoted = re.escape(word)
    for text in (rf"^[ \t]*[\"']?{quoted}[\"']?[ \t]*=", rf"^[ \t]*\[.*{quoted}", quoted):
        if (found := re.compile(text, re.MULTILINE).search(source, begin)) is not None:
            return f"line {source.count(chr(10), 0, found.start()) + 1}"
    return "somewhere"


def _syntax(error: str) -> str:
    at = re.search(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", error, re.DOTALL)
    if at is None:
        return f"{FILE_NAME}: {error}"
    where = f"line {at[2]}" if at[2] else "at its end"
    return f"{FILE_NAME}, {where}: {at[1][:1].lower()}{at[1][1:]}; nothing of the file is used"


def _take(config: Config, name: str, value: Value) -> None:
    match name, value:
        case "fold-moves", bool():
            config.fold_moves = value
        case "fold-moves", _:
            config.complain(name, "fold-moves is true or false")
        case "highlight", list():
            config.highlight = _words(config, value)
        case "highlight", _:
            config.complain(name, 'highlight is a list of words, as ["tea", "release"]')
        case "log-files", bool() | str():
            config.log_folder = _log_folder(config, value)
        case "log-files", _:
            config.complain(name, "log-files is true, false or a folder")
        case "theme", str():
            config.theme = value
        case "theme", _:
            config.complain(name, 'theme is a name, as "dark"')
        case "keys", dict():
            _take_keys(config, value)
        case "themes", dict():
            _take_themes(config, value)
        case (("keys" | "themes"), _):
            config.complain(name, f"{name} is a table: a line [{name}], and below it what is in it")
        case _:
            config.complain(name, f"there is no setting {name}")


def _words(config: Config, values: list[Value]) -> tuple[str, ...]:
    words = [value.strip() for value in values if isinstance(value, str)]
    good = [word for word in words if 0 < len(word) <= WORD_CHARS_MAX]
    if len(good) < len(values) or len(good) > WORDS_MAX:
        config.complain(
            "highlight",
            f"highlight takes up to {WORDS_MAX} words of 1 to {WORD_CHARS_MAX} characters",
        )
    return tuple(good[:WORDS_MAX])


def _log_folder(config: Config, value: bool | str) -> Path | None:
    if value is False:
        return None
    try:
        folder = state_folder() / "logs" if value is True else Path(value).expanduser()
    except RuntimeError:
        config.complain("log-files", "whose home that is is not known")
        return None
    if not folder.is_absolute():
        config.complain("log-files", "the folder begins with / or ~")
        return None
    return folder


def _take_keys(config: Config, given: Mapping[str, Value]) -> None:
    for action, value in given.items():
        keys = [value] if isinstance(value, str) else value
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            config.keys[action] = tuple(keys)
        else:
            config.complain(action, f'{action} takes a key, as "ctrl+g", or a list of them')


def _take_themes(config: Config, given: Mapping[str, Value]) -> None:
    for name, colours in given.items():
        if isinstance(colours, dict):
            config.themes[name] = colours
        else:
            config.complain(name, f"a theme is a table: a line [themes.{name}], and colours below")
