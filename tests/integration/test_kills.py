"""Any process may die at any moment, while people talk: nothing is lost, doubled or reordered."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from testbed.cluster import (
    DEADLINE_S,
    GATEWAYS,
    ROOM_SERVICE,
    ROUTER,
    SERVICES,
    USER_SERVICE,
    Cluster,
)
from testbed.people import Person, check_all_seen, crowd, eventually, gather_in, new_name
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, inbox_log, room_log

from .wire import Witness, witnesses

pytestmark = pytest.mark.integration

TALKERS = 5


@dataclass
class Company:
    """People on both gateways who talk in the lobby, in a room and in private."""

    places: dict[str, list[Person]]
    witnesses: dict[str, Witness]
    room: str
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    talks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def people(self) -> list[Person]:
        return [person for place in self.places.values() for person in place]

    def talk(self) -> None:
        people = self.people
        for person, neighbour in zip(people, [*people[1:], people[0]], strict=True):
            to = [room_log(LOBBY), self.room, inbox_log(neighbour.name)]
            self.talks.append(asyncio.create_task(person.talk_until(self.enough, to)))

    async def more_is_said(self) -> None:
        """Until each of them has said more than now, and was understood."""
        async with asyncio.timeout(2 * DEADLINE_S):
            enough = {p: len(p.said) + 2 * limits.SESSION_REQUESTS_MAX for p in self.people}
            for person, count in enough.items():
                while len(person.said) < count:
                    await person.chat.answered()

    async def check(self, *gone: str) -> None:
        """Lets them finish; all have heard all, but for the witnesses on gateways that are gone."""
        self.enough.set()
        await asyncio.gather(*self.talks)
        watching = [one for place, one in self.witnesses.items() if place not in gone]
        await check_all_seen(self.people, [room_log(LOBBY), self.room], watching)

    def disconnected(self) -> dict[str, list[str]]:
        """Why connections broke, by name."""
        return {p.name: p.connections_lost for p in self.people if p.connections_lost}


@asynccontextmanager
async def talking(cluster: Cluster) -> AsyncIterator[Company]:
    """They talk until they are checked."""
    async with crowd(cluster, TALKERS) as places, witnesses(cluster) as watching:
        company = Company(places, watching, room_log(new_name("room")))
        await gather_in(company.room, company.people)
        company.talk()
        try:
            await company.more_is_said()
            yield company
        finally:
            for talk in company.talks:
                talk.cancel()
            await asyncio.gather(*company.talks, return_exceptions=True)


@pytest.mark.parametrize(
    "victims",
    [(ROUTER,), (USER_SERVICE,), (ROOM_SERVICE,), (ROUTER, *SERVICES)],
    ids=" and ".join,
)
async def test_nobody_notices_the_death_of_what_is_behind_the_gateways(
    cluster: Cluster, victims: tuple[str, ...]
) -> None:
    async with talking(cluster) as company:
        await asyncio.to_thread(cluster.kill_and_wait, *victims)
        await company.more_is_said()
        await company.check()
        assert company.disconnected() == {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_only_the_clients_of_a_gateway_that_ends_reconnect_and_miss_nothing(
    cluster: Cluster, number: signal.Signals
) -> None:
    async with talking(cluster) as company:
        await asyncio.to_thread(cluster.kill_and_wait, "gateway-0", number=number)
        await company.more_is_said()
        await company.check("gateway-0")
        expected = {person.name: 1 for person in company.places["gateway-0"]}
        assert {n: len(why) for n, why in company.disconnected().items()} == expected
        for person in company.places["gateway-0"]:
            assert [login.resumed for login in person.logins] == [False, True]
        if number is signal.SIGTERM:
            # They were told, and did not find out.
            reasons = {why for reasons in company.disconnected().values() for why in reasons}
            assert reasons == {"this gateway stops; connect again"}


async def test_who_is_here_is_known_again_after_the_user_service_died(cluster: Cluster) -> None:
    async with crowd(cluster, TALKERS) as places:
        people = [person for place in places.values() for person in place]
        names = {person.name for person in people}

        async def all_are_listed() -> bool:
            return names <= {info.name for info in (await people[0].chat.users()).users}

        await eventually(all_are_listed)
        await asyncio.to_thread(cluster.kill_and_wait, USER_SERVICE)
        # The new one knows of nobody until the gateways tell it.
        await eventually(all_are_listed)
        async with Person(cluster.address) as late:
            for person in people:
                await person.until(lambda p=person: any(late.name in c.came for c in p.presence))  # type: ignore[misc]
        # Nobody was told that anybody had gone meanwhile.
        for person in people:
            assert not any(names & set(change.went) for change in person.presence)


@pytest.mark.parametrize("victim", [ROUTER, USER_SERVICE, ROOM_SERVICE])
async def test_a_process_that_hangs_for_a_while_costs_time_and_nothing_else(
    cluster: Cluster, victim: str
) -> None:
    async with talking(cluster) as company:
        pid = cluster.kill(victim, signal.SIGSTOP)
        # Long enough to be given up by all others.
        await asyncio.sleep(limits.PEER_EXPIRY_S + 2)
        os.kill(pid, signal.SIGCONT)
        await company.more_is_said()
        await company.check()
        assert company.disconnected() == {}


async def test_the_next_supervisord_takes_over_from_one_that_was_killed(cluster: Cluster) -> None:
    async with talking(cluster) as company:
        await asyncio.to_thread(cluster.kill_supervisord)
        await asyncio.to_thread(cluster.start)
        await company.more_is_said()
        await company.check(*GATEWAYS)
