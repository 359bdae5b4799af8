"""Whatever a server says and an application wants, in whatever order, the core goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.client.core.credentials import Credentials
from zchat.client.core.events import Answered, CloseConnection, OpenConnection, State
from zchat.client.core.machine import ClientCore, LoggingOut
from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    ChangePassword,
    Done,
    Entry,
    GoingAway,
    ListRooms,
    LoggedIn,
    LogIn,
    LogOutEverywhere,
    LogState,
    LogStateChanged,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MessagePosted,
    Notify,
    Ping,
    Pong,
    Post,
    PresenceChanged,
    ReadHistory,
    RefusalCode,
    Refused,
    Register,
    RevokeDevice,
    RoomClosed,
    RoomList,
    ServerMessage,
    SetAway,
    SetNotify,
    SlowedDown,
    TypingSeen,
    Welcome,
)

LOGS = st.sampled_from(("#lobby", "#ops", "@ann", "@bob"))
IDS = st.integers(0, 30)
SEQUENCES = st.integers(0, 6)
BODIES = st.sampled_from(
    (MessagePosted("said"), MemberJoined(), MemberLeft(), MemberKicked("ann", ""), RoomClosed(""))
)
STATES = st.lists(
    st.builds(LogState, LOGS, SEQUENCES, SEQUENCES, SEQUENCES),
    max_size=3,
    unique_by=lambda s: s.log,
)
WAITS_MS = st.sampled_from((0, 0, 400, 20_000, 10**9))
MESSAGES: st.SearchStrategy[ServerMessage] = st.one_of(
    st.builds(Entry, LOGS, SEQUENCES, st.just(1_000), st.sampled_from(("ann", "bob")), BODIES),
    st.builds(Done, id=IDS),
    st.builds(Pong, id=IDS),
    st.builds(RoomList, id=IDS, rooms=st.just([]), total=st.just(0)),
    st.builds(
        Refused,
        id=st.one_of(st.none(), IDS, IDS),
        code=st.sampled_from(RefusalCode),
        reason=st.just("No."),
        retry_after_ms=WAITS_MS,
    ),
    st.builds(SlowedDown, wait_ms=WAITS_MS),
    st.builds(LogStateChanged, LOGS, SEQUENCES, back=st.booleans()),
    st.just(PresenceChanged(["bob"], ["cem"], 0, 1, 7, {"bob": "tea", "dan": None})),
    st.just(TypingSeen("#ops", ["bob"])),
    st.just(GoingAway("The gateway stops.")),
    st.builds(LoggedIn, id=IDS, name=st.just("ann"), guest=st.booleans(), logs=STATES),
    st.builds(Welcome, st.just(1), st.just("test"), st.sampled_from(("", "aa", "bb"))),
)
DRAFTS = st.sampled_from(
    (
        *(Post(room="ops", text="said"), Post(room="ops", text="again", reply_to=3)),
        *(
            ListRooms(),
            ReadHistory(log="#ops", before=4),
            Ping(),
            SetNotify(log="#ops", level=Notify.ALL),
        ),
        *(SetAway(away="tea"), SetAway(away=None), Register(password="swordfish")),
        *(ChangePassword(password="swordfish", new_password="stockfish"), RevokeDevice(device=2)),
        LogOutEverywhere(),
    )
)
ANSWERS = st.sampled_from((None, None, None, RefusalCode.UNAVAILABLE, *RefusalCode))
STEPS = st.one_of(
    st.tuples(st.just("hear"), st.lists(MESSAGES, min_size=1, max_size=3)),
    st.tuples(st.just("hear"), st.lists(MESSAGES, min_size=1, max_size=3)),
    st.tuples(st.just("let_in"), st.tuples(STATES, st.booleans())),
    st.tuples(st.just("answer"), st.tuples(st.integers(0, 2), ANSWERS)),
    st.tuples(st.just("answer"), st.tuples(st.integers(0, 2), ANSWERS)),
    st.tuples(st.just("submit"), DRAFTS),
    st.tuples(st.just("read"), st.tuples(LOGS, SEQUENCES, st.booleans())),
    st.tuples(st.just("wait"), st.sampled_from((0.1, 1.0, 5.0, 15.0, 45.0, 700.0))),
    st.tuples(st.just("wait"), st.sampled_from((0.1, 1.0, 5.0, 15.0, 45.0, 700.0))),
    st.tuples(st.just("break"), st.sampled_from((0.0, 0.3, 1.0))),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("skip"), st.booleans()),
)
ENDS = st.one_of(st.none(), st.just("log_out"), st.just("give_up"))


def _credentials() -> Credentials:
    return Credentials(b"t" * 32, "swordfish", device="laptop", code="123456")


@dataclass
class Shell:
    """Does what the core asks for, and holds it to what it promises."""

    core: ClientCore = field(
        default_factory=lambda: ClientCore("ann", _credentials(), b"prefix--", "test")
    )
    now: float = 0.0
    open: bool = False
    jitter: float = 0.5
    login_id: int = 0
    asked: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def turn(self) -> None:
        self.core.tick(self.now)
        self.send()
        while effects := self.core.take_effects():
            for effect in effects:
                self.perform(effect)
            self.core.tick(self.now)
            self.send()
        due_at = self.core.next_call_at()
        # Else the shell would call it again and again, and nothing would come of it.
        assert due_at is None or due_at > self.now
        assert self.core.unconfirmed <= self.core.unanswered

    def send(self) -> None:
        for frame in FrameReader().feed(self.core.take_outgoing()):
            message = client_messages.decode(frame)
            if isinstance(message, LogIn):
                self.login_id = message.id

    def perform(self, effect: object) -> None:
        match effect:
            case OpenConnection():
                self.open = True
                self.core.connected(self.now)
            case CloseConnection(reason):
                if self.open:
                    self.open = False
                    self.core.disconnected(self.now, self.jitter, reason)
            case Answered(id=request_id):
                assert request_id in self.asked
                assert request_id not in self.answered
                self.answered.append(request_id)
            case _:
                pass

    def hear(self, messages: list[ServerMessage]) -> None:
        if self.open:
            self.core.received(b"".join(map(encode, messages)), self.now)

    def let_in(self, how: tuple[list[LogState], bool]) -> None:
        logs, guest = how
        if self.open and self.core.state is State.LOGGING_IN:
            self.hear([Welcome(1, "test", "aa")])
            self.send()
            self.hear([LoggedIn(self.login_id, "ann", guest, logs)])

    def answer(self, how: tuple[int, RefusalCode | None]) -> None:
        """To one of the oldest requests that have none."""
        index, code = how
        waiting = [each for each in self.asked if each not in self.answered]
        if index < len(waiting):
            request = waiting[index]
            self.hear([Refused(request, code, "No.", 400) if code else Done(request)])

    def submit(self, draft: Any) -> None:
        try:
            self.asked.append(self.core.submit(draft, self.now))
        except LoggingOut:
            assert self.core.state is State.ENDED

    def read(self, mark: tuple[str, int, bool]) -> None:
        log, sequence, back = mark
        self.core.mark_read(log, sequence, back=back)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def lose(self, jitter: float) -> None:
        if self.open:
            self.open, self.jitter = False, jitter
            self.core.disconnected(self.now, jitter)

    def pause(self, paused: bool) -> None:
        if paused:
            self.core.reading_paused()
        else:
            self.core.reading_resumed(self.now)

    def skip(self, skipping: bool) -> None:
        if skipping:
            self.core.skip_entries()
        else:
            self.core.stop_skipping_entries()


@settings(max_examples=300)
@given(st.booleans(), st.lists(STEPS, min_size=10, max_size=60), ENDS)
def test_the_core_goes_on(
    begins_inside: bool, steps: list[tuple[str, Any]], end: str | None
) -> None:
    shell = Shell()
    does: dict[str, Callable[[Any], None]] = {
        "hear": shell.hear,
        "let_in": shell.let_in,
        "answer": shell.answer,
        "submit": shell.submit,
        "read": shell.read,
        "wait": shell.wait,
        "break": shell.lose,
        "pause": shell.pause,
        "skip": shell.skip,
    }
    shell.turn()
    if begins_inside:
        shell.let_in(([LogState("#lobby", 2, 3), LogState("@ann", 0, 0)], False))
    for what, given_ in steps:
        does[what](given_)
        shell.turn()
    match end:
        case "log_out":
            shell.core.log_out(shell.now)
        case "give_up":
            shell.core.give_up("This is somebody else's server.")
        case _:
            return
    shell.turn()
    if end == "give_up":
        assert shell.core.state is State.ENDED
