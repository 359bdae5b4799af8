"""`zchat-admin tls`: keys and certificates of one's own."""

import ssl
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zchat.admin.cli import main
from zchat.client.core.key_pins import pin_of
from zchat.gateway.tls import load_context


def admin(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tls", *arguments])


def test_a_self_signed_certificate_can_be_used_at_once(tmp_path: Path) -> None:
    done = admin(
        "self-signed", "--host", "chat.example", "--host", "::1", "--folder", str(tmp_path)
    )
    assert done.exit_code == 0, done.output
    certificate, key = tmp_path / "tls-cert.pem", tmp_path / "tls-key.pem"
    load_context(certificate, key)
    pin = pin_of(ssl.PEM_cert_to_DER_cert(certificate.read_text()))
    assert pin in done.output
    assert admin("pin", str(certificate)).output == f"{pin}\n"
    assert [path.stat().st_mode & 0o777 for path in (certificate, key)] == [0o600, 0o600]


def test_a_renewed_certificate_has_the_key_that_clients_know(tmp_path: Path) -> None:
    first, renewed, other = (
        admin("self-signed", "--host", "chat.example", "--folder", str(tmp_path), *more)
        for more in ((), (), ("--new-key",))
    )
    assert "kept" in renewed.output
    assert first.output.splitlines()[-1] == renewed.output.splitlines()[-1]
    assert other.output.splitlines()[-1] != first.output.splitlines()[-1]


def test_without_openssl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = admin("self-signed", "--host", "chat.example", "--folder", str(tmp_path))
    assert done.exit_code == 1
    assert "there is no openssl here" in done.output


@pytest.mark.parametrize("host", ["", "a b", "a,DNS:b", "a/b", "x" * 300])
def test_what_is_no_host_is_refused(host: str, tmp_path: Path) -> None:
    done = admin("self-signed", "--host", host, "--folder", str(tmp_path))
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []
