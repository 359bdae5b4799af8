"""Whom an operator means: by an address or a block of them, by a name, or by a pattern of names."""

import functools
import re
import unicodedata
from fnmatch import translate
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.rules.names import InvalidName, canonical_name, printable
from zchat.protocol.rules.networks import (
    Block,
    block_name,
    block_of,
    has_this_machine,
    is_vast,
    is_within,
)

_WILD: Final = re.compile(r"([*?])")
_PATTERN: Final = re.compile(r"[\w.*?-]+")
_LIKE_AN_ADDRESS: Final = re.compile(r"[0-9.*?]*[0-9]\.[0-9.*?]*")
"""Part of an address, or a pattern of some. Patterns are for names, so it would fit nobody."""
_LITERAL_CHARS_MIN: Final = 2
"""A pattern with fewer characters of its own fits a good part of all names."""


class InvalidTarget(ValueError):
    """The text says, for people, what is wrong, and what would be right."""


class Target(NamedTuple):
    """`text` is its one spelling, from which `target_of` makes the same again."""

    text: str
    block: Block | None = None
    name: str = ""
    pattern: str = ""

    def is_for_name(self, name: str, *, looks: bool = True) -> bool:
        """Whether it is the name, or with `looks` one that people would take for it.

        As with new names, those of ASCII alone are never taken for each other.
        """
        if self.block is not None:
            return False
        plain = not looks or (name.isascii() and self.text.isascii())
        if self.name:
            return name == self.name or (not plain and _seen(name) == _seen(self.name))
        return bool(
            _expression(self.pattern, looks=False).match(name)
            or (not plain and _expression(self.pattern, looks=True).match(_seen(name)))
        )

    def is_for_address(self, address: str) -> bool:
        return self.block is not None and is_within(address, self.block)

    @property
    def is_vast(self) -> bool:
        """A good part of everybody, so that it was perhaps mistyped: it has to be forced."""
        if self.block is not None:
            return is_vast(self.block)
        return bool(self.pattern) and len(_WILD.sub("", self.pattern)) < _LITERAL_CHARS_MIN

    @property
    def has_this_machine(self) -> bool:
        """Its addresses are also those of a proxy or tunnel here, behind which everyone may be."""
        return self.block is not None and has_this_machine(self.block)


def target_of(text: str) -> Target:
    """Reads `192.0.2.7`, `2001:db8::/48`, `mallory` or `spam*`. Raises `InvalidTarget`.

    With an `@` before it, it is a name or pattern, whatever it looks like.
    """
    text = text.strip()
    if block := block_of(text):
        return Target(block_name(block), block)
    if "/" in text or ":" in text:
        raise InvalidTarget(
            f"{printable(text)!r} is no address; give one as in 192.0.2.7, or a block of them as "
            "in 192.0.2.0/24 or 2001:db8::/48"
        )
    word = text.removeprefix("@")
    if word == text and _LIKE_AN_ADDRESS.fullmatch(word):
        raise InvalidTarget(
            f"{printable(text)!r} is no address; give one as in 192.0.2.7, a block of them as in "
            "192.0.2.0/24, or an @ before it if you mean names"
        )
    if not _WILD.search(word):
        try:
            name = canonical_name(word)
        except InvalidName as error:
            raise InvalidTarget(str(error)) from None
        like_an_address = block_of(name) or _LIKE_AN_ADDRESS.fullmatch(name)
        return Target(f"@{name}" if like_an_address else name, name=name)
    # As names are spelled: lower case, and letters of one width.
    pattern = re.sub(r"\*+", "*", unicodedata.normalize("NFKC", word).lower())
    if _LIKE_AN_ADDRESS.fullmatch(pattern):
        return Target(f"@{pattern}", pattern=pattern)
    if len(pattern) > limits.NAME_CHARS_MAX or not _PATTERN.fullmatch(pattern):
        raise InvalidTarget(
            f"{printable(text)!r} is no pattern: use what names are made of, and * and ? for "
            f"anything; at most {limits.NAME_CHARS_MAX} characters"
        )
    return Target(pattern, pattern=pattern)


@functools.lru_cache(maxsize=4096)
def _seen(name: str) -> str:
    # Only servers compare names by their looks, and only they have the table for it.
    from zchat.protocol.rules.lookalikes import skeleton  # noqa: PLC0415

    return skeleton(name)


@functools.lru_cache(maxsize=2048)
def _expression(pattern: str, *, looks: bool) -> re.Pattern[str]:
    """Of names, or of what they look like. It takes no longer the more stars it has."""
    parts = _WILD.split(pattern)
    literal = [_seen(part) if looks else part for part in parts[::2]]
    wild = [*parts[1::2], ""]
    # What a letter looks like may be a bracket.
    escaped = (part.replace("[", "[[]") + sign for part, sign in zip(literal, wild, strict=True))
    return re.compile(translate("".join(escaped)))
