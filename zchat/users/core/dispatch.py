"""The rules of users: who is let in, and which part of this package does what they ask for."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, assert_never

from zchat.eventlog.core.idempotency import Answer, FirstAnswers, Key
from zchat.eventlog.core.timeline import Timeline
from zchat.fabric.core.topics import PRESENCE_TOPIC
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    AnnounceSessions,
    CloseSession,
    OpenSession,
    ReportActivity,
    TellInvited,
    UsersCommand,
)
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AddReaction,
    BanUsers,
    BlockUser,
    ChangePassword,
    CreateAppToken,
    CreateInvitation,
    DeleteAccount,
    DeleteMessage,
    DisableTotp,
    DisconnectUser,
    EditMessage,
    EnableTotp,
    KickUsers,
    LogOutEverywhere,
    MarkRead,
    Register,
    RemoveReaction,
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    SayTyping,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    StartConversation,
    SuspendUser,
    UnbanUsers,
    UnblockUser,
    inbox_log,
)
from zchat.protocol.operators import (
    ChangeSetting,
    EraseAccount,
    ForgetName,
    ImportEntries,
    RedactMessages,
    RemoveAccount,
    ReplaceName,
    ResetPassword,
    ResetTotp,
    SetRetention,
)
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.service.core import operators
from zchat.service.core.beat import Job
from zchat.service.core.effects import Sender
from zchat.users.core.arrivals import Arrivals
from zchat.users.core.conversations import Conversations
from zchat.users.core.credentials import Credentials, LoginLimits
from zchat.users.core.devices import Devices
from zchat.users.core.directory import Directory
from zchat.users.core.endings import Endings
from zchat.users.core.model import User
from zchat.users.core.moderation import Moderation
from zchat.users.core.operators import Operators
from zchat.users.core.policy import ChangeablePolicy, Invitations, Policy
from zchat.users.core.private_messages import Inboxes, PrivateMessages


class UserCore:
    def __init__(
        self,
        timeline: Timeline,
        floors: Mapping[str, int],
        room_addresses: Collection[str],
        policy: Policy,
        check_setting: Callable[[str, str], object],
        now: float,
        at_ms: int,
    ) -> None:
        """`floors` tells at any time up to where entries of a log are gone."""
        self.timeline = timeline
        self.directory = Directory(timeline, now, at_ms)
        self.effects = self.directory.effects
        self.answers = FirstAnswers()
        self.log_heads: dict[str, int] = {}
        self.cluster = ""
        """By what clients know the cluster again."""
        self.users = self.directory.users
        self.presence = self.directory.presence
        self.sessions = self.directory.sessions
        self.devices = Devices(self.directory)
        self.settings = ChangeablePolicy(self.effects, policy, check_setting)
        policy = self.settings.policy
        self.invitations = Invitations(self.directory, policy)
        self.inboxes = Inboxes(self.directory)
        self.messages = PrivateMessages(self.directory, keeps_edits=policy.keeps_edits)
        self.conversations = Conversations(self.directory, room_addresses)
        self.credentials = Credentials(
            self.directory, self.invitations, self.inboxes, self.conversations, LoginLimits()
        )
        self.moderation = Moderation(self.directory)
        # The beat puts another dict into `log_heads` each time, so those who need it ask for it.
        self.endings = Endings(
            self.directory,
            self.devices,
            self.conversations,
            room_addresses,
            self._objection,
            lambda: self.log_heads,
        )
        self.operators = Operators(
            self.directory,
            self.credentials,
            self.inboxes,
            self.conversations,
            self.endings,
            lambda: self.log_heads,
        )
        self.arrivals = Arrivals(
            self.directory,
            self.devices,
            self.invitations,
            self.credentials,
            policy,
            self.endings.lose,
            lambda name: self.log_heads[inbox_log(name)],
            lambda: self.cluster,
            floors,
        )

    def give(self, policy: Policy, at_ms: int) -> None:
        """This process was given another policy."""
        self.settings.give(policy)
        self.endings.put_out_denied(at_ms)

    # --- Loading ----------------------------------------------------------------------------------

    def add_user(self, user: User, now: float) -> None:
        """A user from the store. Guests have until the end of their grace to come back."""
        self.directory.add(user)
        if user.vanishes:
            self.sessions.expect(user, now)

    def take_over(self, former: "UserCore", now: float) -> None:
        self.directory.take_over(former.directory)
        self.sessions.take_over(former.sessions, now)
        self.credentials.take_over(former.credentials)

    # --- Commands ---------------------------------------------------------------------------------

    def logs_of(self, command: UsersCommand) -> Collection[str]:
        match command:
            case OpenSession(name=name) if (name := _canonical_or_given(name)) not in self.users:
                # The inbox of a new guest goes on after that of an earlier one of its name.
                return [inbox_log(name)]
            case ImportEntries(log=log):
                return [log]
            case RedactMessages(log=log) if log not in self.timeline.heads:
                return [log]
            case _:
                return ()

    def key_of(self, user: str, command: UsersCommand) -> Key | None:
        match command:
            case SendPrivate(nonce=nonce):  # Most of all, so that it stands first.
                return Key(user or SYSTEM_AUTHOR, nonce)
            case ImportEntries():
                return operators.key_of_import(command)
            case OpenSession() | CloseSession() | AnnounceSessions() | ReportActivity():
                return None
            case MarkRead() | SetNotify() | SayTyping() | SetAway():
                return None
            case SetRetention() | ChangeSetting():
                return None  # Like those above they say what is from now on: again is no harm.
            case Register() | ChangePassword() | DeleteAccount() | EnableTotp() | DisableTotp():
                # Done only when its password is hashed, and by then newer ones may have been.
                return Key(user, command.nonce, rising=False)
            case TellInvited(nonce=nonce, author=author):
                return Key(author, nonce, rising=False)
            case _:
                return Key(user or SYSTEM_AUTHOR, command.nonce)

    def handle(
        self, sender: Sender, command: UsersCommand, now: float, at_ms: int
    ) -> Answer | None:
        self.directory.authorise(sender.user, sender.standing, command)
        heads = self.timeline.heads
        match command:
            case SendPrivate():
                return self.messages.send(sender, command, at_ms)
            case EditMessage() | DeleteMessage() | AddReaction() | RemoveReaction():
                return self.messages.amend(sender, command, at_ms)
            case MarkRead() | SetNotify() | SayTyping():
                return self.conversations.note(sender, command, at_ms)
            case StartConversation():
                return self.conversations.start(sender, command, now)
            case SetRetention():
                return operators.set_retention(sender, command, self.effects, heads, at_ms)
            case ChangeSetting():
                done = self.settings.change(sender, command, at_ms)
                self.endings.put_out_denied(at_ms)
                return done
            case ImportEntries():
                return self.operators.import_entries(sender, command, at_ms)
            case RedactMessages():
                act = partial(self.messages.redact, sender, command, at_ms)
                return operators.redact(sender, command.log, heads, self.log_heads, act)
            case EraseAccount() | ReplaceName() | ForgetName():
                return self.operators.erase(sender, command, now, at_ms)
            case TellInvited():
                return self.inboxes.tell_invited(command, at_ms)
            case ReportMessage():
                return self.inboxes.report(sender, command, now, at_ms)
            case BlockUser():
                return self.inboxes.block(sender, command)
            case UnblockUser():
                return self.inboxes.unblock(sender, command)
            case OpenSession() | CloseSession() | AnnounceSessions() | ReportActivity() | SetAway():
                return self._handle_session(sender, command, now, at_ms)
            case Register():
                self.credentials.register(sender, command, at_ms)
            case ChangePassword() | DeleteAccount() | EnableTotp() | DisableTotp():
                self.credentials.begin(sender, command, now, at_ms)
            case RevokeDevice():
                return self.devices.revoke(sender, command, at_ms)
            case LogOutEverywhere():
                return self.devices.log_out_everywhere(sender, command, at_ms)
            case CreateAppToken():
                return self.devices.create_app_token(sender, command, at_ms)
            case CreateInvitation():
                return self.invitations.create(sender, command, at_ms)
            case RevokeInvitation():
                return self.invitations.revoke(sender, command, at_ms)
            case SetStanding() | DisconnectUser() | SuspendUser() | RestoreUser():
                return self.moderation.handle(sender, command, at_ms)
            case ResetPassword() | ResetTotp() | RemoveAccount():
                return self.operators.handle_account(sender, command, now, at_ms)
            case BanUsers() | UnbanUsers() | KickUsers():
                return self.moderation.handle(sender, command, at_ms)
            case _:
                assert_never(command)
        return None

    def _handle_session(
        self,
        sender: Sender,
        command: OpenSession | CloseSession | AnnounceSessions | ReportActivity | SetAway,
        now: float,
        at_ms: int,
    ) -> Answer | None:
        asker = sender.reply_to.asker
        match command:
            case OpenSession():
                self.arrivals.open_session(sender, command, now, at_ms)
                return None
            case CloseSession(quit=True):
                self.endings.quit((asker, sender.session))
            case CloseSession():
                self.endings.lose((asker, sender.session), now, at_ms)
            case AnnounceSessions(sessions=here):
                objection = partial(self.arrivals.objection, at_ms=at_ms)
                for key, why in self.sessions.announce(asker, here, now, objection):
                    self.directory.say_ended(key, why)
            case ReportActivity():
                self.sessions.was_active(asker, command.active_ms)
            case SetAway(away=away):
                self.directory.acting(sender.user)
                self.sessions.say_away((asker, sender.session), away, at_ms)
            case _:
                assert_never(command)
        return Answer(None, 0)

    # --- What happens without a command -----------------------------------------------------------

    def _objection(self, user: User, address: str, at_ms: int) -> Answer | None:
        # Endings and arrivals ask each other, so that one of them has to be asked by name.
        return self.arrivals.objection(user, address, at_ms)

    def settled(self, key: str, now: float, at_ms: int) -> None:
        if name := self.endings.settled(key):
            self.arrivals.name_is_free(name, now, at_ms)

    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None:
        self.sessions.lose_all(asker, now)
        self.credentials.asker_lost(asker)
        self.arrivals.asker_lost(asker)

    def tick(self, now: float, at_ms: int) -> None:
        for gone in self.sessions.expire(now):
            self.endings.end(gone)
        self.directory.bans.expire(at_ms)
        self.directory.sightings.tick(at_ms)
        if delta := self.presence.take_delta(now):
            self.effects.broadcasts.append((PRESENCE_TOPIC, encode(delta)))

    def heartbeats(self) -> list[tuple[bytes, bytes]]:
        newest = self.presence.newest_number()
        return [(PRESENCE_TOPIC, encode(newest))] if newest else []

    # --- Passwords --------------------------------------------------------------------------------

    def job_ended(self, job: Job) -> bool:
        return self.credentials.job_ended(job)

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> Answer | None:
        command: Any = job.command
        right = outcome is True
        match command:
            case OpenSession(register=False) if isinstance(outcome, str):
                self.arrivals.reset(job, outcome, now, at_ms)
                return None
            case OpenSession() if isinstance(outcome, str):
                self.arrivals.make_account(job, outcome, now, at_ms)
                return None
            case OpenSession():
                self.arrivals.checked(job, right, now, at_ms)
                return None
            case ChangePassword():
                return self.credentials.change_password(job, outcome, at_ms)
            case DeleteAccount():
                return self.credentials.delete_account(job, right, now)
            case EnableTotp():
                return self.credentials.enable_totp(job, right, at_ms)
            case DisableTotp():
                return self.credentials.disable_totp(job, right, at_ms)
            case _:
                return self.credentials.registered(job.sender, command, str(outcome), at_ms)


def _canonical_or_given(name: str) -> str:
    try:
        return canonical_name(name)
    except InvalidName:
        return name
