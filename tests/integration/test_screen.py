"""The full-screen client in a real terminal, against a real cluster."""

import asyncio
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest
from client.tui.corpus import STEERING, WIDTHS
from rich.cells import cell_len

from testbed import ROOT
from testbed.cluster import DEADLINE_S, ROUTER, Cluster
from zchat.client import connect
from zchat.protocol.messages import LOBBY, Done, Post

from .wire import Wire

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]


_numbers = itertools.count()

LATE_TO_STOP = """
import os, signal, time
kill = os.kill
def late(pid, number):
    if (pid, number) == (os.getpid(), signal.SIGSTOP):
        time.sleep(1)
    kill(pid, number)
os.kill = late
"""


class Screen:
    """A client in a tmux of its own."""

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        folder: Path,
        *options: str,
        size: str = "100x30",
        by_shell: bool = False,
        paths: Sequence[Path] = (ROOT,),
    ) -> None:
        """With `by_shell` a shell has started it that has control over its jobs."""
        self._name = name
        # A former one of the same name may still be about to end.
        self._socket = folder / f"{name}.{next(_numbers)}.tmux"
        width, height = size.split("x")
        homes = [f"XDG_{kind}_HOME={folder / name}" for kind in ("DATA", "STATE", "CONFIG")]
        program = [str(Path(sys.executable).parent / "zchat-client"), name]
        command = shlex.join(
            [
                *("env", f"PYTHONPATH={':'.join(map(str, paths))}", *homes, "COLORTERM=truecolor"),
                "PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring",
                *(*program, "--address", cluster.address, *options),
            ]
        )
        begin = ("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height)
        if by_shell:
            self._tmux(*begin, "bash --norc -i")
            self.write(command)
        else:
            self._tmux(*begin, f"{command}; echo left with $?; sleep 600")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the terminal; whoever is in it says goodbye in its own time."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text("utf-8").split()
        self._tmux("kill-server")
        deadline = time.monotonic() + DEADLINE_S
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(0.05)

    def _tmux(self, *words: str, check: bool = True) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        finished = subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            env=environment, check=check, capture_output=True, text=True,
        )  # fmt: skip
        return finished.stdout

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)
        self.press("Enter")

    def paste(self, text: str) -> None:
        """As a terminal does, in brackets."""
        self._tmux("set-buffer", text)
        self._tmux("paste-buffer", "-p")

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    @property
    def text(self) -> str:
        return self._tmux("capture-pane", "-p")

    @property
    def title(self) -> str:
        return self._tmux("display-message", "-p", "#{pane_title}").strip()

    def sees(self, text: str) -> None:
        self.until(lambda: text in self.text)

    def sees_no_more(self, text: str) -> None:
        self.until(lambda: text not in self.text)

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with Cluster(folder) as cluster:
        cluster.start()
        yield cluster


def test_a_first_visit(cluster: Cluster, tmp_path: Path) -> None:
    with Screen("ann", cluster, tmp_path) as ann, Screen("bob", cluster, tmp_path) as bob:
        ann.sees("F1 all keys")
        ann.write(":cr kitchen")
        ann.sees("you created #kitchen")
        bob.sees("#kitchen")
        bob.press("C-k")
        bob.sees("join")
        bob.write("kitchen")
        bob.sees("you joined")
        bob.write("is there any tea?")
        ann.sees("is there any tea?")
        ann.press("Up", "r")
        ann.sees("↪ to bob")
        ann.write("there is, @bob")
        bob.sees("↪ bob: is there any tea?")
        ann.press("Up", "e")
        ann.sees("editing your message")
        ann.write(" :tea:")
        bob.sees("(edited)")
        bob.press("Up", "+")
        bob.sees("an emoji by name")
        bob.write("tada")
        ann.sees("🎉")
        ann.press("C-f")
        ann.sees("search in all")
        ann.press("-l", "any tea")
        ann.sees("bob        is there any tea?")
        ann.press("Enter", "Escape")
        bob.press("Escape")
        bob.sees("Ctrl-K go to")
        bob.write(":pm ann psst")
        bob.sees("psst")
        ann.sees("bob                1")
        ann.press("M-2")
        ann.sees("psst")
        ann.press("C-q")
        ann.sees("You are a guest")
        ann.press("Enter")
        ann.sees("left with 0")


