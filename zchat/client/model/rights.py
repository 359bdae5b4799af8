"""What the user may do, by the server's own table and what is known here of who is what.

Of what is not known the server is asked: here it may be done.
"""

from typing import Final

from zchat.client.core.events import Answered, EntryArrived, Event, SessionBegun
from zchat.protocol.messages import (
    LOBBY,
    AccountRegistered,
    DeleteMessage,
    Done,
    Entry,
    MemberAdded,
    MemberBanned,
    MemberDemoted,
    MemberJoined,
    MemberList,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    Message,
    Register,
    Role,
    RoomCreated,
    RoomTransferred,
    Standing,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.membership import EVERYONE, Change, change_by
from zchat.protocol.rules.permissions import (
    PLACE_OF_ROLE,
    STANDINGS,
    Place,
    keeps_order,
    outranks,
    permission_of,
)

_LOBBY_LOG: Final = room_log(LOBBY)
_LEADERS: Final = (Role.OWNER, Role.MODERATOR)


class Rights:
    """`me` is the user's own name, and `standing` what a login will make of the user, if known."""

    def __init__(self, me: str, standing: Standing | None = None) -> None:
        self._me = me
        self.standing = standing
        """None while it is not known, or one that is not known here."""
        self._roles: dict[str, dict[str, Role]] = {}
        """By log and name: of those who lead there, and of the user."""
        self._muted: set[str] = set()
        """The logs in which the user is."""

    # --- What happens ---------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        match event:
            case SessionBegun(name=name, guest=guest, standing=standing):
                self._me = name
                known = standing in STANDINGS
                self.standing = Standing.GUEST if guest else Standing(standing) if known else None
            case EntryArrived(entry):
                self._happened(entry)
            case Answered(answer=MemberList() as members):
                self._listed(members)
            case Answered(request=Register(), answer=Done()):
                # The entry that says so may come after the answer.
                self._registered()
            case _:
                pass

    def _registered(self) -> None:
        # It may be long ago, and the user a moderator since: what was missed comes after the login.
        if self.standing is Standing.GUEST:
            self.standing = Standing.ACCOUNT

    def _listed(self, members: MemberList) -> None:
        log = room_log(members.room)
        if log == _LOBBY_LOG:
            # Nobody leads there, and who may not speak is not in its list.
            return
        whole = members.total <= len(members.members)
        roles = {} if whole else self._roles.setdefault(log, {})
        for member in members.members:
            is_mine = member.name == self._me
            if is_mine:
                self._mute(log, muted=member.role == Role.MUTED)
            roles.pop(member.name, None)
            if member.role in _LEADERS or (is_mine and member.role == Role.MEMBER):
                roles[member.name] = Role(member.role)
        self._roles[log] = roles

    def _happened(self, entry: Entry) -> None:
        log, author = entry.log, entry.author
        match entry.body:
            case AccountRegistered() if log == inbox_log(self._me):
                self._registered()
            case RoomCreated():
                self._roles[log] = {}
                self._muted.discard(log)
                self._set(log, author, Role.OWNER)
            case MemberJoined():
                self._joined(log, author)
            case MemberAdded(user=user) | MemberDemoted(user=user):
                self._set(log, user, Role.MEMBER)
            case MemberPromoted(user=user):
                self._set(log, user, Role.MODERATOR)
            case RoomTransferred(user=user):
                for name, role in list(self._roles.get(log, {}).items()):
                    if role is Role.OWNER:
                        self._set(log, name, Role.MODERATOR)
                self._set(log, user, Role.OWNER)
                if user == self._me:
                    self._mute(log, muted=False)
            case MemberMuted(user=user) | MemberBanned(user=user) if user == self._me and (
                isinstance(entry.body, MemberMuted) or log == _LOBBY_LOG
            ):
                self._mute(log, muted=True)
            case MemberUnmuted(user=user) | MemberUnbanned(user=user) if user == self._me:
                self._mute(log, muted=False)
            case body:
                self._ended(log, change_by(log, author, body))

    def _ended(self, log: str, change: Change | None) -> None:
        if change is not None and change.user == EVERYONE:
            self._roles.pop(log, None)
        elif change is not None and not change.joined:
            self._roles.get(log, {}).pop(change.user, None)

    def _joined(self, log: str, name: str) -> None:
        roles = self._roles.setdefault(log, {})
        roles.pop(name, None)
        # A room that everyone has left belongs to whoever comes first: then the list will say so.
        if Role.OWNER in roles.values():
            self._set(log, name, Role.MEMBER)

    def _set(self, log: str, name: str, role: Role) -> None:
        roles = self._roles.setdefault(log, {})
        roles.pop(name, None)
        if role in _LEADERS or name == self._me:
            roles[name] = role

    def _mute(self, log: str, *, muted: bool) -> None:
        (self._muted.add if muted else self._muted.discard)(log)

    # --- What may be done -----------------------------------------------------------------------

    def place(self, log: str) -> Place | None:
        """What the user is there; None while nobody has said."""
        if log in self._muted:
            return Place.MUTED
        if log == _LOBBY_LOG:
            return Place.MEMBER
        role = self._roles.get(log, {}).get(self._me)
        return None if role is None else PLACE_OF_ROLE[role]

    def may(self, kind: type[Message], log: str = "", *, conversation: bool = False) -> bool:
        """Whether the user may do it there; `conversation` is whether it is one of several."""
        if self.standing is None:
            return True
        place = self.place(log)
        permission = permission_of(kind, conversation=conversation)
        return permission.allows(self.standing, Place.OWNER if place is None else place)

    def may_do_to(self, name: str, kind: type[Message], log: str) -> bool:
        """The same of what is done to somebody in a room, who must be of a lower place there."""
        place = self.place(log)
        if self.standing is None or place is None:
            return True
        others = self._place_of(name, log)
        return self.may(kind, log) and outranks(kind, self.standing, place, others)

    def may_delete_of(self, author: str, log: str) -> bool:
        """The same of deleting what somebody else has said in a room."""
        place = self.place(log)
        if self.standing is None or place is None:
            return True
        if not keeps_order(self.standing, place):
            return False
        # A former owner of the user's name has no place there any more.
        return author == self._me or self.may_do_to(author, DeleteMessage, log)

    def may_call_all(self, author: str, log: str) -> bool:
        """Whether the server lets the author mention everyone at once, as far as is known here.

        That is not so of moderators of the cluster.
        """
        return keeps_order(Standing.GUEST, self._place_of(author, log))

    def leads(self, name: str, log: str) -> bool:
        """Whether they are a moderator there who does not own it."""
        return self._roles.get(log, {}).get(name) is Role.MODERATOR

    def _place_of(self, name: str, log: str) -> Place:
        role = self._roles.get(log, {}).get(name)
        return Place.OUTSIDER if role is None else PLACE_OF_ROLE[role]

    @property
    def owned(self) -> list[str]:
        """The logs of the rooms that are the user's own."""
        return [log for log, roles in self._roles.items() if roles.get(self._me) is Role.OWNER]
