"""`zchat-admin doctor`: what is wrong with the set-up of a host, and what to do about it."""

import fcntl
import os
import resource
import shutil
import ssl
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
from supervisor.states import RUNNING_STATES, ProcessStates

from zchat.admin import host
from zchat.admin.commands.backup import (
    MANIFEST,
    USERS_DATABASE,
    BadBackup,
    databases_in,
    read_manifest,
)
from zchat.admin.commands.status import snapshot_of
from zchat.admin.host import as_owner_of, user_name
from zchat.admin.output import admin_command, as_dict, as_json_option, counted, show_json
from zchat.admin.rpc import open_queries
from zchat.admin.supervising import NO_ANSWER, supervisor_of
from zchat.eventlog.read_only import probe, sqlite_version
from zchat.fabric import keys
from zchat.fabric.keys import KeyProblem, read_proof
from zchat.fabric.sockets import library_version
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import ROUTER, USER_SERVICE, ClusterStatus
from zchat.protocol.messages import Ping
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime.options import CONFIG_FILE, ENVIRONMENT_PREFIX, Address, is_loopback
from zchat.runtime.options import address as address_of
from zchat.runtime.os_errors import is_read_only
from zchat.runtime.settings import SETTING_NAMES, Program, Settings, command
from zchat.runtime.settings_in_force import console_name

_MIB: Final = 1024 * 1024
_DAY_S: Final = 24 * 3600
# Below what is good there is a warning, below the least a problem.
_DISK_FREE_BYTES_MIN: Final = 200 * _MIB
_DISK_FREE_BYTES_GOOD: Final = 2048 * _MIB
_FILES_GOOD: Final = 4096
_CERTIFICATE_DAYS_GOOD: Final = 21
_BACKUP_DAYS_GOOD: Final = 2
"""One is to be made every day: with an older one, one has failed."""
CLOCK_OFF_S_MAX: Final = 60
_PUBLISHED_S: Final = 1_700_000_000
"""A clock that shows an earlier time is wrong: there was no zchat then."""


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(NamedTuple):
    level: Level
    about: str
    sentence: str
    remedy: str = ""


def ok(about: str, sentence: str) -> Check:
    return Check(Level.OK, about, sentence)


# --- All checks -----------------------------------------------------------------------------------

_SERVERS: Final[tuple[Program, ...]] = ("gateway", "router", "user-service", "room-service")


def examine(settings: Settings, config: Path | None, backups_in: Path | None) -> Iterator[Check]:
    """All checks, in an order in which each trouble comes before what follows from it."""
    yield from versions()
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
    if backups_in is not None:
        yield from guarded("backups", backups(backups_in))
    else:
        yield from guarded("backups", last_backup(settings))


def _checks(
    settings: Settings, config: Path | None, of_gateways: Settings | None
) -> Iterator[tuple[str, Iterator[Check]]]:
    """What each group is about. One that cannot be looked at leaves the others as they are."""
    yield "place", place(settings)
    if running := find_supervisord(settings):
        told = same_settings(settings, config, running, os.environ)
        yield "settings", told
        yield "programs", programs(running)
    yield "files", folders(settings, settings.keys_folder)
    yield "disk", disk(settings)
    yield "open files", open_files()
    yield "fabric", fabric(settings, settings.keys_folder)
    if of_gateways is not None:
        yield "ports", gateway(of_gateways)
        yield "ports", rows_of_ports(of_gateways)
    yield "databases", databases(settings)
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


def guarded(about: str, found: Iterator[Check]) -> Iterator[Check]:
    """What cannot be looked at is trouble, too, and keeps nobody from looking at the rest."""
    try:
        yield from found
    except OSError as error:
        sentence = f"{error.filename or about} cannot be looked at: {error.strerror or error}"
        remedy = "look as the user of the cluster, from its folder"
        if isinstance(error, NotADirectoryError):
            remedy = "move away what is there in the place of a folder"
        yield Check(Level.PROBLEM, about, sentence, remedy)


# --- Versions -------------------------------------------------------------------------------------


