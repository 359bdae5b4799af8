"""Browsers for the tests, and clusters to come to. They are real: nothing is skipped in silence."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final, TypeAlias

import pytest
from needed import do_without

from testbed.browsers import CHROMIUM, BrowserPerson, chromium
from testbed.cluster import Cluster

TO_HAVE_IT: Final = "apt-get install -y chromium"
MakePerson: TypeAlias = Callable[..., Awaitable[BrowserPerson]]
"""Somebody new, with a browser of their own; takes the options of a browser context."""


@pytest.fixture(scope="session", autouse=True)
def _there_is_a_browser() -> None:
    if CHROMIUM is None:
        do_without(f"no test of the page ran, for want of chromium; to have it: {TO_HAVE_IT}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for this file: whatever a test does to it, the next one finds it healed."""
    # Sockets have short paths.
    with Cluster(tmp_path_factory.mktemp("c")) as made:
        made.start()
        yield made
    assert made.bugs() == []


@pytest.fixture
async def person(cluster: Cluster) -> AsyncIterator[MakePerson]:
    """At the end no page may have had any trouble, nor have wanted what its policy forbids."""
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(chromium())
        people: list[BrowserPerson] = []

        async def make(**options: Any) -> BrowserPerson:
            made = BrowserPerson(browser, cluster.address, **options)
            people.append(await stack.enter_async_context(made))
            return people[-1]

        yield make
    assert [trouble for each in people for trouble in each.troubles] == []
