"""What a user or a room may be called, and what a text may hold.

Names follow RFC 8265 (`UsernameCaseMapped`, from precis-i18n): any script, one spelling for each
name, lower case, no controls, no bidirectional tricks.
"""

import functools
import re
from typing import Final

import precis_i18n

from zchat.protocol import limits
from zchat.protocol.messages import SYSTEM_AUTHOR

_profile: Final = precis_i18n.get_profile("UsernameCaseMapped")
_WORD: Final = re.compile(r"\w[\w.-]*")
_PLAIN: Final = re.compile(rf"[a-z0-9_][a-z0-9_.-]{{0,{limits.NAME_CHARS_MAX - 1}}}")
"""Names that are spelled as they must be: a hundredth of the time that it takes to look closer."""
# C0 and C1 controls but newline and tab, and all that reorders what stands beside it.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


class InvalidName(ValueError):
    """The text says, for people, what is wrong with the name."""


def canonical_name(name: str) -> str:
    """The one spelling of `name`: what `Alice` and `ａｌｉｃｅ` have in common is `alice`."""
    if _PLAIN.fullmatch(name) and name != SYSTEM_AUTHOR:
        return name
    return _canonical_name(name)


# What is asked for again and again is mostly spelled right, so the cache can be small.
@functools.lru_cache(maxsize=512)
def _canonical_name(name: str) -> str:
    try:
        canonical: str = _profile.enforce(name)
    except UnicodeEncodeError:
        canonical = ""
    if not _WORD.fullmatch(canonical):
        raise InvalidName(
            f"{printable(name)!r} is no name: use letters, digits, '-', '_' and '.', "
            "beginning with a letter or digit"
        )
    if len(canonical) > limits.NAME_CHARS_MAX:
        raise InvalidName(f"a name has at most {limits.NAME_CHARS_MAX} characters")
    if canonical == SYSTEM_AUTHOR:
        raise InvalidName(f"{SYSTEM_AUTHOR!r} is what the server calls itself")
    return canonical


def safe_text(text: str) -> str:
    """`text` without what could steer a terminal; newline and tab stay, CR LF becomes newline."""
    return _UNSAFE.sub("", text.replace("\r\n", "\n"))


def printable(text: str) -> str:
    """`text` safe to show on one line."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")
