"""Logging in: what is shown (options, files, kept tokens, the person), and each attempt with it."""

import asyncio
import getpass
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from zchat.client.auth.access import Access, Options, is_accepted, say_if_slow
from zchat.client.auth.clusters import Cluster, Clusters, DamagedClusters, identify
from zchat.client.auth.token_store import TokenStore, UnsafeTokenError
from zchat.client.commands.questions import NEW_PASSWORD, Questions
from zchat.client.core import credentials
from zchat.client.core.checks import InvalidRequest
from zchat.client.exit_codes import (
    NOT_CONNECTED,
    UNCONFIRMED,
    WRONG_USAGE,
    Abandoned,
    Failed,
    fail,
    say,
)
from zchat.client.sdk.chat import (
    CannotConnectError,
    Chat,
    OtherClusterError,
    UnconfirmedError,
    connect,
)
from zchat.client.sdk.requests import RefusedError
from zchat.client.sdk.tls import UnknownServerError, UntrustedServerError
from zchat.programs import typed_ahead
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode

PASSWORD_VARIABLE: Final = "ZCHAT_PASSWORD"
TOKEN_VARIABLE: Final = "ZCHAT_TOKEN"
CODE_VARIABLE: Final = "ZCHAT_CODE"
NEW_PASSWORD_VARIABLE: Final = "ZCHAT_NEW_PASSWORD"


@dataclass(frozen=True, slots=True)
class Shown:
    """What one attempt to log in shows the server, besides the name."""

    password: str | None = field(default=None, repr=False)
    token: bytes | None = field(default=None, repr=False)
    device: str = ""
    code: str = field(default="", repr=False)
    register: bool = False
    invitation: str = field(default="", repr=False)
    new_password: str | None = field(default=None, repr=False)
    as_guest: bool = False
    cluster: str = ""


