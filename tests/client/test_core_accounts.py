"""The rules of the client core about who it is: passwords, tokens, devices, and the end of them."""

import pytest

from zchat.client.core.credentials import Credentials
from zchat.client.core.events import (
    Answered,
    ConnectionFailed,
    Fatal,
    LoggedOut,
    SessionBegun,
)
from zchat.protocol.messages import (
    ChangePassword,
    DeleteAccount,
    Done,
    Hello,
    LoggedIn,
    LogIn,
    LogOutEverywhere,
    RefusalCode,
    Refused,
    Register,
    Request,
    RevokeDevice,
    Welcome,
)

from .playbook import TOKEN, Playbook, closes

PASSWORD = "correct horse"


def test_the_first_login_shows_everything() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop", "123456", True, "spring"))
    login = play.connect()
    assert login == LogIn(
        id=1,
        name="ann",
        token=TOKEN,
        password=PASSWORD,
        cursors={},
        device="laptop",
        code="123456",
        register=True,
        invitation="spring",
    )


def test_it_is_shown_until_it_has_been_taken() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop", "123456", True, "spring"))
    first = play.connect()
    play.disconnect()
    again = play.connect()
    assert (again.code, again.register) == (first.code, first.register) == ("123456", True)


def test_a_remembered_device_comes_back_by_its_token_alone() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop", "123456", True, "spring"))
    play.log_in(guest=False)
    play.disconnect()
    assert play.connect() == LogIn(id=2, name="ann", token=TOKEN, device="laptop", account=True)


def test_a_client_that_is_not_remembered_keeps_its_password_and_no_code() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, code="123456"))
    play.log_in(guest=False)
    play.disconnect()
    assert play.connect() == LogIn(id=2, name="ann", token=TOKEN, password=PASSWORD, account=True)


def test_a_guest_is_no_device() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop"))
    play.log_in(guest=True)
    play.disconnect()
    assert play.connect().password == PASSWORD


def test_a_client_whose_token_was_revoked_ends_and_says_why() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop"))
    play.log_in(guest=False)
    assert closes(play.receive(Refused(None, RefusalCode.SESSION_ENDED, "Again.")))
    play.disconnect()
    refused = Refused(play.connect().id, RefusalCode.PASSWORD_REQUIRED, "A password, please.")
    [fatal] = [effect for effect in play.receive(refused) if isinstance(effect, Fatal)]
    assert fatal.refused.code is RefusalCode.PASSWORD_REQUIRED
    assert "logged out" in fatal.refused.reason


def test_a_changed_password_is_the_one_to_come_back_with() -> None:
    play = Playbook(password=PASSWORD)
    play.log_in(guest=False)
    request = play.submit(ChangePassword(password=PASSWORD, new_password="battery staple"))
    play.receive(Refused(request, RefusalCode.WRONG_PASSWORD, "No."))
    play.disconnect()
    assert play.connect().password == PASSWORD
    play = Playbook(password=PASSWORD)
    play.log_in(guest=False)
    request = play.submit(ChangePassword(password=PASSWORD, new_password="battery staple"))
    play.receive(Done(request))
    play.disconnect()
    assert play.connect().password == "battery staple"


@pytest.mark.parametrize(
    "code",
    [
        RefusalCode.GUESTS_NOT_ALLOWED,
        RefusalCode.REGISTRATION_CLOSED,
        RefusalCode.INVITATION_REQUIRED,
        RefusalCode.INVALID_INVITATION,
        RefusalCode.CODE_REQUIRED,
        RefusalCode.WRONG_CODE,
        RefusalCode.SUSPENDED,
    ],
)
@pytest.mark.parametrize("resuming", [False, True])
def test_what_waiting_does_not_help_ends_the_client(code: RefusalCode, *, resuming: bool) -> None:
    play = Playbook()
    if resuming:
        play.log_in()
        play.disconnect()
    refused = Refused(play.connect().id, code, "No.")
    assert Fatal(refused) in play.receive(refused)


def test_only_who_logs_in_for_the_first_time_hears_that_it_is_too_fast() -> None:
    play = Playbook()
    refused = Refused(play.connect().id, RefusalCode.TOO_FAST, "Not so fast.", 1500)
    assert Fatal(refused) in play.receive(refused)
    play = Playbook()
    play.log_in()
    play.disconnect()
    refused = Refused(play.connect().id, RefusalCode.TOO_FAST, "Not so fast.", 1500)
    assert not any(isinstance(effect, Fatal) for effect in play.receive(refused))
    play.disconnect()
    play.log_in()


PARTING = [LogOutEverywhere(), DeleteAccount(password=PASSWORD)]


@pytest.mark.parametrize("draft", PARTING)
def test_with_all_sessions_this_one_is_over(draft: Request) -> None:
    play = Playbook()
    play.log_in(guest=False)
    request = play.submit(draft)
    sent = play.sent()[-1]
    effects = play.receive(Done(request))
    assert effects[:2] == [Answered(request, sent, Done(request)), LoggedOut()]  # type: ignore[arg-type]
    play.disconnect()
    assert play.core.next_call_at() is None


@pytest.mark.parametrize("draft", PARTING)
def test_a_refused_farewell_changes_nothing(draft: Request) -> None:
    play = Playbook()
    play.log_in(guest=False)
    request = play.submit(draft)
    effects = play.receive(Refused(request, RefusalCode.WRONG_PASSWORD, "No."))
    assert not any(isinstance(effect, LoggedOut) for effect in effects)


