"""A link makes commands and replies reliable over sockets that drop: numbered, in order, resent.

Between an *asker* (a gateway, or a service that owes another one) and the worker of one address
run two numbered streams, commands up and replies down. Each side accepts the next number only and
otherwise asks for a resend; what is accepted is never accepted again. The memory of it ends with
either process: a new worker has a higher epoch, a new asker another identity, and then the asker
restarts the link with everything unanswered, in order. Nonces remove the duplicates.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from zchat.fabric.core.pulse import Pulse
from zchat.protocol import limits
from zchat.protocol.internal import Down, Reply, Up

Item = TypeVar("Item")
Context = TypeVar("Context")


class Outgoing(Generic[Item]):
    """One direction's sender: keeps what is not yet accepted, and sends it within a window."""

    def __init__(self) -> None:
        self.next_to_send = 1
        self._kept: deque[tuple[Item, int]] = deque()
        self._kept_from = 1
        self._rewound_at = 0.0
        self._rewound_to = 0
        self._window_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, item: Item, size_bytes: int) -> int:
        """Keeps the item to be sent, and returns its number."""
        self._kept.append((item, size_bytes))
        return self._kept_from + len(self._kept) - 1

    def accept(self, next_wanted: int) -> None:
        """The receiver has everything before `next_wanted`."""
        while self._kept and self._kept_from < next_wanted:
            _, size_bytes = self._kept.popleft()
            if self._kept_from < self.next_to_send:
                self._window_bytes -= size_bytes
            self._kept_from += 1
        self.next_to_send = max(self.next_to_send, self._kept_from)

    def rewind(self, now: float) -> None:
        """Sends again all that is not accepted; not twice in a moment for the same gap."""
        # Each batch that comes behind a gap has the receiver tell of it once more.
        if (
            self._rewound_to == self._kept_from
            and now - self._rewound_at < limits.RESEND_INTERVAL_S
        ):
            return
        self._rewound_to, self._rewound_at = self._kept_from, now
        self.next_to_send = self._kept_from
        self._window_bytes = 0

    def next_batch(self) -> tuple[int, list[Item]]:
        """The first number and the items to send now; no items if there is nothing to send."""
        first = self.next_to_send
        start = first - self._kept_from
        items: list[Item] = []
        batch_bytes = 0
        for index in range(start, len(self._kept)):
            item, size_bytes = self._kept[index]
            # One item goes out however large it is, or it would never.
            if items and (
                len(items) >= limits.BATCH_ITEMS_MAX
                or batch_bytes + size_bytes > limits.BATCH_BYTES_MAX
            ):
                break
            # Past the window it waits here: whoever comes back is not sent all that waits at once.
            if (
                self._window_bytes + size_bytes > limits.LINK_WINDOW_BYTES
                or index >= limits.LINK_WINDOW_ITEMS
            ):
                break
            items.append(item)
            batch_bytes += size_bytes
            self._window_bytes += size_bytes
        self.next_to_send = first + len(items)
        return first, items


class Incoming:
    """One direction's receiver: accepts the next number only, and notes what is missing."""

    def __init__(self) -> None:
        self.next_wanted = 1
        self.gap = False

    def accept(self, first: int, count: int) -> int:
        """How many items of a batch to skip: those accepted before, or all behind a gap."""
        if first > self.next_wanted:
            self.gap = True
            return count
        skip = min(self.next_wanted - first, count)
        self.next_wanted += count - skip
        return skip

    def take_gap(self) -> bool:
        gap, self.gap = self.gap, False
        return gap


class Unanswered(Struct, Generic[Context], frozen=True):
    body: bytes
    context: Context | None
    """What the asker wants to remember with the reply; None for a prelude."""


