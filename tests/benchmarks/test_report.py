from __future__ import annotations

import pytest

from benchmarks.plot import plot
from benchmarks.report import BEGIN, DOCS, END, PLOT, panels, replaced, tables
from benchmarks.results import FOLDER, read_results
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


def test_a_result_that_only_lacks_readings_is_not_finished() -> None:
    unfinished = result("flink", 120, 1, 1, unfinished_rows=3)
    assert "| not finished |" in tables([unfinished])
    assert "| differs from what was sent |" in tables([unfinished, result("flink", 120, 1, 1, differing_rows=1)])


def test_what_was_not_seen_is_told_as_a_lower_bound() -> None:
    seen, unseen = result("flink", 120, 20, 300), result("flink", 120, 20, 900, unseen=20)
    assert "| Flink 2.2 | 20 | 20 | ≥ 900 | ≥ 900 | ≥ 900 |" in tables([seen, unseen, unseen])
    assert "| Flink 2.2 | 20 | 20 | 300 | 300 | 300 |" in tables([seen, seen, unseen])


def test_a_mix_of_versions_and_warm_ups_is_told() -> None:
    runs = [
        result("flink", 120, 1, 1, warm_up=warm_up, machine={"commit": commit}, producer={"lag": {"p99_ms": 5.5}})
        for warm_up, commit in [(45.0, "b"), (120.0, "a"), (45.0, "a")]
    ]
    assert "| 3 | 45, 120 | a, b | 5.5 |" in tables(runs)


@pytest.mark.parametrize(("speeds", "told"), [([7.5, 2.5, 3.5], "2.5 to 7.5"), ([2.5, None], "2.5"), ([None], "-")])
def test_how_fast_the_machine_was_is_told_from_the_slowest_run_to_the_fastest(speeds: list[float | None], told: str) -> None:
    on = [{"million_steps_per_second": speed} if speed else {} for speed in speeds]
    assert f"| {told} |\n" in tables([result("flink", 120, 1, 1, machine=machine) for machine in on])


def test_the_highest_sustained_rate_of_each_contender_is_told() -> None:
    _, _, sustained = tables(RUNS).partition("### Highest sustained rate")
    assert "| Flink 2.2 | 120, not 1,000 | 120, not 1,000 |" in sustained
    assert "| Pathway 0.33 | not 1,000 | not 1,000 |" in sustained


def test_where_the_highest_rate_tried_is_sustained_it_is_a_lower_bound() -> None:
    _, _, sustained = tables([*RUNS, result("pitlake", 10_000, 20, 300)]).partition("### Highest sustained rate")
    assert "| pitlake, real time | ≥ 10,000 | ≥ 10,000 |" in sustained


def test_the_mines_tables_are_told_one_by_one() -> None:
    figures = {"p50_ms": 200.0, "p90_ms": 300.0, "p99_ms": 400.0, "p999_ms": 900.0}
    stages = {"ot_sensors_normalized": {"event_to_visible": figures}, "event_log": {"processed_to_visible": figures}}
    told = tables([result("pitlake-mining", 120, 14, 300, stages=stages)])
    assert "| ot_sensors_normalized | 200 | 300 | 400 | 900 |" in told
    assert "event_log" not in told


def test_the_budget_of_the_mines_stages_is_told() -> None:
    stages = {
        "ot_sensors_normalized": {
            "event_to_ingestion": {"p99_ms": 30.0, "p999_ms": 90.0},
            "ingestion_to_processed": {"p99_ms": 400.0, "p999_ms": 600.0},
            "processed_to_visible": {"p99_ms": 300.0, "p999_ms": 450.0},
        },
        "equipment_performance_1min": {"processed_to_visible": {"p99_ms": 350.0, "p999_ms": 410.0}},
    }
    told = tables([result("pitlake-mining", 120, 14, 300, stages=stages)])
    assert "| ot_sensors_normalized | 30 | 90 | 400 | 600 | 300 | 450 |" in told
    assert "| equipment_performance_1min | - | - | - | - | 350 | 410 |" in told


def test_panels_show_the_fastest_first_and_no_failures() -> None:
    titles = {panel.title: [bar.title for bar in panel.bars] for panel in panels(RUNS)}
    assert titles["120 readings/s, to a topic"] == ["pitlake, real time", "Flink 2.2"]
    assert titles["1,000 readings/s, to a topic"] == ["Flink 2.2"]


def test_a_contender_whose_median_was_not_seen_has_no_bar() -> None:
    runs = [result("flink", 120, 20, 900, unseen=20), result("pathway", 120, 9_000, 9_000, unseen=700)]
    assert [bar.title for bar in panels(runs)[0].bars] == ["Flink 2.2"]


def test_the_page_says_what_the_results_say() -> None:
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert page == replaced(page, tables(read_results(FOLDER))), "make it anew with python -m benchmarks.report"


def test_the_plot_shows_what_the_results_say() -> None:
    shown = (DOCS / PLOT).read_text(encoding="utf-8")
    assert shown == plot(panels(read_results(FOLDER))), "make it anew with python -m benchmarks.report"


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    assert replaced(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n\n{END} after"


@pytest.mark.parametrize("page", ["none", BEGIN, END])
def test_a_page_without_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        replaced(page, "new")
