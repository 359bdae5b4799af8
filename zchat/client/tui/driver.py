"""Textual's way to the terminal, as terminals are: some are closed, and keys come as they do."""

import os
import signal
import string
import termios
from typing import Final, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from zchat.programs import typed_ahead


# Textual takes Alt with a digit for the character that a Mac's Option key makes of it, and in a
# terminal that does not tell more of its keys nobody could go to a conversation by its place. With
# other letters it takes it for what it is only where nothing else is typed at the same time.
class _Named(NamedTuple):
    value: str


_KEYS: Final = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
for _char in string.digits:
    _KEYS[f"\x1b{_char}"] = (_Named(f"alt+{_char}"),)
for _char in string.ascii_lowercase:
    _KEYS.setdefault(f"\x1b{_char}", (_Named(f"alt+{_char}"),))
_KEYS.setdefault("\x1b\r", (_Named("alt+enter"),))


class HangUpDriver(LinuxDriver):
    """What is drawn goes nowhere once the terminal is gone.

    Textual's thread that writes ends with the first error, and its queue, which nobody empties any
    more, would soon hold up whoever draws: no goodbye could be said.
    """

    def start_application_mode(self) -> None:
        # The shell and the system may both tell a stopped client to go on, as when its terminal is
        # closed. Of two threads that read keys the end would reach one, and the other would go on
        # with a closed terminal for ever; so would one that begins when the client has ended.
        if self._app._exit or not self._may_draw():
            return
        if self._key_thread is not None and self._key_thread.is_alive():
            return
        early = XTermParser()
        for event in (*early.feed(typed_ahead.take()), *early.tick()):
            self.process_message(event)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # Others get the terminal as it was before it was held for this one.
        self.attrs_before = typed_ahead.former() or self.attrs_before

    def _may_draw(self) -> bool:
        """Whether the terminal is there; in the background it is waited for, stopped.

        Textual stops itself with SIGSTOP then, a moment after it was told to. If the terminal is
        closed in between, there is no shell any more that could bring it back, and it never ends.
        What the system stops itself it lets go on when the shell is gone.
        """
        if os.isatty(self.fileno):
            try:
                termios.tcsetattr(self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno))
            except termios.error:
                return False
        return True

    @property
    def _is_heard(self) -> bool:
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def write(self, data: str) -> None:
        if self._is_heard:
            super().write(data)

    def close(self) -> None:
        if self._is_heard:
            super().close()

    def _sigtstp_application(self, *_: object) -> None:
        """Gives the terminal back and stops, as all that was started along with it.

        Textual's own stops the client alone, for good where no shell could bring it back. This way
        the system ignores it there, and the screen comes at once.
        """
        restarts = self._auto_restart
        if restarts:
            self.suspend_application_mode()
            self._must_signal_resume = True
        again = signal.signal(signal.SIGCONT, signal.SIG_IGN)
        stop = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        # Here it goes on, whenever that is.
        signal.signal(signal.SIGTSTP, stop)
        signal.signal(signal.SIGCONT, again)
        if restarts:
            self.resume_application_mode()
