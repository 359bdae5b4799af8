"""Where the parts of the screen stand, and the keys that work in all of them."""

from typing import Final

from textual.binding import Binding, BindingType

CSS: Final = """
#body { height: 1fr; }
#sidebar, #members { width: 24; height: 100%; }
#members { display: none; }
#main { width: 1fr; height: 100%; }
#header { height: 1; width: 1fr; }
#notes, #choices { height: auto; width: 1fr; display: none; }
#hint { height: 1; width: 1fr; }
#writing { height: auto; max-height: 8; width: 1fr; }
#prompt { width: 2; height: 1; }
#status { height: 1; width: 1fr; }
"""

BINDINGS: Final[list[BindingType]] = [
    Binding("ctrl+k", "go_to", "Go to a room or person", priority=True, id="go-to"),
    Binding("ctrl+f", "search", "Search on the server", priority=True, id="search"),
    Binding(
        "alt+g",
        "go_to_opened",
        "To what has opened meanwhile",
        priority=True,
        id="go-to-opened",
    ),
    Binding("alt+a", "next_unread", "Next unread", priority=True, id="next-unread"),
    Binding("alt+u", "first_unread", "First unread here", priority=True, id="first-unread"),
    Binding(
        "alt+down", "neighbour(1)", "Conversation below", priority=True, id="conversation-below"
    ),
    Binding(
        "alt+up", "neighbour(-1)", "Conversation above", priority=True, id="conversation-above"
    ),
    *(
        Binding(
            f"alt+{n}", f"nth({n})", "Conversation by its place", priority=True, id=f"place-{n}"
        )
        for n in range(1, 10)
    ),
    Binding("f2,ctrl+b", "members", "Who is in it", priority=True, id="members"),
    Binding("f3", "sidebar", "List of conversations", priority=True, id="sidebar"),
    Binding("f4", "quiet", "Do not disturb", priority=True, id="quiet"),
    Binding("f5", "mute", "Mute this conversation", priority=True, id="mute"),
    Binding("f6", "keep", "Keep this conversation at the top", priority=True, id="keep"),
    Binding("f7", "next_theme", "Next theme", priority=True, id="next-theme"),
    Binding("f8", "pins", "Pinned messages", priority=True, id="pins"),
    Binding("ctrl+o", "editor", "Write in your editor", priority=True, id="editor"),
    Binding("f9", "words", "Words that call you", priority=True, id="words"),
    Binding("f1", "keys", "All keys", priority=True, id="keys"),
    Binding("question_mark", "keys", "All keys"),
    Binding(
        "ctrl+p",
        "command_palette",
        "All that can be done, by its name",
        priority=True,
        id="palette",
    ),
    # Before the composer, whose own would do nothing where nothing is marked.
    Binding(
        "ctrl+c",
        "copy_or_clear",
        "Copy what is marked, or clear the input",
        priority=True,
        id="copy-or-clear",
    ),
    Binding("ctrl+z", "suspend_process", "Suspend; fg comes back", priority=True, id="suspend"),
    Binding("ctrl+q", "leave", "Quit", priority=True, id="quit"),
]