class Login:
    """`shown` is for the next attempt. Raises `Failed`.

    A token that was given is shown alone, and nothing else is tried: whoever gives one means it.
    Else the token that is kept here comes first, for which nobody has to be asked, and the password
    that was given is for when the server knows that token no more. With neither the user comes as
    a guest. What the server wants then, a password, a code or an invitation, a person at the
    terminal is asked for, one by one.
    """

    def __init__(self, user: str, addresses: Sequence[str], options: Options) -> None:
        self._user, self._addresses = user, addresses
        self._unbound: bytes | None = None
        """A token that was given, and whose cluster is not known yet."""
        self._store: TokenStore | None = None
        """None where nothing is kept."""
        self._by_store = False
        """What is shown is the token that was found there."""
        self._settled = False
        """There is nothing more to remember."""
        token = secret(options.token_file, TOKEN_VARIABLE, "the token")
        if token is not None:
            # It is an app's, or that of a device which another program remembers: not ours to keep.
            self._show(self._of_token(token, as_guest=options.guest))
            return
        self.shown = self._without_store = Shown(
            secret(options.password_file, PASSWORD_VARIABLE, "the password"),
            code=secret(options.code_file, CODE_VARIABLE, "the code") or "",
            register=options.register,
            invitation=options.invitation,
            new_password=secret(
                options.new_password_file, NEW_PASSWORD_VARIABLE, "the new password"
            ),
        )
        if options.remember:
            self._show(replace(self.shown, device=options.device or own_device()))
            self._open_store(addresses)
        if options.register and self.shown.password is None:
            self._show(replace(self.shown, password=self._new_password()))

    def _open_store(self, addresses: Sequence[str], cluster: str = "") -> None:
        store = TokenStore(self._user, addresses, cluster=cluster, keyring=True)
        try:
            kept = None if self.shown.register else store.find()
        except UnsafeTokenError as error:
            raise Failed(WRONG_USAGE, str(error)) from None
        except OSError as error:
            say(f"cannot look for a token of yours: {error.strerror or error}")
            self._show(replace(self.shown, device=""))
            return
        self._store = store
        if kept is not None:
            self._by_store = True
            self.shown = Shown(token=kept.token, device=kept.device, cluster=cluster)

    @property
    def wants_cluster(self) -> bool:
        """A token that was given says itself which cluster it is for, or was bound to one."""
        return self._store is not None

    @property
    def has_kept(self) -> bool:
        """There is a token that an earlier release has kept for these addresses."""
        return self._by_store

    def at(self, cluster: Cluster) -> None:
        """Whatever is shown is shown there alone. Raises `Failed`."""
        if self._store is None or not cluster.id:
            return
        # What was kept for these addresses is shown there, as ever.
        vouched = cluster.vouched or self._by_store
        self._by_store = False
        self._show(replace(self._without_store, cluster=cluster.id))
        if vouched:
            self._open_store(self._addresses, cluster.id)
            return
        if TokenStore(self._user, (), cluster=cluster.id, keyring=True).find() is not None:
            say(
                f"the server at {', '.join(self._addresses)} says that it is a cluster that you "
                "know by another address; since that cannot be told from here, your login there is "
                "not used, and the password is needed once"
            )
        self._store = TokenStore(self._user, (), cluster=cluster.id, keyring=True)

    def _of_token(self, text: str, *, as_guest: bool) -> Shown:
        token, cluster = _token(text), credentials.cluster_of_text(text)
        try:
            cluster = cluster or Clusters().of_token(token)
        except (OSError, DamagedClusters) as error:
            reason = f"cannot tell which cluster the token is for: {error}"
            raise Failed(WRONG_USAGE, reason) from None
        self._unbound = None if cluster or as_guest else token
        return Shown(token=token, as_guest=as_guest, cluster=cluster)

    def _show(self, shown: Shown) -> None:
        self.shown = self._without_store = shown

    def try_again(self, error: RefusedError) -> bool:
        """Whether there is more to show than was refused; on a terminal the person is asked.

        Raises `Abandoned`.
        """
        match error.code:
            case RefusalCode.PASSWORD_REQUIRED if self._by_store:
                # Our token was revoked while we were away.
                self._by_store = False
                self.shown = self._without_store
                if self.shown.password is not None:
                    return True
        if not sys.stdin.isatty() or self.shown.token is not None:
            return False
        match error.code:
            case RefusalCode.PASSWORD_REQUIRED if self.shown.password is None:
                self._show(replace(self.shown, password=_prompt(f"Password of {self._user}: ")))
            case RefusalCode.NEW_PASSWORD_REQUIRED if self.shown.new_password is None:
                say("this code is for choosing a new password")
                self._show(replace(self.shown, new_password=self._new_password()))
            case RefusalCode.CODE_REQUIRED if not self.shown.code:
                self._show(replace(self.shown, code=_prompt("One-time code: ")))
            case RefusalCode.INVITATION_REQUIRED if not self.shown.invitation:
                self._show(replace(self.shown, invitation=_prompt("Invitation: ")))
            case _:
                return False
        return True

    def hint(self, error: RefusedError) -> str:
        """What could be given that was not."""
        match error.code:
            case RefusalCode.PASSWORD_REQUIRED if self.shown.token is not None and not self._store:
                return f"; the token that was given is not one of {self._user}, or was revoked"
            case RefusalCode.PASSWORD_REQUIRED if self.shown.password is None:
                return f"; give it with --password-file or {PASSWORD_VARIABLE}"
            case RefusalCode.NEW_PASSWORD_REQUIRED if self.shown.new_password is None:
                return f"; give it with --new-password-file or {NEW_PASSWORD_VARIABLE}"
            case RefusalCode.CODE_REQUIRED if not self.shown.code:
                return f"; give it with --code-file or {CODE_VARIABLE}"
            case RefusalCode.INVITATION_REQUIRED if not self.shown.invitation:
                return "; give it with --invitation"
            case RefusalCode.UNKNOWN_TOKEN if self._by_store:
                return "; --forget removes the login that is kept here"
            case RefusalCode.UNKNOWN_TOKEN:
                return "; is the name right? A guest's token takes --guest"
            case RefusalCode.GUESTS_NOT_ALLOWED:
                return "; make an account with --register"
            case _:
                return ""

    def remember(self, chat: Chat) -> None:
        """Keeps the token of an account for the next time; a guest may become one until the end."""
        if self._settled or not chat.has_begun:
            return
        self._settled = not chat.guest
        try:
            if self._unbound is not None and chat.cluster and not chat.guest:
                Clusters().bind(self._unbound, chat.cluster)
            elif self._store is not None and not self._by_store and chat.device:
                self._keep(chat)
        except (OSError, UnsafeTokenError, DamagedClusters) as error:
            say(f"cannot remember this device: {error}")

    def _keep(self, chat: Chat) -> None:
        if chat.cluster and not self.shown.cluster:
            self._store = TokenStore(
                self._user, self._addresses, cluster=chat.cluster, keyring=True
            )
            self._store.find()
        assert self._store is not None
        self._store.keep(credentials.KeptToken(chat.device, chat.token))
        if chat.cluster:
            # Whoever has proved to be somebody there says that it is the right place.
            Clusters().note(self._addresses, chat.cluster)

    def forget(self, everywhere: bool) -> None:
        """The server knows our token no more, or none of this user."""
        if self._store is None:
            return
        self._settled = True
        try:
            if everywhere:
                self._store.forget_all()
            else:
                self._store.forget()
        except OSError as error:
            say(f"cannot remove a token, which is of no use any more: {error}")

    def _new_password(self) -> str:
        if not sys.stdin.isatty():
            reason = "--register needs a password; give it with --password-file or"
            raise Failed(WRONG_USAGE, f"{reason} {PASSWORD_VARIABLE}")
        asked = Questions(NEW_PASSWORD)
        while (question := asked.next) is not None:
            if asked.complaint:
                say(asked.complaint)
            asked.answer(_prompt(question.text))
        return asked.answers[-1]


