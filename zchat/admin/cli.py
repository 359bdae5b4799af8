"""The operator's commands, each in the module of what it is about."""

import click

from zchat.admin import audit, bounds, invitations, keys, people, rooms, status
from zchat.admin.backup import backup
from zchat.admin.certificates import tls
from zchat.admin.doctor import doctor
from zchat.admin.restore import restore
from zchat.admin.retention import retention
from zchat.admin.transfer import export, import_
from zchat.admin.verify import verify


@click.group()
def main() -> None:
    """What an operator does with a running zchat cluster, from its folder."""


main.add_command(status.STATUS)
main.add_command(people.USERS)
main.add_command(people.SESSIONS)
main.add_command(rooms.ROOMS)
main.add_command(audit.AUDIT)
main.add_command(rooms.ANNOUNCE)
main.add_command(people.KICK)
main.add_command(people.SUSPEND)
main.add_command(people.RESTORE_USER)
main.add_command(people.STANDING)
main.add_command(invitations.INVITE)
main.add_command(rooms.CLOSE_ROOM)
main.add_command(bounds.LIMITS)
main.add_command(keys.KEYS)
main.add_command(tls)
main.add_command(backup)
main.add_command(restore)
main.add_command(verify)
main.add_command(export)
main.add_command(import_)
main.add_command(retention)
main.add_command(doctor)
