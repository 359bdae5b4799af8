"""Checks at each turn: who waits for what, in which order it comes to it, and what is owed."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from zchat.gateway.core.queries import Queries
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.service.core.scheduling import CommandQueue, Sent
from zchat.users.core.dispatch import UserCore

from .checkers import Broken
from .cluster import Cluster
from .gateways import GatewayProcess
from .services import ServiceProcess

DEAF_WAIT_S: Final = 6.0
"""The longest that a reply may wait for a gateway that hears no events, and everything else."""


class TurnWatchers:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._waits: dict[tuple[str, int, bytes], tuple[tuple[int, int], float]] = {}
        """By worker and gateway: which reply it has waited for, of which link, and since when."""
        for database in cluster.databases:
            database.on_serving = self._serves
            database.at_turn_end = self._service_turned
        for gateway in cluster.gateways:
            gateway.at_frame = self._taken

    def check_quiet_end(self) -> None:
        """Whoever is gone has left no question, and nobody has to wait."""
        for gateway in self._cluster.gateways:
            for address, peer in gateway.turns.core.services.by_address.items():
                if len(peer.queries):
                    raise Broken(f"{gateway.name} asks {len(peer.queries)} queries of {address}")
        for database in self._cluster.databases:
            assert database.serving.turns is not None
            beat = database.serving.turns.beat
            if beat.waiting or len(beat.queries):
                left = f"{len(beat.waiting)} commands and {len(beat.queries)} queries"
                raise Broken(f"{database.name} is at work on {left} after the quiet")

    # --- Gateways ---------------------------------------------------------------------------------

    def gateway_turned(self, gateway: GatewayProcess) -> None:
        for peer in gateway.turns.core.services.by_address.values():
            _check_queries(gateway.name, peer.queries)

    def _taken(self, gateway: GatewayProcess, session: Session, frame: bytes) -> None:
        if session.allowance is None:
            return
        debts_s = [bucket.wait_s(0, gateway.now()) for bucket in session.allowance.work]
        if any(debts_s):
            gateway.world.counts["somebody owed"] += 1
            raise Broken(f"{session.name} owes {max(debts_s):.3f} s, and is read from")

    # --- Services ---------------------------------------------------------------------------------

    def _check_deaf(self, process: ServiceProcess) -> None:
        """Whoever hears no events, and all else, has its answers all the same."""
        assert process.turns is not None
        answerer = process.turns.beat._answerer
        now = process.now()
        for gateway in self._cluster.gateways:
            state = answerer._askers.get(gateway.identity)
            key = process.name, process.life, gateway.identity
            if gateway.deaf_life != gateway.life or state is None or not len(state.replies):
                self._waits.pop(key, None)
                continue
            place = state.link, state.replies._kept_from
            before, since = self._waits.get(key, (None, now))
            if before != place:
                since = now
            self._waits[key] = place, since
            if now - since > DEAF_WAIT_S:
                raise Broken(f"{gateway.name} has no answers of {process.name}, and is only deaf")

    def _serves(self, process: ServiceProcess) -> None:
        assert process.turns is not None
        waiting = process.turns.beat.waiting
        waiting.take = partial(_watched, process, waiting, waiting.take)  # type: ignore[method-assign]

    def _service_turned(self, process: ServiceProcess) -> None:
        assert process.turns is not None
        if self._cluster.world.quiet:
            self._check_deaf(process)
        beat = process.turns.beat
        if len(beat.queries) > limits.QUERIES_KEPT_MAX:
            raise Broken(f"{process.name} has begun {len(beat.queries)} queries")
        known = beat._answerer._heard_at
        for sender, _ in beat.waiting._commands:
            if sender.reply_to.asker not in known:
                raise Broken(f"{process.name} has a command of {sender.user}, whose asker is gone")
        if isinstance(beat.core, UserCore):
            _check_tokens(process, beat.core)


def _check_tokens(process: ServiceProcess, core: UserCore) -> None:
    """Whatever takes a token away ends its session at once.

    Those of an account that is deleted are here until what is on its way from them is done.
    """
    for session in core.sessions._by_key.values():
        user = core.users.get(session.user)
        if user is not None and user.deleted:
            continue
        if user is None or user.token(session.digest) is None:
            raise Broken(f"{session.user} has a session at {process.name} by a token that is gone")


def _check_queries(where: str, queries: Queries[Any]) -> None:
    asked = queries._asked
    count = len(asked) + sum(map(len, queries._waiting.values()))
    if len(queries) != count:
        raise Broken(f"{where} counts {len(queries)} queries, and there are {count}")
    shares = Counter(question.share for question in asked)
    if max(shares.values(), default=0) > limits.QUERIES_SHARE_MAX:
        raise Broken(f"{where} asks {max(shares.values())} queries of one user at a time")
    begun = sum(question.begun for question in asked)
    if begun > limits.QUERIES_BEGUN_MAX:
        raise Broken(f"{where} asks {begun} queries at a time that were begun")


def _watched(process: ServiceProcess, waiting: CommandQueue, take: Any) -> list[Sent]:
    """What a beat does, of each user the first that it has sent, and no more than its share."""
    before, costs_us = waiting._commands, waiting._costs_us
    taken: list[Sent] = take()
    if waiting:
        process.world.counts["a beat put something off"] += 1
    for user in {sender.user for sender, _ in before}:
        mine = [
            (sent, cost) for sent, cost in zip(before, costs_us, strict=True) if _is(sent, user)
        ]
        done = [sent for sent in taken if _is(sent, user)]
        _check_share(user, mine, done)
    return taken


def _is(sent: Sent, user: str) -> bool:
    return sent[0].user == user


def _check_share(user: str, sent: Sequence[tuple[Sent, int]], done: Sequence[Sent]) -> None:
    if not user and len(done) < len(sent):
        raise Broken("what the cluster itself wants is put off")
    cost_us = sum(cost for _, cost in sent[: len(done)])
    if user and len(done) > 1 and cost_us > limits.BEAT_USER_US:
        raise Broken(f"a beat does {len(done)} commands of {user}, which cost {cost_us} us")
