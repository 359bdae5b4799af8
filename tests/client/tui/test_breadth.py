"""Names are cut only where there is no room for them."""

from pathlib import Path

import pytest

from zchat.client.tui.app import LocalCalendar
from zchat.client.tui.controller.panels import BOTH_FROM, side_cells
from zchat.client.tui.view.layout import Page
from zchat.protocol import limits
from zchat.protocol.messages import MessagePosted

from ..fake_gateway import FakeGateway
from .people import person

LONGEST = "n" * limits.NAME_CHARS_MAX


async def test_the_longest_names_are_seen_whole_on_a_broad_terminal(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.server.append(f"#{LONGEST}", LONGEST, MessagePosted("hello"))
    async with person(gateway, tmp_path, size=(240, 30)) as ann:
        await ann.write(f":jr {LONGEST}")
        await ann.sees("you joined")
        await ann.press("f2")
        _, body = ann.screen.split("\n", 1)
        listed = [line for line in body.split("\n") if f"  #{LONGEST}" in line]
        assert len(listed) == 1
        assert f" {LONGEST}  hello" in body


@pytest.mark.parametrize("columns", range(60, 400, 7))
def test_what_lists_and_names_take_is_in_proportion(columns: int) -> None:
    assert 24 <= side_cells(columns) <= limits.NAME_CHARS_MAX + 10
    assert columns < BOTH_FROM or 2 * side_cells(columns) < columns / 2
    page = Page(columns, "ann", LocalCalendar())
    assert page.text_width >= page.width * 0.6
