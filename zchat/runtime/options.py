"""Options of programs: where a value comes from, and how a program says so.

A flag goes before the environment, that before the file, that before the default.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TypeVar

import click
from click.core import ParameterSource

from zchat import __version__
from zchat.runtime.core.rate_limit import Rate
from zchat.runtime.descriptors import with_whole_output

T = TypeVar("T")

ENVIRONMENT_PREFIX: Final = "ZCHAT"
CONFIG_FILE: Final = Path("zchat.toml")
"""Read when it is in the current folder and no other is named."""
PORT_MAX: Final = 65_535
WRONG_CONFIGURATION: Final = 2
"""Exit code of a program that was told what makes no sense."""


# --- Where a value comes from ---------------------------------------------------------------------


class _WrongConfiguration(click.ClickException):
    exit_code = WRONG_CONFIGURATION

    def __init__(self, ctx: click.Context, message: str) -> None:
        super().__init__(f"{ctx.command_path}: {message}")

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


def origin_of(ctx: click.Context, parameter: click.Parameter) -> str:
    """Where its value comes from, for people."""
    match ctx.get_parameter_source(parameter.name or ""):
        case ParameterSource.COMMANDLINE:
            return f"flag {parameter.opts[0]}" if parameter.opts[0][0] == "-" else "argument"
        case ParameterSource.ENVIRONMENT:
            automatic = f"{ctx.auto_envvar_prefix}_{parameter.name}".upper()
            variables = [parameter.envvar] if isinstance(parameter.envvar, str) else ()
            return f"environment {next(iter(variables or parameter.envvar or ()), automatic)}"
        case ParameterSource.DEFAULT_MAP:
            return f"file {ctx.params.get('config')}"
        case _:
            return "default"


class WholeOutput(click.Command):
    """A program: what it prints is printed, or it says so."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return with_whole_output(self.name or "", partial(super().main, *args, **kwargs))


class ConfiguredCommand(WholeOutput):
    """A command with `--version`, and `--show-config`: each value and where it came from.

    Anything wrong with a value is one line on stderr, and exit code 2.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--show-config"],
                is_flag=True,
                allow_from_autoenv=False,
                help="Show each value and where it comes from, and exit.",
            )
        )
        click.version_option(
            __version__,
            prog_name=self.name,
            message="%(prog)s %(version)s",
            allow_from_autoenv=False,
        )(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            raise _WrongConfiguration(ctx, f"{error.format_message()} See --help.") from None
        except click.BadParameter as error:
            if error.param is None:
                raise _WrongConfiguration(ctx, error.format_message()) from None
            self.wrong_value(ctx, error.param, error.message)
        except click.NoSuchOption as error:
            raise _WrongConfiguration(ctx, error.format_message()) from None
        except click.UsageError as error:
            raise _WrongConfiguration(ctx, f"{error.format_message()} See --help.") from None

    def wrong_value(self, ctx: click.Context, parameter: click.Parameter, why: str) -> NoReturn:
        origin = origin_of(ctx, parameter)
        raise _WrongConfiguration(ctx, f"wrong value for {parameter.name} ({origin}): {why}")

    def invoke(self, ctx: click.Context) -> Any:
        if not ctx.params.pop("show_config"):
            return super().invoke(ctx)
        overruled = self.overruled(ctx)
        rows = []
        for parameter in self.params:
            name = parameter.name or ""
            value = ctx.params.get(name)
            if name in overruled:
                rows.append((name, *overruled[name]))
            elif value is not None:
                rows.append((name, shown(parameter, value), origin_of(ctx, parameter)))
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for name, value, origin in rows:
            click.echo(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}")
        return None

    def overruled(self, ctx: click.Context) -> Mapping[str, tuple[str, str]]:
        """Values and origins that go before those of all sources that are known here."""
        return {}


def shown(parameter: click.Parameter, value: object) -> str:
    if getattr(parameter, "hide_input", False):
        return "(hidden)"
    if type(value) is tuple:
        return ",".join(map(str, value))
    return str(value)


def value_of(parse: Callable[[str], T]) -> Callable[[object], T]:
    """A click type that reads text by `parse`, whose ValueError says "why; what would be right"."""

    def convert(value: object) -> T:
        # The file knows numbers and lists; they are checked in the form that a flag has.
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            return parse(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is {error}") from None

    return convert


def config_option(keys: Collection[str]) -> click.Option:
    """`--config PATH`: a TOML file in which exactly `keys` may stand."""

    def read(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
        if path is None:
            if not CONFIG_FILE.is_file():
                return None
            path = CONFIG_FILE
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            why = f"cannot read {path}: {error.strerror}; give a TOML file"
            raise click.BadParameter(why, ctx, parameter) from None
        except (ValueError, RecursionError) as error:
            raise click.BadParameter(f"{path} is not TOML: {error}", ctx, parameter) from None
        for key in values:
            if key not in keys:
                nearest = difflib.get_close_matches(key, keys, n=1, cutoff=0.0)[0]
                why = f"{path} has the unknown setting {key!r}; the nearest is {nearest!r}"
                raise click.BadParameter(why, ctx, parameter)
        ctx.default_map = values
        return path

    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        envvar=f"{ENVIRONMENT_PREFIX}_CONFIG",
        callback=read,
        # Read before the others, whose defaults it changes.
        is_eager=True,
        help=f"TOML file with settings; {CONFIG_FILE} in this folder if there is one.",
        metavar="PATH",
        show_envvar=True,
    )


# --- What a value may be: parsers raise ValueError with "why; what would be right" ---------------


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s:\[\]]+)):([0-9]{1,5})", text)
    if match is None:
        raise ValueError("not an address; give HOST:PORT, for example 127.0.0.1:7447 or [::1]:7447")
    port = int(match[3])
    if not 1 <= port <= PORT_MAX:
        raise ValueError(f"no address: there is no port {port}; give one from 1 to {PORT_MAX}")
    return Address(match[1] or match[2], port)


def is_loopback(host: str) -> bool:
    """Whether what is sent there cannot leave this machine; a name may lead anywhere."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_or_off(text: str) -> Address | None:
    return None if text.lower() == "off" else address(text)


