"""What tests of rooms and users ask of a store and of answers alike."""

from typing import Any, TypeVar

from msgspec.structs import replace

from zchat.eventlog.store import Store
from zchat.eventlog.verify import verify_connection
from zchat.protocol.messages import Message

A = TypeVar("A", bound=Message)


def contradictions(store: Store) -> list[str]:
    """What `zchat-admin verify` would find wrong with what is committed."""
    driver: Any = store._connection.connection.driver_connection
    return verify_connection(driver).findings


def repeated(answer: A) -> A:
    """As it comes to a command that is sent once more."""
    return replace(answer, again=True)
