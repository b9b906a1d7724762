"""Quality metrics: how much arrived in a minute, from how many, and how late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = """
    minute TIMESTAMP NOT NULL COMMENT 'Minute of ingestion, UTC, inclusive',
    total_records BIGINT NOT NULL COMMENT 'Readings that the broker appended in that minute, numbers and texts',
    avg_latency_sec DOUBLE COMMENT 'Mean time from event to ingestion, seconds',
    max_latency_sec DOUBLE COMMENT 'Longest time from event to ingestion, seconds',
    p99_latency_sec DOUBLE COMMENT 'Time that 99 % of them did not exceed, to half a per cent of the readings',
    distinct_equipment BIGINT NOT NULL COMMENT 'Machines that sent, approximately',
    distinct_sensors BIGINT NOT NULL COMMENT 'Tag names that were sent, approximately',
    latest_event_timestamp TIMESTAMP COMMENT 'Effective time of the newest reading in the row, UTC: how fresh the row is',
    processed_at TIMESTAMP COMMENT 'When the row was computed, UTC',
    CONSTRAINT pipeline_quality_metrics_key PRIMARY KEY (minute)
"""

_RANK_ACCURACY = 200
"""The state of the percentile, written anew for each reading, grows with it: at Spark's 10,000 it would hold every latency."""


def metrics(readings: DataFrame, *, watermark: str = "30 seconds") -> DataFrame:
    """Readings by minute of ingestion. `readings` are rows of silver."""
    return (
        readings.withWatermark("ingestion_timestamp", watermark)
        .groupBy(F.window("ingestion_timestamp", "1 minute"))
        .agg(
            F.count("*").alias("total_records"),
            F.avg("latency_seconds").alias("avg_latency_sec"),
            F.max("latency_seconds").alias("max_latency_sec"),
            F.percentile_approx("latency_seconds", 0.99, _RANK_ACCURACY).alias("p99_latency_sec"),
            F.approx_count_distinct("equipment_id").alias("distinct_equipment"),
            F.approx_count_distinct("sensor_name").alias("distinct_sensors"),
            F.max("effective_timestamp").alias("latest_event_timestamp"),
        )
        .select(
            F.col("window.start").alias("minute"),
            "total_records",
            "avg_latency_sec",
            "max_latency_sec",
            "p99_latency_sec",
            "distinct_equipment",
            "distinct_sensors",
            "latest_event_timestamp",
            F.current_timestamp().alias("processed_at"),
        )
    )
