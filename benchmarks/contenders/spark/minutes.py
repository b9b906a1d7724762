"""The job, for whatever runs on Spark: parse, flatten, enrich, one-minute windows per machine and sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MESSAGE = """
    timestamp TIMESTAMP, source STRING,
    batch ARRAY<STRUCT<equipment_id: STRING, equipment_type: STRING, tags: MAP<STRING, STRING>>>
"""


def minutes(records: DataFrame, equipment: DataFrame) -> DataFrame:
    """One row per minute, machine and sensor from the records of the landing topic (`value BINARY`), in update mode.

    `equipment` is joined to the aggregate and broadcast, as real-time mode asks of a join.
    """
    messages = records.select(F.from_json(F.col("value").cast("STRING"), MESSAGE).alias("message")).select("message.*")
    updates = messages.select("timestamp", F.explode("batch").alias("update"))
    tags = updates.select("timestamp", "update.equipment_id", F.explode("update.tags").alias("sensor_name", "text"))
    readings = tags.withColumn("value", F.col("text").try_cast("DOUBLE")).where("value IS NOT NULL")
    windows = (
        readings.withWatermark("timestamp", "30 seconds")
        .groupBy(F.window("timestamp", "1 minute"), "equipment_id", "sensor_name")
        .agg(
            F.avg("value").alias("avg_value"),
            F.min("value").alias("min_value"),
            F.max("value").alias("max_value"),
            F.stddev_samp("value").alias("stddev_value"),
            F.count("*").alias("reading_count"),
        )
    )
    machines = equipment.select("equipment_id", "equipment_type", "manufacturer", "location", "criticality")
    return windows.join(F.broadcast(machines), on="equipment_id", how="left").select(
        F.col("window.start").alias("window_start"),
        F.col("window.end").alias("window_end"),
        "equipment_id",
        "equipment_type",
        "sensor_name",
        "manufacturer",
        "location",
        "criticality",
        "avg_value",
        "min_value",
        "max_value",
        "stddev_value",
        "reading_count",
    )
