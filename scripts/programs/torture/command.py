"""The command `scripts/torture`: a real cluster and everything that happens to processes."""

import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click

from .disk_full import disk_full
from .hostile import hostile
from .report import story, table
from .torn_writes import torn_writes
from .torture import Outcome, Plan, torture

DEFAULT_KILLS = 100
BROWSERS = 20
STORIES_MAX = 20


class _Torture(click.Group):
    """`--hostile` is the command of this name, and what follows are its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["hostile" if one == "--hostile" else one for one in args])


@click.group(cls=_Torture, invoke_without_command=True)
@click.option("--kills", type=click.IntRange(1), help="Processes to end or stop.  [default: 100]")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long, instead.")
@click.option("--seed", type=int, help="Which faults; by default other ones each time.")
@click.option(
    "--clients", type=click.IntRange(10), default=50, show_default=True, help="Who talk meanwhile."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=150.0,
    show_default=True,
    help="Messages per second of all together.",
)
@click.option("--tls", is_flag=True, help="Between clients and gateways, with a new certificate.")
@click.option("--curve", is_flag=True, help="Keys between processes, which then talk over TCP.")
@click.option("--web", is_flag=True, help="Twenty of the clients come by the web door.")
@click.option("--hostile", is_flag=True, expose_value=False, help="The command `hostile`.")
@click.pass_context
def main(
    context: click.Context,
    kills: int | None,
    minutes: float | None,
    seed: int | None,
    clients: int,
    rate: float,
    tls: bool,
    curve: bool,
    web: bool,
) -> None:
    """Kills, stops and restarts the processes of a real cluster while clients talk.

    A command does something to its disk instead.
    """
    if context.invoked_subcommand is not None:
        return
    if web and tls:
        raise click.UsageError("--web is for gateways without TLS.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if kills is None and minutes is None:
        kills = DEFAULT_KILLS
    if seed is None:
        seed = random.randrange(10_000)
    browsers = min(BROWSERS, clients) if web else 0
    plan = Plan(seed, kills, minutes and minutes * 60, clients, rate, tls, curve, browsers)
    folder = Path(tempfile.mkdtemp(prefix="zchat-"))
    click.echo(f"seed {seed}, {clients} clients, {rate:.0f} messages/s, in {folder}", err=True)
    try:
        outcome = torture(plan, folder)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise click.Abort from None
    _tell(outcome)
    if outcome.findings:
        click.echo(f"broken with seed {seed}; logs and databases are in {folder}")
        sys.exit(1)
    shutil.rmtree(folder)
    click.echo(f"seed {seed}: all promises were kept")


main.add_command(disk_full)
main.add_command(hostile)
main.add_command(torn_writes)


def _tell(outcome: Outcome) -> None:
    recording, findings = outcome.recording, outcome.findings
    seen = sum(len(log.sequences) for logs in recording.sightings.values() for log in logs.values())
    click.echo(table(recording, findings))
    click.echo(
        f"in {outcome.seconds:.0f} s; {seen} entries seen; "
        f"{outcome.connections_lost.total()} times a client connected anew"
    )
    for finding in findings[:STORIES_MAX]:
        click.echo(story(recording, finding))
    if len(findings) > STORIES_MAX:
        click.echo(f"and {len(findings) - STORIES_MAX} more")


if __name__ == "__main__":
    main(prog_name="scripts/torture")