def test_a_paste_of_200_lines_is_one_message(cluster: Cluster, tmp_path: Path) -> None:
    with Screen("ann", cluster, tmp_path) as ann, Screen("bob", cluster, tmp_path) as bob:
        ann.sees("● online")
        bob.sees("● online")
        ann.paste("\n".join(f"line {number}" for number in range(200)))
        ann.sees("line 199")
        bob.sees("ann is typing")
        ann.press("Enter")
        bob.sees("190 more lines")


async def _say_all(cluster: Cluster) -> None:
    # Without the care of our own client, as a client of somebody else's would.
    async with Wire(cluster) as carl:
        await carl.log_in()
        for number, text in enumerate((*WIDTHS, *STEERING), start=2):
            nonce = b"%016d" % number
            await carl.send(Post(id=number, nonce=nonce, room=LOBBY, text=f"said: {text}"))
            await carl.receive(Done)
    async with connect("dora", cluster.address) as dora:
        await dora.say("the last one")


def test_no_text_breaks_the_lines_or_steers_the_terminal(cluster: Cluster, tmp_path: Path) -> None:
    with Screen("bob", cluster, tmp_path, size="120x60") as bob:
        bob.sees("● online")
        title = bob.title
        bob.press("F2")
        bob.sees("online · 1")
        asyncio.run(_say_all(cluster))
        bob.sees("the last one")
        lines = bob.text.split("\n")
        # What stands beside the conversation stands where it did, whatever is said in it.
        head = next(line for line in lines if "online · " in line)
        below = next(line for line in lines if "● bob" in line)
        assert _cell(below, "● bob") == _cell(head, "online · ")
        assert bob.title == title
        bob.resize(60, 16)
        bob.sees("the last one")
        bob.resize(120, 40)
        bob.sees("the last one")


def _cell(line: str, text: str) -> int:
    return cell_len(line[: line.index(text)])


def test_the_network_and_the_server_come_back(cluster: Cluster, tmp_path: Path) -> None:
    with Screen("ann", cluster, tmp_path) as ann, Screen("bob", cluster, tmp_path) as bob:
        ann.sees("● online")
        bob.sees("● online")
        cluster.stop()
        ann.sees("offline")
        ann.write("said without a server")
        ann.sees("said without a server …")
        ann.sees("1 to send")
        cluster.start()
        bob.sees("said without a server")
        ann.sees("● online")
        ann.sees_no_more("said without a server …")
        cluster.kill(ROUTER)
        ann.write("said without a router")
        bob.sees("said without a router")


def test_a_client_ends_with_its_terminal_also_while_it_is_stopped(
    cluster: Cluster, tmp_path: Path
) -> None:
    # Whoever stops itself does so too late: its terminal has been closed, and nobody wakes it.
    (tmp_path / "sitecustomize.py").write_text(LATE_TO_STOP)
    with Screen("ann", cluster, tmp_path, by_shell=True, paths=(ROOT, tmp_path)) as ann:
        ann.sees("● online")
        ann.press("C-z")
        ann.sees("Stopped")
        ann.write("kill -CONT %1; sleep 0.2; kill -CONT %1; sleep 0.2; kill -HUP %1")


def test_what_was_written_survives_a_kill(cluster: Cluster, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse")
    new_account = ("--register", "--password-file", str(password))
    with Screen("ann", cluster, tmp_path, *new_account) as ann:
        ann.sees("● online")
        ann.press("-l", "not sent yet")
        # It is kept within a second; then the terminal is closed.
        time.sleep(2)
    with Screen("ann", cluster, tmp_path) as ann:
        ann.sees("› not sent yet")
