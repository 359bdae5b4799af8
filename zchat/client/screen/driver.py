"""Textual's way to the terminal, for terminals that are closed while a person is in them."""

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver

# Textual takes Alt and a digit for what a Mac's keyboard would write with them, but here they go to
# a conversation. Whoever types such a sign sends the sign itself.
for _digit in range(1, 10):
    ANSI_SEQUENCES_KEYS.pop(f"\x1b{_digit}", None)


class HangUpDriver(LinuxDriver):
    """What is drawn goes nowhere once the terminal is gone.

    Textual's thread that writes ends with the first error, and its queue, which nobody empties any
    more, would soon hold up whoever draws: no goodbye could be said.
    """

    @property
    def _is_heard(self) -> bool:
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def write(self, data: str) -> None:
        if self._is_heard:
            super().write(data)

    def close(self) -> None:
        if self._is_heard:
            super().close()
