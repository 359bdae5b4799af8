"""Who says hello is told which cluster this is, however late the gateway hears of it itself."""

import pytest

from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.login import Greetings
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE, ClusterInfo, SessionOpened, UserLogs
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Hello,
    LoggedIn,
    LogIn,
    RefusalCode,
    Refused,
    Standing,
    Welcome,
)

from .playbook import CLUSTER, ROOMS, Gateway

HELLO = Hello(PROTOCOL_VERSION, "test")


@pytest.fixture
def gateway() -> Gateway:
    """One that has just started."""
    gateway = Gateway()
    core = gateway.core = GatewayCore(partitions=1)
    gateway.serve()
    core.greetings = Greetings(core.services, core.requests)
    return gateway


def test_a_welcome_waits_until_it_is_known_which_cluster_this_is(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, HELLO)
    assert gateway.read(session) == []
    [asked] = gateway.answer(USER_SERVICE, ClusterInfo(CLUSTER))
    assert asked["kind"] == "read_cluster"
    [welcome] = gateway.read(session)
    assert isinstance(welcome, Welcome)
    assert welcome.cluster == CLUSTER

    later = gateway.connect()
    gateway.send(later, HELLO)
    [welcome] = gateway.read(later)
    assert welcome.cluster == CLUSTER
    assert gateway.asked(USER_SERVICE) == []


def test_it_is_asked_for_before_anybody_comes_and_again_if_there_is_no_answer(
    gateway: Gateway,
) -> None:
    gateway.core.ephemeral.tick(gateway.now)
    gateway.wait(limits.HEARTBEAT_INTERVAL_S)
    kinds = [query["kind"] for query in gateway.asked(USER_SERVICE)]
    assert "read_cluster" in kinds
    gateway.answer_asked(USER_SERVICE, *[b"" for _ in kinds])
    gateway.wait(limits.HEARTBEAT_INTERVAL_S)
    assert "read_cluster" in [query["kind"] for query in gateway.asked(USER_SERVICE)]


def test_a_login_is_answered_after_its_welcome(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, HELLO, LogIn(id=1, name="ann", token=b"t" * 32))
    opened = SessionOpened("ann", Standing.GUEST, gateway.now_ms, cluster=CLUSTER)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.answer(USER_SERVICE, ClusterInfo(CLUSTER))
    gateway.answer(ROOMS, UserLogs(0, []))
    welcome, logged_in = gateway.read(session)
    assert (welcome.cluster, type(logged_in)) == (CLUSTER, LoggedIn)


def test_a_user_service_that_is_too_old_keeps_nobody_waiting(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, HELLO, LogIn(id=1, name="ann", token=b"t" * 32))
    refused = Refused(1, RefusalCode.PASSWORD_REQUIRED, "A password, please.")
    gateway.reply(USER_SERVICE, "open_session", refused)
    assert gateway.read(session) == [Welcome(PROTOCOL_VERSION, "zchat 0.1.0"), refused]


def test_a_login_that_is_refused_leaves_those_waiting_who_have_to_know_the_cluster(
    gateway: Gateway,
) -> None:
    waiting, refused_one = gateway.connect(), gateway.connect()
    gateway.send(waiting, HELLO)
    gateway.send(refused_one, HELLO, LogIn(id=1, name="ann", token=b"t" * 32))
    refused = Refused(1, RefusalCode.BANNED, "Not here.")
    gateway.reply(USER_SERVICE, "open_session", refused)
    assert gateway.read(refused_one) == [Welcome(PROTOCOL_VERSION, "zchat 0.1.0"), refused]
    assert gateway.read(waiting) == []
    gateway.answer(USER_SERVICE, ClusterInfo(CLUSTER))
    [welcome] = gateway.read(waiting)
    assert welcome.cluster == CLUSTER


def test_who_is_gone_waits_no_more(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, HELLO)
    gateway.core.disconnected(session)
    gateway.answer(USER_SERVICE, ClusterInfo(CLUSTER))
    assert gateway.read(session) == []
    assert not gateway.core.greetings._waiting
