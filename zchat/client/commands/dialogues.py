"""What a person does to an account in more than one step, or with a secret that is made here."""

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
    Suspend,
    Which,
)
from zchat.client.commands.finding import find_message, said_since
from zchat.client.commands.questions import AskQuestions, Question
from zchat.client.core.credentials import token_as_text
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import (
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
"""Of a message that is reported, to show that it is the one that is meant."""


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
            case Suspend(user, seconds, reason):
                until_ms = None if seconds is None else round((time.time() + seconds) * 1000)
                await self._chat.suspend(user, reason, until_ms)
                self._say(f"{user} is logged out, and may not log in")
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
    # Whoever asks is online; others of this name are those that nobody has used for long.
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
