"""Whom an operator means: addresses, names and patterns, and who is meant by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol.rules.targets import InvalidTarget, target_of


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.7/32", "192.0.2.7"),
        # Of IPv6 whoever has one address has its /64, unless it is said otherwise.
        ("2001:DB8::1", "2001:db8::/64"),
        ("2001:db8::1/128", "2001:db8::1/128"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7/120", "192.0.2.0/24"),
        (" Mallory ", "mallory"),
        ("@mallory", "mallory"),
        # Such a name may be had.
        ("@192.0.2.7", "@192.0.2.7"),
        ("Spam**", "spam*"),
        ("ＳＰＡＭ?", "spam?"),
    ],
)
def test_each_target_has_one_spelling(given: str, text: str) -> None:
    assert target_of(given).text == text
    assert target_of(text) == target_of(given)


NONE_OF_THEM = (
    *("", "192.0.2.0/33", "192.0.2/24", "192.0.2.0/", "192.0.2.0/-1", "2001:db8::/129"),
    *("192.0.2.*", "192.0.2.?", "10.*"),
    *("spam[12]*", "@@spam*", "sp@m*"),
    *("a/b", "a:b", "two words", "spam *", "*" + "x" * 40, "spam\x1b*", "-", "::ffff:192.0.2.7/90"),
)


@given(st.text(alphabet="aB1.:*?@/-_ \u0430\uff21[", max_size=12))
def test_what_is_kept_of_a_target_means_the_same(words: str) -> None:
    try:
        target = target_of(words)
    except InvalidTarget:
        return
    assert target_of(target.text) == target


@pytest.mark.parametrize("given", NONE_OF_THEM)
def test_what_is_none_is_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(InvalidTarget, match="is no"):
        target_of(given)


@pytest.mark.parametrize(
    ("target", "name", "fits"),
    [
        ("mallory", "mallory", True),
        ("mallory", "mallory2", False),
        # A letter of another script, which looks the same.
        ("mallory", "m\u0430llory", True),
        ("m\u0430llory", "mallory", True),
        # Of ASCII alone: people do number their names.
        ("bill", "bi11", False),
        ("spam*", "spam17", True),
        ("spam*", "nospam", False),
        ("*spam*", "nospam1", True),
        ("sp?m", "spam", True),
        ("sp?m", "spaam", False),
        ("spam*", "s\u0440\u0430m7", True),
        ("@192.0.2.*", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.7", False),
        ("@192.0.2.7", "192.0.2.7", True),
        ("@10.0.0", "10.0.0", True),
    ],
)
def test_names(target: str, name: str, fits: bool) -> None:
    assert target_of(target).is_for_name(name) is fits


@pytest.mark.parametrize(
    ("target", "address", "fits"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.0/24", "192.0.2.8", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("2001:db8::1/128", "2001:db8::2", False),
        ("192.0.2.7", "", False),
        ("mallory", "192.0.2.7", False),
    ],
)
def test_addresses(target: str, address: str, fits: bool) -> None:
    assert target_of(target).is_for_address(address) is fits


@pytest.mark.parametrize("given", ["300.1.1.1", "192.0.2", "192.0.2.", "1.2.3.4.5", "192.0.2.*"])
def test_a_mistyped_address_is_taken_for_no_name(given: str) -> None:
    with pytest.raises(InvalidTarget, match=r"is no address; .* an @ before it"):
        target_of(given)


def test_names_that_look_like_addresses_keep_their_spelling() -> None:
    assert target_of(target_of("@10.0.0").text) == target_of("@10.0.0")


@pytest.mark.parametrize("given", ["0.0.0.0/0", "8.0.0.0/7", "::/0", "2000::/16", "*", "?*", "a*"])
def test_some_mean_a_good_part_of_everybody(given: str) -> None:
    assert target_of(given).is_vast


@pytest.mark.parametrize("given", ["10.0.0.0/8", "2001:db8::/32", "ab*", "a", "192.0.2.7"])
def test_others_do_not(given: str) -> None:
    assert not target_of(given).is_vast


@pytest.mark.parametrize("given", ["127.0.0.1", "127.5.0.0/16", "::1", "::1/128", "0.0.0.0/0"])
def test_some_have_this_machine_among_them(given: str) -> None:
    assert target_of(given).has_this_machine


@pytest.mark.parametrize("given", ["128.0.0.0/8", "2001:db8::1", "localhost", "127*"])
def test_most_do_not(given: str) -> None:
    assert not target_of(given).has_this_machine


def test_a_pattern_of_many_stars_takes_no_longer() -> None:
    assert not target_of("*a" * 15 + "*b").is_for_name("a" * 32)
