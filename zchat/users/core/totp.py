"""One-time codes (RFC 6238), each of which works once, and the recovery codes in their place."""

import base64
import hmac
from typing import Final

from pyotp import HOTP

from zchat.protocol.messages import RefusalCode
from zchat.service.core.effects import Refusal
from zchat.users.core.model import User, code_digest

STEP_MS: Final = 30_000
DIGITS: Final = 6
_WINDOW: Final = (0, -1, 1)
"""Clocks differ, and people type slowly: the codes beside the one of now are right, too."""


def matched_step(secret: bytes, code: str, at_ms: int, after: int) -> int | None:
    """The period whose code this is, if it lies near enough and after the period `after`."""
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    generator = HOTP(base64.b32encode(secret).decode(), digits=DIGITS)
    now = at_ms // STEP_MS
    for step in (now + offset for offset in _WINDOW):
        if step > after and hmac.compare_digest(generator.at(step), code):
            return step
    return None


def use_code(user: User, code: str, at_ms: int) -> bool:
    """Uses up the code, and says whether it was a recovery code. Raises `Refusal`.

    What it changes is the caller's to save.
    """
    if user.totp_secret is None:
        return False
    if not code:
        reason = f"{user.name} needs a one-time code, too"
        raise Refusal(RefusalCode.CODE_REQUIRED, reason)
    step = matched_step(user.totp_secret, code.replace(" ", ""), at_ms, user.totp_step)
    if step is not None:
        user.totp_step = step
        return False
    digest = code_digest(code)
    if digest not in user.recovery:
        raise Refusal(RefusalCode.WRONG_CODE, "this code is wrong, or was used before")
    user.recovery = tuple(kept for kept in user.recovery if kept != digest)
    return True
