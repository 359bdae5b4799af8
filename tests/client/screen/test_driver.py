"""What a terminal sends, as the full-screen client understands it."""

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

import zchat.client.screen.driver  # noqa: F401 - what it changes is looked at.


@pytest.mark.parametrize("digit", "123456789")
def test_alt_and_a_digit_is_not_a_sign(digit: str) -> None:
    parser = XTermParser()
    keys = [*parser.feed(f"\x1b{digit}"), *parser.feed("")]
    assert [each.key for each in keys if isinstance(each, Key)] == [f"alt+{digit}"]


@pytest.mark.parametrize("char", "12349agnuz")
def test_alt_is_alt_also_in_haste(char: str) -> None:
    events = XTermParser().feed(f"so\r\x1b{char}garden\r\x1b[A")
    keys = [each.key for each in events if isinstance(each, Key)]
    assert keys == ["s", "o", "enter", f"alt+{char}", *"garden", "enter", "up"]
