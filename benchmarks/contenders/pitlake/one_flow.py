"""A pipeline of a single flow that does just the job: what pitlake is when it is compared like with like."""

# ruff: noqa: F821

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark import pipelines as dp

from benchmarks.contenders.spark.minutes import minutes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

spark: SparkSession


@dp.table(
    comment="What each sensor of each machine read, minute by minute",
    table_properties={"pipelines.trigger.mode": "realtime", "pipelines.trigger.interval": "1 minute", "pitlake.replicas": "2"},
)
def equipment_performance_1min() -> DataFrame:
    """One row per minute, machine and sensor."""
    return minutes(spark.readStream.table("mining_ot_stream"), spark.read.table("equipment_master"))
