"""Each command of the operator: what it sends to whom, and how the answer is shown."""

import getpass
import hashlib
import json
import re
import time

import click
import pytest
from click.testing import CliRunner

from zchat.admin.cli import main
from zchat.admin.rpc import send
from zchat.fabric.core.identities import admin_name
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    Announce,
    AuditList,
    AuditRecord,
    BanUsers,
    CloseRoom,
    CreateInvitation,
    KickMember,
    KickUsers,
    Message,
    ReadAudit,
    RefusalCode,
    Refused,
    RestoreUser,
    RevokeInvitation,
    SetStanding,
    Standing,
    SuspendUser,
    UnbanUsers,
)
from zchat.protocol.operators import (
    AccountInfo,
    AccountPage,
    ChangedSettings,
    ChangeSetting,
    ListAccounts,
    ListAllRooms,
    ListSessions,
    RemoveAccount,
    ResetPassword,
    ResetTotp,
    RoomDetails,
    RoomPage,
    SessionInfo,
    SessionPage,
    SettingChange,
)
from zchat.protocol.rules.partitions import address_of_room
from zchat.runtime.settings import SETTING_NAMES
from zchat.users.process import main as user_service

from .conftest import PARTITIONS, Type
from .served import Notes, Served

LOBBY_AT = address_of_room("lobby", PARTITIONS)
GARDEN_AT = address_of_room("garden", PARTITIONS)
WHEN_MS = 1_777_888_999_000
WHEN = "2026-05-04 10:03:19Z"


