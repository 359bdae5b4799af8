"""What `zchat-client send` costs, and what of it goes where."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.report import Figure
from benchmarks.servers import ZchatCluster
from zchat.client import Scope, connect
from zchat.client.core.credentials import token_as_text

TARGET_MS: Final = 250.0
_USER: Final = "cron"
_ROOM: Final = "ops"
_PASSWORD: Final = "correct horse"
_PROGRAM: Final = Path(sys.executable).parent / "zchat-client"
_MODULES: Final = "zchat.client.cli.main, zchat.client.cli.send, zchat.client.auth.login"
_IMPORT: Final = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")
_SHOWN: Final = 6
"""Libraries whose part of the imports is named; the rest is one figure."""


def measure(cluster: ZchatCluster, folder: Path, times: int) -> Sequence[Figure]:
    address = f"{cluster.host}:{cluster.port}"
    token = folder / "token"
    token.write_text(token_as_text(asyncio.run(_register(address))))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZCHAT_")},
        "XDG_CONFIG_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
        "ZCHAT_ADDRESS": address,
    }
    account = ["-u", _USER, "--token-file", str(token), _ROOM, "the backup is done"]
    commands = {
        "send, with an app token": [str(_PROGRAM), "send", *account],
        "send, as a guest": [str(_PROGRAM), "send", "-u", "guest", "lobby", "hi"],
        "of it: the interpreter": [sys.executable, "-c", "pass"],
        "of it: that and all imports": [sys.executable, "-c", f"import {_MODULES}"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    # In turn, so that what else the machine does meets them alike; the first time reads the disk.
    for number in range(times + 1):
        for name, command in commands.items():
            took_ms = _run(command, environment)
            if number:
                taken[name].append(took_ms)
    return [
        *(Figure(name, "ms", values, _target(name)) for name, values in taken.items()),
        *_imports(environment),
    ]


def _target(name: str) -> float | None:
    return TARGET_MS if name.startswith("send") else None


async def _register(address: str) -> bytes:
    async with connect(_USER, address) as chat:
        await chat.register(_PASSWORD)
        await chat.create_room(_ROOM)
        return await chat.create_app_token("backup", [Scope.POST])


def _run(command: Sequence[str], environment: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
    return (time.perf_counter() - begin) * 1000


def _imports(environment: Mapping[str, str]) -> list[Figure]:
    """Milliseconds by library, each without those that it imports; measuring makes them slower."""
    finished = subprocess.run(  # noqa: S603 - Nothing in it is anybody's input.
        [sys.executable, "-X", "importtime", "-c", f"import {_MODULES}"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    taken: dict[str, float] = {}
    for microseconds, module in _IMPORT.findall(finished.stderr):
        library = module.partition(".")[0]
        taken[library] = taken.get(library, 0.0) + int(microseconds) / 1000
    largest = sorted(taken.items(), key=lambda item: item[1], reverse=True)
    rest = sum(ms for _, ms in largest[_SHOWN:])
    return [
        *(Figure(f"importing {library}", "ms", [ms]) for library, ms in largest[:_SHOWN]),
        Figure("importing all else", "ms", [rest]),
    ]
