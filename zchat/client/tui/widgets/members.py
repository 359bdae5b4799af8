"""Who is in the conversation, as a list to move in, and what can be done to whom."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from zchat.client.model.conversation import Conversation
from zchat.client.sdk import room_drafts
from zchat.client.sdk.drafts import Request
from zchat.client.tui.view.cells import drawable_line
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.listing import OPEN
from zchat.client.tui.widgets.lines import Lines
from zchat.protocol.messages import (
    BanMember,
    DemoteMember,
    InRoomCommand,
    KickMember,
    MemberInfo,
    PromoteMember,
    Role,
    Standing,
)
from zchat.protocol.rules.permissions import PERMISSIONS, PLACE_OF_ROLE, STANDINGS, Place

if TYPE_CHECKING:
    from zchat.client.tui.app import ScreenClient

PERSON: Final = f"{OPEN}@"


class Members(Lines, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "Next of them", show=False, id="member-below"),
        Binding("k,up", "step(-1)", "The one before", show=False, id="member-above"),
        Binding("g,home", "step(-10_000)", "The first", show=False, id="first-member"),
        Binding("G,end", "step(10_000)", "The last", show=False, id="last-member"),
        Binding("enter", "say('talk')", "Talk in private", id="talk"),
        Binding("m", "say('mention')", "Mention", id="mention"),
        Binding("i", "say('info')", "Who that is", id="member-info"),
        Binding("x", "say('kick')", "Kick out", id="kick"),
        Binding("b", "say('ban')", "Ban", id="ban"),
        Binding("plus", "say('promote')", "Make a moderator, or no more", id="promote"),
        Binding("escape,tab", "say('write')", "Back to writing", id="leave-members"),
    ]

    def __init__(self, ask: Callable[[str, str], None]) -> None:
        """`ask` wants something done to somebody, or to nobody if there is none; at once."""
        super().__init__(id="members", panel=True)
        self._ask = ask
        self._chosen = ""

    @property
    def _people(self) -> list[str]:
        """By line; empty where nobody is."""
        targets = (line[0].target if line else "" for line in self.shown)
        return [target.removeprefix(PERSON) for target in targets]

    def show(self, lines: Sequence[Line], highlighted: int = -1) -> None:
        """Whoever is chosen stays it, wherever they stand now."""
        super().show(lines, highlighted)
        self._show_choice()

    def _show_choice(self) -> None:
        people = self._people
        if self.has_focus and (not self._chosen or self._chosen not in people):
            self._chosen = next(filter(None, people), "")
        chosen = self.has_focus and self._chosen
        super().show(self.shown, people.index(self._chosen) if chosen else -1)

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._show_choice()

    def action_step(self, by: int) -> None:
        people = [name for name in self._people if name]
        if self._chosen in people:
            at = people.index(self._chosen) + by
            self._chosen = people[max(0, min(len(people) - 1, at))]
        self._show_choice()

    def action_say(self, what: str) -> None:
        self._ask(what, self._chosen)


class MemberActs:
    """Does it, and says who may not."""

    def __init__(self, app: "ScreenClient") -> None:
        self._app = app
        self.standing: str = Standing.ACCOUNT
        """The user's own in the cluster."""

    def do(self, what: str, name: str, conversation: Conversation) -> None:
        app = self._app
        if what == "write" or not name:
            app.focus_on(app.composer)
        elif what == "talk":
            app.open_to_write(f"@{name}")
        elif what == "mention":
            app.focus_on(app.composer)
            app.composer.insert(f"@{name} ")
        elif what == "info":
            app.note([self._about(name, conversation)])
        else:
            self._keep_order(what, name, conversation)

    def _member(self, name: str, conversation: Conversation) -> MemberInfo | None:
        listed = self._app.desk.members.get(conversation.key)
        known = listed.members if listed is not None else ()
        return next((each for each in known if each.name == name), None)

    def _about(self, name: str, conversation: Conversation) -> str:
        member, here = self._member(name, conversation), self._app.book.presence.here
        about = [drawable_line(name)]
        if member is not None and member.role != Role.MEMBER:
            about.append("muted" if member.role == Role.MUTED else f"{member.role} here")
        if name not in here:
            about.append("not here now")
        else:
            word = here[name]
            away = f"away: {drawable_line(word)}" if word else "away"
            about.append("here" if word is None else away)
        return " · ".join(about)

    def _keep_order(self, what: str, name: str, conversation: Conversation) -> None:
        room = conversation.key[1:]
        if conversation.key[0] != "#":
            self._app.note(["! that can be done in rooms only"])
            return
        member, whom = self._member(name, conversation), drawable_line(name)
        leads = member is not None and member.role == Role.MODERATOR
        kind: type[InRoomCommand]
        make: Callable[[], Request]
        match what:
            case "kick":
                kind, make = KickMember, partial(room_drafts.kick, room, name)
                question, yes = f"Put {whom} out of #{room}?", "puts them out"
            case "ban":
                kind, make = BanMember, partial(room_drafts.ban, room, name)
                question = f"Put {whom} out of #{room}, and keep them out until unbanned?"
                yes = "bans them"
            case _ if leads:
                kind, make = DemoteMember, partial(room_drafts.demote, room, name)
                question, yes = f"Is {whom} no moderator of #{room} any more?", "takes it away"
            case _:
                kind, make = PromoteMember, partial(room_drafts.promote, room, name)
                question, yes = f"Make {whom} a moderator of #{room}?", "makes them one"
        own = self._member(self._app.book.me, conversation)
        if not may(kind, self.standing, own, member):
            self._app.note([f"! you may not do that to {whom} here"])
        else:
            self._app.ask(question, yes, partial(self._app.desk.try_to, make))


def may(
    kind: type[InRoomCommand], standing: str, own: MemberInfo | None, other: MemberInfo | None
) -> bool:
    """By the table that the server goes by. It has the last word of what is not known here."""
    standings = [each for each in STANDINGS if each == standing]
    place, others = _place(own), _place(other)
    if not standings or place is None:
        return True
    permission = PERMISSIONS[kind]
    if permission.anywhere is not None and permission.allows(standings[0], None):
        return True
    return permission.allows(standings[0], place) and (others is None or place > others)


def _place(member: MemberInfo | None) -> Place | None:
    roles = [role for role in Role if member is not None and role == member.role]
    return PLACE_OF_ROLE[roles[0]] if roles else None
