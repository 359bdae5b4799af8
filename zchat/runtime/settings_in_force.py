"""The settings in force: those that a process was given, and what operators have changed since.

The user-service keeps what an operator has set while the cluster runs, and tells the router with
each heartbeat; the router tells everybody, with the table of who serves what. So a process knows
it before anybody can log in there, and a process that missed it hears it again within a second.
"""

import dataclasses
import getpass
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import click
from msgspec import Raw

from zchat.fabric.core.identities import admin_name
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import ROUTER, ClusterStatus, Stamped
from zchat.protocol.messages import Ping, Standing
from zchat.protocol.operators import ChangedSettings, SettingChange
from zchat.runtime.options import ConfiguredCommand
from zchat.runtime.settings import (
    Program,
    SettingError,
    Settings,
    need_restart,
    parsed_change,
    read_again,
    reads,
    server_command,
    with_changes,
)

_changed = Decoder(ChangedSettings)
_clusters = Decoder(ClusterStatus)
_answers = Decoder(list[bytes])
_ANSWER_TIMEOUT_S: Final = 1.0

_log = logging.getLogger("zchat.runtime.settings")


class InForce:
    """`given` is what this process alone was told, and `settings` what it goes by.

    `apply` is called whenever one of them is another. Whoever hears SIGHUP calls `read_again`. What
    cannot be changed in a running process stays as it was, and the log says so.
    """

    def __init__(
        self,
        program: Program,
        given: Settings,
        apply: Callable[["InForce"], None],
        arguments: Sequence[str] | None = None,
    ) -> None:
        self._program = program
        self._arguments = sys.argv[1:] if arguments is None else arguments
        self._apply = apply
        self._told = b""
        self._changes: dict[str, str] = {}
        self.given = given
        self.settings = given

    def told(self, body: bytes) -> None:
        """What the router says now; empty if it does not know. To be called in each turn."""
        if body == self._told or not body:
            return
        self._told = body
        try:
            changes = _changed.decode(body).changes
        except ProtocolError:
            _log.error("what the router says of settings makes no sense")
            return
        former, self._changes = self._changes, self._known(changes)
        for name in sorted(former.keys() | self._changes.keys()):
            value = self._changes.get(name)
            if reads(self._program, name) and value != former.get(name):
                as_given = f"{getattr(self.given, name)}, as at the start"
                _log.info("%s is %s now", name, as_given if value is None else value)
        self._go_by(self.given)

    @staticmethod
    def _known(changes: Sequence[SettingChange]) -> dict[str, str]:
        known = {}
        for change in changes:
            try:
                parsed_change(change.name, change.value)
            except SettingError as error:
                # A user-service of another version may know more.
                _log.warning("what is set is not known here: %s", error)
            else:
                known[change.name] = change.value
        return known

    def read_again(self) -> None:
        """Of the sources of settings only files can have changed since the start."""
        try:
            given = read_again(self._program, self._arguments)
        except click.ClickException as error:
            _log.error("the settings stay as they were: %s", error.format_message())
            return
        waiting = need_restart(self._program, self.given, given)
        for name in waiting:
            _log.warning("%s is another in the settings file, and counts from the next start", name)
        # Compared with what runs, the next time as well.
        kept = {name: getattr(self.given, name) for name in waiting}
        self._go_by(dataclasses.replace(given, **kept))
        _log.info("the settings were read again")

    def _go_by(self, given: Settings) -> None:
        former = self.given, self.settings
        self.given, self.settings = given, with_changes(given, self._changes)
        if (self.given, self.settings) != former:
            logging.getLogger("zchat").setLevel(self.settings.log_level.upper())
            self._apply(self)


# --- What is in force in a running cluster --------------------------------------------------------


def console_name() -> str:
    """What whoever is logged in here is called on the fabric, and their key."""
    try:
        return admin_name(getpass.getuser())
    except (KeyError, OSError):
        # In a container there may be nobody of this number.
        return admin_name(str(os.getuid()))


def changes_now(settings: Settings, name: str) -> list[SettingChange] | None:
    """What the router says that was changed; None if it says nothing.

    `name` is that of a process whose keys are on this host.
    """
    # The reviver also goes by settings, and is not on the fabric: 5 MiB less.
    from zchat.fabric import sockets  # noqa: PLC0415
    from zchat.fabric.keys import KeyProblem, read_proof  # noqa: PLC0415

    context = sockets.Context()
    try:
        if settings.needs_keys:
            context.proof = read_proof(settings.keys_folder, name)
        socket = sockets.query_socket(context, settings.endpoints)
        waiter = sockets.Waiter(socket)
        query = encode([encode(Stamped(0, "", Raw(encode(Ping(id=1))), Standing.OPERATOR))])
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            sockets.try_send(socket, [ROUTER.encode(), query])
            waiter.wait(limits.CONNECT_RETRY_S)
            for body, *_ in sockets.receive_waiting(socket):
                (status,) = _answers.decode(body)
                if told := _clusters.decode(status).settings:
                    return _changed.decode(told).changes
        return None
    except (KeyProblem, ProtocolError):
        return None
    finally:
        context.destroy(linger=0)


def origin_of_change(change: SettingChange) -> str:
    """Where its value comes from, for people."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(change.at_ms / 1000))
    return f"set by {change.by} at {at} UTC"


def command(
    program: Program,
    run: Callable[[Settings], None],
    name_of: Callable[[Settings], str] = lambda _: console_name(),
) -> ConfiguredCommand:
    """The entry point of a server; `--show-config` also says what a running cluster has changed.

    `name_of` tells by whose keys it may ask: services have none that may.
    """

    def changed(settings: Settings) -> Mapping[str, tuple[str, str]] | None:
        changes = changes_now(settings, name_of(settings))
        if changes is None:
            return None
        return {change.name: (change.value, origin_of_change(change)) for change in changes}

    return server_command(program, run, changed)
