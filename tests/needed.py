"""Programs that tests need and pip does not bring: a clone may lack them, CI may not."""

import os
import shutil
import subprocess
from typing import Final, NoReturn

import pytest

NODE_MAJOR_MIN: Final = 20
"""As `engines` in web/package.json."""


def do_without(why: str) -> NoReturn:
    """Skips who calls; in CI, where nothing is passed over, fails."""
    if os.environ.get("CI"):
        pytest.fail(f"{why}; in CI this is no reason to skip anything", pytrace=False)
    pytest.skip(why)


def find_node() -> str | None:
    """None also for one that is too old."""
    node = shutil.which("node")
    if node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(said.strip().lstrip("v").partition(".")[0]) >= NODE_MAJOR_MIN else None
