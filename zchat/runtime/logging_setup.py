"""Log lines: text for people, or one JSON object a line for machines.

Names and addresses that others chose may be part of a line, so control characters are escaped:
nobody can forge a line, or control the terminal that shows it.
"""

import json
import logging
import re
import sys
import time
from typing import Any, Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; all else on one is what a call gave as `extra`."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_LINES: Final = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_BEGINS_LIKE_A_LINE: Final = re.compile(r"^(?=\d{4}-)", re.MULTILINE)
_PLAIN: Final = re.compile(r"[^\s\"=]+")


def formatter(program: str, log_format: str) -> logging.Formatter:
    """For the setting `log_format`: text or json."""
    return JsonFormatter(program) if log_format == "json" else TextFormatter(program)


class TextFormatter(logging.Formatter):
    """Time, level, program, message, and then what else is known as `key=value`."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {key}={_value(value)}" for key, value in _extras(record).items())
        line = (
            f"{_time(record)} {record.levelname:8} {self._program} "
            f"{_escaped(record.getMessage())}{extras}"
        )
        if traceback := _traceback(self, record):
            line += "\n" + _BEGINS_LIKE_A_LINE.sub("  ", traceback)
        return line


class JsonFormatter(logging.Formatter):
    """One object a line: `time`, `level`, `program`, `pid`, `message`, and what else is known."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "program": self._program,
            "pid": record.process,
            "message": record.getMessage(),
        }
        # Those that every line has say what they say, whatever else is known.
        fields = fields | {k: v for k, v in _extras(record).items() if k not in fields}
        if traceback := _traceback(self, record):
            fields["traceback"] = traceback
        # All other control characters, and what only looks like none, are escaped by themselves.
        return json.dumps(fields, default=str).replace("\x7f", "\\u007f")


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03}Z"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _value(value: object) -> str:
    text = _escaped(str(value))
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return _CONTROL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _traceback(writer: logging.Formatter, record: logging.LogRecord) -> str:
    """Over several lines, none of which has a control character."""
    if not record.exc_info or record.exc_info == (None, None, None):
        return ""
    return _CONTROL_IN_LINES.sub(_escape, writer.formatException(record.exc_info))


def to_stderr(program: str, level: str, log_format: str) -> logging.Logger:
    """Sends all logs there; returns the program's logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(program, log_format))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("zchat").setLevel(level.upper())
    return logging.getLogger(f"zchat.{program}")
