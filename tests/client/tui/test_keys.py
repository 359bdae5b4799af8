"""Keys and themes as the person has them in the file of settings."""

from pathlib import Path

import pytest

from zchat.client.storage.config import parse
from zchat.client.tui.keys import EVERYWHERE, normal
from zchat.client.tui.view import themes
from zchat.client.tui.view.hints import hint
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.lines import Members
from zchat.client.tui.widgets.timeline import Timeline

from ..fake_gateway import FakeGateway
from .people import person


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ctrl+g", "ctrl+g"),
        ("f9", "f9"),
        ("?", "question_mark"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("pageup", "pageup"),
        ("alt+.", "alt+full_stop"),
        ("banana", None),
        ("hold+x", None),
        ("", None),
    ],
)
def test_what_keys_are_called(key: str, expected: str | None) -> None:
    assert normal(key) == expected


def test_everything_with_a_key_has_a_name_of_its_own() -> None:
    everything = [*EVERYWHERE, *Timeline.BINDINGS, *Members.BINDINGS, *Composer.BINDINGS]
    named = [each.id for each in everything if not isinstance(each, tuple) and each.id]
    assert len(named) == len(set(named))
    # The second key for the list of all keys works where nothing is written only.
    assert len(named) == len(everything) - 1


KEYS = """
[keys]
search = "ctrl+g"
pins = []
reply = "x"
send = ["ctrl+s", "enter"]
"""


async def test_keys_do_what_the_file_says(gateway: FakeGateway, tmp_path: Path) -> None:
    async with person(gateway, tmp_path, config=parse(KEYS), size=(110, 30)) as ann:
        await ann.sees("Ctrl-G search")
        await ann.press("ctrl+g")
        await ann.sees("searches for messages that have all of these words")
        await ann.press("escape", "f8", "ctrl+f")
        assert "is pinned here" not in ann.screen
        assert len(ann.app.screen_stack) == 1
        await ann.press("up", "x")
        await ann.sees("↪ to bob: message 3")
        await ann.press("y", "ctrl+s")
        await ann.sees("↪ bob: message 3")
        await ann.press("f1")
        await ann.sees("Ctrl-G")


OTHER_KEYS = """
[keys]
go-to = "ctrl+g"
send = ["ctrl+s", "enter"]
quit = ["f10", "ctrl+q"]
quiet = []
keys = []
reply = "x"
delete = []
"""


async def test_sentences_name_the_keys_that_the_file_gives(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    async with person(gateway, tmp_path, config=parse(OTHER_KEYS), size=(110, 30)) as ann:
        await ann.sees("conversations   Ctrl-G")
        await ann.press("ctrl+c")
        await ann.sees("F10 quits")
        await ann.press("f1")
        ann.app.action_quiet()
        await ann.sees("do not disturb is on")
        assert "ends it" not in ann.screen
        await ann.write(":rm nowhere anybody here?")
        await ann.sees("! there is no room nowhere · x retries")
        for former in ("drops it", "Ctrl-K", "F1 ", "Enter", "Ctrl-Q"):
            assert former not in ann.screen


def test_a_hint_leaves_out_what_no_key_does() -> None:
    keys = {"reply": "x", "go-to": "Ctrl-G"}
    assert hint(keys, "{reply} retries", "{delete} drops it", between=", ") == "x retries"
    assert hint(keys, "{go-to} goes to a room", "{reply} replies") == (
        "Ctrl-G goes to a room · x replies"
    )
    assert hint(keys, "; {quit} quits") == ""


COLOURS = (
    "accent, background, code, dark, dim, good, link, names, panel, raised, text, trouble, warm"
)
MISTAKES = """
theme = "nosuch"
[keys]
serch = "ctrl+g"
pins = "banana"
mute = "m"
[themes.mine]
like = "dark"
text = "red"
ink = "#000000"
background = "#102030"
[themes.other]
like = "other"
"""


async def test_mistakes_are_told_and_hinder_nothing(gateway: FakeGateway, tmp_path: Path) -> None:
    config = parse(MISTAKES)
    async with person(gateway, tmp_path, config=config) as ann:
        assert [each.removeprefix("client.toml, ") for each in config.troubles] == [
            'line 9: text is a colour, as "#7aa2f7"',
            f"line 10: a theme has no ink; it has {COLOURS}",
            "line 12: other is like no theme; it may be like dark, light or contrast",
            "line 2: there is no theme nosuch; there are dark, light, contrast, mine, plain",
            "line 4: nothing is called serch; did you mean search?",
            'line 5: \'banana\' is no key; keys are called as "ctrl+g", "f9" or "x"',
            "line 6: 'm' works everywhere then, and could not be written",
        ]
        await ann.sees("did you mean search?")
        await ann.press("f8")
        await ann.sees("nothing is pinned here")
        await ann.press("escape")
        for _ in range(3):
            await ann.press("f7")
        await ann.sees("theme: mine")
        assert themes.PALETTES[ann.app.theme].background == "#102030"
    del themes.PALETTES["zchat-mine"]