def addresses(text: str) -> tuple[Address, ...]:
    return tuple(address(part.strip()) for part in text.split(","))


def origins(text: str) -> tuple[str, ...]:
    """As browsers write them: in lower case, and without a port that goes without saying."""
    found = [part.strip().lower() for part in text.split(",") if part.strip()]
    for part in found:
        match = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", part)
        if match is None or match[3] == {"http": ":80", "https": ":443"}[match[1]]:
            raise ValueError(
                f"no origin: {part}; give https://HOST or https://HOST:PORT, without the port "
                "that goes without saying, and with no path"
            )
    return tuple(found)


def path(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError("not a path; give a folder, for example var")
    return Path(text)


def file(text: str) -> Path | None:
    """A file that is named, or none at all."""
    if "\0" in text:
        raise ValueError("not a path; give a file, for example cert.pem")
    return Path(text) if text.strip() else None


def router(text: str) -> str:
    if text.startswith("tcp://"):
        address(text.removeprefix("tcp://"))
    elif not re.fullmatch("ipc://.+", text):
        raise ValueError("not an endpoint; give ipc://PATH or tcp://HOST:PORT")
    return text


def instance_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", text):
        raise ValueError("not a process name; give up to 32 of a-z, 0-9 and '-', as in gateway-0")
    return text


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"not known; give one of {', '.join(choices)}")
        return text.lower()

    return parse


def _written(number: float) -> str:
    """A whole one with all its digits, since people type them."""
    return f"{number:.0f}" if number == int(number) else f"{number:g}"


def _number(kind: type[T], what: str, minimum: float, maximum: float) -> Callable[[str], T]:
    def parse(text: str) -> T:
        wanted = f"give {what} from {_written(minimum)} to {_written(maximum)}"
        try:
            value: Any = kind(text)  # type: ignore[call-arg]
        except ValueError:
            raise ValueError(f"not {what}; {wanted}") from None
        # Written so that "nan", which compares to nothing, is refused as well.
        if not minimum <= value <= maximum:
            raise ValueError(f"out of range; {wanted}")
        result: T = value
        return result

    return parse


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    return _number(int, "a whole number", minimum, maximum)


def rate(burst_min: int) -> Callable[[str], Rate | None]:
    """So much a second, and so much at once; or off."""

    def parse(text: str) -> Rate | None:
        if text.lower() == "off":
            return None
        match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)/([0-9]{1,12})", text)
        wanted = "give PER_SECOND/AT_ONCE, for example 20/200, or off"
        if match is None:
            raise ValueError(f"not a rate; {wanted}")
        found = Rate(float(match[2]), float(match[1]))
        if found.per_s < 0.01 or found.burst < burst_min:
            raise ValueError(f"too little; give 0.01 or more a second, and {burst_min} at once")
        return found

    return parse


def whole_or_off(minimum: int, maximum: int) -> Callable[[str], int | None]:
    parse = whole(minimum, maximum)
    return lambda text: None if text.lower() == "off" else parse(text)


def seconds(minimum: float, maximum: float) -> Callable[[str], float]:
    return _number(float, "seconds", minimum, maximum)
