"""A short torture of a real cluster: each kind of fault at least once, and every promise kept."""

import pytest

from torture.faults import CLIENT_KINDS, SUPERVISORD, Kind
from torture.report import story, table
from torture.torture import Plan, torture

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

SEED = 1
KILLS = 28
"""Two decks: all programs twice, and supervisord in both ways."""


def test_whatever_happens_to_processes_and_connections_no_promise_breaks(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    outcome = torture(Plan(SEED, KILLS, None, browsers=20), tmp_path_factory.mktemp("t"))
    recording, findings = outcome.recording, outcome.findings
    stories = "\n".join(story(recording, finding) for finding in findings)
    assert not findings, f"\n{table(recording, findings)}\n{stories}"
    done = {(fault.kind, fault.what) for fault in recording.faults}
    assert {kind for kind, _ in done} == set(Kind)
    assert {(kind, SUPERVISORD) for kind in (Kind.KILL, Kind.TERMINATE)} <= done
    killed = {what for kind, what in done if kind == Kind.KILL}
    roles = {"router", "user-service", "room-service", "gateway", "reviver", SUPERVISORD}
    assert killed == roles
    assert set(CLIENT_KINDS) <= {kind for kind, what in done if what == "client"}
