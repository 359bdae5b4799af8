"""Who says hello is told which cluster this is, and waits for that until it is known here."""

from zchat import __version__
from zchat.gateway.contexts import ClusterAsked
from zchat.gateway.requests import Requests
from zchat.gateway.services import Services
from zchat.gateway.session import Session
from zchat.protocol.cluster import ReadCluster
from zchat.protocol.messages import PROTOCOL_VERSION, Welcome


class Greetings:
    """A client with a token for one cluster shows it to no other, so it has to know before.

    The user-service has the id, and tells it with each session, too: an answer to a login never
    comes before its welcome.
    """

    def __init__(self, services: Services, requests: Requests) -> None:
        self._services = services
        self._requests = requests
        self._cluster: str | None = None
        """None until the user-service has said it; empty if it is too old to have one."""
        self._waiting: dict[Session, None] = {}
        self._asked = False

    def hello(self, session: Session, now: float) -> None:
        self._waiting[session] = None
        if self._cluster is None:
            self.ask(now)
        else:
            self.welcome(session)

    def ask(self, now: float) -> None:
        """Asks for the id, unless it is known or on its way."""
        if self._cluster is None and not self._asked:
            self._asked = True
            self._services.users.ask(None, ReadCluster(), ClusterAsked(), now)

    def not_answered(self) -> None:
        """`ask` does so again."""
        self._asked = False

    def learned(self, cluster: str) -> None:
        self._cluster, self._asked = cluster, False
        for session in list(self._waiting):
            self.welcome(session)

    def welcome(self, session: Session) -> None:
        """This one waits no longer, if it does, be the cluster known or not.

        Whoever waits to show a token would end at a welcome that does not say.
        """
        if session in self._waiting:
            del self._waiting[session]
            software = f"zchat {__version__}"
            welcome = Welcome(PROTOCOL_VERSION, software, self._cluster or "")
            self._requests.answer(session, welcome)

    def forget(self, session: Session) -> None:
        self._waiting.pop(session, None)
