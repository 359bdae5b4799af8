"""The `zchat-client` program as its user has it: lines in, lines out, in a pipe or a terminal."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from typing import Final, Self

from testbed.cluster import DEADLINE_S, Cluster

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07")
_WHERE_IS_THE_CURSOR: Final = "\x1b[6n"


class Program:
    """One `zchat-client`. To be entered with `async with`; what it has printed is in `output`."""

    def __init__(
        self, cluster: Cluster, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        self._command = [str(cluster.folder / "bin" / "zchat-client"), *arguments]
        self._environment = {
            **cluster.environment,
            "ZCHAT_ADDRESS": cluster.address,
            # Nobody's own history of commands is read or written.
            "XDG_STATE_HOME": str(cluster.folder),
            # Nor are the servers that somebody trusts.
            "XDG_CONFIG_HOME": str(cluster.folder / "config"),
            "TERM": "xterm",
            **(environment or {}),
        }
        self.output = ""
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process
        self._reading: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        assert self._process.stdout is not None
        self._reading = [asyncio.create_task(self._read(self._process.stdout))]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._reading)

    def write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def say(self, line: str, *expected: str) -> None:
        """Enters the line, and waits for these regular expressions, each on a line after it."""
        begin = len(self.output)
        self.write(line + "\n")
        await self.shows(*expected, since=begin)

    async def shows(self, *expected: str, since: int = 0) -> None:
        """Until each of these regular expressions is found in what was printed `since`."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not all(
                    re.search(one, self.output[since:], re.MULTILINE) for one in expected
                ):
                    await self._more()
        except TimeoutError:
            raise AssertionError(f"{expected} not in {self.output[since:]!r}") from None

    async def prints(self, lines: int) -> None:
        """Until there are so many of them, however long that takes."""
        while self.output.count("\n") < lines:
            await self._more()

    async def _more(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def exit_code(self) -> int:
        async with asyncio.timeout(DEADLINE_S):
            code = await self._process.wait()
            await asyncio.gather(*self._reading)
        return code

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(4096):
            self._printed(data)

    def _printed(self, data: bytes) -> None:
        self.output += data.decode(errors="replace")
        self._news.set()


class TerminalProgram(Program):
    """The line client on a terminal, without colours and the movements of its cursor."""

    def __init__(
        self, cluster: Cluster, *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(cluster, "--line", *arguments, environment=environment)

    async def __aenter__(self) -> Self:
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._process = await asyncio.create_subprocess_exec(
            # Its own session, with the terminal as that which it is controlled by.
            *[sys.executable, "-c", _ON_A_TERMINAL, *self._command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self._environment,
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(self._terminal, False)
        asyncio.get_running_loop().add_reader(self._terminal, self._readable)
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)

    def write(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    async def say(self, line: str, *expected: str) -> None:
        await self.type(line + "\r", *expected)

    async def type(self, keys: str, *expected: str) -> None:
        """Presses the keys and no Enter; of what is shown already only a change may be printed."""
        begin = len(self.output)
        self.write(keys)
        await self.shows(*expected, since=begin)

    def _readable(self) -> None:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:
            # Nobody has the other end any more.
            asyncio.get_running_loop().remove_reader(self._terminal)
            return
        text = data.decode(errors="replace")
        if _WHERE_IS_THE_CURSOR in text:
            os.write(self._terminal, b"\x1b[1;1R")
        self._printed(_ESCAPES.sub("", text).replace("\r", "").encode())


_ON_A_TERMINAL: Final = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
