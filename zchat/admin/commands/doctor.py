"""`zchat-admin doctor`: looks the set-up over, and says what to do about what is wrong."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from zchat.admin import checks
from zchat.admin import checks as whereabouts
from zchat.admin.checks import Check, Level, guarded
from zchat.admin.commands.backup import USERS_DATABASE
from zchat.admin.commands.status import look
from zchat.admin.host import as_owner_of
from zchat.admin.output import admin_command, as_dict, as_json_option, counted, show_json
from zchat.admin.rpc import enquiry
from zchat.fabric.keys import KeyProblem, read_proof
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import ROUTER, USER_SERVICE, ClusterStatus
from zchat.protocol.messages import Ping
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime.settings import Program, Settings, command
from zchat.runtime.settings_in_force import console_name

_clusters = Decoder(ClusterStatus)
_SERVERS: Final[tuple[Program, ...]] = ("gateway", "router", "user-service", "room-service")


def examine(settings: Settings, config: Path | None, backups: Path | None) -> Iterator[Check]:
    """All checks, in an order in which each trouble comes before what follows from it."""
    yield from checks.versions()
    of_gateways: Settings | None = None
    for program in _SERVERS:
        given = _settings_of(program, config)
        if isinstance(given, Check):
            yield given
            continue
        if program == "gateway":
            of_gateways = given
        if given.var != settings.var or given.partitions != settings.partitions:
            sentence = f"zchat-{program} has another var or partitions than this command"
            yield Check(Level.WARNING, "settings", sentence, "give all programs the same settings")
    # Root looks as the user of the cluster, who has to get along with what there is.
    with as_owner_of(settings.var):
        groups = _checks(settings, config, of_gateways)
        looked = [check for about, found in groups for check in guarded(about, found)]
    yield from looked
    if backups is not None:
        yield from guarded("backups", checks.backups(backups))
    else:
        yield from guarded("backups", checks.last_backup(settings))


def _checks(
    settings: Settings, config: Path | None, of_gateways: Settings | None
) -> Iterator[tuple[str, Iterator[Check]]]:
    """What each group is about. One that cannot be looked at leaves the others as they are."""
    yield "place", whereabouts.place(settings)
    if running := whereabouts.find_supervisord(settings):
        told = whereabouts.same_settings(settings, config, running, os.environ)
        yield "settings", told
        yield "programs", whereabouts.programs(running)
    yield "files", checks.folders(settings, settings.keys_folder)
    yield "disk", checks.disk(settings)
    yield "open files", checks.open_files()
    yield "fabric", checks.fabric(settings, settings.keys_folder)
    if of_gateways is not None:
        yield "ports", checks.gateway(of_gateways)
        yield "ports", checks.rows_of_ports(of_gateways)
    yield "databases", checks.databases(settings)
    yield "processes", _processes(settings)


def _settings_of(program: Program, config: Path | None) -> Settings | Check:
    """What the program would run with if it was started here, or why it would not."""
    given: list[Settings] = []
    arguments = ["--config", str(config)] if config else []
    try:
        command(program, given.append).main(arguments, f"zchat-{program}", standalone_mode=False)
    except click.ClickException as error:
        remedy = f"see zchat-{program} --show-config"
        return Check(Level.PROBLEM, "settings", error.format_message(), remedy)
    return given[0]


def _processes(settings: Settings) -> Iterator[Check]:
    """Those that hold a lock are there; those that answer are well."""
    if checks.lock_holder(settings.run / "router.lock") is None:
        held = [
            address
            for address in service_addresses(settings.partitions)
            if checks.lock_holder(_lock_of(settings, address))
        ]
        if held and settings.router.startswith("ipc://"):
            sentence = f"there is no router, and {', '.join(held)} waits for it"
            yield Check(
                Level.PROBLEM, "processes", sentence, "start it: supervisorctl start router"
            )
            return
        if not held:
            yield checks.ok("processes", "no cluster runs in this folder")
            return
    try:
        if settings.needs_keys:
            read_proof(settings.keys_folder, console_name())
    except KeyProblem as problem:
        sentence = f"the processes cannot be asked: {problem}"
        remedy = f"make the key of this operator: zchat-admin keys make {console_name()}"
        yield Check(Level.WARNING, "processes", sentence, remedy)
        return
    addresses = service_addresses(settings.partitions)
    queries = dict.fromkeys((*addresses, ROUTER), Ping(id=1))
    with enquiry(settings) as asking:
        answers = asking.ask(queries, limits.QUERY_TIMEOUT_S)
    yield from clocks(answers.pop(ROUTER, None), time.time_ns() // 1_000_000)
    for address in addresses:
        if address in answers:
            yield checks.ok("processes", f"{address} answers")
        else:
            yield _silent(settings, address)


def clocks(answer: bytes | None, now_ms: int) -> Iterator[Check]:
    """Whether all processes have the time of this host, by what they have told the router."""
    if answer is None:
        return
    for process in look(_clusters.decode(answer), 1).processes:
        clock_ms = process.status.clock_ms if process.status else 0
        off_s = (clock_ms + process.silent_ms - now_ms) / 1000
        if clock_ms and abs(off_s) > checks.CLOCK_OFF_S_MAX:
            way = "ahead of" if off_s > 0 else "behind"
            sentence = f"the clock of {process.name} is {_span(abs(off_s))} {way} this one"
            remedy = "set the time of its host, or end what shows it another; then restart it"
            yield Check(Level.PROBLEM, "clock", sentence, remedy)
        elif clock_ms:
            yield checks.ok("clock", f"{process.name} has the same time")


def _span(seconds: float) -> str:
    """`4 minutes`, `2.9 days`"""
    for unit, length_s in (("days", 86_400), ("hours", 3_600)):
        if seconds >= length_s:
            return f"{seconds / length_s:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def _silent(settings: Settings, address: str) -> Check:
    holder = checks.lock_holder(_lock_of(settings, address))
    if holder is None:
        remedy = "start it, and look at its log: supervisorctl status"
        return Check(Level.PROBLEM, "processes", f"nobody serves {address}", remedy)
    sentence = f"process {holder} serves {address}, and does not answer: it hangs"
    return Check(Level.PROBLEM, "processes", sentence, "restart it: supervisorctl restart")


def _lock_of(settings: Settings, address: str) -> Path:
    name = USERS_DATABASE if address == USER_SERVICE else f"{address.replace('/', '-')}.sqlite"
    return settings.data / f"{name}.lock"


def _doctor(settings: Settings, backups: Path | None, verbose: bool, as_json: bool) -> None:
    config = click.get_current_context().params.get("config")
    found = list(examine(settings, config, backups))
    problems = [check for check in found if check.level is Level.PROBLEM]
    warnings = [check for check in found if check.level is Level.WARNING]
    if as_json:
        for check in found:
            show_json(as_dict(check))
    else:
        for check in found if verbose else [*warnings, *problems]:
            click.echo(printable(f"{check.level:<8} {check.about}: {check.sentence}"))
            if check.remedy:
                click.echo(printable(f"         {check.remedy}"))
        click.echo(
            ", ".join(
                (
                    counted(len(found), "check"),
                    counted(len(problems), "problem"),
                    counted(len(warnings), "warning"),
                )
            )
        )
    if problems:
        raise SystemExit(1)


DOCTOR = admin_command(
    "doctor",
    _doctor,
    "Look the set-up of this host over, and say what to do about what is wrong.",
    click.Option(
        ["--backups"],
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Look also at how old the newest backup in this folder is.",
        metavar="FOLDER",
    ),
    click.Option(["-v", "--verbose"], is_flag=True, help="Say also what is well."),
    as_json_option(),
)
