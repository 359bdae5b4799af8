"""That nothing in a service's database contradicts anything else in it, nor what was said."""

from sqlalchemy import Connection

from testbed.committed import Committed, committed_entries
from zchat.eventlog.verify import verify_connection

from .checkers import CommittedLogs


class Broken(Exception):
    """A promise is broken; the text says which, and how."""


def check_whole(connection: Connection) -> list[Committed]:
    """Returns the entries. No text may stand twice, since nobody says one twice here."""
    driver = connection.connection.driver_connection
    assert driver is not None
    for finding in verify_connection(driver).findings:
        raise Broken(finding)
    logs = CommittedLogs()
    entries = list(committed_entries(connection))
    logs.read("the service", entries)
    for *_, said in logs.findings:
        raise Broken(said)
    return entries
