"""How log lines look, and that nobody can forge one."""

import json
import logging
import os
import re
import sys
from typing import Any

import pytest

from zchat.runtime.logging_setup import formatter

NASTY = 'a\n2026-01-01T00:00:00.000Z INFO     router forged\x1b[2J\x7f\x85\u2028\u202eb" = c'


def written(log_format: str, message: str, *arguments: object, **extra: Any) -> str:
    log = logging.getLogger("zchat.test_logs")
    record = log.makeRecord(log.name, logging.INFO, "", 1, message, arguments, None, extra=extra)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    return formatter("router", log_format).format(record)


def test_text_has_what_else_is_known_at_its_end() -> None:
    line = written("text", "logged in at %s", 7, user="ann", reason="too many", code=None)
    assert line == (
        "2023-11-14T22:13:20.250Z INFO     router logged in at 7 "
        'user=ann reason="too many" code=None'
    )


def test_json_is_one_object_with_all_of_it() -> None:
    line = written("json", "logged in at %s", 7, user="ann", ms=1.5)
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "program": "router",
        "pid": os.getpid(),
        "message": "logged in at 7",
        "user": "ann",
        "ms": 1.5,
    }


def test_what_every_line_says_cannot_be_said_otherwise() -> None:
    fields = json.loads(written("json", "hello", level="critical", program="gateway"))
    assert (fields["level"], fields["program"]) == ("info", "router")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_control_character_leaves_as_it_is(log_format: str) -> None:
    line = written(log_format, "said %s", NASTY, user=NASTY)
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]", line) is None


def test_json_gives_back_what_was_said() -> None:
    fields = json.loads(written("json", "said %s", NASTY, user=NASTY))
    assert (fields["message"], fields["user"]) == (f"said {NASTY}", NASTY)


def with_traceback(log_format: str) -> str:
    log = logging.getLogger("zchat.test_logs")
    try:
        raise ValueError(NASTY)
    except ValueError:
        record = log.makeRecord(log.name, logging.ERROR, "", 1, "bug", (), sys.exc_info())
    return formatter("router", log_format).format(record)


def test_a_traceback_forges_no_line_either() -> None:
    first, *rest = with_traceback("text").split("\n")
    assert first.endswith("ERROR    router bug")
    assert rest[0] == "Traceback (most recent call last):"
    assert not any(re.match(r"\d{4}-", line) for line in rest)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "".join(rest)) is None


def test_a_traceback_in_json_is_a_field() -> None:
    line = with_traceback("json")
    assert "\n" not in line
    assert json.loads(line)["traceback"].startswith("Traceback (most recent call last):\n")
