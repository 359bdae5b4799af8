"""The terminal under the line client's prompt."""

import os
import pty
import termios
import tty

from zchat.client.line.terminal import _Keys


def test_no_key_is_taken_by_the_terminal_while_a_line_is_printed() -> None:
    """Else Ctrl-D, pressed in that moment, would be the end of a line that nobody reads."""
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        with os.fdopen(os.dup(theirs), encoding="utf-8") as stdin, _Keys(stdin).cooked_mode():
            assert not termios.tcgetattr(theirs)[3] & termios.ICANON
            os.write(ours, b"\x04")
            assert os.read(theirs, 8) == b"\x04"
    finally:
        os.close(ours)
        os.close(theirs)
