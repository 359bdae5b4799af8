"""Words that the user has chosen to be mentioned by, besides the own name."""

import re
from collections.abc import Iterable
from typing import Final

WORDS: Final = "highlight-words"
"""What the setting of those is called that were chosen in the client."""


def split(text: str) -> list[str]:
    """Those that are written with commas between them."""
    words = (" ".join(word.split()) for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))


def pattern_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """Finds each of them as a word of its own, in whatever case; None for no words.

    Of two that begin alike the longer one comes first.
    """
    longest_first = sorted({word for word in words if word}, key=len, reverse=True)
    if not longest_first:
        return None
    choices = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)
