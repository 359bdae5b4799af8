"""Tokens as text, and where they are kept between two runs."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.auth.token_store import TokenStore, UnsafeTokenError
from zchat.client.core.credentials import (
    KeptToken,
    cluster_of_text,
    kept_name,
    token_as_text,
    token_from_text,
)

TOKEN = bytes(range(32))
KEPT = KeptToken("my laptop", TOKEN)
OTHER = KeptToken("my laptop", b"o" * 32)


@given(st.binary(min_size=32, max_size=32))
def test_a_token_is_read_as_it_was_shown(token: bytes) -> None:
    assert token_from_text(token_as_text(token)) == token
    assert token_from_text(f" {token_as_text(token)}=\n") == token
    assert token_from_text(token.hex().upper()) == token
    assert KeptToken.from_text(KeptToken("laptop", token).as_text("ann")) == KeptToken(
        "laptop", token
    )


@pytest.mark.parametrize("text", ["", "secret", "a" * 42, "a" * 44, "g" * 64, "ü" * 43, "/" * 43])
def test_what_is_no_token_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="no token") as error:
        token_from_text(text)
    assert not text or text not in str(error.value)


def test_nothing_shows_a_token_by_accident() -> None:
    assert token_as_text(TOKEN) not in repr(KEPT)
    assert repr(TOKEN) not in repr(KEPT)


@given(st.text(max_size=200))
def test_a_damaged_file_holds_no_token(text: str) -> None:
    with pytest.raises(ValueError, match=r"token|written"):
        KeptToken.from_text(text)


def test_tokens_belong_to_a_user_of_a_server() -> None:
    one = kept_name("ann", ["a:1", "b:1"])
    assert one == kept_name("ann", ["b:1", "a:1"])
    assert len({one, kept_name("bob", ["a:1", "b:1"]), kept_name("ann", ["a:1"])}) == 3


def test_tokens_belong_to_a_cluster_whatever_its_addresses() -> None:
    one = kept_name("ann", ["a:1"], "c0ffee")
    assert one == kept_name("ann", ["b:1"], "c0ffee")
    assert len({one, kept_name("ann", ["a:1"]), kept_name("ann", ["a:1"], "another")}) == 3


@given(st.binary(min_size=32, max_size=32))
def test_a_token_may_say_which_cluster_it_is_for(token: bytes) -> None:
    text = token_as_text(token, "c0ffee00c0ffee00")
    assert (token_from_text(text), cluster_of_text(text)) == (token, "c0ffee00c0ffee00")
    assert cluster_of_text(token_as_text(token)) == cluster_of_text(token.hex()) == ""


# --- Files ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "zchat" / "tokens"


def store(folder: Path, user: str = "ann") -> TokenStore:
    return TokenStore(user, ["127.0.0.1:7447"], folder, keyring=False)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def test_a_token_is_found_again(folder: Path) -> None:
    first = store(folder)
    assert first.find() is None
    assert first.keep(KEPT)
    assert store(folder, "bob").find() is None
    second = store(folder)
    assert second.find() == KEPT
    second.forget()
    assert store(folder).find() is None


def test_looking_for_a_token_writes_nothing(folder: Path) -> None:
    store(folder).find()
    assert not folder.parent.exists()


def test_nobody_else_can_read_what_is_kept(folder: Path) -> None:
    mask = os.umask(0)
    try:
        assert store(folder).keep(KEPT)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    [file] = files(folder)
    assert token_as_text(TOKEN) in file.read_text()


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_token_that_others_can_read_is_refused(folder: Path, mode: int) -> None:
    first = store(folder)
    first.keep(KEPT)
    [file] = files(folder)
    file.chmod(mode)
    with pytest.raises(UnsafeTokenError, match="chmod 600"):
        store(folder).find()


def test_a_folder_that_others_can_read_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    with pytest.raises(UnsafeTokenError, match="chmod 700"):
        store(folder).keep(KEPT)


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    first = store(folder)
    first.keep(KEPT)
    [file] = files(folder)
    elsewhere = file.rename(tmp_path / "elsewhere")
    file.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        store(folder).find()


def test_a_damaged_file_is_replaced(folder: Path) -> None:
    first = store(folder)
    first.keep(KEPT)
    [file] = files(folder)
    file.write_bytes(b"\xff\x00")
    second = store(folder)
    assert second.find() is None
    assert second.keep(KEPT)
    assert files(folder) == [file]


def test_two_programs_at_once_have_one_token(folder: Path) -> None:
    first, second = store(folder), store(folder)
    first.keep(KEPT)
    assert second.find() == store(folder).find() == KEPT


def test_of_two_first_logins_at_once_the_first_is_kept(folder: Path) -> None:
    first, second = store(folder), store(folder)
    assert first.find() is second.find() is None
    assert first.keep(KEPT)
    assert not second.keep(OTHER)
    second.forget()
    assert store(folder).find() == KEPT


def test_who_keeps_a_token_waits_for_who_writes_one(folder: Path) -> None:
    first, second = store(folder), store(folder)
    second.find()
    with ThreadPoolExecutor() as pool, first._locked():
        keeping = pool.submit(second.keep, KEPT)
        with pytest.raises(TimeoutError):
            keeping.result(0.05)
        assert first.find() is None
    assert keeping.result()


def test_what_another_program_has_renewed_is_not_forgotten(folder: Path) -> None:
    first, second = store(folder), store(folder)
    first.keep(KEPT)
    assert second.find() == KEPT
    first.keep(OTHER)
    second.forget()
    assert store(folder).find() == OTHER


def test_a_token_of_an_earlier_release_is_found(folder: Path) -> None:
    """It kept one for each of the clients that ran at the same time."""
    first = store(folder)
    first.keep(KEPT)
    [file] = files(folder)
    file.rename(file.with_name(file.name[:-1] + "3"))
    again = store(folder)
    assert again.find() == KEPT
    again.forget()
    assert files(folder) == []


def test_a_revoked_token_is_replaced_in_its_place(folder: Path) -> None:
    first = store(folder)
    first.keep(KEPT)
    second = store(folder)
    second.find()
    second.keep(KeptToken("my laptop", b"n" * 32))
    assert len(files(folder)) == 1
    again = store(folder).find()
    assert again is not None
    assert again.token == b"n" * 32


def test_a_token_that_was_kept_for_an_address_becomes_the_clusters(folder: Path) -> None:
    def of_cluster(cluster: str, address: str) -> TokenStore:
        return TokenStore("ann", [address], folder, cluster=cluster, keyring=False)

    store(folder).keep(KEPT)
    assert of_cluster("c0ffee", "127.0.0.1:7447").find() == KEPT
    assert len(files(folder)) == 1
    assert of_cluster("c0ffee", "localhost:7447").find() == KEPT
    assert of_cluster("another", "127.0.0.1:7447").find() is None
    # What an older client keeps there later does not replace it.
    store(folder).keep(OTHER)
    assert of_cluster("c0ffee", "127.0.0.1:7447").find() == KEPT


def test_all_tokens_of_a_user_are_forgotten(folder: Path) -> None:
    first, second = store(folder), store(folder)
    first.keep(KEPT)
    second.keep(KEPT)
    store(folder, "bob").keep(KEPT)
    first.forget_all()
    assert first.find() is None
    assert len(files(folder)) == 1


# --- The keyring ----------------------------------------------------------------------------------


class KeyringError(Exception):
    pass


class Keyring:
    """What zchat uses of the package `keyring`."""

    class errors:  # noqa: N801 - A module there.
        KeyringError = KeyringError

    def __init__(self, priority: float) -> None:
        self.priority = priority
        self.secrets: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_keyring(self) -> "Keyring":
        return self

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise KeyringError("it is locked")
        return self.secrets.get((service, name))

    def set_password(self, service: str, name: str, secret: str) -> None:
        self.secrets[service, name] = secret

    def delete_password(self, service: str, name: str) -> None:
        del self.secrets[service, name]


@pytest.fixture
def keyring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    keyring = Keyring(request.param)

    def import_module(name: str) -> Any:
        return keyring.errors if name == "keyring.errors" else keyring

    monkeypatch.setattr("importlib.import_module", import_module)
    return keyring


@pytest.mark.parametrize("keyring", [5.0], indirect=True)
def test_a_keyring_is_used_where_there_is_one(folder: Path, keyring: Keyring) -> None:
    def in_keyring() -> TokenStore:
        return TokenStore("ann", ["a:1"], folder, keyring=True)

    first = in_keyring()
    assert first.keep(KEPT)
    assert files(folder) == []
    assert len(keyring.secrets) == 1
    second = in_keyring()
    assert second.find() == KEPT
    second.forget_all()
    assert not keyring.secrets
    keyring.locked = True
    with pytest.raises(OSError, match="it is locked"):
        in_keyring().find()


@pytest.mark.parametrize("keyring", [0, -1], indirect=True)
def test_a_keyring_that_keeps_nothing_is_left_alone(folder: Path, keyring: Keyring) -> None:
    TokenStore("ann", ["a:1"], folder, keyring=True).keep(KEPT)
    assert not keyring.secrets
    assert len(files(folder)) == 1
