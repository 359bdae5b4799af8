"""What a text means beside its words."""

from hypothesis import given
from hypothesis import strategies as st

from zchat.client.model.entries import pattern_of
from zchat.client.tui.view.markup import Ink, Piece, emojied, inline, links
from zchat.protocol.rules.markup import blocks
from zchat.protocol.rules.mentions import mentions_in


def inks(text: str) -> list[tuple[str, Ink]]:
    return [(piece.text, piece.ink) for piece in inline(text, "ann") if piece.ink is not Ink.TEXT]


def test_what_people_write_is_understood() -> None:
    assert inks("a `b` **c** *d* e") == [("b", Ink.CODE), ("c", Ink.STRONG), ("d", Ink.EMPHASIS)]
    assert inks("@ann and @bob, not x@example.org") == [
        ("@ann", Ink.MENTIONED),
        ("@bob", Ink.MENTION),
    ]


def test_what_is_no_markup_stays_as_it_is() -> None:
    for text in ("2*3*4", "* a list", "** x **", "`open", "snake*case*d", "[bold]x[/]", "a ** b"):
        assert list(inline(text, "ann")) == [Piece(text)]


def test_links_end_where_their_sentence_does() -> None:
    text = "(see https://a.org/b_(c), and http://d.org/?e=f.) javascript:alert(1) file:///etc"
    assert links(text) == ["https://a.org/b_(c)", "http://d.org/?e=f"]
    assert [piece.target for piece in inline(text, "ann") if piece.target] == links(text)


def test_code_stands_between_fences_that_close() -> None:
    assert [block[:2] for block in blocks("a\n```py\nb\n```\nc")] == [
        ("a", False),
        ("b", True),
        ("c", False),
    ]
    assert [block[:2] for block in blocks("```\nb")] == [("```", False), ("b", False)]


def test_names_between_colons_become_emoji_but_in_code() -> None:
    text = "done :tada: at 10:30:15 `:tada:` :nosuch:"
    assert emojied(text) == text.replace(":tada:", "🎉", 1)


@given(st.text(alphabet="ab`*:@. \nhtps/", max_size=300))
def test_nothing_is_lost_but_marks(text: str) -> None:
    for block in blocks(text):
        seen = "".join(piece.text for piece in inline(block.text, "ann"))
        marks = str.maketrans("", "", "*`")
        assert seen.translate(marks) == block.text.translate(marks)


@given(st.text(alphabet="an@`*:/. \nhtpsx", max_size=200))
def test_who_is_called_is_shown_as_called(text: str) -> None:
    shown = [
        piece.text[1:].casefold()
        for block in blocks(text)
        if not block.code
        for piece in inline(block.text, "ann")
        if piece.ink in (Ink.MENTION, Ink.MENTIONED)
    ]
    assert shown == [mention.name for mention in mentions_in(text)]


def test_words_of_ones_own_are_shown_as_ones_name() -> None:
    pieces = inline("@bob has *green tea* `tea`", "ann", pattern_of(["tea", "bob"]))
    assert [(piece.text, piece.ink) for piece in pieces if piece.ink is not Ink.TEXT] == [
        ("@bob", Ink.MENTION),
        ("green ", Ink.EMPHASIS),
        ("tea", Ink.MENTIONED),
        ("tea", Ink.CODE),
    ]
