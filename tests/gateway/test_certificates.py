"""Which certificates a gateway takes, and what it says of the others."""

import datetime
import logging
import ssl
from pathlib import Path

import pytest
import trustme

from zchat.gateway.tls import CertificateError, load_context


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def issue(ca: trustme.CA, folder: Path, days: int = 1) -> tuple[Path, Path]:
    end = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=days)
    start = end - datetime.timedelta(days=30)
    leaf = ca.issue_cert("chat.example", not_before=start, not_after=end)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    leaf.private_key_pem.write_to_path(str(key))
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    return certificate, key


def test_a_good_one_speaks_tls_1_3_only(
    ca: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = load_context(*issue(ca, tmp_path))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert caplog.records == []


def test_an_expired_one_is_told_and_used(
    ca: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        load_context(*issue(ca, tmp_path, days=-1))
    assert "is expired" in caplog.text


def test_the_key_of_another_one_is_refused(ca: trustme.CA, tmp_path: Path) -> None:
    certificate, _ = issue(ca, tmp_path)
    (tmp_path / "other").mkdir()
    _, key = issue(ca, tmp_path / "other")
    with pytest.raises(CertificateError, match=r"key\.pem is not the key of .*cert\.pem"):
        load_context(certificate, key)


def test_what_cannot_be_read_is_named(ca: trustme.CA, tmp_path: Path) -> None:
    certificate, key = issue(ca, tmp_path)
    with pytest.raises(CertificateError, match=r"cannot read .*missing: No such file"):
        load_context(certificate, tmp_path / "missing")
    key.write_text("nonsense")
    with pytest.raises(CertificateError, match="no certificate and key in PEM"):
        load_context(certificate, key)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(
    ca: trustme.CA, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key = issue(ca, tmp_path)
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(CertificateError, match="has a password"):
        load_context(certificate, key)
