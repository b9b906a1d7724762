"""Files written anew without changing a row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Field, Schema, write_deltalake
from deltalake.exceptions import CommitFailedError

from pitlake.lake.layout import Rewrite
from pitlake.lake.rewrite import data_files, rewrite

START = datetime(2026, 2, 15, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        pa.field("window", pa.timestamp("us", "UTC")),
        pa.field("machine", pa.string(), nullable=False),
        pa.field("day", pa.date32()),
        pa.field("site", pa.string()),
        pa.field("tags", pa.map_(pa.string(), pa.string())),
        pa.field("list", pa.list_(pa.struct([("a", pa.int32())]))),
    ]
)
NOTED = CommitProperties(custom_metadata={"pitlake": {}}, max_commit_retries=0)


def _rows(*minutes, site="Pit 1/north"):
    return pa.Table.from_pylist(
        [
            {
                "window": None if minute is None else START + timedelta(minutes=minute),
                "machine": f"m{minute}",
                "day": START.date(),
                "site": site,
                "tags": [("a", str(minute))],
                "list": [{"a": minute}],
            }
            for minute in minutes
        ],
        schema=SCHEMA,
    )


def _table(path, *batches, partition_by=("day", "site")):
    table = DeltaTable.create(str(path), SCHEMA, partition_by=list(partition_by))
    for batch in batches:
        write_deltalake(table, batch, mode="append")
    return table


def _content(table):
    return sorted(table.to_pyarrow_table().to_pylist(), key=lambda row: row["machine"])


def _all(table, *cuts):
    return Rewrite(tuple(data_files(table, "window")), cuts)


def _rewrite(table, plan):
    rewrite(table, plan, window="window", sort_by=("machine",), properties=NOTED)


def test_files_are_told_with_their_partition_and_windows(tmp_path):
    file = data_files(_table(tmp_path, _rows(3, 1, 2)), "window")[0]
    assert (file.rows, dict(file.partition)) == (3, {"day": "2026-02-15", "site": "Pit 1/north"})
    assert (file.low, file.high) == (START + timedelta(minutes=1), START + timedelta(minutes=3))


def test_files_become_one_and_rows_stay_the_same(tmp_path):
    table = _table(tmp_path, _rows(1), _rows(2), _rows(3))
    before = _content(table)
    _rewrite(table, _all(table))
    assert len(data_files(table)) == 1
    assert _content(table) == _content(DeltaTable(str(tmp_path))) == before


def test_files_are_cut_between_windows(tmp_path):
    table = _table(tmp_path, _rows(1, 5), _rows(2, 6))
    before = _content(table)
    _rewrite(table, _all(table, START + timedelta(minutes=5)))
    spans = sorted((file.low.minute, file.high.minute) for file in data_files(table, "window"))
    assert (spans, _content(table)) == ([(1, 2), (5, 6)], before)


def test_rows_without_a_window_are_kept(tmp_path):
    table = _table(tmp_path, _rows(1, None, 5))
    _rewrite(table, _all(table, START + timedelta(minutes=5)))
    assert [row["machine"] for row in _content(table)] == ["m1", "m5", "mNone"]


def test_rows_are_sorted_within_a_file(tmp_path):
    table = _table(tmp_path, _rows(3, 1), _rows(2))
    _rewrite(table, _all(table))
    assert table.to_pyarrow_table().column("machine").to_pylist() == ["m1", "m2", "m3"]


def test_a_column_that_older_files_lack_is_null(tmp_path):
    table = _table(tmp_path, _rows(1))
    table.alter.add_columns([Field("new", "string")])
    _rewrite(table, _all(table))
    assert _content(table)[0]["new"] is None
    assert Schema.from_arrow(SCHEMA).fields[0].name == "window"


def test_the_commit_changes_no_data_and_bears_the_properties(tmp_path):
    table = _table(tmp_path, _rows(1), _rows(2))
    _rewrite(table, _all(table))
    assert "pitlake" in table.history(1)[0]
    log = (tmp_path / "_delta_log" / f"{table.version():020}.json").read_text()
    assert '"dataChange":true' not in log


def test_a_merge_after_it_finds_its_rows(tmp_path):
    table = _table(tmp_path, _rows(1), _rows(2))
    _rewrite(table, _all(table))
    merged = (
        table.merge(_rows(1), "s.machine = t.machine AND t.window <= '2026-02-15T00:01:00Z'", source_alias="s", target_alias="t")
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )
    assert (merged["num_target_rows_updated"], merged["num_target_rows_inserted"]) == (1, 0)


def test_a_file_that_somebody_removed_meanwhile_is_no_basis(tmp_path):
    table = _table(tmp_path, _rows(1), _rows(2))
    DeltaTable(str(tmp_path)).delete()
    with pytest.raises(CommitFailedError):
        _rewrite(table, _all(table))
    assert DeltaTable(str(tmp_path)).to_pyarrow_table().num_rows == 0


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.int32(), 7), (pa.date32(), date(2026, 2, 15)), (pa.string(), "a b%c=d"), (pa.string(), None)]
)
def test_partition_values_survive(kind, value, tmp_path):
    table = DeltaTable.create(str(tmp_path), pa.schema([("p", kind), ("v", pa.int64())]), partition_by=["p"])
    rows = pa.table({"p": pa.array([value], kind), "v": [1]})
    for _ in range(2):
        write_deltalake(table, rows, mode="append")
    rewrite(table, Rewrite(tuple(data_files(table))), window=None, sort_by=(), properties=NOTED)
    assert DeltaTable(str(tmp_path)).to_pyarrow_table().to_pylist() == [{"p": value, "v": 1}] * 2
