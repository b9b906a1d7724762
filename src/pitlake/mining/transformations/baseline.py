"""Baseline: what each sensor of each machine has shown of late, told so that an anomaly among it hardly counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SCHEMA = """
    equipment_id STRING NOT NULL COMMENT 'Machine',
    sensor_name STRING NOT NULL COMMENT 'Tag',
    equipment_type STRING COMMENT 'Type of the machine; NULL for an unknown machine',
    baseline_avg DOUBLE NOT NULL COMMENT 'Usual level: median of the averages of the windows, in the unit of the sensor',
    baseline_stddev DOUBLE NOT NULL COMMENT 'What a deviation is measured by: the greater of observed_stddev and stddev_floor',
    observed_stddev DOUBLE NOT NULL COMMENT '1.4826 times the median distance of the averages from their median',
    stddev_floor DOUBLE NOT NULL COMMENT 'Half the width of the normal range; a tenth of the level for a sensor without one',
    window_count BIGINT NOT NULL COMMENT 'Closed one-minute windows that it is made of, 60 at most',
    first_window TIMESTAMP NOT NULL COMMENT 'Start of the oldest of them, UTC',
    last_window TIMESTAMP NOT NULL COMMENT 'Start of the newest of them, UTC',
    CONSTRAINT equipment_baseline_key PRIMARY KEY (equipment_id, sensor_name)
"""

KEYS = ("equipment_id", "sensor_name")
WINDOWS = 60
MIN_READINGS = 5
"""A window of fewer good readings says little of its minute."""

_CLOSED_AFTER = "30 seconds"
_REACH = "1 day"
"""How far back windows are looked for: a machine that has stood still for longer begins anew."""

_STDDEV_PER_MAD = 1.4826
"""The ratio of standard deviation and median absolute deviation where values are normally distributed."""

_LEVEL_SHARE = 0.1


def baselines(windows: DataFrame, *, sensors: DataFrame, now: Column | None = None) -> DataFrame:
    """One row per machine and sensor, from its last closed windows. A batch function: it ranks, which no stream can.

    `windows` are rows of equipment_performance_1min, `sensors` those of sensor_definitions. `now` is a TIMESTAMP, without it the
    present.

    With the floor, a machine whose windows stay in the sensor's normal range scores 2 at most against a baseline in that range.
    """
    recent = _recent(_usable(windows, F.current_timestamp() if now is None else now))
    leveled = recent.withColumn("level", F.median("avg_value").over(Window.partitionBy(*KEYS)))
    observed = leveled.groupBy(*KEYS).agg(
        F.max_by("equipment_type", "window_start").alias("equipment_type"),
        F.first("level").alias("baseline_avg"),
        (F.median(F.abs(F.col("avg_value") - F.col("level"))) * _STDDEV_PER_MAD).alias("observed_stddev"),
        F.count("*").alias("window_count"),
        F.min("window_start").alias("first_window"),
        F.max("window_start").alias("last_window"),
    )
    return _with_floor(observed, sensors).select(
        *KEYS,
        "equipment_type",
        "baseline_avg",
        F.greatest("observed_stddev", "stddev_floor").alias("baseline_stddev"),
        "observed_stddev",
        "stddev_floor",
        "window_count",
        "first_window",
        "last_window",
    )


def _usable(windows: DataFrame, now: Column) -> DataFrame:
    is_closed = F.col("window_end") <= now - F.expr(f"INTERVAL {_CLOSED_AFTER}")
    is_near = F.col("window_start") > now - F.expr(f"INTERVAL {_REACH}")
    return windows.where(F.col("avg_value").isNotNull() & (good_count() >= MIN_READINGS) & is_closed & is_near)


def good_count() -> Column:
    """Readings of quality Good in a row of gold; a percentage is no exact fraction, and five of seven must count as five."""
    return F.round(F.col("reading_count") * F.col("good_pct") / 100)


def _recent(windows: DataFrame) -> DataFrame:
    newest_first = Window.partitionBy(*KEYS).orderBy(F.desc("window_start"))
    return windows.withColumn("rank", F.row_number().over(newest_first)).where(F.col("rank") <= WINDOWS)


def _with_floor(observed: DataFrame, sensors: DataFrame) -> DataFrame:
    half_width = (F.col("normal_max") - F.col("normal_min")) / 2
    ranges = sensors.select("equipment_type", "sensor_name", half_width.alias("half_width"))
    joined = observed.join(F.broadcast(ranges), on=["equipment_type", "sensor_name"], how="left")
    return joined.withColumn("stddev_floor", F.coalesce("half_width", F.abs("baseline_avg") * _LEVEL_SHARE))
