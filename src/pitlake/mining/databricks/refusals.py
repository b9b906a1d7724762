"""Expectations applied by hand, where Databricks has no place for them: before a Kafka sink, and for a quarantine table.

The conditions are those of the pipeline file. The bundle hands them over as a setting of the pipeline, one per table.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame, SparkSession

FAILED_EXPECTATIONS = "failed_expectations"


def setting(table: str) -> str:
    """The name of the pipeline setting that holds a table's conditions as JSON, `{expectation: condition}`."""
    return f"mining.refuses.{table}"


def conditions(spark: SparkSession, table: str) -> dict[str, str]:
    """The conditions of a table. Raises what Spark raises for a missing setting: rows must not pass unexamined."""
    found: dict[str, str] = json.loads(str(spark.conf.get(setting(table))))
    return found


def kept(rows: DataFrame, conditions: Mapping[str, str]) -> DataFrame:
    """The rows that meet all conditions; one that is NULL is not met."""
    return rows.where(F.size(_failed(conditions)) == 0)


def refused(rows: DataFrame, conditions: Mapping[str, str]) -> DataFrame:
    """The other rows, with the names of the expectations that they failed."""
    return rows.withColumn(FAILED_EXPECTATIONS, _failed(conditions)).where(F.size(FAILED_EXPECTATIONS) > 0)


def _failed(conditions: Mapping[str, str]) -> Column:
    names = [F.when(~F.coalesce(F.expr(condition), F.lit(False)), name) for name, condition in conditions.items()]
    return F.array_compact(F.array(*names).cast("ARRAY<STRING>"))