@pytest.mark.parametrize("draft", [*PARTING, RevokeDevice(device=3)])
def test_a_session_that_ends_before_the_answer_comes_was_meant_to(draft: Request) -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD, "laptop"))
    play.log_in(guest=False)
    request = play.submit(draft)
    play.receive(Refused(None, RefusalCode.SESSION_ENDED, "Ended."))
    play.disconnect()
    effects = play.receive(Refused(play.connect().id, RefusalCode.PASSWORD_REQUIRED, "No."))
    [answered] = [effect for effect in effects if isinstance(effect, Answered)]
    assert (answered.id, answered.answer) == (request, Done(request))
    assert LoggedOut() in effects
    assert play.core.unanswered == 0


def test_whoever_can_come_back_asks_again_and_is_answered() -> None:
    play = Playbook(password=PASSWORD)
    play.log_in(guest=False)
    play.submit(LogOutEverywhere())
    [first] = play.sent()
    play.disconnect()
    play.log_in(guest=False)
    assert play.sent() == [first]


def test_no_secret_is_in_what_a_core_may_be_printed_as() -> None:
    shown = repr(Credentials(TOKEN, PASSWORD, "laptop", "123456", True, "spring"))
    assert "laptop" in shown
    assert not any(secret in shown for secret in (PASSWORD, "123456", "spring", repr(TOKEN)))


def test_a_guest_that_registers_comes_back_with_its_password() -> None:
    play = Playbook(credentials=Credentials(TOKEN, None, "laptop"))
    play.log_in()
    request = play.submit(Register(password=PASSWORD))
    play.receive(Done(request))
    play.disconnect()
    assert play.connect().password == PASSWORD


# --- Which cluster, and whose token ---------------------------------------------------------------

HERE, ELSEWHERE = "c0ffee00c0ffee00", "deadbeefdeadbeef"


def of_cluster(cluster: str = HERE) -> Playbook:
    """A client whose token is for this cluster, and who has just connected."""
    play = Playbook(credentials=Credentials(TOKEN, account=True, cluster=cluster))
    play.wait(0)
    play.core.connected(play.now)
    return play


def test_a_token_for_a_cluster_is_shown_once_it_is_known_to_be_there() -> None:
    play = of_cluster()
    [hello] = play.sent()
    assert isinstance(hello, Hello)
    play.receive(Welcome(1, "test", HERE))
    [log_in] = play.sent()
    assert isinstance(log_in, LogIn)
    assert (log_in.token, log_in.account) == (TOKEN, True)
    [begun] = play.receive(LoggedIn(log_in.id, "ann", False, []))
    assert isinstance(begun, SessionBegun)
    assert play.core.cluster == HERE


def test_a_token_for_a_cluster_is_not_shown_to_another_one() -> None:
    play = of_cluster()
    play.sent()
    effects = play.receive(Welcome(1, "test", ELSEWHERE))
    [fatal] = [effect for effect in effects if isinstance(effect, Fatal)]
    assert fatal.other_cluster == ELSEWHERE
    assert play.sent() == []
    assert closes(effects)


def test_it_is_not_shown_to_a_server_that_does_not_say_which_it_is() -> None:
    play = of_cluster()
    play.sent()
    effects = play.receive(Welcome(1, "test"))
    [fatal] = [effect for effect in effects if isinstance(effect, Fatal)]
    assert fatal.other_cluster == ""
    assert "which cluster" in fatal.refused.reason
    assert play.sent() == []


def test_who_was_in_tries_other_gateways_if_one_does_not_say_which_cluster_it_is() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD))
    log_in = play.connect()
    play.receive(Welcome(1, "test", HERE), LoggedIn(log_in.id, "ann", False, []))
    play.disconnect()
    play.wait(11.0)
    play.core.connected(play.now)
    assert closes(play.receive(Welcome(1, "test")))
    assert len(play.sent()) == 1, "hello alone"
    [failed] = play.disconnect()
    assert isinstance(failed, ConnectionFailed)


def test_whoever_has_proved_an_account_comes_back_to_that_cluster_alone() -> None:
    play = Playbook(credentials=Credentials(TOKEN, PASSWORD))
    log_in = play.connect()
    play.receive(Welcome(1, "test", HERE), LoggedIn(log_in.id, "ann", False, []))
    play.disconnect()
    play.wait(11.0)
    play.core.connected(play.now)
    assert len(play.sent()) == 1
    play.receive(Welcome(1, "test", ELSEWHERE))
    assert play.sent() == []


def test_a_guest_comes_back_in_one_round_trip() -> None:
    play = Playbook()
    log_in = play.connect()
    play.receive(Welcome(1, "test", HERE), LoggedIn(log_in.id, "ann", True, []))
    play.disconnect()
    assert not play.connect().account


def test_an_older_server_that_makes_a_guest_of_an_account_is_left_at_once() -> None:
    play = Playbook(credentials=Credentials(TOKEN, account=True))
    log_in = play.connect()
    effects = play.receive(Welcome(1, "test"), LoggedIn(log_in.id, "ann", True, []))
    [fatal] = [effect for effect in effects if isinstance(effect, Fatal)]
    assert fatal.refused.code is RefusalCode.UNKNOWN_TOKEN
    assert closes(effects)
