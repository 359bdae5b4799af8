"""What a name may be, and what of a text reaches a terminal."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol import limits
from zchat.protocol.rules import names
from zchat.protocol.rules.names import InvalidName, canonical_name, is_visible, printable, safe_text

RIGHT_TO_LEFT_OVERRIDE = "\u202e"


@pytest.mark.parametrize(
    ("given_name", "canonical"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("\uff21\uff4c\uff49\uff43\uff45", "alice"),
        ("O\u0308zil", "\u00f6zil"),
        ("\u00d6ZIL", "\u00f6zil"),
        ("ГАРАЖ", "гараж"),
        ("日本語", "日本語"),
        ("עברית", "עברית"),
        ("a.b-c_d9", "a.b-c_d9"),
        ("9lives", "9lives"),
        ("x" * limits.NAME_CHARS_MAX, "x" * limits.NAME_CHARS_MAX),
    ],
)
def test_a_name_has_one_spelling(given_name: str, canonical: str) -> None:
    assert canonical_name(given_name) == canonical


@given(st.text(string.ascii_lowercase + string.digits + "_.-", max_size=limits.NAME_CHARS_MAX + 2))
def test_what_looks_plain_is_what_a_closer_look_says_too(name: str) -> None:
    expected: str | type[InvalidName]
    try:
        expected = names._canonical_name(name)
    except InvalidName:
        expected = InvalidName
    try:
        assert canonical_name(name) == expected
    except InvalidName:
        assert expected is InvalidName


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="a space"),
        pytest.param("two words", id="two words"),
        pytest.param("al\u200bice", id="a space that nobody sees"),
        pytest.param("al\x07ice", id="a C0 control"),
        pytest.param("al\x1bice", id="an escape"),
        pytest.param("al\nice", id="a newline"),
        pytest.param("alice\n", id="a newline at the end"),
        pytest.param("al\x85ice", id="a C1 control"),
        pytest.param("al" + RIGHT_TO_LEFT_OVERRIDE + "ice", id="right-to-left override"),
        pytest.param("al\u2066ice", id="an isolate"),
        pytest.param("al\u200eice", id="a left-to-right mark"),
        pytest.param("al\u061cice", id="an Arabic letter mark"),
        pytest.param("aliceא", id="two directions"),
        pytest.param("\U0001f600", id="a smiley"),
        pytest.param("#alice", id="a log's mark"),
        pytest.param("@alice", id="an inbox's mark"),
        pytest.param(":alice", id="a command's mark"),
        pytest.param("-alice", id="an option's mark"),
        pytest.param(".alice", id="a hidden file's mark"),
        pytest.param("a/b", id="a slash"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param("x" * (limits.NAME_CHARS_MAX + 1), id="over-long"),
        pytest.param("zchat", id="the server's own"),
        pytest.param("ZChat", id="the server's own, in disguise"),
        pytest.param("\uff5achat", id="the server's own, in wide letters"),
    ],
)
def test_anything_else_is_no_name(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        canonical_name(name)

    assert safe_text(str(caught.value)) == str(caught.value)


@given(st.text(max_size=40))
def test_a_name_is_short_and_safe_or_invalid(name: str) -> None:
    try:
        canonical = canonical_name(name)
    except InvalidName:
        return
    assert 1 <= len(canonical) <= limits.NAME_CHARS_MAX
    assert printable(canonical) == canonical
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zs", "Zl", "Zp"} for c in canonical)


@given(st.text(alphabet=st.characters(categories=["L", "M", "N"]), max_size=8))
def test_the_spelling_of_a_name_is_its_own_spelling(name: str) -> None:
    # Each process on a message's way asks for it again, and all must mean the same user.
    try:
        canonical = canonical_name(name)
    except InvalidName:
        return
    assert canonical_name(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("dos\r\nlines", "dos\nlines"),
        ("over\rwritten", "overwritten"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;title\x07", "]0;title"),
        ("\x9b31m", "31m"),
        ("\x00\x7f\x80\x85\x9f", ""),
        ("safe" + RIGHT_TO_LEFT_OVERRIDE + "txt.exe", "safetxt.exe"),
        ("\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d", ""),
        ("\u200e\u200f\u061c", ""),
        (
            "עברית العربية 日本語 \U0001f468\u200d\U0001f469",
            "עברית العربية 日本語 \U0001f468\u200d\U0001f469",
        ),
    ],
)
def test_a_text_loses_what_could_steer_a_terminal(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@given(st.text())
def test_no_control_is_left_in_a_text(text: str) -> None:
    safe = safe_text(text)

    assert all(c in "\n\t" or unicodedata.category(c) != "Cc" for c in safe)
    assert all(
        unicodedata.bidirectional(c) not in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI"}
        for c in safe
    )
    assert safe_text(safe) == safe


def test_what_stands_on_one_line_has_no_newline() -> None:
    assert printable("a\r\nb\tc\x1b") == "a b c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "\u200b\u2060",
        "\u00ad\ufeff\u180e",
        "\u3164",
        "\u115f\u1160\uffa0",
        "\u2800 \u2800",
        "\u0301\u0489\u20e3",
        "\ufe0f\u200d\ufe0f",
        "\U000e0061\U000e007f",
        "\u3000\u00a0\u2003",
        "\U0001d159\U0001d173",
        "\ufff9\ufffb",
    ],
)
def test_what_shows_nothing_is_not_visible(text: str) -> None:
    assert not is_visible(text)


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "\u200b.",
        "e\u0301",
        "\u2801",
        "\u2764\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        "\uac00",
        "\u0e01\u0e33",
        # A symbol of a font for terminals, and an emoji that this Python may not know yet.
        "\ue0b0",
        "\U0001fae9",
    ],
)
def test_what_shows_something_is_visible(text: str) -> None:
    assert is_visible(text)


@given(st.text(), st.text())
def test_a_text_is_as_visible_as_what_it_is_made_of(left: str, right: str) -> None:
    assert is_visible(left + right) == (is_visible(left) or is_visible(right))
