"""What is told aloud, in which words, and by what."""

import stat
from pathlib import Path

import pytest

from zchat.client.cli.main import NOTIFYING
from zchat.client.core.events import EntryArrived, SessionBegun
from zchat.client.model.book import Book
from zchat.client.model.notifications import (
    INTERVAL_S,
    MISSED_WAIT_S,
    Notifying,
)
from zchat.client.text.entries import Notification, notification
from zchat.client.tui.notifications import How, Notifier, best, osc_9
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    InvitedToRoom,
    LogState,
    LogStateChanged,
    MemberJoined,
    MessageDeleted,
    MessagePosted,
    PrivateMessageSent,
)

from .fake_gateway import until


class Listening:
    def __init__(self) -> None:
        self.book = Book("ann")
        self.notifying = Notifying()
        self.heads = {"#den": 0, "#attic": 0, "@ann": 0}
        logs = [LogState(log, 0, 0) for log in self.heads]
        self.book.apply(SessionBegun("ann", False, logs, False, 1), 0.0)

    def hear(
        self,
        log: str,
        body: EntryBody | str,
        author: str = "bob",
        now: float = 0.0,
        *,
        missed: bool = False,
        looked_at: str = "",
    ) -> None:
        if isinstance(body, str):
            body = MessagePosted(body) if log[0] == "#" else PrivateMessageSent("ann", body)
        self.heads[log] += 1
        event = EntryArrived(Entry(log, self.heads[log], 1_000, author, body), missed)
        self.book.apply(event, now)
        self.notifying.hear(self.book, event, now, looked_at=looked_at)

    def told(self, now: float = 0.0) -> tuple[str, str] | None:
        told = self.notifying.take(now)
        if not told:
            return None
        notified = notification(told, "ann")
        return notified.title, notified.body


@pytest.mark.parametrize(
    ("log", "body", "author", "level", "expected"),
    [
        ("#den", "hello", "bob", "", None),
        ("#den", "hello @ann", "bob", "", ("bob in den", "hello @ann")),
        ("#den", "hello @ann", "ann", "", None),
        ("#den", "hello", "bob", "all", ("bob in den", "hello")),
        ("#den", MemberJoined(), "bob", "all", None),
        ("#den", "hello @ann", "bob", "mentions", ("bob in den", "hello @ann")),
        ("#den", "hello @ann", "bob", "nothing", None),
        ("@ann", "hello", "bob", "", ("bob", "hello")),
        ("@ann", "hello", "bob", "nothing", None),
        (
            "@ann",
            InvitedToRoom("attic"),
            "bob",
            "",
            ("bob", "bob invited you to #attic (:jr attic)"),
        ),
    ],
)
def test_what_deserves_it_is_told(
    log: str, body: EntryBody | str, author: str, level: str, expected: tuple[str, str] | None
) -> None:
    listening = Listening()
    listening.book.open("@bob" if log == "@ann" else log).notify = level
    listening.hear(log, body, author)
    assert listening.told() == expected


def test_nothing_is_told_of_what_is_looked_at_or_when_nobody_wants_it() -> None:
    listening = Listening()
    listening.hear("@ann", "hello", looked_at="@bob")
    assert listening.told() is None
    listening.hear("@ann", "hello", looked_at="#den")
    assert listening.told() is not None
    listening.notifying.do_not_disturb = True
    listening.hear("@ann", "hello", now=10.0)
    assert listening.told(10.0) is None


def test_what_was_read_elsewhere_or_deleted_meanwhile_is_not_told() -> None:
    listening = Listening()
    listening.hear("@ann", "hello", missed=True)
    listening.hear("#den", "hello @ann", missed=True)
    listening.hear("#attic", "hello @ann", missed=True)
    listening.book.apply(LogStateChanged("@bob", 1), 0.0)
    listening.hear("#den", MessageDeleted(1))
    listening.notifying.forget("#attic")
    assert listening.told(MISSED_WAIT_S) is None


def test_what_comes_at_once_is_told_as_one() -> None:
    listening = Listening()
    listening.hear("@ann", "one")
    assert listening.told() == ("bob", "one")
    listening.hear("@ann", "two", now=0.1)
    listening.hear("@ann", "three", now=0.2)
    assert listening.notifying.due_at == INTERVAL_S
    assert listening.told(0.3) is None
    assert listening.told(INTERVAL_S) == ("zchat", "2 messages from bob")
    assert listening.notifying.due_at is None


def test_what_was_missed_is_told_once_all_of_it_has_come() -> None:
    listening = Listening()
    for at in range(4):
        for log in listening.heads:
            listening.hear(log, "hello @ann", now=at * 0.1, missed=True)
    assert listening.told(1.0) is None
    assert listening.told(0.3 + MISSED_WAIT_S) == ("zchat", "12 messages in 3 conversations")


def test_the_words_are_one_line_and_have_nothing_that_steers_a_terminal() -> None:
    listening = Listening()
    listening.hear("@ann", "a\nb\x1b]2;title\x07 \u202egnp.exe " + "x" * 500)
    told = listening.told()
    assert told is not None
    assert told[1].startswith("a b]2;title gnp.exe xxx")
    assert len(told[1]) == 200


# --- By what ------------------------------------------------------------------------------------

NOTIFICATION = Notification("-bob in den", "<b>hello</b> & bye", "#den")


@pytest.mark.parametrize(
    ("how", "written"),
    [
        (How.OFF, []),
        (How.BELL, ["\a"]),
        (How.TERMINAL, ["\x1b]9;-bob in den: <b>hello</b> & bye\a"]),
    ],
)
def test_a_terminal_is_told_in_its_way(how: How, written: list[str]) -> None:
    said: list[str] = []
    Notifier(how, said.append).tell(NOTIFICATION)
    assert said == written


def test_no_text_ends_the_sequence_that_it_is_in() -> None:
    assert osc_9("a\x07b\x1b\\c\x9cd\u202ee") == "\x1b]9;ab\\cde\x07"
    assert len(osc_9("x" * 10_000)) < 300


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `notify-send` that writes down what it is told."""
    program = tmp_path / "notify-send"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/new\nmv {tmp_path}/new {tmp_path}/told\n'
    )
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


async def test_a_desktop_is_told_by_its_program(program: Path) -> None:
    said: list[str] = []
    notifier = Notifier(How.DESKTOP, said.append)
    notifier.tell(NOTIFICATION)
    await until(lambda: all(each.poll() is not None for each in notifier._running))
    assert (program.parent / "told").read_text().splitlines() == [
        "--app-name=zchat",
        "--",
        "-bob in den",
        "&lt;b&gt;hello&lt;/b&gt; &amp; bye",
    ]
    assert said == []


def test_without_the_program_the_bell_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said: list[str] = []
    notifier = Notifier(How.DESKTOP, said.append)
    notifier.tell(NOTIFICATION)
    notifier.tell(NOTIFICATION)
    assert said == ["\a", "\a"]


def test_every_way_can_be_chosen() -> None:
    assert set(NOTIFYING) == {"auto", *How}


def test_what_reaches_the_user_is_chosen_by_where_the_user_is(program: Path) -> None:
    assert best({"DISPLAY": ":0"}) is How.DESKTOP
    assert best({"TERM_PROGRAM": "WezTerm"}) is How.TERMINAL
    assert best({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/tmux"}) is How.BELL
    program.unlink()
    assert best({"WAYLAND_DISPLAY": "wayland-0"}) is How.BELL
