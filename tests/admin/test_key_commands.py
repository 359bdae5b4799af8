"""`zchat-admin keys`: what it writes, what it says, and that it never says a secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from zchat.admin.commands.keys import KEYS
from zchat.fabric import keys
from zchat.fabric.keys import KeyProblem

WEST = "gateway/west"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ann")
    return tmp_path / "var" / "keys"


def run(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(KEYS, arguments)
    assert (result.exit_code != 0) == fails, result.output
    for path in Path.cwd().rglob("*.secret"):
        assert keys.pair_in(path, keys._read(path, "")).secret.decode() not in result.output
    return result.output


def names() -> list[str]:
    return [row["name"] for row in map(json.loads, run("list", "--json").splitlines())]


def test_init_makes_what_a_cluster_needs_and_leaves_what_is_there(folder: Path) -> None:
    run("init", "--partitions", "2")
    assert names() == [
        *("router", "admin/ann", "gateway/gateway-0", "gateway/gateway-1"),
        *("rooms/0", "rooms/1", "users"),
    ]
    for name in names():
        assert keys.read_proof(folder, name).router == keys.read_pair(folder, "router").public
    former = {path: path.read_text() for path in folder.iterdir()}
    run("init", "--partitions", "2")
    assert {path: path.read_text() for path in folder.iterdir()} == former


def test_a_key_is_made_once(folder: Path) -> None:
    run("init")
    run("make", WEST)
    assert keys.read_allowed(folder).name_of(keys.read_pair(folder, WEST).public) == WEST
    assert f"keys rotate {WEST}" in run("make", WEST, fails=True)
    assert "nothing can be called" in run("make", "ann", fails=True)


def test_a_key_is_replaced(folder: Path) -> None:
    run("init")
    run("make", WEST)
    former = keys.read_pair(folder, WEST).public
    assert f"Restart {WEST}" in run("rotate", WEST)
    allowed = keys.read_allowed(folder)
    assert allowed.name_of(former) is None
    assert allowed.name_of(keys.read_pair(folder, WEST).public) == WEST
    assert "has no key" in run("rotate", "gateway/east", fails=True)


def test_the_routers_key_is_replaced(folder: Path) -> None:
    run("init")
    former = keys.read_router_key(folder)
    assert "Restart all programs" in run("rotate", "router")
    assert keys.read_router_key(folder) == keys.read_pair(folder, "router").public != former


def test_a_key_is_withdrawn(folder: Path) -> None:
    run("init")
    run("make", WEST)
    run("revoke", WEST)
    assert WEST not in names()
    with pytest.raises(KeyProblem, match="there is no"):
        keys.read_pair(folder, WEST)
    assert "has no key" in run("revoke", WEST, fails=True)
    assert "rotate router" in run("revoke", "router", fails=True)


def test_a_key_moves_to_another_host(folder: Path, tmp_path: Path) -> None:
    run("init")
    run("make", WEST)
    assert "THIS FILE IS A SECRET" in run("export", WEST)
    file = tmp_path / "gateway-west.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "delete it first" in run("export", WEST, fails=True)
    assert "router's host" in run("import", str(file), fails=True)

    there = tmp_path / "there"
    run("import", "--keys", str(there), str(file))
    assert keys.read_proof(there, WEST) == keys.read_proof(folder, WEST)
    assert not (there / keys.ALLOWED_FILE).exists()
    assert "on the router's host" in run("list", "--keys", str(there), fails=True)


def test_without_keys_it_says_how_to_begin() -> None:
    assert "run: zchat-admin keys init" in run("list", fails=True)
