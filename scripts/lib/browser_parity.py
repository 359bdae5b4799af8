"""Writes what the browser client is compared with: what Python makes of lines and entries.

The tests in `web/tests` read the same ones, so that the two clients cannot drift apart.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # Also without an installation.

from zchat.client.commands import actions, table  # noqa: E402
from zchat.client.commands.actions import Action  # noqa: E402
from zchat.client.text.entries import sentence  # noqa: E402
from zchat.protocol import messages  # noqa: E402
from zchat.protocol.messages import Entry, EntryBody, Posting, Request  # noqa: E402

LINES: Final = ROOT / "web/tests/lines.json"
SENTENCES: Final = ROOT / "web/tests/sentences.json"
ROOMS: Final = frozenset({"garden", "tea"})
"""The rooms that are known when the lines are read."""
ME: Final = "ann"

_TYPED: Final = """\
:pm Bob meet me there | :pm bob | :pm | :pm @bob hi | :pm nobody's hello | :me waves | :me
:ME waves | :me | :users | :users all of them | :USERS | :cr Garden | :cr #garden private
:cr garden secret | :cr | :cr gar/den | :jr garden | :jr #garden open sesame | :jr | :jr zchat
:jr aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | :lr garden | :lr | :lrs | :lrs all
:lru garden
:jr aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
:rm garden hello, all | :rm garden | :topic garden | :topic garden roses  and tea | :history
:history 50 | :history garden 50 | :history bob | :history @bob 0 | :history #tea 201
:history garden many | :history garden 5 6 | :ping | :ping all | :whoami | :reply garden ^2 yes
:reply bob ^bob:2 yes | :reply #garden yes | :reply garden | :reply garden ^0 x
:reply garden ^201 x | :reply #garden ^3 | :edit garden ^2 better | :edit garden ^bob better
:edit garden better | :edit garden | :redact garden | :redact garden ^carl off topic
:redact @bob ^2 | :react garden +1 | :react garden ^2 two words | :react garden ^bob 🌹
:react garden | :react garden abcdefghijklmnopq | :unreact garden 🌹 | :edits garden ^2
:edits garden | :pins garden | :pin garden ^2 | :pin #tea | :unpin garden | :unpin garden ^2
:pin garden ^2 now | :search roses | :search #garden from:Bob red  roses
:search from:bob @carl roses | :search | :search # alone | :search from:bob
:search from:bob from:carl x | :talk bob carl | :talk | :talk bob bob @Carl
:talk a b c d e f g h i j k l m n o p q r s t u v | :conversations | :notify garden all
:notify #lobby Nothing | :notify bob mentions | :notify garden loud | :notify garden | :away
:away for  lunch | :back | :back now | :invite garden bob | :invite garden | :kick garden bob
:kick garden bob for this and that | :ban garden bob | :ban garden bob 12h noise
:ban garden bob 0s | :ban garden bob 7d | :unban tea bob | :bans garden | :mute garden bob loud
:unmute garden bob | :promote garden bob | :demote garden bob | :transfer garden bob
:mode garden | :mode garden private key abc posting moderators slow 10s limit 9
:mode garden public nokey posting members slow off limit none | :mode garden open
:mode garden key | :mode garden private public | :mode garden slow soon | :mode garden slow 7h
:mode garden limit 0 | :mode garden limit 20000 | :mode garden posting nobody
:mode garden slow | :close garden | :close garden for the winter | :register
:register correct horse | :register short | :password | :password x | :devices | :revoke 3
:revoke three | :revoke | :logout | :logout everywhere | :logout here | :totp on | :totp off
:totp 123456 | :totp | :apptoken weather read,post garden tea | :apptoken weather read
:apptoken weather write | :apptoken weather | :apptoken weather READ #Garden | :block bob
:unblock bob | :blocked | :report garden spam | :report garden 3 spam again | :report garden 3
:report garden 0 x | :report garden 101 x | :report garden | :delete-account
:delete-account now | :announce tea is ready | :announce | :suspend bob | :suspend bob 7d noise
:redact-all garden bob 30m | :redact-all #garden bob 7d noise | :redact-all garden bob noise
:restore bob | :disconnect bob | :disconnect bob noise | :server-kick bob
:server-kick bob 1h noise | :server-kick spam* | :server-ban 192.0.2.0/24 12h noise
:server-ban bob | :server-ban spam* | :server-unban bob | :server-bans | :standing bob moderator
:standing bob king | :standing bob Operator | :audit | :audit 5 | :audit 201 | :audit few
:help | :help kick | :help :kick | :help kikc | :help zzz | :quit | :quit now | :join garden
/join garden | /j garden | /part garden | /msg bob hi | /shrug | /shrug it | /names | /list
:kik garden bob | :regsiter | :devcies | :logotu | :xyzzy | : | :) | :-) | :it's
:"both" 'of' them
"""
"""Lines as people type them, with a bar between any two."""
_SAID: Final = (
    *("hello", "::hello", "//join garden", "//etc/fstab", "/me waves", "/ME waves", ":me  waves"),
    *(
        ":me ",
        "/me",
        "/join garden",
        "/etc/passwd",
        "  ::x  ",
        "a :b",
        ": x",
        "::",
        "//",
        "///join",
    ),
    *(
        ":register my password",
        ":totp",
        " :pas",
        ":redact",
        ":delete-account",
        ":delete",
        "/login x",
    ),
)
"""Texts of which it is asked whether they are commands, and what they say."""


def documents() -> Iterator[tuple[Path, str]]:
    """Each file with what it should hold."""
    typed = [line.strip() for line in _TYPED.strip().replace("\n", " | ").split(" | ")]
    typed += [":register my\npassword", ":pm bob one\ntwo", f":rm garden {'x' * 16_001}"]
    lines = [{"line": line, "action": _plain(table.parse(line, ROOMS))} for line in typed]
    yield LINES, _json({"rooms": sorted(ROOMS), "lines": lines, "said": _said()})
    yield SENTENCES, _json({"me": ME, "sentences": [*_sentences()]})


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _said() -> list[dict[str, Any]]:
    return [
        {
            "text": text,
            "command": table.is_command(text),
            "says": table.said_of(text),
            "escaped": table.escaped(text),
            "secret": table.is_secret(text),
        }
        for text in _SAID
    ]


def _plain(action: Action) -> dict[str, Any]:
    """What both clients must make of a line: for Python's is not the only way to say it."""
    match action:
        case actions.Send(request, done, lasts_s):
            return {"send": _fields(request), "done": done, "lasts_s": lasts_s}
        case actions.ToMessage(log, which, draft):
            found = {"among": which.among.name.lower(), "back": which.back, "author": which.author}
            return {"to_message": log, "which": found, "draft": _fields(draft("#tea", 7))}
        case actions.Mistake(text):
            return {"mistake": text}
        case actions.Ask(kind=kind):
            return {"ask": kind.__name__}
        case actions.ShowHelp():
            return {"does": "ShowHelp"}
        case _:
            fields = {name: getattr(action, name) for name in action.__dataclass_fields__}
            return {"does": type(action).__name__, **fields}


