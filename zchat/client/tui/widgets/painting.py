"""The only place where lines of pieces, and our themes, become what Textual draws."""

from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme

from zchat.client.tui.view import themes
from zchat.client.tui.view.cells import width
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Piece

_MARKED: Final = Style(reverse=True)
STRIPS_MAX: Final = 1_024
"""Drawn lines that are cached: many screens full."""
_NAMED_BY_TEXTUAL: Final = (
    *("dim", "raised", "ansi-background", "ansi-foreground", "border", "border-blurred"),
    *("block-cursor-foreground", "block-cursor-background", "block-hover-background"),
    *("input-cursor-background", "input-cursor-foreground"),
    *("input-selection-background", "input-selection-foreground"),
    *("screen-selection-background", "screen-selection-foreground"),
    *("scrollbar", "scrollbar-hover", "scrollbar-active", "scrollbar-background"),
    *("scrollbar-background-hover", "scrollbar-background-active", "scrollbar-corner-color"),
)
"""Colours that Textual mixes from others. It cannot do so from the terminal's own, whose values it
does not know."""


@lru_cache(maxsize=STRIPS_MAX)
def strip(line: Line, theme: str, cells: int, ground: Style, edge: Piece | None = None) -> Strip:
    """`line` in exactly so many cells, the last for `edge`, which has the theme's own background.

    As plain segments: nothing in a text is markup of Textual's. Cached, since what scrolls is drawn
    again and again, and Textual keeps with each strip what it has rendered for the terminal.
    """
    if edge is not None:
        beside = Segment(edge.text, themes.ground(theme) + themes.style_of(theme, edge))
        return Strip([*strip(line, theme, cells - 1, ground), beside], cells)
    segments = []
    taken = 0
    for piece in line:
        look = ground + themes.style_of(theme, piece)
        if ground.bgcolor is not None and look.bgcolor is None:
            look += Style(bgcolor=ground.bgcolor)
        if piece.target.startswith(("http://", "https://")):
            look += Style(link=piece.target)
        segments.append(Segment(piece.text, look))
        taken += width(piece.text)
    if taken < cells:
        segments.append(Segment(" " * (cells - taken), ground))
        return Strip(segments, cells)
    drawn = Strip(segments, taken)
    return drawn.crop(0, cells) if taken > cells else drawn


def marked(line: Strip, begin: int, end: int) -> Strip:
    """The strip with those cells selected: reversed, which every terminal can show."""
    end = min(end, line.cell_length)
    begin = min(begin, end)
    parts = line.divide([begin, end, line.cell_length])
    return Strip.join([parts[0], parts[1].apply_style(_MARKED), *parts[2:]])


def target_at(line: Line, x: int) -> str:
    """What a click on that cell means."""
    for piece in line:
        x -= width(piece.text)
        if x < 0:
            return piece.target
    return ""


def textual_themes() -> list[Theme]:
    """Our themes, for Textual to draw its own widgets with."""
    found = [
        Theme(
            name=name,
            primary=palette.accent,
            secondary=palette.link,
            accent=palette.accent,
            warning=palette.warm,
            error=palette.trouble,
            success=palette.good,
            foreground=palette.text,
            background=palette.background,
            surface=palette.panel,
            panel=palette.raised,
            dark=palette.dark,
            variables={"dim": palette.dim, "raised": palette.raised},
        )
        for name, palette in themes.PALETTES.items()
    ]
    plain = Theme(
        name=themes.PLAIN,
        primary="ansi_default",
        secondary="ansi_default",
        accent="ansi_default",
        warning="ansi_default",
        error="ansi_default",
        success="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        ansi=True,
        variables=dict.fromkeys(_NAMED_BY_TEXTUAL, "ansi_default")
        | {"input-cursor-text-style": "reverse"},
    )
    return [*found, plain]