class Asker(Generic[Context]):
    """The end that sends commands to one address. Pure: envelopes in, envelopes out.

    `prelude` gives what a restarted link begins with: what the worker must know before the
    commands that are still unanswered.
    """

    def __init__(self, prelude: Callable[[], Iterable[bytes]] = tuple) -> None:
        self.epoch: int | None = None
        """Epoch of the worker; None until there has been one."""
        self.reachable = False
        self.hears_stream = False
        """Whether something has come of late from this worker's stream, since it could be reached.
        """
        self._beats_without_stream = 0
        self.queue_bytes = 0
        """Size of all that is unanswered."""
        self.unanswered: dict[int, Unanswered[Context]] = {}
        self._prelude = prelude
        self._link = 0
        self._commands: Outgoing[bytes] = Outgoing()
        self._replies = Incoming()
        self._pulse = Pulse()
        self._owes_heartbeat = False

    def send(self, body: bytes, context: Context | None) -> None:
        """Sends a command when it can, and again until it is answered."""
        number = self._commands.append(body, len(body))
        self.unanswered[number] = Unanswered(body, context)
        self.queue_bytes += len(body)

    def clear(self, keep: Callable[[Context], bool] = lambda _: False) -> None:
        """Forgets commands; the link restarts, since their numbers may have been accepted."""
        self.unanswered = {
            number: question
            for number, question in self.unanswered.items()
            if question.context is not None and keep(question.context)
        }
        self._restart()

    def worker_changed(self, epoch: int | None) -> None:
        """The router says which worker serves the address; None for nobody at the moment."""
        if epoch is None or epoch != self.epoch or not self.reachable:
            self._hears_stream(False)
        self.reachable = epoch is not None
        if epoch is not None and epoch != self.epoch:
            self.epoch = epoch
            self._restart()

    def heard_stream(self, epoch: int) -> None:
        """A worker of this epoch was heard on its stream: replies may come with that now."""
        # Another one, that was overtaken and does not know it yet, says nothing of ours.
        if self.reachable and epoch == self.epoch:
            self._hears_stream(True)
            self._beats_without_stream = 0

    def _hears_stream(self, hears: bool) -> None:
        if self.hears_stream is not hears:
            self.hears_stream = hears
            # The worker is to know soon by which way it is to answer.
            self._pulse.stir()

    def receive(self, down: Down, now: float) -> list[tuple[Context | None, bytes]]:
        """The (context, reply) pairs that are new; the context is None for a word of its own."""
        if down.epoch != self.epoch or down.link != self._link:
            # Of a life of the worker or of the link that is over: the numbers mean other commands.
            return []
        if down.commands_next == 0:
            # The worker does not know this link: numbers begin with 1.
            self._restart()
            return []
        self._commands.accept(down.commands_next)
        if down.gap:
            self._commands.rewind(now)
        skip = self._replies.accept(down.first, len(down.items))
        answered: list[tuple[Context | None, bytes]] = []
        for reply in down.items[skip:]:
            if reply.command == 0:
                answered.append((None, reply.frame))
            elif question := self.unanswered.pop(reply.command, None):
                self.queue_bytes -= len(question.body)
                if question.context is not None:
                    answered.append((question.context, reply.frame))
        return answered

    def heartbeat(self) -> None:
        """Makes the next `envelopes` say something now and then even if there is nothing to say.

        A stream has a heartbeat of its own. Whoever misses some of them is deaf, perhaps for long,
        and is answered by the way by which it asks.
        """
        if self.unanswered:
            # The last command may be lost, and so may be its reply.
            self._pulse.stir()
        if not self._pulse.beat():
            return
        self._owes_heartbeat = True
        self._beats_without_stream += 1
        if self._beats_without_stream > limits.STREAM_BEATS_MISSED_MAX:
            self.hears_stream = False

    def envelopes(self) -> list[Up]:
        """What to send now; one that could not be sent is missed and resent like a lost one."""
        if self.epoch is None or not self.reachable:
            return []
        gap = self._replies.take_gap()
        envelopes: list[Up] = []
        while True:
            first, items = self._commands.next_batch()
            if not items and (envelopes or not (gap or self._owes_heartbeat)):
                break
            envelopes.append(
                Up(
                    self.epoch,
                    self._link,
                    first,
                    items,
                    self._replies.next_wanted,
                    gap,
                    self.hears_stream,
                )
            )
        self._owes_heartbeat = False
        return envelopes

    def _restart(self) -> None:
        resend = [question for question in self.unanswered.values() if question.context is not None]
        self._link += 1
        self._commands, self._replies = Outgoing(), Incoming()
        self.unanswered = {}
        self.queue_bytes = 0
        # First of all: a worker that is new must know the sessions before their commands.
        for body in self._prelude():
            self.send(body, None)
        for question in resend:
            self.send(question.body, question.context)
        self._owes_heartbeat = True


class ReturnAddress(Struct, frozen=True):
    """Where the reply to one command goes; worthless once that link has restarted."""

    asker: bytes
    link: int
    command: int


class _AskerState:
    """What a worker remembers of one asker."""

    __slots__ = ("asker", "commands", "hears_stream", "link", "owes_ack", "replies")

    def __init__(self, asker: bytes, link: int) -> None:
        self.asker = asker
        self.link = link
        self.commands = Incoming()
        self.replies: Outgoing[Reply] = Outgoing()
        self.owes_ack = True
        self.hears_stream = False


