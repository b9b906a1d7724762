"""A snapshot's dataset holds the same rows as the table, and leaves out the files that a filter excludes."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from pitlake.lake.snapshots import snapshot_dataset

START = datetime(2026, 2, 15, tzinfo=UTC)
SCHEMA = pa.schema([("at", pa.timestamp("us", "UTC")), ("name", pa.string()), ("n", pa.int64()), ("x", pa.float64())])

records = st.fixed_dictionaries(
    {
        "at": st.none() | st.integers(0, 5_000_000).map(lambda microseconds: START + timedelta(microseconds=microseconds)),
        "name": st.none() | st.text("ab", max_size=3),
        "n": st.none() | st.integers(0, 5),
        "x": st.none() | st.floats(0, 5) | st.just(float("nan")),
    }
)
conditions = st.one_of(
    st.tuples(st.just("at"), st.integers(0, 5_000_000).map(lambda microseconds: START + timedelta(microseconds=microseconds))),
    st.tuples(st.just("name"), st.text("ab", max_size=3)),
    st.tuples(st.just("n"), st.integers(0, 5)),
    st.tuples(st.just("x"), st.floats(0, 5)),
)


def comparison(column, bound, operator):
    field = pc.field(column)
    scalar = pa.scalar(bound, SCHEMA.field(column).type)
    return {"=": field == scalar, "<": field < scalar, ">=": field >= scalar, "null": field.is_null()}[operator]


def sorted_rows(table):
    return sorted(map(str, table.to_pylist()))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(records, min_size=1), min_size=1, max_size=3), conditions, st.sampled_from(["=", "<", ">=", "null"]))
def test_filtering_the_dataset_equals_filtering_the_rows(files, condition, operator):
    column, bound = condition
    expression = comparison(column, bound, operator)
    path = tempfile.mkdtemp()
    try:
        for rows in files:
            write_deltalake(path, pa.Table.from_pylist(rows, schema=SCHEMA), mode="append")
        filtered = snapshot_dataset(DeltaTable(path), {column}).to_table(filter=expression)
    finally:
        shutil.rmtree(path)
    everything = pa.Table.from_pylist([row for rows in files for row in rows], schema=SCHEMA)
    assert sorted_rows(filtered) == sorted_rows(everything.filter(expression))


@pytest.mark.parametrize("column", ["at", "AT"])
def test_a_file_outside_the_filtered_range_is_not_opened(tmp_path, column):
    for day in range(2):
        write_deltalake(
            str(tmp_path), pa.table({"at": pa.array([START + timedelta(days=day)], pa.timestamp("us", "UTC"))}), mode="append"
        )
    table = DeltaTable(str(tmp_path))
    old = next(path for path in tmp_path.glob("*.parquet") if pq.read_table(path)["at"].to_pylist() == [START])
    old.unlink()
    newer = pc.field("at") > pa.scalar(START + timedelta(hours=1), pa.timestamp("us", "UTC"))
    assert snapshot_dataset(table, {column}).to_table(filter=newer).num_rows == 1


def test_partition_values_are_columns_whatever_their_text(tmp_path):
    keys = ["plain", "a b:c/%é", None]
    write_deltalake(str(tmp_path), pa.table({"k": keys, "v": [1, 2, 3]}), partition_by=["k"])
    rows = snapshot_dataset(DeltaTable(str(tmp_path))).to_table().to_pylist()
    assert {row["v"]: row["k"] for row in rows} == {1: "plain", 2: "a b:c/%é", 3: None}


def test_the_table_may_lie_under_a_path_with_spaces(tmp_path):
    path = tmp_path / "my lake"
    write_deltalake(str(path), pa.table({"v": [1]}))
    assert snapshot_dataset(DeltaTable(str(path))).to_table()["v"].to_pylist() == [1]


def test_a_table_without_files_has_its_columns(tmp_path):
    write_deltalake(str(tmp_path), SCHEMA.empty_table())
    assert snapshot_dataset(DeltaTable(str(tmp_path)), {"at"}).to_table().schema.names == SCHEMA.names


def test_the_dataset_keeps_to_the_version_that_was_opened(tmp_path):
    write_deltalake(str(tmp_path), pa.table({"v": [1]}))
    dataset = snapshot_dataset(DeltaTable(str(tmp_path)))
    write_deltalake(str(tmp_path), pa.table({"v": [2]}), mode="append")
    assert dataset.to_table()["v"].to_pylist() == [1]


def test_text_that_a_merge_has_written_can_be_filtered(tmp_path):
    write_deltalake(tmp_path, pa.table({"name": ["a", "b"], "n": [1, 2]}))
    table = DeltaTable(tmp_path)
    newer = pa.table({"name": ["a", "c"], "n": [3, 4]})
    merge = table.merge(newer, "t.name = s.name", source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    assert snapshot_dataset(table, {"name"}).to_table(filter=pc.field("name") == "a").to_pylist() == [{"name": "a", "n": 3}]