# --- What is done ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "address", "command", "said"),
    [
        (
            ["announce", "We", "close at ten."],
            LOBBY_AT,
            Announce(id=1, nonce=b"", text="We close at ten."),
            "announced, as entry 7 of the lobby",
        ),
        (
            ["suspend", "Bob", "--reason", "spam"],
            "users",
            SuspendUser(id=1, nonce=b"", user="bob", reason="spam"),
            "bob is suspended until it is restored",
        ),
        (
            ["suspend", "bob", "--until", "2099-01-02T03:04+01:00"],
            "users",
            SuspendUser(id=1, nonce=b"", user="bob", reason="", until_ms=4_071_002_640_000),
            "bob is suspended until 2099-01-02 02:04:00Z",
        ),
        (
            ["restore-user", "bob"],
            "users",
            RestoreUser(id=1, nonce=b"", user="bob"),
            "bob may log in again",
        ),
        (
            ["kick", "bob", "--reason", "spam"],
            "users",
            KickUsers(id=1, nonce=b"", who="bob", reason="spam"),
            (
                "bob is put out, and kept out for 10m, as zchat-admin bans shows; "
                "who keeps order in the cluster may come back"
            ),
        ),
        (
            ["kick", "Spam*", "--for", "1h", "--names-only"],
            "users",
            KickUsers(id=1, nonce=b"", who="spam*", reason="", for_s=3600, names_only=True),
            (
                "spam* is put out, and kept out for 1h, as zchat-admin bans shows; "
                "who keeps order in the cluster may come back"
            ),
        ),
        (
            ["ban", "192.0.2.7/24", "--for", "2h", "--reason", "spam", "--guests"],
            "users",
            BanUsers(id=1, nonce=b"", who="192.0.2.0/24", reason="spam", for_s=7200, guests=True),
            "192.0.2.0/24 is banned for 2h, for guests and new accounts; who was here is put out",
        ),
        (
            ["ban", "2001:db8::1", "--force"],
            "users",
            BanUsers(id=1, nonce=b"", who="2001:db8::/64", force=True),
            "2001:db8::/64 is banned until unbanned; who was here is put out",
        ),
        (
            ["unban", "@Mallory"],
            "users",
            UnbanUsers(id=1, nonce=b"", who="mallory"),
            "mallory is banned no more",
        ),
        (
            ["kick", "bob", "--room", "#garden"],
            GARDEN_AT,
            KickMember(id=1, nonce=b"", room="garden", user="bob"),
            "bob is out of #garden",
        ),
        (
            ["close-room", "garden", "--reason", "empty"],
            GARDEN_AT,
            CloseRoom(id=1, nonce=b"", room="garden", reason="empty"),
            "#garden is closed",
        ),
        (
            ["standing", "bob", "moderator"],
            "users",
            SetStanding(id=1, nonce=b"", user="bob", standing=Standing.MODERATOR),
            "the standing of bob is moderator",
        ),
        (
            ["account reset-totp", "Bob"],
            "users",
            ResetTotp(1, b"", "bob"),
            "the password of bob needs no one-time code any more",
        ),
        (
            ["account delete", "bob", "--reason", "left us", "--yes"],
            "users",
            RemoveAccount(1, b"", "bob", "left us"),
            "bob is deleted; what it has said stays, and its name, which nobody else gets",
        ),
        (
            ["invite", "--revoke", " a-code "],
            "users",
            RevokeInvitation(id=1, nonce=b"", digest=hashlib.sha256(b"a-code").digest()),
            "the invitation is worth nothing any more",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_goes_to_its_service_as_the_operators_own(
    notes: Notes, zchat_admin: Type, line: list[str], address: str, command: Message, said: str
) -> None:
    result = zchat_admin(*line)

    assert (result.exit_code, result.output) == (0, said + "\n")
    ((sent_to, sent),) = notes.commands
    assert sent_to == address
    fields = {field: getattr(sent, field) for field in sent.__struct_fields__}
    assert len(fields.pop("nonce")) == limits.NONCE_BYTES
    assert type(sent) is type(command)
    assert fields == {field: getattr(command, field) for field in fields}
    assert notes.senders == [(admin_name(getpass.getuser()), "", Standing.OPERATOR)]


def test_a_suspension_may_be_for_a_span(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zchat.admin.times.now_ms", lambda: WHEN_MS)
    assert zchat_admin("suspend", "bob", "--for", "2h").exit_code == 0

    ((_, sent),) = notes.commands
    assert isinstance(sent, SuspendUser)
    assert sent.until_ms == WHEN_MS + 2 * 3_600_000


def test_an_invitation_is_shown_once_and_its_digest_sent(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zchat.admin.times.now_ms", lambda: WHEN_MS)
    result = zchat_admin("invite", "--expires", "1d", "--note", "for Bob")

    code = result.stdout.strip()
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}", code)
    assert f"zchat-client NAME --register --invitation {code}" in result.stderr
    ((address, sent),) = notes.commands
    assert address == "users"
    assert isinstance(sent, CreateInvitation)
    assert sent.digest == hashlib.sha256(code.encode()).digest()
    assert (sent.expires_ms, sent.note) == (WHEN_MS + 86_400_000, "for Bob")


def test_a_code_for_a_new_password_is_shown_once_and_its_digest_sent(
    notes: Notes, zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zchat.admin.times.now_ms", lambda: WHEN_MS)
    result = zchat_admin("account reset-password", "Bob", "--shut-out")

    code = result.stdout.strip()
    assert "It works once, until 2026-05-05 10:03:19Z, in the place of" in result.stderr
    ((address, sent),) = notes.commands
    assert address == "users"
    assert isinstance(sent, ResetPassword)
    assert (sent.user, sent.shut_out) == ("bob", True)
    assert sent.digest == hashlib.sha256(code.encode()).digest()
    assert sent.expires_ms == WHEN_MS + 86_400_000


def test_nothing_is_deleted_without_a_yes(notes: Notes, zchat_admin: Type) -> None:
    result = zchat_admin("account delete", "bob")
    assert (result.exit_code, "cannot be brought back" in result.output) == (1, True)
    assert notes.commands == []


def test_no_two_invitations_are_alike(notes: Notes, zchat_admin: Type) -> None:
    codes = [json.loads(zchat_admin("invite", "--json").stdout)["code"] for _ in range(2)]

    assert codes[0] != codes[1]


def test_scripts_are_told_what_came_of_it(notes: Notes, zchat_admin: Type) -> None:
    done = zchat_admin("announce", "hello", "--json")
    assert json.loads(done.stdout) == {"done": True, "log": "#lobby", "sequence": 7}

    notes.refuse = "no"
    refused = zchat_admin("kick", "bob", "--json")
    told = {"done": False, "code": "not_allowed", "reason": "no"}
    assert (refused.exit_code, json.loads(refused.stdout)) == (1, told)


def test_a_refusal_is_told_and_the_exit_code_1(notes: Notes, zchat_admin: Type) -> None:
    notes.refuse = "no, \x1b[31mnever\n"
    result = zchat_admin("restore-user", "bob")

    assert (result.exit_code, result.output) == (1, "Error: no, [31mnever \n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["suspend", "bob", "--for", "soon"], "give a number and s, m, h, d or w, as in 7d"),
        (["suspend", "bob", "--for", "0d"], "not a span of time"),
        (["suspend", "bob", "--until", "soon"], "give one as in 2026-05-04"),
        (["suspend", "bob", "--until", "2020-01-01"], "over already"),
        (["suspend", "bob", "--until", "2099-01-01", "--for", "7d"], "not both"),
        (["suspend", "b b"], "'b b' is no name"),
        (["suspend"], "Missing argument 'USER'"),
        (["kick", "bob", "--reason", "x" * 301], "up to 300 characters"),
        (["standing", "bob", "king"], "'king' is not one of"),
        (["announce", " "], "1 to 16000 characters"),
        (["announce", "close \x1bat ten"], "cannot hold U+001B"),
        (["kick", "bob", "--reason", "\udcff"], "must be valid UTF-8"),
        (["audit", "-n", "0"], "give a whole number from 1"),
        (["invite", "--revoke", " "], "no invitation"),
    ],
)
def test_wrong_usage_is_told_and_sends_nothing(
    notes: Notes, zchat_admin: Type, line: list[str], why: str
) -> None:
    result = zchat_admin(*line)

    assert result.exit_code == 2
    assert why in result.stderr
    assert notes.commands == []


# --- Lists ----------------------------------------------------------------------------------------


def test_users_are_listed_page_by_page(notes: Notes, zchat_admin: Type) -> None:
    ann = AccountInfo("ann", Standing.OPERATOR, True, WHEN_MS, WHEN_MS, devices=2, totp=True)
    bob = AccountInfo("bob", Standing.ACCOUNT, False, WHEN_MS, WHEN_MS, True, None, "a\x1bspam")
    eve = AccountInfo("eve", Standing.GUEST, True, WHEN_MS, None)
    notes.answers["users"] = [AccountPage([ann, bob], True), AccountPage([eve], False)]
    result = zchat_admin("users", "*", "--online")

    assert notes.queries == [
        ("users", ListAccounts("", "*", True)),
        ("users", ListAccounts("bob", "*", True)),
    ]
    head, *rows = result.output.splitlines()
    assert head.split() == [
        *("name", "standing", "online", "created", "registered", "suspended", "devices", "totp")
    ]
    assert [re.split("  +", row) for row in rows] == [
        ["ann", "operator", "yes", WHEN, WHEN, "2", "yes"],
        ["bob", "account", WHEN, WHEN, "until restored: aspam"],
        ["eve", "guest", "yes", WHEN],
    ]


def test_a_list_for_scripts_is_one_object_a_line_with_every_field(
    notes: Notes, zchat_admin: Type
) -> None:
    eve = AccountInfo("eve", Standing.GUEST, True, WHEN_MS, None)
    notes.answers["users"] = [AccountPage([eve, eve], False)]
    lines = zchat_admin("users", "Eve", "--guests", "--json").stdout.splitlines()

    assert notes.queries == [("users", ListAccounts("", "eve", guests=True))]
    assert [json.loads(line) for line in lines] == 2 * [
        {
            "name": "eve",
            "standing": "guest",
            "online": True,
            "created_ms": WHEN_MS,
            "registered_ms": None,
            "suspended": False,
            "until_ms": None,
            "reason": "",
            "devices": 0,
            "totp": False,
        }
    ]


def test_sessions_are_listed(notes: Notes, zchat_admin: Type) -> None:
    session = SessionInfo("ann", "gateway/west", WHEN_MS, 61_000, "192.0.2.1", "phone")
    notes.answers["users"] = [SessionPage([session], False)]
    result = zchat_admin("sessions", "ann")

    assert notes.queries == [("users", ListSessions("", "ann"))]
    assert re.split("  +", result.output.splitlines()[1]) == [
        *("ann", "gateway/west", "192.0.2.1", WHEN, "1m 1s", "phone")
    ]


def test_rooms_of_all_partitions_are_one_list(notes: Notes, zchat_admin: Type) -> None:
    barn = RoomDetails("barn", 2, "ann", WHEN_MS, 12, private=True, keyed=True)
    garden = RoomDetails("garden", 0, "", WHEN_MS, 3)
    lobby = RoomDetails("lobby", None, "", WHEN_MS, 0)
    notes.answers["rooms/0"] = [RoomPage([garden], True), RoomPage([lobby], False)]
    notes.answers["rooms/1"] = [RoomPage([barn], False)]
    result = zchat_admin("rooms")

    assert sorted(notes.queries, key=str) == [
        ("rooms/0", ListAllRooms("")),
        ("rooms/0", ListAllRooms("garden")),
        ("rooms/1", ListAllRooms("")),
    ]
    assert [re.split("  +", row) for row in result.output.splitlines()[1:]] == [
        ["#barn", "2", "private, keyed", "ann", WHEN, "12"],
        ["#garden", "0", "open", WHEN, "3"],
        ["#lobby", "everyone", "open", WHEN, "0"],
    ]


def test_a_refused_query_is_told_and_the_exit_code_1(notes: Notes, zchat_admin: Type) -> None:
    notes.answers["users"] = [Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators")]
    result = zchat_admin("sessions")

    assert (result.exit_code, result.output) == (1, "Error: this is for operators\n")


def test_the_audit_of_all_services_is_one_list_newest_first(
    notes: Notes, zchat_admin: Type
) -> None:
    kicked = AuditRecord(WHEN_MS, "ann", "kick_member", "bob", "garden", "spam\n")
    closed = AuditRecord(WHEN_MS + 1000, "ann", "close_room", "", "barn")
    suspended = AuditRecord(WHEN_MS + 500, "admin/root", "suspend_user", "bob")
    notes.answers = {
        "users": [AuditList(1, [suspended]), AuditList(1, [])],
        "rooms/0": [AuditList(1, [kicked]), AuditList(1, [])],
        "rooms/1": [AuditList(1, [closed]), AuditList(1, [])],
    }
    result = zchat_admin("audit")

    assert ("users", ReadAudit(id=1, limit=limits.AUDIT_RECORDS_MAX)) in notes.queries
    assert (
        "users",
        ReadAudit(id=1, limit=limits.AUDIT_RECORDS_MAX, before_ms=suspended.at_ms),
    ) in notes.queries
    assert [re.split("  +", row) for row in result.output.splitlines()[1:]] == [
        ["2026-05-04 10:03:20Z", "ann", "close_room", "#barn"],
        ["2026-05-04 10:03:19Z", "admin/root", "suspend_user", "bob"],
        [WHEN, "ann", "kick_member", "bob", "#garden", "spam"],
    ]


def test_the_audit_shows_what_is_asked_for(notes: Notes, zchat_admin: Type) -> None:
    records = [
        AuditRecord(WHEN_MS - number, actor, action, subject, room)
        for number, (actor, action, subject, room) in enumerate(
            [
                ("ann", "kick_member", "bob", "garden"),
                ("eve", "kick_member", "bob", "garden"),
                ("ann", "ban_member", "bob", "garden"),
                ("ann", "kick_member", "tom", "garden"),
                ("ann", "kick_member", "bob", "barn"),
                ("ann", "kick_member", "bob", "garden"),
                ("ann", "kick_member", "bob", "garden"),
                ("ann", "kick_member", "bob", "garden"),
            ]
        )
    ]
    for address in ("users", "rooms/0", "rooms/1"):
        notes.answers[address] = [AuditList(1, []), AuditList(1, [])]
    notes.answers["rooms/0"].insert(0, AuditList(1, records))
    since = f"2026-05-04T10:03:18.{1000 - 6}+00:00"
    lines = zchat_admin(
        *(
            "audit",
            "--actor",
            "ann",
            "--action",
            "kick-member",
            "--user",
            "bob",
            "--room",
            "#garden",
        ),
        *("--since", since, "--json"),
    ).stdout.splitlines()

    shown = [json.loads(line)["at_ms"] for line in lines]
    assert shown == [records[0].at_ms, records[5].at_ms, records[6].at_ms]


def test_no_more_of_the_audit_is_shown_than_wanted(notes: Notes, zchat_admin: Type) -> None:
    records = [AuditRecord(WHEN_MS - number, "ann", "kick_member") for number in range(5)]
    for address in ("users", "rooms/0", "rooms/1"):
        notes.answers[address] = [AuditList(1, []), AuditList(1, [])]
    notes.answers["users"].insert(0, AuditList(1, records))

    assert len(zchat_admin("audit", "-n", "3", "--json").stdout.splitlines()) == 3


# --- Without a cluster ----------------------------------------------------------------------------


def test_limits_and_settings_are_told_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCHAT_DRAIN_S", "5")
    result = CliRunner().invoke(main, ["limits", "--json"])

    told = json.loads(result.stdout)
    assert told["limits"]["text_chars_max"] == limits.TEXT_CHARS_MAX
    assert told["settings"]["drain_s"] == {"value": "5.0", "from": "environment ZCHAT_DRAIN_S"}
    assert told["settings"]["listen"] == {"value": "127.0.0.1:7447", "from": "default"}
    table = CliRunner().invoke(main, ["limits"]).stdout
    assert re.search(r"^text_chars_max +16,000$", table, re.MULTILINE)
    assert re.search(r"^drain_s +5.0 +environment ZCHAT_DRAIN_S$", table, re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "sent", "said"),
    [
        (
            ["set", "GUESTS", "deny"],
            ChangeSetting(1, "guests", "deny"),
            "guests is deny from now on, in all processes",
        ),
        (
            ["set", "--", "--message-rate", "off"],
            ChangeSetting(1, "message_rate", "off"),
            "message_rate is off from now on, in all processes",
        ),
        (
            ["unset", "guests"],
            ChangeSetting(1, "guests", None),
            "guests is again what each process was started with",
        ),
    ],
)
def test_a_setting_is_changed_for_all(
    notes: Notes, zchat_admin: Type, line: list[str], sent: ChangeSetting, said: str
) -> None:
    assert zchat_admin(*line).output == said + "\n"
    assert notes.commands == [("users", sent)]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("guests", "perhaps", "Error: guests: 'perhaps' is not known; give one of allow, deny\n"),
        ("password_threads", "3", "and then: supervisorctl restart user-service\n"),
        ("gusts", "deny", "there is no such setting; the nearest is 'guests'\n"),
        ("retention", "7", "zchat-admin retention set\n"),
    ],
)
def test_a_setting_that_cannot_be_changed_is_told_without_asking_anybody(
    notes: Notes, zchat_admin: Type, name: str, value: str, why: str
) -> None:
    result = zchat_admin("set", name, value)
    assert result.exit_code == 1
    assert result.output.endswith(why)
    assert notes.commands == []


def test_what_is_in_force_is_shown_with_where_it_comes_from(
    cluster: Served, notes: Notes, zchat_admin: Type
) -> None:
    notes.settings = encode(
        ChangedSettings([SettingChange("guests", "deny", "admin/root", WHEN_MS)])
    )
    origin = "set by admin/root at 2026-05-04 10:03:19 UTC"

    def shown() -> dict[str, dict[str, str]]:
        told: dict[str, dict[str, str]] = json.loads(zchat_admin("show-config", "--json").output)
        return told

    deadline = time.monotonic() + 20
    while shown()["guests"]["value"] != "deny" and time.monotonic() < deadline:
        # A service says it with its next heartbeat.
        send(cluster.settings, "users", ChangeSetting(1, "guests", "deny"))
    assert shown()["guests"] == {"value": "deny", "from": origin}
    assert shown()["registration"] == {"value": "open", "from": "default"}
    var = ("--var", str(cluster.settings.var))
    line = re.compile(rf"^guests +deny +{re.escape(origin)}$", re.MULTILINE)
    assert line.search(CliRunner().invoke(user_service, ["--show-config", *var]).output)
    assert line.search(zchat_admin("show-config").output)


@pytest.mark.parametrize(
    "line", [["restore-user", "bob"], ["users"], ["status"], ["audit"], ["show-config"]]
)
def test_without_an_answer_the_exit_code_is_3(
    line: list[str], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMMAND_TIMEOUT_S", "QUERY_TIMEOUT_S", "PEER_EXPIRY_S"):
        monkeypatch.setattr(limits, name, 0.01)
    folder = tmp_path_factory.mktemp("c")
    result = CliRunner().invoke(main, [*line, "--var", str(folder)])

    assert result.exit_code == 3
    assert "; does the cluster run, and is this its folder?" in result.stderr


@pytest.mark.parametrize("command", main.commands.values(), ids=main.commands.keys())
def test_nothing_in_the_file_of_settings_is_taken_for_an_option(command: click.Command) -> None:
    names = [parameter.name for parameter in command.params]

    assert len(names) == len(set(names))
    settings = {parameter.name for parameter in command.params if parameter.envvar}
    assert (set(names) - settings) & SETTING_NAMES == set()