def versions() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    found = [("Python", python, "3.11"), ("SQLite", sqlite_version(), "3.35")]
    found += [("libzmq", library_version(), "4.3")]
    for package, least in (("supervisor", "4.3"), ("pyzmq", "27")):
        try:
            found.append((package, version(package), least))
        except PackageNotFoundError:
            remedy = f"install it: pip install '{package}>={least}'"
            yield Check(Level.PROBLEM, "versions", f"{package} is not installed", remedy)
    for name, has, least in found:
        if _numbers(has) < _numbers(least):
            remedy = f"install {name} {least} or newer"
            yield Check(Level.PROBLEM, "versions", f"{name} is {has}", remedy)
        else:
            yield ok("versions", f"{name} {has}")


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".") if part.isdecimal()]


# --- Files ----------------------------------------------------------------------------------------


def folders(settings: Settings, keys_folder: Path) -> Iterator[Check]:
    for folder in (settings.var, settings.data, settings.run, keys_folder):
        if not folder.exists():
            # That var itself is missing is said with the place of the cluster.
            if folder not in {keys_folder, settings.var}:
                yield ok("files", f"{folder} is not there yet; the first start makes it")
            continue
        # Secrets are in the other folders; this one has logs, with names and addresses in them.
        level = Level.WARNING if folder == settings.var else Level.PROBLEM
        found = list(_closed(folder, settings.var, level))
        yield from found
        if any(check.level is Level.PROBLEM for check in found) and not os.access(folder, os.R_OK):
            continue
        for path in sorted(folder.iterdir()):
            if path.is_file():
                yield from _closed(path, settings.var, level)
    restoring = settings.data.with_name(settings.data.name + ".restoring")
    if restoring.exists():
        what = f"{restoring} is left from a restore that was killed"
        yield Check(Level.WARNING, "files", what, f"remove it: rm -r {restoring}")


def _closed(path: Path, var: Path, level: Level) -> Iterator[Check]:
    """Only its owner, who is the one that runs the cluster, can get in."""
    status = path.stat()
    owner, ours = status.st_uid, os.geteuid()
    if owner != ours:
        sentence = f"{path} belongs to {user_name(owner)}, and this runs as {user_name(ours)}"
        yield Check(Level.PROBLEM, "files", sentence, _remedy_of_owner(path, owner, var))
    elif status.st_mode & 0o077:
        mode = "700" if path.is_dir() else "600"
        remedy = f"close it: chmod {mode} {path}"
        yield Check(level, "files", f"{path} is open to other users", remedy)
    elif path.is_dir():
        yield ok("files", f"{path} is closed to others")


def _remedy_of_owner(path: Path, owner: int, var: Path) -> str:
    """Whoever var belongs to runs the cluster."""
    whose = var.stat().st_uid
    if owner == whose:
        return f"look as {user_name(owner)}, and start the cluster as that user only"
    return f"give it to whom {var} belongs: sudo chown -R {user_name(whose)}: {path}"


def disk(settings: Settings) -> Iterator[Check]:
    places = (settings.data, *settings.data.absolute().parents)
    folder = next(path for path in places if path.exists())
    if is_read_only(folder):
        sentence = f"the file system of {settings.data} is read-only"
        remedy = "mount it writable; if the system made it so, its log says why: dmesg"
        yield Check(Level.PROBLEM, "disk", sentence, remedy)
    free_bytes = shutil.disk_usage(folder).free
    sentence = f"{free_bytes // _MIB:,} MiB are free where {settings.data} is"
    remedy = "make room, or keep entries for fewer days: zchat-admin retention"
    if free_bytes < _DISK_FREE_BYTES_MIN:
        yield Check(Level.PROBLEM, "disk", sentence, remedy)
    elif free_bytes < _DISK_FREE_BYTES_GOOD:
        yield Check(Level.WARNING, "disk", sentence, remedy)
    else:
        yield ok("disk", sentence)


def open_files() -> Iterator[Check]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FILES_GOOD:
        remedy = "raise `ulimit -Hn`, or LimitNOFILE= of the systemd unit"
        sentence = f"a gateway may open only {hard:,} files, one for each client"
        yield Check(Level.WARNING, "open files", sentence, remedy)
    else:
        yield ok("open files", "a gateway may open enough files")


