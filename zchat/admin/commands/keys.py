"""`zchat-admin keys`: makes, lists, replaces and withdraws keys, on the host of the router.

No running cluster is needed; a running router sees a changed list by itself. Secrets go into files
that only their owner can read, and never to the screen.
"""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click

from zchat.admin.host import as_owner_of
from zchat.admin.output import CommandGroup, admin_command, as_json_option, show_list
from zchat.fabric import keys
from zchat.fabric.core.identities import gateway_name, part_of
from zchat.fabric.keys import ROUTER, KeyProblem
from zchat.protocol.rules.partitions import service_addresses
from zchat.runtime.options import ConfiguredCommand
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import console_name

_GATEWAYS: Final = ("gateway-0", "gateway-1")
"""Those that procfiles/zchat.conf starts."""
_EXPORTED: Final = "{}.key"


class _Listed(NamedTuple):
    name: str
    role: str
    fingerprint: str


def _init(settings: Settings) -> None:
    folder = settings.keys_folder
    keys.make_folder(folder)
    own = [
        *service_addresses(settings.partitions),
        *map(gateway_name, _GATEWAYS),
        console_name(),
    ]
    if not keys.secret_path(folder, ROUTER).exists():
        keys.write_pair(folder, keys.make_pair(ROUTER))
        click.echo(f"made {ROUTER}")
    keys.write_router_key(folder, keys.read_pair(folder, ROUTER).public)
    has_list = (folder / keys.ALLOWED_FILE).exists()
    allowed = dict(keys.read_allowed(folder).keys) if has_list else {}
    for name in own:
        if name not in allowed:
            allowed[name] = _new_key(folder, name)
            click.echo(f"made {name}")
    keys.write_allowed(folder, allowed)
    click.echo(f"{len(allowed) + 1} keys in {folder}")


def _make(settings: Settings, name: str) -> None:
    folder, allowed = _of_the_router(settings)
    keys.check_name(name)
    if name in allowed or name == ROUTER:
        raise KeyProblem(f"{name} has a key; for another one run: zchat-admin keys rotate {name}")
    allowed[name] = _new_key(folder, name)
    keys.write_allowed(folder, allowed)
    click.echo(f"made {name}, {keys.fingerprint(allowed[name])}")


def _list(settings: Settings, as_json: bool) -> None:
    folder, allowed = _of_the_router(settings)
    rows = {ROUTER: keys.read_router_key(folder), **allowed}
    listed = [_Listed(name, _role(name), keys.fingerprint(key)) for name, key in rows.items()]
    show_list(listed, _Listed._fields, list, as_json=as_json)


def _rotate(settings: Settings, name: str) -> None:
    folder, allowed = _of_the_router(settings)
    if name == ROUTER:
        public = _new_key(folder, ROUTER)
        keys.write_router_key(folder, public)
        click.echo(
            f"{ROUTER} has a new key, {keys.fingerprint(public)}. Restart all programs of this "
            "host, and export and import anew the keys of all others: they know the former one."
        )
        return
    _must_be_allowed(name, allowed)
    # Its former life is refused from here on.
    allowed[name] = _new_key(folder, name)
    keys.write_allowed(folder, allowed)
    click.echo(f"{name} has a new key, {keys.fingerprint(allowed[name])}.")
    click.echo(f"Restart {name}; on another host, after: zchat-admin keys export {name}")


def _revoke(settings: Settings, name: str) -> None:
    folder, allowed = _of_the_router(settings)
    if name == ROUTER:
        raise KeyProblem("without the router nobody connects; run: zchat-admin keys rotate router")
    _must_be_allowed(name, allowed)
    del allowed[name]
    keys.write_allowed(folder, allowed)
    keys.secret_path(folder, name).unlink(missing_ok=True)
    click.echo(f"revoked {name}; a running router ends its connections within a second")


def _export(settings: Settings, name: str) -> None:
    folder, allowed = _of_the_router(settings)
    _must_be_allowed(name, allowed)
    path = Path(_EXPORTED.format(name.replace("/", "-", 1)))
    if path.exists():
        raise KeyProblem(f"{path} exists; delete it first")
    keys.write_bundle(path, keys.read_proof(folder, name))
    click.echo(f"wrote {path}")
    click.secho(
        f"THIS FILE IS A SECRET: whoever has it is {name}. Carry it over by a safe way (scp), "
        "import it there, and delete it on both sides.",
        bold=True,
        err=True,
    )


def _import(settings: Settings, file: str) -> None:
    folder = settings.keys_folder
    proof = keys.read_bundle(Path(file))
    with as_owner_of(folder):
        keys.make_folder(folder)
        if keys.secret_path(folder, ROUTER).exists():
            raise KeyProblem(f"{folder} is that of a router's host, which makes its keys itself")
        keys.write_pair(folder, proof.pair)
        keys.write_router_key(folder, proof.router)
    click.echo(f"{folder} has the key of {proof.pair.name}; delete {file} now")


def _of_the_router(settings: Settings) -> tuple[Path, dict[str, bytes]]:
    """The folder, and who is allowed."""
    folder = settings.keys_folder
    if not (folder / keys.ALLOWED_FILE).exists():
        raise KeyProblem(
            f"{folder} has no list of keys; on the router's host run: zchat-admin keys init"
        )
    return folder, dict(keys.read_allowed(folder).keys)


def _new_key(folder: Path, name: str) -> bytes:
    """Writes a new secret, and returns the public key to it."""
    pair = keys.make_pair(name)
    keys.write_pair(folder, pair)
    return pair.public


def _must_be_allowed(name: str, allowed: dict[str, bytes]) -> None:
    if name not in allowed:
        raise KeyProblem(f"{name!r} has no key; those that have: {', '.join(sorted(allowed))}")


def _role(name: str) -> str:
    part = part_of(name)
    return part.name.lower() if part else ROUTER


# --- The commands ---------------------------------------------------------------------------------


def _command(
    name: str,
    run: Callable[..., None],
    text: str,
    *parameters: click.Parameter,
    changes: bool = False,
) -> ConfiguredCommand:
    """One that `changes` the folder of keys does so for its owner, also if root calls it."""

    @functools.wraps(run)
    def run_or_say_why(settings: Settings, **given: object) -> None:
        try:
            with as_owner_of(settings.keys_folder) if changes else contextlib.nullcontext():
                run(settings, **given)
        except KeyProblem as problem:
            raise click.ClickException(str(problem)) from None
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None

    return admin_command(name, run_or_say_why, text, *parameters)


def _name() -> click.Argument:
    return click.Argument(["name"])


KEYS: Final = CommandGroup(
    "keys", help="Keys that processes prove themselves by, where the router is tcp://."
)
for _each in (
    _command("init", _init, "Make the keys of a cluster, as far as there are none.", changes=True),
    _command(
        "make",
        _make,
        "Make a key for another process: gateway/NAME, admin/NAME.",
        _name(),
        changes=True,
    ),
    _command("list", _list, "List who may connect, as what, and by which key.", as_json_option()),
    _command(
        "rotate", _rotate, "Give a process a new key; the former is refused.", _name(), changes=True
    ),
    _command("revoke", _revoke, "Let a process connect no more.", _name(), changes=True),
    _command("export", _export, "Write a file for the host where the process runs.", _name()),
    _command("import", _import, "Take over such a file on that host.", click.Argument(["file"])),
):
    KEYS.add_command(_each)
