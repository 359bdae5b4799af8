"""A session of `zchat-client`: the attempts to log in, and the exit code of what it is used for."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

from zchat.client.auth.access import Access, is_accepted, say_if_slow
from zchat.client.auth.clusters import identify
from zchat.client.auth.login import Login
from zchat.client.core.checks import InvalidRequest
from zchat.client.exit_codes import NOT_CONNECTED, UNCONFIRMED, WRONG_USAGE, fail
from zchat.client.sdk import chat as sdk
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.client.sdk.tls import UnknownServerError, UntrustedServerError


def log_in(access: Access, use: Callable[[Chat, Login], Awaitable[int]], **connecting: Any) -> int:
    """Has `use` make of a session what it will, and returns its exit code.

    A person on a terminal is asked for what is missing. `connecting` is for `connect`.
    """
    # Which cluster it is comes before any attempt: what is kept for one is shown to no other.
    login = Login(access.user, access.addresses, access.options)
    if login.wants_cluster:
        timeout_s = connecting.get("connect_timeout_s", 10.0)
        login.at(identify(access, needed=login.has_kept, timeout_s=timeout_s))
    while True:
        try:
            return asyncio.run(_use(access, login, use, connecting))
        except UnknownServerError as error:
            if not is_accepted(error):
                return fail(NOT_CONNECTED, str(error))
        except RefusedError as error:
            hint = login.hint(error)
            if not login.try_again(error):
                return fail(NOT_CONNECTED, error.reason + hint)


async def _use(
    access: Access,
    login: Login,
    use: Callable[[Chat, Login], Awaitable[int]],
    connecting: dict[str, Any],
) -> int:
    """Raises `RefusedError` if the login is refused, and `UnknownServerError`."""
    shown = dataclasses.asdict(login.shown)
    try:
        chat = sdk.connect(access.user, access.addresses, tls=access.tls, **shown, **connecting)
    except InvalidRequest as error:
        return fail(WRONG_USAGE, str(error))
    waiting = say_if_slow(access)
    try:
        async with chat:
            waiting.cancel()
            # At once, whatever becomes of us; and at the end, since a guest may have registered.
            login.remember(chat)
            try:
                return await use(chat, login)
            except RefusedError as error:
                if not chat.has_begun:
                    raise  # The login, of which `use` did not wait for the end.
                # The session was ended, and no request alone was refused.
                return fail(NOT_CONNECTED, error.reason)
            finally:
                login.remember(chat)
    except UnknownServerError:
        raise  # The one kind of untrusted server of which a person can be asked.
    except sdk.OtherClusterError as error:
        return fail(NOT_CONNECTED, _explained(access, error, of_token=not login.wants_cluster))
    except (sdk.CannotConnectError, UntrustedServerError) as error:
        return fail(NOT_CONNECTED, str(error))
    except sdk.UnconfirmedError as error:
        return fail(UNCONFIRMED, str(error))
    except asyncio.CancelledError:
        if chat.unconfirmed:
            return fail(UNCONFIRMED, str(sdk.UnconfirmedError(chat.unconfirmed)))
        raise


def _explained(access: Access, error: sdk.OtherClusterError, *, of_token: bool) -> str:
    """Why nothing was sent, and what can be done."""
    where = ", ".join(access.addresses)
    if not error.found:
        return f"{where}: {error}"
    if of_token:
        return (
            f"{where} is another cluster than the one that this token is for: it was not sent there"
        )
    return (
        f"{where} is another cluster now than it was before, and nothing of yours was sent there. "
        "If it was set up anew, run the same once more with --new-cluster; what is kept of the "
        "former one stays aside"
    )
