"""`zchat-admin tls`: a key and a certificate of one's own, where no authority gives one.

The `openssl` program makes them: it is there wherever a server is, and a library that can do it
would be the largest that zchat has.
"""

import ipaddress
import re
import subprocess
from pathlib import Path
from typing import Final

import click

from zchat.admin.host import as_owner_of
from zchat.admin.output import CommandGroup
from zchat.client.core.key_pins import pin_of
from zchat.runtime.durable_files import write_whole

CERTIFICATE: Final = "tls-cert.pem"
KEY: Final = "tls-key.pem"
_DAYS_MAX: Final = 3650
_TIMEOUT_S: Final = 60.0
_CURVE: Final = "ec_paramgen_curve:P-256"


def _openssl(*arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603
            ["openssl", *arguments],  # noqa: S607
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except FileNotFoundError:
        why = "there is no openssl here; install it, or make a key and certificate elsewhere"
        raise click.ClickException(why) from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no word"]
        raise click.ClickException(f"openssl says: {lines[0]}") from None
    except subprocess.TimeoutExpired:
        raise click.ClickException("openssl does not come to an end") from None
    return done.stdout


def _alternative_name(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        pass
    if not re.fullmatch(r"(\*\.)?([A-Za-z0-9_-]{1,63}\.?)+", host) or len(host) > 253:
        raise click.BadParameter(f"{host!r} is no host; give a name or an address") from None
    return f"DNS:{host}"


@click.group("tls", cls=CommandGroup)
def TLS() -> None:  # noqa: N802
    """Keys and certificates that clients know the gateways by."""


@TLS.command("self-signed")
@click.option(
    "--host",
    "hosts",
    metavar="HOST",
    multiple=True,
    required=True,
    help="Name or address of the server.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("var/tls"),
    show_default=True,
    help="Where the two files are written.",
)
@click.option("--days", type=click.IntRange(1, _DAYS_MAX), default=_DAYS_MAX, show_default=True)
@click.option("--new-key", is_flag=True, help="Make a new key, though clients know the old one.")
def self_signed(hosts: tuple[str, ...], folder: Path, days: int, new_key: bool) -> None:
    """Make a key and a certificate that it signs itself.

    A key that is there is kept unless --new-key says otherwise, so that clients that know it go on
    without a question.
    """
    names = ",".join(map(_alternative_name, hosts))
    try:
        with as_owner_of(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            key, certificate = folder / KEY, folder / CERTIFICATE
            kept = key.exists() and not new_key
            if not kept:
                made = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", _CURVE)
                write_whole(key, made.decode())
            made = _openssl(
                *("req", "-x509", "-new", "-key", str(key), "-days", str(days)),
                *("-subj", "/CN=zchat", "-addext", f"subjectAltName={names}"),
            )
            write_whole(certificate, made.decode())
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from None
    click.echo(f"{'kept' if kept else 'made'} {key}, made {certificate}; clients know the key as")
    click.echo(pin_of(_der(certificate)))


def _der(certificate: Path) -> bytes:
    return _openssl("x509", "-in", str(certificate), "-outform", "DER")


@TLS.command("pin")
@click.argument("certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def pin(certificate: Path) -> None:
    """Say what clients know the key of CERTIFICATE as."""
    click.echo(pin_of(_der(certificate)))
