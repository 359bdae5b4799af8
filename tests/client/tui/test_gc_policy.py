"""When the client looks for what nobody uses any more."""

from zchat.client.tui.gc_policy import DUE, OVERDUE, REST_TICKS, is_time


def test_it_waits_for_a_rest() -> None:
    assert not is_time(DUE, REST_TICKS - 1)
    assert is_time(DUE, REST_TICKS)


def test_a_rest_without_anything_new_is_left_alone() -> None:
    assert not is_time(DUE - 1, 100 * REST_TICKS)


def test_too_much_is_not_waited_for() -> None:
    assert not is_time(OVERDUE - 1, 0)
    assert is_time(OVERDUE, 0)
