"""What a terminal sends, as the full-screen client understands it."""

from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

from zchat.client.tui.driver import HangUpDriver


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


@pytest.mark.parametrize(("leaving", "reading"), [(True, False), (False, True)])
def test_no_second_thread_reads_keys_and_none_after_the_end(leaving: bool, reading: bool) -> None:
    """A shell and the system may both tell a stopped client to go on."""
    over = Event()
    thread = Thread(target=over.wait)
    thread.start()
    # Without a terminal: whoever goes on from here needs one.
    driver: Any = HangUpDriver.__new__(HangUpDriver)
    driver._app = SimpleNamespace(_exit=leaving)
    driver.fileno = -1
    driver._key_thread = thread if reading else None
    try:
        driver.start_application_mode()
        assert driver._key_thread is (thread if reading else None)
    finally:
        over.set()
        thread.join()
