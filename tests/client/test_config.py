"""The client's file of settings: what is wrong in it is told, and hinders nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.storage.config import FILE_NAME, Config, parse, read

WHOLE = """
fold-moves = false
highlight = ["tea", " on call "]
log-files = "/var/log/talk"
theme = "solar"

[keys]
go-to = ["ctrl+g", "f9"]
pins = []
next-unread = "alt+n"

[themes.solar]
like = "dark"
"""


def test_everything_that_can_be_set() -> None:
    config = parse(WHOLE)
    assert config == Config(
        fold_moves=False,
        highlight=("tea", "on call"),
        log_folder=Path("/var/log/talk"),
        theme="solar",
        keys={"go-to": ("ctrl+g", "f9"), "pins": (), "next-unread": ("alt+n",)},
        themes={"solar": {"like": "dark"}},
        source=WHOLE,
    )


@pytest.mark.parametrize(
    ("source", "trouble"),
    [
        ("a = \n", "line 1: invalid value; nothing of the file is used"),
        ("\n\nfold-moves = 'yes'", "line 3: fold-moves is true or false"),
        ("# folds\nfolds = true", "line 2: there is no setting folds"),
        ("[keys]\n\npins = 7", 'line 3: pins takes a key, as "ctrl+g", or a list of them'),
        ("log-files = 'here'", "line 1: the folder begins with / or ~"),
        (
            "highlight = ['']",
            "line 1: highlight takes up to 50 words of 1 to 64 characters",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence_with_its_line(source: str, trouble: str) -> None:
    assert parse(source).troubles == [f"{FILE_NAME}, {trouble}"]


def test_what_else_is_in_a_file_with_a_mistake_counts() -> None:
    config = parse(f"nonsense = 1\n{WHOLE}")
    assert len(config.troubles) == 1
    assert config.highlight == ("tea", "on call")


@given(st.text(alphabet='ab=[]"\n.#1 ', max_size=60) | st.text())
def test_no_text_is_more_than_trouble(source: str) -> None:
    assert isinstance(parse(source), Config)


def test_without_a_file_all_is_as_usual_and_a_bad_one_is_named(tmp_path: Path) -> None:
    assert read(tmp_path) == Config()
    path = tmp_path / FILE_NAME
    path.write_bytes(b"theme = 'a'\ntheme = '\xff'")
    assert read(tmp_path).troubles == [f"{FILE_NAME}, line 2: what stands there is not UTF-8"]
    path.unlink()
    path.mkdir()
    assert read(tmp_path).troubles == [f"{path} cannot be read: Is a directory"]
    assert read(path / "nothing").troubles == []
