"""What clients were told is durable, looked for in what a service has left behind."""

from typing import Final

from testbed.cluster import ROOM_SERVICE, USER_SERVICE

from .checkers import CommittedLogs
from .recording import Recording

OWN_LOGS: Final = {USER_SERVICE: "@", ROOM_SERVICE: "#"}
"""How the names of its logs begin."""


def missing_in(logs: CommittedLogs, recording: Recording, own: str) -> tuple[int, list[str]]:
    """How many acknowledged messages were looked for in `logs`, and which are not in their place.

    Looks for those whose logs begin with `own`, the first character of their names.
    """
    checked = 0
    missing = []
    for author, words in recording.words.items():
        for number in range(len(words.to)):
            name = words.places(number)[0]
            if name[0] != own or not words.is_answered(number):
                continue
            checked += 1
            log, index = logs[name], words.sequences[number] - 1
            stands = slice(index, index + 1)
            if (log.authors[stands], list(log.numbers[stands])) != ([author], [number]):
                missing.append(
                    f"{number} of {author} was acknowledged and is not {name} {index + 1}"
                )
    return checked, missing
