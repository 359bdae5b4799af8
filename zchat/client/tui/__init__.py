"""The full-screen client. Only this folder imports Textual, and what is here does so late."""

import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zchat.client.auth.access import Access

# Textual reads it once, when it is imported: what a key has done is drawn with the next frame, and
# with its 60 frames a second that would be up to 17 ms away. While nothing happens none is drawn.
os.environ.setdefault("TEXTUAL_FPS", "240")


def start(access: "Access", notify: str = "auto") -> int:
    """Logs in, asks what must be asked before, and returns the exit code once the person leaves.

    `notify` is one of `notify.How`, or "auto".
    """
    # Of what is imported nothing is garbage: to look through it all, time and again, would take a
    # fifth of the time until something is seen. It goes on once the screen is there.
    gc.disable()
    # Here and not above, so that nobody else waits for it.
    from zchat.client.tui.startup import open_screen  # noqa: PLC0415

    return open_screen(access, notify)
