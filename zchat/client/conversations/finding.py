"""The next or previous message with some words in it, among what is loaded."""

from collections.abc import Iterable, Sequence

from zchat.client.conversations.model import Item, Said


def matches(item: Item, text: str) -> bool:
    """Whether every word of `text` is in what was said, in whatever case, or who said it."""
    words = text.casefold().split()
    return bool(words) and _has(item, words)


def find_before(items: Sequence[Item], text: str, index: int) -> int | None:
    """The index of the last match before `index`; the number of items begins at the end."""
    return _first(items, text, range(min(index, len(items)) - 1, -1, -1))


def find_after(items: Sequence[Item], text: str, index: int) -> int | None:
    """The index of the first match after `index`; -1 begins at the beginning."""
    return _first(items, text, range(max(index, -1) + 1, len(items)))


def _first(items: Sequence[Item], text: str, indexes: Iterable[int]) -> int | None:
    words = text.casefold().split()
    if not words:
        return None
    return next((index for index in indexes if _has(items[index], words)), None)


def _has(item: Item, words: list[str]) -> bool:
    if not isinstance(item, Said):
        return False
    text = item.text.casefold()
    return all(word in text or word in item.author for word in words)
