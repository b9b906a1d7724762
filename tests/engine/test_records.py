"""Rows as Kafka records, held against the envelope that the writer reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from pitlake.engine.expectations import with_failed_expectations
from pitlake.engine.records import DELETED, as_records, of_replica, rows_of_records
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.pipelines.definitions import Action, Expectation

AT = datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)
KAFKA = "value binary, timestamp timestamp, headers array<struct<key: string, value: binary>>"
SCHEMA = "landing_id string, at timestamp, v double, tags map<string,string>"
KNOWN = Expectation("known", "v IS NOT NULL", Action.DROP)
SMALL = Expectation("small", "v < 10", Action.WARN)


def _spec(mode=WriteMode.APPEND, **changes):
    columns = tuple(Column(name=name, type="STRING") for name in ("landing_id", "at", "v", "tags"))
    return TableSpec(name="c.s.t", topic="t", mode=mode, columns=columns, keys=("landing_id",), **changes)


@pytest.fixture(name="record")
def _record(spark):
    def build(v=1.5, spec=None, deleted=None):
        rows = spark.createDataFrame([("00001-0000000000000000007", AT, v, {"a": "b"})], SCHEMA)
        judged = with_failed_expectations(rows, [KNOWN, SMALL], "t")
        if deleted is not None:
            judged = judged.withColumn(DELETED, F.lit(deleted))
        return as_records(judged, spec or _spec(), [KNOWN, SMALL], flow="f", epoch=7).collect()[0]

    return build


def _headers(record):
    return {header.key: bytes(header.value) for header in record.headers}


def test_timestamps_are_utc_with_microseconds(record):
    assert json.loads(record().value)["at"] == "2026-02-15T04:12:09.113000Z"


def test_a_map_travels_as_a_list_of_entries(record):
    assert json.loads(record().value)["tags"] == [{"key": "a", "value": "b"}]


def test_the_lane_is_the_flow_and_the_landing_partition(record):
    assert bytes(record().key) == b"f/00001"


def test_a_key_of_an_upsert_is_its_key_columns(record):
    assert json.loads(record(spec=_spec(WriteMode.UPSERT)).key) == {"landing_id": "00001-0000000000000000007"}


def test_a_good_row_goes_to_the_tables_topic_with_its_epoch_alone(record):
    assert (record().topic, _headers(record())) == ("t", {"epoch": b"7"})


def test_a_kept_row_that_fails_says_what_it_fails(record):
    kept = record(v=99.0)
    assert kept.topic == "t"
    assert json.loads(_headers(kept)["failed"]) == ["small"]


def test_a_dropped_row_goes_to_quarantine_with_the_reasons_in_the_row(record):
    dropped = record(v=None)
    assert dropped.topic == "t_quarantine"
    assert json.loads(dropped.value)["failed_expectations"] == ["known", "small"]
    assert json.loads(_headers(dropped)["failed"]) == ["known", "small"]


def test_a_processing_time_column_is_left_to_the_writer(record):
    assert "at" not in json.loads(record(spec=_spec(processed_at=("at",))).value)


def test_a_delete_says_so_in_its_header(record):
    assert _headers(record(deleted=True))["op"] == b"delete"


def test_a_record_of_the_second_query_says_so_beside_what_it_says_else(spark):
    rows = with_failed_expectations(spark.createDataFrame([("00001-0000000000000000007", AT, 99.0, {})], SCHEMA), [SMALL], "t")
    records = as_records(rows, _spec(), [SMALL], flow="f", epoch=7)
    [first], [second] = records.collect(), of_replica(records).collect()
    assert _headers(second) == {**_headers(first), "replica": b""}
    assert (second.topic, second.key, second.value) == (first.topic, first.key, first.value)


def test_a_row_of_a_table_with_a_count_tells_it_in_its_header(spark):
    rows = with_failed_expectations(spark.sql("SELECT '1' AS landing_id, 42L AS v"), [], "t")
    spec = TableSpec(
        name="c.s.t",
        topic="t",
        mode=WriteMode.UPSERT,
        columns=(Column(name="v", type="BIGINT"),),
        keys=("landing_id",),
        count="v",
    )
    assert _headers(as_records(rows, spec, [], flow="f", epoch=7).collect()[0])["count"] == b"42"


def test_a_row_that_is_no_delete_has_no_such_header(record):
    assert "op" not in _headers(record(deleted=False))


def test_rows_are_read_back_as_they_were_and_stamped_with_the_record_s_time(spark):
    kinds = {"landing_id": "STRING", "at": "TIMESTAMP", "v": "DOUBLE", "tags": "MAP<STRING,STRING>", "done": "TIMESTAMP"}
    spec = _spec(processed_at=("done",)).model_copy(update={"columns": tuple(Column(name=n, type=t) for n, t in kinds.items())})
    rows = spark.createDataFrame([("1", AT, None, {"a": "b"}), ("2", AT, 1.5, None)], SCHEMA).withColumn("done", F.lit(None))
    records = as_records(with_failed_expectations(rows, [], "t"), spec, [], flow="f", epoch=7)
    read = rows_of_records(records.withColumn("timestamp", F.lit(AT)), spec)
    assert read.dtypes == [(name, kind.lower()) for name, kind in kinds.items()]
    same = ("landing_id", "v", "tags")
    assert [[row[n] for n in same] for row in read.collect()] == [["1", None, {"a": "b"}], ["2", 1.5, None]]
    assert read.where(F.col("at") == F.col("done")).count() == 2


@pytest.mark.parametrize("year", ["0001", "1582", "2026", "9999"])
def test_a_timestamp_is_read_back_to_the_microsecond(spark, year):
    spec = _spec().model_copy(update={"columns": (Column(name="at", type="TIMESTAMP"),)})
    rows = spark.sql(f"SELECT '1' AS landing_id, TIMESTAMP'{year}-10-15T23:59:59.999999Z' AS at")
    records = as_records(with_failed_expectations(rows, [], "t"), spec, [], flow="f", epoch=7)
    read = rows_of_records(records.withColumn("timestamp", F.lit(AT)), spec)
    assert read.select(F.col("at").cast("string")).collect()[0].at == f"{year}-10-15 23:59:59.999999"


def test_a_record_is_parsed_once_though_its_reader_filters_it(spark):
    records = spark.createDataFrame([(b"{}", AT, [])], KAFKA)
    read = rows_of_records(records, _spec()).where("v IS NOT NULL OR at IS NOT NULL").select("landing_id", "v")
    assert read._jdf.queryExecution().optimizedPlan().toString().count("from_json") == 1


def test_a_marker_is_no_row(spark):
    markers = spark.createDataFrame([(b"", AT, [])], KAFKA)
    assert rows_of_records(markers, _spec()).count() == 0


def test_of_a_replicated_flow_the_first_query_s_rows_are_read_alone(spark):
    rows = spark.createDataFrame([("00001-0000000000000000007", AT, 1.5, {})], SCHEMA)
    first = as_records(with_failed_expectations(rows, [], "t"), _spec(), [], flow="f", epoch=7)
    bare = first.withColumn("headers", F.lit(None).cast(first.schema["headers"].dataType))
    for records, read in ((first, 1), (of_replica(first), 0), (bare, 1)):
        assert rows_of_records(records.withColumn("timestamp", F.lit(AT)), _spec()).count() == read
