"""Emoji by name: what Unicode calls them, and what people do."""

import unicodedata
from functools import cache
from typing import Final

_RANGES: Final = (range(0x2300, 0x2C00), range(0x1F300, 0x1FB00))
"""The blocks of Unicode that hold symbols, dingbats and pictographs."""
_EVERYDAY: Final = {
    "+1": "👍",
    "-1": "👎",
    "thumbsup": "👍",
    "thumbsdown": "👎",
    "heart": "❤️",
    "smile": "😄",
    "grin": "😁",
    "joy": "😂",
    "laugh": "😂",
    "wink": "😉",
    "sob": "😭",
    "cry": "😢",
    "angry": "😠",
    "thinking": "🤔",
    "shrug": "🤷",
    "facepalm": "🤦",
    "tada": "🎉",
    "clap": "👏",
    "pray": "🙏",
    "thanks": "🙏",
    "wave": "👋",
    "ok": "👌",
    "muscle": "💪",
    "eyes": "👀",
    "100": "💯",
    "fire": "🔥",
    "rocket": "🚀",
    "check": "✅",
    "done": "✅",
    "x": "❌",
    "question": "❓",
    "warning": "⚠️",
    "bug": "🐛",
    "coffee": "☕",
    "beer": "🍺",
    "cake": "🍰",
    "poop": "💩",
    "sunglasses": "😎",
    "star": "⭐",
    "zzz": "💤",
}


@cache
def by_name() -> dict[str, str]:
    """All that are shown as pictures by themselves; made once, in a few milliseconds."""
    found = dict(_EVERYDAY)
    for code in (code for codes in _RANGES for code in codes):
        char = chr(code)
        # Pictures are wide, and other wide characters of these ranges are no symbols.
        if unicodedata.east_asian_width(char) == "W" and unicodedata.category(char) == "So":
            name = unicodedata.name(char).lower().replace(" ", "_").replace("-", "_")
            found.setdefault(name.removesuffix("_sign").removesuffix("_symbol"), char)
    return found


def emoji_named(name: str) -> str | None:
    """By its whole name, in any case."""
    return by_name().get(_as_name(name))


def completions(begin: str, limit: int) -> list[tuple[str, str]]:
    """Names and emoji: those that begin so, shortest first, then those with a word that does."""
    begin = _as_name(begin)
    if not begin:
        return []
    found = [
        (not name.startswith(begin), len(name), name, emoji)
        for name, emoji in by_name().items()
        if name.startswith(begin) or f"_{begin}" in name
    ]
    return [(name, emoji) for _, _, name, emoji in sorted(found)[:limit]]


def _as_name(text: str) -> str:
    lower = text.strip(":").lower()
    # The name `-1` begins with what stands between words elsewhere.
    return lower[:1] + lower[1:].replace("-", "_").replace(" ", "_")
