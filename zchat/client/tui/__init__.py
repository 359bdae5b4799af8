"""The full-screen client. Only this folder imports Textual, and not before it is needed."""

import os
from typing import TYPE_CHECKING

from zchat.client.tui import gc_policy

if TYPE_CHECKING:
    from zchat.client.auth.access import Access

# What a key has done is drawn with the next frame. With Textual's own 60 frames a second that is up
# to 17 ms away, with 240 it is 4 ms; it costs nothing else, since no frame is drawn while nothing
# changes. Textual reads this once, when it is imported.
os.environ.setdefault("TEXTUAL_FPS", "240")


def start(access: "Access", notify: str = "auto") -> int:
    """Logs in, asks for a password if it must, and returns the exit code once the user leaves.

    `notify` is one of `notifications.How`, or "auto".
    """
    gc_policy.pause()
    # Imported here, since it takes long: `zchat-client send` does not wait for Textual.
    from zchat.client.tui.startup import open_screen  # noqa: PLC0415

    return open_screen(access, notify)
