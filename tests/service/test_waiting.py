"""Which commands a beat does, and whose wait for the next one."""

from zchat.fabric.core.link import ReturnAddress
from zchat.protocol import limits
from zchat.service.core.effects import Sender
from zchat.service.core.scheduling import CommandQueue

HALF_US = limits.BEAT_USER_US // 2


def sender(user: str, asker: bytes = b"gateway/west#1") -> Sender:
    return Sender(ReturnAddress(asker, 1, 1), 1, user)


def sent(*commands: tuple[str, str, int]) -> CommandQueue:
    """Each is (user, command, cost)."""
    waiting = CommandQueue()
    for user, command, cost_us in commands:
        waiting.add(sender(user), command, cost_us)
    return waiting


def beats(waiting: CommandQueue) -> list[list[str]]:
    """What each beat does until all is done."""
    done: list[list[str]] = []
    while waiting:
        done.append([command for _, command in waiting.take()])
    return done


def test_what_costs_little_is_all_done_at_once() -> None:
    assert beats(sent(("ann", "a1", 1), ("bob", "b1", 1), ("ann", "a2", 1))) == [["a1", "b1", "a2"]]


def test_who_sends_much_waits_with_the_rest_of_it_and_nobody_else_does() -> None:
    waiting = sent(
        ("eve", "e1", HALF_US),
        ("eve", "e2", HALF_US),
        ("eve", "e3", HALF_US),
        ("ann", "a1", 1),
        ("eve", "e4", 1),
        ("ann", "a2", 1),
    )
    assert beats(waiting) == [["e1", "e2", "a1", "a2"], ["e3", "e4"]]


def test_what_is_cheap_does_not_overtake_what_waits_of_the_same_user() -> None:
    waiting = sent(("eve", "e1", HALF_US), ("eve", "e2", 2 * HALF_US), ("eve", "e3", 1))
    assert beats(waiting) == [["e1"], ["e2"], ["e3"]]


def test_one_command_is_done_whatever_it_costs() -> None:
    dear_us = 3 * limits.BEAT_US
    waiting = sent(("eve", "e1", dear_us), ("eve", "e2", dear_us), ("ann", "a1", 1))
    assert beats(waiting) == [["e1", "a1"], ["e2"]]


def test_with_many_who_send_much_each_has_one_command_done() -> None:
    users = [f"user{number}" for number in range(2 * limits.BEAT_US // limits.BEAT_USER_US)]
    waiting = sent(*[(user, f"{user}/{n}", HALF_US) for n in (1, 2) for user in users])
    first = [command for _, command in waiting.take()]

    assert first[: len(users)] == [f"{user}/1" for user in users]
    assert len(first) == len(users)


def test_what_the_cluster_itself_wants_never_waits() -> None:
    waiting = sent(*[("", f"c{number}", HALF_US) for number in range(9)], ("eve", "e1", 1))
    assert len(beats(waiting)) == 1


def test_what_somebody_has_sent_that_is_gone_is_not_done() -> None:
    waiting = CommandQueue()
    waiting.add(sender("eve", b"gateway/west#1"), "e1", 7)
    waiting.add(sender("ann", b"gateway/east#1"), "a1", 8)
    assert waiting.cost_us == 7 + 8
    waiting.drop(b"gateway/west#1")

    assert waiting.cost_us == 8
    assert beats(waiting) == [["a1"]]
