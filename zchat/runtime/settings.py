"""Every option of the servers, in one frozen `Settings`, and the commands that read them.

To add an option add a field to `Settings`: flag, variable, key in the file, help and check all
follow from it.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

import click

from zchat.protocol import limits
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime import options
from zchat.runtime.core.rate_limit import Rate
from zchat.runtime.options import Address, ConfiguredCommand
from zchat.runtime.os_errors import end_for_operator

T = TypeVar("T")

Program = Literal["gateway", "router", "user-service", "room-service", "reviver", "admin"]
_SERVERS: Final[tuple[Program, ...]] = ("gateway", "router", "user-service", "room-service")

DRAIN_S_MAX: Final = 10.0
"""procfiles/zchat.conf gives a gateway longer than this to stop before it is killed."""
_IPC_PATH_BYTES_MAX: Final = 107
"""The kernel's `sun_path` is 108 bytes with the zero at its end."""


class _Setting(NamedTuple):
    default: str
    parse: Callable[[str], object]
    help: str
    programs: tuple[Program, ...]
    changeable: bool


def _setting(
    default: str,
    parse: Callable[[str], T],
    text: str,
    *programs: Program,
    changeable: bool = False,
) -> T:
    """A field of `Settings`; the default is written and checked like any other value.

    A `changeable` one counts at once when it is set in a running cluster; of any other one a
    process goes by what it was started with.
    """
    metadata = {"setting": _Setting(default, parse, text, programs, changeable)}
    return dataclasses.field(default=parse(default), metadata=metadata)


