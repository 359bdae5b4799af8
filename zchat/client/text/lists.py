"""Answers that are lists, as tables for a person."""

from collections.abc import Iterator

from zchat.client.text.entries import settings
from zchat.client.text.style import BOLD, Style, duration
from zchat.protocol.messages import (
    AuditList,
    BanList,
    BlockedList,
    ConversationList,
    DeviceList,
    EditList,
    MemberList,
    Posting,
    Role,
    RoomInfo,
    RoomList,
    UserBanList,
    UserList,
)
from zchat.protocol.rules.names import printable, safe_text


def rooms(style: Style, answer: RoomList) -> list[str]:
    rows = [
        (
            f"{'*' if info.joined else ' '} #{printable(info.room)}",
            "everyone" if info.members is None else f"{info.members:,}",
            _unread(info.unread, info.mentions),
            " ".join(_facts_and_topic(info)),
        )
        for info in answer.rooms
    ]
    lines = style.table(("  room", "members", "unread", "topic"), rows)
    return [*lines, *_cut(len(rows), answer.total, "room"), "* you are in these"]


def topics(answer: RoomList) -> list[str]:
    return [
        f"#{printable(info.room)}: {printable(info.topic) or '(no topic)'}" for info in answer.rooms
    ]


def modes(answer: RoomList) -> list[str]:
    return [f"#{printable(info.room)}: {settings(info)}" for info in answer.rooms]


def ping(target: str, seconds: float) -> str:
    return f"{target:<13}{seconds * 1000:9.1f} ms"


def _facts_and_topic(info: RoomInfo) -> Iterator[str]:
    """What one should know before one joins it; `:mode` shows all."""
    facts = [
        fact
        for fact, holds in (
            ("conversation", info.conversation),
            ("invited", info.invited),
            ("private", info.private and not info.conversation),
            ("key", info.keyed),
            ("moderators speak", info.posting == Posting.MODERATORS),
            ("slow", info.slow_mode_s > 0),
            (f"tells {printable(info.notify)}", bool(info.notify)),
            ("full", 0 < info.members_max <= (info.members or 0)),
        )
        if holds
    ]
    if facts:
        yield f"[{', '.join(facts)}]"
    if info.topic:
        yield printable(info.topic)


def members(style: Style, answer: MemberList) -> list[str]:
    rows = [
        (
            printable(info.name),
            "offline" if not info.online else "online" if info.away is None else away(info.away),
            "" if info.role == Role.MEMBER else printable(info.role),
        )
        for info in answer.members
    ]
    lines = style.table((f"in #{printable(answer.room)}", "", ""), rows)
    return [*lines, *_cut(len(rows), answer.total, "member")]


def users(style: Style, answer: UserList, now_ms: int) -> list[str]:
    rows = []
    for info in answer.users:
        since = style.local(info.since_ms)
        today = since is not None and now_ms - info.since_ms < 20 * 3_600_000
        form = "%H:%M" if today else "%d %b %H:%M"
        rows.append(
            (
                printable(info.name),
                "guest" if info.guest else "",
                since.strftime(form) if since is not None else "",
                duration(info.idle_ms) if info.idle_ms >= 60_000 else "",
                "" if info.away is None else away(info.away),
            )
        )
    lines = style.table(("name", "", "since", "idle", ""), rows)
    return [*lines, *_cut(len(rows), answer.total, "user")]


def conversations(style: Style, answer: ConversationList) -> list[str]:
    if not answer.conversations:
        return [style.fact("you have said nothing in private yet, and nobody to you")]
    rows = [
        (
            f"@{printable(info.name)}",
            _unread(info.unread, 0),
            style.moment(info.at_ms),
            f"[tells {printable(info.notify)}]" if info.notify else "",
        )
        for info in answer.conversations
    ]
    return style.table(("with", "unread", "last", ""), rows)


def edits(style: Style, answer: EditList) -> list[str]:
    if not answer.edits:
        return [style.fact("what it said before is not kept")]
    return [
        line
        for edit in answer.edits
        for line in f"until {style.moment(edit.at_ms)}: {safe_text(edit.text)}".replace(
            "\n", "\n      "
        ).split("\n")
    ]


def away(word: str | None) -> str:
    """What somebody is who has said so, or is back."""
    if word is None:
        return "back"
    return f"away: {printable(word)}" if word else "away"


def _unread(unread: int, mentions: int) -> str:
    if not unread:
        return ""
    return f"{unread:,} ({mentions:,} @)" if mentions else f"{unread:,}"


def bans(style: Style, answer: BanList) -> list[str]:
    room = printable(answer.room)
    if not answer.bans:
        return [style.fact(f"nobody is banned from #{room}")]
    rows = [
        (
            printable(ban.user),
            "for ever" if ban.until_ms is None else style.moment(ban.until_ms),
            printable(ban.by),
            printable(ban.reason),
        )
        for ban in answer.bans
    ]
    return style.table((f"banned from #{room}", "until", "by", "reason"), rows)


def server_bans(style: Style, answer: UserBanList) -> list[str]:
    if not answer.bans:
        return [style.fact("nobody is kept out of the server")]
    rows = [
        (
            printable(ban.who),
            "guests" if ban.guests else "",
            "for ever" if ban.until_ms is None else style.moment(ban.until_ms),
            printable(ban.by),
            printable(ban.reason),
        )
        for ban in answer.bans
    ]
    lines = style.table(("kept out", "only", "until", "by", "reason"), rows)
    return [*lines, "… and more: zchat-admin bans"] if answer.more else lines


def devices(style: Style, answer: DeviceList) -> list[str]:
    rows = [
        (
            str(info.device),
            printable(info.name),
            style.moment(info.created_ms),
            "online" if info.online else style.moment(info.seen_ms),
            # A client may do whatever its user may.
            ", ".join(map(printable, info.scopes)),
            " ".join(f"#{printable(room)}" for room in info.rooms),
        )
        for info in answer.devices
    ]
    lines = [style.fact("no device and no app token is remembered")]
    if rows:
        lines = style.table(("", "device", "since", "last seen", "may", "in"), rows)
    codes = "1 recovery code is" if answer.recovery_codes == 1 else "recovery codes are"
    if answer.recovery_codes != 1:
        codes = f"{answer.recovery_codes} {codes}"
    if answer.totp:
        lines.append(style.fact(f"your password needs a one-time code; {codes} left"))
    return lines


def blocked(style: Style, answer: BlockedList) -> list[str]:
    if not answer.users:
        return [style.fact("you have blocked nobody")]
    # A table would align what stands in one column, at many times the size of a server's long list.
    return [style.styled(BOLD, "blocked"), *map(printable, answer.users)]


def audit(style: Style, answer: AuditList) -> list[str]:
    if not answer.records:
        return [style.fact("nothing has been done that is kept in the audit")]
    rows = [
        (
            style.moment(record.at_ms),
            printable(record.actor),
            printable(record.action).replace("_", " "),
            printable(record.subject),
            f"#{printable(record.room)}" if record.room else "",
            printable(record.reason),
        )
        for record in answer.records
    ]
    return style.table(("when", "who", "did", "to", "in", "why"), rows)


def _cut(shown: int, total: int, what: str) -> list[str]:
    return [f"… and {total - shown:,} more {what}s"] if total > shown else []
