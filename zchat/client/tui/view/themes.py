"""Themes: their colours, and how each kind of piece looks in them.

`plain` uses attributes alone, in the terminal's own colours; it is what `NO_COLOR` asks for.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from rich.style import Style

from zchat.client.tui.view.markup import Ink, Piece

DARK: Final = "zchat-dark"
LIGHT: Final = "zchat-light"
CONTRAST: Final = "zchat-contrast"
PLAIN: Final = "zchat-plain"
PREFIX: Final = "zchat-"
"""Begins each name: Textual has themes of its own, and names of both are in one table."""
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
Complain: TypeAlias = Callable[[str, str, str], None]
"""Takes the word in the file that is wrong, why, and the table in which it stands, if any."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by use; an empty one is the terminal's own."""

    background: str
    panel: str
    """Behind lists, header and status."""
    raised: str
    """Behind what is selected."""
    code: str
    """Behind code."""
    text: str
    dim: str
    accent: str
    warm: str
    """What wants attention: mentions, what is new."""
    trouble: str
    good: str
    link: str
    names: tuple[str, ...]
    dark: bool = True


PALETTES: Final[dict[str, Palette]] = {
    DARK: Palette(
        *("#16181d", "#1b1e24", "#2e3542", "#22262e", "#d4d7dd", "#767d8a", "#7aa2f7", "#e5b567"),
        *("#f07178", "#8fc37f", "#6cb6d9"),
        ("#d98e73", "#7fb7be", "#c792c7", "#a3b86c", "#89a7e0", "#d7a65f", "#79b894", "#c98a9b"),
    ),
    LIGHT: Palette(
        *("#fbfaf7", "#f1efe9", "#e3e0d6", "#efede6", "#2b2d33", "#6d7079", "#2f5fb3", "#8a5800"),
        *("#b3261e", "#2f6f33", "#1f6690"),
        ("#a2492b", "#1f6f78", "#8a3d8a", "#566b12", "#3a5bb0", "#8a5a00", "#23704a", "#98405a"),
        dark=False,
    ),
    CONTRAST: Palette(
        *("#000000", "#000000", "#00308f", "#2a2a2a", "#ffffff", "#d0d0d0", "#66d9ff", "#ffff00"),
        *("#ff8080", "#7fff7f", "#66d9ff"),
        ("#ffffff", "#ffd27f", "#9fe8ff", "#c8ffb0", "#ffc0e8"),
    ),
}


def names() -> list[str]:
    """All themes, in the order in which F7 goes through them."""
    return [*PALETTES, PLAIN]


def adopt(given: Mapping[str, Mapping[str, object]], complain: Complain) -> None:
    """Adds the themes of the user's own settings, each of which begins as one of ours."""
    for name, colours in given.items():
        if _NAME.fullmatch(name) is None or PREFIX + name in (DARK, LIGHT, CONTRAST, PLAIN):
            complain(name, f"no theme can be called {name}; small letters and digits can be", "")
            continue
        like = PALETTES.get(f"{PREFIX}{colours.get('like', 'dark')}")
        if like is None:
            complain(name, f"{name} is like no theme; it may be like dark, light or contrast", "")
            continue
        own = {field: value for field, value in colours.items() if field != "like"}
        good = {field: value for field, value in own.items() if _fits(complain, name, field, value)}
        if "names" in good:
            good["names"] = tuple(cast("list[str]", good["names"]))
        style.cache_clear()
        PALETTES[PREFIX + name] = replace(like, **cast("dict[str, Any]", good))


def _fits(complain: Complain, theme: str, field: str, value: object) -> bool:
    known = {each.name for each in fields(Palette)}
    match field, value:
        case "dark", bool():
            return True
        case "names", [_, *_] if all(_is_colour(each) for each in value):
            return True
        case _ if field not in known:
            trouble = f"a theme has no {field}; it has {', '.join(sorted(known))}"
        case "dark", _:
            trouble = "dark is true or false"
        case "names", _:
            trouble = 'names is a list of colours, as ["#7aa2f7"]'
        case _ if _is_colour(value):
            return True
        case _:
            trouble = f'{field} is a colour, as "#7aa2f7"'
    complain(field, trouble, theme)
    return False


