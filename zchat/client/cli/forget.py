"""`zchat-client --forget`: logs this device out, and removes its token.

The server ends the sessions of all programs that use the token.
"""

import asyncio
from typing import Any

from zchat.client.auth.access import Access
from zchat.client.auth.clusters import UNKNOWN, identify
from zchat.client.auth.token_store import TokenStore, UnsafeTokenError
from zchat.client.commands.dialogues import AmbiguousDevice, revoke_this
from zchat.client.core.credentials import KeptToken
from zchat.client.exit_codes import NOT_CONNECTED, WRONG_USAGE, Failed, say
from zchat.client.sdk.chat import UnconfirmedError, connect
from zchat.client.sdk.requests import RefusedError
from zchat.protocol.messages import RefusalCode

_NOT_KNOWN = (RefusalCode.PASSWORD_REQUIRED, RefusalCode.UNKNOWN_TOKEN)


def forget_login(access: Access) -> int:
    """Returns the exit code, which is not 0 if the server still knows a token. Raises `Failed`."""
    try:
        cluster = identify(access, needed=True).id
    except Failed:
        # The token is removed from this device even if no server can be told.
        cluster = UNKNOWN.id
    return asyncio.run(_forget(access, cluster))


async def _forget(access: Access, cluster: str) -> int:
    store = TokenStore(access.user, access.addresses, cluster=cluster, keyring=True)
    code = 0
    try:
        # Earlier releases have kept several tokens.
        while (kept := store.find()) is not None:
            trouble = await _revoke(access, kept, cluster)
            if trouble:
                say(
                    f"the token of {kept.device} is removed here, but not revoked: {trouble}. "
                    "Revoke the device from another client"
                )
                code = NOT_CONNECTED
            store.forget()
    except UnsafeTokenError as error:
        raise Failed(WRONG_USAGE, str(error)) from None
    except OSError as error:
        reason = f"cannot remove the token: {error.strerror or error}"
        raise Failed(WRONG_USAGE, reason) from None
    return code


async def _revoke(access: Access, kept: KeptToken, cluster: str) -> str:
    """Returns why the token could not be revoked; nothing if it is."""
    shown: dict[str, Any] = {"token": kept.token, "device": kept.device, "cluster": cluster}
    try:
        async with connect(access.user, access.addresses, tls=access.tls, logs=(), **shown) as chat:
            await revoke_this(chat)
    except RefusedError as error:
        # If the server does not know it any more, it need not be revoked.
        return "" if error.code in _NOT_KNOWN else error.reason
    except (AmbiguousDevice, ConnectionError, UnconfirmedError) as error:
        return str(error)
    return ""
