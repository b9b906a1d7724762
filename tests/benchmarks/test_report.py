from __future__ import annotations

import pytest

from benchmarks.report import BEGIN, END, panels, replaced, tables
from tests.benchmarks.support import failed, result

RUNS = [
    result("pitlake", 120, 14.4, 300),
    result("flink", 120, 17.6, 95.7),
    result("flink", 1_000, 20, 1_200),
    failed("pathway", 1_000),
]


def test_a_row_has_the_figures_of_its_contender() -> None:
    assert "| pitlake, real time | 14.4 | 14.4 | 300 | 300 | 300 | right |" in tables(RUNS)


def test_a_run_that_failed_is_told_and_not_left_out() -> None:
    assert "| Pathway 0.33 | - | - | - | - | - | 1 of 1 runs failed |" in tables(RUNS)


def test_a_wrong_result_is_told() -> None:
    assert "| differs from what was sent |" in tables([result("flink", 120, 1, 1, differing_rows=3)])


def test_the_highest_sustained_rate_of_each_contender_is_told() -> None:
    _, _, sustained = tables(RUNS).partition("### Highest sustained rate")
    assert "| Flink 2.2 | 120 | 120 |" in sustained
    assert "| Pathway 0.33 | - | - |" in sustained


def test_the_mines_tables_are_told_one_by_one() -> None:
    figures = {"p50_ms": 200.0, "p90_ms": 300.0, "p99_ms": 400.0, "p999_ms": 900.0}
    stages = {"ot_sensors_normalized": {"event_to_visible": figures}, "event_log": {"processed_to_visible": figures}}
    told = tables([result("pitlake-mining", 120, 14, 300, stages=stages)])
    assert "| ot_sensors_normalized | 200 | 300 | 400 | 900 |" in told
    assert "event_log" not in told


def test_panels_show_the_fastest_first_and_no_failures() -> None:
    titles = {panel.title: [bar.title for bar in panel.bars] for panel in panels(RUNS)}
    assert titles["120 readings/s, to a topic"] == ["pitlake, real time", "Flink 2.2"]
    assert titles["1,000 readings/s, to a topic"] == ["Flink 2.2"]


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    assert replaced(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n\n{END} after"


@pytest.mark.parametrize("page", ["none", BEGIN, END])
def test_a_page_without_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        replaced(page, "new")
