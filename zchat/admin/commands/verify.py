"""`zchat-admin verify`: whether the data of a cluster, or a backup, is whole."""

from collections.abc import Mapping
from pathlib import Path

import click

from zchat.admin.commands.backup import (
    MANIFEST,
    USERS_DATABASE,
    BadBackup,
    databases_in,
    read_manifest,
    wrong_sums,
)
from zchat.admin.output import admin_command, as_json_option, counted, refuse, show
from zchat.eventlog.database import StoreUnavailable
from zchat.eventlog.verify import NotADatabase, Report, verify
from zchat.runtime.settings import Settings


def verify_folder(folder: Path) -> dict[str, Report]:
    """By name of the database or `manifest.json`, what was checked and found.

    Raises `ClickException` if there is nothing to verify, and `OSError`.
    """
    databases = databases_in(folder) if folder.exists() else []
    if not databases:
        refuse(f"there is no database in {folder}")
    reports: dict[str, Report] = {}
    is_backup = (folder / MANIFEST).exists()
    if is_backup:
        reports[MANIFEST] = _verify_sums(folder)
    for path in databases:
        try:
            reports[path.name] = verify(path)
        except NotADatabase as error:
            reports[path.name] = Report(findings=[str(error)])
        except StoreUnavailable as error:
            reports[path.name] = Report(findings=[f"it cannot be read: {error}"])
    if is_backup and manifest_is_of_one_moment(folder):
        reports["together"] = _verify_together(reports)
    return reports


def manifest_is_of_one_moment(folder: Path) -> bool:
    try:
        return read_manifest(folder).one_moment
    except BadBackup:
        return False


def _verify_sums(folder: Path) -> Report:
    report = Report(checked=["sums"])
    try:
        made = read_manifest(folder)
    except BadBackup as error:
        report.found(str(error))
        return report
    for wrong in wrong_sums(folder, made):
        report.found(wrong)
    for path in databases_in(folder):
        if path.name not in made.files:
            report.found(f"{path.name} does not belong to the backup")
    return report


def _verify_together(reports: Mapping[str, Report]) -> Report:
    """What databases of one moment say of each other: all members of rooms are users."""
    report = Report(checked=["members are users"])
    users = reports[USERS_DATABASE].facts.users if USERS_DATABASE in reports else None
    for name, other in reports.items():
        if users is None or other.facts.users is not None:
            continue
        for stranger in sorted(other.facts.members - users):
            report.found(f"{name} has the member {stranger}, and there is no such user")
    return report


def _verify(settings: Settings, folder: Path | None, as_json: bool) -> None:
    folder = folder or settings.data
    try:
        reports = verify_folder(folder)
    except OSError as error:
        refuse(f"nothing was checked: {error.strerror}: {error.filename}")
    count = sum(len(report.findings) for report in reports.values())
    value = {
        "folder": str(folder),
        "findings": count,
        "parts": {
            name: {
                "checked": report.checked,
                "entries": report.facts.entries,
                "position": report.facts.position,
                "findings": report.findings,
            }
            for name, report in reports.items()
        },
    }
    lines: list[str] = []
    for name, report in reports.items():
        facts = report.facts
        entries = counted(facts.entries, "entry", "entries")
        held = f" ({entries} in {counted(len(facts.heads), 'log')})" if facts.heads else ""
        lines.append(f"{name}: checked {', '.join(report.checked) or 'nothing'}{held}")
        lines += [f"  {finding}" for finding in report.findings]
    lines.append(counted(count, "finding") if count else "nothing is wrong")
    show(value, lines, as_json=as_json)
    if count:
        raise SystemExit(1)


VERIFY = admin_command(
    "verify",
    _verify,
    "Check that the databases in FOLDER, or else the cluster's own, are whole. Changes nothing.",
    click.Argument(
        ["folder"],
        required=False,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
    ),
    as_json_option(),
)