def databases(settings: Settings) -> Iterator[Check]:
    now_s = time.time()
    if now_s < _PUBLISHED_S:
        yield Check(Level.PROBLEM, "clock", "this host's clock is years behind", "set it: use NTP")
    # That one may not look there is said with the files.
    readable = settings.data.is_dir() and os.access(settings.data, os.R_OK | os.X_OK)
    for path in databases_in(settings.data) if readable else ():
        if not os.access(path, os.R_OK):
            continue
        probed = probe(path)
        if probed.unknown:
            sentence = f"{path} is at revision {', '.join(probed.unknown)}, newer than this release"
            remedy = (
                "install the newer zchat again, or stop the cluster and restore the backup from "
                "before the upgrade: zchat-admin restore"
            )
            yield Check(Level.PROBLEM, "databases", sentence, remedy)
        if probed.trouble:
            remedy = "look closer with: zchat-admin verify; if it is damaged, restore a backup"
            yield Check(Level.PROBLEM, "databases", f"{path}: {probed.trouble}", remedy)
            continue
        yield ok("databases", f"{path} can be read")
        ahead_s = probed.newest_ms / 1000 - now_s
        if ahead_s > CLOCK_OFF_S_MAX:
            sentence = f"{path} has an entry of {ahead_s:,.0f} s from now: the clock was set back"
            yield Check(Level.WARNING, "clock", sentence, "check the time of this host; use NTP")


def backups(folder: Path) -> Iterator[Check]:
    made: list[int] = []
    for path in sorted(folder.glob("*/" + MANIFEST)):
        try:
            made.append(read_manifest(path.parent).made_at_ms)
        except BadBackup as error:
            yield Check(Level.WARNING, "backups", str(error), "remove it, and make another one")
    remedy = f"make one now, and then every day: zchat-admin backup {folder}"
    if not made:
        yield Check(Level.PROBLEM, "backups", f"there is no backup in {folder}", remedy)
        return
    age_days = (time.time() - max(made) / 1000) / _DAY_S
    sentence = f"the newest backup is {age_days:.1f} days old"
    if age_days > _BACKUP_DAYS_GOOD:
        yield Check(Level.WARNING, "backups", sentence, remedy)
    else:
        yield ok("backups", sentence)


def last_backup(settings: Settings) -> Iterator[Check]:
    """As the backups themselves have noted it, wherever they are."""
    if not settings.data.exists() or not databases_in(settings.data):
        return
    remedy = "make one now, and then every day: zchat-admin backup FOLDER"
    try:
        made_at = settings.backup_mark.stat().st_mtime
    except OSError:
        yield Check(Level.WARNING, "backups", "no backup of this data was ever made", remedy)
        return
    age_days = (time.time() - made_at) / _DAY_S
    sentence = f"the last backup was made {age_days:.1f} days ago"
    if age_days > _BACKUP_DAYS_GOOD:
        yield Check(Level.WARNING, "backups", sentence, remedy)
    else:
        yield ok("backups", sentence)


# --- Settings of gateways -------------------------------------------------------------------------


def fabric(settings: Settings, folder: Path) -> Iterator[Check]:
    if not settings.router.startswith("tcp://"):
        yield ok("fabric", "the router is reached by files that only its user can open")
    elif not folder.is_dir() or not any(folder.iterdir()):
        remedy = "make keys on this host and take them to the others: zchat-admin keys"
        sentence = f"the router is tcp://, and there are no keys in {folder}"
        yield Check(Level.PROBLEM, "fabric", sentence, remedy)
    elif wrong := list(keys.troubles(folder)):
        for sentence in wrong:
            remedy = "put that key right: zchat-admin keys list, rotate, export and import"
            yield Check(Level.PROBLEM, "fabric", sentence, remedy)
    else:
        yield ok("fabric", f"there are keys in {folder}")


def gateway(settings: Settings) -> Iterator[Check]:
    """Of the gateways' own settings: TLS, and the addresses that they listen at."""
    encrypted = settings.tls_cert is not None and settings.tls_key is not None
    if settings.tls_cert is not None and settings.tls_key is not None:
        yield from certificate(settings.tls_cert, settings.tls_key)
    for address in settings.listen:
        if not is_loopback(address.host) and not encrypted:
            # Only with plain=anywhere, or the gateway would not start.
            sentence = f"what clients send to {address} is not encrypted here"
            yield Check(Level.WARNING, "TLS", sentence, "set tls_cert and tls_key")
        yield from _port(address)
    yield from _web(settings)


