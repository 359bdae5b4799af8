"""The operator's commands, each in the module of what it is about."""

import click

from zchat.admin.commands import (
    accounts,
    audit,
    backup,
    certificates,
    doctor,
    keys,
    moderation,
    procfiles,
    redaction,
    retention,
    rooms,
    settings,
    status,
    transfer,
    verify,
)
from zchat.admin.output import CommandGroup


@click.group("zchat-admin", cls=CommandGroup)
def main() -> None:
    """What an operator does with a running zchat cluster, from its folder."""


main.add_command(status.STATUS)
main.add_command(accounts.USERS)
main.add_command(accounts.SESSIONS)
main.add_command(moderation.SEEN)
main.add_command(rooms.ROOMS)
main.add_command(audit.AUDIT)
main.add_command(rooms.ANNOUNCE)
main.add_command(moderation.KICK)
main.add_command(moderation.BAN)
main.add_command(moderation.BANS)
main.add_command(moderation.UNBAN)
main.add_command(accounts.SUSPEND)
main.add_command(accounts.RESTORE_USER)
main.add_command(redaction.REDACT)
main.add_command(accounts.STANDING)
main.add_command(accounts.ACCOUNT)
main.add_command(accounts.INVITE)
main.add_command(rooms.CLOSE_ROOM)
main.add_command(settings.SET)
main.add_command(settings.UNSET)
main.add_command(settings.SHOW_CONFIG)
main.add_command(settings.LIMITS)
main.add_command(keys.KEYS)
main.add_command(certificates.TLS)
main.add_command(backup.BACKUP)
main.add_command(backup.RESTORE)
main.add_command(verify.VERIFY)
main.add_command(transfer.EXPORT)
main.add_command(transfer.IMPORT)
main.add_command(retention.RETENTION)
main.add_command(doctor.DOCTOR)
main.add_command(procfiles.PROCFILES)
