from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from pitlake.mining.transformations import gold, predictions

MINUTE = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
READING = pa.schema(
    [
        ("equipment_id", pa.string()),
        ("sensor_name", pa.string()),
        ("sensor_value", pa.float64()),
        ("quality", pa.string()),
        ("effective_timestamp", pa.timestamp("us", tz="UTC")),
        ("latency_seconds", pa.float64()),
        ("landing_id", pa.string()),
        ("batch_index", pa.int32()),
    ]
)
BASELINE = pa.schema(
    [
        ("equipment_id", pa.string()),
        ("sensor_name", pa.string()),
        ("baseline_avg", pa.float64()),
        ("baseline_stddev", pa.float64()),
    ]
)
USUAL = ("CR_002", "Vibration_MM_S", 20.0, 2.0)


def readings(
    *values: float | None,
    machine: str = "CR_002",
    sensor: str = "Vibration_MM_S",
    quality: str = "Good",
    latency: float = 0.1,
    begin: datetime = MINUTE,
) -> list[dict[str, Any]]:
    """Readings one second apart, in the order of their landing."""
    return [
        dict(
            zip(
                READING.names,
                (machine, sensor, value, quality, begin + timedelta(seconds=n), latency, f"00000-{n:019d}", 0),
                strict=True,
            )
        )
        for n, value in enumerate(values)
    ]


@pytest.fixture
def changes(spark, equipment, collected):
    def rows(sent: list[dict[str, Any]], *usual: tuple[str, str, float, float], now: datetime = MINUTE + timedelta(minutes=2)):
        baseline = [dict(zip(BASELINE.names, row, strict=True)) for row in usual or (USUAL,)]
        minutes = gold.performance(spark.createDataFrame(pa.Table.from_pylist(sent, schema=READING)), equipment=equipment)
        usually = spark.createDataFrame(pa.Table.from_pylist(baseline, schema=BASELINE))
        found = predictions.changes(minutes, baseline=usually, now=F.lit(now))
        return sorted(collected(found), key=lambda row: (row.window_start, row.sensor_name))

    return rows


def test_an_average_beyond_two_deviations_is_predicted(changes):
    [row] = changes(readings(26.0, 26.0, 26.0, 26.0, 28.0))
    assert (row.window_start, row.date, row.equipment_id) == (MINUTE, date(2026, 2, 15), "CR_002")
    assert (row.avg_value, row.baseline_avg, row.baseline_stddev) == (26.4, 20.0, 2.0)
    assert (row.deviation_score, row.has_recovered) == (pytest.approx(3.2), False)


def test_a_fall_is_as_much_as_a_rise(changes):
    [row] = changes(readings(*[14.0] * 5))
    assert (row.deviation_score, row.has_recovered) == (3.0, False)


@pytest.mark.parametrize("value", [20.0, 24.0, 16.0])
def test_readings_within_the_limit_say_nothing(changes, value):
    assert changes(readings(*[value] * 5)) == []


def test_an_average_that_falls_back_to_the_limit_removes_its_row(changes):
    [row] = changes(readings(40.0, 20.0, 20.0, 20.0, 20.0))
    assert (row.deviation_score, row.has_recovered) == (2.0, True)


@pytest.mark.parametrize(("count", "rows"), [(4, 0), (5, 1)])
def test_fewer_than_five_readings_say_nothing(changes, count, rows):
    assert len(changes(readings(*[40.0] * count))) == rows


def test_readings_that_are_not_good_count_for_the_order_of_rows_alone(changes):
    assert changes(readings(*[40.0] * 5, quality="Bad")) == []
    [row] = changes([*readings(*[26.0] * 5), *readings(99.0, None, quality="Uncertain", begin=MINUTE + timedelta(seconds=20))])
    assert (row.avg_value, row.current_value, row.reading_count) == (26.0, 26.0, 6)


def test_a_minute_that_comes_again_after_an_hour_keeps_its_judgement(changes):
    assert changes(readings(*[40.0] * 5), now=MINUTE + timedelta(minutes=59)) != []
    assert changes(readings(*[40.0] * 5), now=MINUTE + timedelta(hours=1)) == []


