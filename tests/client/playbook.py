"""Drives a client core by hand: the test says what happens, and reads what came of it."""

from collections.abc import Sequence

from zchat.client.core.credentials import Credentials
from zchat.client.core.events import CloseConnection, Effect, OpenConnection
from zchat.client.core.machine import ClientCore
from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    ClientMessage,
    Entry,
    EntryBody,
    Hello,
    LoggedIn,
    LogIn,
    LogState,
    MessagePosted,
    Request,
    ServerMessage,
    Welcome,
)

TOKEN = b"t" * 32
PREFIX = b"prefix--"


class Playbook:
    def __init__(
        self,
        *,
        password: str | None = None,
        credentials: Credentials | None = None,
        cursors: dict[str, int] | None = None,
        away: str | None = None,
        logs: Sequence[str] | None = None,
        from_head: bool = False,
    ) -> None:
        self.now = 0.0
        credentials = credentials or Credentials(TOKEN, password)
        self.core = ClientCore(
            "ann",
            credentials,
            PREFIX,
            "test",
            cursors=cursors,
            away=away,
            logs=logs,
            from_head=from_head,
        )
        self._reader = FrameReader()

    def sent(self) -> list[ClientMessage]:
        """What the core sends since the last look."""
        frames = self._reader.feed(self.core.take_outgoing())
        return [client_messages.decode(frame) for frame in frames]

    def effects(self) -> list[Effect]:
        return self.core.take_effects()

    def receive(self, *messages: ServerMessage) -> list[Effect]:
        self.core.received(b"".join(map(encode, messages)), self.now)
        return self.effects()

    def submit(self, draft: Request) -> int:
        return self.core.submit(draft, self.now)

    def wait(self, seconds: float) -> list[Effect]:
        """Time passes; the core is called whenever it asked to be."""
        end = self.now + seconds
        while (at := self.core.next_call_at()) is not None and at <= end:
            self.now = max(self.now, at)
            self.core.tick(self.now)
            if self.core.next_call_at() == at:
                break
        self.now = end
        return self.effects()

    def connect(self) -> LogIn:
        """The core wants a connection, and gets it. Returns its login."""
        effects = self.wait(11.0)
        assert any(isinstance(effect, OpenConnection) for effect in effects), effects
        self._reader = FrameReader()
        self.core.connected(self.now)
        hello, log_in = self.sent()[:2]
        # The same on every connection, by which a server knows the program again.
        assert isinstance(hello, Hello)
        assert hello.instance == PREFIX
        assert isinstance(log_in, LogIn)
        return log_in

    def log_in(self, *, guest: bool = True, **logs: tuple[int, int]) -> list[Effect]:
        """Up to the session's begin; `logs` are cursor and head by room, without the `#`."""
        request = self.connect()
        states = [LogState("#" + room, cursor, head) for room, (cursor, head) in logs.items()]
        return self.receive(Welcome(1, "test"), LoggedIn(request.id, "ann", guest, states))

    def disconnect(self, jitter: float = 0.0, why: str = "It broke.") -> list[Effect]:
        self.core.disconnected(self.now, jitter, why)
        return self.effects()


def entry(log: str, sequence: int, body: EntryBody | None = None, author: str = "bob") -> Entry:
    return Entry(log, sequence, 1_000, author, body or MessagePosted(f"{log} {sequence}"))


def closes(effects: list[Effect]) -> bool:
    return any(isinstance(effect, CloseConnection) for effect in effects)
