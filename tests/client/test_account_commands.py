"""The account commands, line by line."""

from dataclasses import replace

import pytest

from zchat.client.commands.actions import (
    Action,
    Ask,
    EndAccount,
    EnrolTotp,
    LogOutDevice,
    MakeAppToken,
    Mistake,
    RemoveSaid,
    Report,
    Send,
)
from zchat.client.commands.table import is_secret, parse
from zchat.client.core import checks
from zchat.client.core.checks import InvalidRequest
from zchat.protocol.messages import (
    Announce,
    BanUsers,
    BlockUser,
    ChangePassword,
    DeleteAccount,
    DisableTotp,
    DisconnectUser,
    KickUsers,
    ListBlocked,
    ListDevices,
    ListUserBans,
    ReadAudit,
    Register,
    RestoreUser,
    RevokeDevice,
    Scope,
    SetStanding,
    Standing,
    SuspendUser,
    UnbanUsers,
    UnblockUser,
)


def meant(line: str) -> Action:
    """Without what is said when it is done."""
    action = parse(line, rooms={"ops"})
    return replace(action, done="") if isinstance(action, Send) else action


@pytest.mark.parametrize(
    ("line", "action"),
    [
        (":devices", Send(ListDevices())),
        (":revoke 12", Send(RevokeDevice(device=12))),
        (":logout", LogOutDevice(everywhere=False)),
        (":logout everywhere", LogOutDevice(everywhere=True)),
        (":totp on", EnrolTotp()),
        (":apptoken weather read", MakeAppToken("weather", (Scope.READ,), ())),
        (
            ":apptoken weather post,read Ops #garden",
            MakeAppToken("weather", (Scope.POST, Scope.READ), ("ops", "garden")),
        ),
        (":block Mallory", Send(BlockUser(user="mallory"))),
        (":unblock @mallory", Send(UnblockUser(user="mallory"))),
        (":blocked", Send(ListBlocked())),
        (":report #ops spam  and more", Report("#ops", 1, "spam and more")),
        (":report ops 3 spam", Report("#ops", 3, "spam")),
        (":report bob 2 5 times the same", Report("@bob", 2, "5 times the same")),
        (":announce we close at ten", Send(Announce(text="we close at ten"))),
        (":suspend mallory", Send(SuspendUser(user="mallory"))),
        (
            ":suspend mallory 90m too much spam",
            Send(SuspendUser(user="mallory", reason="too much spam"), lasts_s=5_400),
        ),
        (":suspend mallory 7d", Send(SuspendUser(user="mallory"), lasts_s=604_800)),
        (":suspend mallory 2H", Send(SuspendUser(user="mallory"), lasts_s=7_200)),
        (":suspend mallory 30s", Send(SuspendUser(user="mallory"), lasts_s=30)),
        (":suspend mallory 7dwarfs", Send(SuspendUser(user="mallory", reason="7dwarfs"))),
        (
            ":redact-all ops @Mallory 90m too much spam",
            RemoveSaid("#ops", "mallory", 5_400, "90m", "too much spam"),
        ),
        (":redact-all #lobby mallory 1h", RemoveSaid("#lobby", "mallory", 3_600, "1h", "")),
        (":restore mallory", Send(RestoreUser(user="mallory"))),
        (":disconnect mallory spam", Send(DisconnectUser(user="mallory", reason="spam"))),
        (":disconnect mallory", Send(DisconnectUser(user="mallory"))),
        (
            ":server-kick Spam* 1h too much",
            Send(KickUsers(who="spam*", reason="too much", for_s=3_600)),
        ),
        (
            ":server-kick mallory",
            Send(KickUsers(who="mallory")),
        ),
        (
            ":server-ban 192.0.2.7/24 2h spam",
            Send(BanUsers(who="192.0.2.0/24", reason="spam", for_s=7_200)),
        ),
        (
            ":server-unban @mallory",
            Send(UnbanUsers(who="mallory")),
        ),
        (":server-bans", Send(ListUserBans())),
        (":standing bob Operator", Send(SetStanding(user="bob", standing=Standing.OPERATOR))),
        (":audit", Send(ReadAudit(limit=20))),
        (":audit 200", Send(ReadAudit(limit=200))),
    ],
)
def test_what_a_line_means(line: str, action: Action) -> None:
    assert meant(line) == action


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":password old new", "takes no arguments"),
        (":delete-account secret", "takes no arguments"),
        (":revoke laptop", "'laptop' is not the number of a device"),
        (":revoke 99999999999999999999", "a device has a number"),
        (":logout now", "'now' is not everywhere"),
        (":totp 123456", "takes on or off"),
        (":totp", "on or off is missing"),
        (":apptoken weather", "read or post is missing"),
        (":apptoken weather write", "'write' is not read, post, or read,post"),
        (":apptoken weather read a/b", "'a/b' is no name"),
        (":apptoken weather read " + " ".join(f"r{n}" for n in range(51)), "at most 50 rooms"),
        (":redact-all #ops", "the user name is missing"),
        (":redact-all #ops bob", "how far back is missing"),
        (":redact-all #ops bob all", "give it as in 30m, 12h or 7d"),
        (":report #ops", "the reason is missing"),
        (":report #ops 3", "the reason is missing"),
        (":report #ops 0 spam", "counts back from 1"),
        (":report #ops 101 spam", "counts back from 1"),
        (":report #ops " + "x" * 301, "at most 300 characters"),
        (":suspend", "the user name is missing"),
        (":server-ban", "an address, a name or a pattern is missing"),
        (":server-ban 192.0.2.0/33", "is no address"),
        (":server-kick -", "is no name"),
        (":server-ban mallory 9999d", "from a second to ten years"),
        (":standing bob king", "'king' is not one of account, moderator, operator"),
        (":standing bob guest", "'guest' is not one of"),
        (":audit many", "'many' is not a number of records"),
        (":audit 0", "1 to 200 records"),
        (":announce", "the announcement is missing"),
        (":block", "the user name is missing"),
    ],
)
def test_a_mistake_says_what_would_be_right(line: str, words: str) -> None:
    action = parse(line)
    assert isinstance(action, Mistake)
    assert words in action.text
    assert "Usage: " in action.text


