"""Quality metrics: how much arrived in a minute, from how many, and how late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SCHEMA = """
    minute TIMESTAMP NOT NULL COMMENT 'Minute of ingestion, UTC, inclusive',
    total_records BIGINT NOT NULL COMMENT 'Readings that the broker appended in that minute, numbers and texts',
    avg_latency_sec DOUBLE COMMENT 'Mean time from event to ingestion, seconds',
    max_latency_sec DOUBLE COMMENT 'Longest time from event to ingestion, seconds',
    p99_latency_sec DOUBLE COMMENT 'Time that 99 % of them did not exceed, rounded up to a bound such as 0.05, 0.1, 0.2 or 0.5',
    distinct_equipment BIGINT NOT NULL COMMENT 'Machines that sent, approximately',
    distinct_sensors BIGINT NOT NULL COMMENT 'Tag names that were sent, approximately',
    latest_event_timestamp TIMESTAMP COMMENT 'Effective time of the newest reading in the row, UTC: how fresh the row is',
    processed_at TIMESTAMP COMMENT 'When the row was computed, UTC',
    CONSTRAINT pipeline_quality_metrics_key PRIMARY KEY (minute)
"""

_BOUNDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds. Counts below bounds cost a fraction of a percentile's state, which is written anew for each reading."""


def metrics(readings: DataFrame, *, watermark: str = "30 seconds") -> DataFrame:
    """Readings by minute of ingestion. `readings` are those of silver; what it keeps back must not be among them."""
    within = [F.count_if(F.col("latency_seconds") <= bound).alias(f"within_{n}") for n, bound in enumerate(_BOUNDS)]
    return (
        readings.withWatermark("ingestion_timestamp", watermark)
        .groupBy(F.window("ingestion_timestamp", "1 minute"))
        .agg(
            F.count("*").alias("total_records"),
            F.avg("latency_seconds").alias("avg_latency_sec"),
            F.max("latency_seconds").alias("max_latency_sec"),
            F.approx_count_distinct("equipment_id").alias("distinct_equipment"),
            F.approx_count_distinct("sensor_name").alias("distinct_sensors"),
            F.max("effective_timestamp").alias("latest_event_timestamp"),
            *within,
        )
        .select(
            F.col("window.start").alias("minute"),
            "total_records",
            "avg_latency_sec",
            "max_latency_sec",
            _p99().alias("p99_latency_sec"),
            "distinct_equipment",
            "distinct_sensors",
            "latest_event_timestamp",
            F.current_timestamp().alias("processed_at"),
        )
    )


def _p99() -> Column:
    bounds = [F.when(F.col(f"within_{n}") >= F.col("total_records") * 0.99, F.lit(bound)) for n, bound in enumerate(_BOUNDS)]
    return F.least(F.coalesce(*bounds, "max_latency_sec"), "max_latency_sec")
