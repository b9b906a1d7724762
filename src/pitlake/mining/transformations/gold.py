"""Gold: what a machine did, per window of time and sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from pitlake.mining.transformations.silver import MACHINE_ATTRIBUTES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = """
    window_start TIMESTAMP NOT NULL COMMENT 'Start of the window, UTC, inclusive',
    window_end TIMESTAMP NOT NULL COMMENT 'End of the window, UTC, exclusive',
    date DATE NOT NULL COMMENT 'UTC date of window_start',
    equipment_id STRING NOT NULL COMMENT 'Machine',
    equipment_type STRING COMMENT 'Type of the machine; NULL, as all its attributes, for an unknown machine',
    sensor_name STRING NOT NULL COMMENT 'Tag',
    manufacturer STRING COMMENT 'Who made the machine',
    model STRING COMMENT 'Model of the machine',
    site STRING COMMENT 'Site (ISA-95) of the machine',
    area STRING COMMENT 'Area (ISA-95) of the machine',
    location STRING COMMENT 'Place of the machine within its area',
    criticality STRING COMMENT 'Low, Medium, High or Critical',
    avg_value DOUBLE COMMENT 'Mean of the readings of quality Good, in the unit of the sensor',
    min_value DOUBLE COMMENT 'Lowest reading of quality Good',
    max_value DOUBLE COMMENT 'Highest reading of quality Good',
    stddev_value DOUBLE COMMENT 'Sample standard deviation of the readings of quality Good; NULL for fewer than two',
    latest_value DOUBLE COMMENT 'Newest reading of quality Good; of several at one instant one of them',
    reading_count BIGINT NOT NULL COMMENT 'Numeric readings of any quality in the window',
    good_pct DOUBLE COMMENT 'Percentage of those readings whose quality is Good',
    min_latency_sec DOUBLE COMMENT 'Shortest time from event to ingestion, seconds',
    max_latency_sec DOUBLE COMMENT 'Longest time from event to ingestion, seconds',
    latest_event_timestamp TIMESTAMP COMMENT 'Effective time of the newest reading in the row, UTC: how fresh the row is',
    processed_at TIMESTAMP COMMENT 'When the row was computed, UTC',
    CONSTRAINT {table}_key PRIMARY KEY (window_start, equipment_id, sensor_name)
"""


def schema(table: str) -> str:
    """The schema of a performance table of that name, as DDL."""
    return SCHEMA.format(table=table)


def performance(
    readings: DataFrame, *, equipment: DataFrame, window: str = "1 minute", watermark: str = "30 seconds"
) -> DataFrame:
    """Numeric readings by window of effective time, machine and sensor, with the machine's attributes.

    `readings` are those of silver; what `silver.typed_readings` gives is enough. All keys come from them; `equipment` is joined
    to the result, so that a change of it never stores the same readings under two keys. Of each window only numbers and times are
    kept, of fixed width: in real time Spark holds ten times as many of such windows in memory, ready for the next reading.
    """
    is_good = F.col("quality") == "Good"
    good_value = F.when(is_good, F.col("sensor_value"))
    windows = (
        readings.where(F.col("sensor_value").isNotNull())
        .withWatermark("effective_timestamp", watermark)
        .groupBy(F.window("effective_timestamp", window), "equipment_id", "sensor_name")
        .agg(
            F.avg(good_value).alias("avg_value"),
            F.min(good_value).alias("min_value"),
            F.max(good_value).alias("max_value"),
            F.stddev_samp(good_value).alias("stddev_value"),
            F.max_by("sensor_value", F.when(is_good, F.col("effective_timestamp"))).alias("latest_value"),
            F.count("*").alias("reading_count"),
            F.count(good_value).alias("good_count"),
            F.min("latency_seconds").alias("min_latency_sec"),
            F.max("latency_seconds").alias("max_latency_sec"),
            F.max("effective_timestamp").alias("latest_event_timestamp"),
        )
    )
    machines = equipment.select("equipment_id", "equipment_type", *MACHINE_ATTRIBUTES)
    return windows.join(F.broadcast(machines), on="equipment_id", how="left").select(
        F.col("window.start").alias("window_start"),
        F.col("window.end").alias("window_end"),
        F.to_date("window.start").alias("date"),
        "equipment_id",
        "equipment_type",
        "sensor_name",
        *MACHINE_ATTRIBUTES,
        "avg_value",
        "min_value",
        "max_value",
        "stddev_value",
        "latest_value",
        "reading_count",
        (F.lit(100.0) * F.col("good_count") / F.col("reading_count")).alias("good_pct"),
        "min_latency_sec",
        "max_latency_sec",
        "latest_event_timestamp",
        F.current_timestamp().alias("processed_at"),
    )
