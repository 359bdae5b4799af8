"""`zchat-client --forget`: this device is logged out, and keeps no token of the user.

All programs that use the token are: the server ends their sessions.
"""

from collections.abc import Sequence

from zchat.client.auth.login import WrongLogin, complain
from zchat.client.auth.tls import Tls
from zchat.client.auth.token_store import TokenStore, UnsafeTokenError
from zchat.client.auth.tokens import Kept
from zchat.client.commands.dialogues import AmbiguousDevice, revoke_this
from zchat.client.sdk.chat import UnconfirmedError, connect
from zchat.client.sdk.requests import RefusedError
from zchat.protocol.messages import RefusalCode

_NOT_KNOWN = (RefusalCode.PASSWORD_REQUIRED, RefusalCode.UNKNOWN_TOKEN)
NOT_TOLD = 3
"""The exit code when the token is removed here, and the server knows it still."""


async def forget(user: str, addresses: Sequence[str], tls: Tls, cluster: str) -> int:
    """Returns the exit code. Raises `WrongLogin`."""
    store = TokenStore(user, addresses, cluster=cluster, keyring=True)
    code = 0
    try:
        while (kept := store.find()) is not None:
            trouble = await _revoke(user, addresses, kept, tls, cluster)
            if trouble:
                complain(
                    f"the token of {kept.device} is removed here, but not revoked: {trouble}. "
                    "Revoke the device from another client"
                )
                code = NOT_TOLD
            store.forget()
    except UnsafeTokenError as error:
        raise WrongLogin(str(error)) from None
    except OSError as error:
        raise WrongLogin(f"cannot remove the token: {error.strerror or error}") from None
    return code


async def _revoke(user: str, addresses: Sequence[str], kept: Kept, tls: Tls, cluster: str) -> str:
    """Returns why it could not be done; nothing if it is."""
    shown = {"token": kept.token, "device": kept.device, "cluster": cluster}
    try:
        async with connect(user, addresses, tls=tls, logs=(), **shown) as chat:  # type: ignore[arg-type]
            await revoke_this(chat)
    except RefusedError as error:
        # The server knows it no more, which is what we want.
        return "" if error.code in _NOT_KNOWN else error.reason
    except (AmbiguousDevice, ConnectionError, UnconfirmedError) as error:
        return str(error)
    return ""
