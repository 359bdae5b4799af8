"""What `scripts/mutate` takes for a core, and where it looks for the tests of it."""

import pytest

from mutation.cores import PURE_FOLDERS, TESTED_IN, cores, where_tested
from testbed import ROOT


@pytest.mark.parametrize(
    "name",
    [
        "zchat/fabric/core/link.py",
        "zchat/protocol/rules/permissions.py",
        "zchat/client/model/book.py",
    ],
)
def test_a_core_is_found_by_its_folder(name: str) -> None:
    assert name in cores()


def test_shells_are_no_cores() -> None:
    shells = ("zchat/rooms/process.py", "zchat/protocol/codec.py", "zchat/client/sdk/drafts.py")
    assert not set(shells) & set(cores())


def test_each_has_tests() -> None:
    for name in cores():
        assert [path for path in where_tested(name) if not (ROOT / path).exists()] == []


def test_all_folders_that_are_named_exist() -> None:
    named = [folder for folder in (*PURE_FOLDERS, *TESTED_IN) if "/" in folder]
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
