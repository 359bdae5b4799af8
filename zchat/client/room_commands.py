"""What one can do to a room and its members by a line."""

from typing import Final

from zchat.client.actions import CommandLine

ROOM_COMMANDS: Final[tuple[CommandLine, ...]] = ()
