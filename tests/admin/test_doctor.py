"""Each trouble of a set-up is seen, and what is well is not called trouble."""

import os
import socket
import ssl
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from zchat.admin import checks
from zchat.admin.checks import Check, Level
from zchat.admin.cli import main
from zchat.log.database import WriterLock
from zchat.options import Address
from zchat.settings import Settings

from .data import damaging, make_data


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
    assert troubles(checks.versions()) == []
    assert troubles(checks.folders(settings, keys)) == []
    assert troubles(checks.databases(settings)) == []
    assert troubles(checks.fabric(settings, keys)) == []


def test_what_others_can_read_is_trouble(settings: Settings, tmp_path: Path) -> None:
    settings.run.chmod(0o750)
    (settings.data / "users.sqlite").chmod(0o644)
    (tmp_path / "keys" / "router").write_text("secret")
    (tmp_path / "keys" / "router").chmod(0o604)
    found = troubles(checks.folders(settings, tmp_path / "keys"))
    assert [sentence.split(" is open")[0] for sentence in found] == [
        str(settings.data / "users.sqlite"),
        str(settings.run),
        str(tmp_path / "keys" / "router"),
    ]


def test_an_old_release_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "library_version", lambda: "4.2.5")
    monkeypatch.setattr(checks, "sqlite_version", lambda: "3.9.0")
    assert troubles(checks.versions()) == ["SQLite is 3.9.0", "libzmq is 4.2.5"]


def test_a_full_disk_is_trouble(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_DISK_FREE_BYTES_GOOD", 1 << 60)
    (check,) = checks.disk(settings)
    assert check.level is Level.WARNING
    monkeypatch.setattr(checks, "_DISK_FREE_BYTES_MIN", 1 << 60)
    (check,) = checks.disk(settings)
    assert check.level is Level.PROBLEM


def test_a_damaged_database_is_trouble(settings: Settings) -> None:
    (settings.data / "rooms-1.sqlite").write_bytes(b"x" * 4096)
    (found,) = troubles(checks.databases(settings))
    assert "rooms-1.sqlite: file is not a database" in found


def test_a_clock_that_was_set_back_is_trouble(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert troubles(checks.databases(settings))[0] == "this host's clock is years behind"
    assert any("the clock was set back" in one for one in troubles(checks.databases(settings)))


def test_tcp_without_keys_is_trouble(settings: Settings, tmp_path: Path) -> None:
    over_tcp = Settings(var=settings.var, router="tcp://127.0.0.1:7500")
    (found,) = troubles(checks.fabric(over_tcp, tmp_path / "keys"))
    assert "there are no keys" in found
    (tmp_path / "keys" / "router").touch()
    assert troubles(checks.fabric(over_tcp, tmp_path / "keys")) == []


def test_a_port_of_somebody_else_is_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        (found,) = troubles(checks.gateway(Settings(listen=(address,))))
        assert "cannot listen" in found
    assert troubles(checks.gateway(Settings(listen=(address,)))) == []


def test_open_addresses_want_tls() -> None:
    everywhere = (Address("0.0.0.0", _free_port()),)
    (found,) = troubles(checks.gateway(Settings(listen=everywhere, plain="anywhere")))
    assert "not encrypted" in found


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
    found = troubles(checks.certificate(cert, key))
    assert [sentence in one for one in found if sentence] == ([True] if sentence else [])
    assert "cannot be used" in troubles(checks.certificate(key, cert))[0]
    assert ssl.OPENSSL_VERSION


def test_old_backups_are_trouble(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    assert troubles(checks.backups(target)) == [f"there is no backup in {target}"]
    CliRunner().invoke(main, ["backup", "--var", str(settings.var), str(target)])
    assert troubles(checks.backups(target)) == []
    (folder,) = target.iterdir()
    text = (folder / "manifest.json").read_text()
    (made_at_ms,) = [one for one in text.splitlines() if "made_at_ms" in one]
    (folder / "manifest.json").write_text(text.replace(made_at_ms, '"made_at_ms": 1,'))
    assert "days old" in troubles(checks.backups(target))[0]


def test_who_holds_a_lock_is_known(tmp_path: Path) -> None:
    path = tmp_path / "users.sqlite.lock"
    assert checks.lock_holder(path) is None
    lock = WriterLock(path)
    assert checks.lock_holder(path) == str(os.getpid())
    lock.close()
    assert checks.lock_holder(path) is None


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
