"""Key files: what is written can be read, and what cannot be trusted is refused with a way out."""

import os
from pathlib import Path

import pytest

from zchat.fabric import keys
from zchat.fabric.core.identities import may_connect
from zchat.fabric.keys import KeyProblem
from zchat.runtime.settings import Settings

WEST = "gateway/west"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    keys.make_folder(folder)
    router = keys.make_pair(keys.ROUTER)
    keys.write_pair(folder, router)
    keys.write_router_key(folder, router.public)
    pair = keys.make_pair(WEST)
    keys.write_pair(folder, pair)
    keys.write_allowed(folder, {WEST: pair.public})
    return folder


def test_what_was_written_is_read_again(folder: Path, tmp_path: Path) -> None:
    proof = keys.read_proof(folder, WEST)
    assert proof.pair.name == WEST
    assert keys.read_pair(folder, keys.ROUTER).public == proof.router
    assert keys.read_allowed(folder).name_of(proof.pair.public) == WEST

    keys.write_bundle(tmp_path / "bundle", proof)
    assert keys.read_bundle(tmp_path / "bundle") == proof


def test_secrets_are_for_their_owner_only(folder: Path) -> None:
    path = keys.secret_path(folder, WEST)
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    path.chmod(0o640)
    with pytest.raises(KeyProblem, match=f"others can read .*; run: chmod 600 {path}"):
        keys.read_pair(folder, WEST)


def test_a_pair_shows_no_secret(folder: Path) -> None:
    pair = keys.read_pair(folder, WEST)
    assert pair.secret.decode() not in f"{pair} {pair!r} {keys.read_proof(folder, WEST)}"


def test_a_key_that_is_missing_can_be_made(folder: Path) -> None:
    with pytest.raises(KeyProblem, match=r"run: zchat-admin keys make gateway/east$"):
        keys.read_pair(folder, "gateway/east")
    keys.secret_path(folder, keys.ROUTER).unlink()
    with pytest.raises(KeyProblem, match=r"run: zchat-admin keys init$"):
        keys.read_pair(folder, keys.ROUTER)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not toml at all", "is not TOML"),
        ("\xff", "no key|not TOML"),
        ('name = "gateway/west"', "no key of 40 characters"),
        ('public = "x"', "does not say whose key"),
        ('name = "gateway/west"\npublic = 7\nsecret = "x"', "no key of 40 characters"),
        (f'name = "gateway/west"\npublic = "{"~" * 40}"', "no key of 40 characters"),
        (f'name = "gateway/west"\npublic = "{"#" * 40}"', "no key of 40 characters"),
        (f'name = "gateway/west"\npublic = "{"ä" * 40}"', "is not TOML"),
        ('name = "gateway"', "nothing can be called 'gateway'"),
    ],
)
def test_a_damaged_key_is_refused(folder: Path, text: str, why: str) -> None:
    keys.secret_path(folder, WEST).write_text(text, encoding="latin-1")
    with pytest.raises(KeyProblem, match=why):
        keys.read_pair(folder, WEST)


def test_the_key_of_another_is_refused(folder: Path) -> None:
    keys.secret_path(folder, WEST).rename(keys.secret_path(folder, "gateway/east"))
    with pytest.raises(KeyProblem, match="is the key of gateway/west, not of gateway/east"):
        keys.read_pair(folder, "gateway/east")


def test_halves_of_two_pairs_are_refused(folder: Path) -> None:
    public, secret = keys.make_pair(WEST).public, keys.make_pair(WEST).secret
    keys.write_pair(folder, keys.Pair(WEST, public, secret))
    with pytest.raises(KeyProblem, match="do not belong together"):
        keys.read_pair(folder, WEST)


def test_a_list_with_one_key_under_two_names_is_refused(folder: Path) -> None:
    public = keys.read_pair(folder, WEST).public
    keys.write_allowed(folder, {WEST: public, "users": public})
    with pytest.raises(KeyProblem, match="same key under two names"):
        keys.read_allowed(folder)


@pytest.mark.parametrize(
    "name", ["", "router/x", "rooms", "rooms/x", "gateway/", "gateway/a/b", "gateway/..x y", "ann"]
)
def test_what_nobody_can_be_called(name: str) -> None:
    with pytest.raises(KeyProblem, match=r"nothing can be called|is not a name"):
        keys.make_pair(name)


def test_a_list_keeps_whom_it_does_not_change(folder: Path) -> None:
    former = keys.read_allowed(folder)
    more = {**former.keys, "users": keys.make_pair("users").public}
    assert keys.Allowed(more).keeps(former)
    assert not former.keeps(keys.Allowed(more)), "one was taken off"
    other = keys.Allowed({WEST: keys.make_pair(WEST).public})
    assert not other.keeps(former), "one has another key"


def test_a_list_that_was_written_anew_has_another_version(folder: Path) -> None:
    version = keys.version_of_allowed(folder)
    keys.write_allowed(folder, keys.read_allowed(folder).keys)
    assert keys.version_of_allowed(folder) != version
    (folder / keys.ALLOWED_FILE).unlink()
    assert keys.version_of_allowed(folder) == ()


def test_keys_are_needed_on_a_network_only() -> None:
    assert Settings(router="tcp://10.0.0.5:7500").needs_keys
    assert not Settings().needs_keys
    assert Settings(var=Path("v")).keys_folder == Path("v/keys")
    assert Settings(keys="/etc/zchat").keys_folder == Path("/etc/zchat")


NAMES = ("users", "rooms/0", "rooms/1", WEST, "admin/ann", "router", "nonsense")


@pytest.mark.parametrize(
    ("socket", "allowed"),
    [
        ("commands-frontend", {"users", "rooms/0", "rooms/1", WEST, "admin/ann"}),
        ("commands-backend", {"users", "rooms/0", "rooms/1"}),
        ("events-in", {"users", "rooms/0", "rooms/1"}),
        ("queries-frontend", {WEST, "admin/ann"}),
        ("events-out", {WEST, "admin/ann"}),
        ("queries-backend/rooms/0", {"rooms/0"}),
        ("queries-backend/users", {"users"}),
        (f"queries-backend/{WEST}", set()),
        ("*", set()),
        ("", set()),
    ],
)
def test_who_may_connect_where(socket: str, allowed: set[str]) -> None:
    assert {name for name in NAMES if may_connect(socket, name)} == allowed


@pytest.mark.parametrize("is_link", [True, False])
def test_a_secret_goes_into_no_file_that_somebody_has_put_there(
    tmp_path: Path, is_link: bool
) -> None:
    """As another user may in a folder for all, such as /tmp, where somebody makes a bundle."""
    path, theirs = tmp_path / "west.bundle", tmp_path / "theirs"
    trap = path.with_name(f".{path.name}.{os.getpid()}")
    theirs.touch()
    if is_link:
        trap.symlink_to(theirs)
    else:
        trap.hardlink_to(theirs)
    pair = keys.make_pair("gateway/west")
    keys.write_bundle(path, keys.Proof(pair, keys.make_pair(keys.ROUTER).public))
    assert pair.secret in path.read_bytes()
    assert theirs.read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o600
