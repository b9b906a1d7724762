"""Predictions: minutes in which a sensor departs from its baseline, while there is time to act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from pitlake.mining.transformations.baseline import MIN_READINGS, good_count

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SCHEMA = """
    window_start TIMESTAMP NOT NULL COMMENT 'Start of the minute, UTC, inclusive',
    date DATE NOT NULL COMMENT 'UTC date of window_start',
    equipment_id STRING NOT NULL COMMENT 'Machine',
    equipment_type STRING COMMENT 'Type of the machine; NULL, as its attributes, for an unknown machine',
    sensor_name STRING NOT NULL COMMENT 'Tag',
    location STRING COMMENT 'Place of the machine within its area',
    criticality STRING COMMENT 'Low, Medium, High or Critical: what a standstill of the machine means for the mine',
    prediction_type STRING NOT NULL COMMENT 'vibration_anomaly, temperature_anomaly or sensor_anomaly, by the name of the tag',
    severity STRING NOT NULL COMMENT 'By deviation_score: Low, over 3 Medium, over 4 High, over 5 Critical',
    status STRING NOT NULL COMMENT 'ACTIVE; RECOVERING when the newest reading is back within the limit and the average is not',
    current_value DOUBLE COMMENT 'Newest reading of quality Good in the minute, in the unit of the sensor',
    avg_value DOUBLE COMMENT 'Mean of the readings of quality Good in the minute',
    baseline_avg DOUBLE COMMENT 'What it was compared with: the usual level',
    baseline_stddev DOUBLE COMMENT 'What it was measured by: the usual deviation',
    deviation_score DOUBLE NOT NULL COMMENT 'Distance of avg_value from baseline_avg, in baseline_stddev; over 2',
    confidence_score DOUBLE NOT NULL COMMENT 'A fifth of the score, 0.99 at most',
    recommendation STRING NOT NULL COMMENT 'What to do',
    reading_count BIGINT NOT NULL COMMENT 'Numeric readings of any quality in the minute so far',
    prediction_time TIMESTAMP COMMENT 'When the row was computed, UTC',
    CONSTRAINT ml_predictions_key PRIMARY KEY (window_start, equipment_id, sensor_name)
"""

KEYS = ("window_start", "equipment_id", "sensor_name")
SEQUENCE = ("window_start", "reading_count")
HAS_RECOVERED = "has_recovered"

LIMIT = 2.0
FRESH_SECONDS = 60.0
"""An upload of what happened long ago raises no alarm: some reading of the minute must have come within this time."""

_JUDGED_WITHIN = "1 hour"
"""Later the baseline is another, and nobody can act on it any more."""

_BASELINE = ("equipment_id", "sensor_name", "baseline_avg", "baseline_stddev")
_RECOMMENDATIONS = {
    "vibration_anomaly": "Inspect for mechanical issues. Check belt alignment and bearing condition.",
    "temperature_anomaly": "Check cooling system. Verify fan operation and coolant levels.",
    "sensor_anomaly": "Investigate sensor or equipment condition.",
}


def changes(minutes: DataFrame, *, baseline: DataFrame, now: Column | None = None) -> DataFrame:
    """Minutes in the columns of the table, and `has_recovered BOOLEAN`: the row is to be removed, its score being 2 or less.

    `minutes` are rows of equipment_performance_1min as they change, `baseline` those of equipment_baseline. `now` is a TIMESTAMP,
    without it the present: a minute that comes again long after it was judged keeps its judgement. A minute whose
    readings have all stayed within the limit gives no row: its average was never beyond it, so there is nothing to remove, unless
    the baseline has moved within the minute; the row that spoke by the older one then stays.
    """
    compared = minutes.join(F.broadcast(baseline.select(*_BASELINE)), on=["equipment_id", "sensor_name"])
    is_recent = F.col("window_start") > (F.current_timestamp() if now is None else now) - F.expr(f"INTERVAL {_JUDGED_WITHIN}")
    return (
        compared.where(_speaks() & is_recent)
        .withColumns({"deviation_score": _score("avg_value"), "prediction_type": _prediction_type()})
        .select(
            "window_start",
            "date",
            "equipment_id",
            "equipment_type",
            "sensor_name",
            "location",
            "criticality",
            "prediction_type",
            _severity().alias("severity"),
            F.when(_score("latest_value") > LIMIT, "ACTIVE").otherwise("RECOVERING").alias("status"),
            F.col("latest_value").alias("current_value"),
            "avg_value",
            "baseline_avg",
            "baseline_stddev",
            "deviation_score",
            F.least(F.lit(0.99), F.col("deviation_score") / 5).alias("confidence_score"),
            _recommendation().alias("recommendation"),
            "reading_count",
            F.current_timestamp().alias("prediction_time"),
            (F.col("deviation_score") <= LIMIT).alias(HAS_RECOVERED),
        )
    )


def _score(value: str) -> Column:
    """How many deviations a value lies from the baseline; NULL where the deviation is 0."""
    return F.abs(F.col(value) - F.col("baseline_avg")) / F.nullif("baseline_stddev", F.lit(0.0))


def _speaks() -> Column:
    has_enough = good_count() >= MIN_READINGS
    is_fresh = F.col("min_latency_sec") <= FRESH_SECONDS
    some_reading_is_beyond = F.greatest(_score("min_value"), _score("max_value")) > LIMIT
    return has_enough & is_fresh & some_reading_is_beyond


def _prediction_type() -> Column:
    name = F.lower("sensor_name")
    return (
        F.when(name.contains("vibration"), "vibration_anomaly")
        .when(name.contains("temp"), "temperature_anomaly")
        .otherwise("sensor_anomaly")
    )


def _recommendation() -> Column:
    recommendation = F.lit(None).cast("STRING")
    for prediction_type, text in _RECOMMENDATIONS.items():
        recommendation = F.when(F.col("prediction_type") == prediction_type, text).otherwise(recommendation)
    return recommendation


def _severity() -> Column:
    score = F.col("deviation_score")
    return F.when(score > 5, "Critical").when(score > 4, "High").when(score > 3, "Medium").otherwise("Low")