def _web(settings: Settings) -> Iterator[Check]:
    """Where browsers may come in, and whether a page of theirs may open a socket there."""
    served = [address for address in settings.listen if settings.serves_web(address)]
    if not served:
        if settings.web_origins:
            sentence = "web_origins is given, and no gateway lets browsers in"
            yield Check(Level.WARNING, "web", sentence, "set web to on, or leave web_origins out")
        else:
            yield ok("web", "browsers are not let in")
        return
    for address in served:
        shown = settings.tls_cert is not None or settings.web_origins or is_loopback(address.host)
        if not shown:
            sentence = f"browsers that come to {address} without TLS may not chat there"
            remedy = "set web_origins to where their page comes from, or give a certificate"
            yield Check(Level.WARNING, "web", sentence, remedy)
        else:
            yield ok("web", f"browsers come in at {address}")
    for origin in settings.web_origins:
        if origin.startswith("http://") and not is_loopback(origin.split("/")[2].split(":")[0]):
            sentence = f"what browsers send from {origin} is not encrypted"
            yield Check(Level.WARNING, "web", sentence, "let the page come by https")


def _port(address: Address) -> Iterator[Check]:
    """Gateways share their port; nobody else can share one that does not want to."""
    if trouble := host.trouble_at(address, shared=True):
        sentence = f"a gateway cannot listen at {address}: {trouble.why}"
        yield Check(Level.PROBLEM, "ports", sentence, trouble.remedy)
    else:
        yield ok("ports", f"{address} is free, or a gateway's")


def rows_of_ports(settings: Settings) -> Iterator[Check]:
    """Of the gateways' settings: what one is to listen at, no other may."""
    taken = [(address, "clients connect") for address in settings.listen]
    if settings.router.startswith("tcp://"):
        endpoints = settings.endpoints
        own = (
            *(endpoints.commands_frontend, endpoints.commands_backend, endpoints.queries_frontend),
            *(endpoints.events_in, endpoints.events_out, *endpoints.queries_backends),
        )
        taken += [
            (address_of(one.removeprefix("tcp://")), "the router has a socket") for one in own
        ]
    clash = False
    for process, address in _metrics(settings):
        for other, purpose in taken:
            if address.port == other.port and _overlap(address.host, other.host):
                clash = True
                sentence = f"the metrics of {process} are to be at {address}, where {purpose}"
                remedy = "set ZCHAT_METRICS to another row of ports, such as 127.0.0.1:9100"
                yield Check(Level.PROBLEM, "ports", sentence, remedy)
    for listen in settings.listen:
        for other, purpose in taken[len(settings.listen) :]:
            if listen.port == other.port and _overlap(listen.host, other.host):
                clash = True
                sentence = f"clients are to connect to {listen}, where {purpose}"
                remedy = "set ZCHAT_LISTEN or ZCHAT_ROUTER to another port"
                yield Check(Level.PROBLEM, "ports", sentence, remedy)
    if not clash:
        yield ok("ports", "no two processes are to have the same port")


def _metrics(settings: Settings) -> Iterator[tuple[str, Address]]:
    """Of each process that procfiles/zchat.conf starts, where its metrics are; none if off."""
    for program in ("router", "user-service"):
        yield from _metrics_of(settings, program, program)
    for partition in range(settings.partitions):
        of_partition = replace(settings, partition=partition)
        yield from _metrics_of(of_partition, "room-service", f"rooms/{partition}")
    for name in sorted({"gateway-0", "gateway-1"} | {settings.name} - {"gateway"}):
        yield from _metrics_of(replace(settings, name=name), "gateway", name)


def _metrics_of(settings: Settings, program: str, name: str) -> Iterator[tuple[str, Address]]:
    if address := settings.metrics_of(program):
        yield name, address


def _overlap(one: str, other: str) -> bool:
    """Whether somebody who listens at one of these hosts keeps others from listening at both."""
    return one == other or bool({one, other} & {"0.0.0.0", "::"})  # noqa: S104


def certificate(path: Path, key: Path) -> Iterator[Check]:
    remedy = "give a certificate chain and its key in PEM, readable by the gateway's user"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, key)
        # The tests of Python's library read certificates so. There is no public way to read one
        # that no peer has shown.
        facts: dict[str, Any] = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
        ends_s = ssl.cert_time_to_seconds(facts["notAfter"])
    except (OSError, ValueError, KeyError) as error:
        yield Check(Level.PROBLEM, "TLS", f"{path} and {key} cannot be used: {error}", remedy)
        return
    days = (ends_s - time.time()) / _DAY_S
    renew = "get a new one, and send the gateways SIGHUP"
    if days < 0:
        yield Check(Level.PROBLEM, "TLS", f"{path} is out of date since {-days:.0f} days", renew)
    elif days < _CERTIFICATE_DAYS_GOOD:
        yield Check(Level.WARNING, "TLS", f"{path} is good for {days:.0f} more days", renew)
    else:
        yield ok("TLS", f"{path} is good for {days:.0f} more days")
    if facts.get("issuer") == facts.get("subject"):
        sentence = f"{path} is signed by itself: clients must be told to trust it"
        yield Check(Level.WARNING, "TLS", sentence, "use one that an authority has signed")


