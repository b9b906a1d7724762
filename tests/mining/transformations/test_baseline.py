from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pitlake.mining.transformations import baseline

NOW = datetime(2026, 2, 15, 12, 0, 30, tzinfo=UTC)
NEWEST = datetime(2026, 2, 15, 11, 59, tzinfo=UTC)
"""Start of the newest window that is closed at NOW, which is 30 seconds after its end."""

WINDOW = pa.schema(
    [
        ("window_start", pa.timestamp("us", tz="UTC")),
        ("window_end", pa.timestamp("us", tz="UTC")),
        ("equipment_id", pa.string()),
        ("equipment_type", pa.string()),
        ("sensor_name", pa.string()),
        ("avg_value", pa.float64()),
        ("reading_count", pa.int64()),
        ("good_pct", pa.float64()),
    ]
)


def window(
    value: float | None,
    *,
    minutes_ago: float = 0,
    machine: str = "CR_002",
    kind: str | None = "Crusher",
    sensor: str = "Vibration_MM_S",
    count: int = 100,
    good_pct: float = 100.0,
) -> dict[str, Any]:
    start = NEWEST - timedelta(minutes=minutes_ago)
    end = start + timedelta(minutes=1)
    return dict(zip(WINDOW.names, (start, end, machine, kind, sensor, value, count, good_pct), strict=True))


def minutes(*values: float | None, **given: Any) -> list[dict[str, Any]]:
    """Windows of consecutive minutes, the newest first."""
    return [window(value, minutes_ago=n, **given) for n, value in enumerate(values)]


@pytest.fixture
def baselines(spark, sensors, collected):
    def rows(windows: list[dict[str, Any]]):
        frame = spark.createDataFrame(pa.Table.from_pylist(windows, schema=WINDOW))
        return sorted(collected(baseline.baselines(frame, sensors=sensors, now=F.lit(NOW))), key=lambda row: row.sensor_name)

    return rows


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(series=st.lists(st.lists(st.floats(0, 1000), min_size=1, max_size=60), min_size=1, max_size=20))
def test_level_and_deviation_are_median_and_median_distance(baselines, series):
    named = {f"sensor_{n:02}": values for n, values in enumerate(series)}
    rows = baselines([row for name, values in named.items() for row in minutes(*values, sensor=name)])
    for row, (name, values) in zip(rows, named.items(), strict=True):
        level = statistics.median(values)
        spread = 1.4826 * statistics.median(abs(value - level) for value in values)
        assert (row.sensor_name, row.window_count) == (name, len(values))
        assert row.baseline_avg == pytest.approx(level)
        assert row.observed_stddev == pytest.approx(spread)


def test_an_anomaly_among_the_windows_hardly_moves_the_baseline(baselines):
    healthy = [19.5, 20.0, 20.5] * 15
    [row] = baselines(minutes(*range(60, 45, -1), *healthy))
    assert row.baseline_avg == pytest.approx(20, abs=0.5)
    assert row.baseline_stddev <= 2


def test_only_the_last_sixty_windows_count(baselines):
    [row] = baselines(minutes(*[20.0] * 60, *[90.0] * 60))
    assert (row.baseline_avg, row.window_count) == (20.0, 60)
    assert (row.first_window, row.last_window) == (NEWEST - timedelta(minutes=59), NEWEST)


def test_a_window_counts_30_seconds_after_its_end(baselines):
    [row] = baselines([window(90.0, minutes_ago=-1), window(20.0), window(21.0, minutes_ago=1)])
    assert (row.last_window, row.window_count) == (NEWEST, 2)


def test_windows_of_another_day_do_not_count(baselines):
    assert baselines([window(20.0, minutes_ago=24 * 60)]) == []


@pytest.mark.parametrize(
    ("count", "good_pct", "counts"), [(5, 100.0, True), (4, 100.0, False), (7, 500 / 7, True), (9, 400 / 9, False)]
)
def test_a_window_of_fewer_than_five_good_readings_does_not_count(baselines, count, good_pct, counts):
    assert bool(baselines([window(20.0, count=count, good_pct=good_pct)])) is counts


def test_a_window_without_an_average_does_not_count(baselines):
    [row] = baselines(minutes(None, 20.0, None))
    assert row.window_count == 1


def test_the_deviation_is_never_less_than_half_the_normal_range(baselines):
    [row] = baselines(minutes(20.0, 20.0, 20.0))
    assert (row.observed_stddev, row.stddev_floor, row.baseline_stddev) == (0.0, 2.0, 2.0)


def test_a_deviation_over_the_floor_stands(baselines):
    [row] = baselines(minutes(10.0, 20.0, 30.0))
    assert row.baseline_stddev == row.observed_stddev == pytest.approx(14.826)


def test_without_a_definition_the_floor_is_a_tenth_of_the_level(baselines):
    rows = baselines([*minutes(-50.0, kind=None), *minutes(0.0, sensor="Unheard_Of")])
    assert {row.sensor_name: row.baseline_stddev for row in rows} == {"Vibration_MM_S": 5.0, "Unheard_Of": 0.0}


def test_machines_have_baselines_of_their_own(baselines):
    rows = baselines([*minutes(20.0), *minutes(3.0, machine="HT_001", kind="HaulTruck")])
    assert {(r.equipment_id, r.equipment_type, r.baseline_avg, r.stddev_floor) for r in rows} == {
        ("CR_002", "Crusher", 20.0, 2.0),
        ("HT_001", "HaulTruck", 3.0, 2.5),
    }


def test_the_columns_are_those_of_the_schema(spark, sensors, columns_of):
    rows = baseline.baselines(spark.createDataFrame(WINDOW.empty_table()), sensors=sensors)
    assert rows.dtypes == columns_of(baseline.SCHEMA)
