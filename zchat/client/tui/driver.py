"""Textual's driver of the terminal, for terminals that are closed, stopped, or send keys early."""

import os
import signal
import string
import termios
from typing import Final, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from zchat.programs import typed_ahead


# Most terminals send Alt with a key as Escape and the key. Textual takes Alt with a digit for the
# character that a Mac's Option key makes of it: Alt-1 to Alt-9 would be lost. Alt with a letter it
# knows only if nothing else is typed at the same time.
class _Named(NamedTuple):
    """Stands in the table for one of Textual's named keys, of which it reads only the value."""

    value: str


_KEYS: Final = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
for _char in string.digits:
    _KEYS[f"\x1b{_char}"] = (_Named(f"alt+{_char}"),)
for _char in string.ascii_lowercase:
    _KEYS.setdefault(f"\x1b{_char}", (_Named(f"alt+{_char}"),))
_KEYS.setdefault("\x1b\r", (_Named("alt+enter"),))


class HangUpDriver(LinuxDriver):
    """Survives a terminal that is closed.

    Textual writes in a thread, which ends with the first error. Its queue would fill up then, and
    block whoever draws, so that the client could not log out. From then on nothing is written.
    """

    def start_application_mode(self) -> None:
        # A stopped client may be told twice to go on, by the shell and by the system, as when its
        # terminal is closed. Of two threads that read keys only one would be ended, and the other
        # would read the closed terminal for ever. So would a thread that is begun after the end.
        if self._app._exit or not self._may_draw():
            return
        if self._key_thread is not None and self._key_thread.is_alive():
            return
        # Keys that were typed while the client was loading come first.
        early = XTermParser()
        for event in (*early.feed(typed_ahead.take()), *early.tick()):
            self.process_message(event)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # What Textual found are the attributes with which `typed_ahead` has held the terminal for
        # those keys. At the end it is to be as it was before that.
        self.attrs_before = typed_ahead.former() or self.attrs_before

    def _may_draw(self) -> bool:
        """Whether the terminal is there. In the background this waits until somebody says `fg`.

        A process in the background that sets the terminal's attributes is stopped by the system,
        with SIGTTOU, and let go on by it when the shell is gone. Textual would instead stop itself
        with SIGSTOP, a moment later: if the terminal is closed in between, no shell is there to
        bring it back, and it never ends.
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
        """Ctrl-Z: gives the terminal back, and stops the whole process group with SIGTSTP.

        Textual sends SIGSTOP to the client alone. Programs that were started along with it, as in a
        pipe or a script, would go on; and where no shell could bring the client back, it would be
        stopped for good. There the system ignores SIGTSTP, and the screen comes back at once.
        """
        restarts = self._auto_restart
        if restarts:
            self.suspend_application_mode()
            self._must_signal_resume = True
        # Textual's own handler of SIGCONT would draw the screen, which the end of this method does.
        again = signal.signal(signal.SIGCONT, signal.SIG_IGN)
        stop = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        # Stopped here, until somebody lets it go on.
        signal.signal(signal.SIGTSTP, stop)
        signal.signal(signal.SIGCONT, again)
        if restarts:
            self.resume_application_mode()
