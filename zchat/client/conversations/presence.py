"""Who is here, as far as this client has been told: soft, and never more than that."""

from typing import Final

from zchat.client.conversations.model import Conversation
from zchat.protocol import limits
from zchat.protocol.messages import Entry, MemberList, PresenceChanged, TypingSeen, UserList

OLD_NEWS_S: Final = 2.0
SPEAKERS_MAX: Final = 1_000


class Presence:
    def __init__(self) -> None:
        self.online = 0
        """How many are here in all."""
        self.here: dict[str, str | None] = {}
        """Of each of whom it is known that they are here: a word if they are away, else None."""
        self._spoke: dict[tuple[str, str], float] = {}
        """When somebody's last entry came, by log and name; of conversations all count as one."""

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

    def spoke(self, entry: Entry, now: float) -> None:
        if len(self._spoke) >= SPEAKERS_MAX:
            self._spoke.clear()
        self._spoke[_place(entry.log), entry.author] = now

    def typing_seen(
        self, conversation: Conversation, news: TypingSeen, me: str, now: float
    ) -> None:
        """Those who are not named any more are believed until their time is over.

        The news is collected, and may be of what has come meanwhile: then it is old.
        """
        place = _place(news.log)
        typing = {name: until for name, until in conversation.typing.items() if until > now}
        for name in news.users:
            if name != me and now - self._spoke.get((place, name), -OLD_NEWS_S) >= OLD_NEWS_S:
                typing[name] = now + limits.TYPING_S
        conversation.typing = typing


def _place(log: str) -> str:
    return log if log[0] == "#" else ""