def _is_colour(value: object) -> bool:
    return isinstance(value, str) and _COLOUR.fullmatch(value) is not None


@lru_cache(maxsize=1_024)
def style(theme: str, piece_ink: Ink, who: str) -> Style:
    """`who` chooses the colour of an author's name, the same on every screen; else it is empty."""
    palette = PALETTES.get(theme)
    if palette is None:
        return _PLAIN_STYLES.get(piece_ink, Style())
    colour = palette.names[zlib.crc32(who.encode()) % len(palette.names)] if who else palette.text
    match piece_ink:
        case Ink.TEXT:
            return Style(color=palette.text)
        case Ink.STRONG:
            return Style(color=palette.text, bold=True)
        case Ink.EMPHASIS:
            return Style(color=palette.text, italic=True)
        case Ink.CODE:
            return Style(color=palette.text, bgcolor=palette.code)
        case Ink.LINK:
            return Style(color=palette.link, underline=True)
        case Ink.MENTION:
            return Style(color=palette.accent)
        case Ink.MENTIONED | Ink.NEW:
            return Style(color=palette.warm, bold=True)
        case Ink.AUTHOR:
            return Style(color=colour)
        case Ink.MYSELF:
            return Style(color=palette.text, bold=True)
        case Ink.PENDING | Ink.HAPPENED | Ink.DAY | Ink.QUOTE | Ink.DIM:
            return Style(color=palette.dim, italic=piece_ink is Ink.QUOTE)
        case Ink.TROUBLE:
            return Style(color=palette.trouble)
        case Ink.REACTION:
            return Style(color=palette.dim)
        case Ink.REACTED | Ink.HINT | Ink.ACCENT:
            return Style(color=palette.accent)
        case Ink.GOOD:
            return Style(color=palette.good)
    raise AssertionError(piece_ink)


_PLAIN_STYLES: Final = {
    Ink.STRONG: Style(bold=True),
    Ink.EMPHASIS: Style(italic=True),
    Ink.CODE: Style(reverse=True),
    Ink.LINK: Style(underline=True),
    Ink.MENTION: Style(bold=True),
    Ink.MENTIONED: Style(bold=True, reverse=True),
    Ink.AUTHOR: Style(bold=True),
    Ink.MYSELF: Style(bold=True, italic=True),
    Ink.PENDING: Style(dim=True),
    Ink.HAPPENED: Style(dim=True),
    Ink.DAY: Style(dim=True),
    Ink.DIM: Style(dim=True),
    Ink.QUOTE: Style(dim=True, italic=True),
    Ink.TROUBLE: Style(bold=True),
    Ink.REACTED: Style(bold=True),
    Ink.NEW: Style(bold=True),
    Ink.ACCENT: Style(bold=True),
    Ink.HINT: Style(underline=True),
}


@lru_cache(maxsize=16)
def selected(theme: str, *, focused: bool) -> Style:
    """Behind a selected line."""
    palette = PALETTES.get(theme)
    if palette is None:
        return Style(reverse=focused, underline=not focused)
    return Style(bgcolor=palette.raised)


@lru_cache(maxsize=16)
def ground(theme: str, *, panel: bool = False) -> Style:
    """Behind everything else."""
    palette = PALETTES.get(theme)
    if palette is None:
        return Style()
    return Style(color=palette.text, bgcolor=palette.panel if panel else palette.background)


def style_of(theme: str, piece: Piece) -> Style:
    who = piece.text.strip() if piece.ink is Ink.AUTHOR else ""
    return style(theme, piece.ink, who)
