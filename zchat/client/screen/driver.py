"""Textual's way to the terminal, for terminals that are closed while a person is in them."""

from textual.drivers.linux_driver import LinuxDriver


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
