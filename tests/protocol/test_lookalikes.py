"""What can be mistaken for what, by Unicode's table and not by ours."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol.rules.lookalikes import (
    OF_ASCII,
    Lookalikes,
    looks_like_one_of,
    prototypes,
    skeleton,
)
from zchat.protocol.rules.names import RESERVED_USERS

CYRILLIC_C, CYRILLIC_O = "\u0441", "\u043e"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (f"z{CYRILLIC_C}hat", "zchat"),
        (f"{CYRILLIC_O}wner", "owner"),
        ("\u043e\u0440\u0435\u0441", "opec"),  # All Cyrillic.
        ("\u03bfwner", "owner"),  # A Greek omicron.
        ("b\u0131ll", "bill"),  # Without its dot.
        ("\u0561nna", "wnna"),  # An Armenian letter that is no a.
        ("ann\u00e1", "anna\u0301"),
        ("b\u06f0b", "b.b"),  # A Persian nought is a dot.
        ("\u0a66wner", "0wner"),  # A Gurmukhi nought is an o, and so is ours.
        ("\ua731ystem", "system"),
        ("\u30ac", "\u30ab\u3099"),  # Composed, and not.
        ("to\u1d0f\u217c", "tool"),
    ],
)
def test_names_of_one_skeleton(name: str, other: str) -> None:
    assert skeleton(name) == skeleton(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ann", "anne"),
        ("zo\u00eb", "zoe"),
        ("\u0436\u0430\u043d\u043d\u0430", "zhanna"),
        ("\u65e5\u672c", "\u65e5\u6728"),
        ("o\u0142ga", "olga"),
    ],
)
def test_names_that_differ_to_the_eye(name: str, other: str) -> None:
    assert skeleton(name) != skeleton(other)


@given(st.text(max_size=8))
def test_a_skeleton_is_its_own(text: str) -> None:
    assert skeleton(skeleton(text.lower())) == skeleton(text.lower())


def test_what_is_said_of_ascii_is_what_the_table_says() -> None:
    for char in map(chr, range(128)):
        assert char.translate(OF_ASCII) == normalize("NFD", char.translate(prototypes()))


def test_what_is_kept_for_the_system_is_found_however_it_is_spelled() -> None:
    assert looks_like_one_of("admin", RESERVED_USERS) == "admin"
    assert looks_like_one_of("r00t", RESERVED_USERS) == "root"
    assert looks_like_one_of(f"z{CYRILLIC_C}hat", RESERVED_USERS) == "zchat"
    assert looks_like_one_of("administrator", RESERVED_USERS) is None


def known(*names: str) -> Lookalikes:
    lookalikes = Lookalikes(set(names))
    for name in names:
        lookalikes.add(name)
    return lookalikes


def test_what_is_beyond_ascii_is_compared_with_all() -> None:
    lookalikes = known("owner", "bi11", "anna.m", f"b{CYRILLIC_O}ss")

    assert lookalikes.of(f"{CYRILLIC_O}wner") == "owner"
    assert lookalikes.of("bi\u01c0\u01c0") == "bi11"
    assert lookalikes.of("\u0430nna.m") == "anna.m"
    assert lookalikes.of("b\u03bfss") == f"b{CYRILLIC_O}ss"


def test_ascii_is_compared_with_what_is_beyond_it_alone() -> None:
    lookalikes = known("bill", "user1", "rnary", f"b{CYRILLIC_O}ss")

    assert [lookalikes.of(name) for name in ("bi11", "userl", "mary", "b0b")] == [None] * 4
    assert lookalikes.of("boss") == f"b{CYRILLIC_O}ss"
    assert lookalikes.of("b0ss") == f"b{CYRILLIC_O}ss"


NAMES = st.sampled_from(
    ["bill", "bi11", "bil1", "b\u0456ll", "bi\u01c0l", "\u65e5", "\u4e00", "\u30fc"]
)


@given(st.lists(st.tuples(st.booleans(), NAMES)), NAMES)
def test_it_follows_the_names_that_come_and_go(moves: list[tuple[bool, str]], new: str) -> None:
    names: set[str] = set()
    lookalikes = Lookalikes(names)
    for comes, name in moves:
        if comes and name not in names:
            names.add(name)
            lookalikes.add(name)
        elif not comes and name in names:
            names.remove(name)
            lookalikes.discard(name)
    if new in names:
        return
    like = {
        name
        for name in names
        if skeleton(name) == skeleton(new) and not (name.isascii() and new.isascii())
    }
    found = lookalikes.of(new)
    assert found in like if like else found is None
    for name in set(names):
        lookalikes.discard(name)
    assert lookalikes._plain == lookalikes._beyond == {}
