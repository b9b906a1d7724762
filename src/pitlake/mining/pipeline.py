"""The mining pipeline: this file registers the tables, `pitlake.mining.transformations` says what is in them.

It runs in pitlake and on Databricks, unchanged; `spark` is given to it.
"""

# ruff: noqa: F821
# mypy: disable-error-code="attr-defined, untyped-decorator"
# The open-source `pyspark.pipelines` has no expectations, and `spark` is bound by whoever runs the file.

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import pipelines as dp
from pyspark.sql import functions as F

from pitlake.mining.transformations import baseline, bronze, gold, predictions, quality, silver, status

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

spark: SparkSession

LANDING = "mining_ot_stream"
# As the specification writes them. `pipelines.trigger.interval` would do here, and hold up each table for a minute on Databricks.
REAL_TIME = {"pipelines.trigger.mode": "realtime", "pipelines.trigger.checkpoint": "1 minute"}

VALID = {
    "valid_timestamp": "event_timestamp IS NOT NULL",
    "valid_equipment": "equipment_id IS NOT NULL",
    "valid_sensor": "sensor_name IS NOT NULL AND sensor_name <> ''",
    "valid_value": "sensor_value IS NOT NULL OR sensor_text IS NOT NULL OR _rescued_data IS NOT NULL",
}
"""What a reading must be: silver keeps back the others, and gold does not count them."""


def stream(table: str) -> DataFrame:
    """What is appended to a table. What retention deletes from it ends a stream on Databricks that does not skip it."""
    return spark.readStream.option("skipChangeCommits", "true").table(table)


@dp.table(
    name="ot_telemetry_bronze",
    comment="What the gateways sent, one row per machine update; accepts all",
    schema=bronze.SCHEMA,
    table_properties={
        **REAL_TIME,
        "quality": "bronze",
        "pitlake.ingestionTime": "ingestion_timestamp",
        "pitlake.retention": "30 days",
        "pitlake.retentionColumn": "ingestion_timestamp",
        "pitlake.commitInterval": "1 second",
    },
    cluster_by=["ingestion_timestamp"],
)
def ot_telemetry_bronze() -> DataFrame:
    """One row per machine update of a message."""
    return bronze.machine_updates(stream(LANDING))


@dp.table(
    name="ot_sensors_normalized",
    comment="Readings, one row per tag: typed, timed, with machine, sensor and shift",
    schema=silver.SCHEMA,
    table_properties={
        **REAL_TIME,
        "quality": "silver",
        "delta.autoOptimize.optimizeWrite": "true",
        "delta.autoOptimize.autoCompact": "true",
        "pitlake.eventTime": "effective_timestamp",
        "pitlake.ingestionTime": "ingestion_timestamp",
        # Half a second is asked for, and from one batch to the next it is more: a second query is ahead meanwhile.
        "pitlake.replicas": "2",
        "pitlake.retention": "90 days",
        "pitlake.retentionColumn": "ingestion_timestamp",
    },
    cluster_by=["equipment_id"],
)
@dp.expect_all_or_drop(VALID)
@dp.expect("reasonable_values", "sensor_value IS NULL OR sensor_value BETWEEN -1000 AND 10000")
def ot_sensors_normalized() -> DataFrame:
    """One row per tag of a machine update."""
    return silver.readings(
        stream("ot_telemetry_bronze"),
        equipment=spark.read.table("equipment_master"),
        sensors=spark.read.table("sensor_definitions"),
        shifts=spark.read.table("shift_schedule"),
    )


@dp.temporary_view(name="valid_readings", comment="The readings of silver without their shift: what gold's windows are made of")
@dp.expect_all_or_drop(VALID)
def valid_readings() -> DataFrame:
    """Gold reads this and not silver, whose joins each of its queries would otherwise repeat."""
    return silver.typed_readings(
        stream("ot_telemetry_bronze"),
        equipment=spark.read.table("equipment_master"),
        sensors=spark.read.table("sensor_definitions"),
    )


