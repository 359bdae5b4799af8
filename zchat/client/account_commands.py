"""What one can do to one's own account by a line."""

from typing import Final

from zchat.client.actions import CommandLine

ACCOUNT_COMMANDS: Final[tuple[CommandLine, ...]] = ()
