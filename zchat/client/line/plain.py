"""The line client in a pipe: lines in, lines out, no prompt and no colour."""

import asyncio
import codecs
import errno
import os
import sys
import threading
from collections.abc import AsyncIterator
from typing import Final

from zchat.client.exit_codes import WRONG_USAGE, Failed
from zchat.client.line.line_client import LineClient
from zchat.protocol import limits

LINE_CHARS_MAX: Final = 2 * limits.TEXT_CHARS_MAX
"""A longer line is cut there, and refused as too long for a message."""
CHUNK_BYTES: Final = 64 * 1024
CHUNKS_WAITING_MAX: Final = 4
"""So much is read ahead; then whoever writes to us has to wait."""
UNANSWERED_MAX: Final = 1_000
"""Requests under way; further lines are read as fast as the server confirms these."""


def show(lines: list[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


async def read_lines() -> AsyncIterator[str]:
    """The lines of standard input, be it a pipe, a file or a terminal.

    Raises `Failed` if it cannot be read.
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    chunks: asyncio.Queue[bytes] = asyncio.Queue(CHUNKS_WAITING_MAX)

    def read() -> None:
        # Plain reads, since a thread in `sys.stdin` would hold its lock while Python exits.
        chunk = b"more"
        while chunk:
            try:
                chunk = os.read(0, CHUNK_BYTES)
            except OSError as error:
                failures.append(error)
                chunk = b""
            try:
                asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
            except (RuntimeError, asyncio.CancelledError):
                return  # The loop is over.

    # A file cannot be awaited, and a read that never returns must not keep the process alive.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    partial, cut = "", False
    while True:
        chunk = await chunks.get()
        partial += decoder.decode(chunk, final=not chunk)
        *lines, partial = partial.split("\n")
        if lines and cut:
            # The rest of a line that has been refused is no line of its own.
            del lines[0]
            cut = False
        if cut:
            partial = ""
        elif len(partial) > LINE_CHARS_MAX:
            lines.append(partial[:LINE_CHARS_MAX])
            partial, cut = "", True
        if not chunk and partial:
            lines.append(partial)
        for line in lines:
            yield line.removesuffix("\r")
        if not chunk:
            # A terminal that is gone is an end like any other.
            if failures and failures[0].errno != errno.EIO:
                raise Failed(WRONG_USAGE, f"cannot read the input: {failures[0].strerror}")
            return


async def converse(client: LineClient) -> None:
    """Until the input ends or says `:quit`."""
    async for line in read_lines():
        if not client.enter(line):
            return
        await client.wait_for_capacity(UNANSWERED_MAX)
