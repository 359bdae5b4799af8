"""What holds for all tests: none of them may fail because the machine is slow."""

import os
import signal
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("on any machine")

for name in ("COLUMNS", "LINES"):
    # They tell of no terminal of ours: readline sets them in whoever loads it, hence in the workers
    # of xdist, and a program that we start on a terminal would believe them instead of it.
    os.environ.pop(name, None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control has it ignored by what it puts aside with `&`: by us, and by the
    # programs that we start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST: Final = (
    "tests/integration/test_second_host.py",
    "tests/torture/",
    "tests/integration/test_screen.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, or all else would wait for it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
