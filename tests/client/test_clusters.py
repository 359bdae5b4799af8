"""Which cluster is behind which address: what is remembered, and who is believed."""

import socket
import stat
from pathlib import Path

import pytest

from zchat.client.auth.clusters import KEPT_MAX, Clusters, DamagedClusters

HERE, ELSEWHERE = "c0ffee00c0ffee00", "deadbeefdeadbeef"
TOKEN = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "zchat" / "clusters"


@pytest.fixture
def clusters(path: Path) -> Clusters:
    return Clusters(path)


def test_nothing_is_known_at_first_and_nothing_is_written(clusters: Clusters, path: Path) -> None:
    assert (clusters.of(["a:1"]), clusters.of_token(TOKEN), clusters.is_empty) == ("", "", True)
    assert not path.parent.exists()


def test_an_address_is_known_again(clusters: Clusters, path: Path) -> None:
    clusters.note(["A.example:1", "b.example:1"], HERE)
    again = Clusters(path)
    assert again.of(["a.example:1"]) == again.of(["x:1", "B.EXAMPLE:1"]) == HERE
    assert again.of(["a.example:2"]) == ""
    assert not again.is_empty
    again.note(["a.example:1"], ELSEWHERE)
    assert (clusters.of(["a.example:1"]), clusters.of(["b.example:1"])) == (ELSEWHERE, HERE)


def test_a_token_is_bound_and_does_not_stand_there(clusters: Clusters, path: Path) -> None:
    clusters.bind(TOKEN, HERE)
    assert Clusters(path).of_token(TOKEN) == HERE
    assert TOKEN.hex() not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_are_remembered(clusters: Clusters) -> None:
    clusters.note([f"a:{number}" for number in range(KEPT_MAX)], HERE)
    clusters.note(["a:0"], HERE)
    clusters.note(["b:1"], ELSEWHERE)
    assert (clusters.of(["a:0"]), clusters.of(["a:1"])) == ("", HERE)
    assert clusters.of(["b:1"]) == ELSEWHERE


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 1, "addresses": []}'])
def test_a_damaged_file_is_not_overwritten(clusters: Clusters, path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(DamagedClusters, match="remove it"):
        clusters.of(["a:1"])
    with pytest.raises(DamagedClusters):
        clusters.note(["a:1"], HERE)
    assert path.read_text() == text


# --- Who is believed ------------------------------------------------------------------------------


def test_the_first_one_is_believed(clusters: Clusters) -> None:
    assert clusters.vouch_for(["a.example:7447"], HERE)


@pytest.mark.parametrize(
    ("addresses", "believed"),
    [
        (["localhost:7447"], True),
        (["[::1]:7447"], True),
        (["127.0.0.1:7448"], False),
        (["192.0.2.7:7447"], False),
        (["192.0.2.7:7447", "localhost:7447"], True),
        (["no address"], False),
    ],
    ids=str,
)
def test_another_spelling_of_the_same_place_is_believed(
    clusters: Clusters, addresses: list[str], believed: bool
) -> None:
    clusters.note(["127.0.0.1:7447"], HERE)
    assert clusters.vouch_for(addresses, HERE) is believed
    assert clusters.vouch_for(addresses, ELSEWHERE), "of which nothing is known"


def test_a_name_that_leads_to_the_same_host_is_believed(
    clusters: Clusters, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = {"chat.example": "192.0.2.7", "gw.example": "192.0.2.7", "evil.example": "192.0.2.9"}

    def resolve(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, object]]:
        return [(2, 1, 6, "", (hosts[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    clusters.note(["chat.example:7447"], HERE)
    assert clusters.vouch_for(["gw.example:7447"], HERE)
    assert not clusters.vouch_for(["gw.example:7448"], HERE)
    assert not clusters.vouch_for(["evil.example:7447"], HERE)
