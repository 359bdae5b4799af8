"""What keeps a room in order: kicks, bans, mutes, slow mode, and what is reported."""

import math
from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.messages import (
    BanMember,
    EntryBody,
    KickMember,
    MemberBanned,
    MemberKicked,
    MemberMuted,
    MemberUnbanned,
    MemberUnmuted,
    MuteMember,
    Posting,
    RefusalCode,
    ReportMessage,
    UnbanMember,
    UnmuteMember,
    room_log,
)
from zchat.protocol.rules.names import canonical_name, printable
from zchat.protocol.rules.permissions import Place
from zchat.rooms.core.membership import Membership
from zchat.rooms.core.model import Ban, Room
from zchat.rooms.core.permission import check_target, rank_of
from zchat.rooms.core.state import RoomState
from zchat.service.core import refusals
from zchat.service.core.effects import Refusal, Sender

ModerationCommand = KickMember | BanMember | UnbanMember | MuteMember | UnmuteMember


class Moderation:
    def __init__(self, state: RoomState, membership: Membership) -> None:
        self._state = state
        self._membership = membership
        self._reports = refusals.of_reports()

    def handle(self, sender: Sender, room: Room, command: ModerationCommand, at_ms: int) -> Answer:
        user = canonical_name(command.user)
        of_members = isinstance(command, KickMember | MuteMember) and not room.lobby
        if of_members and user not in room.members:
            raise not_in(room, user)
        check_target(type(command), sender.standing, sender.user, room, user)
        match command:
            case KickMember():
                if room.lobby:
                    reason = "everyone is in the lobby, always; a ban keeps one from speaking there"
                    raise Refusal(RefusalCode.NOT_ALLOWED, reason)
                body: EntryBody = MemberKicked(user, printable(command.reason))
                nonce = command.nonce
                return self._membership.end(room, user, sender.user, body, at_ms, nonce)
            case BanMember():
                return self._ban(sender, room, user, command, at_ms)
            case UnbanMember():
                if room.ban_of(user, at_ms) is None:
                    reason = f"{user} is not banned from {room.name}"
                    raise Refusal(RefusalCode.UNKNOWN_USER, reason)
                self._state.drop_ban(room, user)
                body = MemberUnbanned(user)
            case MuteMember():
                if user in room.muted:
                    return Answer(room_log(room.name), 0)
                self._state.mute(room, user)
                # Slow mode need not hold back whoever cannot speak at all.
                room.posted_at.pop(user, None)
                body = MemberMuted(user, printable(command.reason))
            case UnmuteMember():
                if user not in room.muted:
                    reason = f"{user} is not muted in {room.name}"
                    raise Refusal(RefusalCode.UNKNOWN_USER, reason)
                self._state.unmute(room, user)
                body = MemberUnmuted(user)
            case _:
                assert_never(command)
        return self._state.append(room.name, sender.user, body, at_ms, command.nonce)

    def _ban(self, sender: Sender, room: Room, user: str, command: BanMember, at_ms: int) -> Answer:
        until_ms, reason = command.until_ms, printable(command.reason)
        if until_ms is not None and until_ms <= at_ms:
            raise Refusal(RefusalCode.NOT_ALLOWED, "a ban must end later than now")
        self._state.set_ban(room, user, Ban(reason, sender.actor, until_ms), at_ms)
        self._state.drop_invitation(room, user)
        body = MemberBanned(user, reason, until_ms)
        if user in room.members and not room.lobby:
            nonce = command.nonce
            return self._membership.end(room, user, sender.user, body, at_ms, nonce)
        return self._state.append(room.name, sender.user, body, at_ms, command.nonce)

    # --- Speaking ---------------------------------------------------------------------------------

    def check_post(self, room: Room, user: str, now: float) -> None:
        """Raises `Refusal` if a member may not speak at all here, or not yet."""
        if not room.slow_mode_s and room.posting is Posting.MEMBERS:
            return
        self.check_speaking(room, user)
        if rank_of(room, user) >= Place.MODERATOR:
            return
        wait_s = room.posted_at.get(user, now - room.slow_mode_s) + room.slow_mode_s - now
        if wait_s > 0:
            raise Refusal(
                RefusalCode.TOO_FAST,
                f"{room.name} is in slow mode: one message in {room.slow_mode_s} s; "
                f"{math.ceil(wait_s)} s to go",
                wait_s,
            )

    def check_speaking(self, room: Room, user: str) -> None:
        """Raises `Refusal` if a member may not speak at all here."""
        if room.posting is Posting.MODERATORS and rank_of(room, user) < Place.MODERATOR:
            reason = f"in {room.name} only moderators speak"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    def posted(self, room: Room, user: str, now: float) -> None:
        """No more is remembered than there are members, and only while it is needed."""
        if room.slow_mode_s and not room.lobby:
            room.posted_at[user] = now

    # --- Reports ----------------------------------------------------------------------------------

    def report(
        self, sender: Sender, room: Room, command: ReportMessage, now: float, at_ms: int
    ) -> Answer:
        """Goes to the audit, where those look who can do something about it."""
        if not room.floor < command.sequence <= self._state.head(room):
            reason = f"there is no entry {command.sequence} in {room.name}"
            raise Refusal(RefusalCode.UNKNOWN_ENTRY, reason)
        self._reports.take(sender.user, now)
        subject = f"{room_log(room.name)} {command.sequence}"
        reason = printable(command.reason)
        self._state.audit(sender, command, room, at_ms, subject, reason)
        return Answer(room_log(room.name), 0)


def not_in(room: Room, user: str) -> Refusal:
    return Refusal(RefusalCode.UNKNOWN_USER, f"{user} is not in {room.name}")
