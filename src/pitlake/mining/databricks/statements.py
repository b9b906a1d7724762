"""A task of a job: SQL statements, one after another. The first that fails fails the task."""

from __future__ import annotations

from pyspark.sql import SparkSession


def main(*statements: str) -> None:
    """Run the statements, and say which one runs."""
    spark = SparkSession.builder.getOrCreate()
    for statement in statements:
        print(statement)  # noqa: T201  (the log of the task)
        spark.sql(statement)
