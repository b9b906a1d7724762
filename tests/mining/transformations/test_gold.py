from __future__ import annotations

import re
import statistics
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pitlake.mining.transformations import gold

MINUTE = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
READING = pa.schema(
    [
        ("equipment_id", pa.string()),
        ("sensor_name", pa.string()),
        ("sensor_value", pa.float64()),
        ("quality", pa.string()),
        ("effective_timestamp", pa.timestamp("us", tz="UTC")),
        ("latency_seconds", pa.float64()),
    ]
)


def reading(
    value: float | None, *, second: float = 0, quality: str = "Good", latency: float = 0.1, machine: str = "CR_002"
) -> dict[str, Any]:
    moment = MINUTE + timedelta(seconds=second)
    return dict(zip(READING.names, (machine, "Vibration_MM_S", value, quality, moment, latency), strict=True))


@pytest.fixture
def windows(spark, equipment, collected):
    def rows(*readings: dict[str, Any], window: str = "1 minute"):
        rows = spark.createDataFrame(pa.Table.from_pylist(list(readings), schema=READING))
        performance = gold.performance(rows, equipment=equipment, window=window)
        return sorted(collected(performance), key=lambda row: row.window_start)

    return rows


def test_a_window_holds_its_start_and_not_its_end(windows):
    first, second = windows(reading(1, second=0), reading(2, second=59.999), reading(3, second=60))
    assert (first.window_start, first.window_end, first.date) == (MINUTE, MINUTE + timedelta(minutes=1), date(2026, 2, 15))
    assert (first.reading_count, second.reading_count) == (2, 1)


def test_the_aggregates_are_those_of_the_readings(windows):
    values = [18.25, 20.5, 21.75]
    [row] = windows(*[reading(value, second=n) for n, value in enumerate(values)])
    assert (row.min_value, row.max_value, row.reading_count) == (18.25, 21.75, 3)
    assert row.avg_value == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert row.stddev_value == pytest.approx(statistics.stdev(values), rel=1e-12)


def test_only_good_readings_are_averaged_and_all_are_counted(windows):
    [row] = windows(reading(20), reading(99, quality="Bad"), reading(98, quality="Uncertain"), reading(22))
    assert (row.avg_value, row.max_value, row.reading_count, row.good_pct) == (21.0, 22.0, 4, 50.0)


def test_texts_are_not_counted(windows):
    [row] = windows(reading(20), reading(None))
    assert row.reading_count == 1


def test_one_reading_has_no_deviation(windows):
    [row] = windows(reading(20))
    assert row.stddev_value is None


def test_the_longest_latency_and_the_newest_reading_are_kept(windows):
    [row] = windows(reading(1, second=3, latency=0.7), reading(1, second=9, latency=0.2))
    assert (row.max_latency_sec, row.latest_event_timestamp) == (0.7, MINUTE + timedelta(seconds=9))


def test_the_latest_value_is_that_of_the_newest_good_reading(windows):
    [row] = windows(reading(20, second=2), reading(22, second=1), reading(99, second=3, quality="Bad"))
    assert row.latest_value == 20


def test_without_a_good_reading_there_is_no_latest_value(windows):
    [row] = windows(reading(20, quality="Bad"))
    assert row.latest_value is None


def test_all_that_is_kept_of_a_window_is_of_fixed_width(spark, equipment):
    rows = spark.createDataFrame(pa.Table.from_pylist([reading(20)], schema=READING))
    plan = gold.performance(rows, equipment=equipment)._jdf.queryExecution().sparkPlan().toString()
    # Spark has others for what is kept otherwise; of that its real-time mode holds a hundred in memory, not a thousand.
    assert set(re.findall(r"(\w*Aggregate)\(", plan)) == {"HashAggregate"}


def test_the_machines_attributes_are_joined(windows):
    [row] = windows(reading(20))
    assert (row.equipment_type, row.location, row.criticality) == ("Crusher", "Primary crusher 2", "Critical")


def test_an_unknown_machine_has_a_window_without_attributes(windows):
    [row] = windows(reading(20, machine="XX_999"))
    assert (row.reading_count, row.equipment_type) == (1, None)


def test_an_hour_is_the_same_with_another_duration(windows):
    [row] = windows(reading(1), reading(3, second=30 * 60), window="1 hour")
    assert (row.window_start, row.avg_value) == (datetime(2026, 2, 15, 4, tzinfo=UTC), 2.0)


def test_the_columns_are_those_of_the_schema(spark, equipment, columns_of):
    rows = gold.performance(spark.createDataFrame(READING.empty_table()), equipment=equipment)
    assert rows.dtypes == columns_of(gold.schema("equipment_performance_1min"))
