"""What people in the simulation do, held against all that can be asked of a cluster."""

from simulation import accounts, moderators, people, talk
from simulation.checkers import NEVER_ASKED
from zchat.protocol.messages import REQUESTS


def test_people_ask_for_all_that_is_not_left_out_on_purpose() -> None:
    drafted = {
        kind
        for by in (people, accounts, moderators, talk)
        for kind in vars(by).values()
        if isinstance(kind, type) and kind in REQUESTS
    }
    assert REQUESTS.keys() - drafted == NEVER_ASKED