@dp.table(
    name="equipment_performance_1min",
    comment="What each sensor of each machine read, minute by minute",
    schema=gold.schema("equipment_performance_1min"),
    table_properties={
        **REAL_TIME,
        "quality": "gold",
        "delta.enableChangeDataFeed": "true",
        "pitlake.eventTime": "latest_event_timestamp",
        # The first table that people look at: a second query is ahead while the first is between two batches.
        "pitlake.replicas": "2",
        "pitlake.retention": "730 days",
        "pitlake.retentionColumn": "window_start",
    },
    cluster_by=["equipment_id", "date"],
)
@dp.expect_all({"valid_equipment": "equipment_id IS NOT NULL", "valid_window": "window_start IS NOT NULL"})
def equipment_performance_1min() -> DataFrame:
    """One row per minute, machine and sensor."""
    return gold.performance(stream("valid_readings"), equipment=spark.read.table("equipment_master"), window="1 minute")


@dp.table(
    name="equipment_performance_1hour",
    comment="What each sensor of each machine read, hour by hour",
    schema=gold.schema("equipment_performance_1hour"),
    table_properties={
        **REAL_TIME,
        "quality": "gold",
        "delta.enableChangeDataFeed": "true",
        "pitlake.eventTime": "latest_event_timestamp",
        "pitlake.retention": "730 days",
        "pitlake.retentionColumn": "window_start",
    },
    cluster_by=["equipment_id", "date"],
)
@dp.expect_all({"valid_equipment": "equipment_id IS NOT NULL", "valid_window": "window_start IS NOT NULL"})
def equipment_performance_1hour() -> DataFrame:
    """One row per hour, machine and sensor."""
    return gold.performance(
        stream("valid_readings"),
        equipment=spark.read.table("equipment_master"),
        window="1 hour",
        # An hour that stays open for ten minutes more costs a sixth of its state, and takes in what a short outage held back.
        watermark="10 minutes",
    )


@dp.temporary_view(name="equipment_status_changes", comment="Readings that say something of a machine's state")
def equipment_status_changes() -> DataFrame:
    """The source of equipment_current_status."""
    return status.changes(stream("ot_sensors_normalized"))


dp.create_streaming_table(
    name="equipment_current_status",
    comment="The latest reading of each sensor of each machine",
    schema=status.SCHEMA,
    table_properties={**REAL_TIME, "quality": "gold", "pitlake.eventTime": "effective_timestamp"},
    cluster_by=["equipment_id"],
)

dp.create_auto_cdc_flow(
    target="equipment_current_status",
    source="equipment_status_changes",
    keys=list(status.KEYS),
    sequence_by=F.struct(*status.SEQUENCE),
    stored_as_scd_type=1,
)


@dp.table(
    name="pipeline_quality_metrics",
    comment="How much arrived in each minute, from how many machines, and how late",
    schema=quality.SCHEMA,
    table_properties={
        **REAL_TIME,
        "quality": "gold",
        "pitlake.eventTime": "latest_event_timestamp",
        "pitlake.retention": "730 days",
        "pitlake.retentionColumn": "minute",
    },
)
def pipeline_quality_metrics() -> DataFrame:
    """One row per minute of ingestion."""
    return quality.metrics(stream("valid_readings"))


@dp.materialized_view(
    name="equipment_baseline",
    comment="What each sensor of each machine has shown of late: what predictions compare with",
    schema=baseline.SCHEMA,
    table_properties={"quality": "gold", "pipelines.trigger.interval": "1 minute"},
)
def equipment_baseline() -> DataFrame:
    """One row per machine and sensor."""
    return baseline.baselines(spark.read.table("equipment_performance_1min"), sensors=spark.read.table("sensor_definitions"))


@dp.temporary_view(name="deviating_minutes", comment="Minutes that depart from their baseline, or have come back to it")
def deviating_minutes() -> DataFrame:
    """The source of ml_predictions."""
    return predictions.changes(stream("equipment_performance_1min"), baseline=spark.read.table("equipment_baseline"))


dp.create_streaming_table(
    name="ml_predictions",
    comment="Minutes in which a sensor departs from its baseline, with what to do",
    schema=predictions.SCHEMA,
    table_properties={
        **REAL_TIME,
        "quality": "gold",
        "pitlake.retention": "730 days",
        "pitlake.retentionColumn": "window_start",
    },
    cluster_by=["equipment_id", "date"],
)

dp.create_auto_cdc_flow(
    target="ml_predictions",
    source="deviating_minutes",
    keys=list(predictions.KEYS),
    sequence_by=F.struct(*predictions.SEQUENCE),
    apply_as_deletes=F.col(predictions.HAS_RECOVERED),
    except_column_list=[predictions.HAS_RECOVERED],
    stored_as_scd_type=1,
)