class SettingError(ValueError):
    """The value of `setting` does not fit the other settings; the text says why, and what would."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(f"{setting}: {why}")
        self.setting = setting
        self.why = why


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoints:
    """The router's sockets: a frontend and a backend for each kind of channel.

    A REP socket cannot say who it is, so queries have a backend of their own for each service.
    """

    commands_frontend: str
    commands_backend: str
    queries_frontend: str
    events_in: str
    events_out: str
    queries_backends: tuple[str, ...]
    """In the order of `partitions.service_addresses`."""

    @classmethod
    def of(cls, router: str) -> "Endpoints":
        """`ipc://PATH` makes `ipc://PATH-commands-frontend` and so on, `tcp://` ports in a row.

        Raises `SettingError`.
        """
        names = [field.name.replace("_", "-") for field in dataclasses.fields(cls)][:-1]
        names.extend(
            f"queries-backend-{address.replace('/', '-')}"
            for address in service_addresses(limits.PARTITIONS_MAX)
        )
        if router.startswith("tcp://"):
            first = options.address(router.removeprefix("tcp://"))
            if first.port + len(names) - 1 > options.PORT_MAX:
                highest = options.PORT_MAX - len(names) + 1
                raise SettingError("router", f"needs {len(names)} ports; give one up to {highest}")
            ports = range(first.port, first.port + len(names))
            endpoints = [f"tcp://{first._replace(port=port)}" for port in ports]
        else:
            endpoints = [f"{router}-{name}" for name in names]
            length_bytes = max(len(os.fsencode(end.removeprefix("ipc://"))) for end in endpoints)
            if length_bytes > _IPC_PATH_BYTES_MAX:
                raise SettingError(
                    "router",
                    f"makes socket paths of {length_bytes} bytes, and the system allows "
                    f"{_IPC_PATH_BYTES_MAX}; give a shorter --router or --var",
                )
        up, up_backend, asked, told, heard, *answered = endpoints
        return cls(up, up_backend, asked, told, heard, tuple(answered))

    def queries_backend(self, address: str) -> str:
        """Where the service at `address` answers queries. Raises `ValueError` for no address."""
        return self.queries_backends[service_addresses(limits.PARTITIONS_MAX).index(address)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server process may be told. A program reads only what names it here."""

    # A relative path stays relative, since the path of a socket must be short.
    var: Path = _setting(
        "var", options.path, "Folder of the data and sockets.", *_SERVERS, "admin", "reviver"
    )
    router: str = _setting(
        "ipc://{var}/run/router",
        options.router,
        "Where the router is: ipc://PATH, or tcp://HOST:PORT, the first of 70 ports in a row.",
        *_SERVERS,
        "admin",
    )
    listen: tuple[Address, ...] = _setting(
        "127.0.0.1:7447",
        options.addresses,
        "Where clients connect: HOST:PORT, several separated by commas.",
        "gateway",
    )
    name: str = _setting(
        "gateway", options.instance_name, "What this process is called in the logs.", "gateway"
    )
    partition: int = _setting(
        "0",
        options.whole(0, limits.PARTITIONS_MAX - 1),
        "Partition of the rooms to serve.",
        "room-service",
    )
    partitions: int = _setting(
        "1",
        options.whole(1, limits.PARTITIONS_MAX),
        "How many partitions the rooms are divided into; the same for all processes.",
        "gateway",
        "user-service",
        "admin",
        "room-service",
    )
    log_level: str = _setting(
        "info",
        options.one_of("debug", "info", "warning", "error"),
        "Least level that is logged: debug, info, warning or error.",
        *_SERVERS,
        "reviver",
        changeable=True,
    )
    log_format: str = _setting(
        "text",
        options.one_of("text", "json"),
        "How log lines are written: text, or json, one object a line.",
        *_SERVERS,
        "reviver",
    )
    metrics: Address | None = _setting(
        "off",
        options.address_or_off,
        "Where metrics and health are served over HTTP: HOST:PORT, the first of a row of ports, "
        "or off.",
        *_SERVERS,
    )
    keys: str = _setting(
        "{var}/keys",
        str,
        "Folder of the keys that processes prove themselves with where the router is tcp://.",
        *_SERVERS,
        "admin",
    )
    tls_cert: Path | None = _setting(
        "", options.file, "Certificate chain for clients, in PEM; read again on SIGHUP.", "gateway"
    )
    tls_key: Path | None = _setting(
        "", options.file, "Private key of the certificate, in PEM.", "gateway"
    )
    plain: str = _setting(
        "loopback",
        options.one_of("loopback", "anywhere"),
        "Where clients may connect without TLS: loopback, or anywhere.",
        "gateway",
    )
    web: str = _setting(
        "auto",
        options.one_of("auto", "on", "off"),
        "Whether browsers may come in where clients connect: auto, which is on loopback and with "
        "TLS, on, everywhere, or off.",
        "gateway",
    )
    web_origins: tuple[str, ...] = _setting(
        "",
        options.origins,
        "Where else the page may come from, as a proxy with TLS: https://HOST, separated by "
        "commas.",
        "gateway",
    )
    message_rate: Rate | None = _setting(
        "20/200",
        options.rate(1),
        "Messages that an account may send, PER_SECOND/AT_ONCE, or off; an address ten times that.",
        "gateway",
        changeable=True,
    )
    byte_rate: Rate | None = _setting(
        "131072/4194304",
        options.rate(limits.FRAME_BYTES_MAX),
        "The same in bytes.",
        "gateway",
        changeable=True,
    )
    work_rate: Rate | None = _setting(
        "100000/500000",
        options.rate(limits.QUERY_STEP_US),
        "The same in microseconds of work; an address twice that, a guest half of it.",
        "gateway",
        changeable=True,
    )
    connection_rate: Rate | None = _setting(
        "10/100",
        options.rate(1),
        "New connections of one address, PER_SECOND/AT_ONCE, or off.",
        "gateway",
        changeable=True,
    )
    connections_per_address: int | None = _setting(
        "250",
        options.whole_or_off(1, limits.SESSIONS_MAX),
        "Connections of one address at a time, or off.",
        "gateway",
        changeable=True,
    )
    registration: str = _setting(
        "open",
        options.one_of("open", "invite", "closed"),
        "Who may make an account: open to all, invite only, or closed.",
        "user-service",
        changeable=True,
    )
    guests: str = _setting(
        "allow",
        options.one_of("allow", "deny"),
        "Whether one may chat without an account: allow or deny.",
        "user-service",
        changeable=True,
    )
    login_rate: Rate | None = _setting(
        "0.033333/10",
        options.rate(1),
        "Failed logins for one name, PER_SECOND/AT_ONCE, or off; 0.033333 is one in 30 s.",
        "user-service",
        changeable=True,
    )
    address_login_rate: Rate | None = _setting(
        "0.166667/50",
        options.rate(1),
        "The same from one address, whatever the names.",
        "user-service",
        changeable=True,
    )
    newcomer_rate: Rate | None = _setting(
        "0.166667/100",
        options.rate(1),
        "New guests and accounts from one address, PER_SECOND/AT_ONCE, or off.",
        "user-service",
        changeable=True,
    )
    edits: str = _setting(
        "discard",
        options.one_of("keep", "discard"),
        "Whether all can still read what an edited message said before: keep or discard.",
        "user-service",
        "room-service",
    )
    drain_s: float = _setting(
        "3",
        options.seconds(0, DRAIN_S_MAX),
        "Seconds that a stop waits for clients.",
        "gateway",
        changeable=True,
    )
    password_threads: int = _setting(
        "2", options.whole(1, 16), "Passwords that are checked at the same time.", "user-service"
    )

    def __post_init__(self) -> None:
        if self.partition >= self.partitions:
            highest = self.partitions - 1
            raise SettingError(
                "partition", f"partitions is {self.partitions}; give one from 0 to {highest}"
            )
        if (self.tls_cert is None) is not (self.tls_key is None):
            given, missing = ("cert", "key") if self.tls_key is None else ("key", "cert")
            raise SettingError(
                f"tls_{missing}", f"a certificate needs both; --tls-{given} is given"
            )
        exposed = [one for one in self.listen if not options.is_loopback(one.host)]
        if self.tls_cert is None and self.plain == "loopback" and exposed:
            raise SettingError(
                "listen",
                f"{exposed[0]} can be reached from other machines, and without TLS all can be read "
                "on the way; give --tls-cert and --tls-key, or --plain anywhere",
            )
        _ = self.endpoints  # Too long a path is found here, before anything has started.
        if self.metrics is not None:
            offset = self._gateway_offset
            if self.metrics.port + offset > options.PORT_MAX:
                highest = options.PORT_MAX - offset
                wanted = f"give one up to {highest}" if highest > 0 else "give another --name"
                raise SettingError("metrics", f"needs the ports up to its own + {offset}; {wanted}")

    def metrics_of(self, program: str) -> Address | None:
        """Where this process serves its metrics: one setting does for all processes of a host."""
        offset = {
            "router": 0,
            "user-service": 1,
            "room-service": 2 + self.partition,
            "gateway": self._gateway_offset,
        }[program]
        if self.metrics is None:
            return None
        return self.metrics._replace(port=self.metrics.port + offset)

    def serves_web(self, address: Address) -> bool:
        """Whether browsers may come in at this one of the addresses to listen at."""
        if self.web == "auto":
            return self.tls_cert is not None or options.is_loopback(address.host)
        return self.web == "on"

    @property
    def _gateway_offset(self) -> int:
        """After all partitions; `gateway-0` and `gateway` are the first, `gateway-1` the next."""
        number = re.search("[0-9]+$", self.name)
        return 2 + limits.PARTITIONS_MAX + (int(number[0]) if number else 0)

    @property
    def data(self) -> Path:
        return self.var / "data"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def backup_mark(self) -> Path:
        """As old as the newest backup of this host's data."""
        return self.var / "last-backup"

    @property
    def keys_folder(self) -> Path:
        return Path(self.keys.replace("{var}", str(self.var)))

    @property
    def needs_keys(self) -> bool:
        """A folder that nobody else may enter needs none; a network does."""
        return self.router.startswith("tcp://")

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints.of(self.router.replace("{var}", str(self.var)))


