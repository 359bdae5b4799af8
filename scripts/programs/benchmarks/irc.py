"""IRC daemons to compare with: how each is started, and the language that all speak."""

import ctypes
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from benchmarks.dialect import (
    NUMBER_DIGITS,
    Asker,
    Delivery,
    Markers,
    Refused,
    origin_of,
    text_of,
)
from benchmarks.servers import TROUBLE_LINES_MAX, free_port

T = TypeVar("T")

SERVER_NAME: Final = "irc.bench.invalid"
"""What servers that are started here call themselves."""

_PR_SET_PDEATHSIG: Final = 1
_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 10.0
_POLL_INTERVAL_S: Final = 0.005
_UNPRIVILEGED: Final = "nobody"
"""Who the daemon is when root measures: none of them wants to be root."""
_NAME_CHARS_MAX: Final = 31
_NOTES: Final = (
    (
        "On all, a message's place in the window is free again when it has come to everyone. zchat "
        "has committed and acknowledged it by then, too; IRC acknowledges nothing, and is not "
        "asked to."
    ),
    (
        "IRC sends no message back to who wrote it, so each makes one delivery less than in zchat: "
        "compare messages/s."
    ),
    "IRC daemons run on loopback, without TLS, resolver, ident, PAM, and limits of connections.",
)
_LIBC: Final = ctypes.CDLL(None)


