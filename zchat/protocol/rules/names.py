"""What a user or a room may be called, and what a text may hold.

Names follow RFC 8265 (`UsernameCaseMapped`, from precis-i18n): any script, one spelling for each
name, lower case, no controls, no bidirectional tricks.
"""

import functools
import re
import unicodedata
from typing import Final

import precis_i18n

from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, SYSTEM_AUTHOR

_profile: Final = precis_i18n.get_profile("UsernameCaseMapped")
_WORD: Final = re.compile(r"\w[\w.-]*")
_PLAIN: Final = re.compile(rf"[a-z0-9_][a-z0-9_.-]{{0,{limits.NAME_CHARS_MAX - 1}}}")
"""Names that are spelled as they must be: a hundredth of the time that it takes to look closer."""
# C0 and C1 controls but newline and tab, and all that reorders what stands beside it.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SEEN: Final = re.compile("[!-~]")
_INVISIBLE: Final = re.compile(
    r"[\s"
    # Default_Ignorable_Code_Point, from Unicode's DerivedCoreProperties.txt.
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
    # Controls, and what says how that which stands beside it is set.
    r"\x00-\x1f\x7f-\x9f\ufff9-\ufffb\U00013430-\U00013440"
    # Symbols that are blank by name: of Braille, of music, of hieroglyphs.
    r"\u2800\U0001d159\U00013441\U00013442]"
)

RESERVED_USERS: Final = frozenset(
    {
        SYSTEM_AUTHOR,
        LOBBY,
        # As which people would believe somebody.
        *("admin", "moderator", "operator", "root", "server", "system"),
        # By which `@` calls everybody, here or elsewhere; and `users`, a service in the audit.
        *("all", "everyone", "here", "room", "users"),
    }
)
"""What no new user is called, nor anything that looks like it."""
ERASED_PREFIX: Final = "erased-"
"""So begin the names that take the place of those of people who are erased; nobody else's do."""
RESERVED_ROOMS: Final = frozenset({SYSTEM_AUTHOR, LOBBY, "system"})
"""The same of rooms."""


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


def stray(text: str) -> str:
    """The first character of `text` that `safe_text` takes out; empty if there is none."""
    found = _UNSAFE.search(text)
    return found[0] if found else ""


def printable(text: str) -> str:
    """`text` safe to show on one line."""
    return safe_text(text).replace("\n", " ").replace("\t", " ")


def is_visible(text: str) -> bool:
    """Whether there is anything to see: more than blanks, marks on nothing, and what is ignored."""
    # Nearly every text has some of these, and is not looked through letter by letter.
    return _SEEN.search(text) is not None or any(
        not _INVISIBLE.match(char) and not unicodedata.category(char).startswith("M")
        for char in text
    )
