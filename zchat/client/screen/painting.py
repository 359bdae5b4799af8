"""The one place where lines of pieces become what Textual draws."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from zchat.client.screen.cells import width
from zchat.client.screen.layout import Line
from zchat.client.screen.themes import style_of


def strip(line: Line, theme: str, cells: int, ground: Style) -> Strip:
    """`line` in just so many cells. Plain segments: nothing in a text is markup."""
    segments = []
    taken = 0
    for piece in line:
        look = ground + style_of(theme, piece)
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


def target_at(line: Line, x: int) -> str:
    """What the piece in that cell means."""
    for piece in line:
        x -= width(piece.text)
        if x < 0:
            return piece.target
    return ""
