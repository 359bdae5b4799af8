"""What zchat-up looks at before it starts anything, and what it says."""

import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner

from zchat.admin import up
from zchat.admin.commands import procfiles

Said = Callable[..., tuple[int, str]]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What takes the place of the process."""
    words: list[list[str]] = []

    def execv(_: str, given: list[str]) -> NoReturn:
        words.append(given)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    return words


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executed: list[list[str]]) -> Said:
    """Calls it in a folder with procfiles; exit code and output."""
    for name in list(os.environ):
        if name.startswith("ZCHAT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    procfiles.write_procfiles(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def call(*words: str, **settings: Any) -> tuple[int, str]:
        given = {"listen": f"127.0.0.1:{port}", **settings}
        environment = {f"ZCHAT_{name.upper()}": str(value) for name, value in given.items()}
        environment["PATH"] = os.environ["PATH"]
        result = CliRunner().invoke(up.main, words, env=environment)
        return result.exit_code, result.output

    return call


def test_it_runs_the_supervisord_of_its_own_installation(
    said: Said, executed: list[list[str]]
) -> None:
    code, output = said()
    assert code == 0
    assert re.match(r"zchat listens on 127\.0\.0\.1:[0-9]+\n\n  talk ", output)
    conf = str(procfiles.CLUSTER)
    assert executed == [[sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", conf]]


def test_a_host_of_gateways_has_its_own_file_and_no_data(
    said: Said, executed: list[list[str]]
) -> None:
    code, output = said("--gateways", router="tcp://10.0.0.5:7500")
    assert (code, executed[0][-1]) == (0, str(procfiles.GATEWAY_HOST))
    assert "var/data" not in output
    code, output = said("--gateways")
    assert (code, len(executed)) == (1, 1)
    assert "must be told where the router is" in output


def test_it_says_where_the_page_is(said: Said, executed: list[list[str]]) -> None:
    assert re.search(r"\n  page    http://127\.0\.0\.1:[0-9]+/\n", said()[1])
    assert "  page    https://chat.example/\n" in said(web_origins="https://chat.example")[1]
    assert "  page " not in said(web="off")[1]


def test_a_folder_of_no_cluster_is_not_made_one(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    code, output = said()
    assert code == 1
    assert "make one: zchat-admin procfiles FOLDER" in output
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("50%", "has a % in it"), ("x" * 100, "is too long for sockets in it, by ")],
)
def test_a_path_that_nothing_can_run_in_is_told(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    procfiles.write_procfiles(tmp_path / name)
    monkeypatch.chdir(tmp_path / name)
    code, output = said()
    assert code == 1
    assert sentence in output


def test_a_port_of_somebody_else_is_told_with_what_helps(said: Said) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = said(listen=f"127.0.0.1:{port}")
    assert code == 1
    assert f"Cannot listen on 127.0.0.1 port {port}: the port is taken; " in output
    assert "ss -ltnp" in output


def test_a_certificate_that_is_not_there_is_told(said: Said) -> None:
    code, output = said(tls_cert="var/tls/cert.pem", tls_key="var/tls/key.pem")
    assert code == 1
    assert "Cannot read var/tls/cert.pem" in output
    assert "zchat-admin tls self-signed" in output


def test_wrong_settings_are_told_as_by_the_gateway(said: Said) -> None:
    code, output = said(listen="nonsense")
    assert code == 2
    assert "wrong value for listen (environment ZCHAT_LISTEN)" in output


def test_what_is_there_is_not_written_anew(tmp_path: Path) -> None:
    written = procfiles.write_procfiles(tmp_path)
    assert {path.name for path in written} >= {"zchat.conf", "gateway-host.conf", "zchat.service"}
    (tmp_path / procfiles.CLUSTER).write_text("mine")
    assert procfiles.write_procfiles(tmp_path) == []
    assert (tmp_path / procfiles.CLUSTER).read_text() == "mine"
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
