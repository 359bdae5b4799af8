"""Credentials: what a client shows in its first login alone, and what it can show in each one."""

from dataclasses import dataclass, field

from zchat.protocol.messages import (
    ChangePassword,
    LogIn,
    Message,
    Register,
)


@dataclass(slots=True)
class Credentials:
    """`token` is 32 random bytes, or those that a server remembers, as it does an app token.

    Of an `account` they make nobody a guest, and with a `cluster` they are shown to no other one.

    With a `device` the server remembers the token under that name, and the password has done its
    work. `code`, `register` and `invitation` are for the first login alone, and so is a
    `new_password`, for which the password is a code of an operator.
    """

    token: bytes = field(repr=False)
    password: str | None = field(default=None, repr=False)
    device: str = ""
    code: str = field(default="", repr=False)
    register: bool = False
    invitation: str = field(default="", repr=False)
    new_password: str | None = field(default=None, repr=False)
    account: bool = False
    cluster: str = ""

    def log_in(self, request_id: int, name: str, cursors: dict[str, int]) -> LogIn:
        return LogIn(
            id=request_id,
            name=name,
            token=self.token,
            password=self.password,
            cursors=cursors,
            device=self.device,
            code=self.code,
            register=self.register,
            invitation=self.invitation,
            new_password=self.new_password,
            account=self.account,
        )

    def logged_in(self, cluster: str, *, guest: bool) -> None:
        self.code = self.invitation = ""
        self.register = False
        if self.new_password is not None:
            self.password, self.new_password = self.new_password, None
        if not guest:
            # From here on the token is worth something, and only here.
            self.account, self.cluster = True, self.cluster or cluster
        if self.device and not guest:
            self.password = None

    def done(self, request: Message) -> None:
        """The server has done what was asked for."""
        match request:
            case Register():
                # The guest's token may expire while we are away; then the password is needed.
                self.password = request.password
            case ChangePassword() if self.password is not None:
                self.password = request.new_password
            case _:
                pass