_SETTINGS: Final[dict[str, _Setting]] = {
    field.name: field.metadata["setting"] for field in dataclasses.fields(Settings)
}
SETTING_NAMES: Final = frozenset(_SETTINGS)


Changed = Callable[[Settings], Mapping[str, tuple[str, str]] | None]
"""What was changed in the running cluster, by name: value and origin; None if nobody says."""


class _Server(ConfiguredCommand):
    changed: Changed | None = None

    def overruled(self, ctx: click.Context) -> Mapping[str, tuple[str, str]]:
        if self.changed is None:
            return {}
        values = {name: value for name, value in ctx.params.items() if name in _SETTINGS}
        found = self.changed(Settings(**values))
        if found is None:
            click.echo("no router answers: what was set while it ran is not shown", err=True)
        return found or {}

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except SystemExit as end:
            if end.code == options.WRONG_CONFIGURATION:
                # Whoever starts it again tells it the same.
                end_for_operator(options.WRONG_CONFIGURATION)
            raise


_SUPERVISED: Final[dict[Program, str]] = {
    "router": "router",
    "user-service": "user-service",
    "room-service": "room-service",
    "gateway": "gateway:*",
    "reviver": "reviver",
}
"""What supervisorctl calls them, in the order of starting."""


def parsed_change(name: str, value: str) -> object:
    """What the value comes to for a setting that can be changed while the cluster runs.

    Raises `SettingError`, which says what would be right or which restart it takes.
    """
    setting = _SETTINGS.get(name)
    if setting is None:
        nearest = difflib.get_close_matches(name, _SETTINGS, n=1, cutoff=0.0)[0]
        raise SettingError(name, f"there is no such setting; the nearest is {nearest!r}")
    if not setting.changeable:
        programs = " ".join(
            called for program, called in _SUPERVISED.items() if program in setting.programs
        )
        raise SettingError(
            name,
            "it counts from the start of a program; set it in zchat.toml or the environment, and "
            f"then: supervisorctl restart {programs}",
        )
    try:
        return setting.parse(value)
    except ValueError as error:
        raise SettingError(name, f"{value!r} is {error}") from None


