"""Each trouble of a set-up is seen, and what is well is not called trouble."""

import contextlib
import errno
import os
import shutil
import socket
import ssl
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from click.testing import CliRunner, Result

from zchat.admin import host
from zchat.admin.cli import main
from zchat.admin.commands import doctor
from zchat.admin.commands.doctor import Check, Level
from zchat.eventlog.database import WriterLock
from zchat.protocol.codec import encode
from zchat.protocol.internal import ClusterStatus, PeerStatus, ProcessStatus
from zchat.runtime.options import Address
from zchat.runtime.settings import Settings

from .data import damaging, make_data

OTHER: Final = 54_321
"""A user that no system has."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@contextlib.contextmanager
def as_user(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


def let_through(folder: Path) -> None:
    """Others than root may get there."""
    for path in (folder, *folder.parents):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & stat.S_IXOTH:
            path.chmod(mode | 0o011)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for name in ("var", "var/run", "keys"):
        (tmp_path / name).mkdir(mode=0o700)
    make_data(tmp_path / "var" / "data")
    return Settings(var=tmp_path / "var")


def troubles(found: Iterable[Check]) -> list[str]:
    """Sentences of all that is not well; each has a remedy."""
    bad = [check for check in found if check.level is not Level.OK]
    assert all(check.remedy for check in bad)
    return [check.sentence for check in bad]


def test_what_is_well_is_no_trouble(settings: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert troubles(doctor.versions()) == []
    assert troubles(doctor.folders(settings, keys)) == []
    assert troubles(doctor.databases(settings)) == []
    assert troubles(doctor.place(settings)) == []
    assert troubles(doctor.fabric(settings, keys)) == []


def test_what_others_can_read_is_trouble(settings: Settings, tmp_path: Path) -> None:
    settings.run.chmod(0o750)
    (settings.data / "users.sqlite").chmod(0o644)
    (tmp_path / "keys" / "router").write_text("secret")
    (tmp_path / "keys" / "router").chmod(0o604)
    found = troubles(doctor.folders(settings, tmp_path / "keys"))
    assert [sentence.split(" is open")[0] for sentence in found] == [
        str(settings.data / "users.sqlite"),
        str(settings.run),
        str(tmp_path / "keys" / "router"),
    ]


def test_logs_that_others_can_read_are_to_be_closed(settings: Settings, tmp_path: Path) -> None:
    (settings.var / "router.log").touch(mode=0o644)
    settings.var.chmod(0o755)
    found = [each for each in doctor.folders(settings, tmp_path / "keys") if each.remedy]
    assert [(each.level, each.remedy) for each in found] == [
        (Level.WARNING, f"close it: chmod 700 {settings.var}"),
        (Level.WARNING, f"close it: chmod 600 {settings.var / 'router.log'}"),
    ]


@as_root
def test_what_belongs_to_another_user_is_trouble_and_no_crash(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doctor() -> Result:
        return CliRunner().invoke(main, ["doctor", "--var", str(settings.var)])

    monkeypatch.setenv("ZCHAT_LISTEN", f"127.0.0.1:{_free_port()}")
    assert doctor().exit_code == 0
    let_through(tmp_path)
    for path in (settings.var, settings.run):
        os.chown(path, OTHER, OTHER)
    with as_user(OTHER):
        found = doctor()
    assert (found.exit_code, type(found.exception)) == (1, SystemExit), found.output
    assert f"{settings.data} belongs to root, and this runs as " in found.output
    assert f"sudo chown -R {host.user_name(OTHER)}: {settings.data}" in found.output
    assert "users.sqlite.lock cannot be looked at: Permission denied" in found.output
    # The rest is looked at all the same, and the other commands do not say that there is nothing.
    assert "open files" not in found.output
    with as_user(OTHER):
        for words in (["verify"], ["backup", str(tmp_path / "backups")]):
            refused = CliRunner().invoke(main, [*words, "--var", str(settings.var)])
            assert "Permission denied" in refused.output
            assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    # Root sees it, too; and where all is the user's of the cluster, all is well.
    assert f"sudo chown -R {host.user_name(OTHER)}: {settings.data}" in doctor().output
    for path in (settings.data, *settings.data.rglob("*")):
        os.chown(path, OTHER, OTHER)
    assert doctor().exit_code == 0
    assert os.geteuid() == 0


def test_what_cannot_be_looked_at_is_trouble_and_keeps_nothing_from_being_looked_at() -> None:
    def found() -> Iterator[Check]:
        yield doctor.ok("files", "well")
        raise PermissionError(errno.EACCES, "Permission denied", "var/data")

    assert [each.sentence for each in doctor.guarded("files", found())] == [
        "well",
        "var/data cannot be looked at: Permission denied",
    ]


def test_a_folder_that_is_not_there_is_trouble_if_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (check,) = doctor.place(Settings(var=tmp_path / "none"))
    assert check.level is Level.PROBLEM
    (check,) = doctor.place(Settings())
    assert check.level is Level.WARNING
    (tmp_path / "var").mkdir()
    (check,) = doctor.place(Settings())
    assert check.level is Level.OK


def test_settings_that_only_the_programs_have_are_trouble(
    settings: Settings, tmp_path: Path
) -> None:
    there = {"ZCHAT_VAR": str(settings.var), "ZCHAT_GUESTS": "deny", "ZCHAT_NAME": "gateway-1"}
    running = doctor.Supervisord(7, tmp_path, there)
    assert troubles(doctor.same_settings(settings, None, running, {})) == [
        "supervisord (process 7) has ZCHAT_GUESTS=deny, and this command no ZCHAT_GUESTS"
    ]
    ours = {"ZCHAT_GUESTS": "deny", "ZCHAT_EDITS": "keep"}
    elsewhere = Settings(var=tmp_path)
    assert [
        sentence.partition(" has ")[2]
        for sentence in troubles(doctor.same_settings(elsewhere, None, running, ours))
    ] == [
        "no ZCHAT_EDITS, and this command ZCHAT_EDITS=keep",
        f"ZCHAT_VAR={settings.var}, and this command no ZCHAT_VAR",
    ]
    config = tmp_path / "zchat.toml"
    config.touch()
    same = {"ZCHAT_GUESTS": "deny"}
    assert troubles(doctor.same_settings(settings, config, running, same)) == []
    assert troubles(doctor.same_settings(settings, None, running, same)) == [
        f"the programs read {config}, and this command does not"
    ]


def test_programs_that_do_not_run_are_trouble() -> None:
    seen = {
        "router": (20, "RUNNING", ""),
        "users": (10, "STARTING", ""),
        "rooms": (200, "FATAL", "Exited too quickly (process log may have details)"),
        "gateway": (30, "BACKOFF", "can't find command 'zchat-gateway'"),
        "gateway-1": (100, "EXITED", ""),
        "reviver": (0, "STOPPED", ""),
    }
    infos = [
        {
            "name": name,
            "group": name,
            "state": state,
            "description": "",
            "spawnerr": why,
            "stdout_logfile": f"/x/procfiles/../var/{name}.log",
            "exitstatus": 2,
            "stderr_logfile": "",
        }
        for name, (state, _, why) in seen.items()
    ]
    found = [each for each in doctor.states(infos) if each.level is not Level.OK]
    assert [(each.level, each.sentence) for each in found] == [
        (
            Level.PROBLEM,
            "rooms does not stay up: Exited too quickly (process log may have details)",
        ),
        (Level.PROBLEM, "gateway does not stay up: can't find command 'zchat-gateway'"),
        (Level.PROBLEM, "gateway-1 has ended, with exit code 2"),
        (Level.WARNING, "reviver was stopped"),
    ]
    assert found[0].remedy == "its log says why: /x/var/rooms.log"


def test_a_database_of_a_newer_release_is_trouble(settings: Settings) -> None:
    with damaging(settings.data / "rooms-0.sqlite") as database:
        database.execute("INSERT INTO alembic_version VALUES ('rooms_9999')")
    (found,) = troubles(doctor.databases(settings))
    assert found.endswith("rooms-0.sqlite is at revision rooms_9999, newer than this release")


def test_a_process_with_another_time_is_trouble() -> None:
    now_ms = 1_800_000_000_000
    three_days_ms = 3 * 86_400_000
    told = {
        "router": now_ms - 200,
        "rooms/0": now_ms - three_days_ms,
        "users": now_ms + 120_000,
        "gateway/old": 0,
    }
    peers = [
        PeerStatus(name, 200, encode(ProcessStatus("p", "1", 1, "h", 1, 1.0, 1.0, 1, {}, clock_ms)))
        for name, clock_ms in told.items()
    ]
    answer = encode(ClusterStatus({}, [*peers, PeerStatus("gateway/new", 5, b"")]))
    assert troubles(doctor.clocks(answer, now_ms)) == [
        "the clock of rooms/0 is 3.0 days behind this one",
        "the clock of users is 2 minutes ahead of this one",
    ]
    assert list(doctor.clocks(None, now_ms)) == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"metrics": Address("127.0.0.1", 7381)}, "gateway-0 are to be at 127.0.0.1:7447, where"),
        ({"metrics": Address("0.0.0.0", 7380)}, "gateway-1 are to be at 0.0.0.0:7447, where"),
        ({"metrics": Address("127.0.0.1", 7447)}, "router are to be at 127.0.0.1:7447, where"),
        ({"metrics": Address("127.0.0.1", 7446)}, "user-service are to be at 127.0.0.1:7447"),
        (
            {"metrics": Address("10.0.0.5", 7569), "router": "tcp://10.0.0.5:7500"},
            "router are to be at 10.0.0.5:7569, where the router has a socket",
        ),
        ({"router": "tcp://127.0.0.1:7400"}, "clients are to connect to 127.0.0.1:7447, where"),
    ],
)
def test_ports_for_two_are_trouble(given: dict[str, Any], sentence: str) -> None:
    (found,) = troubles(doctor.rows_of_ports(Settings(**given)))
    assert sentence in found


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"metrics": Address("127.0.0.1", 9100), "router": "tcp://127.0.0.1:7500"},
        {"metrics": Address("127.0.0.2", 7381)},
    ],
)
def test_ports_for_one_each_are_none(given: dict[str, Any]) -> None:
    assert troubles(doctor.rows_of_ports(Settings(**given))) == []


def test_a_port_that_is_taken_is_told_with_what_helps() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = host.trouble_at(Address("127.0.0.1", port), shared=True)
    assert found is not None
    assert (found.why, f"sport = :{port}" in found.remedy) == ("the port is taken", True)


def test_an_old_release_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "library_version", lambda: "4.2.5")
    monkeypatch.setattr(doctor, "sqlite_version", lambda: "3.9.0")
    assert troubles(doctor.versions()) == ["SQLite is 3.9.0", "libzmq is 4.2.5"]


def test_a_full_disk_is_trouble(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_DISK_FREE_BYTES_GOOD", 1 << 60)
    (check,) = doctor.disk(settings)
    assert check.level is Level.WARNING
    monkeypatch.setattr(doctor, "_DISK_FREE_BYTES_MIN", 1 << 60)
    (check,) = doctor.disk(settings)
    assert check.level is Level.PROBLEM


def test_a_damaged_database_is_trouble(settings: Settings) -> None:
    (settings.data / "rooms-1.sqlite").write_bytes(b"x" * 4096)
    (found,) = troubles(doctor.databases(settings))
    assert "rooms-1.sqlite: file is not a database" in found


def test_a_clock_that_was_set_back_is_trouble(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert troubles(doctor.databases(settings))[0] == "this host's clock is years behind"
    assert any("the clock was set back" in one for one in troubles(doctor.databases(settings)))


def test_tcp_without_keys_is_trouble(settings: Settings, tmp_path: Path) -> None:
    over_tcp = Settings(var=settings.var, router="tcp://127.0.0.1:7500")
    (found,) = troubles(doctor.fabric(over_tcp, tmp_path / "keys"))
    assert "there are no keys" in found
    invoked = CliRunner().invoke(main, ["keys", "init", "--keys", str(tmp_path / "keys")])
    assert invoked.exit_code == 0
    assert troubles(doctor.fabric(over_tcp, tmp_path / "keys")) == []
    (tmp_path / "keys" / "users.secret").write_text("nonsense")
    (tmp_path / "keys" / "router.public").unlink()
    assert [
        one.partition(";")[0] for one in troubles(doctor.fabric(over_tcp, tmp_path / "keys"))
    ] == [
        f"there is no {tmp_path / 'keys' / 'router.public'}",
        f"{tmp_path / 'keys' / 'users.secret'} is not TOML",
    ]


def test_an_operator_without_a_key_is_told_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = WriterLock(settings.data / "users.sqlite.lock")
    monkeypatch.setenv("ZCHAT_ROUTER", "tcp://127.0.0.1:7500")
    monkeypatch.setenv("ZCHAT_LISTEN", f"127.0.0.1:{_free_port()}")
    found = CliRunner().invoke(main, ["doctor", "--var", str(settings.var)])
    lock.close()
    assert "the processes cannot be asked: there is no " in found.output
    assert "zchat-admin keys make admin/" in found.output


@pytest.mark.parametrize("name", ["var", "data", "run"])
def test_what_is_no_folder_is_trouble(settings: Settings, name: str) -> None:
    folder = {"var": settings.var, "data": settings.data, "run": settings.run}[name]
    shutil.rmtree(folder)
    folder.touch()
    found = CliRunner().invoke(main, ["doctor", "--var", str(settings.var)])
    assert (found.exit_code, type(found.exception)) == (1, SystemExit)
    assert "leads to no folder" in found.output or "cannot be looked at: Not a" in found.output


def test_a_port_of_somebody_else_is_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        (found,) = troubles(doctor.gateway(Settings(listen=(address,))))
        assert "cannot listen" in found
    assert troubles(doctor.gateway(Settings(listen=(address,)))) == []


def test_open_addresses_want_tls() -> None:
    everywhere = (Address("0.0.0.0", _free_port()),)
    (found,) = troubles(doctor.gateway(Settings(listen=everywhere, plain="anywhere")))
    assert "not encrypted" in found


def test_browsers_that_may_come_in_and_then_not_chat_are_trouble() -> None:
    everywhere = (Address("0.0.0.0", _free_port()),)
    settings = Settings(listen=everywhere, plain="anywhere", web="on")
    assert any("may not chat there" in one for one in troubles(doctor.gateway(settings)))
    origin = ("https://chat.example",)
    (tls,) = troubles(doctor.gateway(replace(settings, web_origins=origin)))
    assert "not encrypted" in tls
    here = Settings(web="off", web_origins=origin, listen=(Address("127.0.0.1", _free_port()),))
    (found,) = troubles(doctor.gateway(here))
    assert "no gateway lets browsers in" in found


def test_settings_that_no_gateway_starts_with_are_trouble(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCHAT_LISTEN", f"0.0.0.0:{_free_port()}")
    result = CliRunner().invoke(main, ["doctor", "--var", str(settings.var)])
    assert result.exit_code == 1
    assert "without TLS all can be read" in result.output


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("days", "sentence"),
    [(90, None), (5, "is good for 5 more days"), (-3, "is out of date since 3 days")],
)
def test_certificates_are_looked_at(tmp_path: Path, days: int, sentence: str | None) -> None:
    ends = datetime.now(UTC) + timedelta(days=days, minutes=5 if days > 0 else 0)
    begins = ends - timedelta(days=100)
    made = trustme.CA().issue_cert("chat.example", not_after=ends, not_before=begins)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.cert_chain_pems[0].write_to_path(str(cert))
    made.private_key_pem.write_to_path(str(key))
    found = troubles(doctor.certificate(cert, key))
    assert [sentence in one for one in found if sentence] == ([True] if sentence else [])
    assert "cannot be used" in troubles(doctor.certificate(key, cert))[0]
    assert ssl.OPENSSL_VERSION


def test_old_backups_are_trouble(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    assert troubles(doctor.backups(target)) == [f"there is no backup in {target}"]
    CliRunner().invoke(main, ["backup", "--var", str(settings.var), str(target)])
    assert troubles(doctor.backups(target)) == []
    (folder,) = target.iterdir()
    text = (folder / "manifest.json").read_text()
    (made_at_ms,) = [one for one in text.splitlines() if "made_at_ms" in one]
    (folder / "manifest.json").write_text(text.replace(made_at_ms, '"made_at_ms": 1,'))
    assert "days old" in troubles(doctor.backups(target))[0]


def test_the_last_backup_is_known_wherever_it_went(settings: Settings, tmp_path: Path) -> None:
    assert troubles(doctor.last_backup(settings)) == ["no backup of this data was ever made"]
    CliRunner().invoke(main, ["backup", "--var", str(settings.var), str(tmp_path / "backups")])
    assert troubles(doctor.last_backup(settings)) == []
    assert str(tmp_path / "backups") in settings.backup_mark.read_text()
    os.utime(settings.backup_mark, (1, 1))
    assert "days ago" in troubles(doctor.last_backup(settings))[0]
    assert list(doctor.last_backup(Settings(var=tmp_path / "new"))) == []


def test_who_holds_a_lock_is_known(tmp_path: Path) -> None:
    path = tmp_path / "users.sqlite.lock"
    assert doctor.lock_holder(path) is None
    lock = WriterLock(path)
    assert doctor.lock_holder(path) == str(os.getpid())
    lock.close()
    assert doctor.lock_holder(path) is None


def test_the_command_says_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(settings.var.parent)
    monkeypatch.setenv("ZCHAT_LISTEN", f"127.0.0.1:{_free_port()}")
    well = CliRunner().invoke(main, ["doctor"])
    assert well.exit_code == 0, well.output
    with damaging(settings.data / "users.sqlite") as database:
        database.execute("DROP TABLE entries")
    monkeypatch.setenv("ZCHAT_DRAIN_S", "99")
    ill = CliRunner().invoke(main, ["doctor"])
    assert ill.exit_code == 1
    assert "problem  databases: var/data/users.sqlite: no such table: entries" in ill.output
    assert "         look closer with: zchat-admin verify" in ill.output
    assert "wrong value for drain_s" in ill.output


@as_root
def test_what_root_restores_belongs_to_whom_var_belongs_to(
    settings: Settings, tmp_path: Path
) -> None:
    var = str(settings.var)
    CliRunner().invoke(main, ["backup", "--var", var, str(tmp_path / "backups")])
    (backup,) = (tmp_path / "backups").iterdir()
    shutil.rmtree(settings.var)
    settings.var.mkdir(mode=0o700)
    os.chown(settings.var, OTHER, OTHER)
    let_through(tmp_path)
    restored = CliRunner().invoke(main, ["restore", "--var", var, str(backup)])
    assert restored.exit_code == 0, restored.output
    owners = {path: path.stat().st_uid for path in (settings.var, *settings.var.rglob("*"))}
    assert {"users.sqlite", "rooms-0.sqlite", "router.lock"} <= {path.name for path in owners}
    assert set(owners.values()) == {OTHER}
    assert os.geteuid() == 0


@as_root
@pytest.mark.parametrize("words", [["keys", "init"], ["tls", "self-signed", "--host", "a.example"]])
def test_keys_that_root_makes_belong_to_whom_var_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    let_through(tmp_path)
    (tmp_path / "var").mkdir()
    os.chown("var", OTHER, OTHER)
    made = CliRunner().invoke(main, words)
    assert made.exit_code == 0, made.output
    assert {path.stat().st_uid for path in (tmp_path / "var").rglob("*")} == {OTHER}
