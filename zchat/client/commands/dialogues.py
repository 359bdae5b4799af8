"""What takes more than one request: finding the message that is meant, asking, making a secret."""

import secrets
import time
from base64 import b32encode
from collections.abc import Callable
from typing import Final, assert_never
from urllib.parse import quote

from zchat.client.commands.actions import (
    AccountAction,
    Among,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    RemoveSaid,
    Report,
    Which,
)
from zchat.client.commands.questions import AskQuestions, Question
from zchat.client.core.credentials import token_as_text
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import (
    Entry,
    MessagePosted,
    PrivateMessageSent,
    RefusalCode,
    RevokeDevice,
)
from zchat.protocol.rules.names import printable

RECOVERY_CODE_BYTES: Final = 10
"""80 bits, which are 16 characters of base32 without any padding."""
CODE_ATTEMPTS_MAX: Final = 3
"""With so many wrong codes the dialogue is over, and its secret good for nothing."""
QUOTED_CHARS_MAX: Final = 60
"""Shown of a message that is reported, so that one sees that it is the one that is meant."""


class AccountDialogues:
    """`ask` is None without a terminal; `forget` removes what is kept of this client's token.

    With True it removes what is kept of all clients of this user.
    """

    def __init__(
        self,
        chat: Chat,
        say: Callable[[str], None],
        refuse: Callable[[str], None],
        ask: AskQuestions | None,
        forget: Callable[[bool], None],
    ) -> None:
        self._chat = chat
        self._say = say
        self._refuse = refuse
        self._ask = ask
        self._forget = forget

    async def perform(self, action: AccountAction) -> None:
        """Raises `NoSuchMessage`, and what the chat's methods raise."""
        match action:
            case EnrolTotp():
                await self._enrol_totp()
            case MakeAppToken(name, scopes, rooms):
                token = await self._chat.create_app_token(name, scopes, rooms)
                self._say(f"the token of {name}, for --token-file; it is not shown again:")
                self._say(token_as_text(token, self._chat.cluster))
            case Report():
                await self._report(action)
            case RemoveSaid():
                await self._remove_said(action)
            case LogOutDevice(everywhere):
                await self._log_out(everywhere=everywhere)
            case EndAccount(name, request):
                if name != self._chat.name:
                    self._refuse("that is not your name; nothing was deleted")
                    return
                await self._chat.submit(request)
                self._forget(True)
            case _:
                assert_never(action)

    async def _enrol_totp(self) -> None:
        if self._ask is None:
            self._refuse("it asks for a code, and there is no terminal to ask on")
            return
        passwords = await self._ask([Question("Password: ")])
        if passwords is None:
            return
        secret = secrets.token_bytes(limits.TOTP_SECRET_BYTES)
        codes = [_recovery_code() for _ in range(limits.RECOVERY_CODES_MAX)]
        self._say("give this to the authenticator on your phone, as a link or as a key:")
        self._say(totp_uri(self._chat.name, secret))
        self._say(b32encode(secret).decode())
        complaint = ""
        for _ in range(CODE_ATTEMPTS_MAX):
            asked = [Question("The code that it shows: ", secret=False)]
            answers = await self._ask(asked, complaint)
            if answers is None:
                return
            try:
                await self._chat.enable_totp(secret, answers[0], passwords[0], codes)
            except RefusedError as error:
                if error.code is not RefusalCode.WRONG_CODE:
                    raise
                complaint = error.reason
                self._refuse(complaint)
                continue
            self._say("from now on your password needs a code. If the phone is lost, each of these")
            self._say("works once in the place of a code; keep them, they are not shown again:")
            for code in codes:
                self._say(code)
            return

    async def _report(self, action: Report) -> None:
        entry = await find_message(self._chat, action.log, Which(Among.OTHERS, action.back))
        await self._chat.report(entry.log, entry.sequence, action.reason)
        assert isinstance(entry.body, MessagePosted | PrivateMessageSent)
        text = printable(entry.body.text)
        shown = text if len(text) <= QUOTED_CHARS_MAX else text[:QUOTED_CHARS_MAX] + "…"
        self._say(f"the operators will see this: {printable(entry.author)}: {shown}")

    async def _remove_said(self, action: RemoveSaid) -> None:
        if self._ask is None:
            self._refuse("it asks before it deletes, and there is no terminal to ask on")
            return
        since_ms = round((time.time() - action.seconds) * 1000)
        found = await said_since(self._chat, action.log, action.user, since_ms)
        count = "1 message" if len(found) == 1 else f"{len(found):,} messages"
        whose = f"of {action.user} in {action.log}, of the last {action.span}"
        question = Question(f"Delete {count} {whose}? (yes) ", secret=False)
        answers = await self._ask([question])
        if answers is None or answers[0].strip().lower() not in ("y", "yes"):
            self._say("nothing was deleted")
            return
        for entry in found:
            await self._chat.delete(entry.log, entry.sequence, action.reason)
        self._say(f"{count} {whose}: deleted")

    async def _log_out(self, *, everywhere: bool) -> None:
        if everywhere and not self._chat.guest:
            await self._chat.log_out_everywhere()
            self._forget(True)
            return
        await revoke_this(self._chat)
        self._forget(False)
        await self._chat.quit()