def test_an_upload_of_what_happened_long_ago_raises_no_alarm(changes):
    assert changes(readings(*[40.0] * 5, latency=3600.0)) == []
    assert changes([*readings(*[40.0] * 5, latency=3600.0), *readings(40.0, latency=1.0)]) != []


def test_without_a_baseline_nothing_is_predicted(changes):
    assert changes(readings(*[40.0] * 5, machine="CR_003")) == []


def test_a_deviation_of_0_predicts_nothing(changes):
    assert changes(readings(*[40.0] * 5), ("CR_002", "Vibration_MM_S", 20.0, 0.0)) == []


def test_the_current_value_is_the_newest(changes):
    [row] = changes(readings(26.0, 26.0, 26.0, 26.0, 30.0, 29.0)[::-1])
    assert row.current_value == 29.0


def test_the_status_tells_whether_the_newest_reading_is_back(changes):
    [before] = changes(readings(*[30.0] * 6))
    [after] = changes(readings(*[30.0] * 5, 20.0))
    assert (before.status, after.status) == ("ACTIVE", "RECOVERING")


@pytest.mark.parametrize(
    ("value", "confidence", "severity"),
    [(25.0, 0.5, "Low"), (27.0, 0.7, "Medium"), (29.0, 0.9, "High"), (30.0, 0.99, "High"), (60.0, 0.99, "Critical")],
)
def test_confidence_and_severity_follow_the_score(changes, value, confidence, severity):
    [row] = changes(readings(*[value] * 5))
    assert (row.confidence_score, row.severity) == (pytest.approx(confidence), severity)


def test_the_tag_decides_type_and_recommendation(changes):
    names = ("Vibration_MM_S", "Engine_Temp_C", "Motor_Temperature_C", "Belt_Alignment_MM")
    sent = [row for name in names for row in readings(*[40.0] * 5, sensor=name)]
    rows = changes(sent, *(("CR_002", name, 20.0, 2.0) for name in names))
    temperature = ("temperature_anomaly", "Check cooling system. Verify fan operation and coolant levels.")
    assert {row.sensor_name: (row.prediction_type, row.recommendation) for row in rows} == {
        "Vibration_MM_S": (
            "vibration_anomaly",
            "Inspect for mechanical issues. Check belt alignment and bearing condition.",
        ),
        "Engine_Temp_C": temperature,
        "Motor_Temperature_C": temperature,
        "Belt_Alignment_MM": ("sensor_anomaly", "Investigate sensor or equipment condition."),
    }


def test_the_machines_attributes_are_joined_where_it_is_known(changes):
    sent = [*readings(*[40.0] * 5), *readings(*[40.0] * 5, machine="XX_999")]
    rows = changes(sent, USUAL, ("XX_999", "Vibration_MM_S", 20.0, 2.0))
    assert {row.equipment_id: (row.equipment_type, row.location, row.criticality) for row in rows} == {
        "CR_002": ("Crusher", "Primary crusher 2", "Critical"),
        "XX_999": (None, None, None),
    }


def test_every_minute_is_judged_by_itself(changes):
    sent = [*readings(*[40.0] * 5), *readings(*[30.0] * 5, begin=MINUTE + timedelta(minutes=1))]
    assert [row.avg_value for row in changes(sent)] == [40.0, 30.0]


def test_the_columns_are_those_of_the_schema_and_the_mark_of_removal(spark, equipment, columns_of):
    readings, baseline = (spark.createDataFrame(schema.empty_table()) for schema in (READING, BASELINE))
    rows = predictions.changes(gold.performance(readings, equipment=equipment), baseline=baseline)
    assert rows.dtypes == [*columns_of(predictions.SCHEMA), (predictions.HAS_RECOVERED, "boolean")]


def test_keys_and_sequence_are_columns(columns_of):
    names = [name for name, _ in columns_of(predictions.SCHEMA)]
    assert set(predictions.KEYS) | set(predictions.SEQUENCE) <= set(names)
