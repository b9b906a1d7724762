"""Databricks' functions, computed by DuckDB with Databricks' results."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.errors import QueryError
from pitlake.lake.dialect import to_duckdb
from pitlake.lake.statements import parse

NOW = datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)
EVENT = '{"flow_progress": {"status": "RUNNING", "metrics": {"num_output_rows": 240, "backlog_bytes": 12.5}, "data_quality": {"expectations": [{"name": "valid", "dataset": "c.s.t", "passed_records": 9, "failed_records": 1}]}}}'  # noqa: E501


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(config={"enable_external_access": False}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def answer(connection):
    return lambda text, now=NOW: connection.sql(to_duckdb(parse(text).tree, now)).to_arrow_table()


@pytest.fixture
def value(answer):
    return lambda expression: answer(f"SELECT {expression} AS x")["x"].to_pylist()[0]


def instant(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CURRENT_TIMESTAMP", NOW),
        ("now() - INTERVAL '5 minutes'", NOW - timedelta(minutes=5)),
        ("current_timestamp() - INTERVAL 1 HOUR", NOW - timedelta(hours=1)),
        ("current_date()", NOW.date()),
        ("unix_timestamp()", 1771128729),
        ("TIMESTAMP'2026-02-15 12:12:09.113+08:00'", NOW),
        ("to_timestamp('2026-02-15T04:12:09.113Z')", NOW),
        ("to_timestamp('15/02/2026', 'dd/MM/yyyy')", instant(2026, 2, 15)),
        ("unix_timestamp(TIMESTAMP'1970-01-01 00:01:00.9')", 60),
        ("unix_timestamp('01/01/1970 00:01', 'dd/MM/yyyy HH:mm')", 60),
        ("timestamp_seconds(60)", instant(1970, 1, 1, 0, 1)),
        ("timestamp_millis(1)", instant(1970, 1, 1, 0, 0, 0, 1000)),
        ("timestamp_micros(1)", instant(1970, 1, 1, 0, 0, 0, 1)),
        ("from_utc_timestamp(TIMESTAMP'2026-01-01 00:00:00', 'Australia/Perth')", instant(2026, 1, 1, 8)),
        ("to_utc_timestamp(TIMESTAMP'2026-01-01 08:00:00', 'Australia/Perth')", instant(2026, 1, 1)),
        ("to_date('2026-01-02T03:04:05Z')", date(2026, 1, 2)),
        ("date(TIMESTAMP'2026-01-02 23:59:59')", date(2026, 1, 2)),
        ("date_trunc('minute', TIMESTAMP'2026-01-01 10:11:12')", instant(2026, 1, 1, 10, 11)),
        ("date_trunc('MONTH', DATE'2026-01-05')", instant(2026, 1, 1)),
        ("date_format(TIMESTAMP'2026-01-01 08:05:00', 'yyyy-MM-dd HH:mm')", "2026-01-01 08:05"),
        ("extract(HOUR FROM TIMESTAMP'2026-01-01 08:05:00')", 8),
        ("timestampdiff(MINUTE, TIMESTAMP'2026-01-01 10:00:59', TIMESTAMP'2026-01-01 10:01:01')", 0),
        ("datediff(SECOND, TIMESTAMP'2026-01-01', TIMESTAMP'2026-01-02')", 86400),
        ("datediff(TIMESTAMP'2026-01-02 01:00:00', TIMESTAMP'2026-01-01 23:00:00')", 1),
        ("dayofweek(DATE'2026-11-23')", 2),
        ("weekday(DATE'2026-11-23')", 0),
    ],
)
def test_time(value, expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("try_cast('x' AS INT)", None),
        ("bigint('5')", 5),
        ("double('2.5')", 2.5),
        ("7 / 2", 3.5),
        ("7 DIV 2", 3),
        ("nvl(NULL, 1)", 1),
        ("'abc' RLIKE 'b'", True),
        ("array(5, 6)[0]", 5),
        ("map('a', 1)['a']", 1),
        ("size(array(1, 2))", 2),
        ("size(map('a', 1))", 1),
        ("cardinality(map('a', 1))", 1),
        ("filter(array(1, 2, 3), x -> x > 1)", [2, 3]),
        ("transform(array(1, 2), x -> x + 1)", [2, 3]),
    ],
)
def test_values_and_collections(value, expression, expected):
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("percentile(x, 0.5)", 2.5),
        ("percentile_approx(x, 0.5)", 2),
        ("approx_percentile(x, array(0.5, 0.9))", [2, 4]),
        ("max_by(x, -x)", 1),
        ("count(*) FILTER (WHERE x > 1)", 3),
        ("collect_list(x)", [1, 2, 3, 4]),
        ("approx_count_distinct(x)", 4),
    ],
)
def test_aggregates(answer, expression, expected):
    assert answer(f"SELECT {expression} AS y FROM VALUES (1), (2), (3), (4) AS t(x)")["y"].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("details:flow_progress.status", "RUNNING"),
        ("details:flow_progress:status", "RUNNING"),
        ("details :flow_progress :data_quality.expectations[0].name", "valid"),
        ("double(details:flow_progress.metrics.backlog_bytes)", 12.5),
        ("details:flow_progress.metrics.num_output_rows::int + 1", 241),
        ("details:flow_progress.status = 'RUNNING'", True),
        ("details:user_action IS NULL", True),
        ("get_json_object(details, '$.flow_progress.status')", "RUNNING"),
        ("parse_json(details):flow_progress.status", "RUNNING"),
        ("from_json(details, 'flow_progress STRUCT<status: STRING>').flow_progress.status", "RUNNING"),
        ("from_json(details:flow_progress, 'status STRING, missing INT')", {"status": "RUNNING", "missing": None}),
        ("from_json(details:flow_progress, 'status STRING NOT NULL COMMENT \\'state\\'').status", "RUNNING"),
        ("from_json(details:flow_progress.metrics, 'MAP<STRING,DOUBLE>')['num_output_rows']", 240.0),
    ],
)
def test_json_paths_with_colons_and_dots(answer, expression, expected):
    assert answer(f"SELECT {expression} AS x FROM (SELECT '{EVENT}' AS details)")["x"].to_pylist() == [expected]


@pytest.mark.parametrize("expression", ["raw:a", "get_json_object(raw, '$.a')", "from_json(raw, 'a INT')"])
def test_malformed_json_is_null(answer, expression):
    assert answer(f"""SELECT {expression} AS x FROM (SELECT '{{"a": ' AS raw)""")["x"].to_pylist() == [None]


@pytest.mark.parametrize(
    "schema",
    [
        '"array<struct<name: string, dataset: string, passed_records: int, failed_records: int>>"',
        "schema_of_json(\"[{'name':'str', 'dataset':'str', 'passed_records':42, 'failed_records':42}]\")",
    ],
)
def test_the_expectations_query_of_the_event_log(answer, schema):
    rows = answer(f"""
        SELECT row_expectations.dataset AS dataset, row_expectations.name AS expectation,
               SUM(row_expectations.passed_records) AS passing_records, SUM(row_expectations.failed_records) AS failing_records
        FROM (SELECT explode(from_json(details :flow_progress :data_quality :expectations, {schema})) row_expectations
              FROM (SELECT '{EVENT}' AS details))
        GROUP BY row_expectations.dataset, row_expectations.name""").to_pylist()
    assert rows == [{"dataset": "c.s.t", "expectation": "valid", "passing_records": 9, "failing_records": 1}]


def test_qualify_keeps_the_first_of_each_group(answer):
    text = (
        "SELECT a, b FROM VALUES (1, 1), (1, 2), (2, 3) AS t(a, b) QUALIFY row_number() OVER (PARTITION BY a ORDER BY b DESC) = 1"
    )
    assert sorted(zip(*answer(text).to_pydict().values(), strict=True)) == [(1, 2), (2, 3)]


def test_group_by_all_groups_by_what_is_no_aggregate(answer):
    assert answer("SELECT a, count(*) AS n FROM VALUES (1), (1) AS t(a) GROUP BY ALL").to_pylist() == [{"a": 1, "n": 2}]


def test_nulls_come_first_in_ascending_order(answer):
    assert answer("SELECT a FROM VALUES (1), (NULL) AS t(a) ORDER BY a")["a"].to_pylist() == [None, 1]


def test_explode_makes_a_row_per_element_named_col(answer):
    assert answer("SELECT explode(array(1, 2))").to_pydict() == {"col": [1, 2]}


def test_explode_outer_keeps_the_row_of_an_empty_array(answer):
    assert answer("SELECT 1 AS a, explode_outer(array()) AS x").to_pylist() == [{"a": 1, "x": None}]


def test_a_lateral_view_explodes_an_array(answer):
    assert answer("SELECT x FROM (SELECT array(1, 2) AS a) LATERAL VIEW explode(a) e AS x")["x"].to_pylist() == [1, 2]


def test_a_lateral_view_explodes_a_map_into_keys_and_values(answer):
    text = "SELECT k, v FROM (SELECT map('a', 1, 'b', 2) AS tags) LATERAL VIEW explode(tags) e AS k, v"
    assert answer(text).to_pydict() == {"k": ["a", "b"], "v": [1, 2]}


def test_a_lateral_view_without_names_calls_its_column_col(answer):
    assert answer("SELECT col FROM (SELECT array(1, 2) AS a) LATERAL VIEW explode(a)")["col"].to_pylist() == [1, 2]


def test_an_outer_lateral_view_keeps_the_row_of_an_empty_array(answer):
    assert answer("SELECT x FROM (SELECT array() AS a) LATERAL VIEW OUTER explode(a) e AS x")["x"].to_pylist() == [None]


def test_columns_without_a_name_get_the_expressions_text(answer):
    assert answer("SELECT count(*), x + 1, d:a.b FROM (SELECT 1 AS x, '{}' AS d) GROUP BY ALL").column_names == [
        "count(*)",
        "x + 1",
        "b",
    ]


@pytest.mark.parametrize(
    "text", ["SELECT from_json(a, b) FROM t", "SELECT from_json(a, 'a ARRAY<') FROM t", "SELECT schema_of_json('{')"]
)
def test_what_cannot_be_translated_is_refused(text):
    with pytest.raises(QueryError):
        to_duckdb(parse(text).tree, NOW)


moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)


@given(start=moments, end=moments)
def test_timestampdiff_counts_whole_units(connection, start, end):
    text = f"SELECT timestampdiff(SECOND, TIMESTAMP'{start}', TIMESTAMP'{end}') AS x"
    seconds = abs(end - start) // timedelta(seconds=1)
    assert connection.sql(to_duckdb(parse(text).tree, NOW)).to_arrow_table()["x"].to_pylist() == [
        seconds if end >= start else -seconds
    ]