class AmbiguousDevice(Exception):
    """It cannot be told which of several devices this one is; the text says what to do."""


async def revoke_this(chat: Chat) -> None:
    """The account forgets the device that `chat` is, if it is remembered as one.

    Raises `RefusedError` and `AmbiguousDevice`.
    """
    if not chat.device:
        return
    devices = (await chat.devices()).devices
    # This client is online; offline devices of the same name are older ones.
    mine = [device for device in devices if device.name == chat.device and device.online]
    if len(mine) > 1:
        raise AmbiguousDevice(
            f"{len(mine)} devices called {chat.device} are online; :devices lists them, and "
            ":revoke takes the number of one"
        )
    for device in mine:
        await chat.submit(RevokeDevice(device=device.device))


def totp_uri(name: str, secret: bytes) -> str:
    """As authenticators read it: the key URI format of Google Authenticator."""
    return f"otpauth://totp/zchat:{quote(name)}?secret={b32encode(secret).decode()}&issuer=zchat"


def _recovery_code() -> str:
    code = b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().lower()
    return "-".join(code[begin : begin + 4] for begin in range(0, len(code), 4))


# --- Which message is meant: counted back from the last one, or all of somebody's -----------------


class NoSuchMessage(Exception):
    """The text says what was looked for, and where."""


async def find_message(chat: Chat, log: str, which: Which) -> Entry:
    """Raises `NoSuchMessage`, and what the chat's methods raise."""
    # What was said on the lines before this one stands first.
    while chat.unanswered and not chat.is_over:
        await chat.answered()
    if which.among is Among.PINNED:
        newest_first = (await chat.pins(log[1:])).pins
    else:
        history = await chat.history(log, limits.HISTORY_ENTRIES_MAX)
        newest_first = list(reversed(history.entries))
    found = [entry for entry in newest_first if _is_meant(entry, which, chat.name)]
    if len(found) < which.back:
        raise NoSuchMessage(f"there {_none(which)} among the newest in {log}")
    return found[which.back - 1]


async def said_since(chat: Chat, log: str, author: str, since_ms: int) -> list[Entry]:
    """All that `author` has said there, newest first.

    Raises `NoSuchMessage`, and what the chat's methods raise.
    """
    found: list[Entry] = []
    before: int | None = None
    while True:
        history = await chat.history(log, limits.HISTORY_ENTRIES_MAX, before)
        for entry in reversed(history.entries):
            # An import is older than what stands before it, but what it has is not of late.
            if entry.at_ms < since_ms:
                return _some(found, log, author)
            if entry.author == author and isinstance(entry.body, MessagePosted):
                found.append(entry)
        if not history.more or not history.entries:
            return _some(found, log, author)
        before = history.entries[0].sequence


def _is_meant(entry: Entry, which: Which, me: str) -> bool:
    if not isinstance(entry.body, MessagePosted | PrivateMessageSent):
        return False
    if which.among is Among.EDITED and not entry.edited:
        return False
    if which.author:
        return entry.author == which.author
    match which.among:
        case Among.OWN:
            return entry.author == me
        case Among.OTHERS:
            return entry.author != me
        case Among.EDITED | Among.PINNED:
            return True


def _none(which: Which) -> str:
    words = {
        Among.OWN: "of yours",
        Among.OTHERS: "of others",
        Among.EDITED: "with edits",
        Among.PINNED: "with a pin",
    }
    whose = f"of {which.author}" if which.author else words[which.among]
    return f"is no message {whose}" if which.back == 1 else f"are no {which.back} messages {whose}"


def _some(found: list[Entry], log: str, author: str) -> list[Entry]:
    if not found:
        raise NoSuchMessage(f"{author} has said nothing in {log} of late")
    return found
