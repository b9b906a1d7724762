from __future__ import annotations

from pathlib import Path

import orjson

from benchmarks.results import (
    are_right,
    by_group,
    distinct,
    file_of,
    has_fallen_behind,
    is_bound,
    median,
    read_results,
    sustained,
)
from tests.benchmarks.support import failed, result


def test_results_are_read_back(tmp_path: Path) -> None:
    wanted = result("pitlake", 120, 14, 300)
    file_of(tmp_path, "pitlake", 120.0, 1).write_bytes(orjson.dumps(wanted))
    assert read_results(tmp_path) == [wanted]
    assert [file.name for file in tmp_path.iterdir()] == ["120-pitlake-1.json"]


def test_the_median_leaves_out_runs_that_have_no_figure() -> None:
    runs = [result("pitlake", 120, p50, 300) for p50 in (14, 20, 90)]
    assert median([*runs, failed("pitlake", 120)], "sinks", "topic", "p50_ms") == 20
    assert median([failed("pitlake", 120)], "sinks", "topic", "p50_ms") is None


def test_groups_are_in_order_of_rate() -> None:
    runs = [result("flink", 1_000, 1, 1), result("pitlake", 120, 1, 1), result("flink", 1_000, 2, 2)]
    assert [(key, len(group)) for key, group in by_group(runs).items()] == [((120, "pitlake"), 1), ((1_000, "flink"), 2)]


def test_a_contender_that_is_far_too_late_has_fallen_behind_at_all_higher_rates() -> None:
    runs = [result("spark", 120, 500, 900), result("spark", 1_000, 4_000, 6_000)]
    assert not has_fallen_behind(runs, "spark", 1_000)
    assert has_fallen_behind(runs, "spark", 5_000)
    assert not has_fallen_behind(runs, "flink", 5_000)


def test_a_contender_that_failed_has_fallen_behind() -> None:
    assert has_fallen_behind([failed("spark", 120)], "spark", 1_000)


def test_the_highest_sustained_rate_has_its_p99_below_a_second_and_the_right_result() -> None:
    runs = [
        result("flink", 120, 10, 90),
        result("flink", 1_000, 10, 999),
        result("flink", 5_000, 10, 1_000),
        result("flink", 10_000, 10, 90, differing_rows=1),
    ]
    assert sustained(runs, "flink", "topic") == (1_000, 5_000)
    assert sustained(runs[:2], "flink", "topic") == (1_000, None)
    assert sustained(runs, "spark", "topic") == (None, None)


def test_no_rate_above_one_that_is_not_sustained_counts() -> None:
    runs = [result("flink", 120, 10, 90), result("flink", 1_000, 10, 1_000), result("flink", 5_000, 10, 90)]
    assert sustained(runs, "flink", "topic") == (120, 1_000)
    assert sustained([failed("flink", 60), *runs], "flink", "topic") == (None, 60)


def test_a_rate_whose_p99_was_not_seen_is_not_sustained() -> None:
    assert sustained([result("flink", 120, 10, 90)], "flink", "topic") == (120, None)
    assert sustained([result("flink", 120, 10, 90, unseen=10)], "flink", "topic") == (None, 120)


def test_a_median_is_a_bound_when_it_is_in_half_of_the_runs_that_have_it() -> None:
    seen, unseen = result("flink", 120, 10, 90), result("flink", 120, 10, 90, unseen=20)
    assert not is_bound([seen, seen, unseen], "topic", "p99_ms")
    assert is_bound([seen, unseen], "topic", "p99_ms")
    assert is_bound([failed("flink", 120), seen, unseen, unseen], "topic", "p99_ms")
    assert not is_bound([failed("flink", 120)], "topic", "p99_ms")


def test_different_values_are_told_once() -> None:
    runs = [result("flink", 120, 10, 90, warm_up=seconds) for seconds in (120.0, 45.0, 120.0)]
    assert distinct([*runs, failed("flink", 120)], "warm_up") == [45.0, 120.0]


def test_a_failed_run_is_not_right() -> None:
    assert are_right([result("flink", 120, 10, 90)])
    assert not are_right([result("flink", 120, 10, 90), failed("flink", 120)])
    assert not are_right([result("flink", 120, 10, 90, unfinished_rows=1)])


def test_a_result_of_before_unfinished_rows_were_told_is_right_when_none_differs() -> None:
    old = result("flink", 120, 10, 90)
    del old["unfinished_rows"]
    assert are_right([old])
