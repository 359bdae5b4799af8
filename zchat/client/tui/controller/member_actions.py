"""What the user does with the selected member: talk, mention, kick, ban, promote."""

from zchat.client.model.conversation import Conversation
from zchat.client.tui.controller.composing import Composing
from zchat.client.tui.controller.controller import Controller
from zchat.client.tui.controller.navigation import Navigation
from zchat.client.tui.controller.screen import Screen
from zchat.client.tui.view.cells import drawable_line
from zchat.protocol.messages import (
    BanMember,
    DemoteMember,
    KickMember,
    MemberCommand,
    MemberInfo,
    PromoteMember,
    Role,
)


class MemberActions:
    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        composing: Composing,
        navigation: Navigation,
    ) -> None:
        self._screen = screen
        self._controller = controller
        self._composing = composing
        self._navigation = navigation

    def do(self, what: str, name: str) -> None:
        """`what` as the bindings of the list of members say it; `name` is empty for nobody."""
        conversation = self._navigation.conversation
        if conversation is None:
            return
        if what == "write" or not name:
            self._composing.go_on()
        elif what == "talk":
            self._navigation.open_to_write(f"@{name}")
        elif what == "mention":
            self._composing.go_on(f"@{name} ")
        elif what == "info":
            self._screen.note([self._about(name, conversation)])
        else:
            self._moderate(what, name, conversation)

    def _member(self, name: str, conversation: Conversation) -> MemberInfo | None:
        listed = self._controller.members.get(conversation.key)
        known = listed.members if listed is not None else ()
        return next((each for each in known if each.name == name), None)

    def _about(self, name: str, conversation: Conversation) -> str:
        member, here = self._member(name, conversation), self._controller.book.presence.here
        about = [drawable_line(name)]
        if member is not None and member.role != Role.MEMBER:
            about.append("muted" if member.role == Role.MUTED else f"{member.role} here")
        if name not in here:
            about.append("offline")
        else:
            word = here[name]
            away = f"away: {drawable_line(word)}" if word else "away"
            about.append("online" if word is None else away)
        return " · ".join(about)

    def _moderate(self, what: str, name: str, conversation: Conversation) -> None:
        room = conversation.key[1:]
        if conversation.key[0] != "#":
            self._screen.note(["! that can be done in rooms only"])
            return
        rights, whom = self._controller.book.rights, drawable_line(name)
        kind: type[MemberCommand]
        match what:
            case "kick":
                kind = KickMember
                question, yes = f"Kick {whom} out of #{room}?", "kicks them out"
            case "ban":
                kind = BanMember
                question = f"Ban {whom} from #{room}, until somebody unbans them?"
                yes = "bans them"
            case _ if rights.leads(name, conversation.key):
                kind = DemoteMember
                question, yes = f"Demote {whom} from moderator of #{room}?", "demotes them"
            case _:
                kind = PromoteMember
                question, yes = f"Make {whom} a moderator of #{room}?", "makes them one"
        if not rights.may_do_to(name, kind, conversation.key):
            self._screen.note([f"! you may not do that to {whom} here"])
        else:
            request = kind(room=room, user=name)
            self._screen.ask(question, yes, lambda: self._controller.try_to(lambda: request))
