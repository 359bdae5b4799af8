"""Whom a text calls: nobody in code and in addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol import limits
from zchat.protocol.rules.mentions import mentioned, mentions_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann, and (@bob).", {"ann", "bob"}),
        ("*@Ann* **@bob** @ann/@carl", {"ann", "bob", "carl"}),
        ("write to ann@example.org", set()),
        ("run `deploy @ann` now", set()),
        ("``@ann`` and ```@ann```", set()),
        ("```\n@ann\n```\n@bob", {"bob"}),
        ("```py\n@ann.decorated\n```", set()),
        ("```\n@ann never closes", {"ann"}),
        ("it's `not closed @ann", {"ann"}),
        ("a ` b\n@ann ` c", {"ann"}),
        ("https://example.social/@ann/1", set()),
        ("HTTPS://x.org/?to=@ann&cc=@bob", set()),
        ("(see https://x.org/@ann), @bob", {"bob"}),
        ("<https://x.org> @bob", {"bob"}),
        ("git+ssh://host/@ann", set()),
        ("medium.com/@ann and localhost.lan:80/@ann", set()),
        ("node_modules/@types/node", set()),
        ("either/or @ann", {"ann"}),
        ("e.g. @ann", {"ann"}),
    ],
)
def test_who_is_called(text: str, names: set[str]) -> None:
    assert mentioned(text) == names


WORDS = [
    "@ann",
    "@bob.",
    "a",
    ".",
    "/",
    "://",
    "x.org",
    "`",
    "```",
    "\n",
    " ",
    "@",
    "*",
    ":80",
    "-",
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)


@given(TEXTS)
def test_each_mention_stands_where_it_says(text: str) -> None:
    end = 0
    for mention in mentions_in(text):
        assert end <= mention.begin < mention.end
        assert text[mention.begin : mention.end].casefold() == f"@{mention.name}"
        end = mention.end
    assert mentioned(text) == {mention.name for mention in mentions_in(text)}


@given(TEXTS)
def test_what_is_made_code_calls_nobody(text: str) -> None:
    span = text.replace("`", "").replace("\n", " ")
    assert mentioned(f"`{span}`") == set()
    fenced = text.replace("`", "")
    assert mentioned(f"```\n{fenced}\n```") == set()


@given(TEXTS, st.sampled_from(["https://", "x.org/", "gopher://a/", "x.org:70/"]))
def test_what_is_made_an_address_calls_nobody(text: str, address: str) -> None:
    rest = "".join(char for char in text if char not in "` \n")
    assert mentioned(f"see {address}{rest}") == set()


@given(TEXTS)
def test_a_word_of_its_own_calls_whatever_stands_on_other_lines(text: str) -> None:
    unfenced = text.replace("```", "")
    assert "carl" in mentioned(f"{unfenced}\n@carl")


def test_only_so_many_are_called() -> None:
    text = " ".join(f"@n{number}" for number in range(limits.MENTIONS_MAX + 5))
    assert len(mentioned(text)) == limits.MENTIONS_MAX