@pytest.mark.parametrize(
    "line",
    [
        ":password old new",
        "  :PASSWORD x",
        ":passwrod x",
        ":delete-account x",
        ":totp off x",
        ":totp 123456",
        ":login ann x",
    ],
)
def test_no_line_that_may_hold_a_secret_is_kept(line: str) -> None:
    assert is_secret(line)
    action = parse(line)
    assert not isinstance(action, Send)
    assert not isinstance(action, Mistake) or "123456" not in action.text


def asked(line: str) -> Ask:
    action = parse(line)
    assert isinstance(action, Ask)
    return action


def test_a_password_is_changed_by_three_hidden_answers() -> None:
    ask = asked(":password")
    assert all(question.secret for question in ask.questions)
    action = ask.then(["correct horse", "battery staple", "battery staple"])
    assert isinstance(action, Send)
    assert action.request == ChangePassword(password="correct horse", new_password="battery staple")


def test_a_new_password_is_asked_for_twice() -> None:
    ask = asked(":register")
    assert ask.then(["correct horse"] * 2) == Send(Register(password="correct horse"))


def test_totp_is_switched_off_with_the_password() -> None:
    action = asked(":totp off").then(["correct horse"])
    assert isinstance(action, Send)
    assert action.request == DisableTotp(password="correct horse")


def test_an_account_is_deleted_after_its_name_was_typed() -> None:
    ask = asked(":delete-account")
    assert "stays" in ask.notice
    assert [question.secret for question in ask.questions] == [True, False]
    action = ask.then(["correct horse", "Ann"])
    assert action == EndAccount("ann", DeleteAccount(password="correct horse"))
    assert "correct horse" not in repr(action)
    assert isinstance(ask.then(["correct horse", "a/b"]), Mistake)


@pytest.mark.parametrize("text", ["123 456", " 123456\n"])
def test_a_code_is_read_as_people_copy_it(text: str) -> None:
    assert checks.one_time_code(text) == "123456"


@pytest.mark.parametrize("text", ["", " ", "1" * 33])
def test_what_is_no_code_is_not_sent(text: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 32 characters"):
        checks.one_time_code(text)
