"""A task of a job: the landing table with its grants, and the dimension tables from the site data. It may run again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import SparkSession

from pitlake.mining.databricks import landing
from pitlake.mining.dimensions import DIMENSIONS

if TYPE_CHECKING:
    from pitlake.mining.dimensions import Dimension

SITE_ROWS = "site_rows"

_TYPES = {
    pa.string(): "STRING",
    pa.float64(): "DOUBLE",
    pa.int32(): "INT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMP",
}


def main(catalog: str, schema: str, principal: str) -> None:
    """Create what is missing in a schema, and let `principal`, a service principal's application id, write the landing table."""
    spark = SparkSession.builder.getOrCreate()
    for statement in (*landing.creation(catalog, schema), *landing.grants(catalog, schema, principal)):
        spark.sql(statement)
    for dimension in DIMENSIONS:
        spark.sql(dimension_table(dimension, f"{catalog}.{schema}"))
        rows = spark.createDataFrame(dimension.rows().to_pylist(), dimension_columns(dimension, with_comments=False))
        rows.createOrReplaceTempView(SITE_ROWS)
        spark.sql(missing_rows(dimension, f"{catalog}.{schema}"))


def dimension_table(dimension: Dimension, place: str) -> str:
    """The statement that creates a dimension table in `place`, `catalog.schema`, where it does not exist."""
    key = f"CONSTRAINT {dimension.name}_key PRIMARY KEY ({', '.join(dimension.keys)})"
    columns = dimension_columns(dimension, with_comments=True)
    return f"CREATE TABLE IF NOT EXISTS {place}.{dimension.name} ({columns}, {key}) COMMENT {_text(dimension.comment)}"


def dimension_columns(dimension: Dimension, *, with_comments: bool) -> str:
    """The columns of a dimension table as DDL."""
    return ", ".join(_column(field, with_comment=with_comments) for field in dimension.rows().schema)


def missing_rows(dimension: Dimension, place: str) -> str:
    """The statement that adds the rows of the view `site_rows` whose keys are missing; the others are their users' to edit."""
    same = " AND ".join(f"stored.{key} = {SITE_ROWS}.{key}" for key in dimension.keys)
    columns = dimension.rows().schema.names
    values = ", ".join(f"{SITE_ROWS}.{name}" for name in columns)
    return (
        f"MERGE INTO {place}.{dimension.name} AS stored USING {SITE_ROWS} ON {same} "  # noqa: S608  (names of the site's own)
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES ({values})"
    )


def _column(field: pa.Field, *, with_comment: bool) -> str:
    required = "" if field.nullable else " NOT NULL"
    comment = f" COMMENT {_text(field.metadata[b'comment'].decode())}" if with_comment else ""
    return f"{field.name} {_TYPES[field.type]}{required}{comment}"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
