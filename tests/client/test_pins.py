"""Public keys by which servers are known again."""

import contextlib
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.key_pins import PINS_MAX, parse_pin, parse_servers, pin_of, written
from zchat.client.sdk.tls import KnownServers, Tls, UntrustedServerError

PIN = "sha256:" + "0f" * 32
OTHER = "sha256:" + "a1" * 32


def der_of(leaf: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize("key_type", list(trustme.KeyType))
def test_a_pin_is_the_digest_of_the_public_key(key_type: trustme.KeyType) -> None:
    leaf = trustme.CA(key_type=key_type).issue_cert("chat.example", key_type=key_type)
    certificate = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    assert pin_of(der_of(leaf)) == "sha256:" + digest.finalize().hex()


def test_what_is_no_certificate_has_no_pin() -> None:
    der = der_of(trustme.CA().issue_cert("chat.example"))
    for length in range(0, 200, 7):
        with pytest.raises(ValueError, match=r"cut off|no public key"):
            pin_of(der[:length])


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        pin_of(b"\x30\x81\xc8" + data)


@pytest.mark.parametrize("text", [PIN, PIN.upper(), "0F" * 32, ":".join(["0f"] * 32), f" {PIN}\n"])
def test_a_pin_may_be_written_as_people_do(text: str) -> None:
    assert parse_pin(text) == PIN


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:0f", "md5:" + "0f" * 32, PIN + "0f"])
def test_what_is_no_pin_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        parse_pin(text)


def test_a_list_of_servers_is_read_as_it_is_written() -> None:
    servers = {"chat.example:7447": PIN, "[2001:db8::1]:1": OTHER}
    assert parse_servers(written(servers)) == servers
    many = {f"host:{port}": PIN for port in range(1, PINS_MAX + 10)}
    assert len(parse_servers(written(many))) == PINS_MAX


@pytest.mark.parametrize("line", ["host:1", f"host:1 {PIN} more", "host:1 sha256:1"])
def test_a_broken_list_says_where(line: str) -> None:
    with pytest.raises(ValueError, match="line 3"):
        parse_servers(f"# a comment\n\n{line}\n")


# --- The file -------------------------------------------------------------------------------------


def test_servers_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    known = KnownServers(tmp_path / "zchat" / "servers")
    assert known.pin_of("host:1") is None
    known.add("host:1", PIN)
    known.add("host:2", OTHER)
    known.add("host:1", OTHER)
    assert (known.pin_of("host:1"), known.pin_of("host:2")) == (OTHER, OTHER)
    assert known.path.stat().st_mode & 0o777 == 0o600
    assert known.path.parent.stat().st_mode & 0o777 == 0o700
    left = sorted(path.name for path in known.path.parent.iterdir())
    assert left == ["servers", "servers.lock"]


def test_it_is_where_the_user_keeps_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert KnownServers().path == tmp_path / "zchat" / "servers"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert KnownServers().path == Path.home() / ".config" / "zchat" / "servers"


def test_what_several_programs_accept_at_once_is_all_kept(tmp_path: Path) -> None:
    addresses = [f"host:{port}" for port in range(1, 33)]
    with ThreadPoolExecutor(8) as programs:
        list(programs.map(lambda at: KnownServers(tmp_path / "servers").add(at, PIN), addresses))
    assert all(KnownServers(tmp_path / "servers").pin_of(each) == PIN for each in addresses)


def test_a_file_that_cannot_be_read_or_written_trusts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "servers"
    broken.write_text("nonsense\n")
    with pytest.raises(UntrustedServerError, match="line 1"):
        KnownServers(broken).pin_of("host:1")
    with pytest.raises(UntrustedServerError, match="line 1"):
        KnownServers(broken).add("host:1", PIN)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UntrustedServerError, match=r"cannot keep the key of host:1 .* No space"):
        KnownServers(tmp_path / "others").add("host:1", PIN)
    assert not list(tmp_path.glob(".others*"))


# --- When -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "host", "applies"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "127.8.8.8", False),
        ("auto", "::1", False),
        ("auto", "localhost", False),
        ("auto", "localhost.example", True),
        ("auto", "chat.example", True),
        ("auto", "10.0.0.1", True),
        ("on", "localhost", True),
        ("off", "chat.example", False),
    ],
)
def test_tls_is_for_all_but_this_machine(mode: str, host: str, applies: bool) -> None:
    assert Tls(mode).applies_to(host) is applies


def test_wrong_ways_of_proof_are_told() -> None:
    with pytest.raises(ValueError, match="auto, on, off"):
        Tls("maybe")
    with pytest.raises(ValueError, match="no pin"):
        Tls(pins=("sha256:1",))
