"""scripts/bench-search: that it runs, and finds what it has said."""

from click.testing import CliRunner

from benchmarks.searches import main


def test_the_index_is_measured_and_searched() -> None:
    run = CliRunner().invoke(main, ["--messages", "1000"])
    assert run.exit_code == 0, run.output
    lines = run.output.splitlines()
    assert lines[0].startswith("a message without its index: ")
    assert lines[1].startswith("its index: ")
    assert lines[2].startswith("a common word in one room: ")
    assert lines[2].endswith("found 20 and more")
    assert lines[-1].endswith("found 0")
