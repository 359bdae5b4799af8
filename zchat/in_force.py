"""The settings that a process goes by now: those it was started with, and what became of them."""

import dataclasses
import logging
import sys
from collections.abc import Callable, Sequence

import click

from zchat.fabric import sockets
from zchat.fabric.keys import KeyProblem
from zchat.settings import Program, Settings, need_restart, read_again

_log = logging.getLogger("zchat.settings")


class InForce:
    """`apply` is told the settings in force, at first and whenever they are others.

    Whoever hears SIGHUP calls `read_again`. What cannot be changed in a running process stays as
    it was, and the log says so.
    """

    def __init__(
        self,
        program: Program,
        given: Settings,
        apply: Callable[[Settings], None],
        arguments: Sequence[str] | None = None,
    ) -> None:
        self._program = program
        self._arguments = sys.argv[1:] if arguments is None else arguments
        self._given = given
        self._apply = apply
        self.settings = given

    def read_again(self) -> None:
        """Of the sources of settings only files can have changed since the start."""
        try:
            given = read_again(self._program, self._arguments)
        except click.ClickException as error:
            _log.error("the settings stay as they were: %s", error.format_message())
            return
        waiting = need_restart(self._program, self._given, given)
        for name in waiting:
            _log.warning(
                "%s is another in %s, and counts from the next start of this program on",
                *(name, "the settings file"),
            )
        # Compared with what runs, the next time as well.
        kept = {name: getattr(self._given, name) for name in waiting}
        self._given = dataclasses.replace(given, **kept)
        self._go_by(self._given)
        _log.info("the settings were read again")

    def _go_by(self, settings: Settings) -> None:
        former, self.settings = self.settings, settings
        if settings == former:
            return
        if settings.log_level != former.log_level:
            logging.getLogger("zchat").setLevel(settings.log_level.upper())
        self._apply(settings)


def prove_anew(context: sockets.Context, settings: Settings, name: str) -> None:
    """Has the process of this name go on with the keys that are in its folder now."""
    try:
        if sockets.prove_anew(context, settings, name):
            _log.info("the keys were read again: all connections to the router begin anew")
    except KeyProblem as problem:
        _log.error("the keys stay as they were: %s", problem)
