"""`zchat-up`: runs the cluster of a folder in the foreground, or says why it cannot."""

import os
import socket
import sys
from pathlib import Path
from typing import Final, NoReturn

import click
import supervisor  # noqa: F401 - What it ends as: whoever has none is told so before that.

from zchat.admin import host
from zchat.admin.commands.procfiles import CLUSTER, GATEWAY_HOST
from zchat.admin.supervising import NO_ANSWER, supervisor_of
from zchat.runtime.options import Address
from zchat.runtime.settings import Settings, command

_VAR: Final = Path("var")
"""Of supervisord's own files, as procfiles/*.conf have it; ZCHAT_VAR may be elsewhere."""
_SOCKET_PATH_BYTES_MAX: Final = 107
"""The kernel's `sun_path` is 108 bytes with the zero at its end."""
_DEFAULT_LISTEN: Final = "127.0.0.1:7447"


def check(conf: Path) -> Settings:
    """What gateways would run with. Raises `ClickException` if nothing could run."""
    if not conf.is_file():
        raise click.ClickException(
            f"There is no {conf} in {Path.cwd()}. Go to the folder of the cluster, or make one: "
            "zchat-admin procfiles FOLDER"
        )
    _check_folder()
    if pid := _running():
        raise click.ClickException(
            f"A cluster already runs in this folder, as process {pid}. Stop it: kill {pid}"
        )
    if "%" in str(Path.cwd()):
        raise click.ClickException(
            "The path of this folder has a % in it, which supervisord takes for its own: move it."
        )
    # Supervisord adds its process number while it makes the socket.
    length_bytes = len(os.fsencode(Path.cwd() / "procfiles/../var/supervisor.sock.1234567"))
    if (over := length_bytes - _SOCKET_PATH_BYTES_MAX) > 0:
        raise click.ClickException(
            f"The path of this folder is too long for sockets in it, by {over} bytes."
        )
    settings = _settings_of_gateways()
    for folder in (settings.var, settings.data, settings.run):
        if folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise click.ClickException(
                f"Cannot write to {folder}: it is read-only, or belongs to another user. "
                "zchat-admin doctor says whose it is, and what helps"
            )
    if conf == GATEWAY_HOST and not settings.needs_keys:
        raise click.ClickException(
            "A host of gateways must be told where the router is: set ZCHAT_ROUTER, or router in "
            "zchat.toml, to tcp://HOST:PORT"
        )
    for file in (settings.tls_cert, settings.tls_key):
        if file is not None and not os.access(file, os.R_OK):
            raise click.ClickException(
                f"Cannot read {file}, which tls_cert or tls_key names. Where no authority gives a "
                "certificate, make one: zchat-admin tls self-signed --host NAME"
            )
    for address in settings.listen:
        if trouble := host.trouble_at(address, shared=False):
            raise click.ClickException(
                f"Cannot listen on {address.host} port {address.port}: {trouble.why}; "
                f"{trouble.remedy}. Another one is given as in ZCHAT_LISTEN=127.0.0.1:7448"
            )
    return settings


def _check_folder() -> None:
    """Whether supervisord can write here, and the user of the cluster read it afterwards."""
    try:
        _VAR.mkdir(mode=0o700, exist_ok=True)
        probe = _VAR / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise click.ClickException(
            f"Cannot write to {_VAR.absolute()}: {error.strerror}. A cluster keeps its data and "
            "logs there: run it in a folder of its user"
        ) from None
    owner = _VAR.stat().st_uid
    if os.geteuid() == 0 != owner:
        raise click.ClickException(
            f"{_VAR.absolute()} belongs to user {owner}: start the cluster as that one, not as root"
        )


def _running() -> int | None:
    """The process of the supervisord of this folder."""
    try:
        with supervisor_of(_VAR) as supervisor:
            return int(supervisor.getPID())
    except NO_ANSWER:
        return None


def _settings_of_gateways() -> Settings:
    given: list[Settings] = []
    command("gateway", given.append).main([], "zchat-gateway", standalone_mode=False)
    return given[0]


def page_of(settings: Settings) -> str | None:
    """Where a browser of this machine finds the page; None if it is nowhere."""
    served = [address for address in settings.listen if settings.serves_web(address)]
    if not served or settings.web_origins:
        return f"{settings.web_origins[0]}/" if served else None
    host, port = served[0]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        # Whoever listens everywhere is found by its name, which is that of the certificate.
        host = socket.gethostname()
    scheme = "http" if settings.tls_cert is None else "https"
    return f"{scheme}://{Address(host, port)}/"


def _client() -> str:
    """How to call the client of this installation from here."""
    client, here = Path(sys.argv[0]).absolute().with_name("zchat-client"), Path.cwd()
    return str(client.relative_to(here) if client.is_relative_to(here) else client)


def _run(conf: Path) -> NoReturn:
    # The programs of this installation come first, whatever else is in PATH.
    own, others = Path(sys.executable).parent, os.environ.get("PATH", "")
    os.environ["PATH"] = f"{own}{os.pathsep}{others}" if others else str(own)
    # supervisord takes the place of this process, so that Ctrl-C and a kill reach it, and it ends
    # its children. With -P no file of this folder is taken for a module.
    words = [sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
    os.execv(sys.executable, words)  # noqa: S606


@click.command("zchat-up")
@click.option(
    "--gateways", is_flag=True, help="Only gateways, of a cluster whose router is on another host."
)
def main(*, gateways: bool) -> None:
    """Run the cluster of this folder, by its procfiles, until Ctrl-C."""
    conf = GATEWAY_HOST if gateways else CLUSTER
    settings = check(conf)
    address = str(settings.listen[0])
    option = "" if address == _DEFAULT_LISTEN else f" --address {address}"
    told = {"talk": f"{_client()} NAME{option}"}
    if page := page_of(settings):
        told["page"] = page
    if not gateways:
        told["data"] = str(settings.data)
    told["logs"] = f"{_VAR}/*.log"
    click.echo(f"zchat listens on {', '.join(map(str, settings.listen))}\n")
    for what, where in {**told, "stop": "Ctrl-C"}.items():
        click.echo(f"  {what:<7} {where}")
    click.echo()
    sys.stdout.flush()
    _run(conf)
