"""A cluster that is far away: what its clients send and get is under way for a while.

The browser's own emulation of networks leaves WebSockets as they are, so that it would not do.
"""

import asyncio
from typing import Final, Self

_SET_UP: Final = 1
"""Round trips before a connection carries anything."""


class Distance:
    """Takes connections to the cluster on a port of its own. To be entered with `async with`."""

    def __init__(self, host: str, port: int, round_trip_s: float) -> None:
        self._host, self._port = host, port
        self._round_trip_s = round_trip_s
        self._carrying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        for come_in, go_out, first_s in (
            (reader, far_writer, _SET_UP * self._round_trip_s),
            (far_reader, writer, 0.0),
        ):
            task = asyncio.create_task(self._carry(come_in, go_out, first_s))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first_s: float
    ) -> None:
        """What has come so far is under way together: the way is long, and not narrow."""
        loop = asyncio.get_running_loop()
        earliest = loop.time() + first_s

        def arrive(chunk: bytes) -> None:
            if writer.is_closing():
                return
            if chunk:
                writer.write(chunk)
            else:
                writer.close()

        chunk = b"begun"
        while chunk:
            try:
                chunk = await reader.read(65_536)
            except OSError:
                chunk = b""
            loop.call_at(max(loop.time(), earliest) + self._round_trip_s / 2, arrive, chunk)
