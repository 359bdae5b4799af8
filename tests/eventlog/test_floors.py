"""What is removed is gone, and nothing comes twice because of that."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from zchat.eventlog.core.changes import Policy, Removal
from zchat.eventlog.core.idempotency import Answer, Key
from zchat.eventlog.forgetting import policy_statements
from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA, nonces
from zchat.protocol import limits
from zchat.protocol.rules.nonces import nonce

CLIENT, OTHER = b"client-1", b"client-2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path, LOG_SCHEMA)
    append(store, "#garden", *(nonce(CLIENT, number) for number in (1, 2, 3)))
    append(store, "#attic", nonce(OTHER, 1))
    append(store, "#garden", nonce(CLIENT, 4))
    yield store
    store.close()


def append(store: Store, log: str, *given: bytes) -> None:
    head = store.heads([log])[log]
    entries = [
        Appended(store.position + n, log, head + n, "ann", one, None, b"frame")
        for n, one in enumerate(given, 1)
    ]
    store.commit(entries, [], [], [])


def remove(store: Store, log: str, upto: int) -> None:
    store.commit([], [], [], [], removed=[Removal(log, upto)])


def sequences(store: Store, log: str) -> list[int]:
    return [entry.sequence for entry in store.read_log(log, 0, 100, 1 << 30)]


def reopened(store: Store, path: Path) -> Store:
    store.close()
    return Store.open(path, LOG_SCHEMA)


def test_the_oldest_entries_of_one_log_are_removed(store: Store) -> None:
    remove(store, "#garden", 2)

    assert sequences(store, "#garden") == [3, 4]
    assert sequences(store, "#attic") == [1]
    assert store.floors == {"#garden": 2}
    assert [entry.position for entry in store.read_stream(0, 10, 1 << 30)] == [3, 4, 5]


def test_numbers_go_on_when_all_is_removed(store: Store, path: Path) -> None:
    remove(store, "#garden", 4)
    remove(store, "#attic", 1)
    assert store.heads(["#garden", "#attic", "#new"]) == {"#garden": 4, "#attic": 1, "#new": 0}
    assert store.position == 5

    with_nothing = reopened(store, path)
    assert (with_nothing.position, with_nothing.floors) == (5, {"#garden": 4, "#attic": 1})
    append(with_nothing, "#garden", nonce(CLIENT, 5))
    [entry] = with_nothing.read_stream(0, 10, 1 << 30)
    assert (entry.position, entry.sequence) == (6, 5)
    with_nothing.close()


@pytest.mark.parametrize("unwritten_max", [1, 8192])
def test_the_newest_nonce_of_a_client_stays(
    store: Store, path: Path, unwritten_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a command that is sent again after days would be done again."""
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", unwritten_max)
    remove(store, "#garden", 4)
    for _ in range(2):
        assert store.newest_nonces([("ann", CLIENT)]) == {("ann", CLIENT): nonce(CLIENT, 4)}
        keys = [Key("ann", nonce(CLIENT, number)) for number in (1, 4)]
        assert store.first_answers(keys) == {}
        other = Key("ann", nonce(OTHER, 1))
        assert store.first_answers([other])[other.author_and_nonce].sequence == 1
        store = reopened(store, path)
    store.close()


@pytest.mark.parametrize("unwritten_max", [1, 8192])
def test_of_nonces_whose_entries_are_gone_only_the_newest_of_each_client_are_kept(
    store: Store, unwritten_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", unwritten_max)
    remove(store, "#garden", 4)
    remove(store, "#attic", 1)

    kept = store._connection.scalars(select(nonces.c.nonce).order_by(nonces.c.nonce)).all()
    assert kept == [nonce(CLIENT, 4), nonce(OTHER, 1)]


def test_a_removal_that_fails_removes_nothing(store: Store) -> None:
    with pytest.raises(ValueError, match="position"):
        store.commit(
            [Appended(99, "#garden", 5, "ann", None, None, b"")],
            [],
            [],
            [],
            removed=[Removal("#garden", 2)],
        )
    assert store.floors == {}
    assert sequences(store, "#garden") == [1, 2, 3, 4]


def test_policies_are_kept_and_replaced(store: Store, path: Path) -> None:
    def save(*policies: Policy) -> None:
        store.commit([], policy_statements(policies), [], [])

    save(Policy("#", 100), Policy("@ann", None, 7))
    save(Policy("#", 200), Policy("@ann"))
    assert store.policies() == [Policy("#", 200)]
    assert reopened(store, path).policies() == [Policy("#", 200)]


def test_of_no_policies_nothing_is_written() -> None:
    assert policy_statements([]) == []
    [(_, dropped)] = policy_statements([Policy("@ann")])
    assert dropped == [{"old_log": "@ann"}]


def test_what_is_not_done_in_the_order_of_nonces_is_known_for_ever(store: Store) -> None:
    """As what is done to an account is, which waits for its password meanwhile."""
    position = store.position
    done = [
        Appended(position + 1, "@ann", 1, "ann", nonce(CLIENT, 8), None, b"the account"),
        Appended(position + 2, "@ann", 2, "ann", nonce(CLIENT, 9), "bob", b"psst"),
    ]
    store.commit(done, [], [], [])
    remove(store, "@ann", 2)
    (key, said) = (Key("ann", nonce(CLIENT, number), rising=False) for number in (8, 7))
    assert store.first_answers([key, said]) == {key.author_and_nonce: Answer(None, 0)}
