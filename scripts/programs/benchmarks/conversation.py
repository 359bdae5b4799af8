"""A room or a pair under load: its members, and the rule of how much they say at a time."""

import asyncio
from collections import deque

from benchmarks.connection import Connection, Talker
from benchmarks.dialect import Dialect
from benchmarks.workloads import Workload

_POSTS_MAX = 1_000_000
"""Of one talker in one run, whatever the measurement lasts."""


class Conversation:
    """Its talkers post when `windows` allow; a message fills its place until everyone has it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, workload: Workload, dialect: Dialect
    ) -> None:
        self.members: list[Connection] = []
        self.speakers: list[Connection] = []
        self.posted = 0
        self.delivered = 0
        """Messages that have come in at the members, all together."""
        self.copies = workload.members if dialect.echoes else workload.members - 1
        """Deliveries that one message makes."""
        self._echoes = dialect.echoes
        self._unconfirmed: deque[Talker] | None = None if dialect.acknowledges else deque()
        """Who has said the messages that are on their way, where no server confirms any."""
        self._loop = loop
        self._window = workload.window
        self._posts_left = 0
        self._next = 0
        self._scheduled = False

    def add_speaker(self, member: Connection, talker: Talker) -> None:
        member.talker = talker
        self.speakers.append(member)

    @property
    def talkers(self) -> list[Talker]:
        return [speaker.talker for speaker in self.speakers if speaker.talker is not None]

    @property
    def complete(self) -> bool:
        """Whether all is said, and has come to everyone."""
        return (
            self._posts_left <= 0
            and self.delivered >= self.posted * self.copies
            and all(talker.acknowledged >= talker.posted for talker in self.talkers)
        )

    def expected_at(self, member: Connection) -> int:
        """Messages that `member` must have got by the end."""
        own = member.talker.posted if member.talker is not None else 0
        return self.posted if self._echoes else self.posted - own

    def talk(self, posts_max: int | None = None) -> None:
        """Lets the talkers post, up to `posts_max` messages or until `hush`."""
        self._posts_left = len(self.speakers) * _POSTS_MAX if posts_max is None else posts_max
        self.heard()

    def hush(self) -> None:
        self._posts_left = 0

    def heard(self) -> None:
        """Something has come in. What that allows is posted after all that this turn brings."""
        if (self._posts_left > 0 or self._unconfirmed) and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._post)

    def _post(self) -> None:
        self._scheduled = False
        speakers = self.speakers
        on_their_way = self.posted - self.delivered // self.copies
        if self._unconfirmed is not None:
            # What counts as confirmed is that it came to everyone: first the oldest.
            while len(self._unconfirmed) > on_their_way:
                self._unconfirmed.popleft().acknowledged += 1
        free = min(self._posts_left, self._window * len(speakers) - on_their_way)
        for _ in speakers:
            if free <= 0:
                break
            # Everyone is first in turn, or some would have the others' places, too.
            speaker = speakers[self._next % len(speakers)]
            self._next += 1
            free -= self.say(speaker, free)

    def say(self, speaker: Connection, posts_max: int) -> int:
        """Posts as much as the speaker's own window allows; returns how much that was."""
        talker = speaker.talker
        assert talker is not None
        count = min(posts_max, self._window - (talker.posted - talker.acknowledged))
        if count > 0:
            speaker.write(talker.take(count))
            if self._unconfirmed is not None:
                self._unconfirmed.extend([talker] * count)
            self.posted += count
            self._posts_left -= count
        return max(count, 0)
