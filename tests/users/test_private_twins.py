"""Whatever two say, change, take back and react to: both read the same conversation."""

from itertools import combinations, permutations
from typing import Any, NamedTuple

from committed import contradictions
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from zchat.protocol.messages import (
    Done,
    Entry,
    MessageDeleted,
    MessageEdited,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    UnblockUser,
)
from zchat.users.core.policy import Policy

from .playbook import PASSWORD, Users

NAMES = ("ann", "bob", "carl")
USERS = st.sampled_from(NAMES)
EMOJI = st.sampled_from(["👍", "+1"])
BACK = st.integers(0, 6)
"""How far before the newest entry of an inbox; not always is that a message."""


class Shown(NamedTuple):
    """A message as one of the two reads it; `reply_to` is of that one's inbox."""

    author: str
    text: str
    reply_to: int
    edited: bool
    reactions: dict[str, list[str]]


def folded(entries: list[Entry], other: str) -> dict[int, Shown]:
    """The messages of the conversation by sequence, as they have become."""
    shown: dict[int, Shown] = {}
    for entry in entries:
        body = entry.body
        match body:
            case PrivateMessageSent() if other in (entry.author, body.to):
                edited, reactions = entry.edited > 0, entry.reactions
                shown[entry.sequence] = Shown(
                    entry.author, body.text, body.reply_to, edited, reactions
                )
            case Redacted():
                shown[entry.sequence] = Shown(body.by, "", 0, False, {})
            case _:
                pass
    return shown


class Talk(RuleBasedStateMachine):
    """Three accounts, some of whom block others for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.users = Users(Policy(edits="keep"))
        for n, name in enumerate(NAMES, start=1):
            self.users.account(name, n=n)
            self.users.come(name, n=n, password=PASSWORD)
        self.sent: dict[tuple[str, int], tuple[str, int]] = {}
        """By user and sequence, both ways: the places of the same message."""

    def teardown(self) -> None:
        assert contradictions(self.users.store) == []
        self.users.close()

    def place(self, user: str, back: int) -> int:
        return max(1, self.users.core.timeline.heads[f"@{user}"] - back)

    @initialize()
    def they_have_talked_before(self) -> None:
        for author, to in permutations(NAMES, 2):
            self.send(author, to)

    @rule(author=USERS, to=USERS)
    def send(self, author: str, to: str, reply_to: int = 0) -> None:
        theirs = self.users.core.timeline.heads[f"@{to}"] + 1
        done = self.users.send(author, to, "hello", reply_to)
        if isinstance(done, Done) and author != to:
            self.sent[author, done.sequence] = (to, theirs)
            self.sent[to, theirs] = (author, done.sequence)

    @rule(author=USERS, to=USERS, back=BACK)
    def reply(self, author: str, to: str, back: int) -> None:
        self.send(author, to, self.place(author, back))

    @rule(user=USERS, back=BACK, text=st.sampled_from(["hello!", "well"]))
    def edit(self, user: str, back: int, text: str) -> None:
        self.users.edit(user, self.place(user, back), text)

    @rule(user=USERS, back=BACK)
    def delete(self, user: str, back: int) -> None:
        self.users.delete(user, self.place(user, back))

    @rule(user=USERS, back=BACK, emoji=EMOJI, adding=st.booleans())
    def react(self, user: str, back: int, emoji: str, adding: bool) -> None:
        act: Any = self.users.react if adding else self.users.unreact
        act(user, self.place(user, back), emoji)

    @rule(user=USERS, other=USERS, blocking=st.booleans())
    def block(self, user: str, other: str, blocking: bool) -> None:
        if blocking:
            self.users.block(user, other)
        else:
            self.users.do(UnblockUser(id=1, nonce=self.users.nonce(), user=other), user)

    @rule()
    def restart(self) -> None:
        self.users.restart()

    @invariant()
    def twins_name_each_other(self) -> None:
        entries = {(name, e.sequence): e for name in NAMES for e in self.users.entries(name)}
        for place, twin in self.sent.items():
            body = entries[place].body
            assert isinstance(body, PrivateMessageSent | Redacted)
            if isinstance(body, PrivateMessageSent):
                assert body.twin == twin[1]
            assert type(entries[twin].body) is type(body)

    @invariant()
    def both_read_the_same(self) -> None:
        inboxes = {name: self.users.entries(name) for name in NAMES}
        for one, other in combinations(NAMES, 2):
            ours, theirs = folded(inboxes[one], other), folded(inboxes[other], one)
            places = {
                mine: twin[1]
                for (name, mine), twin in self.sent.items()
                if (name, twin[0]) == (one, other)
            }
            for mine, twin_sequence in places.items():
                shown, twin_shown = ours[mine], theirs[twin_sequence]
                reply = places[shown.reply_to] if shown.reply_to else 0
                assert shown._replace(reply_to=reply) == twin_shown

    @invariant()
    def what_the_entries_tell_is_what_the_messages_have_become(self) -> None:
        for name in NAMES:
            entries = self.users.entries(name)
            messages = {entry.sequence: entry for entry in entries}
            told: dict[int, dict[str, list[str]]] = {}
            for entry in entries:
                match entry.body:
                    case MessageEdited(sequence=sequence, text=text):
                        newest = messages[sequence].edited == entry.sequence
                        assert bool(text) == newest
                        if newest:
                            assert getattr(messages[sequence].body, "text", None) == text
                    case MessageDeleted(sequence=sequence):
                        gone = messages[sequence].body
                        assert isinstance(gone, Redacted)
                        assert gone.by == entry.author
                        assert name in {entry.author, gone.to}
                    case ReactionAdded(sequence=sequence, emoji=emoji):
                        told.setdefault(sequence, {}).setdefault(emoji, []).append(entry.author)
                    case ReactionRemoved(sequence=sequence, emoji=emoji):
                        told[sequence][emoji].remove(entry.author)
                    case _:
                        pass
            for sequence, entry in messages.items():
                if isinstance(entry.body, PrivateMessageSent):
                    left = {e: names for e, names in told.get(sequence, {}).items() if names}
                    assert entry.reactions == left


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=60, stateful_step_count=40)