def with_changes(given: Settings, changes: Mapping[str, str]) -> Settings:
    """What a process goes by that was started with `given`. Raises `SettingError`."""
    parsed: dict[str, Any] = {name: parsed_change(name, value) for name, value in changes.items()}
    return dataclasses.replace(given, **parsed)


def reads(program: Program, name: str) -> bool:
    return name in _SETTINGS and program in _SETTINGS[name].programs


def need_restart(program: Program, former: Settings, later: Settings) -> list[str]:
    """What the program reads, has another value later, and cannot take over while it runs."""
    return [
        name
        for name, setting in _SETTINGS.items()
        if program in setting.programs
        and not setting.changeable
        and getattr(former, name) != getattr(later, name)
    ]


def command(program: Program, run: Callable[[Settings], None]) -> ConfiguredCommand:
    """The entry point of a server program: its options, and `run` with what they come to."""
    return server_command(program, run, None)


def server_command(
    program: Program, run: Callable[[Settings], None], changed: Changed | None
) -> ConfiguredCommand:
    """The same; `--show-config` asks the running cluster what was changed there."""
    text = f"The {program} of a zchat cluster."
    entry_point = command_with_arguments(program, f"zchat-{program}", run, text, kind=_Server)
    assert isinstance(entry_point, _Server)
    entry_point.changed = changed
    return entry_point


def read_again(program: Program, arguments: Sequence[str]) -> Settings:
    """What the program would run with if it was started now with these arguments.

    The environment of a process never changes, but files do. Raises `ClickException`.
    """
    given: list[Settings] = []
    entry_point = command(program, given.append)
    entry_point.main(list(arguments), f"zchat-{program}", standalone_mode=False)
    return given[0]


def command_with_arguments(
    program: Program,
    name: str,
    run: Callable[..., None],
    text: str,
    *arguments: click.Parameter,
    every_setting: bool = False,
    kind: type[ConfiguredCommand] = ConfiguredCommand,
) -> ConfiguredCommand:
    """The same for a command that takes parameters of its own, which `run` gets by name.

    With `every_setting` it reads also what only other programs are told.
    """

    def callback(config: Path | None, **values: Any) -> None:
        given = {str(argument.name): values.pop(str(argument.name)) for argument in arguments}
        try:
            settings = Settings(**values)
        except SettingError as error:
            context = click.get_current_context()
            parameter = next(flag for flag in flags if flag.name == error.setting)
            entry_point.wrong_value(context, parameter, error.why)
        run(settings, **given)

    flags = [
        click.Option(
            ["--" + name.replace("_", "-")],
            type=options.value_of(setting.parse),
            default=setting.default,
            envvar=f"{options.ENVIRONMENT_PREFIX}_{name}".upper(),
            help=setting.help,
            metavar=name.upper(),
            show_default=True,
            show_envvar=True,
        )
        for name, setting in _SETTINGS.items()
        if every_setting or program in setting.programs
    ]
    entry_point = kind(
        name,
        params=[*arguments, *flags, options.config_option(_SETTINGS)],
        callback=callback,
        help=text,
    )
    return entry_point
