"""Which entries go when: a few of the oldest at a time, and none that is to be kept."""

from collections.abc import Iterator

import pytest

from zchat.eventlog.core.changes import ForgottenName, Policy, Removal
from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.forgetting import policy_statements
from zchat.eventlog.store import Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits
from zchat.protocol.messages import MessagePosted
from zchat.service.core.retention import Retention, count_older

NOW_MS = 1_000_000
LOGS = {"#attic": 0, "#garden": 0, "@ann": 0}


@pytest.fixture
def store() -> Iterator[Store]:
    """Ten entries in each log, a second after each other, the last one now."""
    store = Store.open(None, LOG_SCHEMA)
    timeline = Timeline(0, dict(LOGS))
    for log in LOGS:
        for ago_s in range(9, -1, -1):
            timeline.append(log, "ann", MessagePosted("x"), NOW_MS - 1000 * ago_s)
    appended, _ = timeline.take()
    store.commit(appended, [], [], [])
    yield store
    store.close()


def with_policies(store: Store, *policies: Policy) -> Retention:
    store.commit([], policy_statements(policies), [], [])
    return Retention(store)


def due(store: Store, retention: Retention, at_ms: int = NOW_MS) -> list[Removal]:
    removed = retention.due(at_ms)
    store.commit([], [], [], [], removed=removed)
    return removed


def test_without_policies_all_is_kept(store: Store) -> None:
    assert due(store, with_policies(store)) == []
    assert due(store, with_policies(store, Policy("#", 0))) == []


def test_the_default_is_for_all_that_have_no_policy_of_their_own(store: Store) -> None:
    retention = with_policies(store, Policy("#", 4), Policy("#garden", 0))
    assert due(store, retention) == [Removal("#attic", 5)]
    assert due(store, retention) == []

    assert due(store, with_policies(store, Policy("@", 8))) == [Removal("@ann", 1)]


def test_all_logs_are_looked_at_in_turn(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that no room or user has any more: only the store knows of them."""
    monkeypatch.setattr(limits, "REMOVED_LOGS_MAX", 2)
    retention = with_policies(store, Policy("#", 4), Policy("@", 4))
    assert [due(store, retention) for _ in range(3)] == [
        [Removal("#attic", 5), Removal("#garden", 5)],
        [Removal("@ann", 5)],
        [],
    ]


def test_a_default_that_keeps_all_removes_nothing_beside_a_room_that_forgets(store: Store) -> None:
    retention = with_policies(store, Policy("#", 0), Policy("#attic", 4))
    assert due(store, retention) == [Removal("#attic", 5)]
    assert due(store, retention) == []


def test_an_entry_goes_when_it_is_older_than_that_however_often_was_looked(store: Store) -> None:
    retention = with_policies(store, Policy("#", 4))
    due(store, retention)
    assert due(store, retention, NOW_MS) == []
    assert due(store, retention, NOW_MS + 1) == [Removal("#attic", 6), Removal("#garden", 6)]
    assert due(store, retention, NOW_MS + 1000) == []


def test_what_is_to_be_emptied_is_so_before_others_are_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMOVED_LOGS_MAX", 1)
    retention = with_policies(store, Policy("#", 4), Policy("@ann", None, 1))
    assert retention.ended_purges() == []
    assert due(store, retention) == [Removal("@ann", 1)]
    assert retention.ended_purges() == [Policy("@ann")]


def test_a_room_may_forget_sooner(store: Store) -> None:
    retention = with_policies(store, Policy("#garden", 1))
    assert due(store, retention) == [Removal("#garden", 8)]


def test_only_so_many_go_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMOVED_ENTRIES_MAX", 3)
    retention = with_policies(store, Policy("#", 4))
    assert [due(store, retention) for _ in range(4)] == [
        [Removal("#attic", 3)],
        [Removal("#attic", 5), Removal("#garden", 1)],
        [Removal("#garden", 4)],
        [Removal("#garden", 5)],
    ]


def test_only_so_much_goes_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one entry goes each time, and no log is left out."""
    (first, *_) = store.read_log("#attic", 0, 1, 1)
    monkeypatch.setattr(limits, "REMOVED_BYTES_MAX", 3 * len(first.frame))
    retention = with_policies(store, Policy("#", 4))
    steps = [due(store, retention) for _ in range(6)]
    assert steps[0] == [Removal("#attic", 3)]
    assert [removal for step in steps for removal in step][-1] == Removal("#garden", 5)
    assert store.floors == {"#attic": 5, "#garden": 5}

    monkeypatch.setattr(limits, "REMOVED_BYTES_MAX", 1)
    retention = with_policies(store, Policy("@", 4))
    for _ in range(30):
        assert sum(removal.upto for removal in due(store, retention)) <= 5
    assert store.floors["@ann"] == 5


def test_only_so_many_logs_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMOVED_LOGS_MAX", 1)
    retention = with_policies(store, Policy("#garden", 4))
    assert [due(store, retention) for _ in range(3)] == [[], [Removal("#garden", 5)], []]


def test_a_log_is_emptied_up_to_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes later belongs to the next one of the name."""
    monkeypatch.setattr(limits, "REMOVED_ENTRIES_MAX", 4)
    retention = with_policies(store, Policy("@ann", None, 7))
    assert due(store, retention) == [Removal("@ann", 4)]
    assert retention.ended_purges() == []
    assert due(store, retention) == [Removal("@ann", 7)]
    assert retention.ended_purges() == [Policy("@ann")]
    retention.committed(retention.ended_purges())
    assert retention.policies == []
    assert due(store, retention) == []


def test_a_log_that_is_due_for_two_reasons_goes_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given twice, with little left to remove, it would have the lower of two floors."""
    monkeypatch.setattr(limits, "REMOVED_ENTRIES_MAX", 10)
    retention = with_policies(store, Policy("@ann", None, 7), Policy("@", 8))
    assert due(store, retention) == [Removal("@ann", 7)]
    assert store.floors == {"@ann": 7}


def test_a_change_leaves_the_rest_as_it_is(store: Store) -> None:
    retention = with_policies(store, Policy("@ann", 5, 7))
    changes = [Policy("@ann", 9), Policy("@ann", purge=3), Policy("#", 1), Policy("#", None)]
    merged = retention.merged(changes)
    assert merged == [Policy("@ann", 9, 7), Policy("#")]
    retention.committed(merged)
    assert retention.policies == [Policy("@ann", 9, 7)]


@pytest.mark.parametrize("older_s", range(-1, 12))
def test_the_older_ones_are_counted(store: Store, older_s: int) -> None:
    store.commit([], [], [], [], removed=[Removal("#garden", 2)])
    before_ms = NOW_MS - 1000 * older_s + 1
    assert count_older(store, "#attic", 10, before_ms) == min(10, max(0, 10 - older_s))
    assert count_older(store, "#garden", 10, before_ms) == min(8, max(0, 8 - older_s))


def test_older_is_what_is_from_before_that_time(store: Store) -> None:
    assert count_older(store, "#attic", 10, NOW_MS - 1000) == 8


def test_of_a_name_that_is_nobodys_nothing_is_to_be_emptied(store: Store) -> None:
    retention = with_policies(store, Policy("#", 4), Policy("@ann", None, 7))
    store.commit([], [], [], [], forgotten=[ForgottenName("ann", "erased-7f3a")])
    retention.forget([ForgottenName("ann", "erased-7f3a")])
    assert retention.policies == store.policies() == [Policy("#", 4)]
