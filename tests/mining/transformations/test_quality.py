from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from pitlake.mining.dimensions import sensor_definitions
from pitlake.mining.site import MACHINES
from pitlake.mining.transformations import quality

MINUTE = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
READING = pa.schema(
    [
        ("equipment_id", pa.string()),
        ("sensor_name", pa.string()),
        ("ingestion_timestamp", pa.timestamp("us", tz="UTC")),
        ("effective_timestamp", pa.timestamp("us", tz="UTC")),
        ("latency_seconds", pa.float64()),
    ]
)


def reading(
    *, second: float = 0, latency: float = 0.1, machine: str = "CR_002", sensor: str = "Vibration_MM_S"
) -> dict[str, Any]:
    arrived = MINUTE + timedelta(seconds=second)
    return dict(zip(READING.names, (machine, sensor, arrived, arrived - timedelta(seconds=latency), latency), strict=True))


@pytest.fixture
def minutes(spark, collected):
    def rows(*readings: dict[str, Any]):
        frame = spark.createDataFrame(pa.Table.from_pylist(list(readings), schema=READING))
        return sorted(collected(quality.metrics(frame)), key=lambda row: row.minute)

    return rows


def test_readings_count_in_the_minute_in_which_they_arrived(minutes):
    first, second = minutes(reading(second=0, latency=90), reading(second=59.999), reading(second=60))
    assert (first.minute, first.total_records) == (MINUTE, 2)
    assert (second.minute, second.total_records) == (MINUTE + timedelta(minutes=1), 1)


def test_latencies_are_averaged_and_the_longest_is_kept(minutes):
    [row] = minutes(reading(latency=0.25), reading(latency=0.75))
    assert (row.avg_latency_sec, row.max_latency_sec) == (0.5, 0.75)


@pytest.mark.parametrize(("slow", "p99"), [(1, 0.05), (2, 3.0)])
def test_the_time_that_99_per_cent_keep_is_rounded_up_to_a_bound_or_the_longest(minutes, slow, p99):
    [row] = minutes(*(reading(latency=3.0 if n < slow else 0.03) for n in range(100)))
    assert row.p99_latency_sec == p99


def test_latencies_beyond_all_bounds_are_told_by_the_longest(minutes):
    [row] = minutes(*(reading(latency=float(n)) for n in (900, 1000)))
    assert row.p99_latency_sec == 1000


def test_the_site_s_machines_and_tag_names_are_counted(minutes):
    names = sorted(set(sensor_definitions()["sensor_name"].to_pylist()))
    [row] = minutes(*(reading(machine=m.equipment_id, sensor=name) for m in MACHINES for name in names))
    assert row.distinct_equipment == pytest.approx(len(MACHINES), rel=0.1)
    assert row.distinct_sensors == pytest.approx(len(names), rel=0.1)


def test_the_newest_event_of_the_minute_is_kept(minutes):
    [row] = minutes(reading(second=9, latency=8), reading(second=5, latency=1))
    assert row.latest_event_timestamp == MINUTE + timedelta(seconds=4)


def test_the_columns_are_those_of_the_schema(spark, columns_of):
    assert quality.metrics(spark.createDataFrame(READING.empty_table())).dtypes == columns_of(quality.SCHEMA)