# --- The cluster that is meant: its folder, its programs, its settings ----------------------------

_DEFAULT: Final = Settings()
_PID_FILE: Final = "supervisord.pid"
_UP: Final = set(RUNNING_STATES) - {ProcessStates.BACKOFF}
_OWN: Final = {"name", "partition"}
"""Each process has its own."""


class Supervisord(NamedTuple):
    pid: int
    folder: Path
    """Where its programs run."""
    environment: Mapping[str, str]


def place(settings: Settings) -> Iterator[Check]:
    """Whether there is a cluster at all where this command looks for it."""
    var = settings.var
    if var.is_dir():
        yield ok("place", f"the cluster is in {var.absolute()}")
        return
    if var.is_symlink() or var.exists():
        sentence = f"{var.absolute()} leads to no folder"
        yield Check(Level.PROBLEM, "place", sentence, "mount what should be there, or remove it")
        return
    if var != _DEFAULT.var:
        sentence = f"var is set to {var}, and there is no such folder"
        remedy = "set ZCHAT_VAR right, or mount what should be there; the first start makes it"
        yield Check(Level.PROBLEM, "place", sentence, remedy)
    else:
        sentence = f"there is no {var} in {Path.cwd()}: no cluster was ever started here"
        remedy = "go to the folder of the cluster, or set ZCHAT_VAR as its programs have it"
        yield Check(Level.WARNING, "place", sentence, remedy)
    above = next(path for path in var.absolute().parents if path.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        sentence = f"{user_name(os.geteuid())} cannot make a folder in {above}"
        yield Check(Level.PROBLEM, "place", sentence, "make var for the user of the cluster")


def find_supervisord(settings: Settings) -> Supervisord | None:
    """The one that runs in this folder or with this var, as far as the system tells of it.

    procfiles/*.conf put its own files in the `var` of their folder, wherever ZCHAT_VAR is.
    """
    for var in (settings.var, _DEFAULT.var):
        try:
            pid = int((var / _PID_FILE).read_text())
            process = Path(f"/proc/{pid}")
            if b"supervisord" not in (process / "cmdline").read_bytes():
                continue
            pairs = (process / "environ").read_bytes().split(b"\0")
            named = dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs)
            return Supervisord(pid, (process / "cwd").readlink(), named)
        except (OSError, ValueError):
            continue
    return None


def programs(running: Supervisord) -> Iterator[Check]:
    """Whether those that it is to run do run."""
    try:
        with supervisor_of(running.folder / _DEFAULT.var) as supervisor:
            infos: list[dict[str, Any]] = supervisor.getAllProcessInfo()
    except NO_ANSWER as error:
        sentence = f"supervisord (process {running.pid}) does not answer: {error}"
        yield Check(Level.WARNING, "programs", sentence, "look at supervisord.log in its var")
        return
    yield from states(infos)


def states(infos: Iterable[Mapping[str, Any]]) -> Iterator[Check]:
    for info in infos:
        name, state = str(info["name"]), info["state"]
        if state in _UP:
            yield ok("programs", f"{name} runs")
        elif state in {ProcessStates.STOPPED, ProcessStates.STOPPING}:
            remedy = f"if that is not meant: supervisorctl start {info['group']}:{name}"
            yield Check(Level.WARNING, "programs", f"{name} was stopped", remedy)
        else:
            sentence = f"{name} does not stay up: {info['spawnerr'] or info['description']}"
            if state == ProcessStates.EXITED:
                sentence = f"{name} has ended, with exit code {info['exitstatus']}"
            log = Path(info["stderr_logfile"] or info["stdout_logfile"]).resolve()
            yield Check(Level.PROBLEM, "programs", sentence, f"its log says why: {log}")


