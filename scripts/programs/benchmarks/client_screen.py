"""What the full-screen client costs a person who waits: to see it, to write, to catch up."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.client_terminal import Terminal
from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster
from zchat.client import connect

FIRST_FRAME_MS: Final = 400.0
USABLE_MS: Final = 700.0
CATCH_UP_MS: Final = 2_000.0
KEY_MS: Final = 16.0
RESIDENT_MIB: Final = 90.0
MISSED: Final = 10_000
CATCH_UPS: Final = 5
LOADED: Final = 100_000
KEYS: Final = 200
_PROGRAM: Final = Path(sys.executable).parent / "zchat-client"
_USER: Final = "reader"
_PASSWORD: Final = "correct horse"
_LOBBY: Final = "#lobby"
_ONLINE: Final = "online"
_AT_ONCE: Final = 500
"""Messages that are said before one is awaited."""


def measure(cluster: ZchatCluster, folder: Path, times: int) -> Sequence[Figure]:
    address = f"{cluster.host}:{cluster.port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZCHAT_")},
        "ZCHAT_PASSWORD": _PASSWORD,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "HOME": str(folder),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **{f"XDG_{name}_HOME": str(folder) for name in ("CONFIG", "DATA", "STATE")},
    }
    screen = [str(_PROGRAM), _USER, "--address", address]
    asyncio.run(_register(address))
    with Terminal(screen, environment) as terminal:
        terminal.wait_for(_ONLINE)
        terminal.settle()
    caught_up, still = [], []
    for _ in range(CATCH_UPS):
        last = asyncio.run(_say(address, MISSED))
        with Terminal(screen, environment) as terminal:
            terminal.wait_for(_LOBBY)
            caught_up.append(terminal.wait_for(last) * 1000)
            still.append(terminal.stillest_s * 1000)
            terminal.settle()
            time.sleep(1.5)
    first, usable, resident = [], [], []
    for _ in range(times):
        with Terminal(screen, environment) as terminal:
            first.append(terminal.wait_for(_LOBBY) * 1000)
            terminal.type("~")
            usable.append(terminal.wait_for("~") * 1000)
            terminal.wait_for(_ONLINE)
            terminal.settle()
            resident.append(terminal.resident_mib())
    return [
        Figure("start to first frame", "ms", first, FIRST_FRAME_MS),
        Figure("start to a letter that was typed", "ms", usable, USABLE_MS),
        Figure(f"start to {MISSED:,} missed messages", "ms", caught_up, CATCH_UP_MS),
        Figure("the longest without a frame in it", "ms", still),
        Figure("resident, once online", "MiB", resident, RESIDENT_MIB),
        *_keys(address, environment),
    ]


def _keys(address: str, environment: dict[str, str]) -> list[Figure]:
    """With so many messages loaded, from a key to the last byte that it has drawn."""
    program = [sys.executable, "-P", "-m", "benchmarks.client_loaded", str(LOADED), address]
    taken: dict[str, list[float]] = {"a letter": [], "a line up": [], "half a page up": []}
    with Terminal(program, environment) as terminal:
        terminal.wait_for(f"message {LOADED - 1}")
        terminal.wait_for(_ONLINE)
        terminal.forget()
        for name, before, keys in (
            ("a letter", (), "x"),
            # The text is gone, and Up leads into the conversation.
            ("a line up", ("\x03", "\x1b[A"), "k"),
            ("half a page up", (), "\x15"),
        ):
            for key in before:
                terminal.type(key)
                time.sleep(0.3)
                terminal.settle()
            for _ in range(KEYS):
                terminal.type(keys)
                taken[name].append(terminal.answer() * 1000)
        resident = terminal.resident_mib()
    return [
        *(Figure(f"key to screen, {name}", "ms", values, KEY_MS) for name, values in taken.items()),
        Figure(f"resident, with {LOADED:,} messages", "MiB", [resident]),
    ]


async def _register(address: str) -> None:
    async with connect(_USER, address) as chat:
        await chat.register(_PASSWORD)


async def _say(address: str, count: int) -> str:
    """Returns the last of what is said."""
    run = f"{time.time():.0f}"
    async with connect("writer", address) as chat:
        for begin in range(0, count, _AT_ONCE):
            numbers = range(begin, min(begin + _AT_ONCE, count))
            await asyncio.gather(*(chat.say(f"message {number} of {run}") for number in numbers))
    return f"message {count - 1} of {run}"
