"""What a process does among others that lie, by name and seed."""

import traceback
from collections.abc import Callable
from typing import Final, NamedTuple

from zchat.protocol.internal import USER_SERVICE, room_partition

from .services import HostileCluster
from .sessions import HostileWorld

STORIES: Final[dict[str, Callable[[int], HostileWorld | HostileCluster]]] = {
    "gateway among liars": HostileWorld,
    "user-service among liars": lambda seed: HostileCluster(USER_SERVICE, seed),
    "room-service among liars": lambda seed: HostileCluster(room_partition(0), seed),
}
_LAST_STEPS: Final = 8


class Told(NamedTuple):
    seed: int
    steps: int
    broken: str | None
    """What went wrong, after which steps, and where."""


def tell(name: str, seed: int) -> Told:
    """Plays the story of this seed."""
    world = STORIES[name](seed)
    try:
        world.play()
    except Exception as error:  # noqa: BLE001 - Whatever it is, it is what we look for.
        last = ", ".join(world.told[-_LAST_STEPS:])
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}\n    at {place.filename}:{place.lineno}"
        return Told(seed, len(world.told), f"{what}\n    step {len(world.told)}, after {last}")
    return Told(seed, len(world.told), None)
