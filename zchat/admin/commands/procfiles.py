"""`zchat-admin procfiles`: writes what runs a cluster, beside a folder for its data."""

from pathlib import Path
from typing import Final

import click

CLUSTER: Final = Path("procfiles/zchat.conf")
GATEWAY_HOST: Final = Path("procfiles/gateway-host.conf")
# In a checkout a link to the folder of that name; what is installed has a copy of it here.
_SHIPPED: Final = Path(__file__).parents[2] / "procfiles"


def write_procfiles(folder: Path) -> list[Path]:
    """Returns the files that were written: what is there already may have been changed, and stays.

    Raises `OSError`.
    """
    target = folder / CLUSTER.parent
    target.mkdir(parents=True, exist_ok=True)
    (folder / "var").mkdir(mode=0o700, exist_ok=True)
    written = []
    for shipped in sorted(path for path in _SHIPPED.iterdir() if path.is_file()):
        path = target / shipped.name
        if not path.exists():
            path.write_bytes(shipped.read_bytes())
            written.append(path)
    return written


@click.command(
    "procfiles", help="Write what runs a cluster into FOLDER: procfiles/ and an empty var/."
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def PROCFILES(folder: Path) -> None:  # noqa: N802
    try:
        written = write_procfiles(folder)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    for path in written:
        click.echo(f"wrote {path}")
    if not written:
        click.echo(f"{folder / CLUSTER.parent} has all of them already")