def same_settings(
    settings: Settings, config: Path | None, running: Supervisord, ours: Mapping[str, str]
) -> Iterator[Check]:
    """Whether this command is told what the programs of the running supervisord are told."""
    differ = False
    for name in sorted(SETTING_NAMES - _OWN):
        variable = f"{ENVIRONMENT_PREFIX}_{name}".upper()
        there, here = running.environment.get(variable), ours.get(variable)
        if name == "var" and _is_same(running.folder / (there or _DEFAULT.var), settings.var):
            continue
        if there != here:
            differ = True
            sentence = (
                f"supervisord (process {running.pid}) has {_shown(variable, there)}, and this "
                f"command {_shown(variable, here)}"
            )
            remedy = f"set the same here, or write {name} to {CONFIG_FILE}, which all read"
            yield Check(Level.WARNING, "settings", sentence, remedy)
    theirs = running.folder / CONFIG_FILE
    read_there = "ZCHAT_CONFIG" not in running.environment and theirs.is_file()
    if read_there and not (config and _is_same(config, theirs)):
        differ = True
        sentence = f"the programs read {theirs}, and this command does not"
        remedy = "run it in that folder, or with --config"
        yield Check(Level.WARNING, "settings", sentence, remedy)
    if not differ:
        yield ok("settings", f"supervisord (process {running.pid}) has the same as this command")


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _shown(variable: str, value: str | None) -> str:
    return f"no {variable}" if value is None else f"{variable}={value}"


# --- Processes: whether they are there, and answer ------------------------------------------------

_clusters = Decoder(ClusterStatus)


def _processes(settings: Settings) -> Iterator[Check]:
    """Those that hold a lock are there; those that answer are well."""
    if lock_holder(settings.run / "router.lock") is None:
        held = [
            address
            for address in service_addresses(settings.partitions)
            if lock_holder(_lock_of(settings, address))
        ]
        if held and settings.router.startswith("ipc://"):
            sentence = f"there is no router, and {', '.join(held)} waits for it"
            yield Check(
                Level.PROBLEM, "processes", sentence, "start it: supervisorctl start router"
            )
            return
        if not held:
            yield ok("processes", "no cluster runs in this folder")
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
    with open_queries(settings) as asking:
        answers = asking.ask(queries, limits.QUERY_TIMEOUT_S)
    yield from clocks(answers.pop(ROUTER, None), time.time_ns() // 1_000_000)
    for address in addresses:
        if address in answers:
            yield ok("processes", f"{address} answers")
        else:
            yield _silent(settings, address)


def clocks(answer: bytes | None, now_ms: int) -> Iterator[Check]:
    """Whether all processes have the time of this host, by what they have told the router."""
    if answer is None:
        return
    for process in snapshot_of(_clusters.decode(answer), 1).processes:
        clock_ms = process.status.clock_ms if process.status else 0
        off_s = (clock_ms + process.silent_ms - now_ms) / 1000
        if clock_ms and abs(off_s) > CLOCK_OFF_S_MAX:
            way = "ahead of" if off_s > 0 else "behind"
            sentence = f"the clock of {process.name} is {_span(abs(off_s))} {way} this one"
            remedy = "set the time of its host, or end what shows it another; then restart it"
            yield Check(Level.PROBLEM, "clock", sentence, remedy)
        elif clock_ms:
            yield ok("clock", f"{process.name} has the same time")


def _span(seconds: float) -> str:
    """`4 minutes`, `2.9 days`"""
    for unit, length_s in (("days", 86_400), ("hours", 3_600)):
        if seconds >= length_s:
            return f"{seconds / length_s:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def _silent(settings: Settings, address: str) -> Check:
    holder = lock_holder(_lock_of(settings, address))
    if holder is None:
        remedy = "start it, and look at its log: supervisorctl status"
        return Check(Level.PROBLEM, "processes", f"nobody serves {address}", remedy)
    sentence = f"process {holder} serves {address}, and does not answer: it hangs"
    return Check(Level.PROBLEM, "processes", sentence, "restart it: supervisorctl restart")


def _lock_of(settings: Settings, address: str) -> Path:
    name = USERS_DATABASE if address == USER_SERVICE else f"{address.replace('/', '-')}.sqlite"
    return settings.data / f"{name}.lock"


def lock_holder(path: Path) -> str | None:
    """The process that holds the lock file, as it has noted itself; None if nobody does."""
    try:
        with path.open() as file:
            try:
                # Shared, so that two doctors do not take each other for the process.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read(20).strip() or "?"
    except FileNotFoundError:
        pass
    return None


# --- The command ----------------------------------------------------------------------------------


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
