"""The second file of the pipeline on Databricks: what its expectations drop, which pitlake keeps by itself.

Databricks drops such rows and counts them. Here they are computed again, from the same transformation, and the others left out.
"""

# ruff: noqa: F821
# mypy: disable-error-code="attr-defined, untyped-decorator"

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import pipelines as dp
from pyspark.sql import functions as F

from pitlake.mining.databricks import refusals
from pitlake.mining.transformations import silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

spark: SparkSession


@dp.table(
    name="ot_sensors_normalized_quarantine",
    comment="Rows that ot_sensors_normalized refused, with the expectations that they failed",
    table_properties={"quality": "silver"},
    cluster_by=["quarantined_at"],
)
def ot_sensors_normalized_quarantine() -> DataFrame:
    """One row per refused reading."""
    readings = silver.readings(
        spark.readStream.option("skipChangeCommits", "true").table("ot_telemetry_bronze"),
        equipment=spark.read.table("equipment_master"),
        sensors=spark.read.table("sensor_definitions"),
        shifts=spark.read.table("shift_schedule"),
    )
    refused = refusals.refused(readings, refusals.conditions(spark, "ot_sensors_normalized"))
    return refused.withColumn("quarantined_at", F.current_timestamp())
