"""The landing table and the dimensions: statements for Databricks, the ones that change rows run on DuckDB."""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from pitlake.mining.databricks import landing
from pitlake.mining.databricks.set_up import SITE_ROWS, dimension_columns, dimension_table, missing_rows
from pitlake.mining.dimensions import DIMENSIONS
from pitlake.mining.transformations import bronze

named = pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)


def on_duckdb(statement: str) -> str:
    [tree] = sqlglot.parse(statement.replace("c.s.", ""), read="databricks")
    return tree.sql("duckdb")


@pytest.fixture
def database():
    return duckdb.connect()


def test_the_landing_table_is_read_by_bronze_as_it_is_declared(spark):
    columns = landing.SCHEMA.replace("COMMENT", "COMMENT")
    rows = spark.createDataFrame(
        [("m1", None, "g1", 7, [("CR_002", "Crusher", {"Status": "RUNNING"}), ("CR_001", "Crusher", None)]), (None,) * 5], columns
    )
    found = bronze.machine_updates(rows).collect()
    assert [(row.message_id, row.batch_index, row.equipment_id) for row in found] == [
        ("m1", 0, "CR_002"),
        ("m1", 1, "CR_001"),
        (None, 0, None),
    ]
    assert all(row.ingestion_timestamp for row in found)


def test_a_zerobus_client_may_write_the_landing_table_and_no_other():
    assert landing.grants("c", "s", "app-id") == (
        "GRANT USE CATALOG ON CATALOG c TO `app-id`",
        "GRANT USE SCHEMA ON SCHEMA c.s TO `app-id`",
        "GRANT MODIFY, SELECT ON TABLE c.s.mining_ot_stream TO `app-id`",
    )


def test_the_landing_table_is_created_where_it_does_not_exist():
    schema, table = landing.creation("c", "s")
    assert schema == "CREATE SCHEMA IF NOT EXISTS c.s"
    [tree] = sqlglot.parse(table, read="databricks")
    assert isinstance(tree, exp.Create)
    assert all(column.find(exp.CommentColumnConstraint) for column in tree.this.expressions)


@named
def test_a_dimension_is_declared_with_its_key_and_comments(dimension):
    [tree] = sqlglot.parse(dimension_table(dimension, "c.s"), read="databricks")
    columns = [part for part in tree.this.expressions if isinstance(part, exp.ColumnDef)]
    comments = {column.name: column.find(exp.CommentColumnConstraint).this.name for column in columns}
    assert comments == {field.name: field.metadata[b"comment"].decode() for field in dimension.rows().schema}
    assert [key.name for key in tree.find(exp.PrimaryKey).expressions] == list(dimension.keys)


@named
def test_spark_takes_the_rows_as_they_are_declared(spark, dimension):
    rows = spark.createDataFrame(dimension.rows().to_pylist(), dimension_columns(dimension, with_comments=False))
    assert rows.count() == dimension.rows().num_rows


@named
def test_missing_rows_are_added_and_those_that_exist_stay_as_their_users_have_them(database, dimension):
    rows = dimension.rows()
    text = next(field.name for field in rows.schema if pa.types.is_string(field.type) and field.name not in dimension.keys)
    database.execute(on_duckdb(dimension_table(dimension, "c.s")))
    database.register(SITE_ROWS, rows.slice(0, 1))
    database.execute(on_duckdb(missing_rows(dimension, "c.s")))
    database.execute(f"UPDATE {dimension.name} SET {text} = 'mine'")
    database.unregister(SITE_ROWS)
    database.register(SITE_ROWS, rows)
    for _ in range(2):
        database.execute(on_duckdb(missing_rows(dimension, "c.s")))
    found = database.sql(f"SELECT count(*), count(*) FILTER (WHERE {text} = 'mine') FROM {dimension.name}").fetchall()
    assert found == [(rows.num_rows, 1)]


def test_a_comment_may_hold_a_quote(monkeypatch):
    shifts = next(dimension for dimension in DIMENSIONS if "'" in dimension.comment)
    [tree] = sqlglot.parse(dimension_table(shifts, "c.s"), read="databricks")
    assert re.sub(r"\\'", "'", tree.find(exp.SchemaCommentProperty).this.name) == shifts.comment