class IrcDaemon:
    """One process in the foreground, which ends with the one that has started it."""

    PATH: ClassVar[str] = f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin"
    """Daemons stand where an ordinary user does not look."""
    program: ClassVar[str]
    package: ClassVar[str]
    """Of Debian."""
    trouble: ClassVar[re.Pattern[str]]
    notes: ClassVar[tuple[str, ...]]
    """What a reader of its figures must know."""

    def __init__(self, folder: Path, _gateways: int | None = None) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.certificate: Path | None = None
        self.conf = folder / f"{self.program}.conf"
        self._folder = folder
        self._log = folder / f"{self.program}.log"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam(_UNPRIVILEGED) if os.geteuid() == 0 else None
        self.conf.write_text(self._configuration(), "utf-8")
        if self._user is not None:
            for path in (folder, self.conf):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    @classmethod
    def find(cls) -> str:
        """The path of the program."""
        path = shutil.which(cls.program, path=cls.PATH)
        if path is None:
            raise FileNotFoundError(
                f"{cls.program} is not installed. On Debian or Ubuntu: apt-get install "
                f"{cls.package}; its system service may stay stopped."
            )
        return path

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._daemon = subprocess.Popen(  # noqa: S603 - Nothing in it is anybody's input.
                self._command(self.find()),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
                # It comes after the change of the user, which would undo it.
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - There are no other threads.
            )

    def wait_until_open(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                socket.create_connection((self.host, self.port)).close()
                return
            except ConnectionRefusedError:
                self._check_start(deadline)
            time.sleep(_POLL_INTERVAL_S)

    def _check_start(self, deadline: float) -> None:
        assert self._daemon is not None
        if self._daemon.poll() is not None or time.monotonic() > deadline:
            logs = "\n".join(self._log_lines()[-TROUBLE_LINES_MAX:])
            raise RuntimeError(f"{self.program} does not start; its log ends with:\n{logs}")

    def stop(self) -> None:
        if self._daemon is None:
            return
        self._daemon.terminate()
        try:
            self._daemon.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        self._daemon = None

    def processes(self) -> Mapping[str, int]:
        assert self._daemon is not None
        return {self.program: self._daemon.pid}

    def troubles(self) -> list[str]:
        return [line for line in self._log_lines() if self.trouble.search(line)][:TROUBLE_LINES_MAX]

    def _log_lines(self) -> list[str]:
        return self._log.read_text("utf-8", "replace").splitlines() if self._log.exists() else []

    def _configuration(self) -> str:
        raise NotImplementedError

    def _command(self, program: str) -> list[str]:
        raise NotImplementedError


class Ngircd(IrcDaemon):
    program = "ngircd"
    package = "ngircd"
    notes = (
        *_NOTES,
        (
            "ngircd's penalties are off, but those of 10 s and more, for wrong passwords. Built "
            "in: at most 3 commands of a client in one turn of its loop, and 10 clients that wait "
            "to be accepted; so here 10 log in at a time."
        ),
    )
    # Lines begin with process, severity and seconds. Who leaves without a word is no trouble, and
    # that penalties should be on is not what we think; a buffer is exhausted when a client is cut
    # off because it reads too slowly.
    trouble = re.compile(
        r"^\[\d+:[0-4] (?!.*(?:Write|Read) error on connection|.*'MaxPenaltyTime')|exhausted"
    )

    def _configuration(self) -> str:
        # It would try to become somebody else, which only root may.
        user, group = os.geteuid(), os.getegid()
        if self._user is not None:
            user, group = self._user.pw_uid, self._user.pw_gid
        return f"""\
[Global]
Name = {SERVER_NAME}
ServerUID = {user}
ServerGID = {group}
Info = benchmark
AdminInfo1 = benchmark
AdminEMail = benchmark@{SERVER_NAME}
Listen = {self.host}
Ports = {self.port}
MotdPhrase = benchmark

[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = {_NAME_CHARS_MAX}
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600

[Options]
DNS = no
Ident = no
PAM = no
"""

    def _command(self, program: str) -> list[str]:
        return [program, "--nodaemon", "--config", str(self.conf)]


class Inspircd(IrcDaemon):
    program = "inspircd"
    package = "inspircd"
    notes = (
        *_NOTES,
        (
            "inspircd's fake lag is off, and its command rate, threshold and queues are bounded "
            "where nobody comes. Built in: it lets clients in once a second, so here all log in "
            "together."
        ),
    )
    trouble = re.compile("(?i)error|warning|panic")

    def _configuration(self) -> str:
        return f"""\
<server name="{SERVER_NAME}" description="benchmark" network="benchmark">
<admin name="benchmark" nick="benchmark" email="benchmark@{SERVER_NAME}">
<bind address="{self.host}" port="{self.port}" type="clients">
<path configdir="{self._folder}" datadir="{self._folder}"
      logdir="{self._folder}" runtimedir="{self._folder}">
<connect name="benchmark" allow="*" timeout="60" pingfreq="1h" maxchans="1000" limit="100000"
         localmax="100000" globalmax="100000" maxconnwarn="no"
         fakelag="no" threshold="1000000" commandrate="1000000000"
         recvq="64M" softsendq="64M" hardsendq="64M"
         resolvehostnames="no" useident="no">
<performance netbuffersize="65534" somaxconn="4096" softlimit="100000" clonesonconnect="no">
<limits maxnick="{_NAME_CHARS_MAX}">
"""

    def _command(self, program: str) -> list[str]:
        return [program, "--nofork", "--nolog", "--nopid", "--config", str(self.conf)]


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# --- Their language, as far as a chat needs it; see RFC 2812 --------------------------------------


_WELCOME: Final = b"001"
_END_OF_NAMES: Final = b"366"


class LineFrames:
    """Cuts a stream into lines, without what ends them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, /) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.removesuffix(b"\r") for line in lines if line != b"\r"]


class IrcDialect:
    acknowledges = False
    echoes = False
    remembers = False

    def markers(self, *, private: bool) -> Markers:
        return Markers(
            delivery=b" PRIVMSG ",
            # Nothing stands in no line, so it is never found.
            acknowledgement=b"\0",
            # The first digit of all numerics that say no.
            refusal=b":%s 4" % SERVER_NAME.encode(),
        )

    def frames(self) -> LineFrames:
        return LineFrames()

    async def enter(
        self, connection: Asker, name: str, cursors: dict[str, int] | None = None
    ) -> None:
        def welcomed(line: bytes) -> bool | None:
            _, command, parameters = _parse(line)
            if command == b"PING":
                # Some servers want to see that the address is real, before they say welcome.
                connection.write(b"PONG :%s\r\n" % parameters[-1])
            return _answer(line, _WELCOME)

        user = f"NICK {name}\r\nUSER bench 0 * :bench\r\n"
        await connection.ask(user.encode(), welcomed)

    async def create_room(self, connection: Asker, room: str) -> None:
        await self.join_room(connection, room)

    async def join_room(self, connection: Asker, room: str) -> int:
        join = f"JOIN #{room}\r\n".encode()
        await connection.ask(join, lambda line: _answer(line, _END_OF_NAMES))
        return 0

    def posts_to_room(self, sender: str, room: str) -> Callable[[int], bytes]:
        return _template(sender, f"#{room}")

    def posts_to_user(self, sender: str, to: str) -> Callable[[int], bytes]:
        return _template(sender, to)

    def delivery(self, frame: bytes) -> Delivery | None:
        sender, command, parameters = _parse(frame)
        if command != b"PRIVMSG":
            return None
        log, text = parameters
        origin = origin_of(text.decode())
        author = sender.partition(b"!")[0].decode()
        assert origin[0] == author, f"{author} is said to have written {text!r}"
        return Delivery(log.decode(), None, origin)


def _template(sender: str, to: str) -> Callable[[int], bytes]:
    line = f"PRIVMSG {to} :{text_of(sender, 0)}\r\n".encode()
    before, after = line.split(b" " + b"0" * NUMBER_DIGITS + b" ", 1)
    template = before.replace(b"%", b"%%") + b" %08d " + after.replace(b"%", b"%%")
    return lambda number: template % number


def _parse(line: bytes) -> tuple[bytes, bytes, list[bytes]]:
    """Who a line comes from (nobody: empty), its command, and the parameters of that."""
    sender = b""
    if line.startswith(b":"):
        sender, _, line = line[1:].partition(b" ")
    head, colon, text = line.partition(b" :")
    command, *parameters = head.split() or [b""]
    return sender, command, [*parameters, text] if colon else parameters


def _answer(line: bytes, wanted: bytes) -> bool | None:
    _, command, parameters = _parse(line)
    if command == wanted:
        return True
    if command == b"ERROR" or (len(command) == 3 and command[:1] in b"45" and command != b"422"):
        raise Refused(b" ".join(parameters).decode(errors="replace"))
    return None