class Answerer:
    """The end of a worker: all links to its address. Pure: envelopes in, envelopes out."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._askers: dict[bytes, _AskerState] = {}
        self._unknown: dict[bytes, int] = {}
        """Links that must restart, and have not been told so."""
        self._heard_at: dict[bytes, float] = {}
        """Also of askers whose link was forgotten: they may die before it begins anew."""
        self._forgotten: dict[bytes, int] = {}
        """Links that must not begin again, or a late copy of their first batch would."""

    @property
    def askers(self) -> list[bytes]:
        return list(self._askers)

    def receive(self, asker: bytes, up: Up, now: float) -> list[tuple[ReturnAddress, bytes]]:
        """The commands of an envelope that are new, each with the address for its reply."""
        if up.epoch != self._epoch:
            return []
        state = self._askers.get(asker)
        if state is None or state.link < up.link:
            if (
                up.first != 1
                or up.link <= self._forgotten.get(asker, 0)
                or (state is None and len(self._askers) >= limits.PEERS_MAX)
            ):
                # We forgot this link, or missed its beginning: only a restart brings it all.
                self._unknown[asker] = up.link
                return []
            state = self._askers[asker] = _AskerState(asker, up.link)
        elif up.link < state.link:
            return []
        self._heard_at[asker] = now
        # A heartbeat is no question: our own tells as much, and what is said to one of those who
        # hear the stream wakes all of them.
        state.owes_ack = state.owes_ack or bool(up.items) or up.gap
        state.hears_stream = up.hears_stream
        state.replies.accept(up.replies_next)
        if up.gap:
            state.replies.rewind(now)
        skip = state.commands.accept(up.first, len(up.items))
        number = up.first + skip
        return [
            # Not the envelope's own copy of the name: return addresses may be kept for long.
            (ReturnAddress(state.asker, up.link, number + index), item)
            for index, item in enumerate(up.items[skip:])
        ]

    def reply(self, address: ReturnAddress, frame: bytes) -> None:
        """Answers a command; command number 0 of an address says a word of one's own."""
        state = self._askers.get(address.asker)
        if state is None or state.link != address.link:
            return
        # An asker that accepts no replies does not hold their memory; it will ask for all again.
        if len(state.replies) >= limits.LINK_REPLIES_MAX:
            self.forget(address.asker)
            return
        state.replies.append(Reply(address.command, frame), len(frame))

    def tell(self, asker: bytes, frame: bytes) -> None:
        """Says something to an asker that it did not ask for; lost if its link restarts."""
        if state := self._askers.get(asker):
            self.reply(ReturnAddress(asker, state.link, 0), frame)

    def heartbeat(self) -> None:
        for state in self._askers.values():
            state.owes_ack = True

    def forget(self, asker: bytes) -> None:
        """Drops a link; if its asker lives, it restarts and resends what is unanswered."""
        if asker in self._askers:
            self._unknown[asker] = self._drop(asker)

    def expire(self, now: float) -> list[bytes]:
        """Forgets and returns the askers that have been silent for too long."""
        silent = [
            asker
            for asker, heard_at in self._heard_at.items()
            if now - heard_at > limits.PEER_EXPIRY_S
        ]
        for asker in silent:
            del self._heard_at[asker]
            if asker in self._askers:
                self._drop(asker)
        return silent

    def _drop(self, asker: bytes) -> int:
        """Forgets all of an asker but the number of its link, and returns that."""
        link = self._askers.pop(asker).link
        # Taken out first, so that it stands last: the one that has been there for longest goes.
        self._forgotten.pop(asker, None)
        self._forgotten[asker] = link
        if len(self._forgotten) > limits.PEERS_MAX:
            del self._forgotten[next(iter(self._forgotten))]
        return link

    def hears_stream(self, asker: bytes) -> bool:
        """Whether its replies may go out with the stream; then all of them should.

        By two ways one could overtake another, and that one would be asked for again.
        """
        state = self._askers.get(asker)
        return state is not None and state.hears_stream

    def envelopes(self) -> list[tuple[bytes, Down]]:
        """What to send now, by asker."""
        outgoing: list[tuple[bytes, Down]] = [
            (asker, Down(self._epoch, link, 1, [], 0, False))
            for asker, link in self._unknown.items()
        ]
        self._unknown = {}
        for asker, state in self._askers.items():
            gap = state.commands.take_gap()
            while True:
                first, items = state.replies.next_batch()
                if not items and not (gap or state.owes_ack):
                    break
                down = Down(self._epoch, state.link, first, items, state.commands.next_wanted, gap)
                outgoing.append((asker, down))
                state.owes_ack = gap = False
        return outgoing