def _fields(request: Request) -> dict[str, Any]:
    fields = msgspec.structs.asdict(request)
    kind = type(request).__struct_config__.tag
    left_out = ("id", "nonce")
    return {"kind": kind, **{name: fields[name] for name in fields if name not in left_out}}


# --- What happened --------------------------------------------------------------------------------

_BODIES: Final[tuple[EntryBody, ...]] = (
    messages.RoomCreated(),
    messages.MemberJoined(),
    messages.MemberLeft(),
    messages.MemberAdded("bob"),
    messages.TopicChanged("roses"),
    messages.TopicChanged(""),
    messages.MemberInvited("bob"),
    messages.MemberKicked("bob", "noise"),
    messages.MemberKicked("ann", ""),
    messages.MemberBanned("bob", "noise", None),
    messages.MemberUnbanned("bob"),
    messages.MemberMuted("bob", ""),
    messages.MemberUnmuted("ann"),
    messages.MemberPromoted("bob"),
    messages.MemberDemoted("bob"),
    messages.RoomTransferred("bob"),
    messages.RoomConfigured(
        private=True, keyed=True, posting=Posting.MODERATORS, slow_mode_s=10, members_max=1_000
    ),
    messages.RoomConfigured(
        private=False, keyed=False, posting=Posting.MEMBERS, slow_mode_s=0, members_max=0
    ),
    messages.RoomClosed("winter"),
    messages.RoomClosed(""),
    messages.InvitedToRoom("tea"),
    messages.RoomOpened("tea"),
    messages.Announced("tea is ready"),
    messages.MessagePinned(3),
    messages.MessageUnpinned(3),
    messages.MessageEdited(3, "better"),
    messages.MessageEdited(3, ""),
    messages.MessageDeleted(3, "noise"),
    messages.MessageDeleted(3),
    messages.ReactionAdded(3, "🌹"),
    messages.ReactionRemoved(3, "🌹"),
    messages.AccountRegistered(),
    *(messages.AccountChanged(change, "phone") for change in messages.AccountChange),
    messages.AccountChanged("renamed", "anna"),
    messages.Unrecognised("sang"),
)


def _sentences() -> Iterator[dict[str, Any]]:
    for body in _BODIES:
        for log, author in (
            ("#garden", "bob"),
            ("#garden", ME),
            ("#lobby", "carl"),
            ("#tea", "zchat"),
        ):
            entry = Entry(log, 9, 0, author, body)
            yield {"entry": _whole(entry), "sentence": sentence(entry, ME)}


def _whole(entry: Entry) -> dict[str, Any]:
    """With the fields that the wire leaves out, as the browser's codec puts them back."""
    body = {"kind": type(entry.body).__struct_config__.tag, **msgspec.structs.asdict(entry.body)}
    return {**msgspec.structs.asdict(entry), "body": body}
