"""What the rules of texts, names and messages say of many cases, for their ports in the browser.

python -m tests.client.rule_cases FILE
"""

import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from zchat.protocol.messages import (
    Entry,
    EntryBody,
    MemberJoined,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
)
from zchat.protocol.rules.mentions import mentions_in
from zchat.protocol.rules.message_fold import MessageChange, folded_entry
from zchat.protocol.rules.names import (
    InvalidName,
    canonical_name,
    is_visible,
    printable,
    safe_text,
    stray,
)

ATOMS: Final = (
    *("ann", "Bob", "room", "zchat", "a", "x.y", "7", "_", "-", ".", "/", ":", "//", ",", "(", ")"),
    *("@", "@", "@", "@ann", "@Bob", "@room", "@ann/@bob", "ann@example.org", "@x.", "@-"),
    *("`", "``", "```", "\n```\n", "```py", "\n", "\n\n", " ", " ", "\t", "\r\n", "\r"),
    *("https://example.org/@ann", "node_modules/@types", "a.b/@ann", "file.py:12/@x"),
    *("é", "e\u0301", "ß", "Ａｎｎ", "жук", "東京", "नमस्ते", "ك", "א", "İ", "ς", "²", "Ⅷ", "٣", "ﬁ"),
    *(
        "👍",
        "👩\u200d👩\u200d👧",
        "❤\ufe0f",
        "🇫🇷",
        "\u200b",
        "\u00ad",
        "\u2060",
        "\ufeff",
        "\u3164",
    ),
    *("\x00", "\x1b[31m", "\x7f", "\u0085", "\u202e", "\u2066", "\u200e", "\u061c"),
    *("\u00a0", "\u2003", "\u2028", "\u3000", "\u2800", "\u034f", "\U000e0041", "\u0301", "\u20dd"),
)
NAMES: Final = (
    *("ann", "Ann", "ANN", "ann.b-c_d", "_ann", "-ann", ".ann", "7", "", " ", "a b", "a/b", "a@b"),
    *(
        "zchat",
        "ZCHAT",
        "ｚchat",
        "Ａｎｎ",
        "É",
        "E\u0301",
        "ß",
        "ẞ",
        "İ",
        "ı",
        "Σ",
        "ΑΣ",
        "жук",
        "ЖУК",
    ),
    *(
        "東京",
        "ﾊﾝ",
        "नमस्ते",
        "كتاب",
        "אבג",
        "x²",
        "Ⅷ",
        "ﬁ",
        "٣",
        "3٣",
        "a\u200db",
        "a\u00adb",
        "a\u0301",
    ),
    *("a👍", "👍", "a\u202eb", "__proto__", "constructor", "a" * 32, "a" * 33, "é" * 32, "a\u0345"),
    *(
        "אבa",
        "aא",
        "א1",
        "1א",
        "א٣",
        "א۳",
        "א1٣",
        "א-",
        "א.ב",
        "א_",
        "-א",
        "א",
        "٣א",
        "۳",
        "a٣",
        "ᄀ",
        "가",
    ),
    *(
        "ǅ",
        "ʰ",
        "ª",
        "µ",
        "ſ",
        "Ω",
        "ﬀ",
        "Å",
        "𝐚",
        "٠",
        "a\u200c",
        "a·l",
        "l·l",
        "・ア",
        "ア・",
        "ー",
        "〆",
        "ı̇",
    ),
    *(
        "Ǆx",
        "ა",
        "Ა",
        "ꭰ",
        "Ꭰ",
        "ⓐ",
        "ℵ",
        "ΑΣΑ",
        "Σ",
        "Α Σ",
        "ΑΣ.",
        "ΑΣ-",
        "ΐ",
        "\u1fd3",
        "ẛ",
        "K",
        "ﷺ",
        "ـ",
        "〇",
        "א५",
    ),
)
EMOJI: Final = ("👍", "❤️", "+1", "100", "__proto__")
PEOPLE: Final = ("ann", "bob", "cem")


def cases(seed: int) -> dict[str, list[Any]]:
    chance = random.Random(seed)
    return {
        "texts": [_of_text(text) for text in _texts(chance)],
        "names": [[name, _spelling(name)] for name in NAMES],
        "folds": [_fold(chance) for _ in range(300)],
    }


# --- Texts and names ------------------------------------------------------------------------------


def _texts(chance: random.Random) -> Iterator[str]:
    yield from ATOMS
    for _ in range(3_000):
        yield "".join(chance.choices(ATOMS, k=chance.randint(2, 9)))


def _of_text(text: str) -> dict[str, Any]:
    return {
        "text": text,
        "safe": safe_text(text),
        "printable": printable(text),
        "stray": stray(text.replace("\r\n", "\n")),
        "isVisible": is_visible(text),
        "mentions": [[text[each.begin : each.end], each.name] for each in mentions_in(text)],
    }


def _spelling(name: str) -> str | None:
    try:
        return canonical_name(name)
    except InvalidName:
        return None


# --- Messages that change -------------------------------------------------------------------------


def _fold(chance: random.Random) -> dict[str, Any]:
    """A message, and what it is after each of some entries, of which some come twice."""
    private = PrivateMessageSent("bob", "said", twin=7)
    bodies: tuple[EntryBody, ...] = (MessagePosted("said"), private, MemberJoined())
    body = chance.choice(bodies)
    message = Entry("#ops", 1, 1_000, "ann", body)
    begins, changes, became = message, [], []
    seen: list[Entry] = []
    for sequence in range(2, 12):
        entry = Entry("#ops", sequence, 1_000, chance.choice(PEOPLE), _change(chance))
        if seen and chance.random() < 0.2:
            entry = chance.choice(seen)
        seen.append(entry)
        message = folded_entry(message, entry.body, entry.author, entry.sequence)  # type: ignore[arg-type]
        changes.append(entry)
        became.append(message)
    return {
        "message": _whole(begins),
        "changes": list(map(_whole, changes)),
        "became": list(map(_whole, became)),
    }


def _change(chance: random.Random) -> MessageChange:
    emoji = chance.choice(EMOJI)
    changes: tuple[MessageChange, ...] = (
        MessageEdited(1, chance.choice(["", "first", "second"])),
        MessageDeleted(1),
        ReactionAdded(1, emoji),
        ReactionRemoved(1, emoji),
    )
    return chance.choices(changes, (4, 1, 8, 4))[0]


def _whole(value: Any) -> Any:
    """With what is left out on the wire; maps as lists of pairs, in their order."""
    match value:
        case msgspec.Struct():
            fields = {name: _whole(getattr(value, name)) for name in value.__struct_fields__}
            return {"kind": value.__struct_config__.tag, **fields}
        case dict():
            return list(value.items())
        case _:
            return value
