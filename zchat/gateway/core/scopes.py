"""What an app token's session may send and see; a session without scopes may do what its user may.

And what of it the client has asked for, who may want less than there is.
"""

from collections.abc import Collection

from zchat.gateway.core.session import Session
from zchat.protocol.messages import (
    AnyCommand,
    ListConversations,
    ListRooms,
    Query,
    Scope,
    SearchMessages,
    SendPrivate,
    inbox_log,
)
from zchat.protocol.rules.names import canonical_name
from zchat.protocol.rules.permissions import PERMISSIONS


def refusal(session: Session, message: AnyCommand | Query) -> str | None:
    """Why the session may not send this, if it may not. Raises `InvalidName`."""
    if not session.scopes:
        return None
    if PERMISSIONS[type(message)].scope not in session.scopes:
        return "this app token may not do that"
    if session.rooms and not _is_within(session, message):
        return "this app token is for other rooms"
    return None


def follows(session: Session, log: str) -> bool:
    """Whether the session is to see the entries of a log that its user follows."""
    if session.only is not None and not _wants(session.only, session, log):
        return False
    if not session.scopes:
        return True
    return Scope.READ in session.scopes and _has_log(session, log)


def hears_of_others(session: Session) -> bool:
    """Whether the session is to hear who comes and goes."""
    if session.only is not None and not session.only:
        return False
    return not session.scopes or Scope.READ in session.scopes


def _is_within(session: Session, message: AnyCommand | Query) -> bool:
    """Whether the message is about the rooms of the session, or about none at all."""
    match message:
        case SendPrivate() | ListConversations():
            return False
        case ListRooms(room=None) | SearchMessages(log=None):
            return False  # That would tell of all of them.
    if (log := getattr(message, "log", None)) is not None:
        return _has_log(session, log[0] + canonical_name(log[1:]))
    room = getattr(message, "room", None)
    return room is None or canonical_name(room) in session.rooms


def _wants(only: Collection[str], session: Session, log: str) -> bool:
    """News of a conversation, of which there is no log, are for who has the inbox."""
    return log in only or (log[0] == "@" and inbox_log(session.name) in only)


def _has_log(session: Session, log: str) -> bool:
    """With rooms there is no inbox."""
    return not session.rooms or (log[0] == "#" and log[1:] in session.rooms)
