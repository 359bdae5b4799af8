"""Who is here, as far as this client has been told: soft, and never more than that."""

from zchat.client.conversations.model import Conversation
from zchat.protocol import limits
from zchat.protocol.messages import MemberList, PresenceChanged, TypingSeen, UserList


class Presence:
    def __init__(self) -> None:
        self.online = 0
        """How many are here in all."""
        self.here: dict[str, str | None] = {}
        """Of each of whom it is known that they are here: a word if they are away, else None."""

    def changed(self, news: PresenceChanged) -> None:
        self.online = news.online
        for name in news.went:
            self.here.pop(name, None)
        self.here.update(dict.fromkeys(news.came))
        self.here.update(news.away)

    def users_listed(self, users: UserList) -> None:
        self.online = users.total
        self.here = {user.name: user.away for user in users.users}

    def members_listed(self, members: MemberList) -> None:
        for member in members.members:
            if member.online:
                self.here[member.name] = member.away
            else:
                self.here.pop(member.name, None)


def typing_seen(conversation: Conversation, news: TypingSeen, me: str, now: float) -> None:
    """Those who are not named any more are believed until their time is over."""
    conversation.typing = {
        name: until for name, until in conversation.typing.items() if until > now
    } | {name: now + limits.TYPING_S for name in news.users if name != me}
