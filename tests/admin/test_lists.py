"""Times, tables and pages: what an operator's lists are made of."""

import pytest

from zchat.admin import times
from zchat.admin.commands.accounts import new_code
from zchat.admin.commands.audit import Ask, records_of
from zchat.admin.output import size, table
from zchat.protocol import limits
from zchat.protocol.messages import AuditRecord, ReadAudit


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (0, "0s"),
        (999, "0s"),
        (61_000, "1m 1s"),
        (3_600_000, "1h"),
        (90_061_000, "1d 1h"),
        (86_400_000, "1d"),
    ],
)
def test_a_span_is_told_by_its_two_largest_units(span_ms: int, text: str) -> None:
    assert times.length(span_ms) == text


@pytest.mark.parametrize(("text", "span_ms"), [("90m", 5_400_000), (" 7D ", 7 * 86_400_000)])
def test_spans_are_read(text: str, span_ms: int) -> None:
    assert times.span_ms(text) == span_ms


@pytest.mark.parametrize("text", ["1970-01-02", "1970-01-02T00:00Z", "1970-01-02T01:00+01:00"])
def test_moments_are_in_utc_unless_they_say_otherwise(text: str) -> None:
    assert times.moment_ms(text) == 86_400_000
    assert times.utc(86_400_000) == "1970-01-02 00:00:00Z"


def test_a_time_that_no_calendar_holds_is_not_shown() -> None:
    assert times.utc(2**53) == ""


def test_columns_are_as_wide_as_what_is_seen() -> None:
    assert table(("name", "x"), [("日本", "1"), ("e\u0301e", "2"), ("a\nb\x1b", "3")]) == (
        "name  x\n日本  1\ne\u0301e    2\na b   3"
    )


def test_sizes_have_a_unit() -> None:
    assert [size(n) for n in (0, 2048, 24 << 20, 3 << 30)] == ["0 B", "2 KiB", "24 MiB", "3.0 GiB"]


def test_a_code_has_80_bits_and_nothing_that_looks_like_something_else() -> None:
    code = new_code().replace("-", "")

    assert len(code) * 5 >= 80
    assert len(new_code()) <= limits.INVITATION_CHARS_MAX
    assert not set(code) & set("ilou")


# --- The pages of the audit -----------------------------------------------------------------------


def service_with(records: list[AuditRecord], page: int) -> Ask:
    """Answers as services do: `records` are newest first, and a page has room for so many."""

    def ask(query: ReadAudit) -> list[AuditRecord]:
        before_ms = query.before_ms
        found = [r for r in records if before_ms is None or r.at_ms < before_ms]
        return found[: min(page, query.limit)]

    return ask


def at(*times_ms: int) -> list[AuditRecord]:
    return [AuditRecord(at_ms, f"ann {n}", "x") for n, at_ms in enumerate(times_ms)]


@pytest.mark.parametrize(
    "records",
    [
        at(),
        at(9),
        at(9, 8, 7, 6, 5, 4, 3, 2),
        at(9, 8, 7, 7, 7, 6, 6, 5, 5, 5, 4),
        at(9, 9, 9, 8, 8, 8, 7),
        [AuditRecord(9, "ann", "x")] * 2 + [AuditRecord(8, "ann", "x")] * 2,
    ],
)
@pytest.mark.parametrize("page", [4, 5, 200])
def test_every_record_comes_once_however_pages_are_cut(
    records: list[AuditRecord], page: int
) -> None:
    assert list(records_of(service_with(records, page))) == records


def test_nothing_older_is_read_than_was_asked_for() -> None:
    asked: list[int | None] = []
    service = service_with(at(*range(100, 0, -1)), 4)

    def ask(query: ReadAudit) -> list[AuditRecord]:
        asked.append(query.before_ms)
        return service(query)

    assert [record.at_ms for record in records_of(ask, 95)] == [100, 99, 98, 97, 96, 95]
    assert len(asked) == 2


def test_reading_ends_also_where_the_clock_was_set_back() -> None:
    assert len(list(records_of(service_with(at(50, 40, 100, 90), 2)))) >= 2
