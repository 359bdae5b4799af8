"""What a gateway logs of sessions and commands; never what anybody says, nor by what they enter.

A command is known everywhere by one id, which needs no byte on the wire: the gateway's identity,
the number of the session and the client's own number, as in `gateway/gateway-0#3f2a:17:42`.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from zchat.gateway.core.contexts import CommandContext, CommandSent, SessionOpening
from zchat.gateway.core.operation_log import OperationLog
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.internal import SessionReply
from zchat.protocol.messages import (
    ClientMessage,
    Done,
    Hello,
    LogOut,
    Ping,
    Query,
    RefusalCode,
    Refused,
)
from zchat.runtime.core.rate_limit import Rate, Samples

_answers: Decoder[Any] = Decoder(Done | Refused)  # type: ignore[arg-type]
_session_answers: Decoder[Any] = Decoder(SessionReply)  # type: ignore[arg-type]

_KEPT_OUT: Final = (
    *(RefusalCode.BANNED, RefusalCode.SUSPENDED, RefusalCode.GUESTS_NOT_ALLOWED),
    RefusalCode.TOO_FAST,
)


class WrittenOperationLog(OperationLog):
    def __init__(self, log: logging.Logger, identity: bytes) -> None:
        super().__init__()
        self._log = log
        self._identity = identity.decode()
        rate = Rate(limits.WARNINGS_BURST, limits.WARNINGS_PER_S)
        self._samples = Samples(rate, limits.PEERS_MAX)
        # Asked once: nothing at all is to be done for a line that is not written.
        self.tracing = log.isEnabledFor(logging.DEBUG)

    def received(self, session: Session, message: ClientMessage) -> None:
        if isinstance(message, Hello | LogOut | Ping | Query):
            return
        fields = {
            "request": self._request(session, message.id),
            "command": message.__struct_config__.tag,
            "user": session.name,
        }
        self._log.debug("received", extra=fields)

    def answered(
        self, address: str, answers: Sequence[tuple[CommandContext | None, bytes]], now: float
    ) -> None:
        super().answered(address, answers, now)
        if not self.tracing:
            return
        for context, frame in answers:
            match context:
                case CommandSent(session=session, request=request, sent_at=sent_at):
                    outcome = _outcome(_answers, frame)
                case SessionOpening(session=session, log_in=log_in, sent_at=sent_at):
                    request, outcome = log_in.id, _outcome(_session_answers, frame)
                case _:
                    continue
            fields = {
                "request": self._request(session, request),
                "service": address,
                "outcome": outcome,
                "ms": round((now - sent_at) * 1000, 3),
            }
            self._log.debug("answered", extra=fields)

    def logged_in(self, session: Session) -> None:
        fields = {"session": session.number, "user": session.name, "standing": session.standing}
        self._log.info("logged in", extra=_with_address(fields, session))

    def login_refused(self, session: Session, code: RefusalCode, now: float) -> None:
        super().login_refused(session, code, now)
        # Without the name: people in a hurry type their password there.
        fields: dict[str, Any] = {"session": session.number, "code": code}
        if code in _KEPT_OUT:
            # Whoever is put out with many clients has all of them try again.
            held = self._samples.admit(f"{session.network} {code}", now)
            if held is None:
                return
            if held:
                fields["more_like_it"] = held
        self._log.info("log in refused", extra=_with_address(fields, session))

    def out_of_scope(self, session: Session, message: ClientMessage, now: float) -> None:
        kind = message.__struct_config__.tag
        held = self._samples.admit(f"{session.name} {kind}", now)
        if held is not None:
            fields = {"session": session.number, "user": session.name, "command": kind}
            if held:
                fields["more_like_it"] = held
            self._log.warning("refused out_of_scope", extra=_with_address(fields, session))

    def ended(self, session: Session, code: RefusalCode) -> None:
        super().ended(session, code)
        # Only the code: the reason may hold what the client sent.
        fields = {"session": session.number, "user": session.name, "code": code}
        # Whoever likes to can come with garbage as often as that would fill a disk.
        level = logging.INFO if session.name else logging.DEBUG
        self._log.log(level, "disconnects a client", extra=_with_address(fields, session))

    def _request(self, session: Session, request: int) -> str:
        return f"{self._identity}:{session.number}:{request}"


def _with_address(fields: dict[str, Any], session: Session) -> dict[str, Any]:
    return fields | {"address": session.address} if session.address else fields


def _outcome(decoder: Decoder[Any], frame: bytes) -> str:
    try:
        answer = decoder.decode(frame)
    except ProtocolError:
        return "malformed"
    return str(answer.code) if isinstance(answer, Refused) else "done"
