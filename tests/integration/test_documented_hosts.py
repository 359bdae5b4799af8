"""The operators' page, typed word for word: a host of gateways beside that of the cluster."""

import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from testbed import ROOT
from testbed.cluster import DEADLINE_S, Cluster

from .lines import Program

pytestmark = pytest.mark.integration


async def test_the_words_of_the_documents_make_a_second_host(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("w")
    # Nobody else has these, so that their ports are free.
    network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"
    on_here, on_there = (
        words.replace("10.0.0.", f"{network}.") for words in shell_words("Gateways on another host")
    )
    there = folder / "there"
    for host in (folder / "here", there):
        host.mkdir()
    with Cluster(folder / "here") as cluster:
        _write_supervisor_programs(cluster.folder / "bin")
        away = {k: v for k, v in cluster.environment.items() if not k.startswith("ZCHAT_")}
        cluster.start()
        _shell(on_here, cluster.folder, cluster.environment)
        (cluster.folder / "gateway-west.key").rename(there / "gateway-west.key")
        cluster.wait_for(lambda: _answers(f"{network}.5", 7500), "the router to listen anew")
        try:
            _shell(on_there, there, away)
            ann = Program(cluster, "ann")
            west = {"ZCHAT_ADDRESS": f"{network}.6:7447", "ZCHAT_TLS": "on", "ZCHAT_TRUST_NEW": "1"}
            cluster.wait_for(lambda: _answers(f"{network}.6", 7447), "the gateway there to listen")
            async with ann, Program(cluster, "bob", environment=west) as bob:
                await ann.shows("you are ann")
                await bob.shows("you are bob")
                await bob.say("hello", "bob: hello$")
                await ann.shows("bob: hello$")
            found = [there / "west" / "var", *(there / "west" / "var").rglob("*")]
            assert [path for path in found if path.stat().st_mode & 0o077] == []
        finally:
            control = "supervisorctl -c procfiles/gateway-host.conf"
            _shell(f"{control} shutdown", there / "west", away)
            pid_file = there / "west" / "var" / "supervisord.pid"
            cluster.wait_for(lambda: not pid_file.exists(), "the other supervisord to end")


def shell_words(heading: str) -> list[str]:
    """What the operators' page says to type under this heading."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    _, _, rest = page.partition(f"\n## {heading}\n")
    section = rest.partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def _write_supervisor_programs(folder: Path) -> None:
    for name in ("supervisord", "supervisorctl"):
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -m supervisor.{name} "$@"\n')
        path.chmod(0o755)


def _shell(words: str, folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-e", "-c", words],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), DEADLINE_S).close()
    except OSError:
        return False
    return True
