"""What is a query, what is refused, and how a syntax error is shown."""

from __future__ import annotations

import pytest

from pitlake.errors import QueryError
from pitlake.lake.statements import CreateTable, DescribeTable, Query, ShowTables, filtered_columns, parse, tables


def stored_tables(text):
    statement = parse(text)
    assert isinstance(statement, Query)
    return [table.sql() for table in tables(statement.tree)]


@pytest.mark.parametrize(
    "text", ["SELECT 1", "select 1;", "WITH x AS (SELECT 1) SELECT * FROM x", "VALUES (1)", "(SELECT 1)", "SELECT 1 -- why\n;"]
)
def test_queries_are_accepted_with_or_without_a_semicolon(text):
    assert isinstance(parse(text), Query)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1)",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
        "CREATE TABLE t AS SELECT 1",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "SELECT * INTO t FROM u",
        "COPY t TO 'file'",
        "ATTACH 'file'",
        "PRAGMA version",
        "SET x = 1",
        "USE x",
        "CALL f()",
        "OPTIMIZE t",
        "EXPLAIN SELECT 1",
        "SHOW DATABASES",
        "SHOW TABLES; DROP TABLE t",
        "DESCRIBE HISTORY t",
        ";",
        "",
    ],
)
def test_whatever_does_not_only_read_is_refused(text):
    with pytest.raises(QueryError):
        parse(text)


def test_a_refusal_names_what_can_be_asked():
    with pytest.raises(QueryError) as refusal:
        parse("DROP TABLE t")
    assert refusal.value.what == "DROP is not a query."
    assert "SELECT" in refusal.value.do


@pytest.mark.parametrize(
    "function", ["read_csv('f')", "read_parquet('f')", "sniff_csv('f')", "query('SELECT 1')", "duckdb_settings()"]
)
def test_functions_cannot_be_read_from(function):
    with pytest.raises(QueryError, match="cannot be read from"):
        parse(f"SELECT * FROM {function}")


def test_several_statements_are_refused():
    with pytest.raises(QueryError, match="2 statements"):
        parse("SELECT 1; SELECT 2")


def test_time_travel_is_refused():
    with pytest.raises(QueryError, match="as they are now"):
        parse("SELECT * FROM t VERSION AS OF 3")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("SELECT * FORM t", 1, 15), ("SELECT a\nFROM t\nWHERE", 3, 1), ("SELECT 'a", 1, 8)],
)
def test_a_syntax_error_points_at_its_place(text, line, column):
    with pytest.raises(QueryError) as error:
        parse(text)
    first, source, caret = error.value.what.splitlines()
    assert f"line {line}, column {column}" in first
    assert source.strip() == text.splitlines()[line - 1]
    assert caret.index("^") - 2 == column - 1


def test_an_incomplete_clause_is_named():
    with pytest.raises(QueryError, match="WHERE is incomplete"):
        parse("SELECT a FROM t WHERE")


def test_tables_are_those_that_are_not_common_table_expressions():
    assert stored_tables("WITH a AS (SELECT * FROM x.y.t), b AS (SELECT * FROM a) SELECT * FROM b JOIN u") == ["u", "x.y.t"]


def test_a_common_table_expression_may_shadow_the_table_that_it_reads():
    assert stored_tables("WITH t AS (SELECT * FROM t) SELECT * FROM T") == ["t"]


def test_a_recursive_expression_reads_itself():
    assert stored_tables("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n") == []


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("event_log('c.s')", "c.s.event_log"),
        ("event_log(TABLE(c.s.t))", "c.s.event_log"),
        ("event_log(TABLE(t))", "event_log"),
        ("event_log('3f2a-pipeline-id')", "event_log"),
        ("EVENT_LOG('c.s') AS e", "c.s.event_log AS e"),
    ],
)
def test_event_log_stands_for_the_table_of_that_schema(source, table):
    assert stored_tables(f"SELECT * FROM {source}") == [table]


def test_filtered_columns_are_those_of_conditions():
    tree = parse("SELECT a FROM t JOIN u ON t.b = u.c WHERE d > 1 AND (e OR f IS NULL) ORDER BY g").tree
    assert filtered_columns(tree) == {"b", "c", "d", "e", "f"}


@pytest.mark.parametrize(
    ("text", "schema", "pattern"),
    [
        ("SHOW TABLES", (), "*"),
        ("show tables in c.s;", ("c", "s"), "*"),
        ("SHOW TABLES FROM `s` LIKE 'ot*|x'", ("s",), "ot*|x"),
        ("SHOW TABLES 'ot*'", (), "ot*"),
    ],
)
def test_show_tables_takes_a_schema_and_a_pattern(text, schema, pattern):
    assert parse(text) == ShowTables(schema, pattern)


@pytest.mark.parametrize("text", ["DESCRIBE c.s.t", "DESC TABLE c.s.t;", "DESCRIBE TABLE EXTENDED c.s.t"])
def test_describe_names_a_table(text):
    statement = parse(text)
    assert isinstance(statement, DescribeTable)
    assert statement.table.sql() == "c.s.t"


@pytest.mark.parametrize(
    ("text", "name", "may_exist"),
    [
        ("CREATE TABLE c.s.t", "c.s.t", False),
        ("create table if not exists t (a STRING, b ARRAY<STRUCT<c: BIGINT>>);", "t", True),
        ("CREATE TABLE `c`.s.t (a TIMESTAMP COMMENT 'when')", "c.s.t", False),
    ],
)
def test_a_landing_table_is_created_with_columns_or_without(text, name, may_exist):
    statement = parse(text)
    assert isinstance(statement, CreateTable)
    assert (".".join(part.name for part in statement.table.parts), statement.may_exist) == (name, may_exist)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE VIEW v AS SELECT 1",
        "CREATE OR REPLACE TABLE t",
        "CREATE TABLE t USING DELTA",
        "CREATE TABLE t AS SELECT 1",
        "CREATE TABLE t LOCATION 's3://b'",
        "CREATE TABLE parquet.`/a`.b.c.d",
        "CREATE SCHEMA s",
    ],
)
def test_nothing_else_can_be_created(text):
    with pytest.raises(QueryError):
        parse(text)
