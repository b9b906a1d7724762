"""The tables about tables: what they say, and that they fit a terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from pitlake.cli.summary import quality_summary, stages_summary, tables_summary
from pitlake.lake.commits import Tally
from pitlake.lake.latency import Histogram
from pitlake.lake.names import TableName
from pitlake.lake.status import TableStatus

NOW = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
LONGEST = "ot_sensors_normalized_quarantine"


def _status(name=LONGEST, **changes):
    values = {
        "rows": 99_999_999,
        "last_commit": NOW - timedelta(days=30),
        "stages": {"event_to_ingestion": Histogram.of([0.9994]), "event_to_visible": Histogram.of([0.2] * 90 + [90.0] * 10)},
        "expectations": {"positive_and_below_the_limit": Tally(passed=99_999_999, failed=1)},
        **changes,
    }
    return TableStatus(TableName("c", "s", name), **values)


def _lines(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_table_is_shown_with_rows_age_and_the_latency_of_the_whole_way():
    assert _lines(tables_summary([_status()], now=NOW))[1].split() == [
        LONGEST, "99,999,999", "30", "d", "207", "ms", "92.4", "s", "92.4", "s",
    ]  # fmt: skip


def test_what_is_not_known_is_a_hyphen():
    status = _status(rows=0, last_commit=None, stages={}, expectations={})
    assert _lines(tables_summary([status], now=NOW))[1].split() == [LONGEST, "0", "-", "-", "-", "-"]


def test_each_stage_that_was_measured_has_a_line_below_its_table():
    lines = _lines(stages_summary([_status(), _status("dimension", stages={})]))
    assert [line[:20].strip() for line in lines] == ["table, stage", LONGEST[:20], "event → broker", "event → in Delta"]


def test_each_expectation_has_a_line_below_its_table():
    [_, name, expectation] = _lines(quality_summary([_status(), _status("dimension", expectations={})]))
    assert name == LONGEST
    assert expectation.split() == ["positive_and_below_the_limit", "99,999,999", "1", "99.99", "%"]


@pytest.mark.parametrize(
    ("tally", "rate"),
    [
        (Tally(), "-"),
        (Tally(passed=7), "100.00 %"),
        (Tally(failed=7), "0.00 %"),
        (Tally(passed=999_999, failed=1), "99.99 %"),
        (Tally(passed=29, failed=71), "29.00 %"),
    ],
)
def test_a_rate_is_rounded_down_so_that_only_all_is_100(tally, rate):
    [*_, line] = _lines(quality_summary([_status(expectations={"positive": tally})]))
    assert line.endswith(f" {rate}")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("make", [lambda s: tables_summary(s, now=NOW), stages_summary, quality_summary])
def test_names_are_whole_and_rows_are_one_line_in_a_terminal(make, width):
    lines = _lines(make([_status()]), width)
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line.startswith(LONGEST)]
    assert not [line for line in lines if "…" in line]


@pytest.mark.parametrize("make", [lambda s: tables_summary(s, now=NOW), stages_summary, quality_summary])
def test_a_name_is_whole_even_in_a_narrow_window(make):
    assert [line for line in _lines(make([_status()]), 40) if line.startswith(LONGEST)]