def own_device() -> str:
    return socket.gethostname()[: limits.DEVICE_NAME_CHARS_MAX] or "zchat-client"


def secret(file: Path | None, variable: str, what: str) -> str | None:
    """The first line of the file, or what the environment has. Raises `Failed`."""
    if file is None:
        return os.environ.get(variable) or None
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Failed(WRONG_USAGE, f"cannot read {what} from {file}: {why}") from None


def _token(text: str) -> bytes:
    try:
        return credentials.token_from_text(text)
    except ValueError as error:
        raise Failed(WRONG_USAGE, f"what was given as a token is {error}") from None


def _prompt(question: str) -> str:
    """Until there is an answer: what follows another one would be told to the shell."""
    while True:
        try:
            with typed_ahead.as_lines():
                answer = getpass.getpass(question)
        except EOFError:
            raise Abandoned from None
        if answer:
            return answer
        say("nothing was given; Ctrl-D leaves it")


# --- A session: the attempts to log in, and the exit code of what it is used for ------------------


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
    shown = asdict(login.shown)
    try:
        chat = connect(access.user, access.addresses, tls=access.tls, **shown, **connecting)
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
    except OtherClusterError as error:
        return fail(NOT_CONNECTED, _explained(access, error, of_token=not login.wants_cluster))
    except (CannotConnectError, UntrustedServerError) as error:
        return fail(NOT_CONNECTED, str(error))
    except UnconfirmedError as error:
        return fail(UNCONFIRMED, str(error))
    except asyncio.CancelledError:
        if chat.unconfirmed:
            return fail(UNCONFIRMED, str(UnconfirmedError(chat.unconfirmed)))
        raise


def _explained(access: Access, error: OtherClusterError, *, of_token: bool) -> str:
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
